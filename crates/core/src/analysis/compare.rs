//! Comparisons of what two rules estimate or learned.

use nalgebra::DMatrix;

use crate::chip::Weights;
use crate::learn::Gradient;
use crate::matrix::measure::{angle_degrees, frobenius, spectral_norm};
use crate::matrix::{Matrix, Real};

/// Angle per layer between two gradients (degrees), weights and biases together; NaN where one is zero.
#[must_use]
pub fn layer_angles<T: Real>(one: &Gradient<T>, other: &Gradient<T>) -> Vec<f64> {
    let flat = |gradient: &Gradient<T>, k: usize| {
        let entries = gradient.forward[k].iter().chain(&gradient.biases[k]).copied();
        Matrix::from_iterator(gradient.forward[k].len() + gradient.biases[k].len(), 1, entries)
    };
    (0..one.forward.len()).map(|k| angle_degrees(&flat(one, k), &flat(other, k))).collect()
}

/// `‖A − B‖_F / ‖B‖_F`; 0 of equal matrices, those of zeros included.
#[must_use]
pub fn relative_distance<T: Real>(one: &Matrix<T>, other: &Matrix<T>) -> f64 {
    let apart = frobenius(&(one - other));
    if apart == 0.0 { 0.0 } else { apart / frobenius(other) }
}

/// Spectral norm of `W_L ⋯ W_1`, the Lipschitz proxy of Høier & Zach 2024.
#[must_use]
pub fn product_norm<T: Real>(weights: &Weights<T>) -> f64 {
    let wide = |w: &Matrix<T>| w.map(Real::to_f64);
    let product: Option<DMatrix<f64>> = weights.forward.iter().map(wide).reduce(|product, w| w * product);
    product.map_or(0.0, |p| spectral_norm(&p))
}

/// Fraction of equal entries of two lists of predictions.
#[must_use]
pub fn agreement(one: &[usize], other: &[usize]) -> f64 {
    let equal = one.iter().zip(other).filter(|(a, b)| a == b).count();
    equal as f64 / one.len().max(1) as f64
}
