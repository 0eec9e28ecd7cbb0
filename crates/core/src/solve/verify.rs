//! Whether a circuit would reach the operating points that were found, and stay there.
//!
//! Without time every fixed point looks alike. The rightmost eigenvalue tells whether a point repels: then a
//! real one is reported as latch-up, a complex pair as oscillation. A transient tells what the circuit does
//! from its start; where that is something else, it is what counts. A circuit with a clock is stepped by it.
//! A point on a rail that the free equilibrium does not touch is latch-up, however stable.

use nalgebra::RealField;

use super::etd::Etd;
use super::outcome::{Outcome, Settled};
use super::rails::Rails;
use super::spectrum::{Verdict, spectrum};
use super::stochastic::Stochastic;
use super::{Dynamics, Universal};
use crate::matrix::{Matrix, Real};
use crate::spec::{SolverSpec, Verify};

/// Two states closer than this share of `‖v‖∞` are the same equilibrium; different ones lie kinks apart.
const SAME: f64 = 1e-3;

/// Turns fixed points that the circuit does not reach from `start`, or its free state, into what becomes of
/// it.
pub(super) fn verify<T: Real>(
    spec: &SolverSpec,
    circuit: &dyn Dynamics<T>,
    start: Option<Matrix<T>>,
    settled: &mut Settled<T>,
) {
    match spec.verify {
        Verify::None => {}
        Verify::Eigen => by_eigenvalue(circuit, settled),
        Verify::Transient => return by_transient(spec, circuit, start, settled),
    }
    Rails::judge(circuit, spec, settled);
}

fn by_eigenvalue<T: Real>(circuit: &dyn Dynamics<T>, settled: &mut Settled<T>) {
    for i in 0..settled.outcomes.len() {
        if !settled.outcomes[i].is_settled() {
            continue;
        }
        let state: Vec<f64> = settled.state.row(i).iter().map(|v| v.to_f64()).collect();
        let found = spectrum(circuit, i, &state);
        settled.outcomes[i] = match found.verdict() {
            // Eigenvalues that did not converge verify nothing.
            Verdict::Stable if found.abscissa().is_nan() => Outcome::Timeout,
            Verdict::Stable => Outcome::Settled,
            Verdict::LatchUp => Outcome::LatchUp,
            Verdict::Oscillation => Outcome::Oscillation,
        };
    }
}

fn by_transient<T: Real>(
    spec: &SolverSpec,
    circuit: &dyn Dynamics<T>,
    start: Option<Matrix<T>>,
    settled: &mut Settled<T>,
) {
    let transient = match circuit.clock() {
        Some(_) => Stochastic::new(spec).settle_any(circuit, start, false),
        None => Etd::new(spec).settle_any(circuit, start, false),
    };
    settled.counts.rejected += transient.counts.rejected;
    settled.counts.steps += transient.counts.steps;
    settled.counts.rhs_evals += transient.counts.rhs_evals;
    for i in 0..settled.outcomes.len() {
        let reached = transient.outcomes[i].is_settled() && settled.outcomes[i].is_settled();
        let (point, end) = (settled.state.row(i), transient.state.row(i));
        if reached && (point - end).amax() <= T::of(SAME) * RealField::max(point.amax(), T::of(SAME)) {
            settled.time[i] = transient.time[i];
            continue;
        }
        settled.outcomes[i] = transient.outcomes[i];
        settled.time[i] = transient.time[i];
        settled.residual[i] = transient.residual[i];
        settled.state.row_mut(i).copy_from(&transient.state.row(i));
    }
}
