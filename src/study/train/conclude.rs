//! From complete runs to tables, comparisons, figures and the report.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::ExperimentError;
use super::cost::priced;
use super::figures::{Tables, draw_all, report};
use super::identity::GridPlace;
use super::plan::{RunPlan, control_name, plan_controls};
use super::rows::{ControlSummary, PairSummary, Summary, TrajectoryRow};
use super::run::Setting;
use super::run_summary::summary;
use super::setting_columns::of_runs;
use super::stored::{Record, finished};
use super::valley::predicted;
use crate::record::json::write_json;
use crate::record::table::write_table_of_runs;
use crate::record::weights::read_weights_unchecked;
use dyadsim_core::analysis::{agreement, relative_distance};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::learn::circuit_of;
use dyadsim_core::matrix::measure::cosine;
use dyadsim_core::solve::Outcome;
use dyadsim_core::spec::Resolved;
use dyadsim_core::train::predict_classes;

/// A complete run with what it learned.
struct FinishedRun<'a> {
    plan: &'a RunPlan,
    record: Record,
    weights: Weights<f64>,
    /// Predicted class of every test sample.
    predictions: Vec<usize>,
}

/// Writes everything that is known only at the end.
pub(super) fn finish(
    setting: &Setting<'_>,
    base: &Resolved,
    plans: &[RunPlan],
) -> Result<Summary, ExperimentError> {
    let runs = plans.par_iter().map(|plan| read_finished(setting, plan)).collect::<Result<Vec<_>, _>>()?;
    let folder = setting.folder.path();
    let metrics: Vec<_> = runs.iter().flat_map(|run| run.record.metrics.clone()).collect();
    let layers: Vec<_> = runs.iter().flat_map(|run| run.record.layers.clone()).collect();
    let what = of_runs(base, plans);
    write_table_of_runs(folder, "metrics", &metrics, &what)?;
    write_table_of_runs(folder, "layers", &layers, &what)?;
    write_table_of_runs(folder, "trajectories", &trajectories(&runs), &what)?;
    let valley = predicted(setting, plans)?;
    if !valley.is_empty() {
        write_table_of_runs(folder, "valley", &valley, &what)?;
    }
    let costs = runs.par_iter().map(|run| priced(setting, run.plan, run.record.metrics.last()));
    let costs: Vec<_> = costs.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    if !costs.is_empty() {
        write_table_of_runs(folder, "cost", &costs, &what)?;
    }
    let summary = Summary {
        name: base.experiment.name.clone(),
        runs: runs.iter().map(|run| summary(run.plan, &run.record, &run.weights)).collect(),
        pairs: pairs(&runs, &drifts(setting, plans, &runs)?),
    };
    write_json(&folder.join("summary.json"), &summary)?;
    let tables = Tables::read(folder)?;
    draw_all(folder, &tables)?;
    report(folder, &tables)?;
    Ok(summary)
}

/// Reads a complete run back; weight files of diverged runs may hold anything.
fn read_finished<'a>(setting: &Setting<'_>, plan: &'a RunPlan) -> Result<FinishedRun<'a>, ExperimentError> {
    let network = &plan.resolved.experiment.network;
    let record = finished(setting, plan)?;
    let weights = read_weights_unchecked::<f64>(&setting.folder.weights(&plan.name), Some(network))?;
    let chip = Chip::fabricate(&circuit_of(plan.rule, &plan.resolved.circuit), network);
    let predictions = predict_classes(&chip, &weights, &setting.dataset.test);
    Ok(FinishedRun { plan, record, weights, predictions })
}

