//! The figure of a study of sensitivity, drawn from the tables of `dyadsim sensitivity --out DIR`.

use super::words::name;
use super::{Answer, STEP, SensitivityRow};
use crate::figure::axis::{Axis, count};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::{BLACK, GREY, layer_ink};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};

/// Every figure.
pub const FIGURES: &[Figure<Answer>] = &[Figure {
    name: "sensitivity",
    title: "What moves the gradient and the margin",
    caption: "Movement of the gradient estimate (relative) and of the stability margin by a \
        step of every device of a group, independently, and by the device that matters most.",
    draw,
}];

/// Most groups that are drawn.
const MOST: usize = 60;

/// Numbers of a group that a panel shows: of all devices, of the one that matters most, by the circuit's
/// spread.
type Part = fn(&SensitivityRow) -> [Option<f64>; 3];

/// The panels.
const PARTS: [(&str, Part); 2] = [
    ("gradient, relative", |row| {
        [row.gradient.map(|x| STEP * x), row.gradient_largest.map(|x| STEP * x), row.gradient_spread]
    }),
    ("margin (1/τ)", |row| {
        [row.margin.map(|x| STEP * x), row.margin_largest.map(|x| STEP * x.abs()), row.margin_spread]
    }),
];

fn draw(tables: &Answer) -> Result<Page, FigureError> {
    // The first at the top, where a panel's names end.
    let mut rows: Vec<&SensitivityRow> = tables.rows.iter().collect();
    let key = |row: &SensitivityRow| (row.gradient.unwrap_or(-1.0), row.margin.unwrap_or(-1.0));
    rows.sort_by(|a, b| key(b).0.total_cmp(&key(a).0).then(key(b).1.total_cmp(&key(a).1)));
    rows.truncate(MOST);
    rows.reverse();
    if rows.is_empty() {
        return Err(FigureError::nothing("the table has no group of devices"));
    }
    let shown: Vec<&(&str, Part)> =
        PARTS.iter().filter(|part| rows.iter().any(|row| part.1(row)[0].is_some())).collect();
    let across = |part: Part| Axis::log(rows.iter().flat_map(move |row| part(row)).flatten());
    let layers = 1..=tables.summary.layers.min(6);
    let mut legend: Vec<Key> =
        layers.map(|layer| Key::Disc(layer_ink(layer), format!("layer {layer}"))).collect();
    legend.push(Key::Ring(GREY, "the device that matters most".into()));
    if rows.iter().any(|row| row.spread.is_some()) {
        legend.push(Key::Line(BLACK, "by the spread of [mismatch]".into()));
    }
    let notes = tables.summary.unmoved.iter().map(|why| format!("no derivative of the margin: {why}"));
    let layout = Layout {
        title: FIGURES[0].title.into(),
        subtitle: tables.summary.settings.clone(),
        legend,
        columns: shown.iter().map(|part| part.0.to_owned()).collect(),
        rows: vec![String::new()],
        x_label: "root of the sum of squares over the devices, each moved by 10 mV or 1 %".into(),
        y_label: String::new(),
        axes: Axes::Each(shown.iter().map(|part| (across(part.1), Axis::names(rows.len()))).collect()),
        names: rows.iter().map(|row| name(row)).collect(),
        height: Some(13.0 * count(rows.len()) + 20.0),
        notes: notes.collect(),
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (_, column)| {
        for (k, row) in rows.iter().enumerate() {
            let [all, most, spread] = shown[column].1(row);
            let place = |value: Option<f64>| panel.at(value?, count(k));
            if let Some((x, y)) = place(spread) {
                page.line(&[(x, y - 5.0), (x, y + 5.0)], BLACK, 1.6);
            }
            if let Some(at) = place(most) {
                page.ring(at, 2.6, layer_ink(row.layer));
            }
            if let Some(at) = place(all) {
                page.disc(at, 3.0, layer_ink(row.layer));
            }
        }
    }))
}
