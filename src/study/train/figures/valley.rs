//! The valley between bias and noise: what was learned, and how far the gradient pointed aside, against the nudge.

use super::super::identity::Settings;
use super::super::rows::ValleyRow;
use super::groups::{Grid, Row, Shown, kept, runs_at};
use super::tables::{Run, Tables};
use super::words::settings_line;
use crate::figure::axis::{Axis, number};
use crate::figure::legend::Key;
use crate::figure::page::{Anchor, Ink, Page, Text, text};
use crate::figure::palette::{GREY, ink_of};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};
use crate::spec::RuleKind;
use crate::statistics::{Spread, mean};

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "valley",
    title: "Bias against noise: accuracy and gradient angle against the nudge",
    caption: "A weak nudge leaves the error below the noise, a strong one bends the gradient or, under DP, tips the circuit over. Above: \
        test accuracy after the last epoch, mean and range over seeds. Below: angle between the gradient estimate and \
        backpropagation at the end, mean over layers and seeds, each with one draw of the noise; crosses are what the linear noise analysis predicts there, for the \
        weights of those runs. The tick on the axis is the nudge at which it expects the smallest angle of the whole gradient for the \
        network that backpropagation has trained.",
    draw,
};

/// Nudges that make a valley.
const NUDGES: usize = 3;

/// A quantity of a run after its last epoch.
pub(super) type Quantity = fn(&Run) -> Option<f64>;

/// Runs that differ in nudge and seed only.
pub(super) struct Series {
    pub rule: RuleKind,
    pub settings: Settings,
    pub ink: Ink,
    /// Whether it is dashed.
    pub quiet: bool,
}

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let grid = Grid::of(tables);
    let betas = betas(&grid);
    if betas.len() < NUDGES {
        return Err(FigureError::nothing("a valley takes three nudges or more"));
    }
    let quantities: [Quantity; 2] = [accuracy, angle];
    let (series, shown) = drawn_in(tables, &grid, series(&grid), &quantities)
        .ok_or_else(|| FigureError::nothing("no run with a nudge has an accuracy or an angle"))?;
    let x = Axis::log(betas.iter().copied());
    let angles = values(tables, angle).chain(tables.valley.iter().filter_map(|row| row.total_deg));
    let axes = [
        (x, Axis::around(values(tables, accuracy), 0.05)),
        (x, Axis { low: 0.0, ..Axis::around(angles, 0.05) }),
    ];
    let axes = kept(&axes, &shown.lines);
    let rows: Vec<String> = vec!["test accuracy".into(), "angle (degrees)".into()];
    let layout = Layout {
        title: FIGURE.title.into(),
        subtitle: settings_line(tables, "mean and range"),
        legend: legend(&series, tables),
        columns: kept(&grid.columns(), &shown.columns),
        rows: kept(&rows, &shown.lines),
        x_label: "nudge β".into(),
        y_label: String::new(),
        axes: Axes::Each(
            axes.iter().flat_map(|axes| std::iter::repeat_n(*axes, shown.columns.len())).collect(),
        ),
        names: Vec::new(),
        height: None,
        notes: shown.note(&rows, &grid.columns()).into_iter().collect(),
    };
    Ok(Sheet::filled(&layout, |page, panel, (row, column)| {
        let (alpha, row) = (grid.alphas[shown.columns[column]], shown.lines[row]);
        if row == 0 {
            reference(page, panel, tables);
        }
        for one in &series {
            if row == 1 {
                predicted(page, panel, tables, one, alpha);
            }
            measured(page, panel, &points(tables, one, alpha, &betas, quantities[row]), one);
        }
    }))
}

/// The series that have points of some quantity, and which quantities (lines) and α (columns) have any.
pub(super) fn drawn_in(
    tables: &Tables,
    grid: &Grid,
    mut series: Vec<Series>,
    quantities: &[Quantity],
) -> Option<(Vec<Series>, Shown)> {
    let betas = betas(grid);
    let has = |one: &Series, line: usize, column: usize| {
        !points(tables, one, grid.alphas[column], &betas, quantities[line]).is_empty()
    };
    let size = (quantities.len(), grid.alphas.len());
    series.retain(|one| Shown::of(size, |line, column| has(one, line, column)).is_some());
    let shown = Shown::of(size, |line, column| series.iter().any(|one| has(one, line, column)))?;
    Some((series, shown))
}

