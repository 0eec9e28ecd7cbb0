//! Predictive coding (docs/equilibrium.md): every neuron has an activity and the error of its prediction.
//!
//! With `h_k = W_k x_{k−1} + b_k`, `x_0` the input, and the error `ε_k = x_k − f(h_k)`:
//!
//! `τ dx_k/dt = −ε_k + W_{k+1}ᵀ (f′(h_{k+1}) ⊙ ε_{k+1})`, at the output `τ dx_L/dt = −ε_L − β ∇ℓ(x_L)`.
//!
//! The slope belongs to the layer whose error comes down, and stands before the synapses: so the right-hand
//! sides are `−∂E/∂x_k` of `E = ½ Σ_k ‖ε_k‖² + β ℓ(x_L)` exactly, `E` never rises along a trajectory, and
//! every equilibrium is a stationary point of it. Without a nudge the only one with `E = 0` is the state that
//! is fed forward.
//!
//! Activities are the states, each on a capacitor of its own; error nodes are taken to follow at once, and
//! have neither capacitance nor noise. Of the drives `u = x − τ ∂E/∂x` the Jacobian is `1 − ∂²E/∂x²`, which
//! is symmetric: it is its own adjoint.

use std::borrow::Cow;
use std::ops::Range;

use super::alike::Inputs;
use super::coupling::Coupling;
use super::dyad::{columns, columns_mut};
use super::limited_drive::Limits;
use super::nudge::Nudge;
use super::{Dynamics, Said, Scratch, Wired};
use crate::chip::{Chip, Weights};
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real, select_rows};
use crate::noise::{NoiseInput, SampleIds};
use crate::spec::{CircuitKind, LossKind, NudgePoint};

/// A batch of predictive coding networks on one chip: inputs, and a nudge if it is switched on.
#[derive(Clone, Debug)]
pub struct PredictiveCircuit<'a, T: Real> {
    chip: &'a Chip<T>,
    coupling: Coupling<'a, T>,
    /// `W_1 x + b_1`, `[batch × n_1]` (V).
    heard: Matrix<T>,
    nudge: Option<Nudge<T>>,
    /// Outputs at which nudge `free` takes the loss gradient, `[batch × n_L]` (V).
    held_output: Option<Matrix<T>>,
    sample_ids: SampleIds,
}

/// What the neurons make of a state, `[batch × width]` each.
struct Predicted<T: Real> {
    /// Predictions `f(h)` (V).
    predictions: Matrix<T>,
    /// Slopes `f′(h)`.
    slopes: Matrix<T>,
    /// Errors `ε` (V).
    errors: Matrix<T>,
}

impl<'a, T: Real> PredictiveCircuit<'a, T> {
    /// The free circuit on inputs `[batch × n_0]` (V).
    ///
    /// # Panics
    ///
    /// If the chip is not one of predictive coding.
    #[must_use]
    pub fn free(chip: &'a Chip<T>, weights: &'a Weights<T>, input: &Matrix<T>) -> Self {
        assert!(chip.layout.kind() == CircuitKind::PredictiveCoding, "a chip of predictive coding");
        let coupling = Coupling::new(chip.effective_weights(weights));
        let heard = coupling.hear(input);
        let sample_ids = SampleIds::first(input.nrows());
        Self { chip, coupling, heard, nudge: None, held_output: None, sample_ids }
    }

    /// Sets the numbers of the samples, which name their noise; the default is `SampleIds::first`.
    #[must_use]
    pub fn with_sample_ids(self, sample_ids: SampleIds) -> Self {
        Self { sample_ids, ..self }
    }

    /// Switches a nudge on: `−β ∇ℓ` into the outputs, at their own activities or, of nudge `free`, at those
    /// of the free circuit; a `β` of 0 leaves it off.
    #[must_use]
    pub fn nudged(self, nudge: Nudge<T>) -> Self {
        let held = (nudge.at == NudgePoint::Free).then(|| self.activities(&self.free_state()).pop());
        let nudge = (nudge.beta != 0.0).then_some(nudge);
        Self { nudge, held_output: held.flatten(), ..self }
    }

