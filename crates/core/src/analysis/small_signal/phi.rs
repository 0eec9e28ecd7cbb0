//! Averages over a time, as functions of matrices.
//!
//! `∫₀ᵀ (T − s) e^{As} ds = T² φ₂(AT)` with `φ₂(z) = (eᶻ − 1 − z)/z²`, by a Taylor series of a scaled matrix
//! and doubling: `4 φ₂(2z) = eᶻ φ₂(z) + φ₁(z) + φ₂(z)` and `2 φ₁(2z) = (eᶻ + 1) φ₁(z)` (Skaflestad & Wright,
//! Appl. Numer. Math. 59, 783 (2009)). A state with an Ornstein–Uhlenbeck forcing needs the same function of
//! `[[A, 1], [0, −r]]`; its lower right part is a number times one, so a product of two such matrices is two
//! products of the size of `A`. Where `−r` lies well apart from the spectrum of `A`, the divided difference
//! `(φ₂(AT) − φ₂(−rT)) (A + r)⁻¹` is as good and far cheaper.

use super::dense::{inverse, times};
use crate::matrix::Matrix;

/// Terms of the series: at `‖z‖ ≤ ½` the first one left out is below `2⁻¹⁷/19! < 1e-22`.
const TERMS: u32 = 17;

/// Relative error of a divided difference up to which it is taken.
const DIVIDED: f64 = 1e-11;

/// Averages over one time of one system.
#[derive(Debug)]
pub struct Averages<'a> {
    drift: &'a Matrix<f64>,
    time: f64,
    state: Matrix<f64>,
}

/// `[[full, beside], [0, corner·1]]`; without `beside` the upper left part alone.
#[derive(Clone)]
struct Block {
    full: Matrix<f64>,
    beside: Option<Matrix<f64>>,
    corner: f64,
}

impl<'a> Averages<'a> {
    /// For a time `T` (s).
    #[must_use]
    pub fn new(drift: &'a Matrix<f64>, time: f64) -> Self {
        let alone = Block { full: drift * time, beside: None, corner: 0.0 };
        Self { drift, time, state: second(&alone).full }
    }

    /// `T⁻² ∫₀ᵀ (T − s) e^{As} ds · matrix`.
    #[must_use]
    pub fn of_state(&self, matrix: &Matrix<f64>) -> Matrix<f64> {
        times(&self.state, matrix)
    }

    /// `T⁻² ∫₀ᵀ (T − s) ∫₀ˢ e^{A(s−u)} e^{−ru} du ds · matrix`.
    #[must_use]
    pub fn of_forcing(&self, rate: f64, matrix: &Matrix<f64>) -> Matrix<f64> {
        let function = self.divided(rate).unwrap_or_else(|| self.by_doubling(rate));
        times(&function, matrix)
    }

    /// By the divided difference, if rounding allows.
    fn divided(&self, rate: f64) -> Option<Matrix<f64>> {
        let n = self.drift.nrows();
        let gap = inverse(&((self.drift + Matrix::identity(n, n) * rate) * self.time))?;
        let one = Matrix::from_element(1, 1, -rate * self.time);
        let number = second(&Block { full: one, beside: None, corner: 0.0 }).full[0];
        let difference = &self.state - Matrix::identity(n, n) * number;
        let found = times(&difference, &gap);
        // Rounding of either function, and of the inverse, both magnified by it.
        let size = (self.state.norm() + number * (n as f64).sqrt()) * gap.norm();
        (f64::EPSILON * size <= DIVIDED * found.norm()).then_some(found * self.time)
    }

    fn by_doubling(&self, rate: f64) -> Matrix<f64> {
        let n = self.drift.nrows();
        let beside = Some(Matrix::identity(n, n) * self.time);
        let both = Block { full: self.drift * self.time, beside, corner: -rate * self.time };
        second(&both).beside.unwrap_or_else(|| Matrix::zeros(n, n))
    }
}

