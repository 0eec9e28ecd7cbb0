//! What a stationary sample fluctuates about: an equilibrium, or a cycle that noise only blurs.
//!
//! Windowed means cannot tell them apart. Where the circuit is nudged, and so could ring, its noise is
//! switched off: from where the sample is, it must settle, to within a hundredth of how far it strayed from
//! its mean. On the way it may touch rails, to which noise alone has driven it; where it rests on one that
//! the free equilibrium does not touch, it has latched up.

use super::super::criteria::Criteria;
use super::super::etd::settle_by;
use super::super::rails::Rails;
use super::super::{Counts, Dynamics, Outcome};
use super::fixed_step::FixedStep;
use super::settle_noiseless;
use crate::matrix::{Matrix, Real, select_rows};
use crate::spec::SolverSpec;

/// Share of the fluctuations that may be left.
const LEFT: f64 = 0.01;

/// Outcomes of stationary samples (rows of `state`, V, around `mean`) after noise is switched off.
pub(super) fn check_without_noise<T: Real>(
    spec: &SolverSpec,
    circuit: &dyn Dynamics<T>,
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
    let part = circuit.subset(rows);
    let criteria = Criteria::new(spec, part.slowest());
    let criteria = Criteria { atol: spec.atol.max(LEFT * rms), rails: false, ..criteria };
    let start = select_rows(state, rows);
    let mut quiet = match part.clock() {
        Some(_) => settle_noiseless(
            part.as_ref(),
            FixedStep::new(spec, part.as_ref(), start).without_noise(),
            criteria,
            false,
        ),
        None => settle_by(criteria, part.as_ref(), Some(start), false),
    };
    Rails::judge(part.as_ref(), spec, &mut quiet);
    let fates = quiet.outcomes.into_iter().map(|outcome| match outcome {
        Outcome::Settled => Outcome::NoisySettled,
        other => other,
    });
    (fates.collect(), quiet.counts)
}
