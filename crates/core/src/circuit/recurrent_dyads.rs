//! Dyads in layers that speak both ways (docs/equilibrium.md): a recurrent circuit whose errors come back
//! through the transpose of its own coupling, symmetric or not.
//!
//! With `J` the coupling of all neurons (`W` forward, `F` back), means `s̄ = α s⁺ + ᾱ s⁻` and differences
//! `δ = s⁺ − s⁻`:
//!
//! `τ dv±/dt = J s̄ + b ± a± (Jᵀ δ − β ∇ℓ(s̄_L)) − v±`.
//!
//! To first order means follow the free circuit and `δ/β` is the adjoint at its equilibrium: the dyadic
//! equilibrium propagation of Scurria et al., arXiv 2602.03670 (2026), made of two compartments. Where no
//! layer speaks back (`F = 0`) it is the circuit of dual propagation.

use std::borrow::Cow;
use std::ops::Range;

use super::coupling::Coupling;
use super::dyad::{columns, columns_mut};
use super::limited_drive::Limits;
use super::nudge::Nudge;
use super::own_noise::of_compartments;
use super::{Dynamics, Scratch};
use crate::chip::{Chip, Weights};
use crate::device::{DeviceOffset, Dyads};
use crate::matrix::{Matrix, Real, elementwise, select_rows};
use crate::noise::{NoiseInput, SampleIds};
use crate::spec::{CircuitKind, NudgePoint};

/// A batch of recurrent networks of dyads on one chip: inputs, and a nudge if it is switched on.
#[derive(Clone, Debug)]
pub struct RecurrentDyads<'a, T: Real> {
    chip: &'a Chip<T>,
    coupling: Coupling<'a, T>,
    heard: Matrix<T>,
    nudge: Option<Nudge<T>>,
    sample_ids: SampleIds,
}

/// Means and differences, or moves of them, `[batch × neurons]` each.
struct Mixed<T: Real> {
    means: Matrix<T>,
    differences: Matrix<T>,
}

impl<'a, T: Real> RecurrentDyads<'a, T> {
    /// The free circuit on inputs `[batch × n_0]` (V).
    ///
    /// # Panics
    ///
    /// If the chip is not one of recurrent dyads.
    #[must_use]
    pub fn free(chip: &'a Chip<T>, weights: &'a Weights<T>, input: &Matrix<T>) -> Self {
        assert!(chip.layout.kind() == CircuitKind::RecurrentDyad, "a chip of recurrent dyads");
        let coupling = Coupling::new(chip.effective_weights(weights));
        let heard = coupling.hear(input);
        Self { chip, coupling, heard, nudge: None, sample_ids: SampleIds::first(input.nrows()) }
    }

    /// Sets the numbers of the samples, which name their noise; the default is `SampleIds::first`.
    #[must_use]
    pub fn with_sample_ids(self, sample_ids: SampleIds) -> Self {
        Self { sample_ids, ..self }
    }

    /// Switches a nudge on, at the mean of the outputs; a `β` of 0 leaves it off.
    #[must_use]
    pub fn nudged(self, nudge: Nudge<T>) -> Self {
        let nudge = (nudge.beta != 0.0).then_some(Nudge { at: NudgePoint::Mean, ..nudge });
        Self { nudge, ..self }
    }

    /// Means `s̄_k` and differences `δ_k` of every layer at a state, `[batch × n_k]` each (V).
    #[must_use]
    pub fn mixed(&self, state: &Matrix<T>) -> (Vec<Matrix<T>>, Vec<Matrix<T>>) {
        let Mixed { means, differences } = self.mix(state);
        let each = |all: &Matrix<T>| -> Vec<Matrix<T>> {
            (0..self.depth()).map(|layer| self.coupling.of(layer, all).into_owned()).collect()
        };
        (each(&means), each(&differences))
    }

    fn depth(&self) -> usize {
        self.chip.layout.depth()
    }

    fn neurons(&self) -> usize {
        self.chip.layout.width() / 2
    }

    fn blank(&self) -> Matrix<T> {
        Matrix::zeros(self.samples(), self.neurons())
    }

