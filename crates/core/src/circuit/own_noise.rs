//! Noise that every compartment has of its own, as it enters the drives.

use crate::noise::{Cause, Colour, NoiseInput, Sources};
use crate::spec::NoiseKind;

/// White and flicker noise of `width` compartments, each independent.
pub(super) fn of_compartments(noise: &Sources, width: usize) -> Vec<NoiseInput> {
    let each = |size: &dyn Fn(usize) -> f64| -> Vec<Vec<(usize, f64)>> {
        (0..width).map(|j| vec![(j, size(j))]).collect()
    };
    let mut found = Vec::new();
    let mut add = |cause: Cause, colour, columns| found.push(NoiseInput { cause, colour, columns });
    if !noise.white.is_empty() {
        // Thermal and shot noise, which a sum of powers no longer tells apart.
        add("white", Colour::White, each(&|j| (noise.white[j] / 2.0).sqrt()));
    }
    for pole in &noise.poles {
        add(NoiseKind::Flicker.name(), Colour::Pole(pole.rate), each(&|j| pole.variance[j].sqrt()));
    }
    found
}
