//! What an experiment's numbers must satisfy, beyond having the right type.

use std::collections::BTreeSet;

use toml::Value;

use super::check_circuit::{check_network, ensure, not_negative, positive};
use super::check_expect::check_expect;
use super::check_name::check_folder_name;
use super::check_sizes::check_experiment_sizes;
use super::contrast::{check_contrast, check_contrast_network};
use super::ep::check_ep;
use super::exclude::check_exclude;
use super::experiment::{
    AdversarialSpec, DatasetSpec, ExperimentSpec, InitSpec, OptimizerSpec, RateSchedule,
};
use super::fault::Fault;
use super::rules::RuleKind;

/// Data sets that are read from a folder of files.
const FILE_SETS: [&str; 4] = ["idx", "mnist", "fashion-mnist", "photos"];

/// Keys of an experiment that its grid cannot vary.
const NOT_IN_GRID: [&str; 9] =
    ["name", "seeds", "chips", "rules", "snapshots", "control", "grid", "exclude", "expect"];

/// Most runs of an experiment: a plan of so many takes about 0.5 GB.
pub const MOST_RUNS: usize = 100_000;

/// Most epochs of a run: each leaves its rows in memory and a checkpoint on disk.
pub const MOST_EPOCHS: usize = 1_000_000;

const COUNT: &str = "a whole number, 1 or more";

/// Checks an experiment, apart from its circuit.
///
/// # Errors
/// The first value that no experiment could have.
pub fn check_experiment(experiment: &ExperimentSpec) -> Result<(), Fault> {
    check_folder_name(&experiment.name)?;
    check_network(&experiment.network)?;
    check_dataset(&experiment.dataset)?;
    check_init(&experiment.init, experiment.network.len() - 1)?;
    check_epochs(experiment.epochs)?;
    check_batch(experiment.batch)?;
    ensure(experiment.updates >= 1, &["updates"], experiment.updates, COUNT)?;
    ensure(experiment.probe >= 1, &["probe"], experiment.probe, COUNT)?;
    distinct("seeds", &experiment.seeds, "a list of different whole numbers, at least one")?;
    ensure(experiment.chips != Some(0), &["chips"], 0, COUNT)?;
    distinct("rules", &experiment.rules, "a list of different rules, at least one")?;
    check_adversarial(experiment.adversarial)?;
    check_ep(experiment.ep)?;
    check_contrast(experiment.scff, &experiment.rules, experiment.batch)?;
    check_contrast_network(&experiment.rules, &experiment.network)?;
    check_control(experiment)?;
    check_optimizer(&experiment.optimizer)?;
    check_experiment_sizes(experiment)?;
    check_grid(experiment)?;
    experiment.expect.iter().try_for_each(|(key, bounds)| check_expect(key, bounds, experiment))
}

/// Checks the number of epochs.
pub(super) fn check_epochs(epochs: usize) -> Result<(), Fault> {
    let accepted = format!("a whole number from 1 to {MOST_EPOCHS}");
    ensure((1..=MOST_EPOCHS).contains(&epochs), &["epochs"], epochs, &accepted)
}

/// Checks the number of samples of an update.
pub(super) fn check_batch(batch: usize) -> Result<(), Fault> {
    ensure(batch >= 1, &["batch"], batch, COUNT)
}

/// Checks the settings of the rule `adversarial`.
pub(super) fn check_adversarial(adversarial: AdversarialSpec) -> Result<(), Fault> {
    not_negative(&["adversarial", "step"], adversarial.step, "a finite number, 0 or more")
}

fn check_control(experiment: &ExperimentSpec) -> Result<(), Fault> {
    let Some(control) = &experiment.control else { return Ok(()) };
    let moves = control.moved > 0.0 && control.moved <= 0.1;
    ensure(moves, &["control", "moved"], control.moved, "a share of the weights, above 0, at most 0.1")?;
    ensure(control.seeds != Some(0), &["control", "seeds"], 0, COUNT)?;
    let runs = |rule: &&RuleKind| !experiment.rules.contains(rule);
    match control.rules.iter().find(runs) {
        Some(rule) => {
            let known: Vec<_> = experiment.rules.iter().map(|rule| rule.name()).collect();
            let accepted = format!("rules of the experiment: {}", known.join(", "));
            Err(Fault::refused(&["control", "rules"], rule.name(), accepted))
        }
        None => Ok(()),
    }
}

/// Checks that every rule that divides by β has one to divide by.
///
/// # Errors
/// When β is 0 and a rule that nudges runs.
pub fn check_beta(rules: &[RuleKind], beta: f64) -> Result<(), Fault> {
    match rules.iter().find(|rule| rule.has_nudge()) {
        Some(rule) if beta <= 0.0 => {
            let accepted = format!("a number above 0, as rule `{}` divides by it", rule.name());
            Err(Fault::refused(&["circuit", "nudge", "beta"], beta, accepted))
        }
        _ => Ok(()),
    }
}

