//! Passes over contiguous slices, at the speed of memory.
//!
//! No sum is reordered and nothing is fused, so results depend neither on how a slice is cut nor on the
//! processor. NaN comes out wherever one goes in. Every function panics if lengths do not fit, which is a
//! bug of the caller.

use super::Real;
use super::dispatch::{Kernel, run};

/// Clips every value to `[low, high]`.
pub fn clip<T: Real>(values: &mut [T], low: T, high: T) {
    run(InPlace(values, move |value: T| {
        let raised = if value < low { low } else { value };
        if raised > high { high } else { raised }
    }));
}

/// Raises each `largest[i]` to the largest magnitude in row `i` of columns one after the other.
///
/// It becomes and stays NaN if one is NaN.
///
/// # Panics
///
/// If the values are no whole number of columns of `largest.len()` rows.
pub fn max_abs_rows<T: Real>(values: &[T], largest: &mut [T]) {
    max_rows_of([values], [largest], |value| value);
}

/// Raises each `largest[i]` to the largest `|one − other|` in row `i`; it becomes and stays NaN if one is
/// NaN.
///
/// # Panics
///
/// If the lengths differ or are no whole number of columns of `largest.len()` rows.
pub fn max_distance_rows<T: Real>(one: &[T], other: &[T], largest: &mut [T]) {
    max_rows_of([one, other], [largest], |[one, other]| [one - other]);
}

/// For each row the first column where `|one − other|` is largest, NaN passed over.
///
/// # Panics
///
/// If the lengths differ or are no whole number of columns of `rows` rows.
#[must_use]
pub fn farthest_columns<T: Real>(one: &[T], other: &[T], rows: usize) -> Vec<u32> {
    assert_eq!(one.len(), other.len(), "lengths differ");
    assert_eq!(one.len() % rows.max(1), 0, "whole columns");
    run(Farthest(one, other, rows))
}

/// Raises the entries of each row in every `largest` to the magnitudes of what `of` makes of the `inputs`
/// there.
///
/// For several maxima in one pass; they become and stay NaN if one is NaN.
///
/// # Panics
///
/// If the lengths differ or are no whole number of columns of `largest[0].len()` rows.
pub fn max_rows_of<T: Real, const N: usize, const M: usize>(
    inputs: [&[T]; N],
    largest: [&mut [T]; M],
    of: impl Fn([T; N]) -> [T; M],
) {
    let rows = largest[0].len();
    assert!(inputs.iter().all(|input| input.len() == inputs[0].len()), "lengths differ");
    assert!(largest.iter().all(|largest| largest.len() == rows), "lengths differ");
    assert_eq!(inputs[0].len() % rows.max(1), 0, "whole columns");
    run(RowsOf(inputs, largest, of));
}

/// `sums[j] = scale · Σ_i` of column `j`, each of `rows` values, summed in sixteen interleaved chains.
///
/// The chains are the same on every processor; one alone would wait for each addition.
///
/// # Panics
///
/// If the values are not `rows` for each sum.
pub fn column_sums<T: Real>(values: &[T], rows: usize, scale: T, sums: &mut [T]) {
    assert_eq!(values.len(), rows * sums.len(), "whole columns");
    run(Sums { values, rows, scale, sums });
}

/// Whether any value of `one` is not the same as in `other`; NaN is not the same as anything.
///
/// # Panics
///
/// If the lengths differ.
#[must_use]
pub fn differ<T: Real>(one: &[T], other: &[T]) -> bool {
    assert_eq!(one.len(), other.len(), "lengths differ");
    run(Differ(one, other))
}

/// `values ← values ⊙ factors`.
///
/// # Panics
///
/// If the lengths differ.
pub fn scale_by<T: Real>(values: &mut [T], factors: &[T]) {
    assert_eq!(values.len(), factors.len(), "lengths differ");
    run(Times(values, factors));
}

/// See [`column_sums`].
struct Sums<'a, T> {
    values: &'a [T],
    rows: usize,
    scale: T,
    sums: &'a mut [T],
}

