//! Passes over contiguous slices, at the speed of memory.
//!
//! No sum is reordered and nothing is fused, so results depend neither on how a slice is cut nor, except for
//! [`exp`], on the processor. NaN comes out wherever one goes in. Every function panics if lengths differ,
//! which is a bug of the caller.

use super::dispatch::{Kernel, run};
use super::{Real, View, ViewMut, elementary};

/// Partial maxima kept side by side, so that they fill wide registers.
const LANES: usize = 32;

/// `out = eˣ`, to a few units in the last place.
///
/// # Panics
///
/// If the lengths differ.
pub fn exp<T: Real>(values: &[T], out: &mut [T]) {
    same_length(values, out);
    run(Exp(values, out));
}

/// `out = α plus + (1 − α) minus`: a mean state from its two compartments (V).
///
/// # Panics
///
/// If the lengths differ.
pub fn mix<T: Real>(out: &mut [T], alpha: T, plus: &[T], minus: &[T]) {
    let rest = T::ONE - alpha;
    zip(out, plus, minus, move |plus, minus| alpha * plus + rest * minus);
}

/// `out = plus − minus`: an error from its two compartments (V).
///
/// # Panics
///
/// If the lengths differ.
pub fn difference<T: Real>(out: &mut [T], plus: &[T], minus: &[T]) {
    zip(out, plus, minus, |plus, minus| plus - minus);
}

/// `out += factor · values`.
///
/// # Panics
///
/// If the lengths differ.
pub fn add_scaled<T: Real>(out: &mut [T], factor: T, values: &[T]) {
    update(out, values, move |sum, value| sum + factor * value);
}

/// `values += share · (target − values)`: with `share = 1 − e^(−h/τ)` a leak's exact step of length `h`.
///
/// # Panics
///
/// If the lengths differ.
pub fn approach<T: Real>(values: &mut [T], share: T, target: &[T]) {
    update(values, target, move |value, target| value + share * (target - value));
}

/// Clips every value to `[low, high]`.
pub fn clip<T: Real>(values: &mut [T], low: T, high: T) {
    run(InPlace(values, move |value: T| {
        let raised = if value < low { low } else { value };
        if raised > high { high } else { raised }
    }));
}

/// Fills every column with its own value: biases ahead of a product that is added.
///
/// # Panics
///
/// If there are not as many values as columns.
pub fn fill_columns<T: Real>(mut out: ViewMut<'_, T>, values: &[T]) {
    assert_eq!(out.ncols(), values.len(), "as many values as columns");
    for (mut column, &value) in out.column_iter_mut().zip(values) {
        column.as_mut_slice().fill(value);
    }
}

/// Largest magnitude; 0 of nothing, NaN if any value is NaN.
#[must_use]
pub fn max_abs<T: Real>(values: &[T]) -> T {
    run(MaxAbs(values))
}

/// Raises each `largest[i]` to the largest magnitude in row `i`; it becomes and stays NaN if one is NaN.
///
/// # Panics
///
/// If there are not as many elements in `largest` as rows.
pub fn max_abs_rows<T: Real>(values: View<'_, T>, largest: &mut [T]) {
    assert_eq!(values.nrows(), largest.len(), "as many maxima as rows");
    for column in values.column_iter() {
        update(largest, column.as_slice(), larger);
    }
}

/// Raises each `largest[i]` to the largest `|one − other|` in row `i`; it becomes and stays NaN if one is NaN.
///
/// # Panics
///
/// If the lengths differ or are no whole number of columns of `largest.len()` rows.
pub fn max_distance_rows<T: Real>(one: &[T], other: &[T], largest: &mut [T]) {
    same_length(one, other);
    assert_eq!(one.len() % largest.len().max(1), 0, "whole columns");
    run(DistanceRows(one, other, largest));
}

/// See [`max_distance_rows`].
struct DistanceRows<'a, T>(&'a [T], &'a [T], &'a mut [T]);

impl<T: Real> Kernel for DistanceRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let rows = self.2.len();
        for (one, other) in self.0.chunks_exact(rows).zip(self.1.chunks_exact(rows)) {
            for i in 0..rows {
                self.2[i] = larger(self.2[i], one[i] - other[i]);
            }
        }
    }
}

/// The larger of a magnitude and that of `value`; NaN if either is.
#[inline(always)]
fn larger<T: Real>(magnitude: T, value: T) -> T {
    let size = value.magnitude();
    // Plain `max` drops NaN, and with one comparison a later number would replace it.
    let keep = (size <= magnitude) | magnitude.partial_cmp(&magnitude).is_none();
    if keep { magnitude } else { size }
}

fn same_length<T>(one: &[T], other: &[T]) {
    assert_eq!(one.len(), other.len(), "lengths differ");
}

/// `out = map(left, right)`.
fn zip<T: Real>(out: &mut [T], left: &[T], right: &[T], map: impl Fn(T, T) -> T) {
    same_length(out, left);
    same_length(out, right);
    run(Zip(out, left, right, map));
}

/// `out = map(out, values)`.
fn update<T: Real>(out: &mut [T], values: &[T], map: impl Fn(T, T) -> T) {
    same_length(out, values);
    run(Update(out, values, map));
}

struct Exp<'a, T>(&'a [T], &'a mut [T]);

impl<T: Real> Kernel for Exp<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (out, &x) in self.1.iter_mut().zip(self.0) {
            *out = elementary::exp::<T, FUSED>(x);
        }
    }
}

