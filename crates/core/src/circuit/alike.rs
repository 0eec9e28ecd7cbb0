//! Noise that circuits of all kinds have alike: of single compartments, of the supply and of the input
//! drivers.
//!
//! Sources keep the order in which a circuit adds them: it is part of their names.

use crate::chip::Layout;
use crate::matrix::{Matrix, Real};
use crate::noise::{Cause, Colour, NoiseInput, Sources};
use crate::spec::NoiseKind;

/// How one source enters the drives: entries (column, value).
pub(super) type Pattern = Vec<(usize, f64)>;

/// Noise of a circuit at one state, source by source.
pub(super) struct Inputs<'a> {
    noise: &'a Sources,
    layout: &'a Layout,
    found: Vec<NoiseInput>,
}

impl<'a> Inputs<'a> {
    /// White and flicker noise of the compartments.
    pub fn of(noise: &'a Sources, layout: &'a Layout) -> Self {
        let mut inputs = Self { noise, layout, found: Vec::new() };
        if !noise.white.is_empty() {
            // Thermal and shot noise, which a sum of powers no longer tells apart.
            inputs.add_each("white", Colour::White, &|j| (noise.white[j] / 2.0).sqrt());
        }
        for pole in &noise.poles {
            let colour = Colour::Pole(pole.rate);
            inputs.add_each(NoiseKind::Flicker.name(), colour, &|j| pole.variance[j].sqrt());
        }
        inputs
    }

    /// Adds a source, if it moves anything.
    pub fn add(&mut self, cause: Cause, colour: Colour, columns: Vec<Pattern>) {
        if !columns.is_empty() {
            self.found.push(NoiseInput { cause, colour, columns });
        }
    }

    /// Adds a source of its own to every compartment, of the size that is told for its column.
    pub fn add_each(&mut self, cause: Cause, colour: Colour, size: &dyn Fn(usize) -> f64) {
        let patterns = (0..self.layout.width()).map(|j| vec![(j, size(j))]);
        self.add(cause, colour, patterns.filter(|pattern| pattern[0].1 != 0.0).collect());
    }

    /// Adds the supply, which all compartments hear alike, and the input drivers: each is heard by the first
    /// layer through its column of `W_1`.
    pub fn add_surroundings<T: Real>(&mut self, first: &Matrix<T>) {
        if let Some(supply) = &self.noise.supply {
            let deviation = supply.variance.sqrt();
            let all = (0..self.layout.width()).map(|j| (j, deviation)).collect();
            self.add(NoiseKind::Supply.name(), Colour::Pole(supply.rate), vec![all]);
        }
        if let Some(input) = &self.noise.input {
            let patterns = self.drivers(first, input.variance.sqrt());
            self.add(NoiseKind::Input.name(), Colour::Pole(input.rate), patterns);
        }
    }

    fn drivers<T: Real>(&self, first: &Matrix<T>, deviation: f64) -> Vec<Pattern> {
        let (plus, minus) = (self.layout.plus(0), self.layout.minus(0));
        let heard = |(neuron, w): (usize, &T)| {
            let size = deviation * w.to_f64();
            let other = (!minus.is_empty()).then_some((minus.start + neuron, size));
            std::iter::once((plus.start + neuron, size)).chain(other)
        };
        first.column_iter().map(|weights| weights.iter().enumerate().flat_map(heard).collect()).collect()
    }

    /// All of them.
    pub fn all(self) -> Vec<NoiseInput> {
        self.found
    }
}
