//! Elementwise passes over whole layers, vectorised; per-neuron devices enter as one number per column.
//!
//! All slices are column-major `[batch × n]`, so a column is `batch` consecutive numbers.

use multiversion::multiversion;

use crate::matrix::Real;

/// `mean = α s⁺ + (1 − α) s⁻` and `difference = s⁺ − s⁻`, with one `α` per column.
#[multiversion(targets("x86_64+avx512f+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn mix<T: Real>(
    batch: usize,
    mixing: &[T],
    outputs: (&[T], &[T]),
    mean: &mut [T],
    difference: &mut [T],
) {
    let (plus, minus) = outputs;
    for (j, &alpha) in mixing.iter().enumerate() {
        let column = j * batch..(j + 1) * batch;
        let rest = T::one() - alpha;
        let (p, q) = (&plus[column.clone()], &minus[column.clone()]);
        let (m, d) = (&mut mean[column.clone()], &mut difference[column]);
        for i in 0..batch {
            m[i] = alpha * p[i] + rest * q[i];
            d[i] = p[i] - q[i];
        }
    }
}

/// `u⁺ = base + b + a⁺ e⁺` and `u⁻ = base + b − a⁻ e⁻`, with one bias and pair of gains per column.
#[multiversion(targets("x86_64+avx512f+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn split<T: Real>(
    batch: usize,
    bias: Option<&[T]>,
    gains: (&[T], &[T]),
    base: &[T],
    feedback: (&[T], &[T]),
    drives: (&mut [T], &mut [T]),
) {
    let (plus, minus) = drives;
    for j in 0..gains.0.len() {
        let column = j * batch..(j + 1) * batch;
        let (up, down) = (gains.0[j], gains.1[j]);
        let b = bias.map_or(T::zero(), |bias| bias[j]);
        let (e, f) = (&feedback.0[column.clone()], &feedback.1[column.clone()]);
        let base = &base[column.clone()];
        let (p, q) = (&mut plus[column.clone()], &mut minus[column]);
        for i in 0..batch {
            let common = base[i] + b;
            p[i] = common + up * e[i];
            q[i] = common - down * f[i];
        }
    }
}

/// `out = a ⊙ b`.
#[multiversion(targets("x86_64+avx512f+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn times<T: Real>(a: &[T], b: &[T], out: &mut [T]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = a * b;
    }
}

/// Clips to `[low, high]`; NaN stays NaN.
#[multiversion(targets("x86_64+avx512f+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn clip<T: Real>(values: &mut [T], low: T, high: T) {
    for value in values {
        let v = *value;
        let v = if v < low { low } else { v };
        *value = if v > high { high } else { v };
    }
}
