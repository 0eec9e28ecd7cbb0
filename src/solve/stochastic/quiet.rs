//! What a stationary sample fluctuates about: an equilibrium, or a cycle that noise only blurs.
//!
//! Windowed means cannot tell them apart. Where the circuit is nudged, and so could ring, its noise is switched off: from where the
//! sample is, it must settle, to within a hundredth of how far it strayed from its mean.

use super::super::etd::Etd;
use super::super::{Circuit, Counts, Outcome, Solver};
use crate::matrix::{Matrix, Real, select_rows};
use crate::spec::SolverSpec;

/// Share of the fluctuations that may be left.
const LEFT: f64 = 0.01;

/// What becomes of samples (rows of `state`, V) that have the same `mean` for a while, once their noise is gone.
pub(super) fn fates<T: Real>(
    spec: &SolverSpec,
    circuit: &dyn Circuit<T>,
    rows: &[usize],
    (state, mean): (&Matrix<T>, &Matrix<T>),
) -> (Vec<Outcome>, Counts) {
    let mut apart = 0.0_f64;
    for &row in rows {
        for column in 0..state.ncols() {
            apart += (state[(row, column)] - mean[(row, column)]).to_f64().powi(2);
        }
    }
    let rms = (apart / (rows.len() * state.ncols()) as f64).sqrt();
    let spec = SolverSpec { atol: spec.atol.max(LEFT * rms), ..spec.clone() };
    let part = circuit.subset(rows);
    let quiet = Etd::new(&spec).settle(part.as_ref(), Some(select_rows(state, rows)), false);
    let fates = quiet.outcomes.into_iter().map(|outcome| match outcome {
        Outcome::Settled => Outcome::NoisySettled,
        other => other,
    });
    (fates.collect(), quiet.counts)
}
