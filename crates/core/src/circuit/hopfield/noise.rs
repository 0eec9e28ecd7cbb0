//! Noise of the Hopfield circuit at one state, source by source, as it enters the drives.

use super::HopfieldCircuit;
use crate::circuit::alike::Inputs;
use crate::matrix::{Matrix, Real};
use crate::noise::{Colour, NoiseInput};
use crate::spec::NoiseKind;

impl<T: Real> HopfieldCircuit<'_, T> {
    /// See [`Dynamics::noise_inputs`](crate::circuit::Dynamics::noise_inputs).
    pub(super) fn inputs_at(&self, sample: usize, state: &[f64]) -> Vec<NoiseInput> {
        let mut inputs = Inputs::of(&self.chip.noise, self.layout());
        inputs.add_surroundings(&self.weights().forward[0]);
        if let Some(psd) = self.chip.noise.read {
            let powers = self.read_powers(sample, state);
            inputs.add_each(NoiseKind::Read.name(), Colour::White, &|j| (psd / 2.0 * powers[j]).sqrt());
        }
        inputs.all()
    }

    /// Squared voltages over which the read noise of every neuron spreads:
    /// `Σ_j W_ij² s_j² + Σ_j F_ji² s_j²`, and `Σ_j L_ij² s_j²` (V²). A crossbar that is read both ways is
    /// read twice, and white noise of the two readings is independent.
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
                let beside: f64 = self.weights().lateral.as_ref().map_or(0.0, |lateral| {
                    lateral[layer].row(neuron).iter().zip(outputs[layer].iter()).map(square).sum()
                });
                powers.push(heard + back + beside);
            }
        }
        powers
    }
}
