//! One judge in double precision for both sides: residuals, distances from Newton's solution and from a
//! reference.

use dyadsim_core::circuit::{Layered, Scratch};
use dyadsim_core::matrix::measure::{Largest, larger};
use dyadsim_core::matrix::{Matrix, Real};
use dyadsim_core::solve::{Trace, fixed_point, settle_all};
use dyadsim_core::spec::{SolverKind, SolverSpec};

/// End of every trajectory (τ).
pub const END: f64 = 40.0;
/// Points at which trajectories are compared.
const POINTS: u32 = 64;

/// Times of comparison (τ): closer at the start, where the circuit moves.
pub fn times() -> Vec<f64> {
    (0..POINTS).map(|i| END * (f64::from(i) / f64::from(POINTS - 1)).powi(2)).collect()
}

/// Largest `‖τ dv/dt‖∞` of the batch at a state (V).
pub fn residual(circuit: &dyn Layered<f64>, state: &Matrix<f64>) -> f64 {
    let mut drive = state.clone();
    circuit.drive(state, &mut drive, &mut Scratch::new(circuit.layout(), circuit.samples()));
    distance(&drive, state)
}

/// Largest difference of two states (V); NaN counts as infinite.
pub fn distance(one: &Matrix<f64>, other: &Matrix<f64>) -> f64 {
    let gap = |(a, b): (&f64, &f64)| (a - b).abs();
    one.iter().zip(other).map(gap).fold(0.0, |worst, x| if x.is_nan() { f64::INFINITY } else { worst.max(x) })
}

/// Fixed points of some samples by Newton's method, from the free state and, where that fails, from `near`.
pub struct Newton {
    /// One per sample, and which they are.
    points: Vec<(usize, Vec<f64>)>,
    /// Samples asked for.
    asked: usize,
}

impl Newton {
    pub fn solve(circuit: &dyn Layered<f64>, near: &Matrix<f64>, samples: usize) -> Self {
        let free = circuit.free_state();
        let row = |matrix: &Matrix<f64>, i: usize| matrix.row(i).iter().copied().collect::<Vec<_>>();
        let asked = samples.min(circuit.samples());
        let solve = |i: usize| {
            let first = fixed_point(circuit, i, &row(&free, i), 1e-11);
            let point = if first.converged { first } else { fixed_point(circuit, i, &row(near, i), 1e-11) };
            point.converged.then_some((i, point.state))
        };
        Self { points: (0..asked).filter_map(solve).collect(), asked }
    }

    /// Largest distance of a state from them (V), as a cell.
    pub fn distance(&self, state: &Matrix<f64>) -> String {
        let gap = |(i, point): &(usize, Vec<f64>)| {
            state.row(*i).iter().zip(point).map(|(a, b)| (a - b).abs()).fold(0.0, larger)
        };
        let worst = self.points.iter().map(gap).fold(0.0, larger);
        let missing = self.asked - self.points.len();
        let note = if missing > 0 { format!(" ({missing} not found)") } else { String::new() };
        format!("{worst:.1e}{note}")
    }
}

/// States of the first rows at [`times`], by the eighth-order reference at `1e-11` in double precision.
pub fn reference(circuit: &dyn Layered<f64>, rows: usize) -> Vec<Matrix<f64>> {
    integrated(circuit, rows, SolverKind::Dop853, 1e-11)
}

/// Largest difference of the first sample's reference from another method's solution at `1e-9` (V).
pub fn doubt(circuit: &dyn Layered<f64>, reference: &[Matrix<f64>]) -> f64 {
    let first: Vec<Matrix<f64>> = reference.iter().map(|states| states.rows(0, 1).into_owned()).collect();
    apart(&integrated(circuit, 1, SolverKind::Dopri5, 1e-9), &first)
}

fn integrated(circuit: &dyn Layered<f64>, rows: usize, kind: SolverKind, tolerance: f64) -> Vec<Matrix<f64>> {
    let part = circuit.layered_subset(&(0..rows).collect::<Vec<_>>());
    let (rtol, atol) = (tolerance, tolerance);
    let spec = SolverSpec { kind, rtol, atol, max_time: END, ..SolverSpec::default() };
    sampled(&settle_all(&spec, part.as_ref(), true).traces, part.slowest())
}

/// Traces at [`times`], one matrix of samples by compartments per time.
pub fn sampled(traces: &[Trace], tau: f64) -> Vec<Matrix<f64>> {
    let states = |time: f64| traces.iter().map(|trace| trace.at(time * tau)).collect::<Vec<_>>();
    let matrix = |rows: Vec<Vec<f64>>| Matrix::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j]);
    times().into_iter().map(|time| matrix(states(time))).collect()
}

/// Largest difference of two trajectories over all times (V).
pub fn apart(one: &[Matrix<f64>], other: &[Matrix<f64>]) -> f64 {
    one.iter().zip(other).map(|(a, b)| distance(a, b)).fold(0.0, larger)
}

/// Largest difference of two gradients, layer by layer in units of the layer's largest entry.
pub fn gradients_apart<T: Real>(ours: &[Matrix<T>], theirs: &[Matrix<f64>]) -> f64 {
    let layer = |(a, b): (&Matrix<T>, &Matrix<f64>)| {
        let gap = a.iter().zip(b).map(|(a, b)| (a.to_f64() - b).abs()).fold(0.0, larger);
        gap / b.largest()
    };
    ours.iter().zip(theirs).map(layer).fold(0.0, larger)
}
