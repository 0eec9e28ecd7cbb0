//! What an experiment may expect: columns that its runs will have, and bounds that a number could meet.

use super::check_circuit::{ensure, finite};
use super::error::nearest;
use super::experiment::{ExpectSpec, ExperimentSpec};
use super::fault::Fault;
use super::rules::RuleKind;

/// A column of numbers of the summary.
struct Column {
    name: &'static str,
    /// The least and the most that it can be.
    range: (f64, f64),
    /// Whether the rules that nudge alone have it.
    dyadic: bool,
}

const fn column(name: &'static str, range: (f64, f64), dyadic: bool) -> Column {
    Column { name, range, dyadic }
}

const SHARE: (f64, f64) = (0.0, 1.0);
const SIZE: (f64, f64) = (0.0, f64::MAX);

/// Every column of `runs` in `summary.json` that holds numbers.
const COLUMNS: [Column; 19] = [
    column("alpha", SHARE, true),
    column("beta", SIZE, true),
    column("kept_beta", SIZE, true),
    column("seed", SIZE, false),
    column("chip", SIZE, false),
    column("test_accuracy", SHARE, false),
    column("best_test_accuracy", SHARE, false),
    column("test_loss", SIZE, false),
    column("train_loss", SIZE, false),
    column("settled", SHARE, true),
    column("noisy_settled", SHARE, true),
    column("oscillation", SHARE, true),
    column("latch_up", SHARE, true),
    column("timeout", SHARE, true),
    column("not_finite", SHARE, true),
    column("worst_stability_margin_tau", (f64::MIN, f64::MAX), true),
    column("mean_angle_to_bp_deg", (0.0, 180.0), true),
    column("product_spectral_norm", SIZE, false),
    column("wall_s", SIZE, false),
];

/// Names of the columns that an expectation may be about.
#[must_use]
pub fn expected_columns() -> Vec<&'static str> {
    COLUMNS.iter().map(|column| column.name).collect()
}

/// Checks an expectation of an experiment.
///
/// # Errors
/// A rule that does not run, a column that it will not have, bounds that no number meets.
pub(super) fn check_expect(key: &str, bounds: &ExpectSpec, experiment: &ExperimentSpec) -> Result<(), Fault> {
    let (rule, name) = rule_and_column(key, &experiment.rules)?;
    let Some(column) = COLUMNS.iter().find(|column| column.name == name) else {
        return Err(no_column(key, rule, name, experiment));
    };
    if !has(column, rule, experiment) {
        return Err(no_column(key, rule, name, experiment));
    }
    check_only(key, bounds, experiment)?;
    check_bounds(key, bounds, column)
}

/// Checks that an expectation about some runs alone is about runs that there are.
fn check_only(key: &str, bounds: &ExpectSpec, experiment: &ExperimentSpec) -> Result<(), Fault> {
    for (path, value) in &bounds.only {
        let place = ["expect", key, "only", path];
        let Some(values) = experiment.grid.get(path) else {
            let near = nearest(path, experiment.grid.keys().map(String::as_str));
            return Err(Fault::unknown_key(&place, experiment.grid.keys().cloned().collect(), near));
        };
        if !values.contains(value) {
            let listed: Vec<_> = values.iter().map(ToString::to_string).collect();
            let accepted = format!("a value of its list in `grid`: {}", listed.join(", "));
            return Err(Fault::refused(&place, value, accepted));
        }
    }
    Ok(())
}

/// Splits `RULE.COLUMN`.
fn rule_and_column<'k>(key: &'k str, rules: &[RuleKind]) -> Result<(RuleKind, &'k str), Fault> {
    let (rule, column) = key.split_once('.').unwrap_or((key, ""));
    match rules.iter().find(|known| known.name() == rule) {
        Some(known) if !column.is_empty() => Ok((*known, column)),
        _ => {
            let names: Vec<_> = rules.iter().map(|rule| rule.name()).collect();
            let column = Some(column).filter(|column| !column.is_empty()).unwrap_or("test_accuracy");
            let meant = nearest(rule, names.iter().copied()).map(|near| format!("\"{near}.{column}\""));
            let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            let form = format!(
                "a key RULE.COLUMN, with RULE one of `{}`, such as \"dp.test_accuracy\"{meant}",
                names.join("`, `")
            );
            Err(Fault::refused(&["expect", key], "this key", form))
        }
    }
}

/// Whether runs of a rule have a column.
fn has(column: &Column, rule: RuleKind, experiment: &ExperimentSpec) -> bool {
    (rule.is_dyadic() || !column.dyadic) && (column.name != "chip" || experiment.chips.is_some())
}

fn no_column(key: &str, rule: RuleKind, name: &str, experiment: &ExperimentSpec) -> Fault {
    let columns = COLUMNS.iter().filter(|column| has(column, rule, experiment)).map(|column| column.name);
    let whole = |column: &str| format!("{}.{column}", rule.name());
    let near = nearest(name, columns.clone()).map(|column| whole(&column));
    Fault::unknown_key(&["expect", key], columns.map(whole).collect(), near)
}

fn check_bounds(key: &str, bounds: &ExpectSpec, column: &Column) -> Result<(), Fault> {
    let path = ["expect", key];
    let (low, high) = (bounds.at_least, bounds.at_most);
    ensure(low.is_some() || high.is_some(), &path, "no bound", "{ at_least = 0.95 }, at_most, or both")?;
    for (bound, value) in [("at_least", low), ("at_most", high)] {
        finite(&["expect", key, bound], value.unwrap_or(0.0), "a finite number")?;
    }
    let (least, most) = column.range;
    let percent = |value: f64| {
        let meant = column.range == SHARE && value > 1.0 && value <= 100.0;
        if meant { format!("; did you mean {}?", value / 100.0) } else { String::new() }
    };
    if let Some(low) = low {
        let accepted = format!("at most {most}, the most that `{}` can be{}", column.name, percent(low));
        ensure(low <= most, &["expect", key, "at_least"], low, &accepted)?;
    }
    if let Some(high) = high {
        let accepted = format!("at least {least}, the least that `{}` can be", column.name);
        ensure(high >= least, &["expect", key, "at_most"], high, &accepted)?;
    }
    let (low, high) = (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY));
    ensure(low <= high, &["expect", key, "at_most"], high, &format!("a number not below `at_least` = {low}"))
}
