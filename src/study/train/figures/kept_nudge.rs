//! The nudge that keeps a margin, epoch by epoch, beside runs of the same settings that keep none.

use serde_json::Value;

use super::super::rows::MetricsRow;
use super::curves::{epochs, unsettled};
use super::groups::{Grid, Row, runs_at};
use super::tables::{Run, Tables};
use super::words::settings_line;
use crate::figure::axis::{Axis, count, extent, setting};
use crate::figure::chart::{Chart, Dot, Scale, Series, Share};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::{GREY, ink_of};
use crate::figure::sheet::Panel;
use crate::figure::{Figure, FigureError};
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::grouped;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "kept-nudge",
    title: "The nudge that keeps a margin",
    caption: "Every seed as a line: the nudge of the next epoch, the worst margin of the probe samples under it, and the test accuracy, \
        with a margin kept and without. A run that keeps a margin lowers its nudge where the circuit would have less, and raises it \
        again where there is room. Below zero no circuit stays at its equilibrium: without a margin kept such samples \
        latch up or ring and are lost to the gradient, from the first epoch on if the initial weights are unlucky.",
    draw,
};

/// A quantity of a run after an epoch.
type EpochValue = fn(&Run, &MetricsRow) -> Option<f64>;

/// Rows of panels.
const ROWS: [(&str, EpochValue); 3] =
    [("nudge β", nudge), ("margin (1/τ)", margin), ("test accuracy", accuracy)];
/// The one with the margins.
const MARGINS: usize = 1;

/// The setting that tells runs apart here.
const KEY: &str = "keep_margin";
/// Margins below are drawn at the lower edge.
const FLOOR: f64 = -0.5;
/// Share of unsettled samples above which a line is dashed.
const UNSETTLED: f64 = 0.01;

fn keeps(run: &Run) -> bool {
    run.metrics.iter().any(|row| row.kept_beta.is_some())
}

/// Runs that differ in their seed only.
struct Group<'a> {
    rule: RuleKind,
    alpha: Option<f64>,
    row: Row,
    runs: Vec<&'a Run>,
}

impl Group<'_> {
    /// What runs have in common that differ in the margin they keep.
    fn place(&self) -> (RuleKind, Option<f64>, Row) {
        let others = self.row.settings.iter().filter(|(path, _)| !path.contains(KEY));
        let settings = others.map(|(path, value)| (path.clone(), value.clone())).collect();
        (self.rule, self.alpha, Row { settings, ..self.row.clone() })
    }

    /// The margin that is kept (1/τ), by the grid or by the circuit.
    fn asked(&self, tables: &Tables) -> Option<f64> {
        let number = |value: &Value| value.as_f64().or_else(|| value.get("at_least")?.as_f64());
        let own = self.row.settings.iter().find(|(path, _)| path.contains(KEY));
        match own {
            Some((path, value)) if path.ends_with(KEY) => number(value),
            Some((_, value)) => value.as_f64(),
            None => {
                let nudge = tables.experiment.get("circuit")?.get("nudge")?.get(KEY)?;
                number(&serde_json::to_value(nudge).ok()?)
            }
        }
    }

    fn title(&self, tables: &Tables) -> String {
        let alpha = self.alpha.map(|alpha| format!("α = {}", setting(alpha)));
        let label = Some(self.place().2.label()).filter(|label| !label.is_empty());
        let settings =
            [Some(self.rule.label().to_owned()), alpha, label].into_iter().flatten().collect::<Vec<_>>();
        let kept = match self.asked(tables) {
            Some(margin) => format!("a margin of {}/τ kept", setting(margin)),
            None => "no margin kept".into(),
        };
        format!("{}: {kept}", settings.join(", "))
    }
}

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let groups = group_runs(tables);
    let of = |quantity: EpochValue| {
        let each =
            move |run: &&'_ Run| run.metrics.iter().filter_map(|row| quantity(run, row)).collect::<Vec<_>>();
        groups.iter().flat_map(|group| &group.runs).flat_map(each).collect::<Vec<f64>>().into_iter()
    };
    let axes = [
        Axis { low: 0.0, ..Axis::around([0.0, extent(of(nudge)).1].into_iter(), 0.05) },
        Axis::around(of(margin).map(|margin| margin.max(FLOOR)).chain([0.0, 1.0]), 0.03),
        Axis::around(of(accuracy), 0.05),
    ];
    let (x, y) = (epochs(tables), |(row, _): (usize, usize)| axes[row]);
    let mut chart = Chart {
        subtitle: settings_line(tables, "a line each"),
        columns: groups.iter().map(|group| group.title(tables)).collect(),
        rows: ROWS.map(|(label, _)| label.to_owned()).to_vec(),
        share: Share::Rows,
        height: Some(180.0),
        keys: legend(&groups),
        notes: notes(&groups),
        ..Chart::new(FIGURE.title, ("epoch", Scale::Is(x)), ("", Scale::At(&y)))
    };
    for (row, (_, quantity)) in ROWS.into_iter().enumerate() {
        for (column, group) in groups.iter().enumerate() {
            chart.series.extend(group.runs.iter().flat_map(|run| line((row, column), run, quantity, x.high)));
        }
    }
    let why_not = "no run of this experiment keeps a margin (nudge.keep_margin)";
    chart.draw(why_not, |page, panel, (row, column)| {
        if row == MARGINS {
            unstable(page, panel, groups[column].asked(tables));
        }
    })
}

