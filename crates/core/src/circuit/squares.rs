//! Squares of synapses and inputs: what read noise is made of.

use std::sync::Arc;

use crate::chip::Weights;
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real, select_rows};

/// Squares of synapses and inputs.
#[derive(Clone, Debug)]
pub(super) struct Squares<T: Real> {
    /// `W_k ∘ W_k` and `F_k ∘ F_k`.
    pub weights: Arc<[Vec<Matrix<T>>; 2]>,
    /// `(W_1 ∘ W_1)(x ∘ x)`, `[batch × n_1]` (V²).
    pub weighted_input: Matrix<T>,
}

impl<T: Real> Squares<T> {
    /// Of all synapses, and of inputs `[batch × n_0]` (V).
    pub fn new(weights: &Weights<T>, input: &Matrix<T>) -> Self {
        let squared = |m: &Matrix<T>| m.component_mul(m);
        let forward: Vec<_> = weights.forward.iter().map(squared).collect();
        let feedback = weights.feedback.as_ref().map_or(forward.clone(), |f| f.iter().map(squared).collect());
        let mut weighted_input = Matrix::zeros(input.nrows(), forward[0].nrows());
        product::forward(
            weighted_input.as_view_mut(),
            Onto::Nothing,
            squared(input).as_view(),
            forward[0].as_view(),
        );
        Self { weights: Arc::new([forward, feedback]), weighted_input }
    }

    /// Of some of the samples.
    pub fn subset(&self, samples: &[usize]) -> Self {
        Self { weights: self.weights.clone(), weighted_input: select_rows(&self.weighted_input, samples) }
    }
}