/// `φ₂`.
fn second(z: &Block) -> Block {
    let size = z.full.norm().max(z.corner.abs()) + z.beside.as_ref().map_or(0.0, Matrix::norm);
    let doublings = if size > 0.5 { (2.0 * size).log2().ceil() as i32 } else { 0 };
    let small = z.scaled(0.5_f64.powi(doublings));
    // Horner: φ₂ = (1/2)(1 + z/3 (1 + z/4 (1 + …))).
    let mut two = z.one();
    for term in (3..3 + TERMS).rev() {
        two = small.times(&two).scaled(f64::from(term).recip()).plus(&z.one());
    }
    two = two.scaled(0.5);
    let mut one = small.times(&two).plus(&z.one());
    let mut flow = small.times(&one).plus(&z.one());
    for _ in 0..doublings {
        two = flow.times(&two).plus(&one).plus(&two).scaled(0.25);
        one = flow.plus(&z.one()).times(&one).scaled(0.5);
        flow = flow.times(&flow);
    }
    two
}

impl Block {
    fn one(&self) -> Self {
        let n = self.full.nrows();
        let beside = self.beside.as_ref().map(|b| Matrix::zeros(b.nrows(), b.ncols()));
        Self { full: Matrix::identity(n, n), beside, corner: 1.0 }
    }

    fn scaled(&self, factor: f64) -> Self {
        let beside = self.beside.as_ref().map(|b| b * factor);
        Self { full: &self.full * factor, beside, corner: self.corner * factor }
    }

    fn plus(&self, other: &Self) -> Self {
        let beside = self.beside.as_ref().zip(other.beside.as_ref()).map(|(a, b)| a + b);
        Self { full: &self.full + &other.full, beside, corner: self.corner + other.corner }
    }

    fn times(&self, other: &Self) -> Self {
        let beside = self.beside.as_ref().zip(other.beside.as_ref());
        Self {
            full: times(&self.full, &other.full),
            beside: beside.map(|(a, b)| times(&self.full, b) + a * other.corner),
            corner: self.corner * other.corner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `φ₂` of a number, by its series near 0.
    fn phi2(z: f64) -> f64 {
        if z.abs() < 0.1 {
            (0..12_u32).rev().fold(0.0, |sum, k| sum * z + 1.0 / (1..=k + 2).map(f64::from).product::<f64>())
        } else {
            (z.exp() - 1.0 - z) / (z * z)
        }
    }

    #[test]
    fn numbers_get_the_function_of_numbers() {
        for (rate, time) in [(1.0, 1e-9), (1.0, 0.3), (2e6, 1e-6), (2e6, 1e-4), (3.0, 1000.0)] {
            let drift = Matrix::from_element(1, 1, -rate);
            let found = Averages::new(&drift, time).of_state(&Matrix::from_element(1, 1, 1.0))[0];
            let exact = phi2(-rate * time);
            // Doubling adds up rounding of every step.
            assert!((found / exact - 1.0).abs() < 1e-12, "{rate} {time}: {found} {exact}");
        }
    }

    #[test]
    fn a_forcing_gets_the_divided_difference_also_where_rates_meet() {
        for (rate, other) in [(1.0, 3.0), (5.0, 0.01), (1.0, 40.0), (2.0, 2.0)] {
            let (time, one) = (1.7, Matrix::from_element(1, 1, 1.0));
            let found = Averages::new(&(&one * -rate), time).of_forcing(other, &one)[0];
            // ∫ (T − s) (e^{−os} − e^{−rs})/(r − o) ds / T²; where r = o, its limit by a central difference.
            let apart = if rate == other { 1e-4 } else { 0.0 };
            let (o, r) = (other - apart, rate + apart);
            let exact = (phi2(-o * time) - phi2(-r * time)) / (r - o);
            let allowed = if apart > 0.0 { 1e-7 } else { 1e-13 }; // h² and rounding over h; rounding
            assert!((found - exact).abs() < allowed, "{rate} {other}: {found} {exact}");
        }
    }

    #[test]
    fn the_two_ways_to_a_forcing_agree_where_both_are_good() {
        let drift = Matrix::from_row_slice(3, 3, &[-1.0, 2.0, 0.0, 0.0, -1.0, 2.0, 0.3, 0.0, -1.5]);
        let averages = Averages::new(&drift, 3.0);
        for rate in [0.05, 4.0, 100.0] {
            let (one, other) = (averages.divided(rate).unwrap(), averages.by_doubling(rate));
            assert!((&one - &other).norm() < 2e-11 * other.norm(), "{rate}"); // what is allowed, and rounding
        }
        let defective = Matrix::from_row_slice(2, 2, &[-1.0, 2.0, 0.0, -1.0]);
        assert_eq!(Averages::new(&defective, 3.0).divided(1.0), None, "no inverse there");
    }
}
