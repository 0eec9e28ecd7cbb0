//! An Ornstein–Uhlenbeck process and what a leak makes of it over a step, drawn jointly and exactly.
//!
//! `x` forgets at rate `λ`; `a = r ∫ e^{−ℓ(h−s)} x ds` over an interval. The pair is a linear Gaussian process
//! `ξ = (x, a)` with `ξ(h) = Φ(h) ξ(0) + noise`, noise covariance `Q(h) = 2λσ² ∫ w wᵀ`, `w = (e^{−λs}, r g(s))`,
//! `g = (e^{−λs} − e^{−ℓs})/(ℓ − λ)`. Given both ends of two halves the middle has the mean
//! `Φ ξ₀ + B (ξ₂ − Φ² ξ₀)` and covariance `Q − BΦQ`, where `B = QΦᵀ Q(2h)⁻¹`.

use nalgebra::{Matrix2, Vector2};

use super::Process;
use super::clock::{Channel, Clock, Lanes};
use super::draw::Numbers;
use crate::matrix::dispatch::{Kernel, multiply_add, run};
use crate::matrix::{Real, rows_of};

/// One process per column, all of the same rate.
#[derive(Clone, Debug)]
pub(super) struct Coloured<T> {
    channel: Channel,
    rows: usize,
    /// Standard deviation of every column.
    deviations: Vec<T>,
    /// Runs of columns with equal leaks.
    runs: Vec<Run<T>>,
    /// Processes and integrals at the ends of second halves that are still to come, by level from 1.
    pending: Vec<[Vec<T>; 2]>,
    /// Processes where the last step ended.
    now: Vec<T>,
    /// Processes at the end of the step, and integrals over it.
    next: [Vec<T>; 2],
    started: bool,
    numbers: Numbers<T>,
}

/// Columns with one leak.
#[derive(Clone, Debug)]
struct Run<T> {
    columns: std::ops::Range<usize>,
    /// A base interval, and halves of every level from 1.
    moves: Vec<Move<T>>,
}

/// `(x, a)` from `x` before, both at the end (zero weights where it is not yet known), and two numbers.
#[derive(Clone, Copy, Debug)]
struct Move<T> {
    before: [T; 2],
    end: [[T; 2]; 2],
    noise: [T; 3],
    /// `e^{−ℓh}` of a half; 0 for the base, which has no second one.
    decay: T,
}

impl<T: Real> Coloured<T> {
    /// For columns with `(variance, r, ℓ)`, rates in 1/s.
    pub fn new(channel: Channel, clock: &Clock, rows: usize, rate: f64, columns: &[(f64, f64, f64)]) -> Self {
        let mut from = 0;
        let runs = columns.chunk_by(|a, b| (a.1, a.2) == (b.1, b.2)).map(|run| {
            let (start, (_, r, leak)) = (from, run[0]);
            from += run.len();
            let pair = Pair { rate, r, leak };
            let halves = (1..=clock.level).map(|level| pair.half(clock.length(level)));
            let moves = std::iter::once(pair.base(clock.length(0))).chain(halves);
            Run { columns: start..from, moves: moves.collect() }
        });
        let blank = || vec![T::ZERO; rows * columns.len()];
        Self {
            channel,
            rows,
            deviations: columns.iter().map(|c| T::of(c.0.sqrt())).collect(),
            runs: runs.collect(),
            pending: (1..=clock.level).map(|_| [blank(), blank()]).collect(),
            now: blank(),
            next: [blank(), blank()],
            started: false,
            numbers: Numbers::new(),
        }
    }

    /// For processes like `process` in `count` columns that share `r` and `ℓ`.
    pub fn alike(
        channel: Channel,
        clock: &Clock,
        rows: usize,
        process: &Process,
        (count, r, leak): (usize, f64, f64),
    ) -> Self {
        Self::new(channel, clock, rows, process.rate, &vec![(process.variance, r, leak); count])
    }

    /// Integrals `a` over the step.
    pub fn step(&self) -> &[T] {
        &self.next[1]
    }

