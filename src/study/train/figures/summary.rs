//! Final test accuracy against α.

use super::groups::{Grid, Row, runs_at};
use super::tables::{Run, Tables};
use super::words::settings_line;
use crate::figure::axis::Axis;
use crate::figure::chart::{Chart, Dot, Scale, Series};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::{GREY, ink_of};
use crate::figure::{Figure, FigureError};
use dyadsim_core::spec::RuleKind;

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
    let nudged = grid.alphas.iter().any(Option::is_some);
    let alphas = grid.alphas.iter().flatten().copied();
    let x = if nudged { Axis::around(alphas, 0.06) } else { Axis::names(1) };
    let x_label = if nudged { "mixing α" } else { "no α: backpropagation only" };
    let y = Axis::around(tables.runs.iter().filter_map(accuracy), 0.08);
    let lost = tables.runs.iter().filter(|run| accuracy(run).is_none()).count();
    let lost = (lost > 0).then(|| format!("{lost} runs have no finite accuracy and are not drawn."));
    let mut chart = Chart {
        subtitle: settings_line(tables, "points, and their mean as a line"),
        columns: grid.places.iter().map(Row::label).collect(),
        height: Some(260.0),
        keys: keys(tables, nudged),
        notes: lost.into_iter().collect(),
        ..Chart::new(FIGURE.title, (x_label, Scale::Is(x)), ("final test accuracy", Scale::Is(y)))
    };
    for (column, place) in grid.places.iter().enumerate() {
        for &rule in &grid.rules {
            if rule.is_dyadic() {
                chart.series.extend(dots(tables, &grid, (column, place), rule));
            } else {
                let runs = runs_at(tables, rule, None, place);
                chart.series.extend(reference(column, rule, &runs, (x, nudged)));
            }
        }
    }
    chart.draw("no run has a finite accuracy", |_, _, _| {})
}

/// The marks that stand for seeds. References are lines across; only where there is nothing else do their
/// seeds stand as dots.
fn keys(tables: &Tables, nudged: bool) -> Vec<Key> {
    let dots = || {
        let drawn = tables.runs.iter().filter(|run| accuracy(run).is_some());
        drawn.filter(|run| !nudged || run.rule.is_dyadic())
    };
    let seed = dots().any(|run| !nudged || !troubled(run)).then(|| Key::Disc(GREY, "one seed".into()));
    let ring = || Key::Ring(GREY, "unsettled samples, or run not complete".into());
    let ring = dots().any(|run| nudged && troubled(run)).then(ring);
    seed.into_iter().chain(ring).collect()
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

/// Every seed of a rule as a mark, and a line through their means.
fn dots(tables: &Tables, grid: &Grid, (column, place): (usize, &Row), rule: RuleKind) -> [Series; 3] {
    let (ink, key) = (ink_of(rule), Key::Line(ink_of(rule), rule.label().into()));
    let (mut seeds, mut means) = (Vec::new(), Vec::new());
    for alpha in &grid.alphas {
        let (x, runs) = (alpha.unwrap_or(0.0), runs_at(tables, rule, *alpha, place));
        let shown = || runs.iter().filter_map(|run| Some((accuracy(run)?, troubled(run))));
        seeds.extend(shown().map(|(y, troubled)| (Dot::new(x, y).open(troubled), troubled)));
        // A line over an α without a run would say what nobody has seen.
        means.push(Dot::of(x, shown().map(|(y, _)| y)).unwrap_or(Dot::new(x, None)));
    }
    let of =
        |wanted: bool| seeds.iter().filter(move |(_, troubled)| *troubled == wanted).map(|(dot, _)| *dot);
    let at = (0, column);
    [
        Series::at(at, ink.faded(0.8), of(false)).marks(2.6),
        Series::at(at, ink, of(true)).marks(3.0),
        Series::at(at, ink, means).line(1.6).key(key),
    ]
}

/// Backpropagation, adversarial or not, as a line across the panel, with its range; its seeds as marks where
/// no rule has an α.
fn reference(column: usize, rule: RuleKind, runs: &[&Run], (x, nudged): (Axis, bool)) -> Vec<Series> {
    let (at, ink) = ((0, column), ink_of(rule));
    let values: Vec<f64> = runs.iter().filter_map(|run| accuracy(run)).collect();
    let ends = [x.low, x.high].map(|x| Dot::of(x, values.iter().copied()));
    let line = Series::at(at, ink, ends.into_iter().flatten()).band(0.12).line(1.4).aside();
    let seeds = values.iter().filter(|_| !nudged).map(|value| Dot::new(0.0, *value));
    vec![Series::at(at, ink, seeds).marks(2.6).aside(), line.key(Key::Line(ink, rule.label().into()))]
}
