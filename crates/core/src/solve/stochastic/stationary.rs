//! Whether a noisy sample has become stationary: its mean over the last window is that of the window before.
//!
//! A window is six blocks of two slowest time constants; the blocks' means give the standard error. That of
//! one compartment from six blocks is uncertain itself, so it counts for no less than the rms of its layer.
//! Among the compartments of a sample the test errs with a probability of 1 %.
//!
//! The scatter of the blocks is taken from differences of neighbours (von Neumann, Ann. Math. Stat. 12, 367
//! (1941)): a drift would inflate deviations from the window's mean as much as it moves the mean, and pass at
//! any size.
//!
//! Blocks are not independent: of an Ornstein–Uhlenbeck process of the slowest time constant, differences of
//! neighbours show 0.435 of the variance of the difference of two windows (tested). A slower loop looks
//! unsettled for longer.

use std::ops::Range;

use super::super::judgement::compute_bounds;
use super::super::{Dynamics, Outcome};
use super::quantile::two_sided;
use crate::matrix::{Matrix, Real, select_rows};

/// Blocks of a window.
const BLOCKS: usize = 6;
/// Length of a block (slowest τ).
const BLOCK: f64 = 2.0;
/// Share of the variance of a difference of windows that the blocks show.
const SHOWN: f64 = 0.435;
/// Probability of finding a difference where there is none.
const ERROR: f64 = 0.01;
/// A mean beyond this share of the modulus's is a growth without turns. Of `e^t cos ωt` (in slowest τ) a
/// block leaves at most 0.43 at `ω = 4` and 0.49 at `ω = 3`; what turns more seldom than once in a block
/// cannot be told from a runaway in that time.
const ONE_SIGN: f64 = 0.8;

/// The last blocks of a batch.
pub(super) struct Windows<T: Real> {
    /// Steps of a block.
    steps: u64,
    /// Length of a block (s).
    length: f64,
    /// Steps in the block under way.
    taken: u64,
    sum: Matrix<T>,
    /// Sums of the moduli: of the block under way, and of the last one.
    moduli: [Matrix<T>; 2],
    /// Means of the last blocks, oldest first, at most two windows.
    means: Vec<Matrix<T>>,
    /// Largest difference of windows in units of what the blocks show.
    limit: f64,
    /// Potential of every sample beyond which it runs away (V).
    bounds: Vec<f64>,
    /// Columns of every layer.
    layers: Vec<Range<usize>>,
}

impl<T: Real> Windows<T> {
    /// For the samples of `circuit`, in steps of `step` (s).
    pub fn new(circuit: &dyn Dynamics<T>, step: f64) -> Self {
        let free = circuit.free_state();
        let (batch, width) = free.shape();
        let steps = (BLOCK * circuit.slowest() / step).ceil();
        Self {
            steps: steps as u64,
            length: steps * step,
            taken: 0,
            sum: Matrix::zeros(batch, width),
            moduli: [Matrix::zeros(batch, width), Matrix::zeros(batch, width)],
            means: Vec::with_capacity(2 * BLOCKS),
            limit: two_sided(ERROR / width as f64) / SHOWN.sqrt(),
            bounds: compute_bounds(&free),
            layers: circuit.layers(),
        }
    }

    /// Takes in a step; whether it ends a block.
    pub fn observe(&mut self, state: &Matrix<T>) -> bool {
        self.sum += state;
        self.moduli[0].zip_apply(state, |sum, v| *sum += v.abs());
        self.taken += 1;
        if self.taken < self.steps {
            return false;
        }
        self.taken = 0;
        self.moduli.swap(0, 1);
        self.moduli[0].fill(T::ZERO);
        let mean = if self.means.len() == 2 * BLOCKS {
            let mut oldest = self.means.remove(0);
            oldest.copy_from(&self.sum);
            oldest
        } else {
            self.sum.clone()
        };
        self.means.push(mean * T::of(1.0 / self.steps as f64));
        self.sum.fill(T::ZERO);
        true
    }

    /// Mean of the last block.
    pub fn mean(&self) -> Option<&Matrix<T>> {
        self.means.last()
    }

    /// Length of the two windows (s).
    pub fn length(&self) -> f64 {
        2.0 * BLOCKS as f64 * self.length
    }

