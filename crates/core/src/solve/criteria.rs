//! When a relaxation is done, and how long it may take.

use crate::matrix::Real;
use crate::spec::SolverSpec;

/// Roundings of the largest potential that a rate carries (2 measured in single precision, fan-in up to 784):
/// no rate is asked to fall below them, or small differences would never be steady.
const ROUNDINGS: f64 = 4.0;

/// When a relaxation counts as done.
#[derive(Clone, Copy, Debug)]
pub struct Criteria {
    /// Relative tolerance of the residual.
    pub rtol: f64,
    /// Absolute tolerance (V).
    pub atol: f64,
    /// Time for which the residual must hold (s).
    pub hold: f64,
    /// Time limit (s).
    pub limit: f64,
    /// True if rails are watched: not where noise has made the start.
    pub rails: bool,
    /// True if this is a second look, at samples that a first one found unsettled (see [`super::confirm`]).
    pub strict: bool,
}

impl Criteria {
    /// Criteria of a description for circuits whose slowest time constant is `tau` (s).
    #[must_use]
    pub fn new(spec: &SolverSpec, tau: f64) -> Self {
        let SolverSpec { rtol, atol, hold, max_time, .. } = *spec;
        Self { rtol, atol, hold: hold * tau, limit: max_time * tau, rails: true, strict: false }
    }

    /// Residual (V) below which a state whose largest potential is `size` (V) is settled.
    #[must_use]
    pub fn settled<T: Real>(&self, size: f64) -> f64 {
        self.atol + self.rtol.max(ROUNDINGS * T::EPSILON.to_f64()) * size
    }

    /// Rate of a difference (V) that cannot be told from none.
    #[must_use]
    pub fn steady<T: Real>(&self, size: f64) -> f64 {
        self.atol + ROUNDINGS * T::EPSILON.to_f64() * size
    }

    /// Time (s) at which a step from `time` has to end at the latest: the limit, and then the end of the last
    /// hold.
    ///
    /// A step may be many `τ` long, and a sample found settled at its end has settled in time or too late.
    #[must_use]
    pub fn stop(&self, time: f64) -> f64 {
        if time < self.limit { self.limit } else { self.limit + self.hold }
    }
}
