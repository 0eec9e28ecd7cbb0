//! Squared bias, variance and their sum against the first axis, one panel per layer and value of the second.

use super::super::{Answer, GradientRow};
use super::{dot, label};
use crate::figure::axis::{Axis, number, setting};
use crate::figure::chart::{Chart, Scale, Series};
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{BLACK, BLUE, GREY, ORANGE};
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

/// A column of a row.
type Part = fn(&GradientRow) -> Option<f64>;

/// What is measured, with its error, its colour and words.
const MEASURED: [(Part, Part, Ink, &str); 3] = [
    (|row| row.bias_squared, |row| row.bias_squared_error, BLUE, "bias²"),
    (|row| row.variance, |row| row.variance_error, ORANGE, "variance"),
    (|row| row.squared_error, |row| row.squared_error_error, BLACK, "mean squared error"),
];

/// What is predicted.
const PREDICTED: [(Part, Ink); 3] =
    [(|row| row.predicted_bias_squared, BLUE), (|row| row.predicted_variance, ORANGE), (sum, BLACK)];

/// Squared error as predicted.
fn sum(row: &GradientRow) -> Option<f64> {
    row.predicted_bias_squared.zip(row.predicted_variance).map(|(b, v)| b + v)
}

fn draw(tables: &Answer) -> Result<Page, FigureError> {
    let (families, panels) = (tables.families(MOST), tables.panels());
    let x_label = label(&tables.summary.keys[0]);
    let mut chart = Chart {
        subtitle: tables.summary.settings.clone(),
        columns: tables.columns(),
        rows: families.iter().map(|y| family(tables, *y)).collect(),
        height: Some(150.0),
        notes: notes(tables),
        ..Chart::new(
            FIGURE.title,
            (&x_label, Scale::Is(tables.across())),
            ("power / |true gradient|²", Scale::Is(axis(tables))),
        )
    };
    for (row, y) in families.iter().enumerate() {
        for (column, layer) in panels.iter().enumerate() {
            let at = (row, column);
            // A point without a prediction interrupts the line; one below the panel ends it.
            chart.series.extend(PREDICTED.map(|(part, ink)| {
                let dots = tables.at(*y, *layer).map(|row| dot(row, part(row), None));
                Series::at(at, ink, dots).line(1.1).cut()
            }));
            chart.series.extend(MEASURED.map(|(part, error, ink, words)| {
                let dots = tables.at(*y, *layer).map(|row| dot(row, part(row), error(row)));
                Series::at(at, ink, dots).bars(1.0).marks(2.2).cut().key(Key::Disc(ink, words.into()))
            }));
        }
    }
    let predicted = tables.rows.iter().any(|row| PREDICTED.iter().any(|(part, _)| part(row).is_some()));
    chart.keys.extend(predicted.then(|| Key::Line(GREY, "predicted".into())));
    chart.draw("no estimate has a bias or a variance", |page, panel, (row, column)| {
        let best = tables.best.iter().find(|b| b.layer == panels[column] && b.y == families[row]);
        let best = best.filter(|_| tables.summary.keys[0] == "nudge.beta").and_then(|b| b.best_beta);
        best.into_iter().for_each(|beta| panel.flag(page, beta, number(beta)));
    })
}

/// Down from the largest number as far as panels go.
fn axis(tables: &Answer) -> Axis {
    let measured = MEASURED.iter().map(|part| part.0);
    let parts: Vec<Part> = measured.chain(PREDICTED[..2].iter().map(|part| part.0)).collect();
    let values = || tables.rows.iter().flat_map(|row| parts.iter().filter_map(|part| part(row)));
    let largest = values().filter(|value| *value > 0.0).fold(0.0, f64::max);
    Axis::log(values().filter(|value| *value > DEPTH * largest))
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
