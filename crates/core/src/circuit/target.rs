//! What a loss can take as a target: a cross-entropy is one of distributions.
//!
//! `−Σ y ln softmax(ŷ/V_ref)` has the slope `p Σy − y`, and the circuit nudges with `p − y`: the two are one
//! only where a target adds up to 1.

use thiserror::Error;

use crate::matrix::Matrix;
use crate::spec::LossKind;

/// A target that is no distribution.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum TargetFault {
    /// An element below zero.
    #[error("sample {sample}: element {output} is {value}")]
    Negative {
        /// The sample, from 0.
        sample: usize,
        /// The output, from 0.
        output: usize,
        /// The element (V).
        value: f64,
    },
    /// Elements that do not add up to one.
    #[error("sample {sample}: the elements add up to {sum}")]
    Sum {
        /// The sample, from 0.
        sample: usize,
        /// Their sum (V).
        sum: f64,
    },
}

/// Checks that every row of `targets` is one that the loss can take: any, or a distribution for the
/// cross-entropy.
///
/// Rounding may put a sum off by half an `f32` spacing per element, and as much where a softmax in `f32` has
/// made it.
///
/// # Errors
/// The first sample that is no distribution.
pub fn check_targets(loss: LossKind, targets: &Matrix<f64>) -> Result<(), TargetFault> {
    if loss == LossKind::Mse {
        return Ok(());
    }
    let rounding = targets.ncols() as f64 * f64::from(f32::EPSILON);
    for (sample, target) in targets.row_iter().enumerate() {
        if let Some((output, &value)) = target.iter().enumerate().find(|(_, value)| **value < 0.0) {
            return Err(TargetFault::Negative { sample, output, value });
        }
        let sum: f64 = target.iter().sum();
        if (sum - 1.0).abs() > rounding || sum.is_nan() {
            return Err(TargetFault::Sum { sample, sum });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use nalgebra::dmatrix;

    use super::*;

    #[test]
    fn a_cross_entropy_takes_distributions_alone_and_squares_take_anything() {
        let single = [0.1_f32, 0.2, 0.7].map(f64::from);
        let good = dmatrix![1.0, 0.0, 0.0; 0.25, 0.25, 0.5; single[0], single[1], single[2]];
        assert_eq!(check_targets(LossKind::CrossEntropy, &good), Ok(()));
        let short = dmatrix![1.0, 0.0; 0.5, 0.0];
        let fault = check_targets(LossKind::CrossEntropy, &short);
        assert_eq!(fault, Err(TargetFault::Sum { sample: 1, sum: 0.5 }));
        assert_eq!(check_targets(LossKind::Mse, &short), Ok(()));
        let below = dmatrix![1.5, -0.5];
        let fault = check_targets(LossKind::CrossEntropy, &below);
        assert_eq!(fault, Err(TargetFault::Negative { sample: 0, output: 1, value: -0.5 }));
        assert!(check_targets(LossKind::CrossEntropy, &dmatrix![f64::NAN, 1.0]).is_err());
    }
}
