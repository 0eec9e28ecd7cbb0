//! One sample of a circuit at a fixed point, as a linear system: its drift, its disturbances and what is read of it.

use nalgebra::DVector;

use super::system::{Cause, Colour, Disturbance, System};
use crate::chip::Weights;
use crate::circuit::{Circuit, Scratch};
use crate::matrix::{Matrix, select_rows};
use crate::solve::drive_jacobian;

/// One sample at its operating point.
pub struct Point<'a> {
    circuit: Box<dyn Circuit<f64> + 'a>,
    weights: &'a Weights<f64>,
    /// Inputs `x` (V).
    input: Vec<f64>,
    /// Potentials, `[1 × width]` (V).
    state: Matrix<f64>,
    /// Slopes `f'` of the activation devices.
    slopes: Vec<f64>,
    scratch: Scratch<f64>,
}

impl<'a> Point<'a> {
    /// Sample `sample` of a circuit on `inputs` (`[batch × n_0]`, V) at `state` (`width` potentials, V), a fixed point.
    #[must_use]
    pub fn new(
        circuit: &'a dyn Circuit<f64>,
        weights: &'a Weights<f64>,
        inputs: &Matrix<f64>,
        sample: usize,
        state: &[f64],
    ) -> Self {
        let circuit = circuit.subset(&[sample]);
        let layout = circuit.layout();
        let state = Matrix::from_row_slice(1, state.len(), state);
        let (mut slopes, mut scratch) = (state.clone(), Scratch::new(layout, 1));
        circuit.slopes(&state, &mut slopes);
        for layer in 0..layout.depth() {
            circuit.mix(layer, &state, &mut scratch);
        }
        let input = select_rows(inputs, &[sample]).as_slice().to_vec();
        Self { weights, input, state, slopes: slopes.as_slice().to_vec(), scratch, circuit }
    }

    /// The circuit with this sample alone.
    #[must_use]
    pub fn circuit(&self) -> &dyn Circuit<f64> {
        self.circuit.as_ref()
    }

    /// The whole linear system, its matrix written out.
    #[must_use]
    pub fn system(&self) -> System {
        let width = self.state.len();
        let mut drift = drive_jacobian(self.circuit(), 0, self.state.as_slice());
        drift -= Matrix::identity(width, width);
        for (mut row, &rate) in drift.row_iter_mut().zip(self.circuit.rates()) {
            row *= rate;
        }
        System { drift, disturbances: self.disturbances() }
    }

    /// `Aᵀ y`, without the matrix.
    #[must_use]
    pub fn adjoint(&self, dual: &DVector<f64>) -> DVector<f64> {
        let scaled = DVector::from_fn(dual.len(), |j, _| dual[j] * self.circuit.rates()[j]);
        let direction = Matrix::from_row_slice(1, scaled.len(), scaled.as_slice());
        let mut image = direction.clone();
        let mut scratch = Scratch::new(self.circuit.layout(), 1);
        self.circuit.adjoint(&self.state, &direction, &mut image, &mut scratch);
        DVector::from_column_slice(image.as_slice()) - scaled
    }

    /// Compartments at a rail, where the circuit is not linear however small the noise.
    #[must_use]
    pub fn at_rails(&self) -> usize {
        let at = |(low, high): (f64, f64)| self.state.iter().filter(|&&v| v <= low || v >= high).count();
        self.circuit.supply().map_or(0, at)
    }

    /// Potentials (V).
    #[must_use]
    pub fn state(&self) -> &[f64] {
        self.state.as_slice()
    }

    /// What layer `layer` multiplies its error with: the means of the layer below, or the inputs (V).
    #[must_use]
    pub fn below(&self, layer: usize) -> Vec<f64> {
        if layer == 0 { self.input.clone() } else { self.scratch.mean(layer - 1).as_slice().to_vec() }
    }

    /// Means `s̄` of a layer (V).
    #[must_use]
    pub fn mean(&self, layer: usize) -> &[f64] {
        self.scratch.mean(layer).as_slice()
    }

    /// Differences `δ` of a layer (V).
    #[must_use]
    pub fn difference(&self, layer: usize) -> &[f64] {
        self.scratch.difference(layer).as_slice()
    }

    /// The derivative of `s̄` of a layer, `[n × width]`: a read-out of the linear system.
    #[must_use]
    pub fn reads_mean(&self, layer: usize) -> Matrix<f64> {
        let mixing = self.circuit.mixing(layer);
        self.reads(layer, |j| (mixing[j], 1.0 - mixing[j]))
    }

    /// The derivative of `δ` of a layer, `[n × width]`.
    #[must_use]
    pub fn reads_difference(&self, layer: usize) -> Matrix<f64> {
        self.reads(layer, |_| (1.0, -1.0))
    }

    fn reads(&self, layer: usize, parts: impl Fn(usize) -> (f64, f64)) -> Matrix<f64> {
        let layout = self.circuit.layout();
        let n = layout.neurons(layer);
        let mut out = Matrix::zeros(n, layout.width());
        for (j, (plus, minus)) in layout.plus(layer).zip(layout.minus(layer)).enumerate() {
            let (up, down) = parts(j);
            (out[(j, plus)], out[(j, minus)]) = (up * self.slopes[plus], down * self.slopes[minus]);
        }
        out
    }

