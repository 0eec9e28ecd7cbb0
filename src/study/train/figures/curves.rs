//! A quantity against the epoch: mean over seeds as a line, their range as a band.
//!
//! What a mean would hide is marked: the line is dashed where samples did not settle, an open
//! circle stands where a seed drops out, and numbers without a place are counted in a note.

use super::super::rows::MetricsRow;
use super::groups::{Grid, Row, runs_at};
use super::tables::{Run, Tables};
use super::words::settings_line;
use crate::figure::FigureError;
use crate::figure::axis::{Axis, Kind, count, number};
use crate::figure::chart::{Chart, Dot, Scale, Series};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::{GREY, ink_of};
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::Spread;

/// Share of unsettled samples (of the worst seed) above which a line is dashed.
const UNSETTLED: f64 = 0.01;

/// A quantity of a row of `metrics`; `None` if it does not exist there.
pub type MetricOf = fn(&MetricsRow) -> Option<f64>;

/// A figure of curves: the same quantity for every rule, in the grid of α and β.
#[derive(Clone, Copy, Debug)]
pub struct Curves {
    /// Title.
    pub title: &'static str,
    /// Label of the y axis.
    pub y_label: &'static str,
    /// What is shown.
    pub quantity: MetricOf,
    /// The kind of y axis.
    pub kind: Kind,
    /// Whether rules that nudge no circuit have the quantity.
    pub reference: bool,
    /// A line across every panel, with its meaning.
    pub mark: Option<(f64, &'static str)>,
    /// Values below are drawn at the lower edge.
    pub floor: Option<f64>,
    /// Factor from the table's unit to the axis's.
    pub factor: f64,
}

impl Curves {
    /// A linear axis, backpropagation included.
    #[must_use]
    pub fn new(title: &'static str, y_label: &'static str, quantity: MetricOf) -> Self {
        let (kind, reference, mark, floor, factor) = (Kind::Linear, true, None, None, 1.0);
        Self { title, y_label, quantity, kind, reference, mark, floor, factor }
    }

    /// Draws the figure; a label of the y axis other than the usual may be given.
    ///
    /// # Errors
    /// [`FigureError::Nothing`] if no run has the quantity.
    pub fn draw(&self, tables: &Tables, y_label: Option<String>) -> Result<Page, FigureError> {
        let grid = Grid::of(tables);
        let rows = if self.reference { &grid.places } else { &grid.rows };
        let y_label = y_label.unwrap_or_else(|| self.y_label.into());
        let fit = |dots: &[Dot]| self.axis(dots);
        let mut chart = Chart {
            subtitle: settings_line(tables, "mean and range"),
            rows: rows.iter().map(Row::label).collect(),
            columns: grid.columns(),
            notes: self.notes(tables),
            empty: "no numbers here",
            ..Chart::new(self.title, ("epoch", Scale::Is(epochs(tables))), (&y_label, Scale::By(&fit)))
        };
        let (mut loose, mut drops) = (false, false);
        for (row, place) in rows.iter().enumerate() {
            for (column, alpha) in grid.alphas.iter().enumerate() {
                for &rule in grid.rules.iter().filter(|rule| self.reference || rule.is_dyadic()) {
                    let points = self.points(&runs_at(tables, rule, *alpha, place));
                    loose |= points.iter().any(|point| point.unsettled);
                    drops |= points.windows(2).any(|pair| pair[1].seeds < pair[0].seeds);
                    chart.series.extend(series((row, column), rule, &points));
                }
            }
        }
        let dashed = Key::Dashed(GREY, "more than 1 % of a seed’s samples unsettled".into());
        let ring = Key::Ring(GREY, "a seed has no number after this".into());
        let mark = self.mark.map(|(_, meaning)| Key::Box(GREY.faded(0.18), meaning.into()));
        chart.keys = loose.then_some(dashed).into_iter().chain(drops.then_some(ring)).chain(mark).collect();
        chart.draw("no run has a number for it", |page, panel, _| {
            if let Some((value, _)) = self.mark {
                panel.shade_below(page, value, GREY.faded(0.13));
                panel.threshold(page, value, (GREY, 1.1), (5.0, 3.0));
            }
        })
    }

