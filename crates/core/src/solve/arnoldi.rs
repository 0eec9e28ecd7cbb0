//! Rightmost eigenvalues of a large circuit without its matrix: Arnoldi iteration on Jacobian–vector
//! products.
//!
//! Explicitly restarted with the rightmost Ritz vector (Saad, *Numerical Methods for Large Eigenvalue
//! Problems*, 2nd ed., §6.2). Deterministic: it starts from the all-ones vector.

use nalgebra::{Complex, DMatrix, DVector, SymmetricEigen};

use super::growth_rate::GrowthRate;
use super::spectrum::of_block;
use crate::circuit::Dynamics;
use crate::matrix::{Matrix, Real};

/// Krylov dimension.
const DIMENSION: usize = 80;
/// The same for a matrix at hand, whose products cost little beside the eigenvalues of the small one.
const SHORT: usize = 40;
/// Restarts.
const RESTARTS: usize = 40;
/// Residual of the rightmost Ritz pair relative to its modulus at which it is accepted.
const TOLERANCE: f64 = 1e-9;

/// The rightmost eigenvalues (1/s) of one sample's Jacobian at `state`.
pub(super) fn rightmost<T: Real>(
    circuit: &dyn Dynamics<T>,
    sample: usize,
    state: &[f64],
) -> Vec<Complex<f64>> {
    let one = circuit.subset(&[sample]);
    let growth_rate = GrowthRate::of(circuit);
    let width = state.len();
    let at = Matrix::from_fn(1, width, |_, j| T::of(state[j]));
    let mut scratch = one.scratch(1);
    let mut product = |v: &DVector<f64>| {
        let direction = Matrix::from_fn(1, width, |_, j| T::of(v[j]));
        let mut image = Matrix::zeros(1, width);
        one.tangent(&at, &direction, &mut image, &mut scratch);
        DVector::from_fn(width, |j, _| growth_rate.scale[j] * (image[j].to_f64() - v[j]))
    };
    // Products in single precision carry no more than its digits.
    let tolerance = TOLERANCE.max(100.0 * T::EPSILON.to_f64());
    let mut start = DVector::from_element(width, 1.0);
    let mut found = Vec::new();
    for _ in 0..RESTARTS {
        let (basis, hessenberg, rest) = krylov(&mut product, start.normalize(), DIMENSION);
        let (values, vector, residual) = ritz(&hessenberg, rest, &growth_rate);
        found = values;
        if found.is_empty() || residual <= tolerance * found[0].norm() {
            break;
        }
        start = basis * vector;
    }
    found.into_iter().map(|eigenvalue| growth_rate.growth(eigenvalue)).collect()
}

/// The rightmost eigenvalues of a matrix that is at hand; `None` if they do not converge.
pub(super) fn of_large_block(block: &DMatrix<f64>, growth_rate: &GrowthRate) -> Option<Vec<Complex<f64>>> {
    let mut product = |v: &DVector<f64>| block * v;
    let mut start = DVector::from_element(block.nrows(), 1.0);
    for _ in 0..RESTARTS {
        let (basis, hessenberg, rest) = krylov(&mut product, start.normalize(), SHORT.min(block.nrows()));
        let (values, vector, residual) = ritz(&hessenberg, rest, growth_rate);
        let first = values.first().filter(|first| first.re.is_finite())?;
        if residual <= TOLERANCE * first.norm().max(block.amax()) {
            return Some(values);
        }
        start = basis * vector;
    }
    None
}

