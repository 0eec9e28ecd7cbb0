//! Weighted sums of potentials and drives, column by column: what exponential integrators are made of.

use std::ops::Range;

use crate::matrix::Real;
use crate::matrix::dispatch::{Kernel, multiply_add, run};

/// Runs of columns with equal rates, which share their coefficients; on an ideal chip there is one.
pub(super) fn equal_rates<T: Real>(rates: &[T]) -> impl Iterator<Item = (Range<usize>, T)> + '_ {
    let mut from = 0;
    rates.chunk_by(|a, b| a == b).map(move |run| {
        let start = from;
        from += run.len();
        (start..from, run[0])
    })
}

/// See [`linear_combination`].
struct LinearCombination<'a, T> {
    coefficients: [T; 5],
    state: &'a [T],
    drives: [&'a [T]; 4],
    out: &'a mut [T],
}

impl<T: Real> Kernel for LinearCombination<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (n, c) = (self.out.len(), self.coefficients);
        let (v, a, b) = (&self.state[..n], &self.drives[0][..n], &self.drives[1][..n]);
        let (d, e) = (&self.drives[2][..n], &self.drives[3][..n]);
        let two = |i: usize| {
            let one = multiply_add::<T, FUSED>(c[1], a[i], c[0] * v[i]);
            multiply_add::<T, FUSED>(c[2], b[i], one)
        };
        if c[3] == T::ZERO && c[4] == T::ZERO {
            for i in 0..n {
                self.out[i] = two(i);
            }
            return;
        }
        for i in 0..n {
            let three = multiply_add::<T, FUSED>(c[3], d[i], two(i));
            self.out[i] = multiply_add::<T, FUSED>(c[4], e[i], three);
        }
    }
}

/// `out = c₀ v + c₁ u₁ + … + c₄ u₄`.
pub(super) fn linear_combination<T: Real>(
    coefficients: [T; 5],
    state: &[T],
    drives: [&[T]; 4],
    out: &mut [T],
) {
    run(LinearCombination { coefficients, state, drives, out });
}

/// What a multistep method needs to make the end of a step of its drive there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Correction<T> {
    /// Weights of the potential and of three drives in what was predicted.
    pub predict: [T; 4],
    /// Weights of the same in the corrected potential, without the drive at the end.
    pub base: [T; 4],
    /// Weight of the drive at the end.
    pub gain: T,
    /// Error per distance between the two.
    pub error: T,
    /// Rails (V); infinite where there are none.
    pub rails: (T, T),
}

/// See [`correct`].
struct Correct<'a, T> {
    by: Correction<T>,
    state: &'a [T],
    drives: [&'a [T]; 3],
    drive: &'a [T],
    next: &'a mut [T],
    maxima: [&'a mut [T]; 3],
}

impl<T: Real> Kernel for Correct<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(mut self) {
        // Blocks whose maxima stay at hand while the columns go by; longer ones make better use of cache
        // lines.
        let first = self.blocks::<64, FUSED>(0);
        let first = self.blocks::<16, FUSED>(first);
        self.blocks::<1, FUSED>(first);
    }
}

impl<T: Real> Correct<'_, T> {
    /// As many blocks of `B` rows from `first` as there are; where the rows begin that are left.
    #[inline(always)]
    fn blocks<const B: usize, const FUSED: bool>(&mut self, mut first: usize) -> usize {
        let rows = self.maxima[0].len();
        let Correction { predict, base, gain, error, rails: (low, high) } = self.by;
        while first + B <= rows {
            let [errors, sizes, residuals] = &mut self.maxima;
            let (mut worst, mut size, mut residual) = ([T::ZERO; B], [T::ZERO; B], [T::ZERO; B]);
            worst.copy_from_slice(&errors[first..first + B]);
            size.copy_from_slice(&sizes[first..first + B]);
            residual.copy_from_slice(&residuals[first..first + B]);
            for at in (first..self.next.len()).step_by(rows) {
                // Spelled out: a closure over arrays is not inlined here, and then nothing is wide.
                let (v, u) = (&self.state[at..at + B], &self.drive[at..at + B]);
                let (a, b) = (&self.drives[0][at..at + B], &self.drives[1][at..at + B]);
                let (c, next) = (&self.drives[2][at..at + B], &mut self.next[at..at + B]);
                for i in 0..B {
                    let foreseen = sum::<T, FUSED>(&predict, v[i], a[i], b[i], c[i]);
                    let foreseen = within(foreseen, low, high);
                    let known = sum::<T, FUSED>(&base, v[i], a[i], b[i], c[i]);
                    let end = within(multiply_add::<T, FUSED>(gain, u[i], known), low, high);
                    worst[i] = worst[i].larger((error * (foreseen - end)).magnitude());
                    size[i] = size[i].larger(end.magnitude());
                    residual[i] = residual[i].larger((u[i] - end).magnitude());
                    next[i] = end;
                }
            }
            errors[first..first + B].copy_from_slice(&worst);
            sizes[first..first + B].copy_from_slice(&size);
            residuals[first..first + B].copy_from_slice(&residual);
            first += B;
        }
        first
    }
}

