//! Which column of a state matrix holds which compartment.
//!
//! A state is one matrix `[batch × width]`, column-major: each compartment's samples lie together, and so
//! do the columns of a layer, plus compartments before minus ones. Where neurons have one compartment, it is
//! the plus one, and there are no minus ones.

use std::ops::Range;

use crate::matrix::{Matrix, Real};
use crate::spec::CircuitKind;

/// Columns of the compartments of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    inputs: usize,
    neurons: Vec<usize>,
    starts: Vec<usize>,
    width: usize,
    kind: CircuitKind,
}

impl Layout {
    /// Layout of dyads in a network given as neurons per layer, input first.
    ///
    /// # Panics
    ///
    /// If there are fewer than two layers; the door lets no such network in.
    #[must_use]
    pub fn new(network: &[usize]) -> Self {
        Self::of(CircuitKind::Dyad, network)
    }

    /// Layout of neurons of a kind in a network given as neurons per layer, input first.
    ///
    /// # Panics
    ///
    /// If there are fewer than two layers; the door lets no such network in.
    #[must_use]
    pub fn of(kind: CircuitKind, network: &[usize]) -> Self {
        assert!(network.len() >= 2, "a network has an input and an output");
        let neurons = network[1..].to_vec();
        let (mut width, compartments) = (0, kind.compartments());
        let starts = neurons
            .iter()
            .map(|n| {
                let start = width;
                width += compartments * n;
                start
            })
            .collect();
        Self { inputs: network[0], neurons, starts, width, kind }
    }

    /// Kind of its neurons.
    #[must_use]
    pub fn kind(&self) -> CircuitKind {
        self.kind
    }

    /// Number of layers of neurons, `L`.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.neurons.len()
    }

    /// Inputs `n_0`.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Returns the number of synapses of all layers.
    #[must_use]
    pub fn synapses(&self) -> usize {
        self.network().windows(2).map(|pair| pair[0] * pair[1]).sum()
    }

    /// Neurons of the output layer, `n_L`.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.neurons[self.depth() - 1]
    }

    /// Neurons of a layer, counted from 0.
    #[must_use]
    pub fn neurons(&self, layer: usize) -> usize {
        self.neurons[layer]
    }

    /// Most neurons in any layer.
    #[must_use]
    pub fn widest(&self) -> usize {
        self.neurons.iter().copied().max().unwrap_or(0)
    }

    /// Columns of a state matrix: one per compartment.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Columns of the plus compartments of a layer.
    #[must_use]
    pub fn plus(&self, layer: usize) -> Range<usize> {
        self.starts[layer]..self.starts[layer] + self.neurons[layer]
    }

    /// Columns of the minus compartments of a layer; none where neurons have one compartment.
    #[must_use]
    pub fn minus(&self, layer: usize) -> Range<usize> {
        self.plus(layer).end..self.layer(layer).end
    }

    /// Columns of a whole layer.
    #[must_use]
    pub fn layer(&self, layer: usize) -> Range<usize> {
        self.starts[layer]..self.starts[layer] + self.kind.compartments() * self.neurons[layer]
    }

    /// Potentials of the plus and minus compartments of some dyads of a layer, column after column.
    ///
    /// # Panics
    ///
    /// If the state is narrower than this layout.
    pub fn dyads<'a, T: Real>(
        &self,
        layer: usize,
        dyads: Range<usize>,
        state: &'a Matrix<T>,
    ) -> (&'a [T], &'a [T]) {
        let (rows, values) = (state.nrows(), state.as_slice());
        let of = |first: usize| &values[(first + dyads.start) * rows..(first + dyads.end) * rows];
        (of(self.plus(layer).start), of(self.minus(layer).start))
    }

    /// Mutable [`Self::dyads`].
    ///
    /// # Panics
    ///
    /// If the state is narrower than this layout.
    pub fn dyads_mut<'a, T: Real>(
        &self,
        layer: usize,
        dyads: Range<usize>,
        state: &'a mut Matrix<T>,
    ) -> (&'a mut [T], &'a mut [T]) {
        let (rows, half) = (state.nrows(), self.neurons(layer));
        let (plus, minus) = self.columns_mut(layer, state).split_at_mut(half * rows);
        let range = dyads.start * rows..dyads.end * rows;
        (&mut plus[range.clone()], &mut minus[range])
    }

    /// The columns of a layer in a state, one after the other.
    ///
    /// # Panics
    ///
    /// If the state is narrower than this layout.
    pub fn columns_mut<'a, T: Real>(&self, layer: usize, state: &'a mut Matrix<T>) -> &'a mut [T] {
        let (rows, range) = (state.nrows(), self.layer(layer));
        &mut state.as_mut_slice()[range.start * rows..range.end * rows]
    }

    /// Neurons per layer, input first.
    #[must_use]
    pub fn network(&self) -> Vec<usize> {
        std::iter::once(self.inputs).chain(self.neurons.iter().copied()).collect()
    }
}
