//! What every run costs at its end, where the circuit says what its parts take (`[cost]`).

use super::ExperimentError;
use super::plan::RunPlan;
use super::rows::{CostRow, MetricsRow};
use super::run::Setting;
use crate::record::weights::read_weights_unchecked;
use dyadsim_core::cost::{Cost, Work};
use dyadsim_core::learn::circuit_of;
use dyadsim_core::random::{Key, Kind, permutation, stream};
use dyadsim_core::spec::RuleSpec;
use dyadsim_core::train::gather;

/// Most training samples that are simulated: the first of the probe.
const SAMPLES: usize = 64;

/// The row of a complete run with its last metrics; none without `[cost]`, for rules that no chip could run,
/// and where no sample comes to rest.
pub(super) fn priced(
    setting: &Setting<'_>,
    plan: &RunPlan,
    last: Option<&MetricsRow>,
) -> Result<Option<CostRow>, ExperimentError> {
    let (experiment, circuit) = (&plan.resolved.experiment, &plan.resolved.circuit);
    let (Some(prices), Some(last)) = (&circuit.cost, last) else { return Ok(None) };
    if !plan.rule.is_for_chips() {
        return Ok(None);
    }
    let spec = circuit_of(plan.rule, &circuit.nudged(last.kept_beta));
    let file = setting.folder.weights(&plan.name);
    let weights = read_weights_unchecked::<f64>(&file, Some(experiment.network.as_slice()))?;
    let order = permutation(setting.dataset.train.len(), &mut stream(Key::new(0, Kind::Probe)));
    let mut batch = gather(setting.dataset, &order[..SAMPLES.min(order.len())]);
    batch.sample_ids.seed = plan.seed;
    let finite = weights.forward.iter().all(|w| w.iter().all(|v| v.is_finite()));
    let simulated = || Work::of_rule(&RuleSpec::of(experiment, plan.rule), &spec, &weights, &batch);
    let Some(work) = finite.then(simulated).flatten() else { return Ok(None) };
    let Some(cost) = Cost::new(&spec, prices, &work) else { return Ok(None) };
    // A presentation relaxes and reads; what is programmed is the batch's.
    let presented = (last.epoch * setting.dataset.train.len()) as f64;
    let updates = (last.epoch * setting.dataset.train.len().div_ceil(experiment.batch)) as f64;
    let programming = cost.update_j.programming.unwrap_or(0.0);
    let training = presented * (cost.update_j.total() - programming) + updates * programming;
    let lasting = presented * (cost.update_j.time_s - prices.programming_time);
    Ok(Some(CostRow {
        run: plan.name.clone(),
        rule: plan.rule.name().into(),
        alpha: plan.alpha(),
        beta: plan.beta().map(|_| spec.nudge.beta),
        seed: plan.seed,
        readout_time_s: spec.readout.time,
        relaxations: work.relaxations,
        at_rest: work.at_rest[1],
        test_accuracy: last.test_accuracy,
        power_w: cost.power_w.total(),
        latency_inference_s: cost.inference_j.time_s,
        latency_update_s: cost.update_j.time_s,
        energy_inference_j: cost.inference_j.total(),
        energy_update_j: cost.update_j.total(),
        energy_training_j: training,
        time_training_s: Some(lasting + updates * prices.programming_time),
        area_m2: cost.area_m2.total(),
    }))
}
