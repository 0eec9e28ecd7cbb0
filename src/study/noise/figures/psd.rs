//! The spectrum of one node, source by source, with what was measured.

use super::Tables;
use crate::figure::axis::Axis;
use crate::figure::chart::{Chart, Dot, Scale, Series};
use crate::figure::legend::Key;
use crate::figure::page::{Ink, Page};
use crate::figure::palette::{BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION};
use crate::figure::{Figure, FigureError};
use dyadsim_core::statistics::grouped;

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
    let (x, y) = axes(tables);
    // A source that is nowhere in the panel is not in its legend either.
    let seen = tables.psd.iter().filter(|row| row.cause != "total" && row.predicted_v2_per_hz >= y.low);
    let causes: Vec<String> =
        grouped(seen, |row| row.cause.clone()).into_iter().map(|cause| cause.0).collect();
    let measured = || tables.psd.iter().filter(|row| row.measured_v2_per_hz.is_some());
    let mut chart = Chart {
        subtitle: tables.summary.settings.clone(),
        height: Some(300.0),
        ..Chart::new(
            format!("Noise spectrum of {}", first.node),
            ("frequency (Hz)", Scale::Is(x)),
            ("one-sided PSD (V²/Hz)", Scale::Is(y)),
        )
    };
    let several = causes.iter().enumerate().filter(|_| causes.len() > 1);
    for (k, cause) in several {
        let ink = [VERMILLION, BLUE, GREEN, PURPLE, SKY][k % 5];
        chart.series.push(predicted(tables, cause, ink).line(1.2).key(Key::Line(ink, cause.clone())));
    }
    let total = predicted(tables, "total", BLACK).line(1.8).key(Key::Line(BLACK, "predicted".into()));
    let folded = measured().filter_map(|row| Some(Dot::new(row.frequency_hz, row.folded_v2_per_hz?)));
    let folded = Series::at((0, 0), GREY, folded).dashed(1.2, (4.0, 3.0));
    let points = measured().filter(|row| row.standard_error_v2_per_hz.is_some()).map(|row| {
        Dot::new(row.frequency_hz, row.measured_v2_per_hz).give_or_take(row.standard_error_v2_per_hz)
    });
    let points = Series::at((0, 0), ORANGE, points).bars(1.0).marks(2.2).cut();
    chart.series.extend([
        total,
        folded.key(Key::Dashed(GREY, "predicted, as sampled".into())),
        points.key(Key::Disc(ORANGE, "measured".into())),
    ]);
    chart.draw("no spectrum was asked for", |_, _, _| {})
}

fn axes(tables: &Tables) -> (Axis, Axis) {
    let total = || tables.psd.iter().filter(|row| row.cause == "total");
    let largest = total().map(|row| row.predicted_v2_per_hz).fold(0.0, f64::max);
    let values = total().flat_map(|row| [Some(row.predicted_v2_per_hz), row.measured_v2_per_hz]).flatten();
    let shown = values.filter(|value| *value > DECADES * largest);
    (Axis::log(total().map(|row| row.frequency_hz)), Axis::log(shown))
}

/// The predicted spectrum of a source. What lies below the panel ends the line instead of running along its
/// edge.
fn predicted(tables: &Tables, cause: &str, ink: Ink) -> Series {
    let rows = tables.psd.iter().filter(|row| row.cause == cause && row.measured_v2_per_hz.is_none());
    Series::at((0, 0), ink, rows.map(|row| Dot::new(row.frequency_hz, row.predicted_v2_per_hz))).cut()
}
