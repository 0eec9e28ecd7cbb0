//! Curves through points: monotone cubic interpolation of what was measured or simulated.
//!
//! Between points stands the cubic of Hermite with the slopes at its ends. The slope at a point is that of
//! the polynomial through the five points around it, brought into the region where the cubic is monotone
//! between points that are (`0 ≤ m ≤ 3 min(δ)`; Fritsch & Carlson, *SIAM J. Numer. Anal.* 17, 238, 1980,
//! eq. 4.1; Hyman, *SIAM J. Sci. Stat. Comput.* 4, 645, 1983): smooth curves come out to the fourth order
//! of the distance of points, steps without overshoot. Beyond the points the curve goes on straight with
//! its slope there. Slopes are continuous, second slopes are not.
//!
//! What bites: equal curves are one in memory, and stay there as long as the program runs: a curve is as
//! cheap to copy as a number.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ptr;
use std::sync::{Mutex, PoisonError};

/// Most points of a curve.
pub const MOST_POINTS: usize = 10_000;

/// Points that the slope at one of them is taken from.
const WINDOW: usize = 5;

/// A curve `y(x)` through points.
#[derive(Clone, Copy)]
pub struct Curve(&'static Points);

/// What a curve goes through.
#[derive(Debug, PartialEq)]
struct Points {
    x: Vec<f64>,
    y: Vec<f64>,
    /// Slope at every point.
    slope: Vec<f64>,
    /// Largest slope at a point or between two, in size.
    steepest: f64,
}

/// Why points make no curve.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum CurveError {
    /// Too few, or too many.
    #[error("{found} points")]
    Count {
        /// How many.
        found: usize,
    },
    /// A number that is none, or infinite.
    #[error("point {point} is not finite")]
    NotFinite {
        /// Which, from 1.
        point: usize,
    },
    /// An input that does not lie above the one before.
    #[error("point {point} does not lie above the one before")]
    Order {
        /// Which, from 1.
        point: usize,
    },
    /// A slope between two points that no number holds.
    #[error("point {point} is too steep")]
    Steep {
        /// The second of the two, from 1.
        point: usize,
    },
}

/// Every curve so far.
static KNOWN: Mutex<Vec<&'static Points>> = Mutex::new(Vec::new());

/// A cubic `c₀ + c₁ t + c₂ t² + c₃ t³` of `t = x − x₀`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cubic {
    /// Where it begins.
    pub from: f64,
    /// `c₀` to `c₃`.
    pub coefficients: [f64; 4],
}

impl Curve {
    /// The curve through points in rising order of `x`.
    ///
    /// # Errors
    /// Fewer than two points or more than [`MOST_POINTS`], numbers that are not finite, `x` that do not rise.
    pub fn new(points: &[(f64, f64)]) -> Result<Self, CurveError> {
        if !(2..=MOST_POINTS).contains(&points.len()) {
            return Err(CurveError::Count { found: points.len() });
        }
        for (i, (x, y)) in points.iter().enumerate() {
            if !(x.is_finite() && y.is_finite()) {
                return Err(CurveError::NotFinite { point: i + 1 });
            }
            let Some((before, below)) = i.checked_sub(1).map(|before| points[before]) else { continue };
            if *x <= before {
                return Err(CurveError::Order { point: i + 1 });
            }
            if !((y - below) / (x - before)).is_finite() {
                return Err(CurveError::Steep { point: i + 1 });
            }
        }
        let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        Ok(Self(known(Points::through(x, y))))
    }

