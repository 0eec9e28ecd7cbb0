//! Final test accuracy against α.

use super::Figure;
use super::axis::{Axis, Kind, count, extent};
use super::error::FigureError;
use super::groups::{Grid, Row, runs_at};
use super::legend::Key;
use super::page::Page;
use super::palette::{GREY, rule_ink, rule_name};
use super::sheet::{Axes, Layout, Panel, Sheet};
use super::tables::{Run, Tables};
use super::words::settings_line;

/// The registry line.
pub const FIGURE: Figure = Figure {
    name: "summary",
    title: "Final test accuracy against the mixing α",
    caption: "One panel per β. The black line and its band are backpropagation, mean and range over seeds, which has \
        no α. Where coloured dots lie in the band, the circuit trains as well as the algorithm. Open circles are runs in which \
        more than 1 % of all nudged samples did not settle, or which did not finish: their accuracy is what a chip \
        would reach, not what the rule promises.",
    draw,
};

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let grid = Grid::of(tables);
    let nudged = grid.alphas.iter().any(Option::is_some);
    let alphas = grid.alphas.iter().flatten().copied();
    let x = if nudged { Axis::around(alphas, 0.06) } else { Axis::names(1) };
    let values = tables.runs.iter().filter_map(accuracy);
    let y = Axis::around(values, 0.08);
    let mut legend: Vec<Key> =
        grid.rules.iter().map(|rule| Key::Line(rule_ink(rule), rule_name(rule))).collect();
    legend.push(Key::Disc(GREY, "one seed".into()));
    if tables.runs.iter().any(troubled) {
        legend.push(Key::Ring(GREY, "unsettled samples, or run not complete".into()));
    }
    let lost = tables.runs.iter().filter(|run| accuracy(run).is_none()).count();
    let lost = (lost > 0).then(|| format!("{lost} runs have no finite accuracy and are not drawn."));
    let layout = Layout {
        title: FIGURE.title.into(),
        subtitle: settings_line(tables, "points, and their mean as a line"),
        legend,
        columns: grid.row_labels(),
        rows: vec![String::new()],
        x_label: if nudged { "mixing α" } else { "no α: backpropagation only" }.into(),
        y_label: "final test accuracy".into(),
        axes: Axes::Shared(x, y),
        names: Vec::new(),
        height: Some(260.0),
        notes: lost.into_iter().collect(),
    };
    Ok(Sheet::filled(&layout, |page, panel, (_, column)| {
        fill(page, panel, tables, (&grid, &grid.rows[column]));
    }))
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
    for rule in &grid.rules {
        let ink = rule_ink(rule);
        if rule == "bp" {
            reference(page, panel, &runs_at(tables, rule, None, row));
            continue;
        }
        let mut means = Vec::new();
        for alpha in &grid.alphas {
            let runs = runs_at(tables, rule, *alpha, row);
            let values: Vec<f64> = runs.iter().filter_map(|run| accuracy(run)).collect();
            let mean = values.iter().sum::<f64>() / count(values.len().max(1));
            let place = |value: f64| panel.at(alpha.unwrap_or(0.0), value);
            means.extend(place(mean).filter(|_| !values.is_empty()));
            for run in runs {
                match accuracy(run).and_then(place) {
                    Some(at) if troubled(run) => page.ring(at, 3.0, ink),
                    Some(at) => page.disc(at, 2.6, ink.faded(0.8)),
                    None => {}
                }
            }
        }
        page.line(&means, ink, 1.6);
    }
}

/// Backpropagation as a line across the panel, with its range.
fn reference(page: &mut Page, panel: &Panel, runs: &[&Run]) {
    let values: Vec<f64> = runs.iter().filter_map(|run| accuracy(run)).collect();
    let (low, high) = extent(values.iter().copied());
    let ink = rule_ink("bp");
    if panel.x.kind == Kind::Names {
        values.iter().filter_map(|value| panel.at(0.0, *value)).for_each(|at| page.disc(at, 2.6, ink));
    }
    let across = |value: f64| Some([panel.at(panel.x.low, value)?, panel.at(panel.x.high, value)?]);
    if let (Some(low), Some(high)) = (across(low), across(high)) {
        page.block(high[0], low[1], ink.faded(0.12));
    }
    if let Some(line) =
        across(values.iter().sum::<f64>() / count(values.len().max(1))).filter(|_| !values.is_empty())
    {
        page.line(&line, ink, 1.4);
    }
}
