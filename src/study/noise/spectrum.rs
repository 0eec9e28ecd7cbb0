//! The spectrum of one node: from the transfer function, and from the simulated series.

use super::super::inputs::Setup;
use super::rows::NoisePsdRow;
use dyadsim_core::analysis::stationary::{Measured, Node};
use dyadsim_core::analysis::welch::{bands, folded};
use dyadsim_core::noise::Cause;

/// Frequencies per decade of the prediction, and bands of the measurement.
const PER_DECADE: i32 = 10;
/// Lowest and highest frequency of the prediction, in units of the corner `1/(2πτ)`.
const LOWEST: f64 = 1e-3;
const DECADES: i32 = 5;
/// Samples of a segment, at most.
const LONGEST: usize = 1 << 14;
/// Segments that every series should give.
const SEGMENTS: usize = 4;

/// Predicted densities (V²/Hz), cause by cause, at a frequency (Hz); none at a resonance without loss.
pub type Density<'d> = &'d dyn Fn(f64) -> Option<Vec<f64>>;

/// Predictions, source by source, and measurements of all together.
pub fn rows(
    setup: &Setup,
    (causes, density): (&[Cause], Density<'_>),
    node: Node,
    measured: Option<&Measured>,
) -> Vec<NoisePsdRow> {
    let corner = 1.0 / (std::f64::consts::TAU * setup.chip.slowest);
    let grid = (0..=DECADES * PER_DECADE)
        .map(|k| LOWEST * corner * 10_f64.powf(f64::from(k) / f64::from(PER_DECADE)));
    let causes = [causes, &["total"]].concat();
    let row = |cause: &str, frequency: f64, predicted: f64| NoisePsdRow {
        node: node.name(),
        cause: cause.to_owned(),
        frequency_hz: frequency,
        predicted_v2_per_hz: predicted,
        folded_v2_per_hz: None,
        measured_v2_per_hz: None,
        standard_error_v2_per_hz: None,
    };
    let mut found = Vec::new();
    for frequency in grid {
        let Some(mut shares) = density(frequency) else { continue };
        shares.push(shares.iter().sum());
        found.extend(causes.iter().zip(shares).map(|(cause, share)| row(cause, frequency, share)));
    }
    let total = |f: f64| density(f).map_or(f64::NAN, |shares| shares.iter().sum());
    for band in measured.map(|m| welch(&m.series, setup)).unwrap_or_default() {
        // A band is wide: its prediction is the mean over it, by Simpson's rule.
        let step = step(setup);
        let (low, high) = band.ends;
        let mean = |of: &dyn Fn(f64) -> f64| (of(low) + 4.0 * of(f64::midpoint(low, high)) + of(high)) / 6.0;
        found.push(NoisePsdRow {
            folded_v2_per_hz: Some(mean(&|f| folded(total, f, step))),
            measured_v2_per_hz: Some(band.density.value),
            standard_error_v2_per_hz: Some(band.density.error),
            ..row("total", band.frequency, mean(&total))
        });
    }
    found
}

/// Time between two samples of a series (s).
fn step(setup: &Setup) -> f64 {
    setup.spec.solver.step * setup.chip.slowest
}

fn welch(series: &[Vec<f64>], setup: &Setup) -> Vec<dyadsim_core::analysis::welch::Band> {
    let samples = series.first().map_or(0, Vec::len);
    let longest = (samples / SEGMENTS).clamp(2, LONGEST);
    let length = 1 << longest.ilog2();
    bands(series, step(setup), length, f64::from(PER_DECADE))
}
