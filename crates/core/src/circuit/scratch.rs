//! Buffers of one right-hand side, allocated once per batch.

use crate::chip::Layout;
use crate::matrix::{Matrix, Real, select_rows};

/// Work space for [`super::Dynamics`] calls of one batch size.
#[derive(Clone, Debug)]
pub struct Scratch<T> {
    /// Compartment outputs, `[batch × width]`; allocated on first use, by a nudge at `own` or a tangent.
    pub(super) outputs: Matrix<T>,
    /// `s̄_k` per layer.
    pub(super) means: Vec<Matrix<T>>,
    /// `δ_k` per layer.
    pub(super) differences: Vec<Matrix<T>>,
    /// Forward drives `W s̄` per layer, without bias; of the first layer only tangents have one, of zeros.
    pub(super) forward: Vec<Matrix<T>>,
    /// Feedback per layer, of the plus compartment (both, but for an `own` nudge).
    pub(super) feedback: Vec<Matrix<T>>,
    /// Loss gradient seen by the minus compartment of the output.
    pub(super) feedback_minus: Matrix<T>,
    /// Directions or slopes, `[batch × width]`; allocated on first use by a tangent.
    pub(super) slopes: Matrix<T>,
    /// Drives at the linearisation point, for clipping.
    pub(super) drives: Matrix<T>,
    /// Where the loss curvature is taken, `[batch × n_L]`.
    pub(super) point: Matrix<T>,
    /// The same for the minus compartment (nudge `own`).
    pub(super) point_minus: Matrix<T>,
    /// Squares of means or differences per layer; allocated on first use by read noise.
    pub(super) squares: Vec<Matrix<T>>,
}

impl<T: Real> Scratch<T> {
    /// Buffers for `samples` samples.
    #[must_use]
    pub fn new(layout: &Layout, samples: usize) -> Self {
        let buffer = |k| Matrix::zeros(samples, layout.neurons(k));
        let all = || (0..layout.depth()).map(buffer).collect::<Vec<_>>();
        // The circuit itself knows what the first layer hears.
        let forward = (0..layout.depth()).map(|k| if k == 0 { Matrix::zeros(0, 0) } else { buffer(k) });
        Self {
            means: all(),
            differences: all(),
            forward: forward.collect(),
            feedback: all(),
            feedback_minus: Matrix::zeros(samples, layout.outputs()),
            ..Self::flat(0, 0)
        }
    }

    /// Buffers for `samples` samples of a system of `width` compartments that is not built of layers: one for
    /// a state.
    #[must_use]
    pub fn flat(samples: usize, width: usize) -> Self {
        let nothing = || Matrix::zeros(0, 0);
        Self {
            outputs: Matrix::zeros(samples, width),
            means: Vec::new(),
            differences: Vec::new(),
            forward: Vec::new(),
            feedback: Vec::new(),
            feedback_minus: nothing(),
            slopes: nothing(),
            drives: nothing(),
            point: nothing(),
            point_minus: nothing(),
            squares: Vec::new(),
        }
    }

    /// A buffer of the size of a state, for what a system makes of it on the way to its drives.
    pub fn outputs_mut(&mut self) -> &mut Matrix<T> {
        &mut self.outputs
    }

    /// Means `s̄` of a layer as last mixed, `[batch × n]` (V).
    #[must_use]
    pub fn mean(&self, layer: usize) -> &Matrix<T> {
        &self.means[layer]
    }

    /// Takes a layer's means out before they are mixed anew, in exchange for a buffer of their size.
    pub fn swap_mean(&mut self, layer: usize, buffer: &mut Matrix<T>) {
        std::mem::swap(&mut self.means[layer], buffer);
    }

    /// Differences `δ` of a layer as last mixed, `[batch × n]` (V).
    #[must_use]
    pub fn difference(&self, layer: usize) -> &Matrix<T> {
        &self.differences[layer]
    }

    /// Input of a layer from below, `W_k s̄_{k−1}` without bias, as last computed, `[batch × n]` (V).
    #[must_use]
    pub fn weighted_input(&self, layer: usize) -> &Matrix<T> {
        &self.forward[layer]
    }

    /// Mutable [`Self::weighted_input`], for solvers that extrapolate it.
    pub fn weighted_input_mut(&mut self, layer: usize) -> &mut Matrix<T> {
        &mut self.forward[layer]
    }

    /// Copies the work space of some samples.
    #[must_use]
    pub fn subset(&self, rows: &[usize]) -> Self {
        let some = |matrix: &Matrix<T>| {
            if matrix.is_empty() { Matrix::zeros(0, 0) } else { select_rows(matrix, rows) }
        };
        let each = |layers: &[Matrix<T>]| layers.iter().map(some).collect();
        Self {
            outputs: some(&self.outputs),
            means: each(&self.means),
            differences: each(&self.differences),
            forward: each(&self.forward),
            feedback: each(&self.feedback),
            feedback_minus: some(&self.feedback_minus),
            slopes: some(&self.slopes),
            drives: some(&self.drives),
            point: some(&self.point),
            point_minus: some(&self.point_minus),
            squares: each(&self.squares),
        }
    }

    /// Makes room for compartment outputs, once.
    pub(super) fn prepare_outputs(&mut self, samples: usize, width: usize) {
        if self.outputs.shape() != (samples, width) {
            self.outputs = Matrix::zeros(samples, width);
        }
    }

    /// Makes room for squares, once.
    pub(super) fn prepare_squares(&mut self, layout: &Layout, samples: usize) {
        if self.squares.is_empty() {
            self.squares = (0..layout.depth()).map(|k| Matrix::zeros(samples, layout.neurons(k))).collect();
        }
    }

    /// Makes room for a tangent, once.
    pub(super) fn prepare_tangent(&mut self, layout: &Layout, samples: usize) {
        let (width, outputs) = (layout.width(), layout.outputs());
        self.prepare_outputs(samples, width);
        if self.slopes.shape() != (samples, width) {
            self.slopes = Matrix::zeros(samples, width);
            self.drives = Matrix::zeros(samples, width);
            self.forward[0] = Matrix::zeros(samples, layout.neurons(0));
            self.point = Matrix::zeros(samples, outputs);
            self.point_minus = Matrix::zeros(samples, outputs);
        }
    }
}
