//! Angle to backpropagation, norm ratio and signal-to-noise against the first axis, one line per value of the second.

use super::super::{Answer, GradientRow};
use super::{label, mark};
use crate::figure::axis::{Axis, Kind, setting};
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::layer_ink;
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};

/// The registry line.
pub const FIGURE: Figure<Answer> = Figure {
    name: "gradient-angle",
    title: "The gradient estimate against backpropagation",
    caption: "Angle of one estimate to backpropagation, its norm over that of the true gradient, and its signal-to-noise ratio, \
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
    let key = tables.summary.keys.get(1).map(|key| label(key)).unwrap_or_default();
    let of = |part: Part, layer: Option<usize>| {
        let rows = tables.rows.iter().filter(move |row| row.layer == layer);
        rows.filter_map(part).map(|v| v.0).filter(|v| *v > 0.0).collect::<Vec<f64>>()
    };
    let axis = |part: Part, layer| {
        let Axis { kind, low, high } = Axis::log(of(part, layer).into_iter());
        // A panel of a single decade has few ticks to read; half a decade more on either side.
        if high < 3.0 * low {
            Axis { kind: Kind::Log, low: low / 2.0, high: high * 2.0 }
        } else {
            Axis { kind, low, high }
        }
    };
    let layout = Layout {
        title: FIGURE.title.into(),
        subtitle: tables.summary.settings.clone(),
        legend: families
            .iter()
            .enumerate()
            .filter_map(|(k, y)| Some(Key::Disc(layer_ink(k + 1), format!("{key} = {}", setting((*y)?)))))
            .collect(),
        columns: panels
            .iter()
            .map(|layer| layer.map_or("all layers".into(), |k| format!("layer {k}")))
            .collect(),
        rows: parts.iter().map(|part| part.0.to_owned()).collect(),
        x_label: label(&tables.summary.keys[0]),
        y_label: String::new(),
        axes: Axes::Each(
            parts
                .iter()
                .flat_map(|part| panels.iter().map(move |layer| (tables.across(), axis(part.1, *layer))))
                .collect(),
        ),
        names: Vec::new(),
        height: Some(140.0),
        notes: Vec::new(),
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (row, column): (usize, usize)| {
        for (k, y) in families.iter().enumerate() {
            let rows = tables.rows.iter().filter(|r| r.y == *y && r.layer == panels[column]);
            curve(page, panel, &rows.collect::<Vec<_>>(), parts[row].1, layer_ink(k + 1));
        }
    }))
}

fn curve(page: &mut Page, panel: &Panel, rows: &[&GradientRow], part: Part, ink: Ink) {
    // What is left out of the best nudge lies on another curve.
    let on_line = |row: &&GradientRow| row.left_out.is_none();
    let known: Vec<Option<_>> = rows
        .iter()
        .map(|row| Some(*row).filter(on_line).and_then(|row| panel.at(row.x, part(row)?.0)))
        .collect();
    for piece in known.split(Option::is_none) {
        page.line(&piece.iter().flatten().copied().collect::<Vec<_>>(), ink, 1.2);
    }
    rows.iter().filter_map(|row| Some((row, part(row)?))).for_each(|(row, v)| mark(page, panel, row, v, ink));
}
