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

/// See [`weigh`].
struct Weigh<'a, T> {
    coefficients: [T; 5],
    state: &'a [T],
    drives: [&'a [T]; 4],
    out: &'a mut [T],
}

impl<T: Real> Kernel for Weigh<'_, T> {
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
pub(super) fn weigh<T: Real>(coefficients: [T; 5], state: &[T], drives: [&[T]; 4], out: &mut [T]) {
    run(Weigh { coefficients, state, drives, out });
}

/// Two weighted sums of the same terms in one pass.
struct Twice<'a, T> {
    coefficients: [[T; 4]; 2],
    state: &'a [T],
    drives: [&'a [T]; 3],
    out: [&'a mut [T]; 2],
}

impl<T: Real> Kernel for Twice<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let [one, other] = self.out;
        let n = one.len();
        let [c, d] = self.coefficients;
        let (v, other) = (&self.state[..n], &mut other[..n]);
        let [a, b, e] = self.drives.map(|drive| &drive[..n]);
        for i in 0..n {
            let sum = |c: [T; 4]| {
                let two = multiply_add::<T, FUSED>(c[1], a[i], c[0] * v[i]);
                multiply_add::<T, FUSED>(c[3], e[i], multiply_add::<T, FUSED>(c[2], b[i], two))
            };
            (one[i], other[i]) = (sum(c), sum(d));
        }
    }
}

/// `out = c₀ v + c₁ u₁ + c₂ u₂ + c₃ u₃` for two sets of coefficients.
pub(super) fn weigh_twice<T: Real>(
    coefficients: [[T; 4]; 2],
    state: &[T],
    drives: [&[T]; 3],
    out: [&mut [T]; 2],
) {
    run(Twice { coefficients, state, drives, out });
}
