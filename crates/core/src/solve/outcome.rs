//! How an integration ended: exactly one outcome per sample, and what it took.

use std::collections::BTreeMap;

use super::extension::{Bend, curve};
use super::interpolation::Passed;
use super::phi::phi;
use crate::matrix::Matrix;

/// End of a relaxation (docs/model.md §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// At equilibrium: the residual held below tolerance.
    Settled,
    /// Settled but for noise: what is left of its motion is stationary.
    NoisySettled,
    /// A deviation that does not decay and changes sign.
    Oscillation,
    /// A deviation that grew without changing sign, or ran to a rail that the free circuit does not touch.
    LatchUp,
    /// Still moving at the time limit.
    Timeout,
    /// A potential became infinite or no number (NaN).
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

    /// Returns whether the state is an equilibrium that a gradient may be read from.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Settled | Self::NoisySettled)
    }

    /// Counts each outcome, by name.
    #[must_use]
    pub fn tally(outcomes: &[Self]) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for outcome in outcomes {
            *counts.entry(outcome.name()).or_insert(0) += 1;
        }
        counts
    }
}

/// Work done by a solver; what is done to many samples at once counts once.
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
    /// Outcome of each sample.
    pub outcomes: Vec<Outcome>,
    /// When the held residual was first reached (interpolated between two steps), or when the
    /// sample was given up (s); NaN for methods without time.
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
    /// The method's own continuous extension within each step, where there is one; other steps are left out
    /// or empty.
    pub bends: Vec<Bend>,
}

impl Trace {
    /// State at `time` (s); before and after the trace, its ends.
    ///
    /// Between two steps it is the method's own continuous extension, where there is one. Else the leak is
    /// exact and the drive a sum of the functions of [`super::gamma`], or a parabola of time where a step is
    /// very long: of an exponential integrator it may be many `τ`, where no polynomial follows the potential.
    #[must_use]
    pub fn at(&self, time: f64) -> Vec<f64> {
        let next = self.times.partition_point(|&t| t <= time);
        if next == 0 || next == self.times.len() {
            let end = next.saturating_sub(1);
            return self.states.get(end).cloned().unwrap_or_default();
        }
        let (from, to) = (next - 1, next);
        let span = self.times[to] - self.times[from];
        if let Some(bend) = self.bends.get(from).filter(|bend| !bend.is_empty()) {
            return self.bent(from, bend, (time - self.times[from]) / span);
        }
        let slowest = self.leaks.iter().copied().fold(f64::INFINITY, f64::min);
        let step = Within::new(slowest * span, (time - self.times[from]) / span);
        let mut last = None;
        let mut state = Vec::with_capacity(self.leaks.len());
        for (j, &leak) in self.leaks.iter().enumerate() {
            // Compartments mostly share their time constant.
            let shapes = match last {
                Some((known, shapes)) if known == leak => shapes,
                _ => step.shapes(leak / slowest),
            };
            last = Some((leak, shapes));
            let (v, u) = (&self.states, &self.drives);
            state.push(shapes.between((v[from][j], v[to][j]), (u[from][j], u[to][j])));
        }
        state
    }

    /// State within the step that begins at `from`, by the method's own extension.
    fn bent(&self, from: usize, bend: &Bend, share: f64) -> Vec<f64> {
        let span = self.times[from + 1] - self.times[from];
        let compartment = |(j, (leak, bend)): (usize, (&f64, &[f64; 4]))| {
            let ends = [from, from + 1].map(|i| self.states[i][j]);
            let moves = [from, from + 1].map(|i| leak * span * (self.drives[i][j] - self.states[i][j]));
            curve(ends, moves, bend, share)[0]
        };
        self.leaks.iter().zip(bend).enumerate().map(compartment).collect()
    }

    /// Last time (s).
    #[must_use]
    pub fn end(&self) -> f64 {
        self.times.last().copied().unwrap_or(0.0)
    }
}

/// Longest step (slowest time constants) whose drive is made of gamma functions: from the potential at its
/// end they are known to some 30 roundings here, and hundreds at 9.
const LONG: f64 = 6.0;

/// A point within a step.
struct Within {
    /// Length of the step in slowest time constants.
    length: f64,
    /// The point, as a share of the step.
    share: f64,
    whole: Passed,
    part: Passed,
}

impl Within {
    fn new(length: f64, share: f64) -> Self {
        Self { length, share, whole: Passed::new(length), part: Passed::new(length * share) }
    }

