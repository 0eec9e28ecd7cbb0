//! Quantities of runs against the nudge: a line for every rule and setting, mean and range over seeds.

use super::super::identity::Settings;
use super::groups::{Grid, Row, runs_at};
use super::tables::{Run, Tables};
use super::words::settings_line;
use crate::figure::axis::Axis;
use crate::figure::chart::{AtPlace, Chart, Dot, Scale, Series, Share, levels};
use crate::figure::legend::Key;
use crate::figure::page::Ink;
use crate::figure::palette::ink_of;
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::{Spread, mean};

/// A quantity of a run after its last epoch, with its label and its axis.
pub struct Quantity {
    pub label: &'static str,
    pub of: fn(&Run) -> Option<f64>,
    pub axis: Axis,
    /// Whether rules that nudge no circuit have it, too, and stand as lines across.
    pub reference: bool,
}

/// Runs that differ in nudge and seed only.
pub struct Line {
    pub rule: RuleKind,
    pub settings: Settings,
    pub ink: Ink,
    /// Whether it is dashed, with open marks.
    pub quiet: bool,
    pub label: String,
}

/// Every nudge of a grid, ascending.
pub fn betas(grid: &Grid) -> Vec<f64> {
    levels(grid.rows.iter().map(|row| row.beta)).into_iter().flatten().collect()
}

/// A row of panels for every quantity, a column for every α.
pub fn chart<'a>(
    tables: &Tables,
    title: &str,
    (grid, lines): (&Grid, &[Line]),
    (quantities, axis): (&[Quantity], AtPlace<'a>),
) -> Chart<'a> {
    let betas = betas(grid);
    let x = Axis::log(betas.iter().copied());
    let mut chart = Chart {
        subtitle: settings_line(tables, "mean and range"),
        columns: grid.columns(),
        rows: quantities.iter().map(|quantity| quantity.label.to_owned()).collect(),
        share: Share::Rows,
        ..Chart::new(title, ("nudge β", Scale::Is(x)), ("", Scale::At(axis)))
    };
    for (row, quantity) in quantities.iter().enumerate() {
        for (column, alpha) in grid.alphas.iter().enumerate() {
            let place = (row, column);
            if quantity.reference {
                chart.series.extend(references(tables, place, x));
            }
            let of_line = |line: &Line| series(tables, line, place, (*alpha, &betas), quantity.of);
            chart.series.extend(lines.iter().map(of_line));
        }
    }
    chart
}

/// A line with its range at every nudge.
fn series(
    tables: &Tables,
    line: &Line,
    place: (usize, usize),
    (alpha, betas): (Option<f64>, &[f64]),
    of: fn(&Run) -> Option<f64>,
) -> Series {
    let dot = |&beta: &f64| {
        let row = Row::new(Some(beta), line.settings.clone());
        let runs = runs_at(tables, line.rule, alpha, &row);
        Some(Dot::of(beta, runs.into_iter().filter_map(of))?.open(line.quiet))
    };
    let one = Series::at(place, line.ink, betas.iter().filter_map(dot)).bars(1.0).marks(2.4);
    if line.quiet {
        one.dashed(1.4, (4.0, 3.0)).key(Key::Dashed(line.ink, line.label.clone()))
    } else {
        one.line(1.6).key(Key::Line(line.ink, line.label.clone()))
    }
}

/// A line across the panel for every rule without a nudge, at the mean accuracy of its runs.
fn references(tables: &Tables, place: (usize, usize), x: Axis) -> impl Iterator<Item = Series> {
    RuleKind::ALL.into_iter().filter(|rule| !rule.has_nudge()).filter_map(move |rule| {
        let runs = tables.runs.iter().filter(|run| run.rule == rule);
        let mean = Spread::of(runs.filter_map(accuracy))?.mean;
        let (ink, words) = (ink_of(rule), format!("{} (mean)", rule.label()));
        let ends = [x.low, x.high].map(|x| Dot::new(x, mean));
        Some(Series::at(place, ink, ends).line(1.0).key(Key::Line(ink, words)).aside())
    })
}

pub fn accuracy(run: &Run) -> Option<f64> {
    run.metrics.last().map(|row| row.test_accuracy).filter(|value| value.is_finite())
}

/// Mean angle over the layers after some epochs.
pub fn angle_at(run: &Run, epoch: usize) -> Option<f64> {
    let rows = || run.layers.iter().filter(|row| row.epoch == epoch);
    let angles: Option<Vec<f64>> = rows().map(|row| row.angle_to_bp_deg).collect();
    let angles = angles.filter(|angles| !angles.is_empty() && angles.iter().all(|a| a.is_finite()))?;
    Some(mean(&angles))
}

/// Of all runs that have it.
pub fn values(tables: &Tables, of: fn(&Run) -> Option<f64>) -> impl Iterator<Item = f64> {
    tables.runs.iter().filter_map(of).collect::<Vec<_>>().into_iter()
}
