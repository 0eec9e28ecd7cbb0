//! The dynamics of recurrent dyads.

use std::borrow::Cow;
use std::ops::Range;

use super::{Mixed, RecurrentDyads};
use crate::circuit::alike::Inputs;
use crate::circuit::dyad::{columns, columns_mut};
use crate::circuit::nudge::Nudge;
use crate::circuit::{Dynamics, Scratch};
use crate::device::DeviceOffset;
use crate::matrix::{Matrix, Real, elementwise};
use crate::noise::{NoiseInput, SampleIds};

impl<T: Real> Dynamics<T> for RecurrentDyads<'_, T> {
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
        let Mixed { means, differences } = self.mix(state);
        let (mut sums, mut errors) = (self.blank(), self.blank());
        self.coupling.fill(&self.heard, &mut sums);
        self.coupling.couple(&means, &mut sums);
        self.coupling.couple_back(&differences, &mut errors);
        let outputs = self.coupling.range(self.depth() - 1);
        self.add_nudge(&mut errors, |nudge, slopes| {
            let at = columns(&means, self.samples(), outputs.clone());
            nudge.loss.gradient(self.samples(), at, nudge.target.as_slice(), slopes.as_mut_slice());
        });
        self.assemble(&sums, &errors, drive);
        if let Some((low, high)) = self.chip.supply {
            elementwise::clip(drive.as_mut_slice(), low, high);
        }
    }

    fn tangent(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        let mut moves = Matrix::zeros(state.nrows(), state.ncols());
        self.slopes(state, &mut moves);
        moves.component_mul_assign(direction);
        let Mixed { means, differences } = self.mix_moves(&moves);
        let (mut sums, mut errors) = (self.blank(), self.blank());
        self.coupling.couple(&means, &mut sums);
        self.coupling.couple_back(&differences, &mut errors);
        self.add_nudge(&mut errors, |nudge, slopes| self.curve(nudge, state, &means, slopes));
        self.assemble(&sums, &errors, image);
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
        // Of sums `λ⁺ + λ⁻`, of errors `a⁺ λ⁺ − a⁻ λ⁻`.
        let (mut sums, mut errors) = (self.blank(), self.blank());
        for (layer, devices) in self.chip.layers.iter().enumerate() {
            for j in 0..devices.mixing.len() {
                let neuron = self.coupling.range(layer).start + j;
                let [plus, minus] = self.columns_of(layer, j).map(|column| duals.column(column));
                let (up, down) = (devices.gain_plus[j], devices.gain_minus[j]);
                sums.column_mut(neuron).zip_zip_apply(&plus, &minus, |sum, p, q| *sum = p + q);
                errors.column_mut(neuron).zip_zip_apply(&plus, &minus, |e, p, q| *e = up * p - down * q);
            }
        }
        let (mut means, mut differences) = (self.blank(), self.blank());
        self.coupling.couple_back(&sums, &mut means);
        self.coupling.couple(&errors, &mut differences);
        self.add_nudge(&mut means, |nudge, slopes| self.curve(nudge, state, &errors, slopes));
        let mut slopes = duals;
        self.slopes(state, &mut slopes);
        for (layer, devices) in self.chip.layers.iter().enumerate() {
            for (j, &alpha) in devices.mixing.iter().enumerate() {
                let neuron = self.coupling.range(layer).start + j;
                let shares = [(alpha, T::ONE), (T::ONE - alpha, -T::ONE)];
                for (column, (share, sign)) in self.columns_of(layer, j).into_iter().zip(shares) {
                    let (means, differences) = (means.column(neuron), differences.column(neuron));
                    image
                        .column_mut(column)
                        .zip_zip_apply(&means, &differences, |v, m, d| *v = share * m + sign * d);
                }
            }
        }
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
        self.chip.slowest
    }

    fn layers(&self) -> Vec<Range<usize>> {
        (0..self.depth()).map(|layer| self.chip.layout.layer(layer)).collect()
    }

    fn supply(&self) -> Option<(T, T)> {
        self.chip.supply
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
            let sides = [
                (self.chip.layout.plus(layer), &devices.offset_plus),
                (self.chip.layout.minus(layer), &devices.offset_minus),
            ];
            for (side, offsets) in sides {
                for (column, &own) in side.zip(offsets as &Vec<DeviceOffset<T>>) {
                    let from = columns(state, batch, column..column + 1);
                    let to = columns_mut(slopes, batch, column..column + 1);
                    devices.activation.derivative_offset(own, from, to);
                }
            }
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

    fn noise_inputs(&self, _sample: usize, _state: &[f64]) -> Vec<NoiseInput> {
        let mut inputs = Inputs::of(&self.chip.noise, &self.chip.layout);
        inputs.add_surroundings(&self.coupling.weights().forward[0]);
        inputs.all()
    }

    fn noise_is_additive(&self) -> bool {
        true
    }

    fn sample_ids(&self) -> Cow<'_, SampleIds> {
        Cow::Borrowed(&self.sample_ids)
    }
}

impl<T: Real> RecurrentDyads<'_, T> {
    /// `∇²ℓ` at the mean outputs of a state, times the outputs' part of `along`.
    fn curve(&self, nudge: &Nudge<T>, state: &Matrix<T>, along: &Matrix<T>, slopes: &mut Matrix<T>) {
        let (batch, outputs) = (self.samples(), self.coupling.range(self.depth() - 1));
        let means = self.mix(state).means;
        let (at, along) = (columns(&means, batch, outputs.clone()), columns(along, batch, outputs));
        nudge.loss.curvature(batch, at, along, slopes.as_mut_slice());
    }
}
