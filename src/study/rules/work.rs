//! From runs to a row for each, and their means.

use std::collections::HashMap;

use super::levels::alone;
use super::{Answer, RuleRow, RuleRunRow, RulesSummary, Tables};
use crate::study::Precision;
use crate::study::runs::Runs;
use crate::study::train::RunPlan;
use crate::study::train::figures::Run;
use crate::study::train::rows::{CostRow, RunSummary};
use dyadsim_core::learn::{count_relaxations, observed_relaxations};
use dyadsim_core::spec::setting_of;
use dyadsim_core::statistics::{Spread, grouped};

/// Every run of a folder and the means of those that differ by seed and chip alone, in the order of the runs.
pub fn compared(runs: &Runs, target: f64, precision: Precision) -> Answer {
    let tables = &runs.tables;
    let costs: HashMap<&str, &CostRow> = tables.cost.iter().map(|row| (row.run.as_str(), row)).collect();
    let found: HashMap<&str, &Run> = tables.runs.iter().map(|run| (run.name.as_str(), run)).collect();
    let paired = runs.plans.iter().filter_map(|plan| {
        let (run, cost) = (*found.get(plan.name.as_str())?, costs.get(plan.name.as_str()).copied());
        Some((plan.key(), row(plan, run, cost, target)))
    });
    let rows: Vec<_> = paired.collect();
    let means = grouped(&rows, |(key, _)| key.clone()).into_iter();
    let means = means.map(|(_, rows)| mean_of(&rows.iter().map(|(_, row)| row).collect::<Vec<_>>()));
    let summary = RulesSummary {
        name: tables.name.clone(),
        settings: tables.settings_line("mean and range"),
        target,
        epochs: runs.plans.iter().map(|plan| plan.resolved.experiment.epochs).max().unwrap_or(0),
        precision: precision.name().into(),
    };
    let tables = Tables { summary, rows: means.collect() };
    Answer { tables, runs: rows.into_iter().map(|(_, row)| row).collect() }
}

/// The row of a run.
fn row(plan: &RunPlan, run: &Run, cost: Option<&CostRow>, target: f64) -> RuleRunRow {
    let circuit = &plan.resolved.circuit;
    let last = run.metrics.last();
    let reached = run.metrics.iter().find(|row| row.epoch > 0 && row.test_accuracy >= target);
    let share = reached.zip(last).map(|(at, last)| at.epoch as f64 / last.epoch as f64);
    let priced = cost.zip(share);
    let relaxations = if plan.rule.is_feed_forward_dyadic() {
        count_relaxations(circuit)
    } else {
        observed_relaxations(plan.rule)
    };
    RuleRunRow {
        run: plan.name.clone(),
        rule: plan.rule.name().into(),
        alpha: plan.alpha(),
        beta: plan.beta(),
        settings: others(plan),
        noise_v: plan.rule.settles().then(|| alone(circuit)),
        mismatch: circuit.spreads().relative().iter().map(|(_, spread)| *spread).fold(0.0, f64::max),
        seed: plan.seed,
        chip: plan.chip,
        status: run.summary.as_ref().map_or_else(|| "cut off".into(), |summary| summary.status.clone()),
        relaxations,
        test_accuracy: last.map_or(f64::NAN, |row| row.test_accuracy),
        angle_deg: last.and_then(|last| angle(run, last.epoch)),
        at_rest: run.summary.as_ref().and_then(RunSummary::at_rest),
        epochs_to_target: reached.map(|row| row.epoch),
        time_to_target_s: priced.and_then(|(cost, share)| Some(share * cost.time_training_s?)),
        energy_to_target_j: priced.map(|(cost, share)| share * cost.energy_training_j),
        remark: remark(plan, cost.is_some(), share.is_some()).map(str::to_owned),
    }
}

/// Why a run has no time and no energy to the target; `None` if it has.
fn remark(plan: &RunPlan, priced: bool, reached: bool) -> Option<&'static str> {
    if !plan.rule.settles() {
        Some("settles no circuit")
    } else if !plan.rule.is_for_chips() {
        Some("no chip could run it")
    } else if plan.resolved.circuit.cost.is_none() {
        Some("the circuit has no [cost]")
    } else if plan.resolved.circuit.solver.kind.is_timeless() {
        Some("the solver knows no time")
    } else if !priced {
        Some("no sample comes to rest without noise")
    } else if !reached {
        Some("target not reached")
    } else {
        None
    }
}

