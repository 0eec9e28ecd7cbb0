//! A circuit of one's own: an associative memory of tanh neurons with one compartment each, settled by the
//! solvers of dyads.
//!
//!     cargo run --release --example own_circuit
//!
//! Hopfield, PNAS 81, 3088 (1984): `τ dv_i/dt = Σ_j W_ij tanh v_j − v_i` with `W = (gain/N) Σ_p ξ_p ξ_pᵀ`
//! falls back to the nearest stored pattern `ξ`.

use dyadsim::circuit::{Dynamics, Scratch};
use dyadsim::matrix::{Matrix, select_rows};
use dyadsim::solve::{settle_any, stability};
use dyadsim::spec::{SolverKind, SolverSpec};

/// The memory, a sample for every start `[samples × neurons]` (V).
#[derive(Clone)]
struct Memory {
    weights: Matrix<f64>,
    starts: Matrix<f64>,
    /// `1/τ` of every neuron (1/s).
    rates: Vec<f64>,
}

impl Dynamics<f64> for Memory {
    fn width(&self) -> usize {
        self.weights.nrows()
    }
    fn samples(&self) -> usize {
        self.starts.nrows()
    }
    fn rates(&self) -> &[f64] {
        &self.rates
    }
    fn drive(&self, state: &Matrix<f64>, drive: &mut Matrix<f64>, scratch: &mut Scratch<f64>) {
        scratch.outputs_mut().zip_apply(state, |s, v| *s = v.tanh());
        drive.gemm(1.0, scratch.outputs_mut(), &self.weights.transpose(), 0.0);
    }
    fn tangent(&self, at: &Matrix<f64>, dv: &Matrix<f64>, du: &mut Matrix<f64>, scratch: &mut Scratch<f64>) {
        scratch.outputs_mut().zip_zip_apply(at, dv, |s, v, d| *s = d / v.cosh().powi(2));
        du.gemm(1.0, scratch.outputs_mut(), &self.weights.transpose(), 0.0);
    }
    fn adjoint(&self, at: &Matrix<f64>, du: &Matrix<f64>, dv: &mut Matrix<f64>, _: &mut Scratch<f64>) {
        dv.gemm(1.0, du, &self.weights, 0.0);
        dv.zip_apply(at, |d, v| *d /= v.cosh().powi(2));
    }
    fn free_state(&self) -> Matrix<f64> {
        self.starts.clone()
    }
    fn subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Dynamics<f64> + 'a> {
        Box::new(Self { starts: select_rows(&self.starts, samples), ..self.clone() })
    }
}

fn main() {
    let (neurons, gain) = (64, 2.0);
    // Three patterns of ±1 that are orthogonal to each other: halves, quarters and eighths.
    let patterns =
        Matrix::from_fn(3, neurons, |p, i| if i / (neurons >> (p + 1)) % 2 == 0 { 1.0 } else { -1.0 });
    let weights = patterns.transpose() * &patterns * (gain / neurons as f64);
    // Every pattern with each fifth neuron turned over, and weak.
    let starts = patterns.map_with_location(|_, i, s| if i % 5 == 0 { -0.3 * s } else { 0.3 * s });
    let memory = Memory { weights, starts, rates: vec![1e6; neurons] };
    let solver = SolverSpec { kind: SolverKind::Etd, ..SolverSpec::default() };
    let Some(settled) = settle_any(&solver, &memory, false) else {
        return println!("it has no layers to sweep");
    };
    let margins = stability(&memory, &solver, &settled.state, 1e-9).spectra;
    println!("pattern  outcome   overlap at the start and at rest  time     margin");
    for (p, margin) in margins.iter().enumerate() {
        let overlap = |state: &Matrix<f64>| {
            let agree =
                patterns.row(p).iter().zip(state.row(p).iter()).filter(|(s, v)| **s * **v > 0.0).count();
            agree as f64 / neurons as f64
        };
        let margin = margin.as_ref().map_or(f64::NAN, |spectrum| -spectrum.abscissa() * 1e-6);
        println!(
            "{p:>7}  {:<9} {:>8.2} {:>22.2} {:>11.2} µs {margin:>6.3}/τ",
            settled.outcomes[p].name(),
            overlap(&memory.starts),
            overlap(&settled.state),
            1e6 * settled.time[p]
        );
    }
}