    fn limits(&self) -> Limits<'_, T> {
        Limits { periphery: &self.chip.periphery, rates: &self.chip.rates, supply: self.chip.supply }
    }

    fn mix(&self, state: &Matrix<T>) -> Mixed<T> {
        let mut mixed = Mixed { means: self.blank(), differences: self.blank() };
        for (layer, devices) in self.chip.layers.iter().enumerate() {
            devices.activation.mean_and_difference(Dyads {
                batch: self.samples(),
                mixing: &devices.mixing,
                offsets: (&devices.offset_plus, &devices.offset_minus),
                potentials: self.chip.layout.dyads(layer, 0..devices.mixing.len(), state),
                mean: columns_mut(&mut mixed.means, self.samples(), self.coupling.range(layer)),
                difference: columns_mut(&mut mixed.differences, self.samples(), self.coupling.range(layer)),
            });
        }
        mixed
    }

    /// Means and differences of moves of the outputs, `[batch × width]`.
    fn mix_moves(&self, moves: &Matrix<T>) -> Mixed<T> {
        let mut mixed = Mixed { means: self.blank(), differences: self.blank() };
        for (layer, devices) in self.chip.layers.iter().enumerate() {
            for (j, &alpha) in devices.mixing.iter().enumerate() {
                let [plus, minus] = self.columns_of(layer, j).map(|column| moves.column(column));
                let neuron = self.coupling.range(layer).start + j;
                mixed.means.column_mut(neuron).zip_zip_apply(&plus, &minus, |m, p, q| {
                    *m = alpha * p + (T::ONE - alpha) * q;
                });
                mixed.differences.column_mut(neuron).zip_zip_apply(&plus, &minus, |d, p, q| *d = p - q);
            }
        }
        mixed
    }

    /// Columns of the two compartments of a neuron.
    fn columns_of(&self, layer: usize, neuron: usize) -> [usize; 2] {
        let layout = &self.chip.layout;
        [layout.plus(layer).start + neuron, layout.minus(layer).start + neuron]
    }

    /// Adds `−β` times what `of` makes of the outputs (`[batch × n_L]`) to the errors.
    fn add_nudge(&self, errors: &mut Matrix<T>, of: impl Fn(&Nudge<T>, &mut Matrix<T>)) {
        let Some(nudge) = &self.nudge else { return };
        let top = self.depth() - 1;
        let mut slopes = Matrix::zeros(self.samples(), self.chip.layout.outputs());
        of(nudge, &mut slopes);
        let scale = T::of(-nudge.beta);
        self.coupling.of_mut(top, errors).zip_apply(&slopes, |error, slope| *error += scale * slope);
    }

    /// Puts sums and errors together: `u± = sum ± a± error`.
    fn assemble(&self, sums: &Matrix<T>, errors: &Matrix<T>, drive: &mut Matrix<T>) {
        for (layer, devices) in self.chip.layers.iter().enumerate() {
            for j in 0..devices.mixing.len() {
                let neuron = self.coupling.range(layer).start + j;
                let gains = [devices.gain_plus[j], -devices.gain_minus[j]];
                for (column, gain) in self.columns_of(layer, j).into_iter().zip(gains) {
                    let (sums, errors) = (sums.column(neuron), errors.column(neuron));
                    drive.column_mut(column).zip_zip_apply(&sums, &errors, |u, sum, e| *u = sum + gain * e);
                }
            }
        }
    }

    /// Zeroes moves of drives that a rail holds.
    fn close(&self, state: &Matrix<T>, moves: &mut Matrix<T>, scratch: &mut Scratch<T>) {
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

    /// All potentials at 0 V.
    fn free_state(&self) -> Matrix<T> {
        Matrix::zeros(self.samples(), self.width())
    }

    fn subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Dynamics<T> + 'a> {
        let nudge = self.nudge.as_ref();
        Box::new(RecurrentDyads {
            chip: self.chip,
            coupling: self.coupling.borrowed(),
            heard: select_rows(&self.heard, samples),
            nudge: nudge.map(|n| Nudge { target: select_rows(&n.target, samples), ..n.clone() }),
            sample_ids: self.sample_ids.subset(samples),
        })
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
        self.chip.periphery.slew.is_some()
            || self.chip.supply.is_some()
            || self.chip.layers.iter().any(|devices| !devices.activation.kinks().is_empty())
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

    fn noise_inputs(&self, _sample: usize, state: &[f64]) -> Vec<NoiseInput> {
        of_compartments(&self.chip.noise, state.len())
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
