//! A quantity against the epoch: mean over seeds as a line, their range as a band.
//!
//! What a mean would hide is marked: the line is dashed where samples did not settle, an open
//! circle stands where a seed drops out, and numbers without a place are counted in a note.

use super::super::rows::MetricsRow;
use super::groups::{Grid, Row, Shown, kept, runs_at};
use super::tables::{Run, Tables};
use super::words::settings_line;
use crate::figure::FigureError;
use crate::figure::axis::{Axis, Kind, count};
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{GREY, ink_of};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::spec::RuleKind;
use crate::statistics;

/// Share of unsettled samples (of the worst seed) above which a line is dashed.
const UNSETTLED: f64 = 0.01;

/// A quantity of a row of `metrics`; `None` if it does not exist there.
pub type Quantity = fn(&MetricsRow) -> Option<f64>;

/// Mean and range over the seeds that have a number at one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Epoch.
    pub epoch: usize,
    /// Mean.
    pub mean: f64,
    /// Smallest.
    pub low: f64,
    /// Largest.
    pub high: f64,
    /// How many seeds it is of.
    pub seeds: usize,
    /// Whether more than 1 % of some seed's samples did not settle.
    pub unsettled: bool,
}

/// The curve of a rule in one panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its rule.
    rule: RuleKind,
    /// Its points.
    pub points: Vec<Spread>,
    ink: Ink,
}

/// A figure of curves: the same quantity for every rule, in the grid of α and β.
#[derive(Clone, Copy, Debug)]
pub struct Curves {
    /// Title.
    pub title: &'static str,
    /// Label of the y axis.
    pub y_label: &'static str,
    /// What is shown.
    pub quantity: Quantity,
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
    pub fn new(title: &'static str, y_label: &'static str, quantity: Quantity) -> Self {
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
        let row_labels: Vec<String> = rows.iter().map(Row::label).collect();
        let places = |row: &Row| -> Vec<Vec<Curve>> {
            grid.alphas.iter().map(|alpha| self.curves(tables, &grid, *alpha, row)).collect()
        };
        let curves: Vec<Vec<Vec<Curve>>> = rows.iter().map(places).collect();
        let nudged = |curve: &Curve| curve.rule.is_dyadic() && !curve.points.is_empty();
        // References stand in every panel: one that shows nothing else is left out, if any shows more.
        let alone = !curves.iter().flatten().flatten().any(nudged);
        let tells = |curve: &Curve| nudged(curve) || (alone && !curve.points.is_empty());
        let told = |line: usize, column: usize| curves[line][column].iter().any(tells);
        let shown = Shown::of((rows.len(), grid.alphas.len()), told)
            .ok_or_else(|| FigureError::nothing("no run has a number for it"))?;
        let left_out = shown.note(&row_labels, &grid.columns());
        let curves: Vec<_> =
            kept(&curves, &shown.lines).iter().map(|line| kept(line, &shown.columns)).collect();
        let all: Vec<&Curve> = curves.iter().flatten().flatten().collect();
        let layout = Layout {
            title: self.title.into(),
            subtitle: settings_line(tables, "mean and range"),
            legend: self.legend(&grid, &all),
            columns: kept(&grid.columns(), &shown.columns),
            rows: kept(&row_labels, &shown.lines),
            x_label: "epoch".into(),
            y_label: y_label.unwrap_or_else(|| self.y_label.into()),
            axes: Axes::Shared(epochs(tables), self.axis(&all)),
            names: Vec::new(),
            height: None,
            notes: self.notes(tables, &all).into_iter().chain(left_out).collect(),
        };
        Ok(Sheet::filled(&layout, |page, panel, (row, column)| self.fill(page, panel, &curves[row][column])))
    }

