//! The valley between bias and noise: the predicted angle to backpropagation against β.

use super::super::rows::NoiseAngleRow;
use super::Tables;
use crate::figure::axis::{Axis, Kind, number};
use crate::figure::legend::Key;
use crate::figure::page::{Anchor, Ink, Page, Text, text};
use crate::figure::palette::{BLACK, BLUE, GREY, ORANGE};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "noise-angle",
    title: "Bias against noise: the predicted angle to backpropagation",
    caption: "Predicted angle between the gradient estimate and backpropagation against the nudge: a weak nudge leaves the error \
        below the noise, a strong one bends the gradient. The dashed line marks the best nudge, that of the least mean squared error.",
    draw,
};

/// Smallest angle that is shown (degrees).
const SMALLEST: f64 = 0.01;

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let first = tables.angles.first().ok_or_else(|| FigureError::nothing("no angle was predicted"))?;
    let mut panels: Vec<Option<usize>> = tables.angles.iter().map(|row| row.layer).collect();
    panels.sort_unstable();
    panels.dedup();
    let shown = |angle: Option<f64>| angle.filter(|a| *a > SMALLEST);
    let values = tables.angles.iter().flat_map(|row| [row.bias_deg, row.noise_deg, row.total_deg]);
    let smallest = values.filter_map(shown).fold(90.0, f64::min);
    let seen =
        |(part, ..): &&(Part, Ink, f64, &str)| tables.angles.iter().any(|row| shown(part(row)).is_some());
    let layout = Layout {
        title: "Bias against noise: the predicted angle to backpropagation".into(),
        subtitle: format!("{}; {} samples averaged", tables.summary.settings, first.batch),
        legend: PARTS
            .iter()
            .filter(seen)
            .map(|(_, ink, _, words)| Key::Line(*ink, (*words).into()))
            .collect(),
        columns: panels
            .iter()
            .map(|layer| layer.map_or("all layers".into(), |k| format!("layer {k}")))
            .collect(),
        rows: vec![String::new()],
        x_label: "nudge β".into(),
        y_label: "angle (degrees)".into(),
        axes: Axes::Shared(
            Axis::log(tables.angles.iter().map(|row| row.beta)),
            Axis { kind: Kind::Log, low: 0.7 * smallest, high: 110.0 },
        ),
        names: Vec::new(),
        height: Some(230.0),
        notes: notes(tables),
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (_, column): (usize, usize)| {
        let rows: Vec<&NoiseAngleRow> =
            tables.angles.iter().filter(|row| row.layer == panels[column]).collect();
        if panels[column].is_none() {
            mark_best(page, panel, tables);
        }
        for (part, ink, width, _) in PARTS {
            // A β without a stable fixed point interrupts the line; one below the panel ends it.
            let known: Vec<Option<_>> =
                rows.iter().map(|row| panel.at(row.beta, part(row).filter(|a| *a >= panel.y.low)?)).collect();
            for piece in known.split(Option::is_none) {
                let path: Vec<_> = piece.iter().flatten().copied().collect();
                page.line(&path, ink, width);
            }
        }
    }))
}

/// One of the three angles of a row.
type Part = fn(&NoiseAngleRow) -> Option<f64>;

/// The angles with the colours, widths and names of their lines.
const PARTS: [(Part, Ink, f64, &str); 3] = [
    (|row| row.bias_deg, BLUE, 1.3, "bias"),
    (|row| row.noise_deg, ORANGE, 1.3, "noise"),
    (|row| row.total_deg, BLACK, 1.8, "both"),
];

/// A dashed line at the best nudge.
fn mark_best(page: &mut Page, panel: &Panel, tables: &Tables) {
    let Some(beta) = tables.summary.nudge.as_ref().and_then(|nudge| nudge.best_beta) else { return };
    let ends = (panel.at(beta, panel.y.low), panel.at(beta, panel.y.high));
    let (Some(low), Some(high)) = ends else { return };
    page.dashed(&[low, high], GREY, 1.0, (4.0, 3.0));
    let words = format!("best β = {}", number(beta));
    let at = (low.0 + 4.0, low.1 - 6.0);
    page.text(Text { ink: GREY, anchor: Anchor::Start, ..text(words, at, 9.0) });
}

fn notes(tables: &Tables) -> Vec<String> {
    let unstable = tables.angles.iter().filter(|row| row.layer.is_none() && row.unstable > 0);
    let betas: Vec<String> = unstable.map(|row| number(row.beta)).collect();
    if betas.is_empty() {
        return Vec::new();
    }
    vec![format!("no prediction where a sample has no stable fixed point: β = {}", betas.join(", "))]
}
