//! The synapses between the neurons of a layered network whose layers speak both ways.
//!
//! Columns are neurons, layer by layer, `[batch × n_1 + … + n_L]`.

use std::borrow::Cow;
use std::ops::Range;

use crate::chip::Weights;
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real, View, ViewMut};

/// Effective synapses: `W_k` forward, `F_k` back, and `L_k` within layers, where there are any.
#[derive(Clone, Debug)]
pub(crate) struct Coupling<'a, T: Real> {
    weights: Cow<'a, Weights<T>>,
    layers: Vec<Range<usize>>,
}

impl<'a, T: Real> Coupling<'a, T> {
    /// Of effective weights.
    pub fn new(weights: Cow<'a, Weights<T>>) -> Self {
        let mut end = 0;
        let range = |biases: &Vec<T>| {
            end += biases.len();
            end - biases.len()..end
        };
        let layers = weights.biases.iter().map(range).collect();
        Self { weights, layers }
    }

    /// The same synapses, borrowed.
    pub fn borrowed(&self) -> Coupling<'_, T> {
        Coupling { weights: Cow::Borrowed(&self.weights), layers: self.layers.clone() }
    }

    /// Effective weights.
    pub fn weights(&self) -> &Weights<T> {
        &self.weights
    }

    /// Which columns are those of a layer.
    pub fn range(&self, layer: usize) -> Range<usize> {
        self.layers[layer].clone()
    }

    /// The columns of a layer.
    pub fn of<'m>(&self, layer: usize, all: &'m Matrix<T>) -> View<'m, T> {
        let Range { start, end } = self.layers[layer];
        all.columns(start, end - start)
    }

    /// The columns of a layer, to be written.
    pub fn of_mut<'m>(&self, layer: usize, all: &'m mut Matrix<T>) -> ViewMut<'m, T> {
        let Range { start, end } = self.layers[layer];
        all.columns_mut(start, end - start)
    }

    /// What the first layer hears of inputs `[batch × n_0]`: `W_1 x + b_1`.
    pub fn hear(&self, input: &Matrix<T>) -> Matrix<T> {
        let first = &self.weights.forward[0];
        let mut heard = Matrix::zeros(input.nrows(), first.nrows());
        product::forward(heard.as_view_mut(), Onto::Nothing, input.as_view(), first.as_view());
        for (mut column, &b) in heard.column_iter_mut().zip(&self.weights.biases[0]) {
            column.add_scalar_mut(b);
        }
        heard
    }

    /// Sets sums to what neurons hear whatever the others say: their biases, and of the first layer the
    /// inputs.
    pub fn fill(&self, heard: &Matrix<T>, sums: &mut Matrix<T>) {
        (0..self.layers.len()).for_each(|layer| self.fill_layer(layer, heard, sums));
    }

    /// [`Self::fill`] of one layer.
    pub fn fill_layer(&self, layer: usize, heard: &Matrix<T>, sums: &mut Matrix<T>) {
        if layer == 0 {
            self.of_mut(0, sums).copy_from(heard);
            return;
        }
        for (mut column, &b) in self.of_mut(layer, sums).column_iter_mut().zip(&self.weights.biases[layer]) {
            column.fill(b);
        }
    }

    /// Adds what the outputs of all neurons are to the others: `W_k s_{k−1} + F_{k+1}ᵀ s_{k+1} + L_k s_k`.
    pub fn couple(&self, outputs: &Matrix<T>, sums: &mut Matrix<T>) {
        (0..self.layers.len()).for_each(|layer| self.couple_layer(layer, outputs, sums));
    }

    /// Synapses within a layer, if there are any.
    fn lateral(&self, layer: usize) -> Option<&Matrix<T>> {
        self.weights.lateral.as_ref().map(|lateral| &lateral[layer])
    }

    /// Whether layers hear the layers next to them alone.
    pub fn is_layered(&self) -> bool {
        self.weights.lateral.is_none()
    }

    /// [`Self::couple`] of one layer, which hears the layers next to it and, where there are lateral
    /// synapses, itself.
    pub fn couple_layer(&self, layer: usize, outputs: &Matrix<T>, sums: &mut Matrix<T>) {
        if layer > 0 {
            let (below, forward) = (self.of(layer - 1, outputs), self.weights.forward[layer].as_view());
            product::forward(self.of_mut(layer, sums), Onto::Sum, below, forward);
        }
        if layer + 1 < self.layers.len() {
            let (above, back) = (self.of(layer + 1, outputs), self.weights.feedback(layer + 1).as_view());
            product::backward(self.of_mut(layer, sums), Onto::Sum, above, back);
        }
        if let Some(lateral) = self.lateral(layer) {
            let own = self.of(layer, outputs);
            product::forward(self.of_mut(layer, sums), Onto::Sum, own, lateral.as_view());
        }
    }

    /// The transpose of [`Self::couple`]: adds `W_{k+1}ᵀ d_{k+1} + F_k d_{k−1} + L_kᵀ d_k`.
    pub fn couple_back(&self, duals: &Matrix<T>, sums: &mut Matrix<T>) {
        (0..self.layers.len()).for_each(|layer| self.couple_back_layer(layer, duals, sums));
    }

    /// [`Self::couple_back`] of one layer.
    pub fn couple_back_layer(&self, layer: usize, duals: &Matrix<T>, sums: &mut Matrix<T>) {
        if layer > 0 {
            let (below, back) = (self.of(layer - 1, duals), self.weights.feedback(layer).as_view());
            product::forward(self.of_mut(layer, sums), Onto::Sum, below, back);
        }
        if layer + 1 < self.layers.len() {
            let (above, forward) = (self.of(layer + 1, duals), self.weights.forward[layer + 1].as_view());
            product::backward(self.of_mut(layer, sums), Onto::Sum, above, forward);
        }
        if let Some(lateral) = self.lateral(layer) {
            let own = self.of(layer, duals);
            product::backward(self.of_mut(layer, sums), Onto::Sum, own, lateral.as_view());
        }
    }
}
