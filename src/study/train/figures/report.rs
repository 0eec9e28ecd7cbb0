//! The report: one HTML file with settings, results, comparisons and every figure inline.
//!
//! The page around it is that of every report.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::identity::{GridPlace, Settings};
use super::super::rows::{PairSummary, RunSummary, Summary};
use super::FIGURES;
use super::findings::findings;
use super::groups::{Grid, Row, runs_at};
use super::tables::{Run, Tables};
use super::words::{seeds, setting_at};
use crate::figure::FigureError;
use crate::figure::axis::{extent, number, setting};
use crate::figure::report::{Inlined, filled, inlined};
use crate::figure::write_whole;
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::{Spread, grouped};
use dyadsim_core::units::{fraction, percent, significant};

const TEMPLATE: &str = include_str!("report.html");

/// Settings of the table at the top, with the words for them.
const MAIN_SETTINGS: [(&str, &str); 14] = [
    ("dataset", "Data set"),
    ("network", "Network (neurons per layer)"),
    ("epochs", "Epochs"),
    ("batch", "Samples per update"),
    ("optimizer", "Optimiser"),
    ("optimizer.learning_rate", "Learning rate"),
    ("init", "Initial weights"),
    ("keep_unsettled", "Unsettled samples kept in the gradient"),
    ("circuit.name", "Circuit"),
    ("circuit.neuron.activation", "Activation"),
    ("circuit.nudge.at", "Nudge taken at"),
    ("circuit.nudge.loss", "Loss"),
    ("circuit.solver.kind", "Solver"),
    ("circuit.solver.max_time", "Time limit (τ)"),
];

#[derive(Serialize)]
struct ReportSetting {
    label: String,
    value: String,
}

/// A line of the table of results: one rule at one place of the grid, over its seeds.
#[derive(Serialize)]
struct ResultLine {
    rule: String,
    alpha: String,
    others: String,
    seeds: usize,
    accuracy: String,
    best: String,
    outcomes: [String; 5],
    angle: String,
    margin: String,
    incomplete: usize,
}

/// A line of the table of comparisons: two rules at one α and β, over their seeds.
#[derive(Serialize)]
struct PairLine {
    rules: String,
    alpha: String,
    others: String,
    seeds: usize,
    distance: Vec<String>,
    cosine: Vec<String>,
    agreement: String,
    /// Distance of the second rule's widest layer from its control, if there is one.
    control: String,
}

/// What the template of the runs is filled with, besides what every report has.
#[derive(Serialize)]
struct Parts {
    seeds: String,
    run_count: usize,
    incomplete: Vec<String>,
    settings: Vec<ReportSetting>,
    all_settings: Vec<ReportSetting>,
    results: Vec<ResultLine>,
    pairs: Vec<PairLine>,
    /// Whether some pair has a control.
    controlled: bool,
    layers: usize,
    wall: String,
}

impl Parts {
    fn of(tables: &Tables) -> Self {
        let summaries = tables.runs.iter().filter_map(|run| run.summary.as_ref());
        Self {
            seeds: seeds(tables, "every table gives mean (smallest – largest)"),
            run_count: tables.runs.len(),
            incomplete: incomplete(tables),
            settings: settings(tables),
            all_settings: all_settings(tables),
            results: results(tables),
            pairs: pairs(tables),
            controlled: tables.pairs.iter().any(|pair| pair.control.is_some()),
            layers: tables.pairs.iter().map(|pair| pair.cosine.len()).max().unwrap_or(0),
            wall: duration(summaries.map(|summary| summary.wall_s).sum()),
        }
    }
}

/// Writes `folder/report.html` and returns its path.
///
/// # Errors
/// [`FigureError`] names what cannot be drawn, put together or written.
pub fn report(folder: &Path, tables: &Tables) -> Result<PathBuf, FigureError> {
    let page = page(tables, &findings(&summarised(tables)), &inlined(FIGURES, tables)?)?;
    let path = folder.join("report.html");
    write_whole(&path, &page)?;
    Ok(path)
}

