//! The dyadic circuit of docs/model.md §2. DP, `DPᵀ` and every custom nudge differ in their gains alone.
//!
//! The forward path carries only means `s̄`, the feedback path only differences `δ`, so one product each per
//! pair of layers serves both compartments; the first layer's drive does not change and is computed once.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::node::Nodes;
use super::nudge::{Loss, Nudge};
use super::squares::Squares;
use super::{Circuit, Scratch, passes};
use crate::chip::{Chip, Devices, Layout, Weights};
use crate::device::Dyads;
use crate::matrix::moved::forward_moved;
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real, elementwise, measure, select_rows};
use crate::noise::{Presentations, Sources};
use crate::spec::{NudgePoint, NudgeSpec};

/// A batch of dyadic networks on one chip: inputs, and a nudge if it is switched on.
#[derive(Clone, Debug)]
pub struct DyadCircuit<'a, T: Real> {
    pub(super) chip: &'a Chip<T>,
    pub(super) weights: Cow<'a, Weights<T>>,
    /// `W_1 x`, what the first layer hears, `[batch × n_1]` (V).
    pub(super) heard: Matrix<T>,
    pub(super) nudge: Option<Nudge<T>>,
    /// Output of the free circuit, held (nudge `free` only).
    pub(super) held: Option<Matrix<T>>,
    /// Summing nodes, where they are not ideal.
    pub(super) nodes: Option<Arc<Nodes<T>>>,
    /// Damping coefficients per layer.
    damping: Vec<f64>,
    presentations: Presentations,
    /// Whether the differences are to be read without a nudge.
    watched: bool,
    /// Squares that read noise needs, where there is any.
    squares: Option<Squares<T>>,
    /// Inputs, where synapses fluctuate (V).
    input: Option<Matrix<T>>,
}

impl<'a, T: Real> DyadCircuit<'a, T> {
    /// The free circuit on inputs `[batch × n_0]` (V).
    #[must_use]
    pub fn free(chip: &'a Chip<T>, weights: &'a Weights<T>, input: &Matrix<T>) -> Self {
        let weights = chip.carried(weights);
        let mut heard = Matrix::zeros(input.nrows(), chip.layout.neurons(0));
        product::forward(heard.as_view_mut(), Onto::Nothing, input.as_view(), weights.forward[0].as_view());
        let presentations = Presentations::first(input.nrows());
        let squares = chip.noise.read.map(|_| Squares::new(&weights, input));
        let input = chip.noise.synapse_traps.map(|_| input.clone());
        let nodes = Nodes::wire(chip, &weights).map(Arc::new);
        Self {
            chip,
            weights,
            heard,
            nudge: None,
            held: None,
            nodes,
            damping: vec![0.0; chip.layout.depth()],
            presentations,
            watched: false,
            squares,
            input,
        }
    }

    /// Tells which noise the samples meet; by default it is that of the first ones of seed 0.
    #[must_use]
    pub fn presented(self, presentations: Presentations) -> Self {
        Self { presentations, ..self }
    }

    /// Asks for steady differences as if there were a nudge, since they are going to be read.
    #[must_use]
    pub fn watched(self) -> Self {
        Self { watched: true, ..self }
    }

    /// The output of the free circuit that nudge `free` holds, `[batch × n_L]` (V), where it is known better than by the
    /// feed-forward state: compartments with offsets of their own send errors back without a nudge.
    #[must_use]
    pub fn holding(self, output: Matrix<T>) -> Self {
        Self { held: self.held.is_some().then_some(output), ..self }
    }

    /// Switches the nudge of `spec` on, towards `target` (`[batch × n_L]`, V); `β = 0` leaves it off.
    #[must_use]
    pub fn nudged(mut self, spec: &NudgeSpec, target: Matrix<T>) -> Self {
        if spec.beta == 0.0 {
            return self;
        }
        if spec.at == NudgePoint::Free {
            self.held = self.means(&self.free_state()).pop();
        }
        let loss = Loss { kind: spec.loss, reference: T::of(spec.reference) };
        self.nudge = Some(Nudge { target, beta: spec.beta, at: spec.at, loss });
        self
    }

