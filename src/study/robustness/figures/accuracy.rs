//! Accuracy against the size of the perturbation: a column per α, rows by ball and settings.

use super::{BALLS, Place, Tables, dot, key, sizes, words};
use crate::figure::axis::{Axis, setting};
use crate::figure::chart::{Chart, Scale, Series, Share};
use crate::figure::legend::Key;
use crate::figure::page::Page;
use crate::figure::palette::{GREY, rule_ink};
use crate::figure::{Figure, FigureError};

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "robustness-accuracy",
    title: "Accuracy under attack",
    caption: "Accuracy that is left under an attack against the size of the perturbation.",
    draw,
};

/// Remark below the panels.
const NOTE: &str = "bars: one standard error to both sides; rules without α stand in every column";

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let mut alphas: Vec<Option<f64>> = tables.alphas().into_iter().map(Some).collect();
    if alphas.is_empty() {
        alphas.push(None);
    }
    let balls: Vec<_> = BALLS.into_iter().filter(|ball| !sizes(tables, ball.0).is_empty()).collect();
    let places = tables.settings();
    let rows: Vec<_> = places.iter().flat_map(|place| balls.iter().map(move |ball| (place, *ball))).collect();
    let label = |(place, ball): &(&Place, (&str, &str))| {
        [ball.1.to_owned(), words(place)].join("  ").trim().to_owned()
    };
    let x = |(row, _): (usize, usize)| {
        let largest = sizes(tables, rows[row].1.0).iter().fold(0.0, |most: f64, size| most.max(*size));
        Axis::linear(-0.03 * largest, 1.05 * largest)
    };
    let mut chart = Chart {
        subtitle: tables.subtitle(),
        columns: alphas.iter().map(|a| a.map_or(String::new(), |a| format!("α = {}", setting(a)))).collect(),
        rows: rows.iter().map(label).collect(),
        share: Share::Rows,
        height: Some(170.0),
        notes: vec![NOTE.into()],
        ..Chart::new(
            FIGURE.title,
            ("largest perturbation ε (V)", Scale::At(&x)),
            ("test accuracy", Scale::Is(Axis::shares())),
        )
    };
    for (row, (place, ball)) in rows.iter().enumerate() {
        for (column, alpha) in alphas.iter().enumerate() {
            for group in tables.at(*alpha, place) {
                let points = |attack| {
                    let clean = group.find("accuracy", None, None).and_then(|row| dot(0.0, row));
                    let at = move |size: f64| dot(size, group.find(attack, None, Some((ball.0, size)))?);
                    clean.into_iter().chain(sizes(tables, ball.0).iter().filter_map(move |size| at(*size)))
                };
                let (rule, ink) = (&group.key.rule, rule_ink(&group.key.rule));
                chart.series.push(Series::at((row, column), ink, points("fgsm")).dashed(1.1, (3.0, 2.5)));
                let pgd = Series::at((row, column), ink, points("pgd")).line(1.5).bars(1.0).marks(2.2);
                chart.series.push(pgd.key(key(rule)));
            }
        }
    }
    let tried = |attack: &str| tables.rows.iter().any(|row| row.measure == attack && row.mean.is_some());
    chart.keys.extend(tried("pgd").then(|| Key::Line(GREY, "PGD".into())));
    chart.keys.extend(tried("fgsm").then(|| Key::Dashed(GREY, "FGSM".into())));
    chart.draw("no perturbation has a size", |_, _, _| {})
}
