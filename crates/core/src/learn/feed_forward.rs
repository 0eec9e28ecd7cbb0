//! The feed-forward states of a batch, errors on the way back, and their products.

use super::Gradient;
use crate::chip::{Chip, Devices, Weights};
use crate::device::Dyads;
use crate::matrix::elementwise::{clip, column_sums, scale_by};
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real};

/// What one batch needs.
#[derive(Debug)]
pub(super) struct Work<T: Real> {
    pub(super) samples: usize,
    pub(super) layers: Vec<Layer<T>>,
}

/// One layer of neurons; all `[batch × n]` (V).
#[derive(Debug)]
pub(super) struct Layer<T: Real> {
    /// Potentials, and on the way back errors.
    pub(super) potentials: Matrix<T>,
    pub(super) means: Matrix<T>,
    pub(super) slopes: Matrix<T>,
}

/// How errors come back to the layers below the outputs.
#[derive(Clone, Copy)]
pub(super) enum Way<'a, T: Real> {
    /// Layer by layer, through the synapses that this gives of a layer's.
    Through(fn(&Weights<T>, usize) -> &Matrix<T>),
    /// From the outputs to every layer, lowest first, through a matrix `[n_L × n_k]` of its own.
    Direct(&'a [Matrix<T>]),
}

impl<T: Real> Way<'_, T> {
    /// Back through the forward synapses.
    pub(super) const TRANSPOSES: Self = Self::Through(|weights, layer| &weights.forward[layer]);
}

impl<T: Real> Work<T> {
    pub(super) fn new(chip: &Chip<T>, samples: usize) -> Self {
        let layers =
            (0..chip.layout.depth()).map(|layer| Layer::new(samples, chip.layout.neurons(layer))).collect();
        Self { samples, layers }
    }

    /// Potentials, means and slopes of every layer.
    pub(super) fn up(&mut self, chip: &Chip<T>, weights: &Weights<T>, inputs: &Matrix<T>) {
        for k in 0..self.layers.len() {
            let (below, here) = self.layers.split_at_mut(k);
            let below = below.last().map_or(inputs, |layer| &layer.means);
            here[0].read(chip, weights, (k, T::ONE), below);
        }
    }

    /// What a layer reads: the means below it, or the inputs.
    pub(super) fn read_by<'a>(&'a self, layer: usize, inputs: &'a Matrix<T>) -> &'a Matrix<T> {
        layer.checked_sub(1).map_or(inputs, |below| &self.layers[below].means)
    }

    /// The error at the outputs, as `error` writes it.
    pub(super) fn top(&mut self, error: impl FnOnce(&Matrix<T>, &mut Matrix<T>)) {
        if let Some(Layer { potentials, means, .. }) = self.layers.last_mut() {
            error(means, potentials);
        }
    }

    /// Errors from the top down, and on the way the gradient, if it is wanted.
    pub(super) fn down(
        &mut self,
        weights: &Weights<T>,
        way: Way<'_, T>,
        inputs: &Matrix<T>,
        mut gradient: Option<&mut Gradient<T>>,
    ) {
        for k in (0..self.layers.len()).rev() {
            self.learn(k, inputs, gradient.as_deref_mut());
            let (below, here) = self.layers.split_at_mut(k);
            let (Some(below), Some(top)) = (below.last_mut(), here.last()) else { continue };
            let (error, synapses) = match way {
                Way::Through(synapses) => (&here[0].potentials, synapses(weights, k)),
                Way::Direct(matrices) => (&top.potentials, &matrices[k - 1]),
            };
            let out = below.potentials.as_view_mut();
            product::backward(out, Onto::Nothing, error.as_view(), synapses.as_view());
        }
    }

    /// A layer's error, which has come to it, times its slopes, and the layer's part of the gradient, if that
    /// is wanted.
    pub(super) fn learn(&mut self, layer: usize, inputs: &Matrix<T>, gradient: Option<&mut Gradient<T>>) {
        let scale = T::of(1.0 / self.samples as f64);
        let (below, here) = self.layers.split_at_mut(layer);
        let Layer { potentials: error, slopes, .. } = &mut here[0];
        scale_by(error.as_mut_slice(), slopes.as_slice());
        if let Some(gradient) = gradient {
            let states = below.last().map_or(inputs, |layer| &layer.means).as_view();
            let out = gradient.forward[layer].as_view_mut();
            product::correlate(out, Onto::Nothing, scale, error.as_view(), states);
            column_sums(error.as_slice(), self.samples, scale, &mut gradient.biases[layer]);
        }
    }
}

impl<T: Real> Layer<T> {
    pub(super) fn new(samples: usize, neurons: usize) -> Self {
        let blank = || Matrix::zeros(samples, neurons);
        Self { potentials: blank(), means: blank(), slopes: blank() }
    }

    /// Potentials, means and slopes of layer `k` that reads `below`; its biases count `times` as much.
    pub(super) fn read(
        &mut self,
        chip: &Chip<T>,
        weights: &Weights<T>,
        (k, times): (usize, T),
        below: &Matrix<T>,
    ) {
        let out = self.potentials.as_view_mut();
        product::forward(out, Onto::Nothing, below.as_view(), weights.forward[k].as_view());
        for (mut column, &b) in self.potentials.column_iter_mut().zip(&weights.biases[k]) {
            column.add_scalar_mut(times * b);
        }
        self.activate(&chip.layers[k], chip.supply);
    }

    /// Means `s̄` and their slopes `α f⁺′(v) + ᾱ f⁻′(v)`, zero where the drive is at a rail.
    fn activate(&mut self, devices: &Devices<T>, supply: Option<(T, T)>) {
        if let Some((low, high)) = supply {
            clip(self.potentials.as_mut_slice(), low, high);
        }
        if devices.has_device_offsets() {
            self.activate_each(devices);
        } else {
            devices.activation.apply(self.potentials.as_slice(), self.means.as_mut_slice());
            devices.activation.derivative(self.potentials.as_slice(), self.slopes.as_mut_slice());
        }
        if let Some((low, high)) = supply {
            self.slopes.zip_apply(&self.potentials, |slope, v| {
                *slope = if v > low && v < high { *slope } else { T::ZERO };
            });
        }
    }

    /// The same for compartments with offsets or scales of their own.
    fn activate_each(&mut self, devices: &Devices<T>) {
        let batch = self.potentials.nrows();
        let potentials = self.potentials.as_slice();
        // Of a neuron with one compartment both are that one.
        let minus =
            if devices.offset_minus.is_empty() { &devices.offset_plus } else { &devices.offset_minus };
        // The differences are not wanted, but a mix gives both: they pass through the slopes' buffer.
        devices.activation.mean_and_difference(Dyads {
            batch,
            mixing: &devices.mixing,
            offsets: (&devices.offset_plus, minus),
            potentials: (potentials, potentials),
            mean: self.means.as_mut_slice(),
            difference: self.slopes.as_mut_slice(),
        });
        let mut other = vec![T::ZERO; batch];
        for (j, (slopes, v)) in
            self.slopes.as_mut_slice().chunks_exact_mut(batch).zip(potentials.chunks_exact(batch)).enumerate()
        {
            devices.activation.derivative_offset(devices.offset_plus[j], v, slopes);
            devices.activation.derivative_offset(minus[j], v, &mut other);
            let (alpha, rest) = (devices.mixing[j], T::ONE - devices.mixing[j]);
            for (plus, &minus) in slopes.iter_mut().zip(&other) {
                *plus = alpha * *plus + rest * minus;
            }
        }
    }
}