    /// Gives the damping coefficients `L_k = |1 − 2α| max(0, ‖W_k‖² − 1)/2` to damped sweeps.
    #[must_use]
    pub fn with_damping(mut self, alpha: f64) -> Self {
        self.damping = self
            .weights
            .forward
            .iter()
            .map(|w| (1.0 - 2.0 * alpha).abs() * (measure::spectral_norm(w).powi(2) - 1.0).max(0.0) / 2.0)
            .collect();
        self
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
        let layers = (0..self.layout().depth()).into_par_iter().map(|layer| {
            let blank = || Matrix::zeros(self.samples(), self.layout().neurons(layer));
            let (mut mean, mut difference) = (blank(), blank());
            let dyads = 0..self.layout().neurons(layer);
            let potentials = self.layout().dyads(layer, dyads.clone(), state);
            self.mix_into(layer, dyads, potentials, (mean.as_mut_slice(), difference.as_mut_slice()));
            (mean, difference)
        });
        layers.unzip()
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
        let trims = (&devices.trim_plus[dyads.clone()], &devices.trim_minus[dyads.clone()]);
        devices.activation.mix(Dyads {
            batch: self.samples(),
            mixing: &devices.mixing[dyads],
            trims,
            potentials,
            mean,
            difference,
        });
    }

    /// Whether the two compartments of a layer get loss gradients of their own.
    pub(super) fn nudges_own(&self, layer: usize) -> bool {
        layer + 1 == self.layout().depth() && self.nudge.as_ref().is_some_and(|n| n.at == NudgePoint::Own)
    }

    /// Compartment outputs of some dyads of a layer.
    fn activate(&self, layer: usize, dyads: Range<usize>, potentials: (&[T], &[T]), outputs: &mut Matrix<T>) {
        let batch = self.samples();
        let devices = &self.chip.layers[layer];
        let (plus, minus) = self.layout().dyads_mut(layer, dyads.clone(), outputs);
        for (from, to, trims) in
            [(potentials.0, plus, &devices.trim_plus), (potentials.1, minus, &devices.trim_minus)]
        {
            let mut first = 0;
            for run in trims[dyads.clone()].chunk_by(|a, b| a == b) {
                let span = first * batch..(first + run.len()) * batch;
                devices.activation.apply_trimmed(run[0], &from[span.clone()], &mut to[span]);
                first += run.len();
            }
        }
    }
}

