//! The valley between bias and noise: what was learned, and how far the gradient pointed aside, against the
//! nudge.

use super::super::identity::Settings;
use super::super::rows::ValleyRow;
use super::groups::{Grid, Row};
use super::nudges::{Line, Quantity, accuracy, angle_at, betas, chart, values};
use super::tables::{Run, Tables};
use crate::figure::axis::{Axis, number};
use crate::figure::chart::levels;
use crate::figure::legend::Key;
use crate::figure::page::{Anchor, Ink, Page, Text, text};
use crate::figure::palette::{GREY, ink_of};
use crate::figure::sheet::Panel;
use crate::figure::{Figure, FigureError};
use dyadsim_core::spec::RuleKind;
use dyadsim_core::statistics::{grouped, mean};

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
/// The row of panels with the angles.
const ANGLES: usize = 1;

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let grid = Grid::of(tables);
    if betas(&grid).len() < NUDGES {
        return Err(FigureError::nothing("a valley takes three nudges or more"));
    }
    let lines = lines(&grid);
    let angles = values(tables, angle).chain(tables.valley.iter().filter_map(|row| row.total_deg));
    let angles = Axis { low: 0.0, ..Axis::around(angles, 0.05) };
    let quantities = [
        Quantity {
            label: "test accuracy",
            of: accuracy,
            axis: Axis::around(values(tables, accuracy), 0.05),
            reference: true,
        },
        Quantity { label: "angle (degrees)", of: angle, axis: angles, reference: false },
    ];
    let axis = |(row, _): (usize, usize)| quantities[row].axis;
    let mut chart = chart(tables, FIGURE.title, (&grid, &lines), (&quantities, &axis));
    if tables.valley.iter().any(|row| row.total_deg.is_some() || row.best_beta.is_some()) {
        chart.keys.push(Key::Line(GREY, "cross: predicted; tick: predicted best β".into()));
    }
    chart.draw("no run with a nudge has an accuracy or an angle", |page, panel, (row, column)| {
        for line in lines.iter().filter(|_| row == ANGLES) {
            predicted(page, panel, tables, (line, grid.alphas[column]));
        }
    })
}

/// Every rule at every setting but the nudge itself; dashed where a source of noise is set to nothing.
fn lines(grid: &Grid) -> Vec<Line> {
    let settings = grouped(&grid.rows, |row| row.settings.clone());
    let silent = |settings: &Settings| {
        let noise = settings.iter().filter(|(path, _)| path.contains("noise."));
        let sizes: Vec<Option<f64>> = noise.map(|(_, value)| value.as_f64()).collect();
        !sizes.is_empty() && sizes.iter().all(|size| *size == Some(0.0))
    };
    let rules = grid.rules.iter().copied().filter(|rule| rule.is_dyadic());
    let of = |rule: RuleKind, settings: &Settings| {
        let label = match Row::new(None, settings.clone()).label() {
            label if label.is_empty() => rule.label().to_owned(),
            label => format!("{}, {label}", rule.label()),
        };
        Line { rule, settings: settings.clone(), ink: ink_of(rule), quiet: silent(settings), label }
    };
    rules.flat_map(|rule| settings.iter().map(move |(settings, _)| of(rule, settings))).collect()
}

/// Mean angle over the layers after the last epoch.
fn angle(run: &Run) -> Option<f64> {
    angle_at(run, run.layers.iter().map(|row| row.epoch).max()?)
}

/// Crosses at the predicted angles, and a tick where the whole gradient's is smallest.
fn predicted(page: &mut Page, panel: &Panel, tables: &Tables, (line, alpha): (&Line, Option<f64>)) {
    let here = |row: &&ValleyRow| {
        let run = tables.runs.iter().find(|run| run.name == row.run);
        row.rule == line.rule.name()
            && Some(row.alpha) == alpha
            && run.is_some_and(|run| *run.settings() == line.settings)
    };
    let rows: Vec<&ValleyRow> = tables.valley.iter().filter(here).collect();
    let ink = line.ink;
    for beta in levels(rows.iter().map(|row| Some(row.beta))).into_iter().flatten() {
        let seeds = rows.iter().filter(|row| row.beta == beta);
        let angles: Option<Vec<f64>> = seeds.map(|row| row.total_deg).collect();
        if let Some((x, y)) = angles.and_then(|angles| panel.at(beta, mean(&angles))) {
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