    fn fill(&self, page: &mut Page, panel: &Panel, curves: &[Curve]) {
        let ends = |value: f64| Some([panel.at(panel.x.low, value)?, panel.at(panel.x.high, value)?]);
        if let Some(line) = self.mark.and_then(|(value, _)| ends(value)) {
            page.block(line[0], (line[1].0, panel.top + panel.height), GREY.faded(0.13));
            page.dashed(&line, GREY, 1.1, (5.0, 3.0));
        }
        if curves.iter().all(|curve| curve.points.is_empty()) {
            panel.say(page, "no numbers here");
        }
        curves.iter().for_each(|curve| curve.band(page, panel));
        curves.iter().for_each(|curve| curve.mean(page, panel));
    }

    fn curves(&self, tables: &Tables, grid: &Grid, alpha: Option<f64>, row: &Row) -> Vec<Curve> {
        let rules = grid.rules.iter().filter(|rule| self.reference || rule.is_dyadic());
        let curve = |&rule: &RuleKind| Curve {
            rule,
            points: self.spreads(&runs_at(tables, rule, alpha, row)),
            ink: ink_of(rule),
        };
        rules.map(curve).collect()
    }

    /// Mean and range at every epoch at which some seed has a number.
    fn spreads(&self, runs: &[&Run]) -> Vec<Spread> {
        let mut epochs: Vec<usize> =
            runs.iter().flat_map(|run| run.metrics.iter().map(|m| m.epoch)).collect();
        epochs.sort_unstable();
        epochs.dedup();
        let rows = |epoch: usize| {
            runs.iter().filter_map(move |run| run.metrics.iter().find(|row| row.epoch == epoch))
        };
        epochs.into_iter().filter_map(|epoch| self.spread(epoch, &rows(epoch).collect::<Vec<_>>())).collect()
    }

    fn spread(&self, epoch: usize, rows: &[&MetricsRow]) -> Option<Spread> {
        let given = rows.iter().filter_map(|row| (self.quantity)(row));
        let values = given.filter(|v| self.drawn(*v)).map(|v| v * self.factor);
        let statistics::Spread { mean, low, high, count: seeds, .. } = statistics::Spread::of(values)?;
        let unsettled = rows.iter().any(|row| unsettled(row) > UNSETTLED);
        Some(Spread { epoch, mean, low, high, seeds, unsettled })
    }

    /// Whether a value has a place on the axis.
    fn drawn(&self, value: f64) -> bool {
        value.is_finite() && (self.kind != Kind::Log || value > 0.0)
    }

    fn axis(&self, curves: &[&Curve]) -> Axis {
        let points = curves.iter().flat_map(|curve| curve.points.iter());
        let shown = points.flat_map(|point| [point.low, point.high]).chain(self.mark.map(|mark| mark.0));
        let floor = self.floor.unwrap_or(f64::NEG_INFINITY);
        let shown = shown.map(|value| value.max(floor));
        match self.kind {
            Kind::Log => Axis::log(shown),
            _ => Axis::around(shown, 0.05),
        }
    }

    fn legend(&self, grid: &Grid, curves: &[&Curve]) -> Vec<Key> {
        let has_points =
            |rule: &&RuleKind| curves.iter().any(|curve| curve.rule == **rule && !curve.points.is_empty());
        let rules = grid.rules.iter().filter(has_points);
        let mut keys: Vec<Key> = rules.map(|rule| Key::Line(ink_of(*rule), rule.label().into())).collect();
        if curves.iter().any(|curve| curve.points.iter().any(|point| point.unsettled)) {
            keys.push(Key::Dashed(GREY, "more than 1 % of a seed’s samples unsettled".into()));
        }
        if curves.iter().any(|curve| !curve.drops().is_empty()) {
            keys.push(Key::Ring(GREY, "a seed has no number after this".into()));
        }
        if let Some((_, meaning)) = self.mark {
            keys.push(Key::Box(GREY.faded(0.18), meaning.into()));
        }
        keys
    }