fn check_dataset(dataset: &DatasetSpec) -> Result<(), Fault> {
    let kind = dataset.kind.as_str();
    if dataset.path.is_some() && !FILE_SETS.contains(&kind) {
        let accepted = format!("no path: `{kind}` is built in; `{}` read files", FILE_SETS.join("`, `"));
        return Err(Fault::refused(&["dataset", "path"], "a path", accepted));
    }
    if dataset.path.is_none() && kind == "idx" {
        return Err(Fault::missing(&["dataset", "path"]));
    }
    let count = |key, value: Option<usize>| ensure(value != Some(0), &["dataset", key], 0, COUNT);
    count("train", dataset.train)?;
    count("test", dataset.test)
}

fn check_init(init: &InitSpec, layers: usize) -> Result<(), Fault> {
    let InitSpec::Std(deviations) = init else { return Ok(()) };
    let accepted = format!("{layers} numbers above 0, one for each layer behind the input");
    let well = deviations.len() == layers && deviations.iter().all(|std| std.is_finite() && *std > 0.0);
    ensure(well, &["init", "std"], format!("{deviations:?}"), &accepted)
}

/// Checks an optimiser, but for the sizes of its numbers.
pub(super) fn check_optimizer(optimizer: &OptimizerSpec) -> Result<(), Fault> {
    positive(&["optimizer", "learning_rate"], optimizer.learning_rate, "a finite number above 0")?;
    let decays = [("momentum", optimizer.momentum), ("beta1", optimizer.beta1), ("beta2", optimizer.beta2)];
    for (key, decay) in decays {
        ensure((0.0..1.0).contains(&decay), &["optimizer", key], decay, "a number from 0 to below 1")?;
    }
    positive(&["optimizer", "epsilon"], optimizer.epsilon, "a finite number above 0")?;
    let noises = [
        ("update_noise", Some(optimizer.update_noise)),
        ("feedback_update_noise", optimizer.feedback_update_noise),
    ];
    for (key, variance) in noises {
        not_negative(&["optimizer", key], variance.unwrap_or(0.0), "a variance, 0 or more")?;
    }
    let RateSchedule::Step { every, factor } = optimizer.schedule else { return Ok(()) };
    let step = ["optimizer", "schedule", "step"];
    ensure(every >= 1, &[&step[..], &["every"]].concat(), every, COUNT)?;
    let well = factor > 0.0 && factor <= 1.0;
    ensure(well, &[&step[..], &["factor"]].concat(), factor, "a number above 0, at most 1")
}

/// Checks the form of the grid; whether its paths and values mean anything is tried at loading.
fn check_grid(experiment: &ExperimentSpec) -> Result<(), Fault> {
    for (key, values) in &experiment.grid {
        let first = key.split('.').next().unwrap_or_default().trim();
        let varies = !NOT_IN_GRID.contains(&first);
        ensure(varies, &["grid", key], "this", "a setting that a run can vary, such as \"nudge.alpha\"")?;
        let distinct = !values.is_empty() && all_differ(values.iter().map(describe));
        let accepted = "a list of different values, at least one";
        if !distinct {
            return Err(Fault::refused(&["grid", key], Value::Array(values.clone()), accepted));
        }
    }
    check_exclude(experiment)?;
    check_runs(experiment)
}

/// Refuses more runs than anybody can plan; the message has the number and what multiplies to it.
fn check_runs(experiment: &ExperimentSpec) -> Result<(), Fault> {
    let grid = experiment.grid.iter().map(|(key, values)| (vec!["grid", key.as_str()], values.len()));
    let chips = usize::try_from(experiment.chips.unwrap_or(1)).unwrap_or(usize::MAX);
    let factors: Vec<_> = [
        (vec!["seeds"], experiment.seeds.len()),
        (vec!["rules"], experiment.rules.len()),
        (vec!["chips"], chips),
    ]
    .into_iter()
    .chain(grid)
    .collect();
    let runs = factors.iter().fold(1.0, |product, (_, count)| product * *count as f64);
    let Some((path, count)) = factors.iter().max_by_key(|(_, count)| *count) else { return Ok(()) };
    if runs <= MOST_RUNS as f64 {
        return Ok(());
    }
    let sum: Vec<_> =
        factors.iter().map(|(path, count)| format!("{count} {}", path[path.len() - 1])).collect();
    let fits = (MOST_RUNS as f64 / (runs / *count as f64)).floor();
    let fits = if fits >= 1.0 { format!(", so at most {fits} here") } else { String::new() };
    let accepted = format!("at most {MOST_RUNS} runs in all; these are {runs} ({}){fits}", sum.join(" × "));
    Err(Fault::refused(path, "this many", accepted))
}

fn distinct<T: Ord + std::fmt::Debug>(key: &str, values: &[T], accepted: &str) -> Result<(), Fault> {
    if !values.is_empty() && all_differ(values.iter()) {
        return Ok(());
    }
    Err(Fault::refused(&[key], format!("{values:?}"), accepted))
}

fn all_differ<T: Ord>(mut values: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    values.all(|value| seen.insert(value))
}

/// A value as text that is the same for equal values.
fn describe(value: &Value) -> String {
    match value {
        Value::Float(x) => (x + 0.0).to_string() + "f", // −0 is 0, and 1.0 is not the integer 1
        other => other.to_string(),
    }
}