/// Every nudge of a grid, ascending.
pub(super) fn betas(grid: &Grid) -> Vec<f64> {
    let mut betas: Vec<f64> = grid.rows.iter().filter_map(|row| row.beta).collect();
    betas.sort_by(f64::total_cmp);
    betas.dedup();
    betas
}

/// Every rule with a nudge at every setting but the nudge itself.
fn series(grid: &Grid) -> Vec<Series> {
    let mut all: Vec<Settings> = grid.rows.iter().map(|row| row.settings.clone()).collect();
    all.dedup();
    let mut settings: Vec<Settings> = Vec::new();
    for one in all {
        if !settings.contains(&one) {
            settings.push(one);
        }
    }
    let silent = |settings: &Settings| {
        let noise = settings.iter().filter(|(path, _)| path.contains("noise."));
        let sizes: Vec<Option<f64>> = noise.map(|(_, value)| value.as_f64()).collect();
        !sizes.is_empty() && sizes.iter().all(|size| *size == Some(0.0))
    };
    let rules = grid.rules.iter().copied().filter(|rule| rule.is_dyadic());
    let of = |rule: RuleKind, settings: &Settings| Series {
        rule,
        settings: settings.clone(),
        ink: ink_of(rule),
        quiet: silent(settings),
    };
    rules.flat_map(|rule| settings.iter().map(move |settings| of(rule, settings))).collect()
}

pub(super) fn accuracy(run: &Run) -> Option<f64> {
    run.metrics.last().map(|row| row.test_accuracy).filter(|value| value.is_finite())
}

/// Mean over the layers after the last epoch.
fn angle(run: &Run) -> Option<f64> {
    angle_at(run, run.layers.iter().map(|row| row.epoch).max()?)
}

/// Mean over the layers after some epochs.
pub(super) fn angle_at(run: &Run, epoch: usize) -> Option<f64> {
    let rows = || run.layers.iter().filter(|row| row.epoch == epoch);
    let angles: Option<Vec<f64>> = rows().map(|row| row.angle_to_bp_deg).collect();
    let angles = angles.filter(|angles| !angles.is_empty() && angles.iter().all(|a| a.is_finite()))?;
    Some(mean(&angles))
}

/// Of all runs that have it.
pub(super) fn values(tables: &Tables, quantity: Quantity) -> impl Iterator<Item = f64> {
    tables.runs.iter().filter_map(quantity).collect::<Vec<_>>().into_iter()
}

/// Nudge, mean, least and largest of the seeds that have a number.
pub(super) fn points(
    tables: &Tables,
    series: &Series,
    alpha: Option<f64>,
    betas: &[f64],
    quantity: Quantity,
) -> Vec<(f64, f64, f64, f64)> {
    let at = |&beta: &f64| {
        let row = Row::new(Some(beta), series.settings.clone());
        let runs = runs_at(tables, series.rule, alpha, &row);
        let spread = Spread::of(runs.into_iter().filter_map(quantity))?;
        Some((beta, spread.mean, spread.low, spread.high))
    };
    betas.iter().filter_map(at).collect()
}

/// A series as a line with its range at every nudge.
pub(super) fn measured(page: &mut Page, panel: &Panel, points: &[(f64, f64, f64, f64)], series: &Series) {
    let ink = series.ink;
    let path: Vec<_> = points.iter().filter_map(|&(beta, mean, ..)| panel.at(beta, mean)).collect();
    if series.quiet {
        page.dashed(&path, ink, 1.4, (4.0, 3.0));
    } else {
        page.line(&path, ink, 1.6);
    }
    for &(beta, mean, low, high) in points {
        panel.bar(page, beta, (low, high), (ink, 1.0));
        let mark = |page: &mut Page, at| {
            if series.quiet { page.ring(at, 2.4, ink) } else { page.disc(at, 2.4, ink) }
        };
        panel.at(beta, mean).into_iter().for_each(|at| mark(page, at));
    }
}

