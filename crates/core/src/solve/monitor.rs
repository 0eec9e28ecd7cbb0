//! Watches a batch on its way to equilibrium and decides each sample's outcome (docs/model.md §5).
//!
//! Told every accepted step: the state and the drive there. The residual `‖τ dv/dt‖∞ = ‖u − v‖∞` is
//! that of the accepted state itself, never an extrapolation. What does not settle is told by
//! [`super::ringing`].

use super::criteria::Criteria;
use super::extension::Bend;
use super::judgement::{LEAVING, Steadiness, compute_bounds};
use super::outcome::{Outcome, Trace};
use super::rails::Rails;
use super::ringing::{Ringing, Trend, WINDOWS};
use super::settling_time::SettlingTime;
use crate::circuit::Dynamics;
use crate::matrix::elementwise::{farthest_columns, max_rows_of};
use crate::matrix::{Matrix, Real, copy_rows};

/// What is known of one sample.
#[derive(Clone, Debug)]
struct Sample {
    outcome: Option<Outcome>,
    time: f64,
    residual: f64,
    /// The residual at the time limit (V), if the sample was given its hold there.
    at_limit: Option<f64>,
    /// `‖v‖∞` (V).
    largest: f64,
    settling_time: SettlingTime,
    bound: f64,
    ringing: Ringing,
}

/// Decides outcomes, sample by sample.
#[derive(Clone, Debug)]
pub struct Monitor<T: Real> {
    criteria: Criteria,
    samples: Vec<Sample>,
    traces: Vec<Trace>,
    window: f64,
    windows_closed: usize,
    states: Matrix<T>,
    steadiness: Steadiness<T>,
    rails: Rails,
}

impl<T: Real> Monitor<T> {
    /// A monitor for the samples of `circuit`, whose free state is known; keeps trajectories if `traced`.
    #[must_use]
    pub fn new(circuit: &dyn Dynamics<T>, criteria: Criteria, free: &Matrix<T>, traced: bool) -> Self {
        let (batch, width) = free.shape();
        let samples =
            compute_bounds(free).into_iter().map(|bound| Sample::new(bound, criteria.strict)).collect();
        Self {
            criteria,
            samples,
            traces: vec![Trace::default(); if traced { batch } else { 0 }],
            window: criteria.limit / WINDOWS as f64,
            windows_closed: 0,
            states: Matrix::zeros(batch, width),
            steadiness: Steadiness::new(),
            rails: Rails::new(circuit, &criteria),
        }
    }