/// The page with what came out in sentences, and the figures that have something to show.
pub(super) fn page(tables: &Tables, findings: &[String], figures: &[Inlined]) -> Result<String, FigureError> {
    let findings: Vec<String> = findings.iter().map(|sentence| unbroken(sentence)).collect();
    filled(TEMPLATE, (&tables.name, &findings, figures), &Parts::of(tables))
}

/// A sentence for the page: no line ends within a value.
fn unbroken(sentence: &str) -> String {
    sentence.replace('`', "").replace(" = ", "\u{a0}=\u{a0}").replace(" %", "\u{a0}%")
}

/// The summary that the tables hold.
fn summarised(tables: &Tables) -> Summary {
    let runs = tables.runs.iter().filter_map(|run| run.summary.clone()).collect();
    Summary { name: tables.name.clone(), runs, pairs: tables.pairs.clone() }
}

fn settings(tables: &Tables) -> Vec<ReportSetting> {
    let found = |(path, label): &(&str, &str)| {
        Some(ReportSetting { label: (*label).into(), value: setting_at(tables, path)? })
    };
    MAIN_SETTINGS.iter().filter_map(found).collect()
}

fn all_settings(tables: &Tables) -> Vec<ReportSetting> {
    let mut all = Vec::new();
    flatten("", &toml::Value::Table(tables.experiment.clone()), &mut all);
    all
}

fn flatten(path: &str, value: &toml::Value, all: &mut Vec<ReportSetting>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, all);
            }
        }
        value => all.push(ReportSetting { label: path.into(), value: value.to_string() }),
    }
}

fn incomplete(tables: &Tables) -> Vec<String> {
    let status = |run: &Run| run.summary.as_ref().map_or("cut off".into(), |summary| summary.status.clone());
    let unfinished = tables.runs.iter().filter(|run| !run.complete());
    unfinished.map(|run| format!("{}: {}", run.name, status(run))).collect()
}

fn results(tables: &Tables) -> Vec<ResultLine> {
    let grid = Grid::of(tables);
    let mut lines = Vec::new();
    for &rule in &grid.rules {
        let mut seen: Vec<Vec<&str>> = Vec::new();
        for (row, alpha) in
            grid.places.iter().flat_map(|row| grid.alphas.iter().map(move |alpha| (row, alpha)))
        {
            let runs = runs_at(tables, rule, *alpha, row);
            // Backpropagation's runs stand in many places of the grid, and here once.
            let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
            if !runs.is_empty() && !seen.contains(&names) {
                lines.push(result_line(rule, &runs));
                seen.push(names);
            }
        }
    }
    lines
}

fn result_line(rule: RuleKind, runs: &[&Run]) -> ResultLine {
    let all = || runs.iter().filter_map(|run| run.summary.as_ref());
    let share =
        |value: fn(&RunSummary) -> Option<f64>| mean(all().filter_map(value)).map_or("–".into(), per_cent);
    let margin = extent(all().filter_map(|run| run.worst_stability_margin_tau).filter(|m| m.is_finite())).0;
    let row = Row::of(runs[0]);
    ResultLine {
        rule: rule.label().into(),
        alpha: runs[0].place.alpha.map_or("–".into(), setting),
        others: row.label(),
        seeds: runs.len(),
        accuracy: spread(all().map(|run| run.test_accuracy), per_cent),
        best: spread(all().map(|run| run.best_test_accuracy), per_cent),
        outcomes: [
            share(RunSummary::at_rest),
            share(|run| run.latch_up),
            share(|run| run.oscillation),
            share(|run| run.timeout),
            share(|run| run.not_finite),
        ],
        angle: mean(all().filter_map(|run| run.mean_angle_to_bp_deg))
            .map_or("–".into(), |a| format!("{}°", number(a))),
        margin: if margin.is_finite() { number(margin) } else { "–".into() },
        incomplete: runs.iter().filter(|run| !run.complete()).count(),
    }
}

