//! Figures of a study of yield, drawn from the tables of `dyadsim yield --out DIR`.

use super::{Answer, YieldRow};
use crate::figure::axis::{Axis, Kind, ascending, count, extent, number, setting};
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
    let xs: Vec<f64> = tables.yields.iter().filter_map(|row| row.x).collect();
    let (low, high) = extent(xs.iter().copied());
    let key = tables.summary.keys.first().filter(|_| !xs.is_empty());
    let key = key.ok_or_else(|| FigureError::nothing("no parameter was varied"))?;
    let mut families: Vec<Option<f64>> = tables.yields.iter().map(|row| row.y).collect();
    families.sort_by(ascending);
    families.dedup();
    let other = tables.summary.keys.get(1).cloned().unwrap_or_default();
    let values = || xs.iter().copied();
    let across =
        if low > 0.0 && high > 10.0 * low { Axis::log(values()) } else { Axis::around(values(), 0.05) };
    let layout = Layout {
        title: "Yield".into(),
        subtitle: subtitle(tables),
        legend: families
            .iter()
            .enumerate()
            .filter_map(|(k, y)| Some(Key::Disc(layer_ink(k + 1), format!("{other} = {}", setting((*y)?)))))
            .collect(),
        columns: vec![String::new()],
        rows: vec![String::new()],
        x_label: key.clone(),
        y_label: "share of chips".into(),
        axes: Axes::Shared(across, Axis { kind: Kind::Linear, low: -0.02, high: 1.02 }),
        names: Vec::new(),
        height: Some(260.0),
        notes: vec![format!("the dashed line is the wanted share, {}", tables.summary.wanted)],
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, _| {
        let ends = [panel.x.low, panel.x.high].map(|x| panel.at(x, tables.summary.wanted));
        if let [Some(a), Some(b)] = ends {
            page.dashed(&[a, b], GREY, 1.0, (4.0, 3.0));
        }
        for (k, y) in families.iter().enumerate() {
            let ink = layer_ink(k + 1);
            let rows: Vec<&YieldRow> = tables.yields.iter().filter(|row| row.y == *y).collect();
            let path: Vec<_> = rows.iter().filter_map(|row| panel.at(row.x?, row.share)).collect();
            page.line(&path, ink, 1.3);
            for row in rows {
                let place = |v: f64| row.x.and_then(|x| panel.at(x, v));
                if let (Some(at), Some(a), Some(b)) = (place(row.share), place(row.low), place(row.high)) {
                    page.line(&[a, b], ink, 1.0);
                    page.disc(at, 2.4, ink);
                }
            }
        }
    }))
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
