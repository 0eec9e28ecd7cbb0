//! Figures of a study of yield, drawn from the tables of `dyadsim yield --out DIR`.

use super::Answer;
use crate::figure::axis::{Axis, count, number, setting};
use crate::figure::chart::{Chart, Dot, Scale, Series, levels};
use crate::figure::legend::Key;
use crate::figure::page::{Anchor, Page, Text, text};
use crate::figure::palette::{BLUE, GREY, layer_ink};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};

/// Every figure.
pub const FIGURES: &[Figure<Answer>] = &[
    Figure {
        name: "yield",
        title: "Yield",
        caption: "Share of chips that meet the target, with exact intervals.",
        draw: shares,
    },
    Figure {
        name: "yield-tolerance",
        title: "Largest spreads",
        caption: "Largest spread of each parameter alone at which the wanted share of chips meets the target, with its interval.",
        draw: tolerances,
    },
];

fn subtitle(tables: &Answer) -> String {
    let s = &tables.summary;
    format!("{}; target: {}; bars: {} % confidence", s.settings, s.target, number(100.0 * s.confidence))
}

/// Yield against the first axis, one line per value of the second.
fn shares(tables: &Answer) -> Result<Page, FigureError> {
    let none = || FigureError::nothing("no parameter was varied");
    let key = tables.summary.keys.first().ok_or_else(none)?;
    let other = tables.summary.keys.get(1).cloned().unwrap_or_default();
    let x = Axis::of_setting(tables.yields.iter().filter_map(|row| row.x));
    let mut chart = Chart {
        subtitle: subtitle(tables),
        height: Some(260.0),
        notes: vec![format!("the dashed line is the wanted share, {}", tables.summary.wanted)],
        ..Chart::new("Yield", (key, Scale::Is(x)), ("share of chips", Scale::Is(Axis::shares())))
    };
    for (k, y) in levels(tables.yields.iter().map(|row| row.y)).into_iter().enumerate() {
        let ink = layer_ink(k + 1);
        let rows = tables.yields.iter().filter(|row| row.y == y);
        let dots = rows.filter_map(|row| Some(Dot::new(row.x?, row.share).within(row.low, row.high)));
        let family = y.map(|y| Key::Disc(ink, format!("{other} = {}", setting(y))));
        chart.series.push(Series::at((0, 0), ink, dots).line(1.3).bars(1.0).marks(2.4).key(family));
    }
    chart.draw("no parameter was varied", |page, panel, _| {
        panel.threshold(page, tables.summary.wanted, (GREY, 1.0), (4.0, 3.0));
    })
}

/// Tolerances as a list of intervals.
fn tolerances(tables: &Answer) -> Result<Page, FigureError> {
    let rows = &tables.tolerances;
    let ends = rows.iter().flat_map(|row| [row.tolerance, row.low, row.high, Some(row.most)]);
    let values: Vec<f64> = ends.flatten().filter(|v| *v > 0.0).collect();
    if rows.is_empty() {
        return Err(FigureError::nothing("no tolerance was looked for"));
    }
    let layout = Layout {
        title: format!(
            "How far one parameter may be spread for {} % yield",
            number(100.0 * tables.summary.wanted)
        ),
        subtitle: subtitle(tables),
        legend: vec![],
        columns: vec![String::new()],
        rows: vec![String::new()],
        x_label: "spread (relative; offsets in V)".into(),
        y_label: String::new(),
        axes: Axes::Shared(Axis::log(values.into_iter()), Axis::names(rows.len())),
        names: rows.iter().map(|row| row.key.trim_start_matches("mismatch.").to_owned()).collect(),
        height: Some(28.0 * count(rows.len()) + 20.0),
        notes: vec![
            "a bar that ends at an edge is open: too few chips, or beyond the largest spread looked at"
                .into(),
        ],
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, _| {
        for (k, row) in rows.iter().enumerate() {
            let place = |x: f64| panel.at(x.max(panel.x.low), count(k));
            let (low, high) = (row.low.unwrap_or(panel.x.low), row.high.unwrap_or(panel.x.high));
            if let (Some(a), Some(b)) = (place(low), place(high)) {
                page.line(&[a, b], BLUE, 1.4);
            }
            match row.tolerance {
                Some(value) => {
                    if let Some(at) = place(value) {
                        page.disc(at, 3.0, BLUE);
                    }
                }
                None => {
                    if let Some(at) = place(row.most) {
                        let words = format!("> {}", setting(row.most));
                        page.text(Text { anchor: Anchor::End, ..text(words, (at.0, at.1 - 4.0), 9.0) });
                    }
                }
            }
        }
    }))
}
