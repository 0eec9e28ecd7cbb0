//! Half-sweeps that keep what they compute: down with feedback products alone, up with forward products
//! alone.
//!
//! A drive has two halves: what a layer hears from below, a function of the means there, and what comes back,
//! a function of the differences above. A sweep down leaves the first as it is, a sweep up the second. Only
//! halves whose source has moved are computed again, one product each, and where few means have moved
//! (rectifiers: those of dyads with a kink between their compartments) only what they change.

use crate::circuit::{Layered, Scratch};
use crate::matrix::elementwise::{differ, max_abs_rows, max_distance_rows};
use crate::matrix::{Matrix, Real, select_rows};

/// A batch that is swept.
pub(super) struct HalfSweeps<T: Real> {
    /// Potentials, `[batch × width]` (V).
    pub state: Matrix<T>,
    /// Drive of one layer.
    drive: Vec<T>,
    scratch: Scratch<T>,
    /// Means of every layer before they were mixed anew.
    before: Vec<Matrix<T>>,
    /// Layers that hear something else than the scratch says, because the mean below has moved.
    stale: Vec<bool>,
    /// Layers of which the scratch says what was extrapolated, not what they heard from the means before.
    extrapolated: Vec<bool>,
    /// Per sample: `‖u − v‖∞` and `‖v‖∞` (V) when last checked; NaN if any is.
    pub residual: Vec<T>,
    /// See `residual`.
    pub size: Vec<T>,
}

impl<T: Real> HalfSweeps<T> {
    /// Starts from the free state; the feed-forward pass has left its inputs in the scratch.
    pub fn from_free(circuit: &dyn Layered<T>) -> Self {
        let mut scratch = circuit.scratch(circuit.samples());
        let state = circuit.feed_forward(&mut scratch);
        Self::with(circuit, state, scratch)
    }

    /// Starts from any state, at which it computes the input of every layer.
    pub fn from_state(circuit: &dyn Layered<T>, state: Matrix<T>) -> Self {
        let mut scratch = circuit.scratch(circuit.samples());
        for layer in 0..circuit.layout().depth() {
            circuit.mean_and_difference(layer, &state, &mut scratch);
            circuit.forward_input(layer, &mut scratch);
        }
        Self::with(circuit, state, scratch)
    }

    fn with(circuit: &dyn Layered<T>, state: Matrix<T>, scratch: Scratch<T>) -> Self {
        let batch = state.nrows();
        let layout = circuit.layout();
        Self {
            drive: Vec::new(),
            before: (0..layout.depth()).map(|k| Matrix::zeros(batch, layout.neurons(k))).collect(),
            stale: vec![false; layout.depth()],
            extrapolated: vec![false; layout.depth()],
            residual: vec![T::ZERO; batch],
            size: vec![T::ZERO; batch],
            state,
            scratch,
        }
    }

    /// Sweeps from the output to the first layer: feedback is new, inputs from below are the old ones.
    pub fn down(&mut self, circuit: &dyn Layered<T>) {
        for layer in (0..self.stale.len()).rev() {
            circuit.feedback_input(layer, &mut self.scratch);
            self.assign(circuit, layer);
        }
    }

    /// Sweeps from the second layer to the output, after a check: inputs from below are new, feedback is the
    /// old one.
    ///
    /// The first layer's drive is still the one that it took in the sweep down.
    pub fn up(&mut self, circuit: &dyn Layered<T>) {
        for layer in 1..self.stale.len() {
            self.listen(circuit, layer);
            self.assign(circuit, layer);
        }
    }

