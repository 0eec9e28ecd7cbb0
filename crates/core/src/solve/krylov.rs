//! Newton's method without a matrix: GMRES on products with `1 − ∂u/∂v`, and a line search.
//!
//! Restarted GMRES with modified Gram–Schmidt (Saad & Schultz, SIAM J. Sci. Stat. Comput. 7, 856 (1986)). It
//! finds fixed points whether or not sweeps contract or the circuit would stay there.

use nalgebra::{DMatrix, DVector};

use super::newton::{FixedPoint, residual, search};
use crate::circuit::Dynamics;
use crate::matrix::{Matrix, Real};

/// Krylov dimension between restarts, and most restarts.
const DIMENSION: usize = 60;
const RESTARTS: usize = 6;
/// Most Newton steps.
const STEPS: usize = 40;
/// Share of the residual that a linear solution may leave.
const FORCING: f64 = 1e-8;

/// The fixed point of a circuit with one sample, from `start` (V).
///
/// `tolerance` gives the residual allowed to a state (V) from its `‖v‖∞`.
pub(super) fn newton_krylov<T: Real>(
    one: &dyn Dynamics<T>,
    start: &[f64],
    tolerance: &dyn Fn(f64) -> f64,
) -> FixedPoint {
    let mut scratch = one.scratch(1);
    let mut residual_of = |state: &DVector<f64>| residual(one, state, &mut scratch);
    let mut state = DVector::from_column_slice(start);
    let mut rest = residual_of(&state);
    for _ in 0..STEPS {
        let before = rest.amax();
        if !before.is_finite() || before <= tolerance(state.amax()) {
            break;
        }
        let step = linear(one, &state, &rest);
        let (next, moved) = search(&state, &step, before, &mut residual_of);
        // Written so that NaN is no progress.
        let better = moved.amax() < before && moved.iter().all(|r| r.is_finite());
        if !better {
            break;
        }
        (state, rest) = (next, moved);
    }
    let residual = if rest.iter().all(|r| r.is_finite()) { rest.amax() } else { f64::NAN };
    let converged = residual <= tolerance(state.amax());
    FixedPoint { state: state.as_slice().to_vec(), residual, converged }
}

/// Solves `(1 − ∂u/∂v) step = rest` at `state`, as well as it goes.
fn linear<T: Real>(one: &dyn Dynamics<T>, state: &DVector<f64>, rest: &DVector<f64>) -> DVector<f64> {
    let width = state.len();
    let at = Matrix::from_fn(1, width, |_, j| T::of(state[j]));
    let (mut scratch, mut image) = (one.scratch(1), Matrix::zeros(1, width));
    let mut product = |v: &DVector<f64>| {
        let direction = Matrix::from_fn(1, width, |_, j| T::of(v[j]));
        one.tangent(&at, &direction, &mut image, &mut scratch);
        DVector::from_fn(width, |j, _| v[j] - image[j].to_f64())
    };
    let goal = FORCING.max(10.0 * T::EPSILON.to_f64()) * rest.norm();
    let mut step = DVector::zeros(width);
    let mut left = rest.clone();
    for _ in 0..RESTARTS {
        let size = left.norm();
        if size.is_nan() || size <= goal {
            break;
        }
        step += cycle(&mut product, &left, goal);
        let now = rest - product(&step);
        if now.norm() >= 0.9 * size {
            break;
        }
        left = now;
    }
    step
}

/// One cycle of GMRES from zero: the correction that leaves least of `rest`.
fn cycle(
    product: &mut impl FnMut(&DVector<f64>) -> DVector<f64>,
    rest: &DVector<f64>,
    goal: f64,
) -> DVector<f64> {
    let size = rest.norm();
    let mut basis = vec![rest / size];
    let mut columns: Vec<Vec<f64>> = Vec::new();
    let mut best = DVector::zeros(0);
    while columns.len() < DIMENSION {
        let mut next = product(&basis[columns.len()]);
        let scale = next.norm();
        let mut column = Vec::with_capacity(basis.len() + 1);
        for q in &basis {
            let along = q.dot(&next);
            next.axpy(-along, q, 1.0);
            column.push(along);
        }
        let over = next.norm();
        column.push(over);
        columns.push(column);
        let (n, done) = (columns.len(), over.is_nan() || over <= 1e-13 * scale);
        // The small problem is solved afresh now and then: cheaper than the products it saves.
        if done || n.is_multiple_of(6) || n == DIMENSION {
            let hessenberg = DMatrix::from_fn(n + 1, n, |i, j| columns[j].get(i).copied().unwrap_or(0.0));
            let mut right = DVector::zeros(n + 1);
            right[0] = size;
            let Ok(found) = hessenberg.clone().svd(true, true).solve(&right, 1e-14 * scale) else { break };
            let left = (&hessenberg * &found - right).norm();
            best = found;
            if done || left <= goal {
                break;
            }
        }
        basis.push(next / over);
    }
    best.iter().zip(&basis).fold(DVector::zeros(rest.len()), |sum, (y, q)| sum + q * *y)
}