impl<T: Real> Circuit<T> for DyadCircuit<'_, T> {
    fn layout(&self) -> &Layout {
        &self.chip.layout
    }

    fn samples(&self) -> usize {
        self.heard.nrows()
    }

    fn rates(&self) -> &[T] {
        self.nodes.as_ref().map_or(&self.chip.rates, |nodes| &nodes.rates)
    }

    fn slowest(&self) -> f64 {
        self.nodes.as_ref().map_or(self.chip.slowest, |nodes| nodes.slowest)
    }

    fn clock(&self) -> Option<f64> {
        self.chip.periphery.clock
    }

    fn droop(&self) -> T {
        self.chip.periphery.droop
    }

    fn supply(&self) -> Option<(T, T)> {
        self.chip.supply
    }

    fn mixing(&self, layer: usize) -> &[T] {
        &self.chip.layers[layer].mixing
    }

    fn is_kinked(&self) -> bool {
        self.chip.periphery.slew.is_some()
            || self.chip.supply.is_some()
            || self.chip.layers.iter().any(|devices| !devices.activation.kinks().is_empty())
    }

    fn is_limited(&self) -> bool {
        self.chip.periphery.range.is_some() || self.chip.periphery.slew.is_some()
    }

    fn limit_dyads(
        &self,
        layer: usize,
        dyads: Range<usize>,
        potentials: (&[T], &[T]),
        drives: (&mut [T], &mut [T]),
    ) {
        self.limit_some(layer, &dyads, potentials, drives);
    }

    fn pieces(&self, state: &Matrix<T>, drive: &Matrix<T>, pieces: &mut Matrix<T>) {
        self.pieces_of(state, drive, pieces);
    }

    fn nudged(&self) -> bool {
        self.nudge.is_some() || self.watched
    }

    fn unnudged<'a>(&'a self) -> Option<Box<dyn Circuit<T> + 'a>> {
        self.nudge.is_some().then(|| Box::new(Self { nudge: None, held: None, ..self.clone() }) as Box<_>)
    }

    fn mix_dyads(
        &self,
        layer: usize,
        dyads: Range<usize>,
        potentials: (&[T], &[T]),
        scratch: &mut Scratch<T>,
    ) {
        let batch = self.samples();
        let (means, differences) = (&mut scratch.means[layer], &mut scratch.differences[layer]);
        let of = (columns_mut(means, batch, dyads.clone()), columns_mut(differences, batch, dyads.clone()));
        self.mix_into(layer, dyads.clone(), potentials, of);
        if self.nudges_own(layer) {
            scratch.prepare_outputs(batch, self.layout().width());
            self.activate(layer, dyads, potentials, &mut scratch.outputs);
        }
    }

    fn push(&self, layer: usize, scratch: &mut Scratch<T>) {
        if layer > 0 {
            let below = scratch.means[layer - 1].as_view();
            let weights = self.weights.forward[layer].as_view();
            product::forward(scratch.forward[layer].as_view_mut(), Onto::Nothing, below, weights);
        }
    }

    fn push_moved(&self, layer: usize, before: &Matrix<T>, scratch: &mut Scratch<T>) {
        if layer > 0 {
            let Scratch { forward, means, .. } = scratch;
            forward_moved(&mut forward[layer], before, &means[layer - 1], &self.weights.forward[layer]);
        }
    }

    fn pull(&self, layer: usize, scratch: &mut Scratch<T>) {
        if layer + 1 < self.layout().depth() {
            let above = scratch.differences[layer + 1].as_view();
            let weights = self.weights.feedback(layer + 1).as_view();
            product::backward(scratch.feedback[layer].as_view_mut(), Onto::Nothing, above, weights);
        } else if let Some(nudge) = &self.nudge {
            self.nudge_output(nudge, scratch);
        } else {
            scratch.feedback[layer].fill(T::zero());
        }
    }

    fn assemble_dyads(
        &self,
        layer: usize,
        dyads: Range<usize>,
        (plus, minus): (&mut [T], &mut [T]),
        scratch: &Scratch<T>,
    ) {
        let batch = self.samples();
        let devices = &self.chip.layers[layer];
        let some = |matrix| columns(matrix, batch, dyads.clone());
        let base = some(if layer == 0 { &self.heard } else { &scratch.forward[layer] });
        let bias = Some(&self.weights.biases[layer][dyads.clone()]);
        let back = some(&scratch.feedback[layer]);
        let back_minus = if self.nudges_own(layer) { some(&scratch.feedback_minus) } else { back };
        let gains = (&devices.gain_plus[dyads.clone()], &devices.gain_minus[dyads.clone()]);
        passes::split(batch, bias, gains, base, (back, back_minus), (&mut *plus, &mut *minus));
        if let Some(nodes) = &self.nodes {
            nodes.apply(self.layout(), layer, &dyads, batch, (&mut *plus, &mut *minus));
        }
        if let Some((low, high)) = self.chip.supply {
            elementwise::clip(plus, low, high);
            elementwise::clip(minus, low, high);
        }
    }

    fn slopes(&self, state: &Matrix<T>, slopes: &mut Matrix<T>) {
        let batch = state.nrows();
        for (layer, devices) in self.chip.layers.iter().enumerate() {
            if !devices.has_trims() {
                let range = self.layout().layer(layer);
                let from = columns(state, batch, range.clone());
                devices.activation.derivative(from, columns_mut(slopes, batch, range));
                continue;
            }
            for (side, trims) in [
                (self.layout().plus(layer), &devices.trim_plus),
                (self.layout().minus(layer), &devices.trim_minus),
            ] {
                for (column, &trim) in side.zip(trims) {
                    let from = columns(state, batch, column..column + 1);
                    let to = columns_mut(slopes, batch, column..column + 1);
                    devices.activation.derivative_trimmed(trim, from, to);
                }
            }
        }
    }

    fn outputs(&self, state: &Matrix<T>, outputs: &mut Matrix<T>) {
        for layer in 0..self.layout().depth() {
            let dyads = 0..self.layout().neurons(layer);
            self.activate(layer, dyads.clone(), self.layout().dyads(layer, dyads, state), outputs);
        }
    }

    fn tangent(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        self.tangent_of_drive(state, direction, image, scratch);
    }

    fn adjoint(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        self.adjoint_of_drive(state, direction, image, scratch);
    }

    fn free_pass(&self, scratch: &mut Scratch<T>) -> Matrix<T> {
        let mut state = Matrix::zeros(self.samples(), self.layout().width());
        scratch.feedback_minus.fill(T::zero());
        for layer in 0..self.layout().depth() {
            scratch.feedback[layer].fill(T::zero());
            self.push(layer, scratch);
            self.assemble(layer, self.layout().columns_mut(layer, &mut state), scratch);
            self.mix(layer, &state, scratch);
        }
        state
    }

    fn noise(&self) -> &Sources {
        &self.chip.noise
    }

    fn presentations(&self) -> &Presentations {
        &self.presentations
    }

    fn readout(&self) -> f64 {
        self.chip.readout
    }

    fn gains(&self, layer: usize) -> (&[T], &[T]) {
        let Devices { gain_plus, gain_minus, .. } = &self.chip.layers[layer];
        (gain_plus, gain_minus)
    }

    fn hear(&self, drivers: &Matrix<T>, heard: &mut Matrix<T>) {
        let weights = self.weights.forward[0].as_view();
        product::forward(heard.as_view_mut(), Onto::Nothing, drivers.as_view(), weights);
    }

    fn read_powers(
        &self,
        layer: usize,
        forward: &mut Matrix<T>,
        feedback: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        let Some(squares) = &self.squares else {
            forward.fill(T::ZERO);
            feedback.fill(T::ZERO);
            return;
        };
        let [weights, backward] = &*squares.weights;
        scratch.prepare_squares(self.layout(), self.samples());
        if layer == 0 {
            forward.copy_from(&squares.heard);
        } else {
            let Scratch { squares: square, means, .. } = scratch;
            let below = (&mut square[layer - 1], &means[layer - 1]);
            passes::times(below.1.as_slice(), below.1.as_slice(), below.0.as_mut_slice());
            product::forward(
                forward.as_view_mut(),
                Onto::Nothing,
                below.0.as_view(),
                weights[layer].as_view(),
            );
        }
        if layer + 1 == self.layout().depth() {
            feedback.fill(T::ZERO);
        } else {
            let Scratch { squares: square, differences, .. } = scratch;
            let above = (&mut square[layer + 1], &differences[layer + 1]);
            passes::times(above.1.as_slice(), above.1.as_slice(), above.0.as_mut_slice());
            let weights = backward[layer + 1].as_view();
            product::backward(feedback.as_view_mut(), Onto::Nothing, above.0.as_view(), weights);
        }
    }

    fn fluctuate(
        &self,
        layer: usize,
        first: usize,
        deviations: &[T],
        (forward, feedback): (&mut Matrix<T>, &mut Matrix<T>),
        scratch: &Scratch<T>,
    ) -> usize {
        let batch = self.samples();
        let weights = &self.weights.forward[layer];
        let above = first + weights.len();
        let below = if layer == 0 { self.input.as_ref() } else { Some(&scratch.means[layer - 1]) };
        forward.fill(T::ZERO);
        feedback.fill(T::ZERO);
        if let Some(below) = below {
            let own = &deviations[first * batch..above * batch];
            passes::modulate(batch, weights, own, below.as_slice(), forward.as_mut_slice());
        }
        if layer + 1 < self.layout().depth() {
            let (weights, differences) = (self.weights.feedback(layer + 1), &scratch.differences[layer + 1]);
            let theirs = &deviations[above * batch..][..weights.len() * batch];
            passes::modulate_back(batch, weights, theirs, differences.as_slice(), feedback.as_mut_slice());
        }
        above
    }

    fn damping(&self, layer: usize) -> f64 {
        self.damping[layer]
    }

    fn subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Circuit<T> + 'a> {
        let nudge =
            self.nudge.as_ref().map(|n| Nudge { target: select_rows(&n.target, samples), ..n.clone() });
        Box::new(DyadCircuit {
            chip: self.chip,
            weights: Cow::Borrowed(&self.weights),
            heard: select_rows(&self.heard, samples),
            nudge,
            held: self.held.as_ref().map(|h| select_rows(h, samples)),
            nodes: self.nodes.clone(),
            damping: self.damping.clone(),
            presentations: self.presentations.subset(samples),
            watched: self.watched,
            input: self.input.as_ref().map(|input| select_rows(input, samples)),
            squares: self.squares.as_ref().map(|squares| squares.subset(samples)),
        })
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
