//! What the Hopfield circuit is beside its dynamics.

use super::HopfieldCircuit;
use crate::chip::{Chip, Weights};
use crate::circuit::{Said, Wired};
use crate::matrix::{Matrix, Real};

impl<T: Real> Wired<T> for HopfieldCircuit<'_, T> {
    fn chip(&self) -> &Chip<T> {
        self.chip
    }

    fn effective_weights(&self) -> &Weights<T> {
        self.weights()
    }

    fn summing_node(&self, column: usize) -> (T, T) {
        self.nodes.as_ref().map_or((T::ONE, T::ZERO), |nodes| nodes.of(column))
    }

    fn held(&self) -> Option<&Matrix<T>> {
        self.held_output.as_ref()
    }

    fn said(&self, layer: usize, state: &Matrix<T>) -> Said<T> {
        Said { activity: self.outputs(state).swap_remove(layer), difference: None }
    }

    fn all_said(&self, state: &Matrix<T>) -> Vec<Said<T>> {
        let said = self.outputs(state).into_iter();
        said.map(|activity| Said { activity, difference: None }).collect()
    }

    fn wired_subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Wired<T> + 'a> {
        Box::new(self.subset(samples))
    }
}
