//! White noise through leaks: `J = r ∫ e^{−ℓ(h−s)} dW` over a step, column by column, refined by bridges.
//!
//! Over two halves `J = e^{−ℓh} J₁ + J₂`, so given `J` the first half is normal with mean `b J` and variance
//! `V(h)²/V(2h)`, `b = e^{−ℓh} V(h)/V(2h)`, `V(h) = (1 − e^{−2ℓh})/2ℓ`; without leak it is the Brownian
//! bridge.

use super::clock::{Channel, Clock, Lanes};
use super::draw::Numbers;
use crate::matrix::dispatch::{Kernel, multiply_add, run};
use crate::matrix::{Real, rows_of};

/// White noise of every column.
#[derive(Clone, Debug)]
pub(super) struct White<T> {
    channel: Channel,
    rows: usize,
    /// Standard deviation of a base interval, column by column.
    base: Vec<T>,
    /// `(b, standard deviation, e^{−ℓh})` of every column, for halves of every level from 1.
    halves: Vec<Vec<[T; 3]>>,
    /// Second halves that are still to come, by level from 1.
    pending: Vec<Vec<T>>,
    /// Increments of the step.
    pub step: Vec<T>,
    numbers: Numbers<T>,
}

impl<T: Real> White<T> {
    /// For columns with `(scale, leak)`: the two-sided PSD's root times `r`, and `ℓ` (1/s).
    pub fn new(channel: Channel, clock: &Clock, rows: usize, columns: &[(f64, f64)]) -> Self {
        let base = columns.iter().map(|&(scale, leak)| T::of(scale * variance(leak, clock.length(0)).sqrt()));
        let half = |level: u32| {
            let length = clock.length(level);
            let each = columns.iter().map(move |&(scale, leak)| {
                let (one, two) = (variance(leak, length), variance(leak, 2.0 * length));
                let decay = (-leak * length).exp();
                [decay * one / two, scale * one / two.sqrt(), decay].map(T::of)
            });
            each.collect()
        };
        let blank = || vec![T::ZERO; rows * columns.len()];
        Self {
            channel,
            rows,
            base: base.collect(),
            halves: (1..=clock.level).map(half).collect(),
            pending: (1..=clock.level).map(|_| blank()).collect(),
            step: blank(),
            numbers: Numbers::new(),
        }
    }

    /// Draws the increments of the next step.
    pub fn advance(&mut self, clock: &Clock, lanes: &Lanes) {
        let opens = clock.opens();
        let columns = self.base.len();
        if opens == 0 {
            self.numbers.draw(lanes, self.channel, clock.point(0), columns);
            run(Scale { rows: self.rows, by: &self.base, from: &self.numbers.values, out: &mut self.step });
        } else {
            std::mem::swap(&mut self.step, &mut self.pending[opens as usize - 1]);
        }
        for level in opens + 1..=clock.level {
            self.numbers.draw(lanes, self.channel, clock.point(level), columns);
            run(Halve {
                rows: self.rows,
                columns: &self.halves[level as usize - 1],
                numbers: &self.numbers.values,
                first: &mut self.step,
                second: &mut self.pending[level as usize - 1],
            });
        }
    }

    /// Keeps some of the samples.
    pub fn keep(&mut self, rows: &[usize]) {
        for buffer in self.pending.iter_mut().chain([&mut self.step]) {
            *buffer = rows_of(buffer, self.rows, rows);
        }
        self.rows = rows.len();
    }
}

/// `V(h) = ∫₀ʰ e^{−2ℓs} ds` (s).
pub(super) fn variance(leak: f64, length: f64) -> f64 {
    if leak == 0.0 { length } else { -(-2.0 * leak * length).exp_m1() / (2.0 * leak) }
}

/// `out = by · from`, one factor per column.
struct Scale<'a, T> {
    rows: usize,
    by: &'a [T],
    from: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> Kernel for Scale<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let columns = self.out.chunks_exact_mut(self.rows).zip(self.from.chunks_exact(self.rows));
        for ((out, from), &by) in columns.zip(self.by) {
            for (out, &z) in out.iter_mut().zip(from) {
                *out = by * z;
            }
        }
    }
}

