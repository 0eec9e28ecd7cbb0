//! Flicker noise `K/f` within a band: a sum of Ornstein–Uhlenbeck processes of equal variance, their rates
//! evenly spread over the logarithm of frequency (van der Ziel, Physica 16, 359 (1950)).
//!
//! Spread without gaps they would give `K/f · (2/π)(atan(high/f) − atan(low/f))`: `K/f` inside the band, half
//! of it at its ends, flat below, `1/f²` above; `K ln(high/low)` in all. Two per decade ripple by 0.1 %
//! around it.

use std::f64::consts::TAU;

use super::Process;

/// The processes that make up `coefficient/f` from `low` to `high` (Hz), `per_decade` or a few more per
/// decade.
///
/// Their variance is in the unit of `coefficient` (`K`).
#[must_use]
pub fn processes(coefficient: f64, low: f64, high: f64, per_decade: usize) -> Vec<Process> {
    let span = (high / low).ln();
    let count = (per_decade as f64 * span / 10_f64.ln() - 1e-9).ceil().max(1.0);
    let width = span / count;
    let corner = |i: usize| low * ((i as f64 + 0.5) * width).exp();
    (0..count as usize).map(|i| Process { rate: TAU * corner(i), variance: coefficient * width }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn psd(processes: &[Process], f: f64) -> f64 {
        processes.iter().map(|process| process.psd(f)).sum()
    }

    #[test]
    fn a_decade_inside_the_band_the_psd_is_k_over_f() {
        for per_decade in [2, 3, 5] {
            let sum = processes(1e-24, 1.0, 1e6, per_decade);
            assert_eq!(sum.len(), 6 * per_decade);
            for i in 0..=40 {
                let f = 10_f64.powf(1.0 + 0.1 * f64::from(i));
                let smooth = ((1e6 / f).atan() - (1.0 / f).atan()) * 4.0 / TAU;
                let ratio = psd(&sum, f) * f / 1e-24;
                // The sum is the trapezoidal rule for that integral: ripple 2/cosh(π²/Δ), and its ends.
                assert!((ratio / smooth - 1.0).abs() < 5e-3, "{per_decade} {f}: {ratio} {smooth}");
                assert!((ratio - 1.0).abs() < 0.1, "{per_decade} {f}: {ratio}");
            }
        }
    }

    #[test]
    fn the_variance_is_that_of_the_band() {
        let all: f64 = processes(2e-24, 3.0, 5e5, 2).iter().map(|process| process.variance).sum();
        assert!((all / (2e-24 * (5e5_f64 / 3.0).ln()) - 1.0).abs() < 1e-14);
    }
}
