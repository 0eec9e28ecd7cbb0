//! Norms of matrices and angles between them, in double precision.

use nalgebra::{DVector, Dim, RawStorage};

use super::product::{Onto, forward};
use super::{Matrix, Real};

/// Relative residual at which the spectral norm is accepted. The error of a Ritz value is at most its
/// residual and that of the norm half as much, so this leaves a factor of four to 10⁻¹⁰.
const RESIDUAL: f64 = 5e-11;

/// Lanczos steps between two looks at the residual.
const STRIDE: usize = 8;

/// `√Σ aᵢⱼ²`.
#[must_use]
pub fn frobenius<T: Real>(matrix: &Matrix<T>) -> f64 {
    inner(matrix, matrix).sqrt()
}

/// The larger of two numbers; NaN if either is, which `f64::max` would pass over: what is held against a
/// bound must fail then.
#[must_use]
pub fn larger(one: f64, other: f64) -> f64 {
    if one.is_nan() || other <= one { one } else { other }
}

/// Largest size of an entry; NaN if one is, which `amax` of `nalgebra` would pass over.
pub trait Largest {
    /// `max ǀaᵢⱼǀ`, 0 of nothing.
    fn largest(&self) -> f64;
}

impl<R: Dim, C: Dim, S: RawStorage<f64, R, C>> Largest for nalgebra::Matrix<f64, R, C, S> {
    fn largest(&self) -> f64 {
        self.iter().map(|entry| entry.abs()).fold(0.0, larger)
    }
}

/// `Σ aᵢⱼ bᵢⱼ / (‖a‖ ‖b‖)`, within `[−1, 1]`; NaN if either is zero.
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn cosine<T: Real>(one: &Matrix<T>, other: &Matrix<T>) -> f64 {
    (inner(one, other) / (frobenius(one) * frobenius(other))).clamp(-1.0, 1.0)
}

/// Angle between two matrices taken as vectors (degrees), within `[0, 180]`; NaN if either is zero.
///
/// With unit vectors `u`, `w` it is `2 atan2(‖u − w‖, ‖u + w‖)`, accurate also for small angles, where the
/// arc cosine loses half the digits. Kahan, *How Futile are Mindless Assessments of Roundoff* (2006), §12.
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn angle_degrees<T: Real>(one: &Matrix<T>, other: &Matrix<T>) -> f64 {
    assert_eq!(one.shape(), other.shape(), "shapes differ");
    let (first, second) = (frobenius(one).recip(), frobenius(other).recip());
    let (mut apart, mut together) = (0.0, 0.0);
    for (u, w) in one.iter().zip(other) {
        let (u, w) = (u.to_f64() * first, w.to_f64() * second);
        apart += (u - w).powi(2);
        together += (u + w).powi(2);
    }
    2.0 * apart.sqrt().atan2(together.sqrt()).to_degrees()
}

/// Largest singular value, to a relative 10⁻¹⁰; 0 of an empty matrix, NaN if an element is not finite.
///
/// Lanczos with full reorthogonalisation on the smaller of `A Aᵀ` and `Aᵀ A` (Golub & Van Loan, *Matrix
/// Computations*, 4th ed., §10.1 and §10.3), started from a fixed vector without a pattern. Power iteration
/// takes hundreds of steps on trained layers, whose largest singular values lie close together.
#[must_use]
pub fn spectral_norm<T: Real>(matrix: &Matrix<T>) -> f64 {
    if matrix.iter().any(|value| !value.to_f64().is_finite()) {
        return f64::NAN;
    }
    let largest = matrix.iter().fold(0.0, |largest: f64, value| largest.max(value.to_f64().abs()));
    if largest == 0.0 {
        return 0.0;
    }
    // Scaled to 1, so that squares neither overflow nor vanish.
    let scaled = matrix.map(|value| value.to_f64() / largest);
    largest * largest_eigenvalue(&gram(scaled)).sqrt()
}

/// `Σ aᵢⱼ bᵢⱼ`.
fn inner<T: Real>(one: &Matrix<T>, other: &Matrix<T>) -> f64 {
    assert_eq!(one.shape(), other.shape(), "shapes differ");
    one.iter().zip(other).map(|(a, b)| a.to_f64() * b.to_f64()).sum()
}

/// The smaller of `A Aᵀ` and `Aᵀ A`.
fn gram(matrix: Matrix<f64>) -> Matrix<f64> {
    let wide = if matrix.nrows() > matrix.ncols() { matrix.transpose() } else { matrix };
    let mut gram = Matrix::zeros(wide.nrows(), wide.nrows());
    forward(gram.as_view_mut(), Onto::Nothing, wide.as_view(), wide.as_view());
    gram
}

/// Largest eigenvalue of a symmetric, positive semidefinite matrix.
fn largest_eigenvalue(matrix: &Matrix<f64>) -> f64 {
    let size = matrix.nrows();
    let mut basis: Vec<DVector<f64>> = Vec::new();
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    let mut next = start(size);
    loop {
        let current = next;
        next = matrix * &current;
        diagonal.push(current.dot(&next));
        basis.push(current);
        // Twice is enough (Parlett): after it the basis is orthogonal to rounding.
        for _ in 0..2 {
            for old in &basis {
                let along = old.dot(&next);
                next.axpy(-along, old, 1.0);
            }
        }
        let length = next.norm();
        let steps = diagonal.len();
        if steps == size || steps.is_multiple_of(STRIDE) || length <= f64::EPSILON * diagonal[0] {
            let (value, residual) = ritz(&diagonal, &beside, length);
            if steps == size || residual <= RESIDUAL * value {
                return value;
            }
        }
        beside.push(length);
        next /= length;
    }
}

