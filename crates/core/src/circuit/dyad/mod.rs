//! The dyadic circuit of docs/model.md §2. DP, `DPᵀ` and every custom nudge differ in their gains alone.
//!
//! The forward path carries only means `s̄`, the feedback path only differences `δ`, so one product each per
//! pair of layers serves both compartments; the first layer's drive does not change and is computed once.

mod dynamics;
mod inputs;
mod layered;
mod noisy;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::node::SummingNodes;
use super::nudge::{Loss, Nudge};
use super::squares::Squares;
use super::{Dynamics, Layered};
use crate::chip::{Chip, Weights};
use crate::device::Dyads;
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real, measure, select_rows};
use crate::noise::SampleIds;
use crate::spec::{NudgePoint, NudgeSpec};

/// A batch of dyadic networks on one chip: inputs, and a nudge if it is switched on.
#[derive(Clone, Debug)]
pub struct DyadCircuit<'a, T: Real> {
    pub(super) chip: &'a Chip<T>,
    pub(super) weights: Cow<'a, Weights<T>>,
    /// `W_1 x`, what the first layer hears, `[batch × n_1]` (V).
    pub(super) weighted_input: Matrix<T>,
    pub(super) nudge: Option<Nudge<T>>,
    /// Output of the free circuit, held (nudge `free` only).
    pub(super) held_output: Option<Matrix<T>>,
    /// Summing nodes, where they are not ideal.
    pub(super) nodes: Option<Arc<SummingNodes<T>>>,
    /// Damping coefficients per layer.
    damping: Vec<f64>,
    sample_ids: SampleIds,
    /// True if the differences are to be read without a nudge.
    reads_difference: bool,
    /// Squares that read noise needs, where there is any.
    squares: Option<Squares<T>>,
    /// Inputs, where synapses fluctuate (V).
    input: Option<Matrix<T>>,
}

impl<'a, T: Real> DyadCircuit<'a, T> {
    /// The free circuit on inputs `[batch × n_0]` (V).
    #[must_use]
    pub fn free(chip: &'a Chip<T>, weights: &'a Weights<T>, input: &Matrix<T>) -> Self {
        let weights = chip.effective_weights(weights);
        let mut weighted_input = Matrix::zeros(input.nrows(), chip.layout.neurons(0));
        product::forward(
            weighted_input.as_view_mut(),
            Onto::Nothing,
            input.as_view(),
            weights.forward[0].as_view(),
        );
        let sample_ids = SampleIds::first(input.nrows());
        let squares = chip.noise.read.map(|_| Squares::new(&weights, input));
        let input = chip.noise.synapse_traps.map(|_| input.clone());
        let nodes = SummingNodes::wire(chip, &weights).map(Arc::new);
        Self {
            chip,
            weights,
            weighted_input,
            nudge: None,
            held_output: None,
            nodes,
            damping: vec![0.0; chip.layout.depth()],
            sample_ids,
            reads_difference: false,
            squares,
            input,
        }
    }

    /// Sets the numbers of the samples, which name their noise; the default is `SampleIds::first`.
    #[must_use]
    pub fn with_sample_ids(self, sample_ids: SampleIds) -> Self {
        Self { sample_ids, ..self }
    }

    /// Makes steady differences part of being settled, as under a nudge, because they will be read.
    #[must_use]
    pub fn reads_difference(self) -> Self {
        Self { reads_difference: true, ..self }
    }

    /// The output of the free circuit that nudge `free` holds, `[batch × n_L]` (V), where it is known better
    /// than by the feed-forward state: compartments with offsets of their own send errors back without a
    /// nudge.
    #[must_use]
    pub fn with_held_output(self, output: Matrix<T>) -> Self {
        Self { held_output: self.held_output.is_some().then_some(output), ..self }
    }

    /// Switches the nudge of `spec` on, towards `target` (`[batch × n_L]`, V); `β = 0` leaves it off.
    #[must_use]
    pub fn nudged(mut self, spec: &NudgeSpec, target: Matrix<T>) -> Self {
        if spec.beta == 0.0 {
            return self;
        }
        if spec.at == NudgePoint::Free {
            self.held_output = self.means(&self.free_state()).pop();
        }
        let loss = Loss { kind: spec.loss, reference: T::of(spec.reference) };
        self.nudge = Some(Nudge { target, beta: spec.beta, at: spec.at, loss });
        self
    }

    /// Gives the damping coefficients `L_k = |1 − 2α_k| max(0, ‖W_k‖² − 1)/2` to damped sweeps, `α_k` the
    /// mixing of the layer.
    #[must_use]
    pub fn with_damping(mut self, nudge: &NudgeSpec) -> Self {
        let (top, hidden) = (self.damping.len() - 1, nudge.of_hidden().alpha);
        let of_layer = |(layer, w): (usize, &Matrix<T>)| {
            let alpha = if layer == top { nudge.alpha } else { hidden };
            (1.0 - 2.0 * alpha).abs() * (measure::spectral_norm(w).powi(2) - 1.0).max(0.0) / 2.0
        };
        self.damping = self.weights.forward.iter().enumerate().map(of_layer).collect();
        self
    }