    /// The points.
    pub fn points(&self) -> impl ExactSizeIterator<Item = (f64, f64)> + '_ {
        self.0.x.iter().copied().zip(self.0.y.iter().copied())
    }

    /// The least and the greatest `x` of a point: beyond them, the curve is straight.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        (self.0.x[0], self.0.x[self.0.x.len() - 1])
    }

    /// Largest slope, in size, at a point or between two.
    #[must_use]
    pub fn steepest(&self) -> f64 {
        self.0.steepest
    }

    /// `y(x)`.
    #[must_use]
    pub fn value(&self, x: f64) -> f64 {
        match self.piece(x) {
            Piece::Straight { at, from, slope: 0.0 } => at + nan_of(x - from),
            Piece::Straight { at, from, slope } => at + slope * (x - from),
            Piece::Cubic(Cubic { from, coefficients: [c0, c1, c2, c3] }) => {
                let t = x - from;
                c0 + t * (c1 + t * (c2 + t * c3))
            }
        }
    }

    /// `y′(x)`.
    #[must_use]
    pub fn slope(&self, x: f64) -> f64 {
        match self.piece(x) {
            Piece::Straight { slope, from, .. } => slope + nan_of(x - from),
            Piece::Cubic(Cubic { from, coefficients: [_, c1, c2, c3] }) => {
                let t = x - from;
                c1 + t * (2.0 * c2 + 3.0 * t * c3)
            }
        }
    }

    /// `y″(x)`, at a point that of the piece above it; 0 beyond the points.
    #[must_use]
    pub fn curvature(&self, x: f64) -> f64 {
        match self.piece(x) {
            Piece::Straight { from, .. } => nan_of(x - from),
            Piece::Cubic(Cubic { from, coefficients: [_, _, c2, c3] }) => 2.0 * c2 + 6.0 * (x - from) * c3,
        }
    }

    /// The cubics between points, in rising order.
    pub fn cubics(&self) -> impl ExactSizeIterator<Item = Cubic> + '_ {
        (0..self.0.x.len() - 1).map(|i| self.0.cubic(i))
    }

    /// Slopes at the first and the last point, with which the curve goes on.
    #[must_use]
    pub fn end_slopes(&self) -> (f64, f64) {
        (self.0.slope[0], self.0.slope[self.0.slope.len() - 1])
    }

    fn piece(self, x: f64) -> Piece {
        let Points { x: inputs, y, slope, .. } = self.0;
        let after = inputs.partition_point(|input| *input <= x);
        let last = inputs.len() - 1;
        let straight = |i: usize| Piece::Straight { at: y[i], from: inputs[i], slope: slope[i] };
        match after.checked_sub(1) {
            None => straight(0),
            Some(before) if before == last => straight(last),
            Some(before) => Piece::Cubic(self.0.cubic(before)),
        }
    }
}

/// 0 for a number, NaN for what is none; an infinite number counts as one.
fn nan_of(x: f64) -> f64 {
    if x.is_nan() { x } else { 0.0 }
}

/// What a curve is at a place.
enum Piece {
    Straight { at: f64, from: f64, slope: f64 },
    Cubic(Cubic),
}

impl Points {
    fn through(x: Vec<f64>, y: Vec<f64>) -> Self {
        let secants: Vec<f64> =
            x.windows(2).zip(y.windows(2)).map(|(x, y)| (y[1] - y[0]) / (x[1] - x[0])).collect();
        let slope: Vec<f64> = (0..x.len()).map(|i| monotone(smooth_slope(&x, &y, i), &secants, i)).collect();
        let steepest = slope.iter().chain(&secants).fold(0.0_f64, |most, slope| most.max(slope.abs()));
        Self { x, y, slope, steepest }
    }

    /// The cubic between a point and the next.
    fn cubic(&self, i: usize) -> Cubic {
        let h = self.x[i + 1] - self.x[i];
        let secant = (self.y[i + 1] - self.y[i]) / h;
        let (left, right) = (self.slope[i], self.slope[i + 1]);
        let c2 = (3.0 * secant - 2.0 * left - right) / h;
        let c3 = (left + right - 2.0 * secant) / (h * h);
        Cubic { from: self.x[i], coefficients: [self.y[i], left, c2, c3] }
    }
}

/// Slope at a point of the polynomial through the five points around it, or through all if they are fewer.
fn smooth_slope(x: &[f64], y: &[f64], at: usize) -> f64 {
    let count = x.len().min(WINDOW);
    let first = at.saturating_sub(count / 2).min(x.len() - count);
    let window = first..first + count;
    // Lagrange: y′(x_i) = Σ_j (y_j − y_i)/(x_j − x_i) Π_k (x_i − x_k)/(x_j − x_k).
    let others = || window.clone().filter(move |other| *other != at);
    let weight =
        |j: usize| -> f64 { others().filter(|k| *k != j).map(|k| (x[at] - x[k]) / (x[j] - x[k])).product() };
    others().map(|j| weight(j) * (y[j] - y[at]) / (x[j] - x[at])).sum()
}