impl<T: Real> Kernel for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        // A column without rows is not among the chunks, and its sum is zero.
        self.sums.fill(T::ZERO);
        for (sum, column) in self.sums.iter_mut().zip(self.values.chunks_exact(self.rows.max(1))) {
            let mut chains = [T::ZERO; 16];
            let (whole, rest) = column.as_chunks::<16>();
            for values in whole {
                for (chain, &value) in chains.iter_mut().zip(values) {
                    *chain += value;
                }
            }
            for (chain, &value) in chains.iter_mut().zip(rest) {
                *chain += value;
            }
            *sum = self.scale * chains.into_iter().fold(T::ZERO, |sum, chain| sum + chain);
        }
    }
}

/// See [`farthest_columns`].
struct Farthest<'a, T>(&'a [T], &'a [T], usize);

impl<T: Real> Kernel for Farthest<'_, T> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> Vec<u32> {
        let Self(one, other, rows) = self;
        let (mut farthest, mut distances) = (vec![0; rows], vec![T::ZERO; rows]);
        let columns = one.chunks_exact(rows.max(1)).zip(other.chunks_exact(rows.max(1)));
        for (column, (one, other)) in (0_u32..).zip(columns) {
            for i in 0..rows {
                let distance = (one[i] - other[i]).magnitude();
                let further = distance > distances[i];
                distances[i] = if further { distance } else { distances[i] };
                farthest[i] = if further { column } else { farthest[i] };
            }
        }
        farthest
    }
}

/// See [`differ`].
struct Differ<'a, T>(&'a [T], &'a [T]);

impl<T: Real> Kernel for Differ<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> bool {
        // Whole blocks before each answer, so that a block is a few wide comparisons.
        let mut blocks = self.0.chunks(256).zip(self.1.chunks(256));
        blocks.any(|(one, other)| one.iter().zip(other).filter(|(a, b)| a != b).count() > 0)
    }
}

/// See [`scale_by`].
struct Times<'a, T>(&'a mut [T], &'a [T]);

impl<T: Real> Kernel for Times<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (value, &factor) in self.0.iter_mut().zip(self.1) {
            *value *= factor;
        }
    }
}

/// See [`max_rows_of`].
struct RowsOf<'a, T, F, const N: usize, const M: usize>([&'a [T]; N], [&'a mut [T]; M], F);

impl<T: Real, F: Fn([T; N]) -> [T; M], const N: usize, const M: usize> Kernel for RowsOf<'_, T, F, N, M> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) {
        // Blocks that stay in registers while the columns go by.
        let first = self.blocks::<64>(0);
        let first = self.blocks::<16>(first);
        self.blocks::<1>(first);
    }
}

impl<T: Real, F: Fn([T; N]) -> [T; M], const N: usize, const M: usize> RowsOf<'_, T, F, N, M> {
    /// As many blocks of `B` rows from `first` as there are; where the rows begin that are left.
    #[inline(always)]
    fn blocks<const B: usize>(&mut self, mut first: usize) -> usize {
        let Self(inputs, largest, of) = self;
        let rows = largest[0].len();
        while first + B <= rows {
            let mut most = [[T::ZERO; B]; M];
            for (most, largest) in most.iter_mut().zip(&*largest) {
                most.copy_from_slice(&largest[first..first + B]);
            }
            for at in (first..inputs[0].len()).step_by(rows) {
                let columns = inputs.map(|input| &input[at..at + B]);
                for i in 0..B {
                    let values = of(columns.map(|column| column[i]));
                    for (most, value) in most.iter_mut().zip(values) {
                        most[i] = most[i].larger(value.magnitude());
                    }
                }
            }
            for (most, largest) in most.iter().zip(&mut *largest) {
                largest[first..first + B].copy_from_slice(most);
            }
            first += B;
        }
        first
    }
}

struct InPlace<'a, T, F>(&'a mut [T], F);

