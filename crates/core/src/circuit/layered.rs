//! What circuits of dyads in layers have beyond their dynamics: drives that can be computed layer by layer.

use std::ops::Range;

use super::{Dynamics, Scratch};
use crate::chip::Layout;
use crate::matrix::{Matrix, Real};

/// Dynamics of dyads in layers, whose drives can be computed layer by layer, and taken halves of: what a
/// layer hears from the one below, and what comes back to it from the one above.
///
/// Sweeps and multistep methods that correct one layer before the next hears it need this; everything else
/// needs [`Dynamics`] alone. States have the columns of [`Layout`].
pub trait Layered<T: Real>: Dynamics<T> {
    /// Returns which column of a state holds which compartment.
    fn layout(&self) -> &Layout;

    /// Returns the mixing `α` of the dyads of a layer.
    fn mixing(&self, layer: usize) -> &[T];

    /// Returns whether a nudge acts or differences are read (then a steady δ is part of being settled).
    fn nudged(&self) -> bool {
        false
    }

    /// Returns the same circuits with the nudge switched off; `None` if none acts.
    fn unnudged<'a>(&'a self) -> Option<Box<dyn Layered<T> + 'a>> {
        None
    }

    /// Computes means `s̄` and differences `δ` of some dyads of a layer, into the scratch, from the
    /// potentials (V) of their plus and minus compartments, column after column.
    ///
    /// For passes over a few dyads at a time, whose numbers stay at hand; the order of the dyads does not
    /// matter.
    fn mean_and_difference_of(
        &self,
        layer: usize,
        dyads: Range<usize>,
        potentials: (&[T], &[T]),
        scratch: &mut Scratch<T>,
    );

    /// Computes means `s̄` and differences `δ` of one layer at `state`, into the scratch.
    fn mean_and_difference(&self, layer: usize, state: &Matrix<T>, scratch: &mut Scratch<T>) {
        let dyads = 0..self.layout().neurons(layer);
        self.mean_and_difference_of(layer, dyads.clone(), self.layout().dyads(layer, dyads, state), scratch);
    }

    /// Computes the input of one layer from below, `W_k s̄_{k−1}`, from the scratch's means into the scratch.
    fn forward_input(&self, layer: usize, scratch: &mut Scratch<T>);

    /// Updates the input of one layer from below after the means there have moved from `before`.
    ///
    /// For sweeps in which few neurons move; what they change may be added instead of computed anew.
    fn forward_input_moved(&self, layer: usize, _before: &Matrix<T>, scratch: &mut Scratch<T>) {
        self.forward_input(layer, scratch);
    }

    /// Computes the feedback into one layer from the differences above, into the scratch: `F_{k+1}ᵀ δ_{k+1}`,
    /// or the nudge at the output.
    fn feedback_input(&self, layer: usize, scratch: &mut Scratch<T>);

    /// Sums the scratch's two inputs of some dyads of a layer to the drives (V) of their plus and minus
    /// compartments, column after column.
    fn sum_inputs_of(
        &self,
        layer: usize,
        dyads: Range<usize>,
        drives: (&mut [T], &mut [T]),
        scratch: &Scratch<T>,
    );

    /// Sums the scratch's two inputs of one layer to its drive (V): the layer's columns, one after the other.
    fn sum_inputs(&self, layer: usize, drive: &mut [T], scratch: &Scratch<T>) {
        let half = drive.len() / 2;
        self.sum_inputs_of(layer, 0..self.layout().neurons(layer), drive.split_at_mut(half), scratch);
    }

    /// Computes the drive of every compartment (V), up and down through the layers: [`Dynamics::drive`] of a
    /// layered circuit.
    fn drive_by_layers(&self, state: &Matrix<T>, drive: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        let depth = self.layout().depth();
        for layer in 0..depth {
            self.mean_and_difference(layer, state, scratch);
            self.forward_input(layer, scratch);
        }
        for layer in (0..depth).rev() {
            self.feedback_input(layer, scratch);
            self.sum_inputs(layer, self.layout().columns_mut(layer, drive), scratch);
        }
    }

    /// Computes the drive at the free state, right after [`Self::feed_forward`]: what comes back from dyads
    /// without a difference is zero, as the pass has left it.
    fn free_drive(&self, drive: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        let depth = self.layout().depth();
        for layer in (0..depth).rev() {
            if layer + 1 == depth || scratch.difference(layer + 1).iter().any(|&d| d != T::ZERO) {
                self.feedback_input(layer, scratch);
            }
            self.sum_inputs(layer, self.layout().columns_mut(layer, drive), scratch);
        }
    }

    /// Computes the drive of one layer alone, the other columns of `drive` untouched.
    fn drive_layer(&self, layer: usize, state: &Matrix<T>, drive: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        let depth = self.layout().depth();
        // What it hears: the mean below, the difference above, and at the top its own, through the nudge.
        for near in layer.saturating_sub(1)..(layer + 2).min(depth) {
            if near != layer || layer + 1 == depth {
                self.mean_and_difference(near, state, scratch);
            }
        }
        self.forward_input(layer, scratch);
        self.feedback_input(layer, scratch);
        self.sum_inputs(layer, self.layout().columns_mut(layer, drive), scratch);
    }

    /// Limits drives `u` (V) of some dyads of a layer to what their amplifiers at `potentials` (V) deliver;
    /// plus and minus compartments, column after column.
    fn limit_dyads(
        &self,
        _layer: usize,
        _dyads: Range<usize>,
        _potentials: (&[T], &[T]),
        _drives: (&mut [T], &mut [T]),
    ) {
    }

    /// Limits the drives of all layers: [`Dynamics::limit`] of a layered circuit.
    fn limit_by_layers(&self, state: &Matrix<T>, drive: &mut Matrix<T>) {
        if !self.is_limited() {
            return;
        }
        let layout = self.layout();
        for layer in 0..layout.depth() {
            let dyads = || 0..layout.neurons(layer);
            let potentials = layout.dyads(layer, dyads(), state);
            self.limit_dyads(layer, dyads(), potentials, layout.dyads_mut(layer, dyads(), drive));
        }
    }

    /// Computes the outputs `s = f(v)` of all compartments.
    fn outputs(&self, state: &Matrix<T>, outputs: &mut Matrix<T>);

    /// Returns the free equilibrium: the feed-forward state, both compartments alike (ideal devices); its
    /// means, differences and what each layer hears from below stay in the scratch.
    fn feed_forward(&self, scratch: &mut Scratch<T>) -> Matrix<T>;

    /// Returns the damping coefficient `L_k` of a layer for damped sweeps (Høier & Zach 2024).
    fn damping(&self, _layer: usize) -> f64 {
        0.0
    }

    /// Returns the same circuits for some of the samples, as layered ones.
    fn layered_subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Layered<T> + 'a>;
}
