//! Squared bias, variance and their sum against the first axis, one panel per layer and value of the second.

use super::super::{Answer, GradientRow};
use super::{label, mark};
use crate::figure::axis::{Axis, number, setting};
use crate::figure::legend::Key;
use crate::figure::page::{Page, Text, text};
use crate::figure::palette::{BLACK, BLUE, GREY, ORANGE};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};

/// The registry line.
pub const FIGURE: Figure<Answer> = Figure {
    name: "gradient-power",
    title: "Bias and variance of the gradient estimate",
    caption: "Squared bias, variance and mean squared error of one estimate, in units of the true gradient's squared norm: discs as \
        measured with one standard error, open ones where the circuit is no longer safe or samples did not settle, lines as predicted. \
        The dashed line marks the nudge of the least error.",
    draw,
};

/// Values of the second axis that are shown.
const MOST: usize = 5;
/// Panels go no further below the largest number than this.
const DEPTH: f64 = 1e-8;

fn draw(tables: &Answer) -> Result<Page, FigureError> {
    let (families, panels) = (tables.families(MOST), tables.panels());
    let values = tables.rows.iter().flat_map(|row| {
        [
            row.bias_squared,
            row.variance,
            row.squared_error,
            row.predicted_bias_squared,
            row.predicted_variance,
        ]
    });
    let values: Vec<f64> = values.flatten().filter(|v| *v > 0.0).collect();
    let largest = values.iter().copied().fold(0.0, f64::max);
    let layout = Layout {
        title: FIGURE.title.into(),
        subtitle: tables.summary.settings.clone(),
        legend: legend(tables),
        columns: panels
            .iter()
            .map(|layer| layer.map_or("all layers".into(), |k| format!("layer {k}")))
            .collect(),
        rows: families.iter().map(|y| family(tables, *y)).collect(),
        x_label: label(&tables.summary.keys[0]),
        y_label: "power / |true gradient|²".into(),
        axes: Axes::Shared(tables.across(), Axis::log(values.into_iter().filter(|v| *v > DEPTH * largest))),
        names: Vec::new(),
        height: Some(150.0),
        notes: notes(tables),
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (row, column): (usize, usize)| {
        let here = |r: &&GradientRow| r.y == families[row] && r.layer == panels[column];
        let rows: Vec<&GradientRow> = tables.rows.iter().filter(here).collect();
        fill(page, panel, &rows);
        let best = tables.best.iter().find(|b| b.layer == panels[column] && b.y == families[row]);
        if let Some(beta) = best.filter(|_| tables.summary.keys[0] == "nudge.beta").and_then(|b| b.best_beta)
        {
            at_best(page, panel, beta);
        }
    }))
}

/// A column of a row.
type Part = fn(&GradientRow) -> Option<f64>;

/// What some point has.
fn legend(tables: &Answer) -> Vec<Key> {
    let seen = |part: Part| tables.rows.iter().any(|row| part(row).is_some());
    let discs: [(Part, _, &str); 3] = [
        (|row| row.bias_squared, BLUE, "bias²"),
        (|row| row.variance, ORANGE, "variance"),
        (|row| row.squared_error, BLACK, "mean squared error"),
    ];
    let discs = discs.into_iter().filter(|(part, ..)| seen(*part));
    let predicted = seen(|row| row.predicted_bias_squared) || seen(|row| row.predicted_variance);
    let predicted = predicted.then(|| Key::Line(GREY, "predicted".into()));
    discs.map(|(_, ink, words)| Key::Disc(ink, words.into())).chain(predicted).collect()
}

/// Squared error as predicted.
fn sum(row: &GradientRow) -> Option<f64> {
    row.predicted_bias_squared.zip(row.predicted_variance).map(|(b, v)| b + v)
}

/// Lines as predicted, discs as measured.
fn fill(page: &mut Page, panel: &Panel, rows: &[&GradientRow]) {
    let lines: [(Part, _); 3] =
        [(|row| row.predicted_bias_squared, BLUE), (|row| row.predicted_variance, ORANGE), (sum, BLACK)];
    for (part, ink) in lines {
        // A point without a prediction interrupts the line; one below the panel ends it.
        let known: Vec<Option<_>> =
            rows.iter().map(|row| panel.at(row.x, part(row).filter(|v| *v >= panel.y.low)?)).collect();
        for piece in known.split(Option::is_none) {
            page.line(&piece.iter().flatten().copied().collect::<Vec<_>>(), ink, 1.1);
        }
    }
    for row in rows {
        let marks = [
            (row.bias_squared, row.bias_squared_error, BLUE),
            (row.variance, row.variance_error, ORANGE),
            (row.squared_error, row.squared_error_error, BLACK),
        ];
        for (value, error, ink) in marks {
            if let Some(value) = value {
                mark(page, panel, row, (value, error), ink);
            }
        }
    }
}

/// A dashed line at the best nudge.
fn at_best(page: &mut Page, panel: &Panel, beta: f64) {
    let ends = (panel.at(beta, panel.y.low), panel.at(beta, panel.y.high));
    let (Some(low), Some(high)) = ends else { return };
    page.dashed(&[low, high], GREY, 1.0, (4.0, 3.0));
    let words = number(beta);
    page.text(Text { ink: GREY, ..text(words, (low.0 + 4.0, low.1 - 6.0), 9.0) });
}

fn family(tables: &Answer, y: Option<f64>) -> String {
    match (tables.summary.keys.get(1), y) {
        (Some(key), Some(y)) => format!("{} = {}", label(key), setting(y)),
        _ => String::new(),
    }
}

fn notes(tables: &Answer) -> Vec<String> {
    let all = || tables.rows.iter().filter(|row| row.layer.is_none());
    let left = all().map(|row| row.unsettled).sum::<usize>();
    let mut notes =
        vec!["a squared bias that noise hides may come out below zero and is not drawn then".to_owned()];
    if left > 0 {
        let points = all().filter(|row| row.unsettled > 0).count();
        notes.push(format!("{left} samples at {points} points did not settle and are left out"));
    }
    let open = all().filter(|row| row.left_out.is_some()).count();
    if open > 0 {
        notes.push(format!(
            "{open} points, open, are left out of the best nudge: beyond the largest safe one, or unsettled"
        ));
    }
    notes.extend(tables.summary.unpredicted.iter().map(|why| format!("not predicted: {why}")));
    notes
}