impl<T: Real, F: Fn(T) -> T> Kernel for InPlace<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for value in self.0 {
            *value = (self.1)(*value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    #[test]
    fn clipping_bounds_numbers_and_lets_nan_through() {
        let mut values = [-2.0, -0.5, 0.0, 0.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        clip(&mut values, -1.0, 0.25);
        assert_eq!(values[..6], [-1.0, -0.5, 0.0, 0.25, 0.25, -1.0]);
        assert!(values[6].is_nan());
    }

    #[test]
    fn sums_of_columns_are_those_of_their_values() {
        for rows in [0, 1, 15, 16, 17, 50] {
            // Whole numbers: exact in any order.
            let values: Vec<f64> = (0..3 * rows).map(|i| (i * i % 31) as f64 - 9.0).collect();
            let mut sums = [f64::NAN; 3];
            column_sums(&values, rows, 0.5, &mut sums);
            for (j, sum) in sums.into_iter().enumerate() {
                assert_eq!(sum, 0.5 * values[j * rows..(j + 1) * rows].iter().sum::<f64>(), "{rows} {j}");
            }
        }
    }

    #[test]
    fn maxima_of_rows_run_on_and_keep_nan() {
        let nan = f64::NAN;
        let rows = [[1.0, -4.0, 2.0], [0.0, nan, 9.0], [nan, 1.0, 1.0], [0.5, -0.25, 0.0]];
        let matrix = Matrix::from_fn(4, 3, |i, j| rows[i][j]);
        let mut largest = [0.0, 0.0, 0.0, 0.75];
        max_abs_rows(matrix.as_slice(), &mut largest);
        assert_eq!((largest[0], largest[3]), (4.0, 0.75));
        assert!(largest[1].is_nan() && largest[2].is_nan());
    }

    #[test]
    fn the_farthest_columns_are_the_first_of_the_largest() {
        let one = Matrix::from_row_slice(
            3,
            4,
            &[0.0, 1.0, -3.0, 3.0, 0.0, 0.0, f64::NAN, -0.5, 0.0, 0.0, 0.0, 0.0],
        );
        assert_eq!(farthest_columns(one.as_slice(), &[0.0; 12], 3), [2, 3, 0]);
        assert_eq!(farthest_columns(&[0.0; 12], one.as_slice(), 3), [2, 3, 0]);
    }

    #[test]
    fn one_value_among_many_makes_a_difference() {
        for n in [1, 255, 256, 600] {
            let one = vec![0.5; n];
            assert!(!differ(&one, &one));
            for at in [0, n / 2, n - 1] {
                for value in [0.25, f64::NAN] {
                    let mut other = one.clone();
                    other[at] = value;
                    assert!(differ(&one, &other) && differ(&other, &other) == value.is_nan());
                }
            }
        }
    }

    #[test]
    fn maxima_of_rows_are_those_of_scalar_code_for_any_number_of_rows() {
        let value = |i: usize, j: usize, k: usize| ((i * 37 + j * 101 + k * 7) % 97) as f32 - 48.0;
        for rows in [1, 15, 16, 17, 63, 64, 65, 130] {
            let [one, other] = [0, 1].map(|k| Matrix::from_fn(rows, 5, |i, j| value(i, j, k)));
            let (mut sums, mut others) = (vec![0.0; rows], vec![40.0; rows]);
            let inputs = [one.as_slice(), other.as_slice()];
            max_rows_of(inputs, [&mut sums, &mut others], |[a, b]| [a + b, b]);
            for i in 0..rows {
                let largest = |of: &dyn Fn(usize) -> f32| (0..5).map(|j| of(j).abs()).fold(0.0, f32::max);
                assert_eq!(sums[i], largest(&|j| value(i, j, 0) + value(i, j, 1)), "{rows} {i}");
                assert_eq!(others[i], largest(&|j| value(i, j, 1)).max(40.0), "{rows} {i}");
            }
        }
    }

    #[test]
    fn distances_of_rows_run_on_and_keep_nan() {
        let one = [1.0, 2.0, f64::NAN, -4.0, 5.0, 0.0];
        let other = [1.5, 2.0, 3.0, 1.0, 5.0, 0.0];
        let mut largest = [0.0, 0.25, 0.0];
        max_distance_rows(&one, &other, &mut largest);
        assert_eq!((largest[0], largest[1]), (5.0, 0.25));
        assert!(largest[2].is_nan());
    }
}