/// Crosses at the predicted angles, and a tick where the whole gradient's is smallest.
fn predicted(page: &mut Page, panel: &Panel, tables: &Tables, series: &Series, alpha: Option<f64>) {
    let here = |row: &&ValleyRow| {
        let run = tables.runs.iter().find(|run| run.name == row.run);
        row.rule == series.rule.name()
            && Some(row.alpha) == alpha
            && run.is_some_and(|r| *r.settings() == series.settings)
    };
    let rows: Vec<&ValleyRow> = tables.valley.iter().filter(here).collect();
    let mut betas: Vec<f64> = rows.iter().map(|row| row.beta).collect();
    betas.sort_by(f64::total_cmp);
    betas.dedup();
    let ink = series.ink;
    for beta in betas {
        let seeds = rows.iter().filter(|row| row.beta == beta);
        let angles: Option<Vec<f64>> = seeds.map(|row| row.total_deg).collect();
        let angle = angles.map(|angles| mean(&angles));
        if let Some((x, y)) = angle.and_then(|angle| panel.at(beta, angle)) {
            page.line(&[(x - 4.0, y - 4.0), (x + 4.0, y + 4.0)], ink, 1.3);
            page.line(&[(x - 4.0, y + 4.0), (x + 4.0, y - 4.0)], ink, 1.3);
        }
    }
    if let Some(best) = rows.first().and_then(|row| row.best_beta) {
        tick(page, panel, best, ink);
    }
}

/// A tick with its number, beside it where the edge is near.
fn tick(page: &mut Page, panel: &Panel, beta: f64, ink: Ink) {
    let reach = 0.1 * (panel.y.high - panel.y.low);
    let ends = (panel.at(beta, panel.y.low), panel.at(beta, panel.y.low + reach));
    let (Some(low), Some(high)) = ends else { return };
    page.line(&[low, high], ink, 2.2);
    let words = number(beta);
    page.text(Text { ink, anchor: Anchor::End, ..text(words, (high.0 - 4.0, low.1 - 4.0), 8.0) });
}

/// Rules that nudge no circuit, with the mean accuracy of their runs.
fn references(tables: &Tables) -> impl Iterator<Item = (RuleKind, f64)> {
    RuleKind::ALL.into_iter().filter(|rule| !rule.is_dyadic()).filter_map(|rule| {
        let runs = tables.runs.iter().filter(|run| run.rule == rule);
        Some((rule, Spread::of(runs.filter_map(accuracy))?.mean))
    })
}

/// A line across the panel for every rule that nudges no circuit, at its mean accuracy.
pub(super) fn reference(page: &mut Page, panel: &Panel, tables: &Tables) {
    for (rule, mean) in references(tables) {
        let ends: Vec<_> = [panel.x.low, panel.x.high].iter().filter_map(|x| panel.at(*x, mean)).collect();
        page.line(&ends, ink_of(rule), 1.0);
    }
}

/// The legend's entries of these lines.
pub(super) fn reference_keys(tables: &Tables) -> impl Iterator<Item = Key> {
    references(tables).map(|(rule, _)| Key::Line(ink_of(rule), format!("{} (mean)", rule.label())))
}

fn legend(series: &[Series], tables: &Tables) -> Vec<Key> {
    let words = |one: &Series| {
        let row = Row::new(None, one.settings.clone());
        match row.label() {
            label if label.is_empty() => one.rule.label().to_owned(),
            label => format!("{}, {label}", one.rule.label()),
        }
    };
    let key = |one: &Series| {
        let (ink, words) = (one.ink, words(one));
        if one.quiet { Key::Dashed(ink, words) } else { Key::Line(ink, words) }
    };
    let mut keys: Vec<Key> = reference_keys(tables).chain(series.iter().map(key)).collect();
    if tables.valley.iter().any(|row| row.total_deg.is_some() || row.best_beta.is_some()) {
        keys.push(Key::Line(GREY, "cross: predicted; tick: predicted best β".into()));
    }
    keys
}
