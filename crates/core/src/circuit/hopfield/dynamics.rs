//! The dynamics of the Hopfield circuit.

use std::borrow::Cow;
use std::ops::Range;

use super::HopfieldCircuit;
use crate::circuit::dyad::{columns, columns_mut};
use crate::circuit::{Dynamics, Scratch};
use crate::matrix::{Matrix, Real, elementwise};
use crate::noise::{NoiseInput, SampleIds};

impl<T: Real> Dynamics<T> for HopfieldCircuit<'_, T> {
    fn width(&self) -> usize {
        self.layout().width()
    }

    fn samples(&self) -> usize {
        self.heard.nrows()
    }

    fn rates(&self) -> &[T] {
        self.limits().rates
    }

    fn drive(&self, state: &Matrix<T>, drive: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        let outputs = scratch.outputs_mut();
        self.activate(state, outputs);
        let moved = self.turned.as_ref().map(|[rest, _]| &*outputs - rest);
        for layer in 0..self.layout().depth() {
            self.drive_layer(layer, outputs, moved.as_ref(), drive);
        }
    }

    fn is_layered(&self) -> bool {
        self.coupling.is_layered()
    }

    fn drive_half(
        &self,
        with_last: bool,
        state: &Matrix<T>,
        drive: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        let (last, outputs) = (self.layout().depth() - 1, scratch.outputs_mut());
        let computed = |layer: &usize| (last - layer).is_multiple_of(2) == with_last;
        // What is heard: the other layers, and of a nudge the outputs themselves.
        let heard = |layer: &usize| !computed(layer) || (*layer == last && self.nudge.is_some());
        (0..=last).filter(heard).for_each(|layer| self.activate_layer(layer, state, outputs));
        let moved = self.turned.as_ref().map(|[rest, _]| &*outputs - rest);
        for layer in (0..=last).filter(computed) {
            self.drive_layer(layer, outputs, moved.as_ref(), drive);
        }
    }

    fn tangent(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        let mut moved = Matrix::zeros(state.nrows(), state.ncols());
        self.slopes(state, &mut moved);
        moved.component_mul_assign(direction);
        image.fill(T::ZERO);
        self.pass(&moved, image, self.turned.is_some());
        self.add_curvature(state, &moved, image, scratch);
        self.close(state, image, scratch);
    }

    fn adjoint(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        let mut duals = direction.clone();
        self.close(state, &mut duals, scratch);
        image.fill(T::ZERO);
        self.pass(&duals, image, self.turned.is_none());
        self.add_curvature(state, &duals, image, scratch);
        let mut slopes = duals;
        self.slopes(state, &mut slopes);
        image.component_mul_assign(&slopes);
    }

    /// All potentials at 0 V, unless it starts elsewhere.
    fn free_state(&self) -> Matrix<T> {
        self.start.clone().unwrap_or_else(|| Matrix::zeros(self.samples(), self.width()))
    }

    fn subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Dynamics<T> + 'a> {
        Box::new(self.subset(samples))
    }

    fn slowest(&self) -> f64 {
        self.nodes.as_ref().map_or(self.chip.slowest, |nodes| nodes.slowest)
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
            let Range { mut start, .. } = self.layout().layer(layer);
            for run in devices.offset_plus.chunk_by(|a, b| a == b) {
                let range = start..start + run.len();
                let from = columns(state, batch, range.clone());
                devices.activation.derivative_offset(run[0], from, columns_mut(slopes, batch, range));
                start += run.len();
            }
        }
        if self.clamp.is_some() {
            // Nobody hears what the neurons of a clamped layer say.
            self.of_mut(self.layout().depth() - 1, slopes).fill(T::ZERO);
        }
    }

    fn is_limited(&self) -> bool {
        self.limits().act()
    }

    fn limit(&self, state: &Matrix<T>, drive: &mut Matrix<T>) {
        if self.is_limited() {
            self.limits().limit(0, state.nrows(), state.as_slice(), drive.as_mut_slice());
        }
    }

    fn noise_inputs(&self, sample: usize, state: &[f64]) -> Vec<NoiseInput> {
        self.inputs_at(sample, state)
    }

    fn noise_is_additive(&self) -> bool {
        self.chip.noise.read.is_none() && self.chip.noise.synapse_traps.is_none()
    }

    fn sample_ids(&self) -> Cow<'_, SampleIds> {
        Cow::Borrowed(&self.sample_ids)
    }
}

