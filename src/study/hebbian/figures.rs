//! The figures of `hebbian`: receptive fields, how well Gabor functions fit them, and the way there.

use std::collections::BTreeMap;

use super::Answer;
use super::rows::HebbianFieldRow;
use crate::figure::axis::{Axis, count};
use crate::figure::chart::{Chart, Dot, Scale, Series, Share};
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{BLUE, ORANGE, VERMILLION};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};

/// Every figure.
pub const FIGURES: &[Figure<Answer>] = &[
    Figure {
        name: "hebbian-fields",
        title: "Receptive fields",
        caption: "The weights by which every unit hears the pixels, each field in its own scale; a frame marks those that are \
            not both localised and oriented.",
        draw: fields,
    },
    Figure {
        name: "hebbian-fits",
        title: "How well Gabor functions fit the receptive fields",
        caption: "The share of the units whose field has at least so much of its variance explained by a Gabor function.",
        draw: fits,
    },
    Figure {
        name: "hebbian-course",
        title: "Learning without targets",
        caption: "The mean of F(u), which the rule ascends, and the least cosine of a unit with the sparse source.",
        draw: course,
    },
];

/// Grey levels of a field on either side of zero.
const LEVELS: f64 = 8.0;
/// Space between fields, in their size.
const GAP: f64 = 0.08;
/// Most fields that a panel shows.
const MOST: usize = 400;
/// Names of the sources, with their titles and colours.
const SOURCES: [(&str, &str, Ink); 2] =
    [("data", "the data", BLUE), ("gaussian", "Gaussian noise with their spectrum", ORANGE)];

/// The pixels of a field, row after row.
type Pixels<'a> = Vec<&'a HebbianFieldRow>;

fn fields(tables: &Answer) -> Result<Page, FigureError> {
    let mut units: BTreeMap<(usize, usize), Pixels<'_>> = BTreeMap::new();
    for pixel in &tables.fields {
        if let Some(source) = SOURCES.iter().position(|(name, ..)| *name == pixel.source) {
            units.entry((source, pixel.unit)).or_default().push(pixel);
        }
    }
    let shown: Vec<usize> =
        (0..SOURCES.len()).filter(|source| units.keys().any(|(own, _)| own == source)).collect();
    if shown.is_empty() {
        return Err(FigureError::nothing("the inputs are no pictures: there are no receptive fields"));
    }
    let most = shown.iter().map(|source| units.keys().filter(|(own, _)| own == source).count()).max();
    let most = most.unwrap_or(1).min(MOST);
    let across = count(most).sqrt().ceil();
    let down = (count(most) / across).ceil();
    let odd = |source: usize, unit: usize| {
        let rows = tables.rows.iter().filter(|row| row.source == SOURCES[source].0 && row.unit == unit);
        rows.filter_map(|row| row.shape.as_deref()).any(|shape| shape != "gabor")
    };
    let width = if shown.len() > 1 { 431.0 } else { 560.0 };
    let layout = Layout {
        title: format!("{}, {}", FIGURES[0].title, tables.summary.data),
        subtitle: tables.summary.settings.clone(),
        legend: vec![Key::Line(VERMILLION, "not localised and oriented".into())],
        columns: shown.iter().map(|source| SOURCES[*source].1.to_owned()).collect(),
        rows: vec![String::new()],
        x_label: String::new(),
        y_label: String::new(),
        axes: Axes::Shared(Axis::names(1), Axis::names(1)),
        names: Vec::new(),
        height: Some(width * down / across),
        notes: Vec::new(),
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, (_, column)| {
        let size = panel.width / across;
        let own = units.iter().filter(|((source, _), _)| *source == shown[column]).take(most);
        for (k, ((source, unit), pixels)) in own.enumerate() {
            let (row, place) = (count(k / across as usize), count(k % across as usize));
            let corner = (panel.left + (place + GAP) * size, panel.top + (row + GAP) * size);
            tile(page, corner, size * (1.0 - 2.0 * GAP), (pixels, odd(*source, *unit)));
        }
    }))
}