/// `w₀ v + w₁ a + w₂ b + w₃ c`.
#[inline(always)]
fn sum<T: Real, const FUSED: bool>(w: &[T; 4], v: T, a: T, b: T, c: T) -> T {
    let two = multiply_add::<T, FUSED>(w[1], a, w[0] * v);
    multiply_add::<T, FUSED>(w[3], c, multiply_add::<T, FUSED>(w[2], b, two))
}

/// `value` clipped to `[low, high]`; NaN stays.
#[inline(always)]
fn within<T: Real>(value: T, low: T, high: T) -> T {
    let raised = if value < low { low } else { value };
    if raised > high { high } else { raised }
}

/// The corrected end of a step from its drive, columns one after the other; raises every row's error, `‖v‖∞`
/// and `‖u − v‖∞`.
///
/// What was predicted is computed again: it costs less than keeping it.
pub(super) fn correct<T: Real>(
    by: Correction<T>,
    (state, drives): (&[T], [&[T]; 3]),
    drive: &[T],
    next: &mut [T],
    maxima: [&mut [T]; 3],
) {
    run(Correct { by, state, drives, drive, next, maxima });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::elementwise::{clip, max_abs_rows, max_distance_rows};

    #[test]
    fn a_correction_is_that_of_separate_passes_to_the_last_bit() {
        for rows in [1, 15, 16, 37, 64, 101] {
            let numbers = |k: usize| -> Vec<f64> {
                (0..3 * rows).map(|i| ((i * 37 + k * 101) % 97) as f64 / 97.0 - 0.5).collect()
            };
            let (v, a, b, c, u) = (numbers(0), numbers(1), numbers(2), numbers(3), numbers(4));
            for rails in [(f64::NEG_INFINITY, f64::INFINITY), (-0.2, 0.3)] {
                let by = Correction {
                    predict: [0.5, 0.7, -0.3, 0.1],
                    base: [0.5, 0.4, -0.1, 0.05],
                    gain: 0.15,
                    error: 0.6,
                    rails,
                };
                let mut next = vec![0.0; 3 * rows];
                let mut maxima = [vec![0.01; rows], vec![0.0; rows], vec![0.0; rows]];
                correct(by, (&v, [&a, &b, &c]), &u, &mut next, maxima.each_mut().map(Vec::as_mut_slice));

                let five = |w: [f64; 4]| [w[0], w[1], w[2], w[3], 0.0];
                let [mut foreseen, mut base, mut end] = [0, 1, 2].map(|_| vec![0.0; 3 * rows]);
                linear_combination(five(by.predict), &v, [&a, &b, &c, &c], &mut foreseen);
                linear_combination(five(by.base), &v, [&a, &b, &c, &c], &mut base);
                linear_combination([1.0, by.gain, 0.0, 0.0, 0.0], &base, [&u; 4], &mut end);
                clip(&mut foreseen, rails.0, rails.1);
                clip(&mut end, rails.0, rails.1);
                let [mut moved, mut sizes, mut residuals] = [0, 1, 2].map(|_| vec![0.0; rows]);
                max_distance_rows(&foreseen, &end, &mut moved);
                max_abs_rows(&end, &mut sizes);
                max_distance_rows(&u, &end, &mut residuals);
                let errors: Vec<f64> = moved.iter().map(|m| f64::max(0.01, by.error * m)).collect();
                assert_eq!(next, end);
                assert_eq!(maxima, [errors, sizes, residuals], "{rows} rows, rails {rails:?}");
            }
        }
    }
}
