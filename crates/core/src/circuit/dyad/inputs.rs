//! Noise of the dyadic circuit at one state, source by source, as it enters the drives.

use super::DyadCircuit;
use crate::circuit::{Circuit, Dynamics, Layered, Scratch};
use crate::matrix::{Matrix, Real};
use crate::noise::{Cause, Colour, NoiseInput};
use crate::spec::NoiseKind;

/// How one source enters the drives: entries (column, value).
type Pattern = Vec<(usize, f64)>;

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
        let each = |size: &dyn Fn(usize) -> f64| -> Vec<Pattern> {
            (0..self.width()).map(|j| vec![(j, size(j))]).filter(|pattern| pattern[0].1 != 0.0).collect()
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
        if let Some(traps) = &noise.traps {
            let deviation = traps.trap.process(1.0).variance.sqrt();
            add(
                NoiseKind::Telegraph.name(),
                Colour::Pole(traps.trap.rate()),
                each(&|j| traps.amplitude[j] * deviation),
            );
        }
        if let Some(traps) = noise.synapse_traps {
            let process = traps.trap.process(traps.amplitude);
            let patterns = self.synapses(process.variance.sqrt(), scratch);
            add(NoiseKind::SynapseTelegraph.name(), Colour::Pole(process.rate), patterns);
        }
        if let Some(psd) = noise.read {
            add(NoiseKind::Read.name(), Colour::White, self.readings((psd / 2.0).sqrt(), scratch));
        }
        if let Some(supply) = &noise.supply {
            let deviation = supply.variance.sqrt();
            let all = (0..self.width()).map(|j| (j, deviation)).collect();
            add(NoiseKind::Supply.name(), Colour::Pole(supply.rate), vec![all]);
        }
        if let Some(input) = &noise.input {
            add(NoiseKind::Input.name(), Colour::Pole(input.rate), self.drivers(input.variance.sqrt()));
        }
        found
    }

    /// Patterns of the input drivers: each is heard by the first layer through its column of `W_1`.
    fn drivers(&self, deviation: f64) -> Vec<Pattern> {
        let layout = self.layout();
        let pattern = |column: usize| {
            let sides = layout.plus(0).zip(layout.minus(0)).enumerate();
            sides
                .flat_map(|(j, (plus, minus))| {
                    let weighted_input = deviation * self.weights.forward[0][(j, column)].to_f64();
                    [(plus, weighted_input), (minus, weighted_input)]
                })
                .collect()
        };
        (0..layout.inputs()).map(pattern).collect()
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
