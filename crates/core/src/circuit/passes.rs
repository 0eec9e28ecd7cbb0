//! Elementwise passes over whole layers, vectorised; per-neuron devices enter as one number per column.
//!
//! All slices are column-major `[batch × n]`, so a column is `batch` consecutive numbers.

use crate::matrix::dispatch::{Kernel, multiply_add, run};
use crate::matrix::{Matrix, Real};

/// See [`mean_and_difference`].
struct MeanAndDifference<'a, T> {
    batch: usize,
    mixing: &'a [T],
    outputs: (&'a [T], &'a [T]),
    mean: &'a mut [T],
    difference: &'a mut [T],
}

impl<T: Real> Kernel for MeanAndDifference<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let n = self.batch;
        let columns = self.mean.chunks_exact_mut(n).zip(self.difference.chunks_exact_mut(n));
        let outputs = self.outputs.0.chunks_exact(n).zip(self.outputs.1.chunks_exact(n));
        for ((&alpha, (mean, difference)), (plus, minus)) in self.mixing.iter().zip(columns).zip(outputs) {
            let rest = T::ONE - alpha;
            for i in 0..n {
                mean[i] = alpha * plus[i] + rest * minus[i];
                difference[i] = plus[i] - minus[i];
            }
        }
    }
}

/// `mean = α s⁺ + (1 − α) s⁻` and `difference = s⁺ − s⁻`, with one `α` per column.
///
/// The mean is rounded like its formula, without fused steps, so that `α = 0` and `α = 1` give one
/// compartment's output to the last bit.
pub(super) fn mean_and_difference<T: Real>(
    batch: usize,
    mixing: &[T],
    outputs: (&[T], &[T]),
    mean: &mut [T],
    difference: &mut [T],
) {
    run(MeanAndDifference { batch, mixing, outputs, mean, difference });
}

/// See [`add_feedback`].
struct AddFeedback<'a, T> {
    batch: usize,
    bias: Option<&'a [T]>,
    gains: (&'a [T], &'a [T]),
    base: &'a [T],
    feedback: (&'a [T], &'a [T]),
    drives: (&'a mut [T], &'a mut [T]),
}

impl<T: Real> Kernel for AddFeedback<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let n = self.batch;
        let drives = self.drives.0.chunks_exact_mut(n).zip(self.drives.1.chunks_exact_mut(n));
        let feedback = self.feedback.0.chunks_exact(n).zip(self.feedback.1.chunks_exact(n));
        let columns = self.base.chunks_exact(n).zip(feedback).zip(drives);
        for (j, ((base, (e, f)), (plus, minus))) in columns.enumerate() {
            let (up, down) = (self.gains.0[j], -self.gains.1[j]);
            let bias = self.bias.map_or(T::ZERO, |bias| bias[j]);
            for i in 0..n {
                let common = base[i] + bias;
                plus[i] = multiply_add::<T, FUSED>(up, e[i], common);
                minus[i] = multiply_add::<T, FUSED>(down, f[i], common);
            }
        }
    }
}

/// `u⁺ = base + b + a⁺ e⁺` and `u⁻ = base + b − a⁻ e⁻`, with one bias and pair of gains per column.
pub(super) fn add_feedback<T: Real>(
    batch: usize,
    bias: Option<&[T]>,
    gains: (&[T], &[T]),
    base: &[T],
    feedback: (&[T], &[T]),
    drives: (&mut [T], &mut [T]),
) {
    run(AddFeedback { batch, bias, gains, base, feedback, drives });
}

/// `out = a ⊙ b`.
pub(super) fn times<T: Real>(a: &[T], b: &[T], out: &mut [T]) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = a * b;
    }
}

/// `out_i += Σ_j W_ij z_ij x_j`; `z` has a column for every synapse, row by row of `W`.
pub(super) fn modulate<T: Real>(batch: usize, weights: &Matrix<T>, z: &[T], x: &[T], out: &mut [T]) {
    for (i, out) in out.chunks_exact_mut(batch).enumerate() {
        for (j, x) in x.chunks_exact(batch).enumerate() {
            let (w, z) = (weights[(i, j)], &z[(i * weights.ncols() + j) * batch..][..batch]);
            for ((out, &x), &z) in out.iter_mut().zip(x).zip(z) {
                *out += w * z * x;
            }
        }
    }
}

/// `out_j += Σ_i F_ij z_ij d_i`, the same the other way.
pub(super) fn modulate_back<T: Real>(batch: usize, weights: &Matrix<T>, z: &[T], d: &[T], out: &mut [T]) {
    for (i, d) in d.chunks_exact(batch).enumerate() {
        for (j, out) in out.chunks_exact_mut(batch).enumerate() {
            let (w, z) = (weights[(i, j)], &z[(i * weights.ncols() + j) * batch..][..batch]);
            for ((out, &d), &z) in out.iter_mut().zip(d).zip(z) {
                *out += w * z * d;
            }
        }
    }
}
