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

mod dynamics;

use super::coupling::Coupling;
use super::dyad::columns_mut;
use super::limited_drive::Limits;
use super::nudge::Nudge;
use super::{Dynamics, Said, Scratch, Wired};
use crate::chip::{Chip, Weights};
use crate::device::Dyads;
use crate::matrix::{Matrix, Real, select_rows};
use crate::noise::SampleIds;
use crate::spec::{CircuitKind, NudgePoint};

/// A batch of recurrent networks of dyads on one chip: inputs, and a nudge if it is switched on.
#[derive(Clone, Debug)]
pub struct RecurrentDyads<'a, T: Real> {
    chip: &'a Chip<T>,
    coupling: Coupling<'a, T>,
    heard: Matrix<T>,
    nudge: Option<Nudge<T>>,
    sample_ids: SampleIds,
    /// State from which relaxations start, where it is not 0 V (V).
    start: Option<Matrix<T>>,
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
        let sample_ids = SampleIds::first(input.nrows());
        Self { chip, coupling, heard, nudge: None, sample_ids, start: None }
    }

    /// Sets the numbers of the samples, which name their noise; the default is `SampleIds::first`.
    #[must_use]
    pub fn with_sample_ids(self, sample_ids: SampleIds) -> Self {
        Self { sample_ids, ..self }
    }

    /// Sets the state from which relaxations start that are given no other, `[batch × width]` (V); the
    /// default is 0 V.
    #[must_use]
    pub fn starting_at(self, state: Matrix<T>) -> Self {
        Self { start: Some(state), ..self }
    }

    /// Returns the same circuits for some of the samples, which may be named several times.
    #[must_use]
    pub fn subset(&self, samples: &[usize]) -> RecurrentDyads<'_, T> {
        let some = |matrix: &Matrix<T>| select_rows(matrix, samples);
        RecurrentDyads {
            chip: self.chip,
            coupling: self.coupling.borrowed(),
            heard: some(&self.heard),
            nudge: self.nudge.as_ref().map(|n| Nudge { target: some(&n.target), ..n.clone() }),
            sample_ids: self.sample_ids.subset(samples),
            start: self.start.as_ref().map(some),
        }
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

impl<T: Real> Wired<T> for RecurrentDyads<'_, T> {
    fn chip(&self) -> &Chip<T> {
        self.chip
    }

    fn effective_weights(&self) -> &Weights<T> {
        self.coupling.weights()
    }

    /// Ideal: amplifiers of these dyads are not modelled.
    fn summing_node(&self, _column: usize) -> (T, T) {
        (T::ONE, T::ZERO)
    }

    fn held(&self) -> Option<&Matrix<T>> {
        None
    }

    fn said(&self, layer: usize, state: &Matrix<T>) -> Said<T> {
        self.all_said(state).swap_remove(layer)
    }

    fn all_said(&self, state: &Matrix<T>) -> Vec<Said<T>> {
        let (means, differences) = self.mixed(state);
        let said = means.into_iter().zip(differences);
        said.map(|(activity, difference)| Said { activity, difference: Some(difference) }).collect()
    }

    fn wired_subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Wired<T> + 'a> {
        Box::new(self.subset(samples))
    }
}