    /// Draws the integrals over the next step.
    pub fn advance(&mut self, clock: &Clock, lanes: &Lanes) {
        let count = self.deviations.len();
        if self.started {
            std::mem::swap(&mut self.now, &mut self.next[0]);
        } else {
            self.numbers.draw(lanes, self.channel, 0, count);
            for ((now, z), &deviation) in self
                .now
                .chunks_exact_mut(self.rows)
                .zip(self.numbers.values.chunks_exact(self.rows))
                .zip(&self.deviations)
            {
                now.iter_mut().zip(z).for_each(|(now, &z)| *now = deviation * z);
            }
            self.started = true;
        }
        let opens = clock.opens();
        if opens == 0 {
            self.travel(clock, lanes, 0);
        } else {
            std::mem::swap(&mut self.next, &mut self.pending[opens as usize - 1]);
        }
        for level in opens + 1..=clock.level {
            self.travel(clock, lanes, level);
        }
    }

    /// Draws the end of a base interval, or the middle of the interval that ends in `next`.
    fn travel(&mut self, clock: &Clock, lanes: &Lanes, level: u32) {
        let count = self.deviations.len();
        self.numbers.draw(lanes, self.channel, clock.point(level), 2 * count);
        let (one, two) = self.numbers.values.split_at(self.rows * count);
        let [x, a] = &mut self.next;
        let mut none = [Vec::new(), Vec::new()];
        let later = if level == 0 { &mut none } else { &mut self.pending[level as usize - 1] };
        if level > 0 {
            later[0].copy_from_slice(x);
        }
        for run_of in &self.runs {
            let range = run_of.columns.start * self.rows..run_of.columns.end * self.rows;
            run(Travel {
                rows: self.rows,
                by: run_of.moves[level as usize],
                deviations: &self.deviations[run_of.columns.clone()],
                numbers: [&one[range.clone()], &two[range.clone()]],
                before: &self.now[range.clone()],
                end: [&mut x[range.clone()], &mut a[range.clone()]],
                later: if level == 0 { &mut [] } else { &mut later[1][range.clone()] },
            });
        }
    }

    /// Keeps some of the samples.
    pub fn keep(&mut self, rows: &[usize]) {
        let height = self.rows;
        let all = self.pending.iter_mut().flatten().chain(&mut self.next).chain([&mut self.now]);
        all.for_each(|buffer| *buffer = rows_of(buffer, height, rows));
        self.rows = rows.len();
    }
}

/// A process of unit variance and its leaky integral.
#[derive(Clone, Copy, Debug)]
struct Pair {
    rate: f64,
    r: f64,
    leak: f64,
}

impl Pair {
    /// `w(s)`: what is left after `s` (s) of a kick to the process, in both.
    fn response(self, s: f64) -> Vector2<f64> {
        let (slow, fast) = (self.rate.min(self.leak), self.rate.max(self.leak));
        let z = (fast - slow) * s;
        // Never the difference of two numbers that are nearly equal.
        let mean = if z == 0.0 { 1.0 } else { -(-z).exp_m1() / z };
        Vector2::new((-self.rate * s).exp(), self.r * s * (-slow * s).exp() * mean)
    }

    fn transition(self, h: f64) -> Matrix2<f64> {
        let w = self.response(h);
        Matrix2::new(w[0], 0.0, w[1], (-self.leak * h).exp())
    }

