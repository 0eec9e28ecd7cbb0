//! Whole-matrix algebra in double precision on the product kernels of [`crate::matrix`].

use crate::matrix::Matrix;
use crate::matrix::product::{self, Onto};

/// Columns of a panel: the part of an inverse that is not a matrix product.
const PANEL: usize = 48;

/// `A B`.
#[must_use]
pub(in crate::analysis) fn times(a: &Matrix<f64>, b: &Matrix<f64>) -> Matrix<f64> {
    let mut out = Matrix::zeros(a.nrows(), b.ncols());
    product::backward(out.as_view_mut(), Onto::Nothing, a.as_view(), b.as_view());
    out
}

/// `A Bᵀ`.
#[must_use]
pub(super) fn times_transposed(a: &Matrix<f64>, b: &Matrix<f64>) -> Matrix<f64> {
    let mut out = Matrix::zeros(a.nrows(), b.nrows());
    product::forward(out.as_view_mut(), Onto::Nothing, a.as_view(), b.as_view());
    out
}

/// `M P Mᵀ` of a symmetric `P`, symmetric to the last bit.
#[must_use]
pub(super) fn congruence(m: &Matrix<f64>, p: &Matrix<f64>) -> Matrix<f64> {
    symmetric(&times_transposed(&times(m, p), m))
}

/// `(A + Aᵀ)/2`.
#[must_use]
pub(super) fn symmetric(a: &Matrix<f64>) -> Matrix<f64> {
    (a + a.transpose()) * 0.5
}

/// The inverse, by Gauss–Jordan elimination with row pivots, panel by panel; `None` if there is none.
///
/// Within a panel the elimination is done number by number; it then acts on all other columns as one product.
#[must_use]
pub(super) fn inverse(matrix: &Matrix<f64>) -> Option<Matrix<f64>> {
    let n = matrix.nrows();
    let mut work = matrix.clone();
    let mut swaps = Vec::with_capacity(n);
    for start in (0..n).step_by(PANEL) {
        let width = PANEL.min(n - start);
        let mut panel = work.columns(start, width).into_owned();
        let from = swaps.len();
        eliminate(&mut panel, start, &mut swaps)?;
        for &(a, b) in &swaps[from..] {
            work.swap_rows(a, b);
        }
        let pivots = work.rows(start, width).into_owned();
        // The rows of the panel are replaced, all others get their share of them added.
        work.rows_mut(start, width).fill(0.0);
        product::backward(work.as_view_mut(), Onto::Sum, panel.as_view(), pivots.as_view());
        work.columns_mut(start, width).copy_from(&panel);
    }
    for &(a, b) in swaps.iter().rev() {
        work.swap_columns(a, b);
    }
    work.iter().all(|x| x.is_finite()).then_some(work)
}

/// Turns the columns `start…` of a matrix into what eliminating them multiplies the matrix with; rows are
/// swapped for the largest pivot.
fn eliminate(panel: &mut Matrix<f64>, start: usize, swaps: &mut Vec<(usize, usize)>) -> Option<()> {
    let (n, width) = panel.shape();
    for k in 0..width {
        let row = start + k;
        let best = (row..n).max_by(|&a, &b| panel[(a, k)].abs().total_cmp(&panel[(b, k)].abs()))?;
        let pivot = panel[(best, k)];
        if pivot == 0.0 || !pivot.is_finite() {
            return None;
        }
        panel.swap_rows(row, best);
        swaps.push((row, best));
        let mut column: Vec<f64> = panel.column(k).iter().map(|x| -x / pivot).collect();
        column[row] = 1.0 / pivot;
        panel.column_mut(k).fill(0.0);
        panel[(row, k)] = 1.0;
        for mut other in panel.column_iter_mut() {
            let factor = other[row];
            other[row] = 0.0;
            for (x, c) in other.iter_mut().zip(&column) {
                *x += factor * c;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Kind, stream};
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn an_inverse_times_its_matrix_is_one() {
        for n in [1, 2, 5, 47, 48, 49, 97, 200] {
            let mut source = stream(Key::new(n as u64, Kind::Data));
            let a = Matrix::<f64>::from_fn(n, n, |_, _| StandardNormal.sample(&mut source));
            let found = inverse(&a).unwrap();
            let gap = (times(&a, &found) - Matrix::identity(n, n)).amax();
            // ε n ‖A‖ ‖A⁻¹‖, the growth of partial pivoting being near one for such matrices.
            let bound = f64::EPSILON * n as f64 * a.norm() * found.norm();
            assert!(gap < bound, "{n}: {gap:.1e} of {bound:.1e}");
        }
    }

    #[test]
    fn rows_are_swapped_where_a_pivot_is_zero_and_a_singular_matrix_has_no_inverse() {
        let swapped = Matrix::from_row_slice(2, 2, &[0.0, 2.0, 4.0, 0.0]);
        assert_eq!(inverse(&swapped).unwrap(), Matrix::from_row_slice(2, 2, &[0.0, 0.25, 0.5, 0.0]));
        assert_eq!(inverse(&Matrix::from_element(3, 3, 1.0)), None);
    }
}