    /// Returns the same circuits for some of the samples, which may be named several times.
    #[must_use]
    pub fn subset(&self, samples: &[usize]) -> DyadCircuit<'_, T> {
        let nudge =
            self.nudge.as_ref().map(|n| Nudge { target: select_rows(&n.target, samples), ..n.clone() });
        DyadCircuit {
            chip: self.chip,
            weights: Cow::Borrowed(&self.weights),
            weighted_input: select_rows(&self.weighted_input, samples),
            nudge,
            held_output: self.held_output.as_ref().map(|h| select_rows(h, samples)),
            nodes: self.nodes.clone(),
            damping: self.damping.clone(),
            sample_ids: self.sample_ids.subset(samples),
            reads_difference: self.reads_difference,
            input: self.input.as_ref().map(|input| select_rows(input, samples)),
            squares: self.squares.as_ref().map(|squares| squares.subset(samples)),
        }
    }

    /// Means `s̄_k` of every layer at a state, `[batch × n_k]` each.
    #[must_use]
    pub fn means(&self, state: &Matrix<T>) -> Vec<Matrix<T>> {
        self.mixed(state).0
    }

    /// Differences `δ_k` of every layer at a state.
    #[must_use]
    pub fn differences(&self, state: &Matrix<T>) -> Vec<Matrix<T>> {
        self.mixed(state).1
    }

    /// Means and differences of every layer.
    #[must_use]
    pub fn mixed(&self, state: &Matrix<T>) -> (Vec<Matrix<T>>, Vec<Matrix<T>>) {
        let layers = (0..self.layout().depth()).into_par_iter().map(|layer| self.mixed_of(layer, state));
        layers.unzip()
    }

    /// Means and differences of one layer, `[batch × n]` each.
    fn mixed_of(&self, layer: usize, state: &Matrix<T>) -> (Matrix<T>, Matrix<T>) {
        let blank = || Matrix::zeros(state.nrows(), self.layout().neurons(layer));
        let (mut mean, mut difference) = (blank(), blank());
        let dyads = 0..self.layout().neurons(layer);
        let potentials = self.layout().dyads(layer, dyads.clone(), state);
        self.mix_into(layer, dyads, potentials, (mean.as_mut_slice(), difference.as_mut_slice()));
        (mean, difference)
    }

    /// Means and differences of some dyads of a layer.
    fn mix_into(
        &self,
        layer: usize,
        dyads: Range<usize>,
        potentials: (&[T], &[T]),
        (mean, difference): (&mut [T], &mut [T]),
    ) {
        let devices = &self.chip.layers[layer];
        let offsets = (&devices.offset_plus[dyads.clone()], &devices.offset_minus[dyads.clone()]);
        devices.activation.mean_and_difference(Dyads {
            batch: self.samples(),
            mixing: &devices.mixing[dyads],
            offsets,
            potentials,
            mean,
            difference,
        });
    }

    /// Returns whether the two compartments of a layer get loss gradients of their own.
    pub(super) fn nudges_own(&self, layer: usize) -> bool {
        layer + 1 == self.layout().depth() && self.nudge.as_ref().is_some_and(|n| n.at == NudgePoint::Own)
    }

    /// Compartment outputs of some dyads of a layer.
    fn activate(&self, layer: usize, dyads: Range<usize>, potentials: (&[T], &[T]), outputs: &mut Matrix<T>) {
        let batch = self.samples();
        let devices = &self.chip.layers[layer];
        let (plus, minus) = self.layout().dyads_mut(layer, dyads.clone(), outputs);
        for (from, to, offsets) in
            [(potentials.0, plus, &devices.offset_plus), (potentials.1, minus, &devices.offset_minus)]
        {
            let mut first = 0;
            for run in offsets[dyads.clone()].chunk_by(|a, b| a == b) {
                let span = first * batch..(first + run.len()) * batch;
                devices.activation.apply_offset(run[0], &from[span.clone()], &mut to[span]);
                first += run.len();
            }
        }
    }
}

/// Some columns of a column-major matrix as one slice.
pub(super) fn columns<T>(matrix: &Matrix<T>, batch: usize, range: Range<usize>) -> &[T] {
    &matrix.as_slice()[range.start * batch..range.end * batch]
}

/// Some columns of a column-major matrix as one mutable slice.
pub(super) fn columns_mut<T>(matrix: &mut Matrix<T>, batch: usize, range: Range<usize>) -> &mut [T] {
    &mut matrix.as_mut_slice()[range.start * batch..range.end * batch]
}