/// Largest eigenvalue of the tridiagonal matrix so far, and the residual of its vector in the full one.
fn ritz(diagonal: &[f64], beside: &[f64], length: f64) -> (f64, f64) {
    let size = diagonal.len();
    let mut small = Matrix::zeros(size, size);
    for (i, &value) in diagonal.iter().enumerate() {
        small[(i, i)] = value;
    }
    for (i, &value) in beside.iter().enumerate() {
        small[(i, i + 1)] = value;
        small[(i + 1, i)] = value;
    }
    let eigen = small.symmetric_eigen();
    let (at, value) = eigen.eigenvalues.argmax();
    (value, length * eigen.eigenvectors[(size - 1, at)].abs())
}

/// A unit vector whose entries `frac(i φ) − ½`, with the golden ratio `φ`, favour no direction.
fn start(size: usize) -> DVector<f64> {
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2⁵³")]
    let vector = DVector::from_fn(size, |i, _| ((i + 1) as f64 * 0.618_033_988_749_894_9).fract() - 0.5);
    vector.normalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Kind, stream};
    use rand_distr::{Distribution, StandardNormal};

    fn normal(rows: usize, columns: usize, seed: u64) -> Matrix<f64> {
        let mut stream = stream(Key::new(seed, Kind::Weights));
        Matrix::from_fn(rows, columns, |_, _| StandardNormal.sample(&mut stream))
    }

    fn close(value: f64, exact: f64) {
        assert!((value / exact - 1.0).abs() < 1e-10, "{value} {exact}");
    }

    #[test]
    fn the_spectral_norm_of_a_rank_one_matrix_is_the_product_of_lengths() {
        let (u, w) = (normal(37, 1, 1), normal(1, 90, 2));
        close(spectral_norm(&(&u * &w)), u.norm() * w.norm());
        close(spectral_norm(&(&u * &w * 1e-200)), 1e-200 * u.norm() * w.norm());
    }

    #[test]
    fn the_spectral_norm_agrees_with_a_full_decomposition() {
        for (rows, columns) in [(1, 1), (1, 9), (7, 2), (10, 10), (40, 60), (130, 33)] {
            let matrix = normal(rows, columns, 3);
            close(spectral_norm(&matrix), matrix.singular_values().max());
            let single = matrix.map(|x| x as f32);
            close(spectral_norm(&single), single.map(f64::from).singular_values().max());
        }
    }

    #[test]
    fn close_singular_values_are_told_apart() {
        // A Householder reflection on either side of known values, the largest two 10⁻⁴ apart.
        let values = DVector::from_fn(60, |i, _| 2.0 - 1e-4 * i as f64);
        let reflect = |seed| {
            let axis = normal(60, 1, seed).normalize();
            Matrix::identity(60, 60) - 2.0 * &axis * axis.transpose()
        };
        close(spectral_norm(&(reflect(4) * Matrix::from_diagonal(&values) * reflect(5))), 2.0);
    }

    #[test]
    fn degenerate_matrices_have_defined_norms() {
        close(spectral_norm(&(3.0 * Matrix::<f64>::identity(20, 20))), 3.0);
        assert_eq!(spectral_norm(&Matrix::<f32>::zeros(4, 5)), 0.0);
        assert_eq!(spectral_norm(&Matrix::<f64>::zeros(0, 5)), 0.0);
        assert!(spectral_norm(&Matrix::from_element(2, 2, f64::INFINITY)).is_nan());
        assert!(spectral_norm(&Matrix::from_element(2, 2, f32::NAN)).is_nan());
    }

    #[test]
    fn nan_is_larger_than_any_number_wherever_it_stands() {
        for place in 0..4 {
            let mut entries = [0.0, -3.0, f64::INFINITY, 1.0];
            entries[place] = f64::NAN;
            assert!(Matrix::from_row_slice(2, 2, &entries).largest().is_nan(), "{place}");
            assert!(entries.into_iter().fold(0.0, larger).is_nan(), "{place}");
        }
        assert_eq!(Matrix::from_row_slice(1, 3, &[1.0, -3.0, 2.0]).largest(), 3.0);
        assert_eq!(Matrix::<f64>::zeros(0, 3).largest(), 0.0);
    }

    #[test]
    fn frobenius_sees_three_four_five() {
        assert_eq!(frobenius(&Matrix::from_row_slice(2, 2, &[3.0_f32, 0.0, 0.0, -4.0])), 5.0);
    }

    #[test]
    fn tiny_angles_keep_their_digits() {
        for angle in [1e-12_f64, 1e-9, 1e-4, 0.5, 1.5] {
            let one = Matrix::from_row_slice(1, 2, &[5.0, 0.0]);
            let other = Matrix::from_row_slice(1, 2, &[0.1 * angle.cos(), 0.1 * angle.sin()]);
            let relative = angle_degrees(&one, &other) / angle.to_degrees() - 1.0;
            assert!(relative.abs() < 1e-14 + 1e-16 / angle, "{angle} {relative:e}");
        }
    }

    #[test]
    fn angles_and_cosines_of_plain_cases() {
        let (one, other) = (normal(5, 6, 6), normal(5, 6, 7));
        assert_eq!(angle_degrees(&one, &(&one * 4.0)), 0.0);
        assert!((angle_degrees(&one, &(&one * -0.5)) - 180.0).abs() < 1e-12);
        assert!((cosine(&one, &(&one * 3.0)) - 1.0).abs() < 1e-15);
        let expected = cosine(&one, &other).acos().to_degrees();
        assert!((angle_degrees(&one, &other) - expected).abs() < 1e-11);
        assert!(angle_degrees(&one, &(&one * 0.0)).is_nan());
        assert!(cosine(&one, &(&one * 0.0)).is_nan());
    }
}