/// Every run that has a control against it, by the run's name.
fn drifts(
    setting: &Setting<'_>,
    plans: &[RunPlan],
    runs: &[FinishedRun<'_>],
) -> Result<BTreeMap<String, ControlSummary>, ExperimentError> {
    let controls = plan_controls(plans);
    let moved =
        controls.par_iter().map(|plan| read_finished(setting, plan)).collect::<Result<Vec<_>, _>>()?;
    let by_name: BTreeMap<String, &FinishedRun<'_>> =
        moved.iter().map(|control| (control.plan.name.clone(), control)).collect();
    let drift = |run: &FinishedRun<'_>| {
        let control = by_name.get(&control_name(&run.plan.name))?;
        let (relative_distance, cosine, prediction_agreement) = apart(control, run);
        let (run, moved) = (run.plan.name.clone(), control.plan.moved?);
        Some((run.clone(), ControlSummary { run, moved, relative_distance, cosine, prediction_agreement }))
    };
    Ok(runs.iter().filter_map(drift).collect())
}

/// One example of each outcome: the first in the order of the plan, settled ones from the last epoch met.
fn trajectories(runs: &[FinishedRun<'_>]) -> Vec<TrajectoryRow> {
    let mut rows = Vec::new();
    for outcome in Outcome::ALL {
        let of_kind =
            |run: &&FinishedRun<'_>| run.record.trajectories.iter().any(|row| row.outcome == outcome.name());
        if let Some(run) = runs.iter().find(of_kind) {
            rows.extend(run.record.trajectories.iter().filter(|row| row.outcome == outcome.name()).cloned());
        }
    }
    rows
}

/// Every two rules at the same gains, seed and settings; backpropagation, which has no gains, pairs with all.
fn pairs(runs: &[FinishedRun<'_>], drifts: &BTreeMap<String, ControlSummary>) -> Vec<PairSummary> {
    let pair = |a, b| pair(a, b, drifts);
    let by_name: BTreeMap<&str, &FinishedRun<'_>> =
        runs.iter().map(|run| (run.plan.name.as_str(), run)).collect();
    let mut alike: HashMap<_, Vec<usize>> = HashMap::new();
    for (i, run) in runs.iter().enumerate().filter(|(_, run)| run.plan.alpha().is_some()) {
        alike.entry(place(run.plan)).or_default().push(i);
    }
    let mut pairs = Vec::new();
    for (i, a) in runs.iter().enumerate().filter(|(_, run)| run.plan.alpha().is_some()) {
        let bp = a.plan.reference.as_deref().and_then(|name| by_name.get(name));
        pairs.extend(bp.map(|bp| pair(a, bp)));
        let same = alike.get(&place(a.plan)).map_or(&[][..], Vec::as_slice);
        pairs.extend(same.iter().filter(|&&j| j > i).map(|&j| pair(a, &runs[j])));
    }
    pairs
}

/// What runs share that differ in their rule alone.
fn place(plan: &RunPlan) -> (u64, Option<u32>, GridPlace) {
    (plan.seed, plan.chip, plan.key().place)
}

/// Relative distance and cosine of every layer, and the share of equal predictions.
fn apart(a: &FinishedRun<'_>, b: &FinishedRun<'_>) -> (Vec<f64>, Vec<f64>, f64) {
    let layers = || a.weights.forward.iter().zip(&b.weights.forward);
    let distance = layers().map(|(a, b)| relative_distance(a, b)).collect();
    (distance, layers().map(|(a, b)| cosine(a, b)).collect(), agreement(&a.predictions, &b.predictions))
}

fn pair(a: &FinishedRun<'_>, b: &FinishedRun<'_>, drifts: &BTreeMap<String, ControlSummary>) -> PairSummary {
    let (relative_distance, cosine, prediction_agreement) = apart(a, b);
    let drift = |run: &FinishedRun<'_>| drifts.get(&run.plan.name).cloned();
    PairSummary {
        run_a: a.plan.name.clone(),
        run_b: b.plan.name.clone(),
        rule_a: a.plan.rule.name().into(),
        rule_b: b.plan.rule.name().into(),
        alpha: a.plan.alpha(),
        beta: a.plan.beta(),
        seed: a.plan.seed,
        relative_distance,
        cosine,
        prediction_agreement,
        control: drift(b).or_else(|| drift(a)),
    }
}