    fn notes(&self, tables: &Tables, curves: &[&Curve]) -> Vec<String> {
        let runs = tables.runs.iter().filter(|run| self.reference || run.rule.is_dyadic());
        let given = runs.flat_map(|run| &run.metrics).filter_map(self.quantity);
        let lost = given.filter(|value| !self.drawn(*value)).count();
        let why = if self.kind == Kind::Log { "zero, negative or not finite" } else { "not finite" };
        let below = |curve: &&Curve| curve.points.iter().any(|p| self.floor.is_some_and(|f| p.low < f));
        let lost = (lost > 0).then(|| format!("{lost} values of single seeds are {why} and are not drawn."));
        let below = curves.iter().any(below).then(|| {
            format!(
                "Values below {} stand at the lower edge.",
                crate::figure::axis::number(self.floor.unwrap_or(0.0))
            )
        });
        lost.into_iter().chain(below).collect()
    }
}

impl Curve {
    /// Parts without a gap: epochs at which no seed has a number break the curve.
    fn parts(&self) -> impl Iterator<Item = &[Spread]> {
        self.points.chunk_by(|a, b| b.epoch == a.epoch + 1)
    }

    fn band(&self, page: &mut Page, panel: &Panel) {
        let wide = |part: &&[Spread]| part.len() > 1 && part.iter().any(|point| point.low < point.high);
        for part in self.parts().filter(wide) {
            let edge = |value: fn(&Spread) -> f64| {
                part.iter().filter_map(move |point| panel.at(count(point.epoch), value(point)))
            };
            let lower: Vec<_> = edge(|point| point.low).collect();
            let outline = edge(|point| point.high).chain(lower.into_iter().rev()).collect();
            page.area(outline, self.ink.faded(0.18));
        }
    }

    fn mean(&self, page: &mut Page, panel: &Panel) {
        let at = |point: &Spread| panel.at(count(point.epoch), point.mean);
        for (part, dashed) in self.parts().flat_map(stretches) {
            let path: Vec<_> = part.iter().filter_map(at).collect();
            if dashed {
                page.dashed(&path, self.ink, 1.6, (4.0, 3.0));
            } else {
                // Backpropagation lies under all others: wider, it still shows.
                page.line(&path, self.ink, if self.rule == RuleKind::Bp { 2.8 } else { 1.5 });
            }
        }
        for lone in self.parts().filter(|part| part.len() == 1).map(|part| &part[0]) {
            panel.bar(page, count(lone.epoch), (lone.low, lone.high), (self.ink, 1.2));
            at(lone).into_iter().for_each(|place| page.disc(place, 2.6, self.ink));
        }
        for place in self.drops().iter().filter_map(at) {
            page.ring(place, 3.2, self.ink);
        }
    }

    /// Points after which fewer seeds have a number.
    fn drops(&self) -> Vec<Spread> {
        let pairs = self.points.windows(2).filter(|pair| pair[1].seeds < pair[0].seeds);
        pairs.map(|pair| pair[0]).collect()
    }
}

/// Cuts a line where it turns from settled to unsettled epochs or back; says which of them are dashed.
fn stretches(points: &[Spread]) -> Vec<(&[Spread], bool)> {
    let mut parts = Vec::new();
    let mut start = 0;
    while start + 1 < points.len() {
        let dashed = points[start + 1].unsettled;
        let same = points[start + 1..].iter().take_while(|point| point.unsettled == dashed).count();
        parts.push((&points[start..=start + same], dashed));
        start += same;
    }
    parts
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_share_their_ends_and_leave_no_segment_out() {
        let unsettled = [false, false, true, true, false, true];
        let spread =
            |(epoch, unsettled)| Spread { epoch, mean: 0.0, low: 0.0, high: 0.0, seeds: 1, unsettled };
        let points: Vec<Spread> = unsettled.into_iter().enumerate().map(spread).collect();
        let ends: Vec<_> = stretches(&points)
            .iter()
            .map(|(part, dashed)| (part[0].epoch, part[part.len() - 1].epoch, *dashed))
            .collect();
        assert_eq!(ends, [(0, 1, false), (1, 3, true), (3, 4, false), (4, 5, true)]);
    }
}
