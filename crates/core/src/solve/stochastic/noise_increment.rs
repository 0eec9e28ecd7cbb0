//! Noise increment of a batch over a step: the path's own, and those that depend on the state.

use crate::circuit::{Circuit, Scratch};
use crate::matrix::{Matrix, Real, select_rows};
use crate::noise::NoisePath;

/// The noise of a step, `[batch × width]` (V).
pub(super) struct NoiseIncrement<T: Real> {
    pub path: NoisePath<T>,
    depends: bool,
    /// Sum of everything, where there is more than what is additive.
    sum: Matrix<T>,
    /// The same at the other end of the step.
    other: Matrix<T>,
    /// Share that the first layer's columns get of the drivers' noise, plus compartments first.
    shares: Vec<T>,
    /// Two blocks per layer, `[batch × n]`: powers of read noise, or what fluctuating synapses pass.
    parts: Vec<[Matrix<T>; 2]>,
    /// What every column gets of the two parts of read noise: of what its neuron hears, and of what comes
    /// back.
    readings: Vec<[T; 2]>,
    /// The same of what fluctuating synapses pass, both alike.
    synapses: Vec<[T; 2]>,
}

impl<T: Real> NoiseIncrement<T> {
    /// The noise of a circuit along `path`.
    pub fn new(circuit: &dyn Circuit<T>, path: NoisePath<T>) -> Self {
        let (batch, layout, sources) = (circuit.samples(), circuit.layout(), circuit.noise());
        let depends = sources.read.is_some() || sources.synapse_traps.is_some();
        let width = if depends || sources.input.is_some() { layout.width() } else { 0 };
        let blank = |columns| Matrix::zeros(batch, columns);
        let part = |k| if width > 0 { layout.neurons(k) } else { 0 };
        Self {
            readings: readings(circuit, &path),
            synapses: (0..layout.width()).map(|column| [T::of(path.reach(column)); 2]).collect(),
            depends,
            sum: blank(width),
            other: blank(if depends { width } else { 0 }),
            shares: layout.layer(0).map(|column| T::of(path.share(column))).collect(),
            parts: (0..layout.depth()).map(|k| [blank(part(k)), blank(part(k))]).collect(),
            path,
        }
    }

    /// Returns whether it depends on the state.
    pub fn depends(&self) -> bool {
        self.depends
    }

    /// Noise increment of the step (V).
    pub fn increment(&self) -> &Matrix<T> {
        if self.sum.is_empty() { self.path.additive() } else { &self.sum }
    }

    /// Takes in the noise at the beginning of the step, whose means and differences are in the scratch.
    pub fn at_start(&mut self, circuit: &dyn Circuit<T>, scratch: &mut Scratch<T>) {
        if self.sum.is_empty() {
            return;
        }
        let mut sum = std::mem::replace(&mut self.sum, Matrix::zeros(0, 0));
        sum.copy_from(self.path.additive());
        self.pass_drivers(circuit, &mut sum);
        if self.depends {
            self.other.copy_from(&sum);
            self.add_dependent(circuit, scratch, &mut sum);
        }
        self.sum = sum;
    }

    /// Takes in the noise at the end of the step: from now on it is the mean of both.
    pub fn at_end(&mut self, circuit: &dyn Circuit<T>, scratch: &mut Scratch<T>) {
        if !self.depends {
            return;
        }
        let mut other = std::mem::replace(&mut self.other, Matrix::zeros(0, 0));
        self.add_dependent(circuit, scratch, &mut other);
        self.sum.zip_apply(&other, |one, other| *one = T::of(0.5) * (*one + other));
        self.other = other;
    }

    /// Noise of the input drivers, through the first layer's synapses to both compartments.
    fn pass_drivers(&mut self, circuit: &dyn Circuit<T>, sum: &mut Matrix<T>) {
        let Some(drivers) = self.path.drivers() else { return };
        let weighted_input = &mut self.parts[0][0];
        circuit.weigh_input(drivers, weighted_input);
        let count = circuit.layout().neurons(0);
        for (column, &share) in self.shares.iter().enumerate() {
            sum.column_mut(column).axpy(share, &weighted_input.column(column % count), T::ONE);
        }
    }

    /// Noise of synapses, at the means and differences in the scratch.
    fn add_dependent(&mut self, circuit: &dyn Circuit<T>, scratch: &mut Scratch<T>, sum: &mut Matrix<T>) {
        let layout = circuit.layout();
        if let Some(numbers) = self.path.read() {
            for layer in 0..layout.depth() {
                let [forward, feedback] = &mut self.parts[layer];
                circuit.read_powers(layer, forward, feedback, scratch);
                let columns = layout.plus(layer).zip(layout.minus(layer)).enumerate();
                for (neuron, (plus, minus)) in columns {
                    root_times(&mut forward.column_mut(neuron), &numbers.column(plus));
                    root_times(&mut feedback.column_mut(neuron), &numbers.column(minus));
                }
                self.spread(circuit, layer, &self.readings, sum);
            }
        }
        if let Some(levels) = self.path.synapses() {
            let mut first = 0;
            for layer in 0..layout.depth() {
                let [forward, feedback] = &mut self.parts[layer];
                first = circuit.fluctuate(layer, first, levels, (forward, feedback), scratch);
                self.spread(circuit, layer, &self.synapses, sum);
            }
        }
    }

    /// Adds a layer's two parts to its compartments: both hear the one, and the other with their gains, each
    /// with the `shares` that its own leak makes of them.
    fn spread(&self, circuit: &dyn Circuit<T>, layer: usize, shares: &[[T; 2]], sum: &mut Matrix<T>) {
        let (layout, (up, down)) = (circuit.layout(), circuit.gains(layer));
        let [forward, feedback] = &self.parts[layer];
        for (neuron, (plus, minus)) in layout.plus(layer).zip(layout.minus(layer)).enumerate() {
            for (column, gain) in [(plus, up[neuron]), (minus, -down[neuron])] {
                let (common, split) = (forward.column(neuron), feedback.column(neuron));
                let [weighted_input, returned] = shares[column];
                let out = sum.column_mut(column);
                for ((out, &e), &f) in out.into_iter().zip(common.iter()).zip(split.iter()) {
                    *out += weighted_input * e + gain * (returned * f);
                }
            }
        }
    }

    /// Keeps some of the samples.
    pub fn keep(&mut self, rows: &[usize]) {
        self.path.keep(rows);
        let parts = self.parts.iter_mut().flatten();
        for matrix in parts.chain([&mut self.sum, &mut self.other]) {
            *matrix = select_rows(matrix, rows);
        }
    }
}

/// `power ← √power · z`.
fn root_times<T: Real>(power: &mut nalgebra::DVectorViewMut<'_, T>, numbers: &nalgebra::DVectorView<'_, T>) {
    power.iter_mut().zip(numbers.iter()).for_each(|(power, &z)| *power = power.root() * z);
}

/// What every column gets of its neuron's read noise. What a neuron hears is drawn as its plus compartment
/// takes it in, what comes back as the minus one does.
fn readings<T: Real>(circuit: &dyn Circuit<T>, path: &NoisePath<T>) -> Vec<[T; 2]> {
    let layout = circuit.layout();
    let mut shares = vec![[T::ONE; 2]; layout.width()];
    for layer in 0..layout.depth() {
        for (plus, minus) in layout.plus(layer).zip(layout.minus(layer)) {
            shares[minus][0] = T::of(path.taken_over(plus, minus));
            shares[plus][1] = T::of(path.taken_over(minus, plus));
        }
    }
    shares
}