    /// Activities `x_k` of every layer, `[batch × n_k]` each (V).
    #[must_use]
    pub fn activities(&self, state: &Matrix<T>) -> Vec<Matrix<T>> {
        self.each(state)
    }

    /// `f′(h_k) ⊙ ε_k` of every layer, `[batch × n_k]` each (V): what a synapse learns from.
    #[must_use]
    pub fn passed_errors(&self, state: &Matrix<T>) -> Vec<Matrix<T>> {
        let Predicted { slopes, errors, .. } = self.predict(state);
        self.each(&errors.component_mul(&slopes))
    }

    /// The energy `½ Σ_k ‖ε_k‖² + β ℓ(x_L)` of every sample (V²); of nudge `free` `β ∇ℓ·x_L` in the place of
    /// the last.
    #[must_use]
    pub fn energies(&self, state: &Matrix<T>) -> Vec<f64> {
        let errors = self.predict(state).errors;
        let outputs = self.coupling.of(self.top(), state);
        let loss = |nudge: &Nudge<T>, sample: usize| {
            let row = |matrix: &Matrix<T>| matrix.row(sample).iter().map(|v| v.to_f64()).collect::<Vec<_>>();
            let own: Vec<f64> = outputs.row(sample).iter().map(|v| v.to_f64()).collect();
            let unit = match nudge.loss.kind {
                LossKind::Mse => 1.0,
                LossKind::CrossEntropy => nudge.loss.reference.to_f64().powi(2),
            };
            match &self.held_output {
                None => unit * nudge.loss.value(&own, &row(&nudge.target)),
                Some(_) => row(&self.pull(nudge, state)).iter().zip(&own).map(|(g, x)| g * x).sum(),
            }
        };
        let energy = |sample: usize| {
            let squares = errors.row(sample).iter().map(|e| e.to_f64().powi(2)).sum::<f64>();
            0.5 * squares + self.nudge.as_ref().map_or(0.0, |nudge| nudge.beta * loss(nudge, sample))
        };
        (0..state.nrows()).map(energy).collect()
    }

