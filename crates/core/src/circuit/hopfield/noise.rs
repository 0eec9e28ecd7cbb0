//! Noise of the Hopfield circuit at one state, source by source, as it enters the drives.

use super::HopfieldCircuit;
use crate::matrix::{Matrix, Real};
use crate::noise::{Cause, Colour, NoiseInput};
use crate::spec::NoiseKind;

/// How one source enters the drives: entries (column, value).
type Pattern = Vec<(usize, f64)>;

impl<T: Real> HopfieldCircuit<'_, T> {
    /// See [`Dynamics::noise_inputs`](crate::circuit::Dynamics::noise_inputs).
    pub(super) fn inputs_at(&self, sample: usize, state: &[f64]) -> Vec<NoiseInput> {
        let noise = &self.chip.noise;
        let each = |size: &dyn Fn(usize) -> f64| -> Vec<Pattern> {
            (0..state.len()).map(|j| vec![(j, size(j))]).filter(|pattern| pattern[0].1 != 0.0).collect()
        };
        let mut found = Vec::new();
        let mut add = |cause: Cause, colour, patterns: Vec<Pattern>| {
            if !patterns.is_empty() {
                found.push(NoiseInput { cause, colour, columns: patterns });
            }
        };
        if !noise.white.is_empty() {
            // Thermal and shot noise, which a sum of powers no longer tells apart.
            add("white", Colour::White, each(&|j| (noise.white[j] / 2.0).sqrt()));
        }
        for pole in &noise.poles {
            add(NoiseKind::Flicker.name(), Colour::Pole(pole.rate), each(&|j| pole.variance[j].sqrt()));
        }
        if let Some(supply) = &noise.supply {
            let deviation = supply.variance.sqrt();
            let all = (0..state.len()).map(|j| (j, deviation)).collect();
            add(NoiseKind::Supply.name(), Colour::Pole(supply.rate), vec![all]);
        }
        if let Some(input) = &noise.input {
            add(NoiseKind::Input.name(), Colour::Pole(input.rate), self.drivers(input.variance.sqrt()));
        }
        if let Some(psd) = noise.read {
            let powers = self.read_powers(sample, state);
            add(NoiseKind::Read.name(), Colour::White, each(&|j| (psd / 2.0 * powers[j]).sqrt()));
        }
        found
    }

    /// Patterns of the input drivers: each is heard by the first layer through its column of `W_1`.
    fn drivers(&self, deviation: f64) -> Vec<Pattern> {
        let (first, start) = (&self.weights().forward[0], self.layout().layer(0).start);
        let heard = |driver: usize| {
            let weights = first.column(driver);
            weights.iter().enumerate().map(|(j, w)| (start + j, deviation * w.to_f64())).collect()
        };
        (0..first.ncols()).map(heard).collect()
    }

    /// Squared voltages over which the read noise of every neuron spreads: `Σ_j W_ij² s_j² + Σ_j F_ji² s_j²`
    /// (V²). A crossbar that is read both ways is read twice, and white noise of the two readings is
    /// independent.
    fn read_powers(&self, sample: usize, state: &[f64]) -> Vec<f64> {
        let one = self.subset(&[sample]);
        let state = Matrix::from_fn(1, state.len(), |_, j| T::of(state[j]));
        let outputs = one.outputs(&state);
        let mut powers = Vec::with_capacity(state.ncols());
        for (layer, forward) in self.weights().forward.iter().enumerate() {
            let below = if layer == 0 { &one.input } else { &outputs[layer - 1] };
            for (neuron, row) in forward.row_iter().enumerate() {
                let square = |(w, s): (&T, &T)| (w.to_f64() * s.to_f64()).powi(2);
                let heard: f64 = row.iter().zip(below.iter()).map(square).sum();
                let back = outputs.get(layer + 1).map_or(0.0, |above| {
                    let column = self.weights().feedback(layer + 1).column(neuron);
                    column.iter().zip(above.iter()).map(square).sum()
                });
                powers.push(heard + back);
            }
        }
        powers
    }
}