    /// Everything that disturbs the circuit, linear in each: `dv_j/dt` gets `n_j/τ_j` of a noise `n_j` of its drive.
    #[must_use]
    pub fn disturbances(&self) -> Vec<Disturbance> {
        let noise = self.circuit.noise();
        let rates = self.circuit.rates();
        let each = |size: &dyn Fn(usize) -> f64| -> Vec<Vec<(usize, f64)>> {
            (0..rates.len()).map(|j| vec![(j, size(j) * rates[j])]).filter(|p| p[0].1 != 0.0).collect()
        };
        let mut found = Vec::new();
        let mut add = |cause: Cause, colour, patterns: Vec<Vec<(usize, f64)>>| {
            if !patterns.is_empty() {
                found.push(Disturbance { cause, colour, patterns });
            }
        };
        if !noise.white.is_empty() {
            add("white", Colour::White, each(&|j| (noise.white[j] / 2.0).sqrt()));
        }
        for pole in &noise.poles {
            add("flicker", Colour::Pole(pole.rate), each(&|j| pole.variance[j].sqrt()));
        }
        if let Some(traps) = &noise.traps {
            let deviation = traps.trap.process(1.0).variance.sqrt();
            add("telegraph", Colour::Pole(traps.trap.rate()), each(&|j| traps.amplitude[j] * deviation));
        }
        if let Some(traps) = noise.synapse_traps {
            let process = traps.trap.process(traps.amplitude);
            add("synapse_telegraph", Colour::Pole(process.rate), self.synapses(process.variance.sqrt()));
        }
        if let Some(psd) = noise.read {
            add("read", Colour::White, self.readings((psd / 2.0).sqrt()));
        }
        if let Some(supply) = &noise.supply {
            let deviation = supply.variance.sqrt();
            let all = rates.iter().enumerate().map(|(j, rate)| (j, deviation * rate)).collect();
            add("supply", Colour::Pole(supply.rate), vec![all]);
        }
        if let Some(input) = &noise.input {
            add("input", Colour::Pole(input.rate), self.drivers(input.variance.sqrt()));
        }
        found
    }

    /// Patterns of the input drivers: each is heard by the first layer through its column of `W_1`.
    fn drivers(&self, deviation: f64) -> Vec<Vec<(usize, f64)>> {
        let (layout, rates) = (self.circuit.layout(), self.circuit.rates());
        let pattern = |column: usize| {
            let sides = layout.plus(0).zip(layout.minus(0)).enumerate();
            sides
                .flat_map(|(j, (plus, minus))| {
                    let heard = deviation * self.weights.forward[0][(j, column)];
                    [(plus, heard * rates[plus]), (minus, heard * rates[minus])]
                })
                .collect()
        };
        (0..layout.inputs()).map(pattern).collect()
    }

    /// Patterns of read noise: what a neuron hears reaches both its compartments alike, what comes back with their gains.
    /// The two are taken as independent: they are different readings of a conductance that is white.
    fn readings(&self, size: f64) -> Vec<Vec<(usize, f64)>> {
        let layout = self.circuit.layout();
        let mut scratch = self.scratch.clone();
        let mut patterns = Vec::new();
        for layer in 0..layout.depth() {
            let n = layout.neurons(layer);
            let (mut forward, mut feedback) = (Matrix::zeros(1, n), Matrix::zeros(1, n));
            self.circuit.read_powers(layer, &mut forward, &mut feedback, &mut scratch);
            for j in 0..n {
                patterns.push(self.heard(layer, j, size * forward[j].sqrt()));
                patterns.push(self.returned(layer, j, size * feedback[j].sqrt()));
            }
        }
        patterns.retain(|pattern| pattern.iter().any(|entry| entry.1 != 0.0));
        patterns
    }

    /// Patterns of synapses, each of which changes what the neuron above hears and, where one crossbar is read both
    /// ways, what comes back to the neuron below; feedback synapses of their own have patterns of their own.
    fn synapses(&self, deviation: f64) -> Vec<Vec<(usize, f64)>> {
        let layout = self.circuit.layout();
        let mut patterns = Vec::new();
        for layer in 0..layout.depth() {
            let (below, error) = (self.below(layer), self.difference(layer));
            let (forward, feedback) = (&self.weights.forward[layer], self.weights.feedback(layer));
            for (i, input) in below.iter().enumerate() {
                for j in 0..layout.neurons(layer) {
                    let mut up = self.heard(layer, j, deviation * forward[(j, i)] * input);
                    let back = |down: f64| {
                        if layer == 0 {
                            vec![]
                        } else {
                            self.returned(layer - 1, i, deviation * down * error[j])
                        }
                    };
                    let down = back(feedback[(j, i)]);
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
    fn heard(&self, layer: usize, neuron: usize, size: f64) -> Vec<(usize, f64)> {
        let (layout, rates) = (self.circuit.layout(), self.circuit.rates());
        let (plus, minus) = (layout.plus(layer).start + neuron, layout.minus(layer).start + neuron);
        vec![(plus, size * rates[plus]), (minus, size * rates[minus])]
    }

    /// A deviation (V) of what comes back to one neuron.
    fn returned(&self, layer: usize, neuron: usize, size: f64) -> Vec<(usize, f64)> {
        let (layout, rates) = (self.circuit.layout(), self.circuit.rates());
        let (plus, minus) = (layout.plus(layer).start + neuron, layout.minus(layer).start + neuron);
        let (up, down) = self.circuit.gains(layer);
        vec![(plus, size * up[neuron] * rates[plus]), (minus, -size * down[neuron] * rates[minus])]
    }

    /// Deviation (V) that a sample-and-hold adds to every compartment that is read.
    #[must_use]
    pub fn held(&self) -> f64 {
        self.circuit.noise().sampled.unwrap_or(0.0)
    }
}
