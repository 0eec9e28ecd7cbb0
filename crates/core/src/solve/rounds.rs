//! Rounds `v ← u(v)` of systems that are not built of layers, or whose layers speak both ways.
//!
//! Where layers hear but their neighbours ([`Dynamics::is_layered`]) a round sets every second layer to its
//! drive and then the others, those of the output's parity: these alone are what the next round depends on.
//! Half the potentials, and twice the contraction for the same products, as both halves hear what is newest.

use std::ops::Range;

use crate::circuit::{Dynamics, Scratch};
use crate::matrix::elementwise::{max_abs_rows, max_distance_rows};
use crate::matrix::{Matrix, Real, select_rows};

/// A batch between its rounds.
pub(super) struct Rounds<T: Real> {
    /// Potentials, `[batch × width]` (V).
    pub state: Matrix<T>,
    /// Drives there (V).
    drive: Matrix<T>,
    scratch: Scratch<T>,
    /// Columns that a round depends on, and those that follow from them.
    source: Vec<Range<usize>>,
    follow: Vec<Range<usize>>,
    /// Per sample: `‖u − v‖∞` and `‖v‖∞` (V) when last checked; NaN if any is.
    pub residual: Vec<T>,
    /// See `residual`.
    pub size: Vec<T>,
}

impl<T: Real> Rounds<T> {
    /// Starts from a state.
    pub fn new(circuit: &dyn Dynamics<T>, state: Matrix<T>) -> Self {
        let (batch, width) = state.shape();
        let (mut source, mut follow) = (Vec::new(), Vec::new());
        for (age, layer) in circuit.layers().into_iter().rev().enumerate() {
            let own = age % 2 == 0 || !circuit.is_layered();
            if own { source.push(layer) } else { follow.push(layer) }
        }
        Self {
            drive: Matrix::zeros(batch, width),
            scratch: circuit.scratch(batch),
            source,
            follow,
            residual: vec![T::ZERO; batch],
            size: vec![T::ZERO; batch],
            state,
        }
    }

    /// Columns of the sources of rounds.
    pub fn source_width(&self) -> usize {
        self.source.iter().map(ExactSizeIterator::len).sum()
    }

    /// Computes drives, residuals and sizes; what follows from the source is set to its drives.
    pub fn check(&mut self, circuit: &dyn Dynamics<T>) {
        if self.follow.is_empty() {
            circuit.drive(&self.state, &mut self.drive, &mut self.scratch);
        } else {
            circuit.drive_half(false, &self.state, &mut self.drive, &mut self.scratch);
            for columns in &self.follow {
                let (first, n) = (columns.start, columns.len());
                self.state.columns_mut(first, n).copy_from(&self.drive.columns(first, n));
            }
            circuit.drive_half(true, &self.state, &mut self.drive, &mut self.scratch);
        }
        self.residual.fill(T::ZERO);
        self.size.fill(T::ZERO);
        max_distance_rows(self.drive.as_slice(), self.state.as_slice(), &mut self.residual);
        max_abs_rows(self.state.as_slice(), &mut self.size);
    }

    /// Copies the potentials that the next round depends on, `[batch × source_width]`.
    pub fn source(&self, source: &mut Matrix<T>) {
        gather(&self.source, &self.state, source);
    }

    /// Copies their drives, which a check has computed.
    pub fn image(&self, image: &mut Matrix<T>) {
        gather(&self.source, &self.drive, image);
    }

    /// Replaces the potentials that the next round depends on.
    pub fn set_source(&mut self, source: &Matrix<T>) {
        let mut from = 0;
        for columns in &self.source {
            let n = columns.len();
            self.state.columns_mut(columns.start, n).copy_from(&source.columns(from, n));
            from += n;
        }
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

/// Copies columns side by side.
fn gather<T: Real>(columns: &[Range<usize>], from: &Matrix<T>, to: &mut Matrix<T>) {
    let mut place = 0;
    for columns in columns {
        let n = columns.len();
        to.columns_mut(place, n).copy_from(&from.columns(columns.start, n));
        place += n;
    }
}