/// Other settings of the grid, in words.
fn others(plan: &RunPlan) -> Option<String> {
    let is_level = |path: &str| matches!(setting_of(path).split('.').next(), Some("noise" | "mismatch"));
    let written = plan.settings.iter().filter(|(path, _)| !is_level(path)).map(|(path, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{} = {value}", path.rsplit('.').next().unwrap_or(path))
    });
    Some(written.collect::<Vec<_>>().join(", ")).filter(|settings| !settings.is_empty())
}

/// Mean angle over the layers after an epoch; none if a layer has none.
fn angle(run: &Run, epoch: usize) -> Option<f64> {
    let rows = run.layers.iter().filter(|row| row.epoch == epoch);
    let angles = rows.map(|row| row.angle_to_bp_deg.filter(|angle| angle.is_finite()));
    let angles: Vec<f64> = angles.collect::<Option<_>>()?;
    Spread::of(angles).map(|spread| spread.mean)
}

/// The mean of runs that differ by seed and chip alone.
fn mean_of(runs: &[&RuleRunRow]) -> RuleRow {
    let whole: Vec<&RuleRunRow> = runs
        .iter()
        .copied()
        .filter(|run| run.status == "complete" && run.test_accuracy.is_finite())
        .collect();
    let mean = |of: &dyn Fn(&RuleRunRow) -> Option<f64>| {
        Spread::of(whole.iter().filter_map(|run| of(run))).map(|spread| spread.mean)
    };
    let accuracy = Spread::of(whole.iter().map(|run| run.test_accuracy));
    let first = runs[0];
    RuleRow {
        rule: first.rule.clone(),
        alpha: first.alpha,
        beta: first.beta,
        settings: first.settings.clone(),
        noise_v: first.noise_v,
        mismatch: first.mismatch,
        relaxations: first.relaxations,
        n: whole.len(),
        left_out: runs.len() - whole.len(),
        test_accuracy: accuracy.map(|spread| spread.mean),
        least_accuracy: accuracy.map(|spread| spread.low),
        greatest_accuracy: accuracy.map(|spread| spread.high),
        angle_deg: mean(&|run| run.angle_deg),
        at_rest: mean(&|run| run.at_rest),
        reached: whole.iter().filter(|run| run.epochs_to_target.is_some()).count(),
        epochs_to_target: mean(&|run| run.epochs_to_target.map(|epochs| epochs as f64)),
        time_to_target_s: mean(&|run| run.time_to_target_s),
        energy_to_target_j: mean(&|run| run.energy_to_target_j),
        remark: runs.iter().find_map(|run| run.remark.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_of_whole_runs_and_times_of_those_that_reached_the_target() {
        let run = |seed: u64, accuracy: f64, epochs: Option<usize>| RuleRunRow {
            run: format!("ep-s{seed}"),
            rule: "ep".into(),
            alpha: None,
            beta: Some(0.1),
            settings: None,
            noise_v: Some(0.0),
            mismatch: 0.0,
            seed,
            chip: None,
            status: "complete".into(),
            relaxations: 2,
            test_accuracy: accuracy,
            angle_deg: Some(10.0),
            at_rest: Some(1.0),
            epochs_to_target: epochs,
            time_to_target_s: epochs.map(|epochs| epochs as f64),
            energy_to_target_j: None,
            remark: epochs.is_none().then(|| "target not reached".into()),
        };
        let broken = RuleRunRow { status: "diverged".into(), ..run(4, 0.1, None) };
        let runs = [run(1, 0.5, None), run(2, 0.75, Some(2)), run(3, 1.0, Some(4)), broken];
        let row = mean_of(&runs.iter().collect::<Vec<_>>());
        assert_eq!((row.n, row.left_out, row.reached), (3, 1, 2));
        assert_eq!((row.test_accuracy, row.time_to_target_s), (Some(0.75), Some(3.0)));
        assert_eq!((row.least_accuracy, row.greatest_accuracy), (Some(0.5), Some(1.0)));
        assert_eq!((row.energy_to_target_j, row.remark.as_deref()), (None, Some("target not reached")));
    }
}