/// Orthonormal basis of at most `dimension` vectors, its Hessenberg matrix, and the norm of what is left
/// over.
fn krylov(
    product: &mut impl FnMut(&DVector<f64>) -> DVector<f64>,
    start: DVector<f64>,
    dimension: usize,
) -> (DMatrix<f64>, DMatrix<f64>, f64) {
    let mut basis = vec![start];
    let mut entries: Vec<Vec<f64>> = Vec::new();
    let mut rest = 0.0;
    while basis.len() <= dimension {
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
        if rest <= 1e-13 * scale || entries.len() == dimension {
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

/// Ritz values, the longest-lasting first, the real vector to restart with, and the residual of the first
/// pair.
fn ritz(
    hessenberg: &DMatrix<f64>,
    rest: f64,
    growth_rate: &GrowthRate,
) -> (Vec<Complex<f64>>, DVector<f64>, f64) {
    let n = hessenberg.nrows();
    let mut values = of_block(hessenberg);
    values.sort_by(|a, b| growth_rate.rank(*b).total_cmp(&growth_rate.rank(*a)).then(b.im.total_cmp(&a.im)));
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

#[cfg(test)]
mod tests {
    use super::super::spectrum::dense_spectrum;
    use super::*;
    use crate::chip::{Chip, Weights};
    use crate::circuit::DyadCircuit;
    use crate::spec::{ActivationKind, CircuitSpec, ClockSpec, InitSpec, Variant};

    /// Rightmost eigenvalues by iteration and all of them from the matrix, in units of 1/τ.
    fn both(variant: Variant, alpha: f64, beta: f64, seed: u64) -> (Vec<Complex<f64>>, Vec<Complex<f64>>) {
        with_clock(None, variant, (alpha, beta), seed)
    }

    /// The same of a circuit that may have a clock of so many Hz.
    fn with_clock(
        clock: Option<f64>,
        variant: Variant,
        (alpha, beta): (f64, f64),
        seed: u64,
    ) -> (Vec<Complex<f64>>, Vec<Complex<f64>>) {
        let network = [20, 60, 50, 30];
        let clock = clock.map(|frequency| ClockSpec { frequency, injection: 0.0 });
        let mut spec = CircuitSpec { clock, ..CircuitSpec::default() };
        spec.neuron.activation = ActivationKind::Tanh.into();
        (spec.nudge.variant, spec.nudge.alpha, spec.nudge.beta) = (variant, alpha, beta);
        let chip = Chip::<f64>::fabricate(&spec, &network);
        let weights = Weights::<f64>::draw(&InitSpec::FanIn, &spec, &network, seed);
        let input = Matrix::from_fn(1, 20, |_, j| 0.05 * j as f64);
        let circuit = DyadCircuit::free(&chip, &weights, &input).nudged(&spec.nudge, Matrix::zeros(1, 30));
        let state: Vec<f64> = circuit.free_state().iter().copied().collect();
        let units = |mut list: Vec<Complex<f64>>| {
            list.iter_mut().for_each(|e| *e *= chip.slowest);
            list.sort_by(|a, b| b.re.total_cmp(&a.re).then(b.im.total_cmp(&a.im)));
            list
        };
        (units(rightmost(&circuit, 0, &state)), units(dense_spectrum(&circuit, 0, &state)))
    }

    #[test]
    fn the_rightmost_eigenvalue_of_a_latching_circuit_is_that_of_its_matrix() {
        for (alpha, beta, seed) in [(0.0, 0.05, 1), (0.0, 0.5, 2), (0.25, 0.2, 3), (0.25, 2.0, 4)] {
            let (found, all) = both(Variant::Dp, alpha, beta, seed);
            // The residual is 1e-9 of the modulus; the eigenvalue is simple and well apart.
            assert!((found[0] - all[0]).norm() < 1e-6, "{alpha} {beta}: {} {}", found[0], all[0]);
        }
    }

    #[test]
    fn the_rightmost_pair_of_a_ringing_circuit_is_that_of_its_matrix() {
        for (alpha, beta, seed) in [(1.0, 0.5, 5), (1.0, 3.0, 6), (0.75, 1.0, 7)] {
            let (found, all) = both(Variant::Dp, alpha, beta, seed);
            assert!((found[0] - all[0]).norm() < 1e-6, "{alpha} {beta}: {} {}", found[0], all[0]);
        }
    }

    #[test]
    fn what_lasts_longest_from_clock_to_clock_is_that_of_the_matrix() {
        for (frequency, alpha, beta, seed) in [(0.3e6, 1.0, 0.5, 5), (1e6, 1.0, 3.0, 6), (5e6, 0.25, 0.2, 3)]
        {
            let (found, all) = with_clock(Some(frequency), Variant::Dp, (alpha, beta), seed);
            assert!((found[0] - all[0]).norm() < 1e-6, "{frequency}: {} {}", found[0], all[0]);
        }
    }
}