/// Rules, and what some line of them has.
fn legend(groups: &[Group<'_>]) -> Vec<Key> {
    let mut legend: Vec<Key> = grouped(groups, |group| group.rule)
        .into_iter()
        .map(|(rule, _)| Key::Line(ink_of(rule), format!("a seed of {}", rule.label())))
        .collect();
    let runs = || groups.iter().flat_map(|group| &group.runs);
    if runs().flat_map(|run| &run.metrics).any(|row| unsettled(row) > UNSETTLED) {
        legend.push(Key::Dashed(GREY, "more than 1 % of its samples unsettled".into()));
    }
    if runs().any(|run| !run.complete()) {
        legend.push(Key::Ring(GREY, "the run was stopped".into()));
    }
    legend.push(Key::Box(GREY.faded(0.18), "below zero: unstable".into()));
    legend
}

/// Groups with a margin kept, and those that differ from one of them in that alone; without before with.
fn group_runs(tables: &Tables) -> Vec<Group<'_>> {
    let grid = Grid::of(tables);
    let mut all = Vec::new();
    for line in grid.nudged() {
        for &alpha in &grid.alphas {
            let runs = runs_at(tables, line.rule, alpha, line.row);
            all.push(Group { rule: line.rule, alpha, row: line.row.clone(), runs });
        }
    }
    let kept = |group: &Group<'_>| group.runs.iter().any(|run| keeps(run));
    let beside = |group: &Group<'_>| all.iter().any(|other| kept(other) && other.place() == group.place());
    let wanted: Vec<bool> = all.iter().map(|group| !group.runs.is_empty() && beside(group)).collect();
    let mut groups: Vec<Group<'_>> =
        all.into_iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|(group, _)| group).collect();
    groups.sort_by_key(kept);
    groups
}

/// The nudge of the next epoch; that of the circuit where no margin is kept.
fn nudge(run: &Run, row: &MetricsRow) -> Option<f64> {
    if keeps(run) { row.kept_beta } else { row.beta }
}

fn margin(_: &Run, row: &MetricsRow) -> Option<f64> {
    row.stability_margin_tau.filter(|margin| margin.is_finite())
}

fn accuracy(_: &Run, row: &MetricsRow) -> Option<f64> {
    Some(row.test_accuracy).filter(|accuracy| accuracy.is_finite())
}

/// Shades what is below zero, and draws a line at the margin that is kept.
fn unstable(page: &mut Page, panel: &Panel, asked: Option<f64>) {
    panel.shade_below(page, 0.0, GREY.faded(0.13));
    if let Some(margin) = asked {
        panel.threshold(page, margin, (GREY, 1.3), (2.0, 2.0));
    }
}

/// A run's line, dashed over epochs in which samples did not settle; a ring where it was stopped.
fn line(place: (usize, usize), run: &Run, quantity: EpochValue, last: f64) -> [Series; 2] {
    let dots = run
        .metrics
        .iter()
        .map(|row| Dot::new(count(row.epoch), quantity(run, row)).loose(unsettled(row) > UNSETTLED));
    let stopped = run.metrics.iter().rev().find_map(|row| Some((count(row.epoch), quantity(run, row)?)));
    let stopped = stopped.filter(|(epoch, _)| *epoch < last && !run.complete());
    let ink = ink_of(run.rule);
    [
        Series::at(place, ink.faded(0.65), dots).line(1.3),
        Series::at(place, ink, stopped.map(|(x, y)| Dot::new(x, y).open(true))).marks(3.2),
    ]
}

fn notes(groups: &[Group<'_>]) -> Vec<String> {
    let margins = groups
        .iter()
        .flat_map(|group| &group.runs)
        .flat_map(|run| &run.metrics)
        .map(|row| row.stability_margin_tau);
    let (mut below, mut none) = (false, false);
    for margin in margins {
        below |= margin.is_some_and(|margin| margin < FLOOR);
        none |= margin.is_none();
    }
    let edge = format!("Margins below {} stand at the lower edge.", crate::figure::axis::number(FLOOR));
    let gap = "Where a line of the margin is missing, no sample of the probe has an equilibrium.".to_owned();
    [below.then_some(edge), none.then_some(gap)].into_iter().flatten().collect()
}
