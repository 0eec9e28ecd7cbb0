//! The dynamics of the dyadic circuit.

use std::borrow::Cow;
use std::ops::Range;

use super::{DyadCircuit, columns, columns_mut};
use crate::chip::{Chip, Weights};
use crate::circuit::{Circuit, Dynamics, Layered, Said, Scratch, Wired};
use crate::matrix::{Matrix, Real};
use crate::noise::{NoiseInput, SampleIds};

impl<T: Real> Dynamics<T> for DyadCircuit<'_, T> {
    fn width(&self) -> usize {
        self.chip.layout.width()
    }

    fn samples(&self) -> usize {
        self.weighted_input.nrows()
    }

    fn rates(&self) -> &[T] {
        self.nodes.as_ref().map_or(&self.chip.rates, |nodes| &nodes.rates)
    }

    fn drive(&self, state: &Matrix<T>, drive: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        self.drive_by_layers(state, drive, scratch);
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

    fn free_state(&self) -> Matrix<T> {
        self.feed_forward(&mut self.scratch(self.samples()))
    }

    fn subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Dynamics<T> + 'a> {
        Box::new(self.subset(samples))
    }

    fn slowest(&self) -> f64 {
        self.nodes.as_ref().map_or(self.chip.slowest, |nodes| nodes.slowest)
    }

    fn scratch(&self, samples: usize) -> Scratch<T> {
        Scratch::new(self.layout(), samples)
    }

    fn layers(&self) -> Vec<Range<usize>> {
        (0..self.layout().depth()).map(|layer| self.layout().layer(layer)).collect()
    }

    fn supply(&self) -> Option<(T, T)> {
        self.chip.supply
    }

    fn clock(&self) -> Option<f64> {
        self.chip.periphery.clock
    }

    fn is_kinked(&self) -> bool {
        self.chip.is_kinked()
    }

    fn regime(&self, state: &Matrix<T>, drive: &Matrix<T>, regime: &mut Matrix<T>) {
        self.slopes(state, regime);
        self.limits().add_to_regime(state, drive, regime);
    }

    fn slopes(&self, state: &Matrix<T>, slopes: &mut Matrix<T>) {
        let batch = state.nrows();
        for (layer, devices) in self.chip.layers.iter().enumerate() {
            if !devices.has_device_offsets() {
                let range = self.layout().layer(layer);
                let from = columns(state, batch, range.clone());
                devices.activation.derivative(from, columns_mut(slopes, batch, range));
                continue;
            }
            for (side, offsets) in [
                (self.layout().plus(layer), &devices.offset_plus),
                (self.layout().minus(layer), &devices.offset_minus),
            ] {
                for (column, &trim) in side.zip(offsets) {
                    let from = columns(state, batch, column..column + 1);
                    let to = columns_mut(slopes, batch, column..column + 1);
                    devices.activation.derivative_offset(trim, from, to);
                }
            }
        }
    }

    fn is_limited(&self) -> bool {
        self.limits().act()
    }

    fn limit(&self, state: &Matrix<T>, drive: &mut Matrix<T>) {
        self.limit_by_layers(state, drive);
    }

    fn noise_inputs(&self, sample: usize, state: &[f64]) -> Vec<NoiseInput> {
        self.inputs_at(sample, state)
    }

    fn sample_ids(&self) -> Cow<'_, SampleIds> {
        Cow::Borrowed(&self.sample_ids)
    }

    fn layered(&self) -> Option<&dyn Layered<T>> {
        Some(self)
    }

    fn noisy(&self) -> Option<&dyn Circuit<T>> {
        Some(self)
    }
}

impl<T: Real> Wired<T> for DyadCircuit<'_, T> {
    fn chip(&self) -> &Chip<T> {
        self.chip
    }

    fn effective_weights(&self) -> &Weights<T> {
        &self.weights
    }

    fn summing_node(&self, column: usize) -> (T, T) {
        self.node(column)
    }

    fn held(&self) -> Option<&Matrix<T>> {
        self.held_output.as_ref()
    }

    fn said(&self, layer: usize, state: &Matrix<T>) -> Said<T> {
        let (activity, difference) = self.mixed_of(layer, state);
        Said { activity, difference: Some(difference) }
    }

    fn wired_subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Wired<T> + 'a> {
        Box::new(self.subset(samples))
    }
}