    /// Returns whether every sample has its outcome.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.samples.iter().all(|s| s.outcome.is_some())
    }

    /// Returns whether a sample, by its number in the whole batch, is still undecided.
    #[must_use]
    pub fn is_open(&self, sample: usize) -> bool {
        self.samples[sample].outcome.is_none()
    }

    /// Returns whether a sample has left the range in which its trajectory matters: only its outcome is still
    /// asked.
    #[must_use]
    pub fn is_leaving(&self, sample: usize) -> bool {
        self.samples[sample].largest > LEAVING * self.samples[sample].bound
    }

    /// Largest residual (V) of the undecided samples.
    #[must_use]
    pub fn worst_residual(&self) -> f64 {
        self.samples.iter().filter(|s| s.outcome.is_none()).map(|s| s.residual).fold(0.0, f64::max)
    }

    /// Residual (V) of a sample at the last step.
    #[must_use]
    pub fn residual(&self, sample: usize) -> f64 {
        self.samples[sample].residual
    }

    /// Returns, per sample, whether an undecided sample rings in a way that needs a longer integration.
    #[must_use]
    pub fn unclear(&self) -> Vec<bool> {
        let unclear = |sample: &Sample| {
            matches!(sample.outcome, Some(Outcome::Oscillation | Outcome::Timeout))
                && sample.largest <= sample.bound
                && !sample.ringing.cycles()
                && sample.ringing.trend() == Trend::Unclear
        };
        self.samples.iter().map(unclear).collect()
    }

    /// Takes in an accepted step at `time` (s): rows `rows` of the batch, their states and drives.
    ///
    /// The rows' `‖u − v‖∞` and `‖v‖∞` (V) may have been found on the way.
    pub fn observe(
        &mut self,
        circuit: &dyn Dynamics<T>,
        rows: &[usize],
        time: f64,
        (state, drive): (&Matrix<T>, &Matrix<T>),
        known: Option<(&[T], &[T])>,
    ) {
        self.record(circuit, rows, time, state, drive);
        let found;
        let (residuals, largest) = if let Some(known) = known {
            known
        } else {
            found = extremes(state, drive);
            (found.0.as_slice(), found.1.as_slice())
        };
        let close = self.closes_window(time);
        let mut unsteady: Option<Vec<f64>> = None;
        let (mut chosen, mut decided) = (Vec::new(), Vec::new());
        for (row, &i) in rows.iter().enumerate() {
            if self.samples[i].outcome.is_some() {
                continue;
            }
            self.samples[i].residual = residuals[row].to_f64();
            let magnitude = largest[row].to_f64();
            self.samples[i].largest = magnitude;
            let tolerance = self.criteria.settled::<T>(magnitude);
            let settled = self.samples[i].residual <= tolerance && {
                let unsteady = unsteady.get_or_insert_with(|| self.steadiness.excess(circuit, state, drive));
                unsteady[row] <= self.criteria.steady::<T>(magnitude)
            };
            if self.follow((row, i), time, state, drive, close) {
                chosen.push((row, i));
            }
            let latched = self.rails.observe((row, i), state, drive);
            let excess = (self.samples[i].residual / tolerance).ln();
            let held = self.samples[i].settling_time.follow(time, excess, settled, circuit.slowest());
            let outcome = self.verdict(i, time, magnitude, held, latched);
            let outcome = outcome.map(|outcome| self.on_rails((row, i), drive, outcome));
            if self.concludes(i, time, outcome) {
                decided.push((row, i));
            }
        }
        copy_rows(state, &mut self.states, &decided);
        self.choose(&chosen, state, drive);
        if close {
            self.windows_closed = (time / self.window) as usize;
        }
    }

    /// Notes a sample's outcome, if it has one now; whether its state at `time` (s) is what may be handed
    /// out.
    ///
    /// What comes to nothing in a hold that began at the limit is handed out as it was there.
    fn concludes(&mut self, i: usize, time: f64, outcome: Option<Outcome>) -> bool {
        let sample = &mut self.samples[i];
        sample.outcome = outcome;
        match (outcome, sample.at_limit) {
            (None, None) if time >= self.criteria.limit => sample.at_limit = Some(sample.residual),
            (Some(Outcome::Settled | Outcome::NotFinite), _) | (Some(_), None) => {}
            (Some(_), Some(residual)) => {
                sample.residual = residual;
                return false;
            }
            (None, _) => return false,
        }
        true
    }

    /// Gives up on what is left: the time limit or the step count was reached.
    pub fn give_up(&mut self, rows: &[usize], time: f64, state: &Matrix<T>) {
        let mut left = Vec::new();
        for (row, &i) in rows.iter().enumerate() {
            if self.samples[i].outcome.is_none() {
                self.samples[i].outcome = Some(self.left(i, self.samples[i].ringing.unsettled()));
                self.samples[i].time = time.min(self.criteria.limit);
                if let Some(residual) = self.samples[i].at_limit {
                    self.samples[i].residual = residual;
                } else {
                    left.push((row, i));
                }
            }
        }
        copy_rows(state, &mut self.states, &left);
    }

    /// The outcome of a sample in the light of the rails: what settles held by one has latched up.
    #[inline]
    fn on_rails(&self, (row, i): (usize, usize), drive: &Matrix<T>, outcome: Outcome) -> Outcome {
        let held = outcome == Outcome::Settled && self.rails.holds((row, i), drive);
        if held { Outcome::LatchUp } else { self.left(i, outcome) }
    }

    /// The outcome of a sample that does not settle, unless it never left a rail that it started on.
    fn left(&self, i: usize, outcome: Outcome) -> Outcome {
        let pressed = matches!(outcome, Outcome::Oscillation | Outcome::Timeout) && self.rails.pressed(i);
        if pressed { Outcome::LatchUp } else { outcome }
    }

    /// States, outcomes, times and residuals of the whole batch.
    #[must_use]
    pub fn finish(self, counts: super::Counts) -> super::Settled<T> {
        super::Settled {
            state: self.states,
            outcomes: self.samples.iter().map(|s| s.outcome.unwrap_or(Outcome::Timeout)).collect(),
            time: self.samples.iter().map(|s| s.time).collect(),
            residual: self.samples.iter().map(|s| s.residual).collect(),
            counts,
            traces: self.traces,
        }
    }

    /// Outcome of a sample at this step, if it has one now; settled for `held` (s), if it is.
    fn verdict(
        &mut self,
        i: usize,
        time: f64,
        largest: f64,
        held: Option<f64>,
        latched: bool,
    ) -> Option<Outcome> {
        let Criteria { hold, limit, .. } = self.criteria;
        let sample = &mut self.samples[i];
        // What happens during the hold of a sample that was settled at the limit does not count as time.
        sample.time = time.min(limit);
        if !(sample.residual.is_finite() && largest.is_finite()) {
            return Some(Outcome::NotFinite);
        }
        if latched {
            return Some(Outcome::LatchUp);
        }
        if largest > sample.bound {
            let monotone = sample.ringing.grows_without_turns();
            return Some(if monotone { Outcome::LatchUp } else { Outcome::Oscillation });
        }
        if held.is_some_and(|held| held >= hold) {
            sample.time = sample.settling_time.reached();
            return Some(Outcome::Settled);
        }
        // A sample that is settling when the limit strikes gets its hold.
        if time >= limit && (held.is_none() || time >= limit + hold) {
            return Some(sample.ringing.unsettled());
        }
        sample.ringing.cycles().then_some(Outcome::Oscillation)
    }

    /// Follows one compartment's sign and the residual's peaks; whether another one is to be watched now.
    fn follow(
        &mut self,
        (row, i): (usize, usize),
        time: f64,
        state: &Matrix<T>,
        drive: &Matrix<T>,
        close: bool,
    ) -> bool {
        let Sample { residual, largest, bound, ref mut ringing, .. } = self.samples[i];
        let rate = (drive[(row, ringing.watched)] - state[(row, ringing.watched)]).to_f64();
        ringing.follow(time, [residual, rate, largest / bound], close)
    }

    /// Watches the compartments of these rows that move most.
    fn choose(&mut self, chosen: &[(usize, usize)], state: &Matrix<T>, drive: &Matrix<T>) {
        if chosen.is_empty() {
            return;
        }
        let fastest = farthest_columns(drive.as_slice(), state.as_slice(), state.nrows());
        for &(row, i) in chosen {
            self.samples[i].ringing.watch(fastest[row] as usize);
        }
    }

    /// Returns whether `time` lies in another window than the last one closed.
    fn closes_window(&self, time: f64) -> bool {
        (time / self.window) as usize > self.windows_closed
    }

    /// Adds how the method bends within the step that ended last, if trajectories are kept.
    pub(super) fn bend(&mut self, sample: usize, bend: Bend) {
        let Some(trace) = self.traces.get_mut(sample) else { return };
        let step = trace.times.len().saturating_sub(2);
        trace.bends.resize(step, Bend::new());
        trace.bends.push(bend);
    }

    /// Adds the step to the trajectories.
    fn record(
        &mut self,
        circuit: &dyn Dynamics<T>,
        rows: &[usize],
        time: f64,
        state: &Matrix<T>,
        drive: &Matrix<T>,
    ) {
        if self.traces.is_empty() {
            return;
        }
        for (row, &i) in rows.iter().enumerate() {
            if self.samples[i].outcome.is_some() {
                continue;
            }
            let trace = &mut self.traces[i];
            trace.times.push(time);
            trace.states.push(state.row(row).iter().map(|v| v.to_f64()).collect());
            trace.drives.push(drive.row(row).iter().map(|u| u.to_f64()).collect());
            if trace.leaks.is_empty() {
                trace.leaks = circuit.rates().iter().map(|r| r.to_f64()).collect();
            }
        }
    }
}

impl Sample {
    fn new(bound: f64, strict: bool) -> Self {
        Self {
            outcome: None,
            time: 0.0,
            residual: 0.0,
            at_limit: None,
            largest: 0.0,
            settling_time: SettlingTime::default(),
            bound,
            ringing: Ringing::new(strict),
        }
    }
}

/// Per row: `max |u − v|` and `max |v|`; NaN if any is NaN.
fn extremes<T: Real>(state: &Matrix<T>, drive: &Matrix<T>) -> (Vec<T>, Vec<T>) {
    let mut residual = vec![T::ZERO; state.nrows()];
    let mut largest = vec![T::ZERO; state.nrows()];
    let results = [residual.as_mut_slice(), largest.as_mut_slice()];
    max_rows_of([drive.as_slice(), state.as_slice()], results, |[u, v]| [u - v, v]);
    (residual, largest)
}
