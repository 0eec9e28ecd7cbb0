//! Rounds `v ← u(v)` of systems that are not built of layers, or whose layers speak both ways.
//!
//! Where layers hear but their neighbours ([`Dynamics::is_layered`]) a round sets every second layer to its
//! drive and then the others, those of the output's parity: these alone are what the next round depends on.
//! Half the potentials, and twice the contraction for the same products, as both halves hear what is newest.

use std::ops::Range;

use crate::circuit::{Dynamics, Scratch};
use crate::matrix::elementwise::{max_abs_rows, max_distance_rows};
use crate::matrix::{Matrix, Real, select_rows};

/// First step of an approach (fastest τ), its shortest, and most steps.
const STEP: (f64, f64, usize) = (0.5, 0.05, 40);
/// An approach is over where no potential is farther from its drive than this part of the largest.
const NEAR: f64 = 0.02;

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

    /// Follows the circuit roughly, `τ dv/dt = u(v) − v` by Euler's method, until it is near a fixed point;
    /// returns how many drives that took.
    ///
    /// A circuit that closes loops may have several fixed points. Rounds find one of them, in large strides;
    /// this is for the one that the circuit itself comes to.
    pub fn approach(&mut self, circuit: &dyn Dynamics<T>) -> u64 {
        let fastest = circuit.rates().iter().fold(T::ZERO, |most, &rate| most.max(rate));
        let (first, shortest, most) = STEP;
        // Of every sample; 0 at its end, whatever its companions do.
        let mut steps = vec![T::of(first); self.state.nrows()];
        let mut last = vec![f64::INFINITY; self.state.nrows()];
        for taken in 1..=most {
            circuit.drive(&self.state, &mut self.drive, &mut self.scratch);
            self.measure();
            for (row, step) in steps.iter_mut().enumerate() {
                let (residual, size) = (self.residual[row].to_f64(), self.size[row].to_f64());
                if residual.is_nan() || residual <= NEAR * size {
                    *step = T::ZERO;
                } else if residual > last[row] {
                    *step = step.min((*step * T::of(0.5)).max(T::of(shortest)));
                }
                last[row] = residual;
            }
            if steps.iter().all(|&step| step == T::ZERO) {
                return taken as u64;
            }
            for (column, &rate) in circuit.rates().iter().enumerate() {
                let (drives, share) = (self.drive.column(column), rate / fastest);
                let moved = self.state.column_mut(column).into_iter().zip(drives.iter()).zip(&steps);
                // A sample that has arrived, or never will, stays as it is, whatever its drives are.
                moved.filter(|(_, step)| **step != T::ZERO).for_each(|((v, u), &step)| {
                    *v += step * share * (*u - *v);
                });
            }
        }
        most as u64
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
        self.measure();
    }

    /// Computes residuals and sizes, by the drives.
    fn measure(&mut self) {
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