struct Zip<'a, T, F>(&'a mut [T], &'a [T], &'a [T], F);

impl<T: Real, F: Fn(T, T) -> T> Kernel for Zip<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for ((out, &left), &right) in self.0.iter_mut().zip(self.1).zip(self.2) {
            *out = (self.3)(left, right);
        }
    }
}

struct Update<'a, T, F>(&'a mut [T], &'a [T], F);

impl<T: Real, F: Fn(T, T) -> T> Kernel for Update<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (out, &value) in self.0.iter_mut().zip(self.1) {
            *out = (self.2)(*out, value);
        }
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

struct MaxAbs<'a, T>(&'a [T]);

impl<T: Real> Kernel for MaxAbs<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<const FUSED: bool>(self) -> T {
        let mut lanes = [T::ZERO; LANES];
        let chunks = self.0.chunks_exact(LANES);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, &value) in lanes.iter_mut().zip(chunk) {
                *lane = larger(*lane, value);
            }
        }
        lanes.iter().chain(rest).fold(T::ZERO, |largest, &value| larger(largest, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    #[test]
    fn a_mix_is_one_compartment_at_either_end_and_the_mean_between() {
        let (plus, minus) = ([1.0, -3.0, 0.25], [2.0, 5.0, 0.75]);
        let mut out = [0.0; 3];
        mix(&mut out, 1.0, &plus, &minus);
        assert_eq!(out, plus);
        mix(&mut out, 0.0, &plus, &minus);
        assert_eq!(out, minus);
        mix(&mut out, 0.5, &plus, &minus);
        assert_eq!(out, [1.5, 1.0, 0.5]);
    }

    #[test]
    fn differences_and_scaled_sums_are_as_by_hand() {
        let mut out = [9.0_f32; 3];
        difference(&mut out, &[1.0, 2.0, 3.0], &[0.5, 4.0, 3.0]);
        assert_eq!(out, [0.5, -2.0, 0.0]);
        add_scaled(&mut out, -2.0, &[1.0, 1.0, 0.25]);
        assert_eq!(out, [-1.5, -4.0, -0.5]);
    }

    #[test]
    fn steps_of_a_leak_compose() {
        // Two exact steps of h are one of 2h: v → u + (v − u) e^(−2h/τ).
        let share = -(-0.3_f64).exp_m1();
        let (mut values, target) = ([2.0, -1.0], [0.5, 0.25]);
        approach(&mut values, share, &target);
        approach(&mut values, share, &target);
        for ((value, start), target) in values.into_iter().zip([2.0, -1.0]).zip(target) {
            let exact = target + (start - target) * (-0.6_f64).exp();
            assert!((value - exact).abs() < 4.0 * f64::EPSILON, "{value} {exact}"); // four roundings near 1
        }
    }

    #[test]
    fn clipping_bounds_numbers_and_lets_nan_through() {
        let mut values = [-2.0, -0.5, 0.0, 0.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        clip(&mut values, -1.0, 0.25);
        assert_eq!(values[..6], [-1.0, -0.5, 0.0, 0.25, 0.25, -1.0]);
        assert!(values[6].is_nan());
    }

    #[test]
    fn every_column_gets_its_own_value() {
        let mut matrix = Matrix::from_element(3, 4, 7.0);
        fill_columns(matrix.rows_mut(1, 2).columns_mut(1, 2), &[1.0, 2.0]);
        let expected = [[7.0, 7.0, 7.0, 7.0], [7.0, 1.0, 2.0, 7.0], [7.0, 1.0, 2.0, 7.0]];
        assert_eq!(matrix, Matrix::from_fn(3, 4, |i, j| expected[i][j]));
    }

    #[test]
    fn the_largest_magnitude_is_found_wherever_it_lies() {
        for length in [1, 2, 31, 32, 33, 64, 100] {
            for place in 0..length {
                let mut values = vec![0.5_f32; length];
                values[place] = -3.0;
                assert_eq!(max_abs(&values), 3.0, "{length} {place}");
                values[place] = f32::NEG_INFINITY;
                assert_eq!(max_abs(&values), f32::INFINITY, "{length} {place}");
                values[place] = f32::NAN;
                assert!(max_abs(&values).is_nan(), "{length} {place}");
            }
        }
        assert_eq!(max_abs::<f64>(&[]), 0.0);
    }

    #[test]
    fn maxima_of_rows_run_on_and_keep_nan() {
        let nan = f64::NAN;
        let rows = [[1.0, -4.0, 2.0], [0.0, nan, 9.0], [nan, 1.0, 1.0], [0.5, -0.25, 0.0]];
        let matrix = Matrix::from_fn(4, 3, |i, j| rows[i][j]);
        let mut largest = [0.0, 0.0, 0.0, 0.75];
        max_abs_rows(matrix.as_view(), &mut largest);
        assert_eq!((largest[0], largest[3]), (4.0, 0.75));
        assert!(largest[1].is_nan() && largest[2].is_nan());
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

    #[test]
    fn the_exponential_of_a_slice_is_that_of_its_elements() {
        let values: Vec<f64> = (0..101).map(|i| f64::from(i) * 0.37 - 20.0).collect();
        let mut out = vec![0.0; values.len()];
        exp(&values, &mut out);
        for (x, y) in values.iter().zip(out) {
            assert!((y / x.exp() - 1.0).abs() <= 2.0 * f64::EPSILON, "{x}");
        }
    }
}