    /// The residual of the state after a sweep down, evaluated.
    ///
    /// A layer none of whose halves has changed since it took its drive is exactly at rest, and is not
    /// evaluated again: only what is heard from a mean that has moved, and the nudge, which follows the
    /// output itself, can differ.
    pub fn check(&mut self, circuit: &dyn Layered<T>) {
        let top = self.stale.len() - 1;
        self.residual.fill(T::ZERO);
        self.size.fill(T::ZERO);
        max_abs_rows(self.state.as_slice(), &mut self.size);
        for layer in 0..=top {
            if !self.listen(circuit, layer) && layer < top {
                continue;
            }
            if layer == top {
                circuit.feedback_input(layer, &mut self.scratch);
            }
            let state = circuit.layout().columns_mut(layer, &mut self.state);
            self.drive.resize(state.len(), T::ZERO);
            circuit.sum_inputs(layer, &mut self.drive, &self.scratch);
            max_distance_rows(&self.drive, state, &mut self.residual);
        }
    }

    /// Computes what a layer hears if it has changed; whether it had.
    fn listen(&mut self, circuit: &dyn Layered<T>, layer: usize) -> bool {
        let stale = std::mem::take(&mut self.stale[layer]);
        if std::mem::take(&mut self.extrapolated[layer]) {
            circuit.forward_input(layer, &mut self.scratch);
        } else if stale {
            circuit.forward_input_moved(layer, &self.before[layer - 1], &mut self.scratch);
        }
        stale
    }

    /// Sets a layer to the potentials at which its drive balances its leak.
    fn assign(&mut self, circuit: &dyn Layered<T>, layer: usize) {
        circuit.sum_inputs(layer, circuit.layout().columns_mut(layer, &mut self.state), &self.scratch);
        self.scratch.swap_mean(layer, &mut self.before[layer]);
        circuit.mean_and_difference(layer, &self.state, &mut self.scratch);
        if layer + 1 < self.stale.len() {
            self.stale[layer + 1] |=
                differ(self.scratch.mean(layer).as_slice(), self.before[layer].as_slice());
        }
    }

    /// Copies what the next sweep down depends on: the layers' inputs and the output's potentials.
    pub fn source(&self, circuit: &dyn Layered<T>, source: &mut Matrix<T>) {
        let (batch, top) = (self.state.nrows(), self.stale.len() - 1);
        let columns = circuit.layout().layer(top);
        let output = &self.state.as_slice()[columns.start * batch..columns.end * batch];
        let mut rest = source.as_mut_slice();
        let weighted_input = (1..=top).map(|layer| self.scratch.weighted_input(layer).as_slice());
        for part in weighted_input.chain([output]) {
            let (here, after) = rest.split_at_mut(part.len());
            here.copy_from_slice(part);
            rest = after;
        }
    }

    /// Columns of a source.
    pub fn source_width(circuit: &dyn Layered<T>) -> usize {
        let layout = circuit.layout();
        (1..layout.depth()).map(|layer| layout.neurons(layer)).sum::<usize>() + 2 * layout.outputs()
    }

    /// Replaces the source of the next sweep down; the layers' true inputs are then computed afterwards.
    pub fn set_source(&mut self, circuit: &dyn Layered<T>, source: &Matrix<T>) {
        let (batch, top) = (self.state.nrows(), self.stale.len() - 1);
        let mut rest = source.as_slice();
        for layer in 1..=top {
            let weighted_input = self.scratch.weighted_input_mut(layer).as_mut_slice();
            let (here, after) = rest.split_at(weighted_input.len());
            weighted_input.copy_from_slice(here);
            rest = after;
            (self.stale[layer], self.extrapolated[layer]) = (true, true);
        }
        let columns = circuit.layout().layer(top);
        self.state.as_mut_slice()[columns.start * batch..columns.end * batch].copy_from_slice(rest);
        circuit.mean_and_difference(top, &self.state, &mut self.scratch);
    }

    /// Keeps only some rows.
    pub fn keep(&mut self, rows: &[usize]) {
        self.state = select_rows(&self.state, rows);
        self.scratch = self.scratch.subset(rows);
        for mean in &mut self.before {
            *mean = Matrix::zeros(rows.len(), mean.ncols());
        }
        self.residual = rows.iter().map(|&row| self.residual[row]).collect();
        self.size = rows.iter().map(|&row| self.size[row]).collect();
    }
}
