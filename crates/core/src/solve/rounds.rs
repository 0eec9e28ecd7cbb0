//! Rounds `v ← u(v)` of systems that are not built of layers.

use crate::circuit::{Dynamics, Scratch};
use crate::matrix::elementwise::{max_abs_rows, max_distance_rows};
use crate::matrix::{Matrix, Real, select_rows};

/// A batch between its rounds.
pub(super) struct Rounds<T: Real> {
    /// Potentials, `[batch × width]` (V).
    pub state: Matrix<T>,
    /// Drives there (V).
    pub drive: Matrix<T>,
    scratch: Scratch<T>,
    /// Per sample: `‖u − v‖∞` and `‖v‖∞` (V) when last checked; NaN if any is.
    pub residual: Vec<T>,
    /// See `residual`.
    pub size: Vec<T>,
}

impl<T: Real> Rounds<T> {
    /// Starts from a state.
    pub fn new(circuit: &dyn Dynamics<T>, state: Matrix<T>) -> Self {
        let (batch, width) = state.shape();
        Self {
            drive: Matrix::zeros(batch, width),
            scratch: circuit.scratch(batch),
            residual: vec![T::ZERO; batch],
            size: vec![T::ZERO; batch],
            state,
        }
    }

    /// Computes drives, residuals and sizes.
    pub fn check(&mut self, circuit: &dyn Dynamics<T>) {
        circuit.drive(&self.state, &mut self.drive, &mut self.scratch);
        self.residual.fill(T::ZERO);
        self.size.fill(T::ZERO);
        max_distance_rows(self.drive.as_slice(), self.state.as_slice(), &mut self.residual);
        max_abs_rows(self.state.as_slice(), &mut self.size);
    }

    /// Keeps only some rows.
    pub fn keep(&mut self, rows: &[usize]) {
        self.state = select_rows(&self.state, rows);
        self.drive = select_rows(&self.drive, rows);
    }

    /// Makes work space for the circuits that are left.
    pub fn fit(&mut self, circuit: &dyn Dynamics<T>) {
        let batch = circuit.samples();
        self.scratch = circuit.scratch(batch);
        self.residual.truncate(batch);
        self.size.truncate(batch);
    }
}
