//! What a receptive field is like: the Gabor function that fits it best.
//!
//! `g = e^{−½(x′²/σ_x² + y′²/σ_y²)} (a cos 2πf x′ + b sin 2πf x′)`, where `x′` runs along the wave from the
//! centre and `y′` along its stripes: the model of simple cells of Jones & Palmer, J. Neurophysiol. 58, 1233
//! (1987).

use std::f64::consts::{PI, TAU};

use nalgebra::SVector;

use super::levenberg::{Normal, least_squares};

/// Places in the parameters of a fit: centre, angle, logarithms of the widths, frequency, both amplitudes.
type Parameters = SVector<f64, 8>;

/// Angles of the wave that a search starts from.
const ANGLES: usize = 8;
/// Frequencies that a search starts from (cycles per pixel).
const FREQUENCIES: [f64; 5] = [0.04, 0.09, 0.15, 0.22, 0.32];
/// Widths that a search starts from (pixels).
const WIDTHS: [f64; 2] = [1.5, 3.0];
/// Starts that are followed to the end, the best ones.
const FOLLOWED: usize = 10;
/// Variance, as a part of the mean square, that is rounding.
const NOTHING: f64 = 1e-24;
/// Least share of a field's variance that a fit of a field like a Gabor function explains.
const GOOD: f64 = 0.6;
/// Largest part of a field that the ellipse of one width covers if the field is localised.
const LOCAL: f64 = 0.5;
/// Fewest cycles of the wave within one width to either side if the field is oriented.
const CYCLES: f64 = 0.5;
/// Narrowest envelope (pixels): a narrower one is a single pixel.
const NARROWEST: f64 = 0.5;

/// What a receptive field is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Localised and oriented: a Gabor function explains at least 0.6 of its variance, and it is neither of
    /// the next two.
    Gabor,
    /// A grating: the ellipse of one width covers more than half of the field.
    Extended,
    /// A blob: one width to either side of the centre holds less than half a cycle of the wave.
    Round,
    /// No Gabor function explains 0.6 of its variance.
    Other,
}

impl Shape {
    /// Name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gabor => "gabor",
            Self::Extended => "extended",
            Self::Round => "round",
            Self::Other => "other",
        }
    }
}

/// A Gabor function that was fitted to a square field; lengths in pixels, the centre of the first pixel at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gabor {
    /// Column of the centre.
    pub x: f64,
    /// Row of the centre.
    pub y: f64,
    /// Angle of the wave from the direction of the rows (rad), from 0 to π.
    pub angle: f64,
    /// Width of the envelope along the wave.
    pub along: f64,
    /// Width of the envelope along the stripes.
    pub across: f64,
    /// Frequency of the wave (cycles per pixel).
    pub frequency: f64,
    /// Amplitude of the wave.
    pub amplitude: f64,
    /// Phase of the wave at the centre (rad), from −π to π: 0 is even.
    pub phase: f64,
    /// Share of the field's variance that the fit explains, `1 − Σ(r − g)²/Σ(r − r̄)²`.
    pub r2: f64,
}

impl Gabor {
    /// The value at a place (pixels).
    #[must_use]
    pub fn at(&self, x: f64, y: f64) -> f64 {
        value(&self.parameters(), x, y).0
    }

    /// What a field of `size × size` pixels with this fit is like.
    #[must_use]
    pub fn shape(&self, size: usize) -> Shape {
        if self.r2 < GOOD {
            Shape::Other
        } else if PI * self.along * self.across > LOCAL * (size * size) as f64 {
            Shape::Extended
        } else if 2.0 * self.along * self.frequency < CYCLES {
            Shape::Round
        } else {
            Shape::Gabor
        }
    }

    fn parameters(&self) -> Parameters {
        let (a, b) = (self.amplitude * self.phase.cos(), -self.amplitude * self.phase.sin());
        [self.x, self.y, self.angle, self.along.ln(), self.across.ln(), self.frequency, a, b].into()
    }
}

/// Fits a field of `size × size` pixels, row after row, from many starts.
///
/// # Panics
/// If there are not so many pixels.
#[must_use]
pub fn fit(field: &[f64], size: usize) -> Gabor {
    assert_eq!(field.len(), size * size, "a square field");
    let normal = |p: &Parameters| {
        Normal::of(field.iter().enumerate().map(|(k, r)| {
            let (g, slopes) = value(p, (k % size) as f64, (k / size) as f64);
            (g - r, slopes)
        }))
    };
    let ends =
        starts(field, size).into_iter().map(|start| least_squares(start, normal, |p| bounded(p, size)));
    let best = ends.min_by(|a, b| a.1.total_cmp(&b.1));
    let mean = field.iter().sum::<f64>() / field.len() as f64;
    let variance: f64 = field.iter().map(|r| (r - mean).powi(2)).sum();
    // What is even but for rounding has nothing to explain.
    let is_even = variance <= NOTHING * field.iter().map(|r| r * r).sum::<f64>();
    let (p, error) = best.unwrap_or((Parameters::zeros(), variance));
    described(&p, if is_even { 0.0 } else { 1.0 - error / variance })
}

