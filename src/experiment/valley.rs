//! The valley between bias and noise, predicted: for every noisy place of the grid, angles against a range of nudges.
//!
//! The weights are those of the backpropagation run at its end, so that all rules are predicted for the same network.

use std::collections::BTreeSet;

use super::ExperimentError;
use super::plan::RunPlan;
use super::run::Setting;
use crate::analysis::linear::{Valley, best, truth};
use crate::chip::{Chip, Weights};
use crate::learn::Batch;
use crate::random::{Key, Kind, permutation, stream};
use crate::record::rows::ValleyRow;
use crate::record::weights::read_weights_unchecked;
use crate::spec::{RuleKind, Variant, rule_name};
use crate::train::gather;

/// Nudges that an experiment must compare for a valley to be seen.
const NUDGES: usize = 3;
/// Predicted nudges per decade.
const PER_DECADE: f64 = 6.0;
/// Most samples that are predicted: the first of the probe.
const SAMPLES: usize = 16;
/// Most compartments for which it is done: every sample and nudge costs a dense equation.
const DENSE: usize = 400;

/// Rows of all places of the grid that have noise and a reference; none if nudges are not compared.
pub(super) fn predicted(setting: &Setting<'_>, plans: &[RunPlan]) -> Result<Vec<ValleyRow>, ExperimentError> {
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for plan in plans.iter().filter(|plan| is_predicted(plan)) {
        let betas = nudges(plans, plan);
        let (Some(reference), true) = (&plan.reference, betas.len() >= NUDGES) else { continue };
        if seen.insert(place(plan)) {
            let network = Some(plan.resolved.experiment.network.as_slice());
            let weights = read_weights_unchecked::<f64>(&setting.folder.weights(reference), network)?;
            rows.extend(valley(setting, plan, reference, &weights, &range(&betas)));
        }
    }
    Ok(rows)
}

/// Whether there is noise to predict in a circuit that is small enough.
fn is_predicted(plan: &RunPlan) -> bool {
    let (circuit, network) = (&plan.resolved.circuit, &plan.resolved.experiment.network);
    let noisy = circuit.noise.moving().is_some() || circuit.noise.sampled.is_some();
    let width: usize = network[1..].iter().map(|n| 2 * n).sum();
    plan.rule != RuleKind::Bp && noisy && width <= DENSE
}

/// What runs share that differ in nudge and seed only.
fn place(plan: &RunPlan) -> (&'static str, String, String) {
    let settings = serde_json::to_string(&plan.settings).unwrap_or_default();
    (rule_name(plan.rule), plan.resolved.circuit.nudge.alpha.to_string(), settings)
}

/// Nudges at the place of a run, ascending.
fn nudges(plans: &[RunPlan], plan: &RunPlan) -> Vec<f64> {
    let there = plans.iter().filter(|other| place(other) == place(plan));
    let mut betas: Vec<f64> = there.map(|other| other.resolved.circuit.nudge.beta).collect();
    betas.sort_by(f64::total_cmp);
    betas.dedup();
    betas.retain(|&beta| beta > 0.0);
    betas
}

/// Evenly in logarithm, from the weakest of these nudges to the strongest.
fn range(betas: &[f64]) -> Vec<f64> {
    let (low, high) = (betas[0], betas[betas.len() - 1]);
    let steps = ((high / low).log10() * PER_DECADE).ceil().max(1.0);
    (0..=steps as usize).map(|k| low * (high / low).powf(k as f64 / steps)).collect()
}

fn valley(
    setting: &Setting<'_>,
    plan: &RunPlan,
    reference: &str,
    weights: &Weights<f64>,
    betas: &[f64],
) -> Vec<ValleyRow> {
    let experiment = &plan.resolved.experiment;
    let mut spec = plan.resolved.circuit.clone();
    match plan.rule {
        RuleKind::Dp => spec.nudge.variant = Variant::Dp,
        RuleKind::DpTranspose => spec.nudge.variant = Variant::DpTranspose,
        RuleKind::Bp | RuleKind::Custom => {}
    }
    let order = permutation(setting.dataset.train.len(), &mut stream(Key::new(0, Kind::Probe)));
    let batch: Batch<f64> = gather(setting.dataset, &order[..SAMPLES.min(order.len())]);
    let chip = Chip::fabricate(&spec, &experiment.network);
    let valley = Valley::predict(&spec, &chip, weights, &batch, betas, chip.readout);
    let truth = truth(&spec, &chip, weights, &batch);
    let best = best(&valley, &truth, experiment.batch).map(|(beta, _)| beta);
    let depth = chip.layout.depth();
    let rows = valley.iter().map(|at| {
        // The mean over layers, as the measured angles are compared.
        let mean = |of: fn((f64, f64, f64)) -> f64| {
            let estimate = at.estimate.as_ref()?;
            let angles = (0..depth).map(|layer| {
                let angle = estimate.angle(&truth, Some(layer), experiment.batch);
                of((angle.bias, angle.noise, angle.total))
            });
            Some(angles.sum::<f64>() / depth as f64).filter(|angle| angle.is_finite())
        };
        ValleyRow {
            rule: rule_name(plan.rule).into(),
            alpha: spec.nudge.alpha,
            settings: place(plan).2,
            weights: reference.into(),
            batch: experiment.batch,
            samples: batch.inputs.nrows(),
            beta: at.beta,
            bias_deg: mean(|(bias, _, _)| bias),
            noise_deg: mean(|(_, noise, _)| noise),
            total_deg: mean(|(_, _, total)| total),
            unstable: at.unstable,
            best_beta: best,
        }
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_ends_and_six_steps_to_a_decade() {
        let betas = range(&[0.01, 0.3, 1.0]);
        assert_eq!((betas[0], betas.len()), (0.01, 13));
        assert!((betas[12] - 1.0).abs() < 1e-12 && (betas[6] - 0.1).abs() < 1e-12);
    }
}