    /// Outcome of a sample, if it is clear, by its place in the batch and its number in the whole one.
    pub fn verdict(&self, row: usize, sample: usize, state: &Matrix<T>) -> Option<Outcome> {
        let last = self.means.last()?;
        let mut worst = (0.0_f64, 0);
        for (column, value) in state.row(row).iter().enumerate() {
            let value = value.to_f64();
            if !value.is_finite() {
                return Some(Outcome::NotFinite);
            }
            worst = if value.abs() > worst.0 { (value.abs(), column) } else { worst };
        }
        if worst.0 > self.bounds[sample] {
            // A growing oscillation averages out within a block; of what keeps its sign, the mean is that of
            // its modulus.
            let modulus = self.moduli[1][(row, worst.1)].to_f64() / self.steps as f64;
            let monotone = last[(row, worst.1)].to_f64().abs() > ONE_SIGN * modulus;
            return Some(if monotone { Outcome::LatchUp } else { Outcome::Oscillation });
        }
        let stationary = self.means.len() == 2 * BLOCKS && self.is_stationary(row);
        stationary.then_some(Outcome::NoisySettled)
    }

    fn is_stationary(&self, row: usize) -> bool {
        self.layers.iter().all(|layer| {
            let compared: Vec<_> = layer.clone().map(|column| self.compare(row, column)).collect();
            let pooled = compared.iter().map(|(_, variance)| variance).sum::<f64>() / compared.len() as f64;
            compared.iter().all(|&(apart, variance)| {
                let size = self.means.last().map_or(0.0, |m| m.row(row).amax().to_f64());
                let rounding = 16.0 * T::EPSILON.to_f64() * size;
                apart.abs() <= self.limit * variance.max(pooled).sqrt() + rounding
            })
        })
    }

    /// Difference of the two windows' means, and the variance that its blocks show.
    fn compare(&self, row: usize, column: usize) -> (f64, f64) {
        let window = |blocks: &[Matrix<T>]| {
            let values = || blocks.iter().map(|mean| mean[(row, column)].to_f64());
            let mean = values().sum::<f64>() / BLOCKS as f64;
            let steps = values().zip(values().skip(1)).map(|(one, next)| (next - one).powi(2)).sum::<f64>();
            (mean, steps / (2 * BLOCKS * (BLOCKS - 1)) as f64)
        };
        let (before, after) = self.means.split_at(BLOCKS);
        let (one, other) = (window(before), window(after));
        (other.0 - one.0, one.1 + other.1)
    }

    /// Keeps some of the samples.
    pub fn keep(&mut self, rows: &[usize]) {
        for matrix in self.means.iter_mut().chain(&mut self.moduli).chain([&mut self.sum]) {
            *matrix = select_rows(matrix, rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_of_neighbouring_blocks_show_their_share_of_an_ornstein_uhlenbeck_process() {
        // ⟨x(0) x(t)⟩ = e^{−t}: variances and covariances of means over intervals of one length, `gap`
        // lengths apart.
        let own = |t: f64| 2.0 * (t - 1.0 + (-t).exp()) / t.powi(2);
        let next = |t: f64| ((1.0 - (-t).exp()) / t).powi(2);
        let window = BLOCK * BLOCKS as f64;
        let exact = 2.0 * (own(window) - next(window));
        let shown = 2.0 * (own(BLOCK) - next(BLOCK)) / BLOCKS as f64;
        assert!((shown / exact - SHOWN).abs() < 5e-4, "{}", shown / exact);
    }

    #[test]
    fn a_drift_is_seen_whatever_its_size() {
        // A decay over some blocks, in units of what its own neighbours' differences show: beyond any limit
        // in use.
        for (blocks, least) in [(2.5_f64, 6.5), (5.0, 11.0), (20.0, 13.0)] {
            let value = |i: usize| (-(i as f64) / blocks).exp();
            let window = |from: usize| {
                let mean = (from..from + BLOCKS).map(value).sum::<f64>() / BLOCKS as f64;
                let steps = (from + 1..from + BLOCKS).map(|i| (value(i) - value(i - 1)).powi(2)).sum::<f64>();
                (mean, steps / (2 * BLOCKS * (BLOCKS - 1)) as f64)
            };
            let (one, other) = (window(0), window(BLOCKS));
            let ratio = (one.0 - other.0) / (one.1 + other.1).sqrt();
            assert!(ratio > least, "{blocks}: {ratio}");
        }
    }
}
