//! The spectrum of one node, source by source, with what was measured.

use super::super::rows::NoisePsdRow;
use super::{Tables, error_bar};
use crate::figure::axis::Axis;
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION};
use crate::figure::sheet::{Axes, Layout, Panel, Sheet};
use crate::figure::{Figure, FigureError};

/// The registry line.
pub const FIGURE: Figure<Tables> = Figure {
    name: "noise-psd",
    title: "Noise spectrum of a node",
    caption: "One-sided power spectral density of a node: lines from the transfer function, source by source; discs by \
        Welch's method from the simulated series, with one standard error to both sides. The dashed line is the total as a \
        series sampled at the solver's step must show it.",
    draw,
};

/// Decades below the largest density that are shown.
const DECADES: f64 = 1e-7;

fn draw(tables: &Tables) -> Result<Page, FigureError> {
    let first = tables.psd.first().ok_or_else(|| FigureError::nothing("no spectrum was asked for"))?;
    let mut causes: Vec<&str> = Vec::new();
    let axes = axes(tables);
    // A source that is nowhere in the panel is not in its legend either.
    let seen = |row: &&NoisePsdRow| row.cause != "total" && row.predicted_v2_per_hz >= axes.1.low;
    for row in tables.psd.iter().filter(seen) {
        if !causes.contains(&row.cause.as_str()) {
            causes.push(&row.cause);
        }
    }
    let ink = |k: usize| [VERMILLION, BLUE, GREEN, PURPLE, SKY][k % 5];
    let mut legend: Vec<Key> = if causes.len() > 1 {
        causes.iter().enumerate().map(|(k, cause)| Key::Line(ink(k), (*cause).to_owned())).collect()
    } else {
        Vec::new()
    };
    legend.insert(0, Key::Line(BLACK, "predicted".into()));
    let measured: Vec<&NoisePsdRow> =
        tables.psd.iter().filter(|row| row.measured_v2_per_hz.is_some()).collect();
    if !measured.is_empty() {
        legend.push(Key::Dashed(GREY, "predicted, as sampled".into()));
        legend.push(Key::Disc(ORANGE, "measured".into()));
    }
    let layout = Layout {
        title: format!("Noise spectrum of {}", first.node),
        subtitle: tables.summary.settings.clone(),
        legend,
        columns: vec![String::new()],
        rows: vec![String::new()],
        x_label: "frequency (Hz)".into(),
        y_label: "one-sided PSD (V²/Hz)".into(),
        axes: Axes::Shared(axes.0, axes.1),
        names: Vec::new(),
        height: Some(300.0),
        notes: Vec::new(),
    };
    Ok(Sheet::filled(&layout, |page: &mut Page, panel: &Panel, _| {
        if causes.len() > 1 {
            for (k, cause) in causes.iter().enumerate() {
                line(page, panel, tables, cause, ink(k), 1.2);
            }
        }
        line(page, panel, tables, "total", BLACK, 1.8);
        let folded: Vec<_> =
            measured.iter().filter_map(|row| panel.at(row.frequency_hz, row.folded_v2_per_hz?)).collect();
        page.dashed(&folded, GREY, 1.2, (4.0, 3.0));
        measured.iter().for_each(|row| point(page, panel, row));
    }))
}

fn axes(tables: &Tables) -> (Axis, Axis) {
    let total = || tables.psd.iter().filter(|row| row.cause == "total");
    let largest = total().map(|row| row.predicted_v2_per_hz).fold(0.0, f64::max);
    let values = total().flat_map(|row| [Some(row.predicted_v2_per_hz), row.measured_v2_per_hz]).flatten();
    let shown = values.filter(|value| *value > DECADES * largest);
    (Axis::log(total().map(|row| row.frequency_hz)), Axis::log(shown))
}

fn line(page: &mut Page, panel: &Panel, tables: &Tables, cause: &str, ink: Ink, width: f64) {
    let of = tables.psd.iter().filter(|row| row.cause == cause && row.measured_v2_per_hz.is_none());
    // What lies below the panel ends the line instead of running along its edge.
    let inside = of.filter(|row| row.predicted_v2_per_hz >= panel.y.low);
    let path: Vec<_> = inside.filter_map(|row| panel.at(row.frequency_hz, row.predicted_v2_per_hz)).collect();
    page.line(&path, ink, width);
}

fn point(page: &mut Page, panel: &Panel, row: &NoisePsdRow) {
    let Some((value, error)) = row.measured_v2_per_hz.zip(row.standard_error_v2_per_hz) else { return };
    if value < panel.y.low {
        return;
    }
    error_bar(page, panel, row.frequency_hz, (value, error), ORANGE);
    if let Some(at) = panel.at(row.frequency_hz, value) {
        page.disc(at, 2.2, ORANGE);
    }
}
