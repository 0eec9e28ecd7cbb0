//! Angles by layer and epoch: between the gradient estimate and backpropagation's, and between feedback
//! synapses and weights.

use super::super::rows::LayersRow;
use super::groups::{Grid, Line, runs_at};
use super::tables::{Run, Tables};
use super::words::settings_line;
use crate::figure::Figure;
use crate::figure::FigureError;
use crate::figure::axis::{Axis, count, extent};
use crate::figure::legend::{Key, hatched, struck};
use crate::figure::page::Page;
use crate::figure::palette::heat;
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Shown, kept};
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::Spread;

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "angle",
    title: GRADIENT.title,
    caption: "Degrees between what the circuit’s local rule would write and what backpropagation would, at the same \
        weights and on the same probe batch, layer by layer (the input side at the bottom). Dark is aligned; 90° is \
        no information. A bright stripe that starts at the bottom says that the error signal is lost on its way \
        down; grey and hatched cells have no estimate, because no sample settled.",
    draw: |tables| draw(tables, &GRADIENT),
};

/// The registry line of feedback synapses.
pub const FEEDBACK: Figure<Tables> = Figure {
    name: "feedback-angle",
    title: SYNAPSES.title,
    caption: "Degrees between the synapses that errors come back through and the forward ones, layer by layer, where \
        feedback synapses are devices of their own. Dark is aligned: errors come back as in backpropagation; 90° is \
        unrelated. The lowest layer has none: below it no error goes.",
    draw: |tables| draw(tables, &SYNAPSES),
};

/// What angle is drawn.
struct Subject {
    title: &'static str,
    /// Rules that can have one.
    has: fn(RuleKind) -> bool,
    of: fn(&LayersRow) -> Option<f64>,
    /// Whether a layer without one is a cell, or nothing.
    gaps: bool,
    nothing: &'static str,
}

const GRADIENT: Subject = Subject {
    title: "Angle of the gradient estimate to backpropagation",
    has: RuleKind::is_dyadic,
    of: |row| row.angle_to_bp_deg,
    gaps: true,
    nothing: "backpropagation alone makes no estimate to compare",
};

const SYNAPSES: Subject = Subject {
    title: "Angle of the feedback synapses to the weights",
    has: RuleKind::has_feedback,
    of: |row| row.feedback_angle_deg,
    gaps: false,
    nothing: "no rule sends errors back",
};

/// Most cells across a panel: finer ones cannot be told apart.
const MOST_CELLS: usize = 150;

/// A cell: mean over the seeds that have an angle, and whether all of them have one.
#[derive(Clone)]
struct Cell {
    epoch: usize,
    layer: usize,
    angle: Option<f64>,
    whole: bool,
}

fn draw(tables: &Tables, subject: &Subject) -> Result<Page, FigureError> {
    let grid = Grid::of(tables);
    let rules = grid.rules.iter().copied().filter(|rule| (subject.has)(*rule));
    let lines: Vec<Line> =
        rules.flat_map(|rule| grid.rows.iter().map(move |row| Line { rule, row })).collect();
    if lines.is_empty() {
        return Err(FigureError::nothing(subject.nothing));
    }
    let stride = stride(tables);
    let cells = |line: &Line| -> Vec<Vec<Cell>> {
        let at = |alpha: &Option<f64>| cells(&runs_at(tables, line.rule, *alpha, line.row), stride, subject);
        grid.alphas.iter().map(at).collect()
    };
    let all: Vec<Vec<Vec<Cell>>> = lines.iter().map(cells).collect();
    let has = |line: usize, column: usize| all[line][column].iter().any(|cell| cell.angle.is_some());
    let shown = Shown::of((lines.len(), grid.alphas.len()), has)
        .ok_or_else(|| FigureError::nothing("no run has an angle"))?;
    let all: Vec<_> = kept(&all, &shown.lines).iter().map(|line| kept(line, &shown.columns)).collect();
    let labels: Vec<String> = lines.iter().map(Line::label).collect();
    let layers = tables.runs.iter().flat_map(|run| run.layers.iter().map(|row| row.layer)).max().unwrap_or(1);
    let top = scale(all.iter().flatten().flatten().filter_map(|cell| cell.angle));
    let thinned = (stride > 1).then(|| format!("One epoch in {stride} is shown."));
    let layout = Layout {
        title: subject.title.into(),
        subtitle: settings_line(tables, "mean"),
        legend: legend(&all, top),
        columns: kept(&grid.columns(), &shown.columns),
        rows: kept(&labels, &shown.lines),
        x_label: "epoch".into(),
        y_label: "layer".into(),
        axes: Axes::Shared(across(tables, stride), Axis::names(layers)),
        names: (1..=layers).map(|layer| layer.to_string()).collect(),
        height: Some((17.0 * count(layers)).clamp(72.0, 260.0)),
        notes: thinned.into_iter().chain(shown.note(&labels, &grid.columns())).collect(),
    };
    let fill = |page: &mut Page, panel: &Panel, (row, column): (usize, usize)| {
        fill(page, panel, &all[row][column], (top, stride));
    };
    Ok(Sheet::filled(&layout, fill))
}

