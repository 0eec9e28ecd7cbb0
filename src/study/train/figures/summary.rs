//! Final test accuracy against α.

use super::groups::{Grid, Row, Shown, kept, runs_at};
use super::tables::{Run, Tables};
use super::words::settings_line;
use crate::figure::Figure;
use crate::figure::FigureError;
use crate::figure::axis::{Axis, Kind};
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{GREY, ink_of};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::spec::RuleKind;
use crate::statistics::Spread;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "summary",
    title: "Final test accuracy against the mixing α",
    caption: "One panel per β. The line across and its band are backpropagation, mean and range over seeds, which has \
        no α. Where coloured dots lie in the band, the circuit trains as well as the algorithm. Open circles are runs in which \
        more than 1 % of all nudged samples did not settle, or which did not finish: their accuracy is what a chip \
        would reach, not what the rule promises.",
    draw,
};

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let grid = Grid::of(tables);
    let labels: Vec<String> = grid.places.iter().map(Row::label).collect();
    let nudged = grid.alphas.iter().any(Option::is_some);
    let alphas = grid.alphas.iter().flatten().copied();
    let x = if nudged { Axis::around(alphas, 0.06) } else { Axis::names(1) };
    let drawn: Vec<&Run> = tables.runs.iter().filter(|run| accuracy(run).is_some()).collect();
    if drawn.is_empty() {
        return Err(FigureError::nothing("no run has a finite accuracy"));
    }
    let y = Axis::around(drawn.iter().filter_map(|run| accuracy(run)), 0.08);
    let dots = |row: usize| {
        let runs = drawn.iter().filter(|run| run.rule.is_dyadic());
        runs.filter(|run| Grid::stands_in(run, &grid.places[row])).count()
    };
    let alone = (0..grid.places.len()).all(|row| dots(row) == 0);
    let shown = Shown::of((1, grid.places.len()), |_, row| alone || dots(row) > 0);
    let shown = shown.ok_or_else(|| FigureError::nothing("no run has a finite accuracy"))?;
    let lost = tables.runs.iter().filter(|run| accuracy(run).is_none()).count();
    let lost = (lost > 0).then(|| format!("{lost} runs have no finite accuracy and are not drawn."));
    let layout = Layout {
        title: FIGURE.title.into(),
        subtitle: settings_line(tables, "points, and their mean as a line"),
        legend: legend(&grid, &drawn, nudged),
        columns: kept(&labels, &shown.columns),
        rows: vec![String::new()],
        x_label: if nudged { "mixing α" } else { "no α: backpropagation only" }.into(),
        y_label: "final test accuracy".into(),
        axes: Axes::Shared(x, y),
        names: Vec::new(),
        height: Some(260.0),
        notes: lost.into_iter().chain(shown.note(&[], &labels)).collect(),
    };
    Ok(Sheet::filled(&layout, |page, panel, (_, column)| {
        fill(page, panel, tables, (&grid, &grid.places[shown.columns[column]]));
    }))
}

/// Rules with an accuracy, and the marks that stand for their seeds.
fn legend(grid: &Grid, drawn: &[&Run], nudged: bool) -> Vec<Key> {
    let has_runs = |rule: &&RuleKind| drawn.iter().any(|run| run.rule == **rule);
    let rules = grid.rules.iter().filter(has_runs);
    let rules = rules.map(|rule| Key::Line(ink_of(*rule), rule.label().into()));
    // References are lines across; only where there is nothing else do their seeds stand as dots.
    let dots = || drawn.iter().filter(|run| !nudged || run.rule.is_dyadic());
    let seed = dots().any(|run| !nudged || !troubled(run)).then(|| Key::Disc(GREY, "one seed".into()));
    let ring = || Key::Ring(GREY, "unsettled samples, or run not complete".into());
    let ring = dots().any(|run| nudged && troubled(run)).then(ring);
    rules.chain(seed).chain(ring).collect()
}

fn accuracy(run: &Run) -> Option<f64> {
    let last = || run.metrics.last().map(|row| row.test_accuracy);
    run.summary.as_ref().map(|summary| summary.test_accuracy).or_else(last).filter(|value| value.is_finite())
}

/// Whether the run's accuracy is that of a circuit that did not always settle, or of half a run.
fn troubled(run: &Run) -> bool {
    let Some(summary) = &run.summary else { return true };
    let failed = [summary.oscillation, summary.latch_up, summary.timeout, summary.not_finite];
    !run.complete() || failed.into_iter().flatten().sum::<f64>() > 0.01
}

fn fill(page: &mut Page, panel: &Panel, tables: &Tables, (grid, row): (&Grid, &Row)) {
    for &rule in &grid.rules {
        let ink = ink_of(rule);
        if !rule.is_dyadic() {
            reference(page, panel, &runs_at(tables, rule, None, row), ink);
            continue;
        }
        let mut means = Vec::new();
        for alpha in &grid.alphas {
            let runs = runs_at(tables, rule, *alpha, row);
            let spread = Spread::of(runs.iter().filter_map(|run| accuracy(run)));
            let place = |value: f64| panel.at(alpha.unwrap_or(0.0), value);
            means.push(spread.and_then(|spread| place(spread.mean)));
            for run in runs {
                match accuracy(run).and_then(place) {
                    Some(at) if troubled(run) => page.ring(at, 3.0, ink),
                    Some(at) => page.disc(at, 2.6, ink.faded(0.8)),
                    None => {}
                }
            }
        }
        // A line over an α without a run would say what nobody has seen.
        for piece in means.split(Option::is_none).filter(|piece| piece.len() > 1) {
            page.line(&piece.iter().copied().flatten().collect::<Vec<_>>(), ink, 1.6);
        }
    }
}

/// Backpropagation, adversarial or not, as a line across the panel, with its range.
fn reference(page: &mut Page, panel: &Panel, runs: &[&Run], ink: Ink) {
    let values = || runs.iter().filter_map(|run| accuracy(run));
    let Some(Spread { mean, low, high, .. }) = Spread::of(values()) else { return };
    if panel.x.kind == Kind::Names {
        values().filter_map(|value| panel.at(0.0, value)).for_each(|at| page.disc(at, 2.6, ink));
    }
    let across = |value: f64| Some([panel.at(panel.x.low, value)?, panel.at(panel.x.high, value)?]);
    if let (Some(low), Some(high)) = (across(low), across(high)) {
        page.block(high[0], low[1], ink.faded(0.12));
    }
    if let Some(line) = across(mean) {
        page.line(&line, ink, 1.4);
    }
}