/// Draws a field as a square with its upper left corner at a place: grey is 0, white the largest magnitude.
fn tile(page: &mut Page, (left, top): (f64, f64), size: f64, (pixels, is_odd): (&[&HebbianFieldRow], bool)) {
    let side = pixels.len().isqrt();
    let largest = pixels.iter().map(|pixel| pixel.weight.abs()).fold(0.0, f64::max);
    let level = |weight: f64| (LEVELS * weight / largest).round();
    let block = |page: &mut Page, (row, from, to): (usize, usize, usize), level: f64| {
        let at = |k: usize| size * count(k) / count(side);
        let (upper, lower) = (top + at(row), top + at(row + 1));
        page.block((left + at(from), upper), (left + at(to), lower), shade(level / LEVELS));
    };
    page.block((left, top), (left + size, top + size), shade(0.0));
    for (row, line) in pixels.chunks_exact(side.max(1)).take(side).enumerate() {
        let levels: Vec<f64> = line.iter().map(|pixel| level(pixel.weight)).collect();
        let mut from = 0;
        for to in 1..=side {
            if to == side || levels[to] != levels[from] {
                if levels[from] != 0.0 && levels[from].is_finite() {
                    block(page, (row, from, to), levels[from]);
                }
                from = to;
            }
        }
    }
    if is_odd {
        let (right, bottom) = (left + size, top + size);
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top), (right, top)];
        page.line(&corners, VERMILLION, 1.2);
    }
}

/// A grey from black at −1 to white at 1.
fn shade(value: f64) -> Ink {
    let grey = (127.5 + 127.5 * value.clamp(-1.0, 1.0)).round() as u8;
    Ink { rgb: [grey; 3], opacity: 1.0 }
}

fn fits(tables: &Answer) -> Result<Page, FigureError> {
    let mut chart = Chart {
        subtitle: format!("{}: {}", tables.summary.data, tables.summary.settings),
        height: Some(260.0),
        ..Chart::new(
            FIGURES[1].title,
            ("share of the field's variance that a Gabor function explains (R²)", Scale::Is(Axis::shares())),
            ("share of the units with as much or more", Scale::Is(Axis::shares())),
        )
    };
    for (source, title, ink) in SOURCES {
        let mut all: Vec<f64> =
            tables.rows.iter().filter(|row| row.source == source).filter_map(|row| row.r2).collect();
        all.sort_by(f64::total_cmp);
        let units = count(all.len());
        let steps = all
            .iter()
            .enumerate()
            .flat_map(|(k, r2)| [count(k), count(k + 1)].map(|below| Dot::new(*r2, 1.0 - below / units)));
        let start = all.first().map(|_| Dot::new(0.0, 1.0));
        let key = Key::Line(ink, title.into());
        chart.series.push(Series::at((0, 0), ink, start.into_iter().chain(steps)).line(1.6).key(key));
    }
    chart.draw("the inputs are no pictures: there are no receptive fields", |page, panel, _| {
        panel.flag(page, 0.6, "0.6: like a Gabor function");
    })
}

fn course(tables: &Answer) -> Result<Page, FigureError> {
    let has_source = tables.course.iter().any(|row| row.cosine.is_some());
    let rows = if has_source { 2 } else { 1 };
    let last = tables.course.iter().map(|row| count(row.batch)).fold(1.0, f64::max);
    let mut chart = Chart {
        subtitle: format!("{}: {}", tables.summary.data, tables.summary.settings),
        rows: ["mean of F(u)", "least |cos|"].into_iter().take(rows).map(String::from).collect(),
        share: Share::Rows,
        height: Some(180.0),
        ..Chart::new(
            FIGURES[2].title,
            ("updates", Scale::Is(Axis::linear(0.0, last))),
            ("", Scale::Around(0.08)),
        )
    };
    for (source, title, ink) in SOURCES {
        let rows = || tables.course.iter().filter(move |row| row.source == source);
        let key = Key::Line(ink, title.into());
        let objective = rows().map(|row| Dot::new(count(row.batch), row.objective));
        chart.series.push(Series::at((0, 0), ink, objective).line(1.4).key(key));
        if has_source {
            let cosine = rows().map(|row| Dot::new(count(row.batch), row.cosine));
            chart.series.push(Series::at((1, 0), ink, cosine).line(1.4));
        }
    }
    chart.draw("the table has no row", |_, _, _| {})
}
