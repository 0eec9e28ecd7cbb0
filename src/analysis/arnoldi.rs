//! Rightmost eigenvalues of a large circuit without its matrix: Arnoldi iteration on Jacobian–vector products.
//!
//! Explicitly restarted with the rightmost Ritz vector (Saad, *Numerical Methods for Large Eigenvalue
//! Problems*, 2nd ed., §6.2). Deterministic: it starts from the all-ones vector.

use nalgebra::{Complex, DMatrix, DVector, SymmetricEigen};

use crate::circuit::{Circuit, Scratch};
use crate::matrix::Matrix;

/// Krylov dimension.
const DIMENSION: usize = 80;
/// Restarts.
const RESTARTS: usize = 40;
/// Residual of the rightmost Ritz pair relative to its modulus at which it is accepted.
const TOLERANCE: f64 = 1e-9;

/// The rightmost eigenvalues (1/s) of one sample's Jacobian at `state`.
pub(super) fn rightmost(circuit: &dyn Circuit<f64>, sample: usize, state: &[f64]) -> Vec<Complex<f64>> {
    let one = circuit.subset(&[sample]);
    let width = state.len();
    let at = Matrix::from_row_slice(1, width, state);
    let mut scratch = Scratch::new(circuit.layout(), 1);
    let mut product = |v: &DVector<f64>| {
        let direction = Matrix::from_row_slice(1, width, v.as_slice());
        let mut image = Matrix::zeros(1, width);
        one.tangent(&at, &direction, &mut image, &mut scratch);
        DVector::from_fn(width, |j, _| circuit.rates()[j] * (image[j] - v[j]))
    };
    let mut start = DVector::from_element(width, 1.0);
    let mut found = Vec::new();
    for _ in 0..RESTARTS {
        let (basis, hessenberg, rest) = krylov(&mut product, start.normalize());
        let (values, vector, residual) = ritz(&hessenberg, rest);
        found = values;
        if found.is_empty() || residual <= TOLERANCE * found[0].norm() {
            break;
        }
        start = basis * vector;
    }
    found
}

/// Orthonormal basis, its Hessenberg matrix, and the norm of what is left over.
fn krylov(
    product: &mut impl FnMut(&DVector<f64>) -> DVector<f64>,
    start: DVector<f64>,
) -> (DMatrix<f64>, DMatrix<f64>, f64) {
    let mut basis = vec![start];
    let mut entries: Vec<Vec<f64>> = Vec::new();
    let mut rest = 0.0;
    while basis.len() <= DIMENSION {
        let Some(last) = basis.last() else { break };
        let mut next = product(last);
        let scale = next.norm();
        let mut column = vec![0.0; basis.len()];
        // Orthogonalised twice, which is enough (Giraud et al. 2005).
        for _ in 0..2 {
            for (h, q) in column.iter_mut().zip(&basis) {
                let along = q.dot(&next);
                *h += along;
                next.axpy(-along, q, 1.0);
            }
        }
        rest = next.norm();
        entries.push(column);
        if rest <= 1e-13 * scale || entries.len() == DIMENSION {
            break;
        }
        basis.push(next / rest);
        if let Some(column) = entries.last_mut() {
            column.push(rest);
        }
    }
    let n = entries.len();
    let hessenberg = DMatrix::from_fn(n, n, |i, j| entries[j].get(i).copied().unwrap_or(0.0));
    (DMatrix::from_columns(&basis[..n]), hessenberg, rest)
}

/// Ritz values rightmost first, the real vector to restart with, and the residual of the first pair.
fn ritz(hessenberg: &DMatrix<f64>, rest: f64) -> (Vec<Complex<f64>>, DVector<f64>, f64) {
    let n = hessenberg.nrows();
    let mut values: Vec<Complex<f64>> = hessenberg.complex_eigenvalues().iter().copied().collect();
    values.sort_by(|a, b| b.re.total_cmp(&a.re).then(b.im.total_cmp(&a.im)));
    let Some(&first) = values.first() else { return (values, DVector::zeros(n), 0.0) };
    // Null vector of H − λ: for a pair, of (H − Re λ)² + (Im λ)², whose null space both of them span.
    let shifted = hessenberg - DMatrix::identity(n, n) * first.re;
    let quadratic = if first.im == 0.0 {
        shifted.transpose() * &shifted
    } else {
        let square = &shifted * &shifted + DMatrix::identity(n, n) * first.im.powi(2);
        square.transpose() * square
    };
    let eigen = SymmetricEigen::new(quadratic);
    let vector = eigen.eigenvectors.column(eigen.eigenvalues.imin()).into_owned();
    let residual = rest * vector[n - 1].abs();
    (values, vector, residual)
}
