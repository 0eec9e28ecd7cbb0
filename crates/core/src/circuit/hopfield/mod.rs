//! The layered Hopfield circuit (docs/equilibrium.md): one compartment a neuron, what it says goes forward
//! and back.
//!
//! `τ dv_k/dt = W_k s_{k−1} + b_k + F_{k+1}ᵀ s_{k+1} − v_k`, `s = f(v)`, `s_0 = x`; at the output
//! `−β ∇ℓ(s_L)` in the place of what comes back; with lateral synapses `L_k s_k` besides. Where one
//! crossbar is read both ways (`F = W`) the coupling is symmetric, and every trajectory descends the energy
//! of Hopfield (PNAS 81, 3088 (1984)).

mod dynamics;
mod noise;
mod wired;

use std::ops::Range;
use std::sync::Arc;

use super::coupling::Coupling;
use super::limited_drive::Limits;
use super::node::{SummingNodes, row_sums};
use super::nudge::Nudge;
use crate::chip::{Chip, Layout, Weights};
use crate::device::{Activation, DeviceOffset};
use crate::matrix::{Matrix, Real, View, ViewMut, select_rows};
use crate::noise::SampleIds;
use crate::spec::{CircuitKind, NudgePoint};

/// A batch of layered Hopfield networks on one chip: inputs, and a nudge or a clamp of the outputs.
#[derive(Clone, Debug)]
pub struct HopfieldCircuit<'a, T: Real> {
    chip: &'a Chip<T>,
    coupling: Coupling<'a, T>,
    /// Inputs `[batch × n_0]` (V).
    input: Matrix<T>,
    /// `W_1 x + b_1`, `[batch × n_1]` (V).
    heard: Matrix<T>,
    nudge: Option<Nudge<T>>,
    /// Outputs `s_L` at which nudge `free` takes the loss gradient, `[batch × n_L]` (V).
    held_output: Option<Matrix<T>>,
    /// Outputs that the wires are forced to, `[batch × n_L]` (V).
    clamp: Option<Matrix<T>>,
    /// The outputs about which its coupling is transposed, and what neurons hear of them, `[batch ×
    /// neurons]`.
    turned: Option<[Matrix<T>; 2]>,
    nodes: Option<Arc<SummingNodes<T>>>,
    sample_ids: SampleIds,
    /// State from which relaxations start, where it is not 0 V (V).
    start: Option<Matrix<T>>,
}

impl<'a, T: Real> HopfieldCircuit<'a, T> {
    /// The free circuit on inputs `[batch × n_0]` (V), on a chip whose neurons have one compartment.
    ///
    /// # Panics
    ///
    /// If the neurons of the chip have two compartments.
    #[must_use]
    pub fn free(chip: &'a Chip<T>, weights: &'a Weights<T>, input: &Matrix<T>) -> Self {
        assert!(
            chip.layout.kind() == CircuitKind::Hopfield,
            "a Hopfield circuit has one compartment a neuron"
        );
        let coupling = Coupling::new(chip.effective_weights(weights));
        let heard = coupling.hear(input);
        let nodes = SummingNodes::loaded(chip, || compute_loads(chip, coupling.weights())).map(Arc::new);
        let sample_ids = SampleIds::first(input.nrows());
        let input = input.clone();
        Self {
            chip,
            coupling,
            input,
            heard,
            nudge: None,
            held_output: None,
            clamp: None,
            turned: None,
            nodes,
            sample_ids,
            start: None,
        }
    }

    /// Sets the numbers of the samples, which name their noise; the default is `SampleIds::first`.
    #[must_use]
    pub fn with_sample_ids(self, sample_ids: SampleIds) -> Self {
        Self { sample_ids, ..self }
    }

