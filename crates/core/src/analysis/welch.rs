//! Power spectral densities of what was simulated: Welch's averaged periodograms, and their standard error.
//!
//! Segments overlap by half and are seen through Hann's window (Welch, IEEE Trans. Audio Electroacoust. 15,
//! 70 (1967)). Frequencies are gathered into bands of equal ratio. What bites: a series that is sampled with
//! a step `h` shows the density at `f` together with those at `k/h ± f` ([`folded`]), and a window smears the
//! lowest bins, which are left out.

use nalgebra::Complex;
use std::f64::consts::PI;

use super::ensemble::{Estimate, across};

/// Lowest bin that is used: below, Hann's window mixes in the mean.
const LOWEST: usize = 3;

/// A band of frequencies, and its measured density.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Mean frequency of its bins (Hz).
    pub frequency: f64,
    /// Its lowest and highest bin (Hz).
    pub ends: (f64, f64),
    /// One-sided PSD (V²/Hz) over independent series.
    pub density: Estimate,
}

/// One-sided PSD of several independent series of equal length, sampled every `step` (s), in `per_decade`
/// bands.
///
/// Each series is cut into segments of `length` samples, a power of two; empty if the series are shorter.
#[must_use]
pub fn bands(series: &[Vec<f64>], step: f64, length: usize, per_decade: f64) -> Vec<Band> {
    let spectra: Vec<Vec<f64>> = series.iter().map(|one| periodogram(one, step, length)).collect();
    if spectra.iter().any(Vec::is_empty) || spectra.len() < 2 {
        return Vec::new();
    }
    let bin = 1.0 / (step * length as f64);
    let mut found = Vec::new();
    let mut start = LOWEST;
    while start < length / 2 {
        let end = (start as f64 * 10_f64.powf(1.0 / per_decade)).round().max(start as f64 + 1.0) as usize;
        let end = end.min(length / 2);
        let mean = |one: &Vec<f64>| one[start..end].iter().sum::<f64>() / (end - start) as f64;
        let values: Vec<f64> = spectra.iter().map(mean).collect();
        found.push(Band {
            frequency: bin * 0.5 * (start + end - 1) as f64,
            ends: (bin * start as f64, bin * (end - 1) as f64),
            density: across(&values),
        });
        start = end;
    }
    found
}

/// Welch's estimate at the bins `0..length/2` (V²/Hz); empty if the series is shorter than a segment.
#[must_use]
pub fn periodogram(series: &[f64], step: f64, length: usize) -> Vec<f64> {
    let window: Vec<f64> = (0..length).map(|i| (PI * i as f64 / length as f64).sin().powi(2)).collect();
    let power: f64 = window.iter().map(|w| w * w).sum();
    let mean = series.iter().sum::<f64>() / series.len().max(1) as f64;
    let (mut sum, mut segments) = (vec![0.0; length / 2], 0);
    for segment in series.windows(length).step_by(length / 2) {
        let mut values: Vec<Complex<f64>> =
            segment.iter().zip(&window).map(|(x, w)| Complex::new((x - mean) * w, 0.0)).collect();
        transform(&mut values);
        sum.iter_mut().zip(&values).for_each(|(sum, value)| *sum += value.norm_sqr());
        segments += 1;
    }
    if segments == 0 {
        return Vec::new();
    }
    let scale = 2.0 * step / (power * f64::from(segments));
    sum.iter().map(|sum| sum * scale).collect()
}

/// Density of a sampled series at `frequency`, with what is aliased from beyond half of `1/step`.
#[must_use]
pub fn folded(density: impl Fn(f64) -> f64, frequency: f64, step: f64) -> f64 {
    // Densities fall as 1/f² at least, so what is left out is below that of the last pair, times their
    // number.
    let beyond = (1..=20).map(|k| {
        let centre = f64::from(k) / step;
        density(centre - frequency) + density(centre + frequency)
    });
    density(frequency) + beyond.sum::<f64>()
}

/// The discrete Fourier transform in place, of a power of two numbers (Cooley & Tukey 1965).
fn transform(values: &mut [Complex<f64>]) {
    let n = values.len();
    debug_assert!(n.is_power_of_two());
    let bits = n.trailing_zeros();
    for i in 1..n {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if i < j {
            values.swap(i, j);
        }
    }
    let mut half = 1;
    while half < n {
        let factor = |k: usize| Complex::from_polar(1.0, -PI * k as f64 / half as f64);
        let factors: Vec<Complex<f64>> = (0..half).map(factor).collect();
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for ((a, b), factor) in low.iter_mut().zip(high).zip(&factors) {
                let turned = *b * factor;
                (*a, *b) = (*a + turned, *a - turned);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    use crate::noise::gaussian::fill;
    use crate::random::{Key, Kind};

    #[test]
    fn the_transform_is_the_sum_it_stands_for() {
        let values: Vec<Complex<f64>> = (0..16)
            .map(|k| Complex::new((1.3 * f64::from(k)).sin(), (0.4 * f64::from(k * k)).cos()))
            .collect();
        let mut found = values.clone();
        transform(&mut found);
        for (k, value) in found.iter().enumerate() {
            let term =
                |(j, x): (usize, &Complex<f64>)| x * Complex::from_polar(1.0, -TAU * (j * k) as f64 / 16.0);
            let exact: Complex<f64> = values.iter().enumerate().map(term).sum();
            assert!((value - exact).norm() < 1e-13, "{k}");
        }
    }

    #[test]
    fn white_numbers_have_a_flat_density_and_the_errors_say_how_flat() {
        // Variance 1 at steps of h: one-sided density 2h. 40 bands: beyond 4.5 standard errors of 63 degrees
        // of freedom one in 800 seeds.
        let step = 1e-6;
        let series: Vec<Vec<f64>> = (0..64)
            .map(|k| {
                let mut one = vec![0.0; 8192];
                fill(Key::new(41, Kind::Data).trial(k), 0, &mut one);
                one
            })
            .collect();
        let found = bands(&series, step, 1024, 10.0);
        assert!(found.len() > 15);
        for band in found {
            let off = (band.density.value - 2.0 * step) / band.density.error;
            assert!(off.abs() < 4.5, "{} Hz: {off}", band.frequency);
            assert!(band.density.error < 0.05 * band.density.value);
        }
    }

    #[test]
    fn a_sampled_ornstein_uhlenbeck_process_shows_its_folded_density() {
        // Exactly known: Σ over all foldings is h σ² 2 sinh a/(cosh a − cos ωh), a = rate · h (the AR(1)
        // spectrum).
        let (rate, step) = (1.0, 0.05);
        let density = |f: f64| 4.0 * rate / (rate * rate + (TAU * f).powi(2));
        for frequency in [0.0, 0.3, 2.0, 5.0] {
            let a = rate * step;
            let exact = 2.0 * step * a.sinh() / (a.cosh() - (TAU * frequency * step).cos());
            let found = folded(density, frequency, step);
            // Left out: 2 Σ_{k>20} 4 h²/(2πk)² = 2 · 4 · 0.0025/39.5/20 = 2.5e-5.
            assert!((found - exact).abs() < 3e-5, "{frequency}: {found} {exact}");
        }
    }
}