/// The value at a place and its derivatives by the parameters.
fn value(p: &Parameters, x: f64, y: f64) -> (f64, Parameters) {
    let (dx, dy) = (x - p[0], y - p[1]);
    let (sine, cosine) = p[2].sin_cos();
    let (u, v) = (dx * cosine + dy * sine, dy * cosine - dx * sine);
    let (su, sv) = (u * (-2.0 * p[3]).exp(), v * (-2.0 * p[4]).exp());
    let envelope = (-0.5 * (u * su + v * sv)).exp();
    let (s, c) = (TAU * p[5] * u).sin_cos();
    let g = envelope * (p[6] * c + p[7] * s);
    let turned = envelope * (p[7] * c - p[6] * s) * TAU;
    let (by_u, by_v) = (turned * p[5] - g * su, -g * sv);
    let slopes = [
        by_v * sine - by_u * cosine,
        -by_u * sine - by_v * cosine,
        by_u * v - by_v * u,
        g * u * su,
        g * v * sv,
        turned * u,
        envelope * c,
        envelope * s,
    ];
    (g, slopes.into())
}

/// Parameters that make sense: the centre in the field, widths from half a pixel to the field's size,
/// frequencies that pixels show.
fn bounded(mut p: Parameters, size: usize) -> Parameters {
    let edge = size as f64 - 0.5;
    for k in [0, 1] {
        p[k] = p[k].clamp(-0.5, edge);
    }
    for k in [3, 4] {
        p[k] = p[k].clamp(NARROWEST.ln(), (size as f64).ln());
    }
    p[5] = p[5].clamp(0.0, 0.5);
    p
}