    /// Returns the same circuits for some of the samples, which may be named several times.
    #[must_use]
    pub fn subset(&self, samples: &[usize]) -> PredictiveCircuit<'_, T> {
        let some = |matrix: &Matrix<T>| select_rows(matrix, samples);
        let nudge = self.nudge.as_ref();
        PredictiveCircuit {
            chip: self.chip,
            coupling: self.coupling.borrowed(),
            heard: some(&self.heard),
            nudge: nudge.map(|n| Nudge { target: some(&n.target), ..n.clone() }),
            held_output: self.held_output.as_ref().map(some),
            sample_ids: self.sample_ids.subset(samples),
        }
    }

    fn top(&self) -> usize {
        self.chip.layout.depth() - 1
    }

    /// The columns of every layer.
    fn each(&self, all: &Matrix<T>) -> Vec<Matrix<T>> {
        (0..=self.top()).map(|layer| self.coupling.of(layer, all).into_owned()).collect()
    }

    fn blank(&self) -> Matrix<T> {
        Matrix::zeros(self.samples(), self.width())
    }

    fn limits(&self) -> Limits<'_, T> {
        Limits { periphery: &self.chip.periphery, rates: &self.chip.rates, supply: None }
    }

    /// Adds `W_k x_{k−1}` of the layers above the first.
    fn feed(&self, state: &Matrix<T>, sums: &mut Matrix<T>) {
        for layer in 1..=self.top() {
            let (below, forward) = (self.coupling.of(layer - 1, state), self.coupling.weights());
            let forward = forward.forward[layer].as_view();
            product::forward(self.coupling.of_mut(layer, sums), Onto::Sum, below, forward);
        }
    }

    /// Adds `W_{k+1}ᵀ e_{k+1}` to the layers below the outputs.
    fn return_errors(&self, errors: &Matrix<T>, sums: &mut Matrix<T>) {
        for layer in 1..=self.top() {
            let (above, forward) = (self.coupling.of(layer, errors), self.coupling.weights());
            let forward = forward.forward[layer].as_view();
            product::backward(self.coupling.of_mut(layer - 1, sums), Onto::Sum, above, forward);
        }
    }

    /// Calls `each` for every run of neurons with equal devices: with its layer, its first neuron, and the
    /// columns.
    fn for_devices(&self, mut each: impl FnMut(usize, usize, Range<usize>)) {
        for (layer, devices) in self.chip.layers.iter().enumerate() {
            let (start, mut neuron) = (self.coupling.range(layer).start, 0);
            for run in devices.offset_plus.chunk_by(|a, b| a == b) {
                each(layer, neuron, start + neuron..start + neuron + run.len());
                neuron += run.len();
            }
        }
    }

    /// Predictions `f(h)` and slopes `f′(h)` of sums `h`.
    fn activate(&self, sums: &Matrix<T>, predictions: &mut Matrix<T>, slopes: &mut Matrix<T>) {
        let batch = sums.nrows();
        self.for_devices(|layer, neuron, range| {
            let devices = &self.chip.layers[layer];
            let (own, from) = (devices.offset_plus[neuron], columns(sums, batch, range.clone()));
            devices.activation.apply_offset(own, from, columns_mut(predictions, batch, range.clone()));
            devices.activation.derivative_offset(own, from, columns_mut(slopes, batch, range));
        });
    }

    fn predict(&self, state: &Matrix<T>) -> Predicted<T> {
        let mut sums = self.blank();
        self.coupling.fill(&self.heard, &mut sums);
        self.feed(state, &mut sums);
        let (mut predictions, mut slopes) = (self.blank(), self.blank());
        self.activate(&sums, &mut predictions, &mut slopes);
        let errors = state - &predictions;
        Predicted { predictions, slopes, errors }
    }

    /// `∇ℓ` where the nudge takes it, `[batch × n_L]`.
    fn pull(&self, nudge: &Nudge<T>, state: &Matrix<T>) -> Matrix<T> {
        let (batch, outputs) = (state.nrows(), self.coupling.range(self.top()));
        let own = columns(state, batch, outputs);
        let at = self.held_output.as_ref().map_or(own, |held| held.as_slice());
        let mut slopes = Matrix::zeros(batch, self.chip.layout.outputs());
        nudge.loss.gradient(batch, at, nudge.target.as_slice(), slopes.as_mut_slice());
        slopes
    }

    /// Adds `−β` times something of the outputs to the drives.
    fn add_to_outputs(&self, beta: f64, what: &Matrix<T>, drive: &mut Matrix<T>) {
        let scale = T::of(-beta);
        self.coupling.of_mut(self.top(), drive).zip_apply(what, |u, g| *u += scale * g);
    }
}

