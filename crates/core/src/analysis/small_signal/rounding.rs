//! Variances of read-outs in which noise cancels: what is left there is rounding, and counts as none.
//!
//! `cᵀ P c` is a sum of terms of either sign. Where they cancel exactly, as the supply's noise does in the
//! difference of two equal compartments, rounding leaves a number of either sign that means nothing.

use super::dense::times;
use crate::matrix::Matrix;

/// Roundings of every term, per state: those of the sum and of the covariance itself.
const ROUNDINGS: f64 = 8.0;

/// Variance of every read-out `C x`, `C` `[read-outs × states]`; exactly 0 where nothing but rounding is
/// left.
#[must_use]
pub fn variances(readouts: &Matrix<f64>, covariance: &Matrix<f64>) -> Vec<f64> {
    let floors = rounding(readouts, covariance);
    let found = diagonal(readouts, covariance);
    found.into_iter().zip(floors).map(|(found, floor)| if found > floor { found } else { 0.0 }).collect()
}

/// Rounding error of a variance of 0, read-out by read-out.
#[must_use]
pub fn rounding(readouts: &Matrix<f64>, covariance: &Matrix<f64>) -> Vec<f64> {
    let share = ROUNDINGS * covariance.nrows() as f64 * f64::EPSILON;
    let terms = diagonal(&readouts.abs(), &covariance.abs());
    terms.into_iter().map(|sum| share * sum).collect()
}

/// The diagonal of `C P Cᵀ`.
fn diagonal(readouts: &Matrix<f64>, covariance: &Matrix<f64>) -> Vec<f64> {
    let half = times(readouts, covariance);
    (0..readouts.nrows()).map(|i| half.row(i).dot(&readouts.row(i))).collect()
}
