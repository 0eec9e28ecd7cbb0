//! Angle to backpropagation, norm ratio and signal-to-noise against the first axis, one line per value of the
//! second.

use super::super::{Answer, GradientRow};
use super::{dot, label};
use crate::figure::axis::{Axis, setting};
use crate::figure::chart::{Chart, Scale, Series, Share};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::layer_ink;
use crate::figure::{Figure, FigureError};

/// The registry line.
pub const FIGURE: Figure<Answer> = Figure {
    name: "gradient-angle",
    title: "The gradient estimate against backpropagation",
    caption: "Angle of one estimate to backpropagation (recurrent where layers speak both ways), its norm over that of the true gradient, and its signal-to-noise ratio, \
        with one standard error.",
    draw,
};

/// Lines in a panel.
const MOST: usize = 6;

/// A quantity with its error.
type Part = fn(&GradientRow) -> Option<(f64, Option<f64>)>;

/// Quantities with their labels.
const PARTS: [(&str, Part); 3] = [
    ("angle (°)", |row| row.angle_deg.map(|a| (a, row.angle_error_deg))),
    ("norm ratio", |row| row.norm_ratio.map(|r| (r, row.norm_ratio_error))),
    ("SNR", |row| row.snr.map(|s| (s, row.snr_error))),
];

fn draw(tables: &Answer) -> Result<Page, FigureError> {
    let (families, panels) = (tables.families(MOST), tables.panels());
    let present = |part: &&(&str, Part)| tables.rows.iter().any(|row| part.1(row).is_some());
    let parts: Vec<&(&str, Part)> = PARTS.iter().filter(present).collect();
    let other = tables.summary.keys.get(1).map(|key| label(key)).unwrap_or_default();
    let y = |(row, column): (usize, usize)| {
        let rows = tables.rows.iter().filter(|row| row.layer == panels[column]);
        roomy(Axis::log(rows.filter_map(|of| Some(parts[row].1(of)?.0))))
    };
    let x_label = label(&tables.summary.keys[0]);
    let mut chart = Chart {
        subtitle: tables.summary.settings.clone(),
        columns: tables.columns(),
        rows: parts.iter().map(|part| part.0.to_owned()).collect(),
        share: Share::None,
        height: Some(140.0),
        ..Chart::new(FIGURE.title, (&x_label, Scale::Is(tables.across())), ("", Scale::At(&y)))
    };
    for (row, (_, part)) in parts.iter().enumerate() {
        for (column, layer) in panels.iter().enumerate() {
            for (k, family) in families.iter().enumerate() {
                let (at, ink) = ((row, column), layer_ink(k + 1));
                let key = family.map(|y| Key::Disc(ink, format!("{other} = {}", setting(y))));
                // What is left out of the best nudge lies on another curve.
                let on_line = |row: &GradientRow| part(row).filter(|_| row.left_out.is_none());
                let line = tables.at(*family, *layer).map(|row| dot(row, on_line(row).map(|v| v.0), None));
                let marks = tables
                    .at(*family, *layer)
                    .filter_map(|row| part(row).map(|(value, error)| dot(row, Some(value), error)));
                chart.series.push(Series::at(at, ink, line).line(1.2));
                chart.series.push(Series::at(at, ink, marks).bars(1.0).marks(2.2).cut().key(key));
            }
        }
    }
    chart.draw("no estimate has an angle", |_, _, _| {})
}

/// A panel of a single decade has few ticks to read; half a decade more on either side.
fn roomy(axis: Axis) -> Axis {
    let Axis { kind, low, high } = axis;
    if high < 3.0 * low { Axis { kind, low: low / 2.0, high: high * 2.0 } } else { axis }
}
