//! What a circuit is beside its dynamics, whatever its neurons are: a chip with synapses that says something.

use super::{DyadCircuit, Dynamics, HopfieldCircuit, PredictiveCircuit, RecurrentDyads};
use crate::chip::{Chip, Weights};
use crate::matrix::{Matrix, Real};
use crate::spec::CircuitKind;

/// What neurons of a layer say at a state, `[samples × neurons]` each (V).
#[derive(Clone, Debug)]
pub struct Said<T: Real> {
    /// Means `s̄` of dyads; outputs `s` of neurons of one compartment.
    pub activity: Matrix<T>,
    /// Differences `δ` of dyads.
    pub difference: Option<Matrix<T>>,
}

/// A batch of circuits on a chip, of any kind of neurons.
///
/// Who wires one needs to know of kinds ([`free_circuit`] and the nudges of each); who asks what becomes of
/// it does not.
pub trait Wired<T: Real>: Dynamics<T> {
    /// Returns the chip.
    fn chip(&self) -> &Chip<T>;

    /// Returns the gains of its synapses as its devices make them.
    fn effective_weights(&self) -> &Weights<T>;

    /// Returns gain and output offset (V) of the summing node of a state column.
    fn summing_node(&self, column: usize) -> (T, T);

    /// Returns the outputs at which a nudge of kind `free` takes the loss gradient, `[samples × n_L]` (V).
    fn held(&self) -> Option<&Matrix<T>>;

    /// Computes what the neurons of a layer say at a state.
    fn said(&self, layer: usize, state: &Matrix<T>) -> Said<T>;

    /// Returns the same circuits for some of the samples, which may be named several times.
    fn wired_subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Wired<T> + 'a>;

    /// Computes what the neurons of all layers say at a state.
    fn all_said(&self, state: &Matrix<T>) -> Vec<Said<T>> {
        (0..self.chip().layout.depth()).map(|layer| self.said(layer, state)).collect()
    }
}

/// The free circuit of a chip on inputs `[samples × n_0]` (V), of the kind that the chip is of.
#[must_use]
pub fn free_circuit<'a, T: Real>(
    chip: &'a Chip<T>,
    weights: &'a Weights<T>,
    inputs: &Matrix<T>,
) -> Box<dyn Wired<T> + 'a> {
    match chip.layout.kind() {
        CircuitKind::Dyad => Box::new(DyadCircuit::free(chip, weights, inputs)),
        CircuitKind::Hopfield => Box::new(HopfieldCircuit::free(chip, weights, inputs)),
        CircuitKind::RecurrentDyad => Box::new(RecurrentDyads::free(chip, weights, inputs)),
        CircuitKind::PredictiveCoding => Box::new(PredictiveCircuit::free(chip, weights, inputs)),
    }
}