    /// `Q(h)`, by Gauss–Legendre quadrature on panels that double: integrands are positive and nothing cancels.
    fn covariance(self, h: f64) -> Matrix2<f64> {
        /// Nodes and weights of eight points on [−1, 1] (Abramowitz & Stegun, table 25.4), one half of them.
        const RULE: [(f64, f64); 4] = [
            (0.183_434_642_495_649_8, 0.362_683_783_378_362),
            (0.525_532_409_916_329, 0.313_706_645_877_887_27),
            (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
            (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
        ];
        let mut sum = Matrix2::zeros();
        let (mut low, mut high) = (0.0, h * 2_f64.powi(-30));
        while low < h {
            let (middle, half) = (f64::midpoint(low, high), 0.5 * (high - low));
            for (node, weight) in RULE {
                for s in [middle - half * node, middle + half * node] {
                    let w = self.response(s);
                    sum += w * w.transpose() * (weight * half);
                }
            }
            (low, high) = (high, (2.0 * high).min(h));
        }
        sum * (2.0 * self.rate)
    }

    /// From the beginning of an interval to its end.
    fn base<T: Real>(self, h: f64) -> Move<T> {
        let transition = self.transition(h);
        Move {
            before: [transition[(0, 0)], transition[(1, 0)]].map(T::of),
            end: [[T::ZERO; 2]; 2],
            noise: root(self.covariance(h)).map(T::of),
            decay: T::ZERO,
        }
    }

    /// To the middle of an interval of two halves of length `h`, both ends known.
    fn half<T: Real>(self, h: f64) -> Move<T> {
        let (transition, covariance) = (self.transition(h), self.covariance(h));
        let inverse = self.covariance(2.0 * h).try_inverse().unwrap_or_else(Matrix2::zeros);
        let bridge = covariance * transition.transpose() * inverse;
        let before = transition - bridge * transition * transition;
        let rest = covariance - bridge * transition * covariance;
        Move {
            before: [before[(0, 0)], before[(1, 0)]].map(T::of),
            end: [[bridge[(0, 0)], bridge[(0, 1)]], [bridge[(1, 0)], bridge[(1, 1)]]]
                .map(|row| row.map(T::of)),
            noise: root(rest).map(T::of),
            decay: T::of(transition[(1, 1)]),
        }
    }
}

/// Lower Cholesky factor of a covariance: `[l₀₀, l₁₀, l₁₁]`; what rounding makes negative is 0.
fn root(covariance: Matrix2<f64>) -> [f64; 3] {
    let first = covariance[(0, 0)].max(0.0).sqrt();
    let cross = if first > 0.0 { covariance[(1, 0)] / first } else { 0.0 };
    [first, cross, (covariance[(1, 1)] - cross * cross).max(0.0).sqrt()]
}

/// Moves `(x, a)` in `end` to where `by` says; what is left of `a` goes to `later`.
struct Travel<'a, T> {
    rows: usize,
    by: Move<T>,
    deviations: &'a [T],
    numbers: [&'a [T]; 2],
    before: &'a [T],
    end: [&'a mut [T]; 2],
    later: &'a mut [T],
}

impl<T: Real> Kernel for Travel<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Move { before: p, end: b, noise: l, decay } = self.by;
        let [x, a] = self.end;
        let n = self.rows;
        for (column, &deviation) in self.deviations.iter().enumerate() {
            let range = column * n..(column + 1) * n;
            let [z, w] = self.numbers.map(|numbers| &numbers[range.clone()]);
            let before = &self.before[range.clone()];
            let (x, a) = (&mut x[range.clone()], &mut a[range.clone()]);
            let later = if self.later.is_empty() { None } else { Some(&mut self.later[range]) };
            if let Some(later) = later {
                for i in 0..n {
                    let first = middle::<T, FUSED>([p[1], b[1][0], b[1][1]], [before[i], x[i], a[i]]);
                    let second = middle::<T, FUSED>([p[0], b[0][0], b[0][1]], [before[i], x[i], a[i]]);
                    let first = first + deviation * (l[1] * z[i] + l[2] * w[i]);
                    x[i] = second + deviation * (l[0] * z[i]);
                    later[i] = a[i] - decay * first;
                    a[i] = first;
                }
            } else {
                for i in 0..n {
                    a[i] = p[1] * before[i] + deviation * (l[1] * z[i] + l[2] * w[i]);
                    x[i] = p[0] * before[i] + deviation * (l[0] * z[i]);
                }
            }
        }
    }
}

/// `Σ cᵢ vᵢ`.
#[inline(always)]
fn middle<T: Real, const FUSED: bool>(c: [T; 3], v: [T; 3]) -> T {
    let two = multiply_add::<T, FUSED>(c[1], v[1], c[0] * v[0]);
    multiply_add::<T, FUSED>(c[2], v[2], two)
}

#[cfg(test)]
#[path = "coloured_tests.rs"]
mod tests;
