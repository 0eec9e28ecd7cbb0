//! An Ornstein–Uhlenbeck process and what a leak makes of it over a step, drawn jointly and exactly.
//!
//! `x` forgets at rate `λ`; `a = r ∫ e^{−ℓ(h−s)} x ds` over an interval. The pair is a linear Gaussian
//! process `ξ = (x, a)` with `ξ(h) = Φ(h) ξ(0) + noise`, noise covariance `Q(h) = 2λσ² ∫ w wᵀ`,
//! `w = (e^{−λs}, r g(s))`, `g = (e^{−λs} − e^{−ℓs})/(ℓ − λ)`. Given both ends of two halves the middle has
//! the mean `Φ ξ₀ + B (ξ₂ − Φ² ξ₀)` and covariance `Q − BΦQ`, where `B = QΦᵀ Q(2h)⁻¹`.

use std::cell::RefCell;
use std::collections::HashMap;

use nalgebra::{Matrix2, Vector2};

use crate::matrix::Real;
use crate::matrix::dispatch::{Kernel, multiply_add};

/// Covariances that a thread keeps, 64 bytes each: those of some hundred layers of unequal devices.
const MOST_KNOWN: usize = 1 << 16;

thread_local! {
    static KNOWN: RefCell<HashMap<[u64; 4], Matrix2<f64>>> = RefCell::new(HashMap::new());
}

/// A process of unit variance and its leaky integral.
#[derive(Clone, Copy, Debug)]
pub(super) struct OuIntegral {
    /// `λ` (1/s).
    pub rate: f64,
    /// Factor of the integral (1/s).
    pub r: f64,
    /// `ℓ` (1/s).
    pub leak: f64,
}

impl OuIntegral {
    /// `w(s)`: what is left after `s` (s) of a kick to the process, in both.
    fn response(self, s: f64) -> Vector2<f64> {
        let (slow, fast) = (self.rate.min(self.leak), self.rate.max(self.leak));
        let z = (fast - slow) * s;
        // Never the difference of two numbers that are nearly equal.
        let mean = if z == 0.0 { 1.0 } else { -(-z).exp_m1() / z };
        Vector2::new((-self.rate * s).exp(), self.r * s * (-slow * s).exp() * mean)
    }

    pub fn transition(self, h: f64) -> Matrix2<f64> {
        let w = self.response(h);
        Matrix2::new(w[0], 0.0, w[1], (-self.leak * h).exp())
    }

    /// `Q(h)`, as it was found before on this thread: the devices of a chip ask for theirs with every batch.
    pub fn covariance(self, h: f64) -> Matrix2<f64> {
        let name = [self.rate, self.r, self.leak, h].map(f64::to_bits);
        KNOWN.with_borrow_mut(|known| {
            if known.len() >= MOST_KNOWN {
                known.clear();
            }
            *known.entry(name).or_insert_with(|| self.integrated(h))
        })
    }

    /// `Q(h)`, by Gauss–Legendre quadrature on panels that double: integrands are positive and nothing
    /// cancels.
    fn integrated(self, h: f64) -> Matrix2<f64> {
        /// Nodes and weights of eight points on [−1, 1] (Abramowitz & Stegun, table 25.4), one half of them.
        const RULE: [(f64, f64); 4] = [
            (0.183_434_642_495_649_8, 0.362_683_783_378_362),
            (0.525_532_409_916_329, 0.313_706_645_877_887_27),
            (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
            (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
        ];
        let mut sum = Matrix2::zeros();
        // Where a process forgets within the first of the panels, that is shorter yet.
        let fastest = self.rate.max(self.leak);
        let (mut low, mut high) = (0.0, (h * 2_f64.powi(-30)).min(1.0 / fastest));
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

    /// Transition from the beginning of an interval to its end.
    pub fn base<T: Real>(self, h: f64) -> Move<T> {
        let transition = self.transition(h);
        Move {
            before: [transition[(0, 0)], transition[(1, 0)]].map(T::of),
            end: [[T::ZERO; 2]; 2],
            noise: root(self.covariance(h)).map(T::of),
            decay: T::ZERO,
        }
    }

    /// To the middle of an interval of two halves of length `h`, both ends known.
    pub fn half<T: Real>(self, h: f64) -> Move<T> {
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

/// Cholesky factor of a covariance, the integral first: `a = c₀ z`, `x = c₁ z + c₂ w`; what rounding makes
/// negative is 0.
fn root(covariance: Matrix2<f64>) -> [f64; 3] {
    let first = covariance[(1, 1)].max(0.0).sqrt();
    let cross = if first > 0.0 { covariance[(1, 0)] / first } else { 0.0 };
    [first, cross, (covariance[(0, 0)] - cross * cross).max(0.0).sqrt()]
}

/// `(x, a)` from `x` before, both at the end (zero weights where it is not yet known), and two numbers `z`,
/// `w`: `a` takes `z` alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move<T> {
    pub before: [T; 2],
    pub end: [[T; 2]; 2],
    pub noise: [T; 3],
    /// `e^{−ℓh}` of a half; 0 for the base, which has no second one.
    pub decay: T,
}

/// Moves `(x, a)` in `end` to where `by` says; what is left of `a` goes to `later`.
pub(super) struct Travel<'a, T> {
    pub rows: usize,
    pub by: Move<T>,
    pub deviations: &'a [T],
    pub numbers: [&'a [T]; 2],
    pub before: &'a [T],
    pub end: [&'a mut [T]; 2],
    pub later: &'a mut [T],
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
                    let first = first + deviation * (l[0] * z[i]);
                    x[i] = second + deviation * (l[1] * z[i] + l[2] * w[i]);
                    later[i] = a[i] - decay * first;
                    a[i] = first;
                }
            } else {
                for i in 0..n {
                    a[i] = p[1] * before[i] + deviation * (l[0] * z[i]);
                    x[i] = p[0] * before[i] + deviation * (l[1] * z[i] + l[2] * w[i]);
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

/// Halves the integrals of intervals whose middles nobody asks for.
pub(super) struct Share<'a, T> {
    pub rows: usize,
    pub by: Move<T>,
    pub deviations: &'a [T],
    pub numbers: &'a [T],
    /// Processes at both ends.
    pub ends: [&'a [T]; 2],
    /// The integral over the whole, then over the first half.
    pub first: &'a mut [T],
    pub second: &'a mut [T],
}

impl<T: Real> Kernel for Share<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Move { before: p, end: b, noise: l, decay } = self.by;
        let n = self.rows;
        for (column, &deviation) in self.deviations.iter().enumerate() {
            let range = column * n..(column + 1) * n;
            let [start, end] = self.ends.map(|ends| &ends[range.clone()]);
            let (z, second) = (&self.numbers[range.clone()], &mut self.second[range.clone()]);
            let first = &mut self.first[range];
            for i in 0..n {
                let mean = middle::<T, FUSED>([p[1], b[1][0], b[1][1]], [start[i], end[i], first[i]]);
                let half = mean + deviation * (l[0] * z[i]);
                second[i] = first[i] - decay * half;
                first[i] = half;
            }
        }
    }
}

#[cfg(test)]
#[path = "ou_integral_tests.rs"]
mod tests;