    /// Returns the same circuits, wired once, with other numbers of the samples.
    #[must_use]
    pub fn again(&self, sample_ids: SampleIds) -> HopfieldCircuit<'_, T> {
        HopfieldCircuit { sample_ids, ..self.borrowed() }
    }

    /// The same circuits, whose synapses are not copied.
    fn borrowed(&self) -> HopfieldCircuit<'_, T> {
        HopfieldCircuit {
            chip: self.chip,
            coupling: self.coupling.borrowed(),
            input: self.input.clone(),
            heard: self.heard.clone(),
            nudge: self.nudge.clone(),
            held_output: self.held_output.clone(),
            clamp: self.clamp.clone(),
            turned: self.turned.clone(),
            nodes: self.nodes.clone(),
            sample_ids: self.sample_ids.clone(),
            start: self.start.clone(),
        }
    }

    /// Sets the state from which relaxations start that are given no other, `[batch × width]` (V); the
    /// default is 0 V.
    #[must_use]
    pub fn starting_at(self, state: Matrix<T>) -> Self {
        Self { start: Some(state), ..self }
    }

    /// Switches a nudge on: `−β ∇ℓ` into the drives of the outputs, at their own outputs or, of nudge `free`,
    /// at `held` ones. Its `β` may be negative; 0 leaves it off.
    #[must_use]
    pub fn nudged(self, nudge: Nudge<T>, held: &Matrix<T>) -> Self {
        let held_output = (nudge.at == NudgePoint::Free).then(|| held.clone());
        let nudge = (nudge.beta != 0.0).then_some(nudge);
        Self { nudge, held_output, ..self }
    }

    /// Forces the output wires to `outputs` (`[batch × n_L]`, V), whatever their neurons say.
    #[must_use]
    pub fn clamped(self, outputs: Matrix<T>) -> Self {
        Self { clamp: Some(outputs), ..self }
    }

    /// Transposes the coupling for deviations from the outputs at `rest`: with `J` that of all neurons, they
    /// hear `J s⁰ + Jᵀ (s − s⁰)`, which is `J s` with the correction `−(J − Jᵀ)(s − s⁰)`.
    ///
    /// Under a small nudge deviations are then the adjoint, whatever the symmetry of `J`: asymmetric
    /// equilibrium propagation (Scurria et al., arXiv 2602.03670, 2026).
    #[must_use]
    pub fn turned(self, rest: &Matrix<T>) -> Self {
        let blank = || Matrix::zeros(rest.nrows(), rest.ncols());
        let (mut outputs, mut heard) = (blank(), blank());
        self.activate(rest, &mut outputs);
        self.coupling.fill(&self.heard, &mut heard);
        self.coupling.couple(&outputs, &mut heard);
        Self { turned: Some([outputs, heard]), ..self }
    }

    /// Returns the same circuits for some of the samples, which may be named several times.
    #[must_use]
    pub fn subset(&self, samples: &[usize]) -> HopfieldCircuit<'_, T> {
        let some = |matrix: &Matrix<T>| select_rows(matrix, samples);
        HopfieldCircuit {
            chip: self.chip,
            coupling: self.coupling.borrowed(),
            input: some(&self.input),
            heard: some(&self.heard),
            nudge: self.nudge.as_ref().map(|n| Nudge { target: some(&n.target), ..n.clone() }),
            held_output: self.held_output.as_ref().map(some),
            clamp: self.clamp.as_ref().map(some),
            turned: self.turned.as_ref().map(|parts| parts.each_ref().map(some)),
            nodes: self.nodes.clone(),
            sample_ids: self.sample_ids.subset(samples),
            start: self.start.as_ref().map(some),
        }
    }

    /// Outputs `s_k` of every layer at a state, `[batch × n_k]` each (V); of a clamped layer what its wires
    /// carry.
    #[must_use]
    pub fn outputs(&self, state: &Matrix<T>) -> Vec<Matrix<T>> {
        let mut all = Matrix::zeros(state.nrows(), state.ncols());
        self.activate(state, &mut all);
        let layers = (0..self.layout().depth()).map(|k| self.of(k, &all).into_owned());
        layers.collect()
    }

    /// What a rule differentiates of the drives: `(∂u/∂h)ᵀ · duals`, where `h` is what the synapses and
    /// biases of every neuron add up to. `duals` are those of the drives, `[batch × width]`.
    pub(crate) fn pull_back_to_synapses(&self, state: &Matrix<T>, duals: &mut Matrix<T>) {
        self.close(state, duals, &mut self.flat_scratch());
    }

    /// The effective weights of this chip's devices.
    #[must_use]
    pub fn weights(&self) -> &Weights<T> {
        self.coupling.weights()
    }

    /// Sets sums to what neurons hear whatever the others say.
    pub(super) fn fill(&self, sums: &mut Matrix<T>) {
        self.coupling.fill(&self.heard, sums);
    }

    /// The synapses between its neurons.
    pub(super) fn coupling(&self) -> &Coupling<'a, T> {
        &self.coupling
    }

    /// The activation device of a neuron, by its column, and what is its own of it.
    pub(super) fn device(&self, column: usize) -> (&Activation, DeviceOffset<f64>) {
        let layers = self.layout().depth();
        let layer = (0..layers).find(|&k| self.layout().layer(k).contains(&column)).unwrap_or(layers - 1);
        let devices = &self.chip.layers[layer];
        let own = devices.offset_plus[column - self.layout().layer(layer).start];
        let own = DeviceOffset { offset: own.offset.to_f64(), scale: own.scale.to_f64() };
        (&devices.activation, own)
    }

    fn layout(&self) -> &Layout {
        &self.chip.layout
    }

    /// The columns of a layer.
    fn of<'m>(&self, layer: usize, all: &'m Matrix<T>) -> View<'m, T> {
        let Range { start, end } = self.layout().layer(layer);
        all.columns(start, end - start)
    }

    /// The columns of a layer, to be written.
    fn of_mut<'m>(&self, layer: usize, all: &'m mut Matrix<T>) -> ViewMut<'m, T> {
        let Range { start, end } = self.layout().layer(layer);
        all.columns_mut(start, end - start)
    }

    fn limits(&self) -> Limits<'_, T> {
        let rates = self.nodes.as_ref().map_or(&self.chip.rates, |nodes| &nodes.rates);
        Limits { periphery: &self.chip.periphery, rates, supply: self.chip.supply }
    }

    /// Outputs of all neurons, of clamped ones what their wires carry.
    fn activate(&self, state: &Matrix<T>, outputs: &mut Matrix<T>) {
        (0..self.layout().depth()).for_each(|layer| self.activate_layer(layer, state, outputs));
    }

    /// [`Self::activate`] of one layer.
    fn activate_layer(&self, layer: usize, state: &Matrix<T>, outputs: &mut Matrix<T>) {
        if let Some(clamp) = self.clamp.as_ref().filter(|_| layer + 1 == self.layout().depth()) {
            self.of_mut(layer, outputs).copy_from(clamp);
            return;
        }
        let (batch, devices) = (state.nrows(), &self.chip.layers[layer]);
        let Range { mut start, .. } = self.layout().layer(layer);
        for run in devices.offset_plus.chunk_by(|a, b| a == b) {
            let span = start * batch..(start + run.len()) * batch;
            let from = &state.as_slice()[span.clone()];
            devices.activation.apply_offset(run[0], from, &mut outputs.as_mut_slice()[span]);
            start += run.len();
        }
    }
}

/// Conductances of synapses on the summing node of every neuron, in units of the leak: those from below,
/// those from above and those from the same layer, each a pair of devices whose smaller one is at its
/// minimum.
fn compute_loads<T: Real>(chip: &Chip<T>, weights: &Weights<T>) -> Vec<f64> {
    let pair = chip.periphery.pair_load;
    let mut loads = Vec::with_capacity(chip.layout.width());
    for (layer, forward) in weights.forward.iter().enumerate() {
        let below = pair * forward.ncols() as f64;
        let above = weights.forward.get(layer + 1).map(|_| {
            let back = weights.feedback(layer + 1);
            (row_sums(&back.transpose()), pair * back.nrows() as f64)
        });
        let beside = weights.lateral.as_ref().map(|lateral| {
            let lateral = &lateral[layer];
            (row_sums(lateral), pair * (lateral.ncols() - 1) as f64)
        });
        for (neuron, sum) in row_sums(forward).into_iter().enumerate() {
            let both = above.iter().chain(&beside);
            let others: f64 = both.map(|(sums, pairs)| sums[neuron] + pairs).sum();
            loads.push(sum + below + others);
        }
    }
    loads
}