fn epochs(tables: &Tables) -> impl Iterator<Item = usize> {
    tables.runs.iter().flat_map(|run| run.layers.iter().map(|row| row.epoch))
}

fn stride(tables: &Tables) -> usize {
    (epochs(tables).max().unwrap_or(0) + 1).div_ceil(MOST_CELLS).max(1)
}

fn across(tables: &Tables, stride: usize) -> Axis {
    let Axis { kind, low, high } = Axis::whole(epochs(tables).filter(|epoch| epoch % stride == 0));
    Axis { kind, low: low.ceil() - 0.5 * count(stride), high: high.floor() + 0.5 * count(stride) }
}

/// The end of the colour scale (degrees): the first round angle that holds all.
fn scale(angles: impl Iterator<Item = f64>) -> f64 {
    let largest = extent(angles).1;
    [5.0, 10.0, 15.0, 30.0, 45.0, 60.0, 90.0, 120.0].into_iter().find(|end| *end >= largest).unwrap_or(180.0)
}

fn legend(all: &[Vec<Vec<Cell>>], top: f64) -> Vec<Key> {
    let cells = || all.iter().flatten().flatten();
    let mut keys = vec![Key::Colours("0°".into(), format!("{top}°"))];
    if cells().any(|cell| cell.angle.is_none()) {
        keys.push(Key::Hatched("no angle".into()));
    }
    if cells().any(|cell| cell.angle.is_some() && !cell.whole) {
        keys.push(Key::Struck("some seeds have no angle".into()));
    }
    keys
}

fn cells(runs: &[&Run], stride: usize, subject: &Subject) -> Vec<Cell> {
    let rows = runs.iter().flat_map(|run| &run.layers).filter(|row| row.epoch % stride == 0);
    let rows = rows.filter(|row| subject.gaps || (subject.of)(row).is_some());
    let mut places: Vec<(usize, usize)> = rows.map(|row| (row.epoch, row.layer)).collect();
    places.sort_unstable();
    places.dedup();
    let cell = |(epoch, layer): (usize, usize)| {
        let is_here = |row: &&LayersRow| (row.epoch, row.layer) == (epoch, layer);
        let at = |run: &&Run| (subject.of)(run.layers.iter().find(is_here)?);
        let spread = Spread::of(runs.iter().filter_map(at));
        let whole = spread.map_or(0, |spread| spread.count) == runs.len();
        Cell { epoch, layer, angle: spread.map(|spread| spread.mean), whole }
    };
    places.into_iter().map(cell).collect()
}

fn fill(page: &mut Page, panel: &Panel, cells: &[Cell], (top, stride): (f64, usize)) {
    if cells.is_empty() {
        panel.annotate(page, "no run here");
    }
    let half = 0.5 * count(stride);
    for cell in cells {
        let (x, y) = (count(cell.epoch), count(cell.layer) - 1.0);
        let (Some(start), Some(end)) = (panel.at(x - half, y + 0.5), panel.at(x + half, y - 0.5)) else {
            continue;
        };
        let Some(angle) = cell.angle else {
            hatched(page, start, end);
            continue;
        };
        // Cells overlap by a hair, or viewers leave white seams between them.
        let end = ((end.0 + 0.3).min(panel.left + panel.width), end.1);
        if cell.whole {
            page.block(start, end, heat(angle / top))
        } else {
            struck(page, start, end, heat(angle / top))
        }
    }
}
