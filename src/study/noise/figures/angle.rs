//! The valley between bias and noise: the predicted angle to backpropagation against β.

use std::collections::BTreeSet;

use super::super::rows::NoiseAngleRow;
use super::Tables;
use crate::figure::axis::{Axis, Kind, number};
use crate::figure::chart::{Chart, Dot, Scale, Series};
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{BLACK, BLUE, ORANGE};
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

/// One of the three angles of a row.
type Part = fn(&NoiseAngleRow) -> Option<f64>;

/// The angles with the colours, widths and names of their lines.
const PARTS: [(Part, Ink, f64, &str); 3] = [
    (|row| row.bias_deg, BLUE, 1.3, "bias"),
    (|row| row.noise_deg, ORANGE, 1.3, "noise"),
    (|row| row.total_deg, BLACK, 1.8, "both"),
];

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let none = || FigureError::nothing("no angle was predicted");
    let first = tables.angles.first().ok_or_else(none)?;
    let panels: Vec<Option<usize>> =
        tables.angles.iter().map(|row| row.layer).collect::<BTreeSet<_>>().into_iter().collect();
    let shown = |part: Part, row: &NoiseAngleRow| part(row).filter(|angle| *angle > SMALLEST);
    let values = tables.angles.iter().flat_map(|row| PARTS.map(|(part, ..)| shown(part, row)));
    let smallest = values.flatten().fold(90.0, f64::min);
    let x = Axis::log(tables.angles.iter().map(|row| row.beta));
    let y = Axis { kind: Kind::Log, low: 0.7 * smallest, high: 110.0 };
    let mut chart = Chart {
        subtitle: format!("{}; {} samples averaged", tables.summary.settings, first.batch),
        columns: panels.iter().map(|at| at.map_or("all layers".into(), |k| format!("layer {k}"))).collect(),
        height: Some(230.0),
        notes: notes(tables),
        ..Chart::new(FIGURE.title, ("nudge β", Scale::Is(x)), ("angle (degrees)", Scale::Is(y)))
    };
    for (column, layer) in panels.iter().enumerate() {
        for (part, ink, width, words) in PARTS {
            // A β without a stable fixed point interrupts the line.
            let rows = tables.angles.iter().filter(|row| row.layer == *layer);
            let dots = rows.map(|row| Dot::new(row.beta, shown(part, row)));
            chart
                .series
                .push(Series::at((0, column), ink, dots).line(width).key(Key::Line(ink, words.into())));
        }
    }
    let best = tables.summary.nudge.as_ref().and_then(|nudge| nudge.best_beta);
    chart.draw("no angle was predicted", |page, panel, (_, column)| {
        for beta in best.into_iter().filter(|_| panels[column].is_none()) {
            panel.flag(page, beta, format!("best β = {}", number(beta)));
        }
    })
}

fn notes(tables: &Tables) -> Vec<String> {
    let unstable = tables.angles.iter().filter(|row| row.layer.is_none() && row.unstable > 0);
    let betas: Vec<String> = unstable.map(|row| number(row.beta)).collect();
    if betas.is_empty() {
        return Vec::new();
    }
    vec![format!("no prediction where a sample has no stable fixed point: β = {}", betas.join(", "))]
}
