//! How an integration ended: exactly one outcome per sample, and what it took.

use std::collections::BTreeMap;

use super::phi::phi;
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
    /// Samples whose fixed point plain sweeps found (`dc`).
    pub by_sweeps: u64,
    /// Samples whose fixed point accelerated sweeps found (`dc`).
    pub by_anderson: u64,
    /// Samples whose fixed point Newton's method found (`dc`).
    pub by_newton: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.steps += other.steps;
        self.rejected += other.rejected;
        self.rhs_evals += other.rhs_evals;
        self.by_sweeps += other.by_sweeps;
        self.by_anderson += other.by_anderson;
        self.by_newton += other.by_newton;
    }
}

/// Result of a relaxation, per sample.
#[derive(Clone, Debug)]
pub struct Settled<T> {
    /// Final states, `[batch × width]` (V).
    pub state: Matrix<T>,
    /// How each sample ended.
    pub outcomes: Vec<Outcome>,
    /// When the held residual was first reached (between two steps, by its exponential decay), or when the sample was
    /// given up (s); NaN for methods without time.
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
    /// Drive `u` at each time (V): `dv/dt = (u − v)/τ`.
    pub drives: Vec<Vec<f64>>,
    /// `1/τ` of each compartment (1/s).
    pub leaks: Vec<f64>,
}

impl Trace {
    /// State at `time` (s); before and after the trace, its ends.
    ///
    /// Between two steps the drive is a parabola of time and the leak exact: a step of an exponential
    /// integrator may be many `τ` long, where no polynomial follows the potential.
    #[must_use]
    pub fn at(&self, time: f64) -> Vec<f64> {
        let next = self.times.partition_point(|&t| t <= time);
        if next == 0 || next == self.times.len() {
            let end = next.saturating_sub(1);
            return self.states.get(end).cloned().unwrap_or_default();
        }
        let (from, to) = (next - 1, next);
        let span = self.times[to] - self.times[from];
        let share = (time - self.times[from]) / span;
        let mut last = None;
        let mut state = Vec::with_capacity(self.leaks.len());
        for (j, &leak) in self.leaks.iter().enumerate() {
            // Compartments mostly share their time constant.
            let parabola = match last {
                Some((known, parabola)) if known == leak => parabola,
                _ => Parabola::new(leak * span, share),
            };
            last = Some((leak, parabola));
            let (v, u) = (&self.states, &self.drives);
            state.push(parabola.between((v[from][j], v[to][j]), (u[from][j], u[to][j])));
        }
        state
    }

    /// Last time (s).
    #[must_use]
    pub fn end(&self) -> f64 {
        self.times.last().copied().unwrap_or(0.0)
    }
}

/// Interpolation of `τ dv/dt = u − v` within a step, `u(s) = u_0 + a s + b s²` for `s` from 0 to 1.
#[derive(Clone, Copy, Debug)]
struct Parabola {
    /// Length of the step in `τ`.
    length: f64,
    /// The point, as a share of the step.
    share: f64,
    /// `φ_k` over the whole step.
    whole: [f64; 4],
    /// `φ_k` up to the point.
    part: [f64; 4],
}

impl Parabola {
    fn new(length: f64, share: f64) -> Self {
        Self { length, share, whole: phi(-length), part: phi(-length * share) }
    }

    /// Potential at the point, from potentials and drives at both ends.
    fn between(&self, potentials: (f64, f64), drives: (f64, f64)) -> f64 {
        let rise = drives.1 - drives.0;
        let [decay, first, second, third] = self.whole;
        // The curvature is what brings the potential to where the step ended.
        let straight = decay * potentials.0 + self.length * (first * drives.0 + second * rise);
        let curvature = (potentials.1 - straight) / (self.length * (2.0 * third - second));
        let slope = rise - curvature;
        let [decay, first, second, third] = self.part;
        let driven = first * drives.0 + self.share * (second * slope + 2.0 * third * self.share * curvature);
        decay * potentials.0 + self.length * self.share * driven
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_steps_a_trace_is_exact_for_a_decay_on_a_parabola_however_long_the_step() {
        // v = e^{-t/τ} + q(t) has the drive u = v + τ dv/dt = q + τ q'.
        for steps in [1e-4, 0.1, 0.9, 3.0, 40.0] {
            let tau = 2e-6;
            let (q, slope) = (|x: f64| 0.3 - 0.2 * x + 0.05 * x * x, |x: f64| -0.2 + 0.1 * x);
            let v = |x: f64| (-x).exp() + q(x); // x in τ
            let ends = [0.0, steps];
            let trace = Trace {
                times: ends.map(|x| x * tau).to_vec(),
                states: ends.map(|x| vec![v(x)]).to_vec(),
                drives: ends.map(|x| vec![q(x) + slope(x)]).to_vec(),
                leaks: vec![1.0 / tau],
            };
            for share in [0.0, 0.01, 0.3, 0.5, 0.99, 1.0] {
                let found = trace.at(share * steps * tau)[0];
                // Numbers reach 80 V at 40 τ.
                assert!(
                    (found - v(share * steps)).abs() < 1e-13 * (1.0 + steps * steps),
                    "{share} of {steps} τ"
                );
            }
            assert_eq!(trace.at(1.0), [v(steps)]);
        }
    }
}