/// The best starts of a grid of waves around the middle of the field's energy and around its peak.
fn starts(field: &[f64], size: usize) -> Vec<Parameters> {
    let place = |k: usize| [(k % size) as f64, (k / size) as f64];
    let energy: f64 = field.iter().map(|r| r * r).sum();
    let middle = |axis: usize| {
        field.iter().enumerate().map(|(k, r)| r * r * place(k)[axis]).sum::<f64>()
            / energy.max(f64::MIN_POSITIVE)
    };
    let peak = (0..field.len()).max_by(|&a, &b| field[a].abs().total_cmp(&field[b].abs())).unwrap_or(0);
    let mut all: Vec<(f64, Parameters)> = Vec::new();
    for [x, y] in [[middle(0), middle(1)], place(peak)] {
        for turn in 0..ANGLES {
            for frequency in FREQUENCIES {
                for width in WIDTHS {
                    let angle = PI * turn as f64 / ANGLES as f64;
                    let p = [x, y, angle, width.ln(), width.ln(), frequency, 0.0, 0.0].into();
                    all.push(with_amplitudes(p, field, size));
                }
            }
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.into_iter().take(FOLLOWED).map(|(_, p)| p).collect()
}

/// The best amplitudes of a wave, by linear least squares, and minus the energy that they explain.
fn with_amplitudes(mut p: Parameters, field: &[f64], size: usize) -> (f64, Parameters) {
    let (mut cc, mut cs, mut ss, mut rc, mut rs) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (k, r) in field.iter().enumerate() {
        let slopes = value(&p, (k % size) as f64, (k / size) as f64).1;
        let (c, s) = (slopes[6], slopes[7]);
        (cc, cs, ss) = (cc + c * c, cs + c * s, ss + s * s);
        (rc, rs) = (rc + r * c, rs + r * s);
    }
    let determinant = cc * ss - cs * cs;
    if determinant > 1e-9 * cc * ss {
        (p[6], p[7]) = ((rc * ss - rs * cs) / determinant, (rs * cc - rc * cs) / determinant);
    }
    (-(p[6] * rc + p[7] * rs), p)
}

/// Parameters as they are told: angles from 0 to π, the wave running that way.
fn described(p: &Parameters, r2: f64) -> Gabor {
    let angle = p[2].rem_euclid(TAU);
    // The wave the other way round: the sine changes its sign.
    let (angle, sine) = if angle >= PI { (angle - PI, -p[7]) } else { (angle, p[7]) };
    Gabor {
        x: p[0],
        y: p[1],
        angle,
        along: p[3].exp(),
        across: p[4].exp(),
        frequency: p[5],
        amplitude: p[6].hypot(sine),
        phase: (-sine).atan2(p[6]),
        r2,
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;
    use crate::random::{Key, Kind, Stream, stream};

    fn drawn(source: &mut Stream) -> Gabor {
        let mut between = |low: f64, high: f64| low + (high - low) * source.random::<f64>();
        Gabor {
            x: between(4.0, 11.0),
            y: between(4.0, 11.0),
            angle: between(0.0, PI),
            along: between(1.2, 3.0),
            across: between(1.2, 4.0),
            frequency: between(0.08, 0.3),
            amplitude: between(0.5, 2.0),
            phase: between(-PI, PI),
            r2: 1.0,
        }
    }

    fn field(gabor: &Gabor) -> Vec<f64> {
        (0..256_u32).map(|k| gabor.at(f64::from(k % 16), f64::from(k / 16))).collect()
    }

    #[test]
    fn the_derivatives_are_those_of_the_function() {
        let p: Parameters = [7.3, 6.1, 0.7, 0.6, 1.1, 0.17, 0.8, -0.5].into();
        for (x, y) in [(5.0, 9.0), (8.0, 6.0)] {
            let (_, slopes) = value(&p, x, y);
            for k in 0..8 {
                let h = 1e-5;
                let moved = |by: f64| {
                    let mut p = p;
                    p[k] += by;
                    value(&p, x, y).0
                };
                // h²/6 of a third derivative, which is below (2πf u)³ + … < 10³ here, and rounding over h.
                let error = 1e3 * h * h + 4.0 * f64::EPSILON / h;
                assert!(((moved(h) - moved(-h)) / (2.0 * h) - slopes[k]).abs() < error, "{k}");
            }
        }
    }

    #[test]
    fn fields_that_are_gabor_functions_are_found_again() {
        let mut source = stream(Key::new(1, Kind::Data));
        for _ in 0..20 {
            let wanted = drawn(&mut source);
            let found = fit(&field(&wanted), 16);
            assert!(found.r2 > 1.0 - 1e-9, "{wanted:?} {found:?}");
            // The same function, whatever its parameters: envelopes trade width for frequency when few
            // stripes are seen.
            let pairs = field(&wanted).into_iter().zip(field(&found));
            let apart = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(apart < 1e-3 * wanted.amplitude, "{wanted:?} {found:?}");
            assert!((0.0..PI).contains(&found.angle));
        }
    }

    #[test]
    fn noise_upon_a_field_is_what_the_fit_leaves() {
        let mut source = stream(Key::new(2, Kind::Data));
        for _ in 0..5 {
            let wanted = drawn(&mut source);
            let clean = field(&wanted);
            let power = clean.iter().map(|g| g * g).sum::<f64>() / 256.0;
            // As much noise as signal: a fit explains half of the variance, and about 8 numbers of the noise.
            let noise: Vec<f64> = clean
                .iter()
                .map(|_| power.sqrt() * Distribution::<f64>::sample(&StandardNormal, &mut source))
                .collect();
            let both: Vec<f64> = clean.iter().zip(&noise).map(|(g, z)| g + z).collect();
            let mean = both.iter().sum::<f64>() / 256.0;
            let total: f64 = both.iter().map(|r| (r - mean).powi(2)).sum();
            let left: f64 = noise.iter().map(|z| z * z).sum();
            let found = fit(&both, 16).r2;
            // Never worse than the function itself; better by 8 numbers, whose χ² exceeds 31 once in 7000.
            let least = 1.0 - left / total;
            assert!(found >= least - 1e-9 && found < least + 31.0 * power / total, "{found} {least}");
        }
    }

    #[test]
    fn no_gabor_function_explains_white_noise() {
        let mut source = stream(Key::new(3, Kind::Data));
        for _ in 0..10 {
            let noise: Vec<f64> = (0..256).map(|_| StandardNormal.sample(&mut source)).collect();
            assert!(fit(&noise, 16).r2 < 0.25);
        }
    }

    #[test]
    fn gratings_blobs_and_noise_are_told_from_what_is_localised_and_oriented() {
        let small = Gabor {
            x: 7.0,
            y: 8.0,
            along: 2.0,
            across: 3.0,
            frequency: 0.2,
            ..drawn(&mut stream(Key::new(4, Kind::Data)))
        };
        let shape = |gabor: Gabor| fit(&field(&gabor), 16).shape(16);
        assert_eq!(shape(small), Shape::Gabor);
        assert_eq!(shape(Gabor { along: 8.0, across: 9.0, ..small }), Shape::Extended);
        assert_eq!(shape(Gabor { frequency: 0.0, phase: 0.0, across: 2.0, ..small }), Shape::Round);
        assert_eq!(Gabor { r2: 0.59, ..small }.shape(16), Shape::Other);
    }

    #[test]
    fn a_field_of_nothing_has_nothing_explained() {
        assert_eq!(fit(&[0.0; 64], 8).r2, 0.0);
        assert_eq!(fit(&[0.3; 64], 8).r2, 0.0);
    }
}
