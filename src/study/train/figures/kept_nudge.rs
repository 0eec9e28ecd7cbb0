//! The nudge that keeps a margin, epoch by epoch, beside runs of the same settings that keep none.

use serde_json::Value;

use super::super::rows::MetricsRow;
use super::curves::{epochs, unsettled};
use super::groups::{Grid, Row, runs_at};
use super::tables::{Run, Tables};
use super::words::settings_line;
use crate::figure::axis::{Axis, count, extent, setting};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::{GREY, ink_of};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};
use crate::spec::RuleKind;
use crate::statistics::grouped;

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
    let groups = groups(tables);
    if groups.is_empty() {
        return Err(FigureError::nothing("no run of this experiment keeps a margin (nudge.keep_margin)"));
    }
    let of = |value: fn(&Run, &MetricsRow) -> Option<f64>| {
        let each =
            move |run: &&'_ Run| run.metrics.iter().filter_map(|row| value(run, row)).collect::<Vec<_>>();
        groups.iter().flat_map(|group| &group.runs).flat_map(each).collect::<Vec<f64>>().into_iter()
    };
    let strongest = extent(of(nudge)).1;
    let axes = [
        Axis { low: 0.0, ..Axis::around([0.0, strongest].into_iter(), 0.05) },
        Axis::around(of(margin).map(|margin| margin.max(FLOOR)).chain([0.0, 1.0]), 0.03),
        Axis::around(of(accuracy), 0.05),
    ];
    let x = epochs(tables);
    let layout = Layout {
        title: FIGURE.title.into(),
        subtitle: settings_line(tables, "a line each"),
        legend: legend(&groups),
        columns: groups.iter().map(|group| group.title(tables)).collect(),
        rows: vec!["nudge β".into(), "margin (1/τ)".into(), "test accuracy".into()],
        x_label: "epoch".into(),
        y_label: String::new(),
        axes: Axes::Each(axes.iter().flat_map(|y| groups.iter().map(|_| (x, *y))).collect()),
        names: Vec::new(),
        height: Some(180.0),
        notes: notes(&groups),
    };
    Ok(Sheet::filled(&layout, |page, panel, (row, column)| {
        if row == 1 {
            unstable(page, panel, groups[column].asked(tables));
        }
        for run in &groups[column].runs {
            line(page, panel, run, [nudge, margin, accuracy][row], x.high);
        }
    }))
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
fn groups(tables: &Tables) -> Vec<Group<'_>> {
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
    let ends = |y: f64| [panel.x.low, panel.x.high].map(|x| panel.at(x, y));
    if let [Some(left), Some(right)] = ends(0.0) {
        page.block(left, (right.0, panel.top + panel.height), GREY.faded(0.13));
    }
    if let Some([Some(left), Some(right)]) = asked.map(ends) {
        page.dashed(&[left, right], GREY, 1.3, (2.0, 2.0));
    }
}

/// A run's line, dashed over epochs in which samples did not settle; a ring where it was stopped.
fn line(page: &mut Page, panel: &Panel, run: &Run, value: fn(&Run, &MetricsRow) -> Option<f64>, last: f64) {
    let ink = ink_of(run.rule).faded(0.65);
    let at = |row: &MetricsRow| value(run, row).and_then(|value| panel.at(count(row.epoch), value));
    for pair in run.metrics.windows(2) {
        let (Some(from), Some(to)) = (at(&pair[0]), at(&pair[1])) else { continue };
        if unsettled(&pair[1]) > UNSETTLED {
            page.dashed(&[from, to], ink, 1.2, (4.0, 3.0));
        } else {
            page.line(&[from, to], ink, 1.3);
        }
    }
    let shown = run.metrics.iter().filter_map(|row| Some((row.epoch, at(row)?))).next_back();
    if let Some((_, place)) = shown.filter(|(epoch, _)| count(*epoch) < last && !run.complete()) {
        page.ring(place, 3.2, ink_of(run.rule));
    }
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