impl<T: Real> HopfieldCircuit<'_, T> {
    pub(super) fn flat_scratch(&self) -> Scratch<T> {
        Scratch::flat(self.samples(), self.layout().width())
    }

    /// Adds what moves of outputs do to the sums, through the coupling or its transpose.
    fn pass(&self, moves: &Matrix<T>, sums: &mut Matrix<T>, transposed: bool) {
        if transposed { self.coupling.couple_back(moves, sums) } else { self.coupling.couple(moves, sums) }
    }

    /// Computes the drives of a layer; `moved` are the outputs about those at which the coupling is turned.
    fn drive_layer(
        &self,
        layer: usize,
        outputs: &Matrix<T>,
        moved: Option<&Matrix<T>>,
        drive: &mut Matrix<T>,
    ) {
        let range = self.layout().layer(layer);
        if let (Some([_, heard]), Some(moved)) = (&self.turned, moved) {
            self.of_mut(layer, drive).copy_from(&self.of(layer, heard));
            self.coupling.couple_back_layer(layer, moved, drive);
        } else {
            self.coupling.fill_layer(layer, &self.heard, drive);
            self.coupling.couple_layer(layer, outputs, drive);
        }
        if layer + 1 == self.layout().depth() {
            self.add_nudge(outputs, drive);
        }
        let (batch, first) = (outputs.nrows(), range.start);
        let drives = columns_mut(drive, batch, range);
        if let Some(nodes) = &self.nodes {
            nodes.drive(first, batch, drives);
        }
        if let Some((low, high)) = self.chip.supply {
            elementwise::clip(drives, low, high);
        }
    }

    /// Adds `−β ∇ℓ` to the drives of the outputs.
    fn add_nudge(&self, outputs: &Matrix<T>, drive: &mut Matrix<T>) {
        let Some(nudge) = &self.nudge else { return };
        let (batch, top) = (outputs.nrows(), self.layout().depth() - 1);
        let own = columns(outputs, batch, self.layout().layer(top));
        let at = self.held_output.as_ref().map_or(own, |held| held.as_slice());
        let mut slope = Matrix::zeros(batch, self.layout().outputs());
        nudge.loss.gradient(batch, at, nudge.target.as_slice(), slope.as_mut_slice());
        let scale = T::of(-nudge.beta);
        let drives = columns_mut(drive, batch, self.layout().layer(top));
        drives.iter_mut().zip(slope.as_slice()).for_each(|(drive, &slope)| *drive += scale * slope);
    }

    /// Adds `−β ∇²ℓ` times the outputs' part of `moved`, which is symmetric.
    fn add_curvature(
        &self,
        state: &Matrix<T>,
        moved: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        let Some(nudge) = self.nudge.as_ref().filter(|_| self.held_output.is_none()) else { return };
        let (batch, top) = (state.nrows(), self.layout().depth() - 1);
        self.activate(state, scratch.outputs_mut());
        let range = self.layout().layer(top);
        let at = columns(scratch.outputs_mut(), batch, range.clone());
        let mut curved = Matrix::zeros(batch, self.layout().outputs());
        let along = columns(moved, batch, range.clone());
        nudge.loss.curvature(batch, at, along, curved.as_mut_slice());
        let scale = T::of(-nudge.beta);
        let images = columns_mut(image, batch, range);
        images.iter_mut().zip(curved.as_slice()).for_each(|(image, &curved)| *image += scale * curved);
    }

    /// Passes moves of sums through summing nodes and rails: diagonal, so for tangents and duals alike.
    pub(super) fn close(&self, state: &Matrix<T>, moves: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        if let Some(nodes) = &self.nodes {
            nodes.scale(0, state.nrows(), moves.as_mut_slice());
        }
        let Some((low, high)) = self.chip.supply else { return };
        let mut drive = Matrix::zeros(state.nrows(), state.ncols());
        self.drive(state, &mut drive, scratch);
        for (value, &drive) in moves.as_mut_slice().iter_mut().zip(drive.as_slice()) {
            if drive <= low || drive >= high {
                *value = T::ZERO;
            }
        }
    }
}