/// The slope nearest to `slope` with which the cubics on both sides of a point are monotone.
fn monotone(slope: f64, secants: &[f64], at: usize) -> f64 {
    let left = secants[at.saturating_sub(1)];
    let right = secants[at.min(secants.len() - 1)];
    if left == 0.0 || right == 0.0 || (left < 0.0) != (right < 0.0) {
        return 0.0;
    }
    let most = 3.0 * left.abs().min(right.abs());
    // At an end both are the same secant.
    if left < 0.0 { slope.clamp(-most, 0.0) } else { slope.clamp(0.0, most) }
}

/// The curve in memory that is equal to this one.
fn known(points: Points) -> &'static Points {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(same) = known.iter().find(|known| known.x == points.x && known.y == points.y) {
        return same;
    }
    let kept: &'static Points = Box::leak(Box::new(points));
    known.push(kept);
    kept
}

impl PartialEq for Curve {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.0, other.0)
    }
}

impl Eq for Curve {}

impl Hash for Curve {
    fn hash<H: Hasher>(&self, state: &mut H) {
        ptr::hash(self.0, state);
    }
}

impl fmt::Debug for Curve {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let (low, high) = self.range();
        write!(out, "Curve({} points, {low} to {high})", self.0.x.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sampled(of: impl Fn(f64) -> f64, half: f64, step: f64) -> Curve {
        let count = (half / step).round() as i32;
        let at = |i: i32| f64::from(i) * step;
        Curve::new(&(-count..=count).map(|i| (at(i), of(at(i)))).collect::<Vec<_>>()).unwrap()
    }

    /// Largest distances of value and slope from those of tanh, at 41 places between any two points.
    fn distances(step: f64) -> (f64, f64) {
        let curve = sampled(f64::tanh, 3.0, step);
        let places = (0..=(6.0 / step * 41.0) as i32).map(|i| f64::from(i) * step / 41.0 - 3.0);
        places.fold((0.0, 0.0), |(value, slope), x| {
            let own = (x.tanh() - curve.value(x)).abs();
            let steepness = (1.0 - x.tanh().powi(2) - curve.slope(x)).abs();
            (f64::max(value, own), f64::max(slope, steepness))
        })
    }

    #[test]
    fn a_sampled_tanh_comes_out_to_the_fourth_order() {
        // Hermite's cubic with exact slopes: h⁴/384 of the fourth derivative, at most 4.09. A slope that is
        // wrong by e moves it by e h/4; of five points e = h⁴/30 of the fifth derivative (16 at 0) within the
        // table, h⁴/5 of at most 2.4 in the outer points, where |x| > 2.
        let bound = |h: f64| h.powi(4) * 4.09 / 384.0 + h.powi(5) / 4.0 * (16.0 / 30.0_f64).max(2.4 / 5.0);
        for step in [0.2, 0.1, 0.05, 0.025] {
            let (value, _) = distances(step);
            assert!(value <= bound(step), "{step}: {value:e} above {:e}", bound(step));
        }
        // The order, by halving: the fourth for values, the third for slopes.
        let [coarse, fine] = [distances(0.1), distances(0.05)];
        assert!((coarse.0 / fine.0).log2() > 3.8 && (coarse.1 / fine.1).log2() > 2.8, "{coarse:?} {fine:?}");
    }

    #[test]
    fn polynomials_up_to_the_third_degree_are_exact() {
        let cubic = |x: f64| x + 0.4 * x.powi(3);
        let curve = sampled(cubic, 1.0, 0.25);
        for i in -100..=100 {
            let x = f64::from(i) / 100.0;
            assert!(
                (curve.value(x) - cubic(x)).abs() < 1e-14
                    && (curve.slope(x) - 1.0 - 1.2 * x * x).abs() < 1e-13
            );
            assert!(i == 100 || (curve.curvature(x) - 2.4 * x).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn beyond_the_points_the_curve_is_straight() {
        let curve = sampled(|x| x + 0.4 * x.powi(3), 1.0, 0.25);
        assert!(
            (curve.value(3.0) - 1.4 - 2.0 * 2.2).abs() < 1e-13 && (curve.slope(-9.0) - 2.2).abs() < 1e-13
        );
        let flat = Curve::new(&[(0.0, 1.0), (1.0, 1.0)]).unwrap();
        assert_eq!((flat.value(f64::INFINITY), flat.value(f64::NEG_INFINITY)), (1.0, 1.0));
        for curve in [curve, flat] {
            assert!(curve.value(f64::NAN).is_nan() && curve.slope(f64::NAN).is_nan());
        }
    }

    #[test]
    fn equal_curves_are_one_and_others_are_not() {
        let points = [(0.0, 0.0), (1.0, 2.0)];
        assert_eq!(Curve::new(&points).unwrap(), Curve::new(&points).unwrap());
        assert_ne!(Curve::new(&points).unwrap(), Curve::new(&[(0.0, 0.0), (1.0, 2.5)]).unwrap());
    }

    #[test]
    fn points_that_make_no_curve_are_told() {
        let told = |points: &[(f64, f64)]| Curve::new(points).unwrap_err();
        assert_eq!(told(&[(0.0, 0.0)]), CurveError::Count { found: 1 });
        assert_eq!(told(&[(0.0, 0.0), (0.0, 1.0)]), CurveError::Order { point: 2 });
        assert_eq!(told(&[(0.0, 0.0), (1.0, f64::NAN)]), CurveError::NotFinite { point: 2 });
        assert_eq!(told(&[(0.0, -1e308), (1e-9, 1e308)]), CurveError::Steep { point: 2 });
    }

    /// Points with distances and rises of any size.
    fn rising() -> impl Strategy<Value = Vec<(f64, f64)>> {
        prop::collection::vec((1e-3..1.0_f64, prop_oneof![Just(0.0), 0.0..1.0_f64]), 2..20).prop_map(
            |steps| {
                let mut at = (-1.0, -0.5);
                let next = |(dx, dy): (f64, f64)| {
                    at = (at.0 + dx, at.1 + dy);
                    at
                };
                steps.into_iter().map(next).collect()
            },
        )
    }

    proptest! {
        #[test]
        fn rising_points_make_a_rising_curve_through_them(
            points in rising(), sign in prop_oneof![Just(1.0), Just(-1.0)]
        ) {
            let points: Vec<_> = points.iter().map(|(x, y)| (*x, sign * y)).collect();
            let curve = Curve::new(&points).unwrap();
            for pair in points.windows(2) {
                let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
                prop_assert!(curve.value(x0) == y0 && (curve.value(x1) - y1).abs() < 1e-12);
                for i in 0..=16 {
                    let x = x0 + (x1 - x0) * f64::from(i) / 16.0;
                    // Rounding, of terms of at most three times the steepest secant.
                    let room = 1e-13 * curve.steepest().max(1.0);
                    prop_assert!(sign * curve.slope(x) >= -room, "falls by {:e} at {x}", curve.slope(x));
                    prop_assert!((y0.min(y1) - 1e-12..=y0.max(y1) + 1e-12).contains(&curve.value(x)));
                }
            }
        }

        #[test]
        fn slopes_are_those_of_the_values(points in rising(), share in 0.01..0.99_f64) {
            let curve = Curve::new(&points).unwrap();
            let (low, high) = curve.range();
            let (x, h) = (low + share * (high - low), 1e-6);
            if points.iter().all(|(point, _)| (point - x).abs() > 2.0 * h) {
                let central = (curve.value(x + h) - curve.value(x - h)) / (2.0 * h);
                // Of third derivatives up to 24 δ/h², with h > 1e-3, (1e-6)²/6; rounding.
                prop_assert!((curve.slope(x) - central).abs() < 4e-6 * curve.steepest() + 1e-8);
            }
        }
    }
}
