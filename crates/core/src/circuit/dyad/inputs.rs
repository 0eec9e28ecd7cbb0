//! Noise of the dyadic circuit at one state, source by source, as it enters the drives.

use super::DyadCircuit;
use crate::circuit::alike::{Inputs, Pattern};
use crate::circuit::{Circuit, Dynamics, Layered, Scratch};
use crate::matrix::{Matrix, Real};
use crate::noise::{Colour, NoiseInput};
use crate::spec::NoiseKind;

impl<T: Real> DyadCircuit<'_, T> {
    /// See [`Dynamics::noise_inputs`].
    pub(super) fn inputs_at(&self, sample: usize, state: &[f64]) -> Vec<NoiseInput> {
        let one = self.subset(&[sample]);
        let state = Matrix::from_fn(1, state.len(), |_, j| T::of(state[j]));
        let mut scratch = one.scratch(1);
        for layer in 0..one.layout().depth() {
            one.mean_and_difference(layer, &state, &mut scratch);
        }
        one.inputs(&mut scratch)
    }

    /// Inputs of the only sample at the state whose means and differences are in the scratch.
    fn inputs(&self, scratch: &mut Scratch<T>) -> Vec<NoiseInput> {
        let noise = self.noise();
        let mut inputs = Inputs::of(noise, self.layout());
        if let Some(traps) = &noise.traps {
            let deviation = traps.trap.process(1.0).variance.sqrt();
            let colour = Colour::Pole(traps.trap.rate());
            inputs.add_each(NoiseKind::Telegraph.name(), colour, &|j| traps.amplitude[j] * deviation);
        }
        if let Some(traps) = noise.synapse_traps {
            let process = traps.trap.process(traps.amplitude);
            let patterns = self.synapses(process.variance.sqrt(), scratch);
            inputs.add(NoiseKind::SynapseTelegraph.name(), Colour::Pole(process.rate), patterns);
        }
        if let Some(psd) = noise.read {
            let patterns = self.readings((psd / 2.0).sqrt(), scratch);
            inputs.add(NoiseKind::Read.name(), Colour::White, patterns);
        }
        inputs.add_surroundings(&self.weights.forward[0]);
        inputs.all()
    }

    /// Patterns of read noise: what a neuron hears reaches both its compartments alike, what comes back with
    /// their gains. The two are taken as independent: they are different readings of a conductance that is
    /// white.
    fn readings(&self, size: f64, scratch: &mut Scratch<T>) -> Vec<Pattern> {
        let layout = self.layout();
        let mut patterns = Vec::new();
        for layer in 0..layout.depth() {
            let n = layout.neurons(layer);
            let (mut forward, mut feedback) = (Matrix::zeros(1, n), Matrix::zeros(1, n));
            self.read_powers(layer, &mut forward, &mut feedback, scratch);
            for j in 0..n {
                patterns.push(self.input_pattern(layer, j, size * forward[j].to_f64().sqrt()));
                patterns.push(self.feedback_pattern(layer, j, size * feedback[j].to_f64().sqrt()));
            }
        }
        patterns.retain(|pattern| pattern.iter().any(|entry| entry.1 != 0.0));
        patterns
    }

    /// Patterns of synapses, each of which changes what the neuron above hears and, where one crossbar is
    /// read both ways, what comes back to the neuron below; feedback synapses of their own have patterns of
    /// their own.
    fn synapses(&self, deviation: f64, scratch: &Scratch<T>) -> Vec<Pattern> {
        let layout = self.layout();
        let mut patterns = Vec::new();
        for layer in 0..layout.depth() {
            let below = if layer == 0 { self.input.as_ref() } else { Some(scratch.mean(layer - 1)) };
            let error = scratch.difference(layer);
            let (forward, feedback) = (&self.weights.forward[layer], self.weights.feedback(layer));
            for (i, input) in below.into_iter().flatten().enumerate() {
                for j in 0..layout.neurons(layer) {
                    let weighted_input = deviation * forward[(j, i)].to_f64() * input.to_f64();
                    let mut up = self.input_pattern(layer, j, weighted_input);
                    let back = |down: f64| {
                        if layer == 0 {
                            vec![]
                        } else {
                            self.feedback_pattern(layer - 1, i, deviation * down * error[j].to_f64())
                        }
                    };
                    let down = back(feedback[(j, i)].to_f64());
                    if self.weights.feedback.is_none() {
                        up.extend(down);
                    } else if !down.is_empty() {
                        patterns.push(down);
                    }
                    patterns.push(up);
                }
            }
        }
        patterns.retain(|pattern| pattern.iter().any(|entry| entry.1 != 0.0));
        patterns
    }

    /// A deviation (V) of what one neuron hears.
    fn input_pattern(&self, layer: usize, neuron: usize, size: f64) -> Pattern {
        let (plus, minus) = (self.layout().plus(layer).start, self.layout().minus(layer).start);
        vec![(plus + neuron, size), (minus + neuron, size)]
    }

    /// A deviation (V) of what comes back to one neuron.
    fn feedback_pattern(&self, layer: usize, neuron: usize, size: f64) -> Pattern {
        let (plus, minus) = (self.layout().plus(layer).start, self.layout().minus(layer).start);
        let (up, down) = self.gains(layer);
        vec![(plus + neuron, size * up[neuron].to_f64()), (minus + neuron, -size * down[neuron].to_f64())]
    }
}