/// Splits `first` in two halves by its bridge.
struct Halve<'a, T> {
    rows: usize,
    columns: &'a [[T; 3]],
    numbers: &'a [T],
    first: &'a mut [T],
    second: &'a mut [T],
}

impl<T: Real> Kernel for Halve<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let n = self.rows;
        let halves = self.first.chunks_exact_mut(n).zip(self.second.chunks_exact_mut(n));
        for (((first, second), z), &[b, s, decay]) in
            halves.zip(self.numbers.chunks_exact(n)).zip(self.columns)
        {
            for ((first, second), &z) in first.iter_mut().zip(second).zip(z) {
                let whole = *first;
                let half = multiply_add::<T, FUSED>(b, whole, s * z);
                *first = half;
                *second = multiply_add::<T, FUSED>(-decay, half, whole);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::SampleIds;

    /// Increments over `count` steps of `step` τ with τ = 1, for samples `ids`.
    fn increments(step: f64, count: usize, leaks: &[f64], ids: Vec<u64>) -> Vec<Vec<f64>> {
        let mut clock = Clock::new(step, 1.0);
        let lanes = Lanes::new(&SampleIds { seed: 3, ids });
        let columns: Vec<_> = leaks.iter().map(|&leak| (1.5, leak)).collect();
        let mut white = White::new(Channel::White, &clock, lanes.rows, &columns);
        let each = (0..count).map(|_| {
            white.advance(&clock, &lanes);
            clock.done += 1;
            white.step.clone()
        });
        each.collect()
    }

    #[test]
    fn halving_the_step_refines_the_same_path() {
        let leaks = [0.0, 1.0, 50.0];
        let (coarse, fine) =
            (increments(0.5, 40, &leaks, (0..64).collect()), increments(0.25, 80, &leaks, (0..64).collect()));
        for (whole, halves) in coarse.iter().zip(fine.chunks(2)) {
            for i in 0..whole.len() {
                let sum = (-0.25 * leaks[i / 64]).exp() * halves[0][i] + halves[1][i];
                assert!((whole[i] - sum).abs() < 1e-13, "{} {sum}", whole[i]); // rounding
            }
        }
    }

    #[test]
    fn increments_have_their_variance_and_no_memory() {
        let leaks: Vec<f64> = [0.0, 1.0, 50.0].iter().flat_map(|&leak| vec![leak; 64]).collect();
        let steps = increments(0.25, 64, &leaks, (0..64).collect());
        for (kind, leak) in [0.0_f64, 1.0, 50.0].into_iter().enumerate() {
            let range = kind * 4096..(kind + 1) * 4096;
            let wanted = 2.25 * variance(leak, 0.25);
            let product = |lag: usize| {
                let pairs = steps.iter().zip(&steps[lag..]);
                let sums = pairs.map(|(a, b)| {
                    a[range.clone()].iter().zip(&b[range.clone()]).map(|(a, b)| a * b).sum::<f64>()
                });
                sums.sum::<f64>() / (4096 * (64 - lag)) as f64 / wanted
            };
            // 262,144 numbers: standard errors 0.0028 and 0.002; four of them.
            assert!((product(0) - 1.0).abs() < 0.0112, "{leak}: {}", product(0));
            for lag in [1, 2, 3, 16] {
                assert!(
                    product(lag).abs() < 0.008 * (64.0_f64 / (64 - lag) as f64).sqrt(),
                    "{leak} {lag}: {}",
                    product(lag)
                );
            }
        }
    }

    #[test]
    fn a_sample_keeps_its_numbers_in_any_company() {
        let together = increments(0.5, 20, &[1.0, 0.0], (0..64).collect());
        let ids = vec![70, 5, 63];
        let apart = increments(0.5, 20, &[1.0, 0.0], ids.clone());
        for (together, apart) in together.iter().zip(&apart) {
            for (row, &id) in ids.iter().enumerate().filter(|(_, id)| **id < 64) {
                for column in 0..2 {
                    assert_eq!(together[column * 64 + id as usize], apart[column * 3 + row]);
                }
            }
        }
    }
}