impl<T: Real> Dynamics<T> for PredictiveCircuit<'_, T> {
    fn width(&self) -> usize {
        self.chip.layout.width()
    }

    fn samples(&self) -> usize {
        self.heard.nrows()
    }

    fn rates(&self) -> &[T] {
        &self.chip.rates
    }

    fn drive(&self, state: &Matrix<T>, drive: &mut Matrix<T>, _scratch: &mut Scratch<T>) {
        let Predicted { predictions, slopes, errors } = self.predict(state);
        drive.copy_from(&predictions);
        self.return_errors(&errors.component_mul(&slopes), drive);
        if let Some(nudge) = &self.nudge {
            self.add_to_outputs(nudge.beta, &self.pull(nudge, state), drive);
        }
    }

    /// `du_k = f′ dh_k + W_{k+1}ᵀ (f″ ε dh + f′ (dx − f′ dh))_{k+1}`.
    fn tangent(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        _scratch: &mut Scratch<T>,
    ) {
        let Predicted { predictions, slopes, errors } = self.predict(state);
        let (mut moved, mut curvatures) = (self.blank(), self.blank());
        self.feed(direction, &mut moved);
        let batch = state.nrows();
        self.for_devices(|layer, neuron, range| {
            let devices = &self.chip.layers[layer];
            let from = (columns(&predictions, batch, range.clone()), columns(&slopes, batch, range.clone()));
            let to = columns_mut(&mut curvatures, batch, range);
            devices.activation.curvature_offset(devices.offset_plus[neuron], from, to);
        });
        image.copy_from(&slopes.component_mul(&moved));
        let mut returned = curvatures.component_mul(&errors).component_mul(&moved);
        returned += slopes.component_mul(&(direction - &*image));
        self.return_errors(&returned, image);
        let Some(nudge) = self.nudge.as_ref().filter(|_| self.held_output.is_none()) else { return };
        let outputs = self.coupling.range(self.top());
        let mut curved = Matrix::zeros(batch, self.chip.layout.outputs());
        let (at, along) = (columns(state, batch, outputs.clone()), columns(direction, batch, outputs));
        nudge.loss.curvature(batch, at, along, curved.as_mut_slice());
        self.add_to_outputs(nudge.beta, &curved, image);
    }

    /// The Jacobian is symmetric.
    fn adjoint(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        self.tangent(state, direction, image, scratch);
    }

    /// The state that is fed forward, where the free circuit is at rest.
    fn free_state(&self) -> Matrix<T> {
        let (mut state, mut slopes) = (self.blank(), self.blank());
        for _ in 0..=self.top() {
            let mut sums = self.blank();
            self.coupling.fill(&self.heard, &mut sums);
            self.feed(&state, &mut sums);
            let mut next = self.blank();
            self.activate(&sums, &mut next, &mut slopes);
            state = next;
        }
        state
    }

    fn subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Dynamics<T> + 'a> {
        Box::new(self.subset(samples))
    }

    fn slowest(&self) -> f64 {
        self.chip.slowest
    }

    fn layers(&self) -> Vec<Range<usize>> {
        (0..=self.top()).map(|layer| self.chip.layout.layer(layer)).collect()
    }

    fn is_limited(&self) -> bool {
        self.limits().act()
    }

    fn limit(&self, state: &Matrix<T>, drive: &mut Matrix<T>) {
        if self.is_limited() {
            self.limits().limit(0, state.nrows(), state.as_slice(), drive.as_mut_slice());
        }
    }

    fn noise_inputs(&self, _sample: usize, _state: &[f64]) -> Vec<NoiseInput> {
        Inputs::of(&self.chip.noise, &self.chip.layout).all()
    }

    fn noise_is_additive(&self) -> bool {
        true
    }

    fn sample_ids(&self) -> Cow<'_, SampleIds> {
        Cow::Borrowed(&self.sample_ids)
    }
}

impl<T: Real> Wired<T> for PredictiveCircuit<'_, T> {
    fn chip(&self) -> &Chip<T> {
        self.chip
    }

    fn effective_weights(&self) -> &Weights<T> {
        self.coupling.weights()
    }

    /// Summing nodes are ideal.
    fn summing_node(&self, _column: usize) -> (T, T) {
        (T::ONE, T::ZERO)
    }

    fn held(&self) -> Option<&Matrix<T>> {
        self.held_output.as_ref()
    }

    fn said(&self, layer: usize, state: &Matrix<T>) -> Said<T> {
        Said { activity: self.coupling.of(layer, state).into_owned(), difference: None }
    }

    fn wired_subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Wired<T> + 'a> {
        Box::new(self.subset(samples))
    }
}
