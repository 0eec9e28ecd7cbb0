//! `two-moons`: two half circles that reach into each other, 2 inputs, with noise.
//!
//! Outer moon (class 0) `(cos t, sin t)`, inner (class 1) `(1 − cos t, ½ − sin t)`, `t` evenly from 0 to π,
//! each coordinate plus `N(0, 0.1²)`: scikit-learn's `make_moons`. Then `x ↦ (x + 1.5)/4`, `y ↦ (y + 1)/2.5`,
//! which puts five deviations of noise around both moons into `[0, 1]` V; what is still outside (less than
//! one in 10⁶) is clipped. 500 points per class and half, mixed by `SplitMix64`. The noise is Philox, key
//! `split_seed`, stream 0 for training and 1 for testing. Sines come from the system's library: the last bit,
//! and so the hash, may differ between platforms.

use std::f64::consts::PI;

use rand_distr::{Distribution, StandardNormal};

use super::shuffle::SplitMix;
use super::{DataError, Entry, Parts, PathUse, Request, Split};
use crate::random::{Stream, generator};

const PER_CLASS: usize = 500;
/// Standard deviation of the noise, in radii.
const NOISE: f64 = 0.1;

pub(super) const ENTRY: Entry = Entry {
    name: "two-moons",
    summary: "two half circles with noise 0.1, 2 inputs, 2 classes, 1000 + 1000, generated from split_seed",
    about: "after make_moons of scikit-learn; generated",
    embedded: true,
    path: PathUse::None,
    seeded: true,
    command: None,
    read,
};

fn read(request: &Request) -> Result<Parts, DataError> {
    let mut order = SplitMix::new(request.split_seed);
    let mut half = |stream| generate(&mut order, generator(request.split_seed, stream));
    Ok(Parts { classes: 2, train: half(0)?, test: half(1)? })
}

fn generate(order: &mut SplitMix, mut noise: Stream) -> Result<Split, DataError> {
    let mut places: Vec<(u16, usize)> =
        (0..2).flat_map(|class| (0..PER_CLASS).map(move |at| (class, at))).collect();
    order.shuffle(&mut places);
    let mut jitter = || NOISE * Distribution::<f64>::sample(&StandardNormal, &mut noise);
    let mut values = Vec::with_capacity(2 * places.len());
    for &(class, at) in &places {
        let (sine, cosine) = (PI * at as f64 / (PER_CLASS - 1) as f64).sin_cos();
        let (x, y) = if class == 0 { (cosine, sine) } else { (1.0 - cosine, 0.5 - sine) };
        let (x, y) = (x + jitter(), y + jitter());
        values.extend([((x + 1.5) / 4.0).clamp(0.0, 1.0), ((y + 1.0) / 2.5).clamp(0.0, 1.0)]);
    }
    Split::from_reals(2, values, places.iter().map(|&(class, _)| class).collect())
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;

    /// Points of one class in units of the radius, mapped back by hand.
    fn points(split: &Split, class: u16) -> Vec<(f64, f64)> {
        let volts: Vec<f64> = split.volts().collect();
        let all = volts.chunks(2).map(|pair| (4.0 * pair[0] - 1.5, 2.5 * pair[1] - 1.0));
        all.zip(split.labels()).filter(|(_, label)| **label == class).map(|(point, _)| point).collect()
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn each_moon_is_a_half_circle_about_its_centre_with_radial_noise_of_a_tenth() {
        for split_seed in [0, 1, 2] {
            let set = load(&Request { split_seed, ..Request::named("two-moons") }).unwrap();
            for split in [&set.train, &set.test] {
                for (class, centre, side) in [(0, (0.0, 0.0), 1.0), (1, (1.0, 0.5), -1.0)] {
                    let points = points(split, class);
                    assert_eq!(points.len(), 500);
                    let radii: Vec<f64> =
                        points.iter().map(|(x, y)| (x - centre.0).hypot(y - centre.1)).collect();
                    let spread: Vec<f64> =
                        radii.iter().map(|radius| (radius - mean(&radii)).powi(2)).collect();
                    // Rice: mean 1 + σ²/2, deviation σ; standard errors σ/√500 = 0.0045 and σ/√1000 = 0.0032,
                    // 4.5 of each.
                    assert!((mean(&radii) - 1.005).abs() < 0.020, "{}", mean(&radii));
                    assert!((mean(&spread).sqrt() - 0.1).abs() < 0.0142, "{}", mean(&spread).sqrt());
                    // The centroid of a half circle is 2/π from its centre.
                    let heights: Vec<f64> = points.iter().map(|(_, y)| side * (y - centre.1)).collect();
                    assert!((mean(&heights) - 2.0 / PI).abs() < 0.022, "{}", mean(&heights));
                }
            }
        }
    }

    #[test]
    fn training_and_test_noise_are_not_the_same() {
        let set = load(&Request::named("two-moons")).unwrap();
        assert_ne!(set.train, set.test);
        assert_ne!(points(&set.train, 0)[0], points(&set.test, 0)[0]);
    }
}
