//! Everything after the last epoch against α: a column of panels for every two rules, a row for every quantity.

use super::super::rows::GroupRow;
use super::{Tables, mark};
use crate::figure::FigureError;
use crate::figure::axis::{Axis, Kind};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::{BLACK, layer_ink};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};

/// Quantities with their labels and the end of the axis that belongs to equal networks.
const PARTS: [(&str, &str, f64); 5] = [
    ("distance", "distance", 0.0),
    ("update_cosine", "update cosine", 1.0),
    ("cka", "CKA", 1.0),
    ("right_deg", "angle (°)", 0.0),
    ("agreement", "agreement", 1.0),
];

/// Draws it; nothing without pairs.
pub fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let families = tables.families();
    let parts: Vec<_> =
        PARTS.iter().filter(|part| tables.groups.iter().any(|row| row.quantity == part.0)).collect();
    if families.is_empty() || parts.is_empty() {
        return Err(FigureError::nothing("no two runs were compared"));
    }
    let alphas: Vec<f64> = tables.alphas().into_iter().flatten().collect();
    let across = Axis::around(alphas.iter().copied().chain([0.0, 1.0]), 0.08);
    let axes = parts.iter().flat_map(|part| vec![(across, axis(tables, part)); families.len()]);
    let layers = tables.legend();
    let whole = tables
        .groups
        .iter()
        .any(|row| row.layer.is_none() && parts.iter().any(|part| part.0 == row.quantity));
    let whole = whole.then(|| Key::Line(BLACK, "whole network".into()));
    let layout = Layout {
        title: "What two rules from the same start have made of it".into(),
        subtitle: tables.subtitle(),
        legend: layers.into_iter().chain(whole).collect(),
        columns: families.iter().map(|family| family.0.clone()).collect(),
        rows: parts.iter().map(|part| part.1.to_owned()).collect(),
        x_label: "α".into(),
        y_label: String::new(),
        axes: Axes::Each(axes.collect()),
        names: Vec::new(),
        height: Some(104.0),
        notes: [
            "distance: relative Frobenius distance of the weights; angle: largest principal angle of the leading right singular \
             subspaces; agreement: share of the test set put into the same class; a dashed line: rules without α"
                .to_owned(),
        ]
        .into_iter()
        .chain(tables.notes())
        .collect(),
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (row, column): (usize, usize)| {
        let quantity = parts[row].0;
        let layers: Vec<Option<usize>> = (1..=tables.summary.layers).map(Some).chain([None]).collect();
        for layer in layers {
            let ink = layer.map_or(BLACK, layer_ink);
            let ends: Vec<_> =
                families[column].1.iter().filter_map(|k| end(tables, *k, layer, quantity)).collect();
            let known = ends.iter().filter_map(|(alpha, row)| Some(((*alpha)?, *row)));
            let path: Vec<_> = known.clone().filter_map(|(alpha, row)| panel.at(alpha, row.mean)).collect();
            page.line(&path, ink, 1.2);
            known.for_each(|(alpha, row)| mark(page, panel, alpha, row, ink));
            for (_, row) in ends.iter().filter(|(alpha, _)| alpha.is_none()) {
                let ends = [panel.x.low, panel.x.high].map(|x| panel.at(x, row.mean));
                page.dashed(&ends.into_iter().flatten().collect::<Vec<_>>(), ink, 1.2, (4.0, 3.0));
                mark(page, panel, 0.5 * (panel.x.low + panel.x.high), row, ink);
            }
        }
    }))
}

/// The last of a pair's numbers, with its α.
fn end<'t>(
    tables: &'t Tables,
    pair: usize,
    layer: Option<usize>,
    quantity: &str,
) -> Option<(Option<f64>, &'t GroupRow)> {
    let last = tables.series(pair, layer, quantity).into_iter().max_by_key(|row| row.epoch)?;
    Some((tables.summary.pairs[pair].alpha, last))
}

/// The axis of a quantity, the same for all pairs, from what equal networks have.
fn axis(tables: &Tables, (quantity, _, equal): &(&str, &str, f64)) -> Axis {
    let layers = (1..=tables.summary.layers).map(Some).chain([None]);
    let rows = layers.flat_map(|layer| {
        (0..tables.summary.pairs.len()).filter_map(move |pair| end(tables, pair, layer, quantity))
    });
    let ends = rows.flat_map(|(_, row)| {
        let error = row.error.unwrap_or(0.0);
        [row.mean - error, row.mean + error]
    });
    let Axis { low, high, .. } = Axis::around(ends.chain([*equal]), 0.06);
    Axis { kind: Kind::Linear, low, high }
}
