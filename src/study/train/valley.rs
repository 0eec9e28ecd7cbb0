//! The valley between bias and noise, predicted: for every noisy run the angle at its own nudge and final
//! weights, and for every place of the grid the best nudge for the network that backpropagation has trained.

use std::collections::HashMap;

use super::ExperimentError;
use super::identity::{GridPlace, RunKey};
use super::plan::RunPlan;
use super::rows::ValleyRow;
use super::run::Setting;
use crate::record::weights::read_weights_unchecked;
use dyadsim_core::analysis::small_signal::{Angle, NudgeSweep, best, exact_gradient};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::learn::{Batch, Gradient, circuit_of, programmed};
use dyadsim_core::random::{Key, Kind, permutation, stream};
use dyadsim_core::spec::{CircuitSpec, NoiseKind};
use dyadsim_core::train::gather;

/// Nudges that an experiment must compare for a valley to be seen.
const NUDGES: usize = 3;
/// Predicted nudges per decade.
const PER_DECADE: f64 = 6.0;
/// Most samples that are predicted: the first of the probe.
const SAMPLES: usize = 64;
/// Most compartments for which it is done: every sample and nudge costs a dense equation.
const DENSE: usize = 400;

/// A row for every run with noise; none if nudges are not compared.
pub(super) fn predicted(setting: &Setting<'_>, plans: &[RunPlan]) -> Result<Vec<ValleyRow>, ExperimentError> {
    let mut rows = Vec::new();
    let mut best_of: HashMap<_, Option<f64>> = HashMap::new();
    for plan in plans.iter().filter(|plan| is_predicted(plan)) {
        let betas = nudges(plans, plan);
        if betas.len() < NUDGES {
            continue;
        }
        let network = Some(plan.resolved.experiment.network.as_slice());
        let weights = |run: &str| read_weights_unchecked::<f64>(&setting.folder.weights(run), network);
        let set = OperatingSet::new(setting, plan);
        if let (None, Some(reference)) = (best_of.get(&place(plan)), &plan.reference) {
            let theirs = programmed(plan.rule, &plan.resolved.circuit, weights(reference)?);
            best_of.insert(place(plan), set.best(&theirs, &range(&betas)));
        }
        let best = best_of.get(&place(plan)).copied().flatten();
        rows.push(set.row(plan, &weights(&plan.name)?, best));
    }
    Ok(rows)
}

/// Whether there is noise to predict in a circuit that is small enough.
fn is_predicted(plan: &RunPlan) -> bool {
    let (circuit, network) = (&plan.resolved.circuit, &plan.resolved.experiment.network);
    let noisy = NoiseKind::ALL.iter().any(|kind| kind.size(&circuit.noise) != 0.0);
    let width: usize = network[1..].iter().map(|n| 2 * n).sum();
    // Predictions are for continuous time, and for one relaxation.
    let plain = !circuit.readout.auto_zero && !circuit.readout.chopping && circuit.clock.is_none();
    // So are they for one nudge.
    let steady = circuit.nudge.keep_margin.is_none();
    plan.rule.is_feed_forward_dyadic() && noisy && plain && steady && width <= DENSE
}

/// What runs share that differ in nudge and seed only.
fn place(plan: &RunPlan) -> RunKey {
    let key = plan.key();
    RunKey { place: GridPlace { beta: None, ..key.place }, ..key }
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

/// A circuit with the samples that it is looked at with.
struct OperatingSet {
    spec: CircuitSpec,
    chip: Chip<f64>,
    batch: Batch<f64>,
    /// Samples that a gradient is averaged over.
    averaged: usize,
}

impl OperatingSet {
    fn new(setting: &Setting<'_>, plan: &RunPlan) -> Self {
        let experiment = &plan.resolved.experiment;
        let spec = circuit_of(plan.rule, &plan.resolved.circuit);
        let order = permutation(setting.dataset.train.len(), &mut stream(Key::new(0, Kind::Probe)));
        let samples = experiment.batch.max(experiment.probe).min(order.len());
        Self {
            chip: Chip::fabricate(&spec, &experiment.network),
            batch: gather(setting.dataset, &order[..samples.min(SAMPLES)]),
            averaged: samples,
            spec,
        }
    }

    fn valley(&self, weights: &Weights<f64>, betas: &[f64]) -> (Vec<NudgeSweep>, Gradient<f64>) {
        let Self { spec, chip, batch, .. } = self;
        let valley = NudgeSweep::predict(spec, chip, weights, batch, betas, chip.readout);
        (valley, exact_gradient(spec, chip, weights, batch))
    }

    /// The nudge of the smallest angle of the whole gradient.
    fn best(&self, weights: &Weights<f64>, betas: &[f64]) -> Option<f64> {
        let (valley, truth) = self.valley(weights, betas);
        best(&valley, &truth, self.averaged).map(|(beta, _)| beta)
    }

    /// What is predicted for a run at its end.
    fn row(&self, plan: &RunPlan, weights: &Weights<f64>, best_beta: Option<f64>) -> ValleyRow {
        let beta = self.spec.nudge.beta;
        let finite = weights.forward.iter().all(|w| w.iter().all(|v| v.is_finite()));
        let found = finite.then(|| self.valley(weights, &[beta]));
        // The mean over layers, as the measured angles are compared.
        let mean = |of: fn(&Angle) -> f64| {
            let (valley, truth) = found.as_ref()?;
            let estimate = valley[0].estimate.as_ref()?;
            let depth = self.chip.layout.depth();
            let angles = (0..depth).map(|layer| of(&estimate.angle(truth, Some(layer), self.averaged)));
            Some(angles.sum::<f64>() / depth as f64).filter(|angle| angle.is_finite())
        };
        ValleyRow {
            run: plan.name.clone(),
            rule: plan.rule.name().into(),
            alpha: self.spec.nudge.alpha,
            beta,
            seed: plan.seed,
            averaged: self.averaged,
            samples: self.batch.inputs.nrows(),
            bias_deg: mean(|angle| angle.bias),
            noise_deg: mean(|angle| angle.noise),
            total_deg: mean(|angle| angle.total),
            unstable: found.as_ref().map(|(valley, _)| valley[0].unstable),
            best_beta,
        }
    }
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
