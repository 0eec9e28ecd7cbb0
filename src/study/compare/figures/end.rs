//! Everything after the last epoch against α: a column of panels for every two rules, a row for every
//! quantity.

use super::super::rows::GroupRow;
use super::{Tables, dot};
use crate::figure::FigureError;
use crate::figure::axis::Axis;
use crate::figure::chart::{Chart, Dot, Scale, Series, Share};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::{BLACK, layer_ink};

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
    let present = |part: &&(&str, &str, f64)| tables.groups.iter().any(|row| row.quantity == part.0);
    let parts: Vec<_> = PARTS.iter().filter(present).collect();
    let x = Axis::around(tables.alphas().into_iter().flatten().chain([0.0, 1.0]), 0.08);
    let layers: Vec<Option<usize>> = (1..=tables.summary.layers).map(Some).chain([None]).collect();
    let ends = |row: usize, pairs: &[usize], layer| -> Vec<(Option<f64>, Dot)> {
        pairs.iter().filter_map(|pair| end(tables, *pair, layer, parts[row].0)).collect()
    };
    let all: Vec<usize> = (0..tables.summary.pairs.len()).collect();
    let y = |(row, _): (usize, usize)| {
        let dots = layers.iter().flat_map(|layer| ends(row, &all, *layer));
        let values = dots.flat_map(|(_, dot)| dot.values().collect::<Vec<_>>());
        Axis::around(values.chain([parts[row].2]), 0.06)
    };
    let mut chart = Chart {
        subtitle: tables.subtitle(),
        columns: families.iter().map(|family| family.0.clone()).collect(),
        rows: parts.iter().map(|part| part.1.to_owned()).collect(),
        share: Share::Rows,
        height: Some(104.0),
        notes: [NOTE.to_owned()].into_iter().chain(tables.notes()).collect(),
        ..Chart::new(
            "What two rules from the same start have made of it",
            ("α", Scale::Is(x)),
            ("", Scale::At(&y)),
        )
    };
    for (row, column) in (0..parts.len()).flat_map(|row| (0..families.len()).map(move |column| (row, column)))
    {
        for layer in &layers {
            let ink = layer.map_or(BLACK, layer_ink);
            let ends = ends(row, &families[column].1, *layer);
            let of = |dots: Vec<Dot>| Series::at((row, column), ink, dots).bars(1.1).marks(2.6);
            let words = layer.map_or("whole network".into(), |k| format!("layer {k}"));
            let line = of(ends.iter().filter(|end| end.0.is_some()).map(|end| end.1).collect());
            chart.series.push(line.line(1.2).key(Key::Line(ink, words.clone())));
            // Rules without α stand across, their mark in the middle.
            for (_, dot) in ends.iter().filter(|end| end.0.is_none()) {
                let across = [x.low, x.high].map(|x| Dot::new(x, dot.y()));
                let across = Series::at((row, column), ink, across).dashed(1.2, (4.0, 3.0));
                chart.series.extend([across.key(Key::Line(ink, words.clone())), of(vec![*dot])]);
            }
        }
    }
    chart.draw("no two runs were compared", |_, _, _| {})
}

/// Remark below the panels.
const NOTE: &str = "distance: relative Frobenius distance of the weights; angle: largest principal angle of the leading right \
    singular subspaces; agreement: share of the test set put into the same class; a dashed line: rules without α";

/// The last of a pair's numbers, with its α; without one it stands in the middle.
fn end(tables: &Tables, pair: usize, layer: Option<usize>, quantity: &str) -> Option<(Option<f64>, Dot)> {
    let rows = tables.series(pair, layer, quantity);
    let last: &GroupRow = rows.into_iter().max_by_key(|row| row.epoch)?;
    let alpha = tables.summary.pairs[pair].alpha;
    Some((alpha, dot(alpha.unwrap_or(0.5), last)))
}
