//! A margin that is kept: which nudge the next epoch is trained with, by what the probe samples bear.
//!
//! A pure function of weights and description, so that a run that goes on from a checkpoint takes the same
//! nudges.

use super::plan::RunPlan;
use super::probe::Probe;
use dyadsim_core::analysis::limits::{Shortfall, keep, shortfall};
use dyadsim_core::chip::Weights;
use dyadsim_core::matrix::Real;
use dyadsim_core::spec::{KeepMarginSpec, Otherwise};
use dyadsim_core::units::significant;

/// The margin that a run keeps; rules without a circuit keep none.
pub(super) fn asked(plan: &RunPlan) -> Option<KeepMarginSpec> {
    plan.resolved.circuit.nudge.keep_margin.filter(|_| plan.rule.is_feed_forward_dyadic())
}

/// The nudge for the next epoch, or why there is none.
pub(super) fn next_nudge<T: Real>(
    asked: &KeepMarginSpec,
    probe: &Probe<T>,
    weights: &Weights<T>,
) -> Result<f64, String> {
    let Some(spec) = probe.spec() else { return Err("the rule has no circuit".into()) };
    let (batch, weights) = (probe.margin_batch(), weights.cast::<f64>());
    let diagnosis = |short: &Shortfall| describe(short, probe.sample(short.sample), asked.at_least);
    match asked.otherwise {
        Otherwise::Lower => {
            keep(spec, &weights, &batch, asked.at_least).map(|kept| kept.beta).map_err(|s| diagnosis(&s))
        }
        Otherwise::Stop => match shortfall(spec, &weights, &batch, asked.at_least) {
            Some(short) => Err(diagnosis(&short)),
            None => Ok(spec.nudge.beta),
        },
    }
}

/// Which sample, which failure, which margin.
fn describe(short: &Shortfall, sample: usize, asked: f64) -> String {
    let margin = short.margin.map_or_else(
        || "no equilibrium was found".to_owned(),
        |margin| format!("margin {}/τ", significant(margin, 3)),
    );
    format!(
        "{} of training sample {sample} at β = {}: {margin}, asked for {asked}/τ",
        short.failure(),
        significant(short.beta, 3)
    )
}
