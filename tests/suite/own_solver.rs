//! A solver of one's own, outside the crate: forward Euler with a fixed step, which is all that the trait
//! asks for.

use dyadsim_core::circuit::Dynamics;
use dyadsim_core::learn::Measurement;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::{Counts, Outcome, Settled, Solver, Universal};
use dyadsim_core::spec::{ActivationKind, Variant};

use super::nets::{Net, ideal};

/// Forward Euler: `v ← v + (u − v) h/τ`, until no compartment moves by more than `tolerance` in its `τ`.
struct Euler {
    /// `h/τ` of the slowest compartment.
    step: f64,
    /// V.
    tolerance: f64,
    most: u64,
}

impl Universal<f64> for Euler {
    fn settle_any(
        &self,
        circuit: &dyn Dynamics<f64>,
        start: Option<Matrix<f64>>,
        _traced: bool,
    ) -> Settled<f64> {
        let samples = circuit.samples();
        let mut state = start.unwrap_or_else(|| circuit.free_state());
        let mut drive = Matrix::zeros(samples, circuit.width());
        let mut scratch = circuit.scratch(samples);
        let mut counts = Counts::default();
        let rest = loop {
            circuit.limited_drive(&state, &mut drive, &mut scratch);
            counts.rhs_evals += 1;
            let rest = &drive - &state;
            if rest.amax() <= self.tolerance || counts.steps == self.most {
                break rest;
            }
            for (j, mut column) in state.column_iter_mut().enumerate() {
                column += rest.column(j) * (self.step * circuit.slowest() * circuit.rates()[j]);
            }
            counts.steps += 1;
        };
        let residual: Vec<f64> = rest.row_iter().map(|row| row.amax()).collect();
        let outcome = |r: &f64| if *r <= self.tolerance { Outcome::Settled } else { Outcome::Timeout };
        let time = counts.steps as f64 * self.step * circuit.slowest();
        Settled {
            outcomes: residual.iter().map(outcome).collect(),
            time: vec![time; samples],
            state,
            residual,
            counts,
            traces: Vec::new(),
        }
    }
}

#[test]
fn a_solver_of_ones_own_settles_circuits_and_its_states_give_gradients() {
    let spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.1);
    let net = Net::random(5, &[7, 6, 5, 3], 9, 0.8, spec);
    let circuit = net.circuit();
    let solver: Box<dyn Universal<f64>> = Box::new(Euler { step: 0.1, tolerance: 1e-12, most: 10_000 });
    let settled = Solver::settle(&solver, &circuit, None, false);
    assert!(settled.outcomes.iter().all(|outcome| outcome.is_settled()), "{:?}", settled.residual);
    // Euler's equilibria are the circuit's, whatever its step: u = v. A residual r leaves a state within r/λ
    // of it, λ the rate of the slowest mode in 1/τ, here above 0.1.
    let (found, wanted) = (&settled.state, net.fixed_points().state);
    assert!((found - &wanted).amax() < 1e-11, "{:e}", (found - &wanted).amax());
    let (own, theirs) =
        (Measurement::read(&circuit, settled), Measurement::read(&circuit, net.fixed_points()));
    for (a, b) in own.differences.iter().zip(&theirs.differences) {
        assert!((a - b).amax() < 2e-11);
    }
    // One that is given no time says so.
    let hasty: Box<dyn Universal<f64>> = Box::new(Euler { step: 0.1, tolerance: 1e-12, most: 3 });
    let cut = Solver::settle(&hasty, &circuit, None, false);
    assert!(cut.outcomes.iter().all(|outcome| *outcome == Outcome::Timeout));
}