fn pairs(tables: &Tables) -> Vec<PairLine> {
    let settings = |pair: &PairSummary| {
        // Backpropagation's run may lack settings that its partner has.
        let of =
            |name: &str| tables.runs.iter().find(|run| run.name == name).map(|run| run.settings().clone());
        let (a, b): (Settings, Settings) =
            (of(&pair.run_a).unwrap_or_default(), of(&pair.run_b).unwrap_or_default());
        if a.len() >= b.len() { a } else { b }
    };
    let alike = |pair: &PairSummary| {
        let place = GridPlace { alpha: pair.alpha, beta: pair.beta, settings: settings(pair) };
        (pair.rule_a.clone(), pair.rule_b.clone(), place)
    };
    let groups = grouped(&tables.pairs, alike);
    let line = |((_, _, place), members): ((String, String, GridPlace), Vec<&PairSummary>)| {
        pair_line(&Row::new(place.beta, place.settings), &members)
    };
    groups.into_iter().map(line).collect()
}

fn pair_line(row: &Row, pairs: &[&PairSummary]) -> PairLine {
    let layers = pairs.iter().map(|pair| pair.cosine.len()).max().unwrap_or(0);
    let per_layer = |values: fn(&PairSummary) -> &[f64]| -> Vec<String> {
        let layer = |k: usize| spread(pairs.iter().filter_map(|pair| values(pair).get(k).copied()), written);
        (0..layers).map(layer).collect()
    };
    let control =
        |pair: &&PairSummary| Some(extent(pair.control.as_ref()?.relative_distance.iter().copied()).1);
    PairLine {
        rules: format!("{} / {}", RuleKind::printed(&pairs[0].rule_a), RuleKind::printed(&pairs[0].rule_b)),
        alpha: pairs[0].alpha.map_or("–".into(), setting),
        others: row.label(),
        seeds: pairs.len(),
        distance: per_layer(|pair| &pair.relative_distance),
        cosine: per_layer(|pair| &pair.cosine),
        agreement: spread(pairs.iter().map(|pair| pair.prediction_agreement), per_cent),
        control: spread(pairs.iter().filter_map(control), written),
    }
}

fn per_cent(share: f64) -> String {
    percent(share, 1)
}

/// A distance or a cosine.
fn written(value: f64) -> String {
    if value.abs() <= 1.0 { fraction(value, 3) } else { significant(value, 4) }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    Spread::of(values).map(|spread| spread.mean)
}

/// `mean (smallest – largest)` of the finite values, and how many are not.
fn spread(values: impl Iterator<Item = f64>, written: impl Fn(f64) -> String) -> String {
    let values: Vec<f64> = values.collect();
    let Some(Spread { mean, low, high, count, .. }) = Spread::of(values.iter().copied()) else {
        return "–".into();
    };
    let lost = values.len() - count;
    let lost = if lost > 0 { format!(", {lost} not finite") } else { String::new() };
    if low < high {
        format!("{} ({} – {}){lost}", written(mean), written(low), written(high))
    } else {
        format!("{}{lost}", written(mean))
    }
}

/// Seconds as `3 h 20 min`, `5 min 3 s` or `2.1 s`.
fn duration(seconds: f64) -> String {
    let (hours, minutes) = ((seconds / 3600.0).floor(), (seconds / 60.0).floor());
    match seconds {
        s if s >= 3600.0 => format!("{hours} h {:.0} min", (minutes - 60.0 * hours).floor()),
        s if s >= 60.0 => format!("{minutes} min {:.0} s", (seconds - 60.0 * minutes).floor()),
        s => format!("{} s", significant(s, 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_counts_what_it_leaves_out() {
        let values = [0.5, f64::NAN, 0.7];
        assert_eq!(spread(values.into_iter(), per_cent), "60.0 % (50.0 % – 70.0 %), 1 not finite");
        assert_eq!(spread([f64::NAN].into_iter(), per_cent), "–");
    }

    #[test]
    fn durations_read_like_a_clock() {
        assert_eq!(duration(2.14), "2.1 s");
        assert_eq!(duration(303.0), "5 min 3 s");
        assert_eq!(duration(12_000.0), "3 h 20 min");
    }
}
