//! Errors of a step, row by row, against what each sample is allowed.
//!
//! A sample's tolerance is `atol + rtol ‖v‖∞`, and less when it is nearly at rest: the step's tolerance falls
//! with the residual, or the step would chatter above equilibrium for ever.

use super::criteria::Criteria;
use super::monitor::Monitor;
use crate::matrix::elementwise::{max_abs_rows, max_distance_rows, max_rows_of};
use crate::matrix::{Matrix, Real};

/// Step error allowed per residual: below equilibrium tolerance the step follows the residual down.
const APPROACH: f64 = 0.05;
/// The same in a second look, of the sample's own residual, and its share of the step errors of a first one:
/// growth per step must be small against the decay of a spiral that lasts for a time limit.
const STRICT_APPROACH: f64 = 1e-3;
const STRICT: f64 = 0.1;
/// Relative step error allowed to a sample that runs away.
const RUNAWAY_RTOL: f64 = 1e-3;

/// Error estimates of the rows and the tolerances that they are compared with.
#[derive(Clone, Debug)]
pub(super) struct Tolerances<T> {
    /// Relative tolerance of every row; infinite once its outcome is known.
    rtols: Vec<f64>,
    /// Residual of every row before the step (V).
    before: Vec<f64>,
    /// Per row: `‖v‖∞`, the error estimate, and a column group's share of it.
    sizes: Vec<T>,
    errors: Vec<T>,
    moves: Vec<T>,
    /// `‖u − v‖∞` of every row, if they came with the step.
    residuals: Vec<T>,
    measured: bool,
}

impl<T: Real> Tolerances<T> {
    pub(super) fn new(rows: usize, rtol: f64) -> Self {
        let blank = || vec![T::ZERO; rows];
        Self {
            rtols: vec![rtol; rows],
            before: vec![f64::INFINITY; rows],
            sizes: blank(),
            errors: blank(),
            moves: blank(),
            residuals: blank(),
            measured: false,
        }
    }

    /// Marks the rows whose accuracy no longer matters: of a runaway only the outcome is asked.
    pub(super) fn mark_decided(&mut self, criteria: &Criteria, monitor: &Monitor<T>, rows: &[usize]) {
        for ((rtol, before), &i) in self.rtols.iter_mut().zip(&mut self.before).zip(rows) {
            *before = monitor.residual(i);
            *rtol = match (monitor.is_open(i), monitor.is_leaving(i) && !criteria.strict) {
                (false, _) => f64::INFINITY,
                (true, true) => criteria.rtol.max(RUNAWAY_RTOL),
                (true, false) => criteria.rtol,
            };
        }
    }

    /// Begins the judgement of a step that ends at `state`.
    pub(super) fn start(&mut self, state: &Matrix<T>) {
        self.restart();
        max_abs_rows(state.as_slice(), &mut self.sizes);
    }

    /// Begins the judgement of a step whose end comes with [`Self::maxima`].
    pub(super) fn restart(&mut self) {
        self.sizes.fill(T::ZERO);
        self.errors.fill(T::ZERO);
        self.residuals.fill(T::ZERO);
        self.measured = false;
    }

    /// Each row's error, `‖v‖∞` and `‖u − v‖∞`, to be raised by whoever makes a step's end and its drive.
    pub(super) fn maxima(&mut self) -> [&mut [T]; 3] {
        self.measured = true;
        [&mut self.errors, &mut self.sizes, &mut self.residuals]
    }

    /// `‖u − v‖∞` and `‖v‖∞` of the rows at the end of the step, if they came with it.
    pub(super) fn extremes(&self) -> Option<(&[T], &[T])> {
        self.measured.then_some((&self.residuals, &self.sizes))
    }

    /// Clears the residuals: the drive at the end of the step has been evaluated again.
    pub(super) fn clear_residuals(&mut self) {
        self.measured = false;
    }

    /// Raises each row's error to `weight` times the largest `|one − other|` in it; NaN stays.
    pub(super) fn raise(&mut self, weight: T, one: &[T], other: &[T]) {
        self.moves.fill(T::ZERO);
        max_distance_rows(one, other, &mut self.moves);
        for (error, &moved) in self.errors.iter_mut().zip(&self.moves) {
            *error = error.larger(weight * moved);
        }
    }

    /// Raises each row's error to the largest `|Σ cᵢ uᵢ|` in it; NaN stays.
    pub(super) fn raise_sum<const N: usize>(&mut self, c: [T; N], u: [&[T]; N]) {
        self.moves.fill(T::ZERO);
        max_rows_of(u, [&mut self.moves], |u| {
            let mut sum = T::ZERO;
            c.iter().zip(u).for_each(|(&c, u)| sum += c * u);
            [sum]
        });
        for (error, &moved) in self.errors.iter_mut().zip(&self.moves) {
            *error = error.larger(moved);
        }
    }

    /// Raises the error of one row.
    pub(super) fn raise_row(&mut self, row: usize, error: T) {
        self.errors[row] = self.errors[row].larger(error);
    }

    /// Largest error of the open rows in units of the tolerance; `residual` (V) is the worst of theirs.
    pub(super) fn worst(&self, criteria: &Criteria, residual: f64) -> f64 {
        let mut worst = 0.0;
        let open = |row: &(_, &f64)| row.1.is_finite();
        let rows = self.errors.iter().zip(&self.sizes).zip(&self.before).zip(&self.rtols);
        for (((error, size), before), rtol) in rows.filter(open) {
            let (error, size) = (error.to_f64(), size.to_f64());
            let rounding = 8.0 * T::EPSILON.to_f64() * size;
            let (share, approach) =
                if criteria.strict { (STRICT, STRICT_APPROACH * before) } else { (1.0, APPROACH * residual) };
            let tolerance =
                (share * (criteria.atol + rtol * size)).min(approach).max(1e-3 * criteria.atol + rounding);
            let share = error / tolerance;
            worst = if share > worst || share.is_nan() { share } else { worst };
        }
        worst
    }

    /// Returns whether some open row looks settled at the end of the step, by the drive that came with it.
    pub(super) fn any_settled(&self, criteria: &Criteria) -> bool {
        self.residuals
            .iter()
            .zip(&self.sizes)
            .zip(&self.rtols)
            .any(|((e, s), rtol)| rtol.is_finite() && e.to_f64() <= criteria.settled::<T>(s.to_f64()))
    }

    /// Largest potential of any row (V).
    pub(super) fn largest(&self) -> f64 {
        self.sizes.iter().map(|s| s.to_f64()).fold(0.0, f64::max)
    }

    /// Forgets all but the first rows; what is left is set anew before it is read.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.rtols.truncate(rows);
        self.before.truncate(rows);
        for buffer in [&mut self.sizes, &mut self.errors, &mut self.moves, &mut self.residuals] {
            buffer.truncate(rows);
        }
        self.measured = false;
    }
}
