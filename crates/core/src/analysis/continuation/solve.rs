//! Newton's method on the equations and one condition more, and the tangent of the branch.

use nalgebra::{DMatrix, LU};

use super::{Family, Vector};
use crate::matrix::measure::Largest;

/// Most Newton steps at one point.
const STEPS: usize = 10;

/// A place on a branch: a state and a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CurvePoint {
    pub x: Vector,
    pub p: f64,
}

/// A direction of a branch, of length 1 as [`Metric`] measures it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tangent {
    pub x: Vector,
    pub p: f64,
}

/// Lengths: root mean square of the state's components and the parameter in units of its range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metric {
    /// Range of the parameter.
    pub range: f64,
    /// Unit of the state.
    pub size: f64,
}

impl Metric {
    fn weights(&self, dimension: usize) -> (f64, f64) {
        (1.0 / (dimension as f64 * self.size * self.size), 1.0 / (self.range * self.range))
    }

    pub fn dot(&self, a: (&Vector, f64), b: (&Vector, f64)) -> f64 {
        let (state, parameter) = self.weights(a.0.len());
        state * a.0.dot(b.0) + parameter * a.1 * b.1
    }
}

/// What is asked of a place beside being on the branch.
pub(super) enum Condition<'a> {
    /// To be at a distance from a place along a tangent.
    Ahead(&'a CurvePoint, &'a Tangent, f64),
    /// To be on a kink.
    Kink(usize),
    /// To have a parameter.
    Parameter(f64),
}

/// The equations of a family with its lengths and the residual that is allowed.
pub(super) struct Equations<'a> {
    pub family: &'a dyn Family,
    pub metric: Metric,
    /// Residual allowed, relative to `size + ‖x‖∞`.
    pub tolerance: f64,
}

impl Equations<'_> {
    /// The place from `guess` that meets a condition; `None` if Newton's method does not arrive.
    pub fn place(&self, guess: CurvePoint, condition: &Condition<'_>) -> Option<CurvePoint> {
        let mut at = guess;
        let mut last = f64::INFINITY;
        for step in 0..=STEPS {
            let residual = self.family.residual(&at.x, at.p);
            let (row, miss, scale) = self.condition(&at, condition);
            let left = residual.largest();
            if left <= self.tolerance * (self.metric.size + at.x.amax())
                && miss.abs() <= self.tolerance * scale
            {
                return Some(at);
            }
            // Written so that NaN gives up; kinks let a residual grow for a while.
            let hopeful = left.is_finite() && (left < 2.0 * last || step < 4);
            if !hopeful || step == STEPS {
                let arrived = miss.abs() <= self.tolerance * scale && self.is_rounding(&at, &residual);
                return arrived.then_some(at);
            }
            last = left;
            let bordered = self.bordered(&at, &row)?;
            let mut right = residual.push(miss);
            right.neg_mut();
            let change = bordered.solve(&right)?;
            at.x += change.rows(0, at.x.len());
            at.p += change[at.x.len()];
        }
        None
    }

    /// Returns whether a residual is no more than what rounding leaves: every term `J_ij x_j` of a sum of `n`
    /// is rounded, its state is, and so is the sum, `n + 2` roundings of its size in all (Higham, Accuracy
    /// and Stability, §3.1).
    ///
    /// Gains of 10⁴ and states of 10⁶ V leave more than any tolerance relative to the states.
    fn is_rounding(&self, at: &CurvePoint, residual: &Vector) -> bool {
        let roundings = (at.x.len() + 2) as f64 * f64::EPSILON;
        let jacobian = self.family.jacobian(&at.x, at.p);
        let size = |row: usize| jacobian.row(row).iter().zip(&at.x).map(|(j, x)| (j * x).abs()).sum::<f64>();
        residual.iter().enumerate().all(|(row, left)| left.abs() <= roundings * size(row))
    }

    /// The tangent at a place, towards the side on which `along` lies.
    pub fn tangent(&self, at: &CurvePoint, along: &Tangent) -> Option<Tangent> {
        self.direction(at, &self.row(along), 1.0)
    }

    /// The tangent at a place on a kink that passes it upwards or downwards; it may lie across that by which
    /// the branch came.
    pub fn tangent_across(&self, at: &CurvePoint, kink: usize, upwards: bool) -> Option<Tangent> {
        let (row, ..) = self.condition(at, &Condition::Kink(kink));
        self.direction(at, &row, if upwards { 1.0 } else { -1.0 })
    }

    /// The tangent whose product with `row` has a sign.
    fn direction(&self, at: &CurvePoint, row: &Vector, sign: f64) -> Option<Tangent> {
        let n = at.x.len();
        let mut right = Vector::zeros(n + 1);
        right[n] = sign;
        let found = self.bordered(at, row)?.solve(&right)?;
        let (x, p) = (found.rows(0, n).into_owned(), found[n]);
        let length = self.metric.dot((&x, p), (&x, p)).sqrt();
        (length.is_finite() && length > 0.0).then(|| Tangent { x: x / length, p: p / length })
    }

    fn row(&self, along: &Tangent) -> Vector {
        let (state, parameter) = self.metric.weights(along.x.len());
        (&along.x * state).push(parameter * along.p)
    }

    /// Derivative of a condition, how far it is missed, and the size of what it compares.
    fn condition(&self, at: &CurvePoint, condition: &Condition<'_>) -> (Vector, f64, f64) {
        let n = at.x.len();
        match condition {
            Condition::Ahead(from, along, distance) => {
                let gone = self.metric.dot((&(&at.x - &from.x), at.p - from.p), (&along.x, along.p));
                (self.row(along), gone - distance, 1.0)
            }
            Condition::Kink(index) => {
                let kink = self.family.kinks(at.p)[*index];
                let mut row = Vector::zeros(n + 1);
                row[kink.coordinate] = 1.0;
                row[n] = -self.drift(*index, at.p);
                (row, at.x[kink.coordinate] - kink.position, self.metric.size + kink.position.abs())
            }
            Condition::Parameter(value) => {
                let mut row = Vector::zeros(n + 1);
                row[n] = 1.0;
                (row, at.p - value, self.metric.range)
            }
        }
    }

    /// How fast a kink moves with the parameter.
    fn drift(&self, index: usize, p: f64) -> f64 {
        let step = 1e-6 * self.metric.range;
        (self.family.kinks(p + step)[index].position - self.family.kinks(p - step)[index].position)
            / (2.0 * step)
    }

    /// The Jacobian with the derivative by the parameter beside and a row below.
    fn bordered(&self, at: &CurvePoint, row: &Vector) -> Option<LU<f64, nalgebra::Dyn, nalgebra::Dyn>> {
        let n = at.x.len();
        let mut matrix = DMatrix::zeros(n + 1, n + 1);
        matrix.view_mut((0, 0), (n, n)).copy_from(&self.family.jacobian(&at.x, at.p));
        matrix.view_mut((0, n), (n, 1)).copy_from(&self.family.slope(&at.x, at.p));
        matrix.view_mut((n, 0), (1, n + 1)).copy_from(&row.transpose());
        matrix.iter().all(|entry| entry.is_finite()).then(|| matrix.lu())
    }
}
