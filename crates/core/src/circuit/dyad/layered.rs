//! The dyadic circuit layer by layer: fused passes over dyads, one product for each half of a layer's drive.

use std::ops::Range;

use super::{DyadCircuit, columns, columns_mut};
use crate::chip::Layout;
use crate::circuit::{Dynamics, Layered, Scratch, passes};
use crate::matrix::moved::forward_moved;
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real, elementwise};

impl<T: Real> Layered<T> for DyadCircuit<'_, T> {
    fn layout(&self) -> &Layout {
        &self.chip.layout
    }

    fn mixing(&self, layer: usize) -> &[T] {
        &self.chip.layers[layer].mixing
    }

    fn nudged(&self) -> bool {
        self.nudge.is_some() || self.reads_difference
    }

    fn unnudged<'a>(&'a self) -> Option<Box<dyn Layered<T> + 'a>> {
        self.nudge
            .is_some()
            .then(|| Box::new(Self { nudge: None, held_output: None, ..self.clone() }) as Box<_>)
    }

    fn mean_and_difference_of(
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

    fn forward_input(&self, layer: usize, scratch: &mut Scratch<T>) {
        if layer > 0 {
            let below = scratch.means[layer - 1].as_view();
            let weights = self.weights.forward[layer].as_view();
            product::forward(scratch.forward[layer].as_view_mut(), Onto::Nothing, below, weights);
        }
    }

    fn forward_input_moved(&self, layer: usize, before: &Matrix<T>, scratch: &mut Scratch<T>) {
        if layer > 0 {
            let Scratch { forward, means, .. } = scratch;
            forward_moved(&mut forward[layer], before, &means[layer - 1], &self.weights.forward[layer]);
        }
    }

    fn feedback_input(&self, layer: usize, scratch: &mut Scratch<T>) {
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

    fn sum_inputs_of(
        &self,
        layer: usize,
        dyads: Range<usize>,
        (plus, minus): (&mut [T], &mut [T]),
        scratch: &Scratch<T>,
    ) {
        let batch = self.samples();
        let devices = &self.chip.layers[layer];
        let some = |matrix| columns(matrix, batch, dyads.clone());
        let base = some(if layer == 0 { &self.weighted_input } else { &scratch.forward[layer] });
        let bias = Some(&self.weights.biases[layer][dyads.clone()]);
        let back = some(&scratch.feedback[layer]);
        let back_minus = if self.nudges_own(layer) { some(&scratch.feedback_minus) } else { back };
        let gains = (&devices.gain_plus[dyads.clone()], &devices.gain_minus[dyads.clone()]);
        passes::add_feedback(batch, bias, gains, base, (back, back_minus), (&mut *plus, &mut *minus));
        if let Some(nodes) = &self.nodes {
            nodes.apply(self.layout(), layer, &dyads, batch, (&mut *plus, &mut *minus));
        }
        if let Some((low, high)) = self.chip.supply {
            elementwise::clip(plus, low, high);
            elementwise::clip(minus, low, high);
        }
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

    fn outputs(&self, state: &Matrix<T>, outputs: &mut Matrix<T>) {
        for layer in 0..self.layout().depth() {
            let dyads = 0..self.layout().neurons(layer);
            self.activate(layer, dyads.clone(), self.layout().dyads(layer, dyads, state), outputs);
        }
    }

    fn feed_forward(&self, scratch: &mut Scratch<T>) -> Matrix<T> {
        let mut state = Matrix::zeros(self.samples(), self.layout().width());
        scratch.feedback_minus.fill(T::zero());
        for layer in 0..self.layout().depth() {
            scratch.feedback[layer].fill(T::zero());
            self.forward_input(layer, scratch);
            self.sum_inputs(layer, self.layout().columns_mut(layer, &mut state), scratch);
            self.mean_and_difference(layer, &state, scratch);
        }
        state
    }

    fn damping(&self, layer: usize) -> f64 {
        self.damping[layer]
    }

    fn layered_subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Layered<T> + 'a> {
        Box::new(self.subset(samples))
    }
}
