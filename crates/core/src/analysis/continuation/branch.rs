//! What is followed, and what was found: points, events, and why a branch ends.

use nalgebra::Complex;

use super::{Event, Vector};

/// Residual allowed where nothing else is said: some tens of roundings, over a network's sums.
pub(super) const TOLERANCE: f64 = 1e-12;

/// Range, start and step sizes of a continuation.
#[derive(Clone, Debug)]
pub struct Plan {
    /// First and last value of the parameter.
    pub range: (f64, f64),
    /// A state near the equilibrium at the first value.
    pub start: Vector,
    /// Residual allowed, relative to `1 + ‖x_start‖∞ + ‖x‖∞`.
    pub tolerance: f64,
    /// Longest step, as a share of the range and of the state's size.
    pub longest: f64,
    /// Most steps.
    pub steps: usize,
    /// Stop where a stable branch ends.
    pub while_stable: bool,
}

impl Plan {
    /// The whole range from `start`, to rounding.
    #[must_use]
    pub fn new(range: (f64, f64), start: Vector) -> Self {
        Self { range, start, tolerance: TOLERANCE, longest: 0.02, steps: 4000, while_stable: false }
    }
}

/// A point of a branch.
#[derive(Clone, Debug, PartialEq)]
pub struct BranchPoint {
    /// State.
    pub state: Vector,
    /// Parameter.
    pub parameter: f64,
    /// Length of the branch up to there.
    pub arc: f64,
    /// Rightmost eigenvalue, on the side from which the branch goes on.
    pub rightmost: Complex<f64>,
    /// Eigenvalues with a positive real part.
    pub unstable: usize,
}

/// Why a branch was followed no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The last value of the parameter was reached.
    Reached,
    /// The branch came back to the first value.
    Returned,
    /// A stable branch ended, and no more was asked for.
    Unstable,
    /// The state grew beyond all bounds.
    Infinity,
    /// So many steps were not enough.
    Steps,
    /// No next point was found.
    Lost,
}

impl End {
    /// Name on screen and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reached => "reached the end of the range",
            Self::Returned => "came back to the start of the range",
            Self::Unstable => "lost its stability",
            Self::Infinity => "went to infinity",
            Self::Steps => "took too many steps",
            Self::Lost => "was lost",
        }
    }
}

/// A branch of equilibria.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Points in order.
    pub points: Vec<BranchPoint>,
    /// Events in order.
    pub events: Vec<Event>,
    /// Reason for its end.
    pub end: End,
}

impl Branch {
    /// The stretch of the branch from its start on which every equilibrium is stable: the last value of the
    /// parameter there, and the event that ends it, if it is known.
    #[must_use]
    pub fn stable_until(&self) -> (f64, Option<&Event>) {
        let ends = |event: &&Event| event.unstable.0 == 0 && (event.unstable.1 > 0 || event.kind.turns());
        match self.events.iter().find(ends) {
            Some(event) => (event.parameter, Some(event)),
            None => (self.points.last().map_or(f64::NAN, |point| point.parameter), None),
        }
    }

    /// The state of the branch at a value of the parameter before it first turns back, in a straight line
    /// between its points.
    #[must_use]
    pub fn near(&self, parameter: f64) -> Option<Vector> {
        let pair = self.points.windows(2).find(|pair| {
            let (a, b) = (pair[0].parameter, pair[1].parameter);
            a != b && (parameter - a) * (parameter - b) <= 0.0
        })?;
        let share = (parameter - pair[0].parameter) / (pair[1].parameter - pair[0].parameter);
        Some(&pair[0].state * (1.0 - share) + &pair[1].state * share)
    }
}
