//! Fractions of outcomes against the epoch, stacked.

use super::super::rows::MetricsRow;
use super::groups::{Grid, Line, runs_at};
use super::tables::{Run, Tables};
use super::words::settings_line;
use crate::figure::Figure;
use crate::figure::FigureError;
use crate::figure::axis::{Axis, count};
use crate::figure::legend::{Key, hatched};
use crate::figure::page::Page;
use crate::figure::palette::outcome_ink;
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Shown, kept};

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "outcomes",
    title: "How the nudged circuits ended",
    caption: "Every training sample of an epoch ends in exactly one way; the bars of an epoch add up to all samples \
        and are the mean over seeds. Grey, and purple under noise, is what should be. DP latches up below α = ½ (positive feedback) and \
        rings above it (negative feedback through several equal poles): the two failures differ in colour because \
        they call for different cures.",
    draw,
};

type Share = fn(&MetricsRow) -> Option<f64>;

/// Words, name of the outcome, share.
const OUTCOMES: [(&str, &str, Share); 6] = [
    ("settled", "settled", |row| row.settled),
    ("settled with noise", "noisy-settled", |row| row.noisy_settled),
    ("latch-up", "latch-up", |row| row.latch_up),
    ("oscillation", "oscillation", |row| row.oscillation),
    ("time limit", "timeout", |row| row.timeout),
    ("not finite", "not-finite", |row| row.not_finite),
];

/// Boundaries of the stacked shares at one epoch; `None` if no seed has numbers there.
#[derive(Clone)]
struct Stack {
    epoch: usize,
    bounds: Option<[f64; 7]>,
}

impl Stack {
    /// Whether some sample ended in the way of a number in [`OUTCOMES`].
    fn has(&self, outcome: usize) -> bool {
        self.bounds.is_some_and(|bounds| bounds[outcome + 1] > bounds[outcome])
    }
}

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let grid = Grid::of(tables);
    let lines = grid.nudged();
    if lines.is_empty() {
        return Err(FigureError::nothing("backpropagation has no nudged phase, and nothing to settle"));
    }
    let stacks = |line: &Line| -> Vec<Vec<Stack>> {
        grid.alphas.iter().map(|alpha| stacks(&runs_at(tables, line.rule, *alpha, line.row))).collect()
    };
    let all: Vec<Vec<Vec<Stack>>> = lines.iter().map(stacks).collect();
    let has = |line: usize, column: usize| all[line][column].iter().any(|stack| stack.bounds.is_some());
    let shown = Shown::of((lines.len(), grid.alphas.len()), has)
        .ok_or_else(|| FigureError::nothing("no run has an epoch with a nudged phase"))?;
    let all: Vec<_> = kept(&all, &shown.lines).iter().map(|line| kept(line, &shown.columns)).collect();
    let epochs = all.iter().flatten().flatten().map(|stack| stack.epoch);
    let Axis { kind, low, high } = Axis::whole(epochs);
    let labels: Vec<String> = lines.iter().map(Line::label).collect();
    let across = Axis { kind, low: low.floor() - 0.5, high: high.ceil() + 0.5 };
    let layout = Layout {
        title: FIGURE.title.into(),
        subtitle: settings_line(tables, "mean"),
        legend: legend(&all),
        columns: kept(&grid.columns(), &shown.columns),
        rows: kept(&labels, &shown.lines),
        x_label: "epoch".into(),
        y_label: "fraction of training samples".into(),
        axes: Axes::Shared(across, Axis::linear(0.0, 1.0)),
        names: Vec::new(),
        height: Some(104.0),
        notes: shown.note(&labels, &grid.columns()).into_iter().collect(),
    };
    Ok(Sheet::filled(&layout, |page, panel, (row, column)| fill(page, panel, &all[row][column])))
}

fn legend(all: &[Vec<Vec<Stack>>]) -> Vec<Key> {
    let stacks = || all.iter().flatten().flatten();
    let met = |k: &usize| stacks().any(|stack| stack.has(*k));
    let key = |k: usize| Key::Box(outcome_ink(OUTCOMES[k].1), OUTCOMES[k].0.into());
    let mut keys: Vec<Key> = (0..OUTCOMES.len()).filter(met).map(key).collect();
    if stacks().any(|stack| stack.bounds.is_none()) {
        keys.push(Key::Hatched("no numbers".into()));
    }
    keys
}

/// The stacks of all trained epochs; before training nothing is nudged.
fn stacks(runs: &[&Run]) -> Vec<Stack> {
    let mut epochs: Vec<usize> =
        runs.iter().flat_map(|run| run.metrics.iter().map(|row| row.epoch)).collect();
    epochs.sort_unstable();
    epochs.dedup();
    let rows =
        |epoch: usize| runs.iter().filter_map(move |run| run.metrics.iter().find(|r| r.epoch == epoch));
    let all =
        epochs.into_iter().map(|epoch| Stack { epoch, bounds: bounds(&rows(epoch).collect::<Vec<_>>()) });
    all.filter(|stack| stack.epoch > 0 || stack.bounds.is_some()).collect()
}

fn bounds(rows: &[&MetricsRow]) -> Option<[f64; 7]> {
    let told: Vec<&&MetricsRow> = rows.iter().filter(|row| row.settled.is_some_and(f64::is_finite)).collect();
    let mut bounds = [0.0; 7];
    for (k, (_, _, share)) in OUTCOMES.iter().enumerate() {
        let sum: f64 = told.iter().filter_map(|row| share(row)).filter(|share| share.is_finite()).sum();
        bounds[k + 1] = bounds[k] + sum / count(told.len().max(1));
    }
    (!told.is_empty()).then_some(bounds)
}

fn fill(page: &mut Page, panel: &Panel, stacks: &[Stack]) {
    if stacks.is_empty() {
        panel.annotate(page, "no run here");
    }
    for part in stacks.chunk_by(|a, b| a.bounds.is_some() == b.bounds.is_some() && b.epoch == a.epoch + 1) {
        let (first, last) = (count(part[0].epoch) - 0.5, count(part[part.len() - 1].epoch) + 0.5);
        if part[0].bounds.is_none() {
            if let (Some(low), Some(high)) = (panel.at(first, 1.0), panel.at(last, 0.0)) {
                hatched(page, low, high);
            }
            continue;
        }
        for (k, (_, name, _)) in OUTCOMES.iter().enumerate() {
            let steps = |bound: usize| steps(panel, part, bound);
            if part.iter().any(|stack| stack.has(k)) {
                page.area(
                    steps(k + 1).chain(steps(k).collect::<Vec<_>>().into_iter().rev()).collect(),
                    outcome_ink(name),
                );
            }
        }
    }
}

/// A boundary of the stack as a staircase, one step per epoch.
fn steps(panel: &Panel, part: &[Stack], bound: usize) -> impl Iterator<Item = (f64, f64)> {
    let sides = part.iter().flat_map(move |stack| {
        let height = stack.bounds.map_or(0.0, |bounds| bounds[bound]);
        let middle = count(stack.epoch);
        [panel.at(middle - 0.5, height), panel.at(middle + 0.5, height)]
    });
    sides.flatten()
}