    /// For compartments with `ratio ≥ 1` times the slowest leak.
    fn shapes(&self, ratio: f64) -> Shapes {
        if self.length > LONG {
            return self.powers(ratio * self.length);
        }
        let first = |m: [f64; 4]| [m[0], m[1], m[2]];
        Shapes {
            ends: [self.whole.values()[1], self.whole.values()[2]],
            whole: (self.whole.decay(ratio), first(self.whole.moments(ratio))),
            part: (self.part.decay(ratio), first(self.part.moments(ratio))),
        }
    }

    /// For compartments to which the step is `x` of their own time constants, by `s` and `s²` for `s` from 0
    /// to 1.
    fn powers(&self, x: f64) -> Shapes {
        let moments = |s: f64| {
            let [decay, first, second, third] = phi(-x * s);
            (decay, [x * s * first, x * s * s * second, 2.0 * x * s.powi(3) * third])
        };
        Shapes { ends: [1.0, 1.0], whole: moments(1.0), part: moments(self.share) }
    }
}

/// Interpolation of `τ dv/dt = u − v` within a step, `u = u_0 + a f + b g` with `f = g = 0` at its start.
#[derive(Clone, Copy, Debug)]
struct Shapes {
    /// `f` and `g` at the end.
    ends: [f64; 2],
    /// What is left of the potential at the end, and what the leak makes of 1, `f` and `g`.
    whole: (f64, [f64; 3]),
    /// The same at the point.
    part: (f64, [f64; 3]),
}

impl Shapes {
    /// Potential at the point, from potentials and drives at both ends.
    fn between(&self, potentials: (f64, f64), drives: (f64, f64)) -> f64 {
        let (decay, [one, f, g]) = self.whole;
        let rise = drives.1 - drives.0;
        let rest = potentials.1 - decay * potentials.0 - one * drives.0;
        // The potential at the end and the drive there fix both shares.
        let determinant = self.ends[0] * g - self.ends[1] * f;
        let a = (rise * g - self.ends[1] * rest) / determinant;
        let b = (self.ends[0] * rest - rise * f) / determinant;
        let (decay, [one, f, g]) = self.part;
        decay * potentials.0 + one * drives.0 + a * f + b * g
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest error of the trace of one step of `steps` slowest τ, in units of `1 + steps²`, for a potential
    /// `v` with the drive `u` (of time in slowest τ), `ratio` times as fast.
    fn error(steps: f64, ratio: f64, v: impl Fn(f64) -> f64, u: impl Fn(f64) -> f64) -> f64 {
        let tau = 2e-6;
        let ends = [0.0, steps];
        let trace = Trace {
            times: ends.map(|x| x * tau).to_vec(),
            states: ends.map(|x| vec![v(x), 0.0]).to_vec(),
            drives: ends.map(|x| vec![u(x), 0.0]).to_vec(),
            leaks: vec![ratio / tau, 1.0 / tau],
            ..Trace::default()
        };
        assert_eq!(trace.at(1.0), [v(steps), 0.0]);
        let shares = [0.0, 0.01, 0.3, 0.5, 0.99, 1.0].into_iter();
        let errors = shares.map(|share| (trace.at(share * steps * tau)[0] - v(share * steps)).abs());
        errors.fold(0.0, f64::max) / (1.0 + steps * steps)
    }

    #[test]
    fn between_steps_a_trace_is_exact_for_what_a_cascade_of_leaks_does() {
        for steps in [1e-4, 0.1, 0.9, 3.0, 5.9] {
            // v = c + e^{-x} q(x) has the drive u = v + τ dv/dt = c + e^{-x} q'.
            let v = |x: f64| 0.2 + (-x).exp() * (0.3 - 0.2 * x + 0.05 * x * x);
            let found = error(steps, 1.0, v, |x| 0.2 + (-x).exp() * (-0.2 + 0.1 * x));
            assert!(found < 1e-13, "{steps} τ: {found:.1e}"); // some 30 roundings
            // A compartment three times as fast: u = v + v'/3.
            let found = error(steps, 3.0, |x| 0.2 + 0.3 * (-x).exp(), |x| 0.2 + 0.2 * (-x).exp());
            assert!(found < 1e-13, "{steps} τ, fast: {found:.1e}");
        }
    }

    #[test]
    fn between_very_long_steps_it_is_exact_for_a_decay_on_a_parabola() {
        // v = e^{-x} + q(x) has the drive q + q'.
        let q = |x: f64| 0.3 - 0.2 * x + 0.05 * x * x;
        for steps in [7.0, 40.0] {
            let found = error(steps, 1.0, |x| (-x).exp() + q(x), |x| q(x) - 0.2 + 0.1 * x);
            assert!(found < 1e-13, "{steps} τ: {found:.1e}"); // numbers reach 80 V at 40 τ
        }
    }
}