    /// Mean and range at every epoch at which some seed has a number.
    fn points(&self, runs: &[&Run]) -> Vec<EpochPoint> {
        let mut epochs: Vec<usize> =
            runs.iter().flat_map(|run| run.metrics.iter().map(|row| row.epoch)).collect();
        epochs.sort_unstable();
        epochs.dedup();
        let point = |epoch: usize| {
            let rows: Vec<&MetricsRow> =
                runs.iter().filter_map(|run| run.metrics.iter().find(|row| row.epoch == epoch)).collect();
            let values = rows.iter().filter_map(|row| (self.quantity)(row)).filter(|v| self.drawn(*v));
            let spread = Spread::of(values.map(|value| value * self.factor))?;
            let unsettled = rows.iter().any(|row| unsettled(row) > UNSETTLED);
            let dot = Dot::new(count(epoch), spread.mean).within(spread.low, spread.high).loose(unsettled);
            Some(EpochPoint { epoch, dot, seeds: spread.count, unsettled })
        };
        epochs.into_iter().filter_map(point).collect()
    }

    /// Whether a value has a place on the axis.
    fn drawn(&self, value: f64) -> bool {
        value.is_finite() && (self.kind != Kind::Log || value > 0.0)
    }

    fn axis(&self, dots: &[Dot]) -> Axis {
        let floor = self.floor.unwrap_or(f64::NEG_INFINITY);
        let shown = dots.iter().flat_map(Dot::values).chain(self.mark.map(|mark| mark.0));
        let shown = shown.map(|value| value.max(floor));
        if self.kind == Kind::Log { Axis::log(shown) } else { Axis::around(shown, 0.05) }
    }

    fn notes(&self, tables: &Tables) -> Vec<String> {
        let runs = tables.runs.iter().filter(|run| self.reference || run.rule.is_dyadic());
        let values: Vec<f64> = runs.flat_map(|run| &run.metrics).filter_map(self.quantity).collect();
        let lost = values.iter().filter(|value| !self.drawn(**value)).count();
        let why = if self.kind == Kind::Log { "zero, negative or not finite" } else { "not finite" };
        let lost = (lost > 0).then(|| format!("{lost} values of single seeds are {why} and are not drawn."));
        let below =
            |floor: &f64| values.iter().any(|value| self.drawn(*value) && value * self.factor < *floor);
        let below = self.floor.filter(below);
        let below = below.map(|floor| format!("Values below {} stand at the lower edge.", number(floor)));
        lost.into_iter().chain(below).collect()
    }
}

/// A point of a curve.
struct EpochPoint {
    epoch: usize,
    dot: Dot,
    /// How many seeds have a number.
    seeds: usize,
    /// Whether more than 1 % of some seed's samples did not settle.
    unsettled: bool,
}

/// The curve of a rule in a panel. Epochs at which no seed has a number break it; rings stand where a seed
/// drops out.
fn series(place: (usize, usize), rule: RuleKind, points: &[EpochPoint]) -> Vec<Series> {
    let ink = ink_of(rule);
    let at = |dots: Vec<Dot>| {
        let one = Series::at(place, ink, dots);
        if rule.is_dyadic() { one } else { one.aside() }
    };
    // Backpropagation lies under all others: wider, it still shows.
    let width = if rule == RuleKind::Bp { 2.8 } else { 1.5 };
    let key = || Key::Line(ink, rule.label().into());
    let part = |part: &[EpochPoint]| {
        let one = at(part.iter().map(|point| point.dot).collect()).key(key());
        if part.len() > 1 { one.band(0.18).line(width) } else { one.bars(1.2).marks(2.6) }
    };
    let parts = points.chunk_by(|a, b| b.epoch == a.epoch + 1).map(part);
    let drops = points.windows(2).filter(|pair| pair[1].seeds < pair[0].seeds);
    let drops = at(drops.map(|pair| pair[0].dot.open(true)).collect()).marks(3.2);
    parts.chain([drops]).collect()
}

/// The axis of all epochs in the tables.
#[must_use]
pub fn epochs(tables: &Tables) -> Axis {
    Axis::whole(tables.runs.iter().flat_map(|run| run.metrics.iter().map(|row| row.epoch)))
}

/// Share of the nudged samples that did not settle; 0 where nothing was nudged.
#[must_use]
pub fn unsettled(row: &MetricsRow) -> f64 {
    row.settled.map_or(0.0, |settled| 1.0 - settled - row.noisy_settled.unwrap_or(0.0))
}
