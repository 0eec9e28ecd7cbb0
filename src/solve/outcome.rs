//! How an integration ended: exactly one outcome per sample, and what it took.

use std::collections::BTreeMap;

use crate::matrix::Matrix;

/// End of a relaxation (MODEL.md §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// At equilibrium: the residual held below tolerance.
    Settled,
    /// Stationary under noise.
    NoisySettled,
    /// Does not decay, changes sign.
    Oscillation,
    /// Ran to a rail that the free circuit does not touch, or grew without changing sign.
    LatchUp,
    /// Still moving at the time limit.
    Timeout,
    /// Left the numbers.
    NotFinite,
}

impl Outcome {
    /// Every outcome, in the order of the tables.
    pub const ALL: [Self; 6] =
        [Self::Settled, Self::NoisySettled, Self::Oscillation, Self::LatchUp, Self::Timeout, Self::NotFinite];

    /// Name in files and on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::NoisySettled => "noisy-settled",
            Self::Oscillation => "oscillation",
            Self::LatchUp => "latch-up",
            Self::Timeout => "timeout",
            Self::NotFinite => "not-finite",
        }
    }

    /// Whether the state is an equilibrium that a gradient may be read from.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Settled | Self::NoisySettled)
    }

    /// How often each outcome occurs, by name.
    #[must_use]
    pub fn tally(outcomes: &[Self]) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for outcome in outcomes {
            *counts.entry(outcome.name()).or_insert(0) += 1;
        }
        counts
    }
}

/// Work done by a solver, in batch-wide units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted steps, or rounds of sweeps.
    pub steps: u64,
    /// Rejected steps.
    pub rejected: u64,
    /// Evaluations of the whole right-hand side.
    pub rhs_evals: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.steps += other.steps;
        self.rejected += other.rejected;
        self.rhs_evals += other.rhs_evals;
    }
}

/// Result of a relaxation, per sample.
#[derive(Clone, Debug)]
pub struct Settled<T> {
    /// Final states, `[batch × width]` (V).
    pub state: Matrix<T>,
    /// How each sample ended.
    pub outcomes: Vec<Outcome>,
    /// When the held residual was first reached, or when the sample was given up (s); NaN for methods without time.
    pub time: Vec<f64>,
    /// `‖τ dv/dt‖∞` at the final state (V).
    pub residual: Vec<f64>,
    /// Work.
    pub counts: Counts,
    /// Trajectories, when asked for.
    pub traces: Vec<Trace>,
}

/// Accepted steps of one sample's trajectory.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Times (s), ascending, the first 0.
    pub times: Vec<f64>,
    /// State at each time, `width` numbers each (V).
    pub states: Vec<Vec<f64>>,
    /// `dv/dt` at each time (V/s).
    pub rates: Vec<Vec<f64>>,
}

impl Trace {
    /// State at `time` (s) by cubic Hermite interpolation; before and after the trace, its ends.
    #[must_use]
    pub fn at(&self, time: f64) -> Vec<f64> {
        let next = self.times.partition_point(|&t| t <= time);
        if next == 0 || next == self.times.len() {
            let end = next.saturating_sub(1);
            return self.states.get(end).cloned().unwrap_or_default();
        }
        let (from, to) = (next - 1, next);
        let h = self.times[to] - self.times[from];
        let s = (time - self.times[from]) / h;
        let (a, b) = ((1.0 + 2.0 * s) * (1.0 - s).powi(2), s * s * (3.0 - 2.0 * s));
        let (c, d) = (h * s * (1.0 - s).powi(2), h * s * s * (s - 1.0));
        (0..self.states[from].len())
            .map(|j| {
                a * self.states[from][j]
                    + b * self.states[to][j]
                    + c * self.rates[from][j]
                    + d * self.rates[to][j]
            })
            .collect()
    }

    /// Last time (s).
    #[must_use]
    pub fn end(&self) -> f64 {
        self.times.last().copied().unwrap_or(0.0)
    }
}
