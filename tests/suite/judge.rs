//! What becomes of a circuit, by docs/model.md §5 written out once more: the equations of [`crate::oracle`],
//! integrated by dop853 from another crate far beyond the time limit, and judged by what is seen then. It
//! shares nothing with the crate's solvers but the names of the outcomes.

use std::cell::Cell;

use dyadsim_core::solve::Outcome;
use dyadsim_core::spec::SolverSpec;
use ode_solvers::dop853::Dop853;
use ode_solvers::{DVector, OutputType, System};

use crate::oracle::{Oracle, Vector};

/// Length of a segment and longest step within (τ).
const SEGMENT: f64 = 2.0;
const LONGEST: f64 = 0.2;
/// How far an unsettled circuit is followed, in time limits.
const BEYOND: f64 = 4.0;
/// Arrivals within this share of the limit, and 1 τ, are near the border: either side of it is right.
const BORDER: f64 = 0.03;
/// Peaks that fall below this share of themselves from one limit to three limits later decay; above the
/// second they do not; between, both are right.
const DECAYS: f64 = 0.9;
const STAYS: f64 = 0.98;
/// Runaways: beyond this multiple of `1 V + ‖v_free‖∞`.
const RUNAWAY: f64 = 1e3;

/// Every outcome that is right for a circuit, the likeliest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Fate {
    pub right: Vec<Outcome>,
    /// When it was known (τ).
    pub time: f64,
}

/// What becomes of the circuit from its free state, integrated to `rtol` of its potentials.
pub fn fate(oracle: &Oracle, solver: &SolverSpec, rtol: f64) -> Fate {
    let mut watch = Watch::new(oracle, solver);
    let mut state = oracle.free();
    let mut done = watch.look(0.0, &state);
    let mut time = 0.0;
    while done.is_none() && time < BEYOND * solver.max_time {
        let Some((times, states)) = segment(oracle, &state, rtol, watch.residual) else {
            done = Some(vec![Outcome::NotFinite]);
            break;
        };
        for (t, y) in times.iter().zip(&states).skip(1) {
            state = clipped(oracle, y);
            done = watch.look(time + t, &state);
            if done.is_some() {
                break;
            }
        }
        time += SEGMENT;
    }
    Fate { right: done.unwrap_or_else(|| watch.unsettled()), time: watch.time }
}

fn clipped(oracle: &Oracle, y: &Vector) -> Vector {
    oracle.rails.map_or(y.clone(), |(low, high)| y.map(|v| v.clamp(low, high)))
}

/// Accepted times (τ) and states of a segment; none if it left the numbers.
fn segment(oracle: &Oracle, state: &Vector, rtol: f64, residual: f64) -> Option<(Vec<f64>, Vec<Vector>)> {
    let size = state.amax().max(1e-3);
    let allowed = (rtol * size).min(1e-5 * residual).max(4.0 * f64::EPSILON * size);
    let overflow = Cell::new(false);
    let motion = Motion { oracle, slowest: 1.0 / oracle.rates.min(), overflow: &overflow };
    let (safety, beta, least, most) = (0.9, 0.0, 0.333, 6.0);
    let mut method = Dop853::from_param(
        motion,
        0.0,
        SEGMENT,
        SEGMENT,
        state.clone(),
        allowed / size,
        allowed,
        safety,
        beta,
        least,
        most,
        LONGEST,
        0.0,
        2_000_000,
        u32::MAX,
        OutputType::Sparse,
    );
    let run = method.integrate();
    let (times, states) = (method.x_out().clone(), method.y_out().clone());
    // A run that ends early ends at its last accepted step, which the bound of runaways has seen before it
    // overflows.
    assert!(run.is_ok() || overflow.get() || states.len() > 1, "the reference is stuck: {run:?}");
    (states.len() > 1).then_some((times, states))
}

struct Motion<'a> {
    oracle: &'a Oracle,
    slowest: f64,
    overflow: &'a Cell<bool>,
}

impl System<f64, DVector<f64>> for Motion<'_> {
    fn system(&self, _time: f64, y: &DVector<f64>, dy: &mut DVector<f64>) {
        let drive = self.oracle.drive(y);
        for (j, dy) in dy.iter_mut().enumerate() {
            let pull = drive[j] - y[j];
            if !pull.is_finite() {
                self.overflow.set(true);
            }
            let outward = self
                .oracle
                .rails
                .is_some_and(|(l, h)| (y[j] >= h && pull > 0.0) || (y[j] <= l && pull < 0.0));
            *dy = if outward { 0.0 } else { pull * self.oracle.rates[j] * self.slowest };
        }
    }
}

/// What has been seen of a trajectory.
struct Watch<'a> {
    oracle: &'a Oracle,
    solver: &'a SolverSpec,
    /// Rails that the free state touches, per compartment.
    touched: Vec<bool>,
    bound: f64,
    time: f64,
    residual: f64,
    /// Since when it is settled (τ).
    since: Option<f64>,
    /// Whether an untouched rail came near without being reached.
    grazed: bool,
    /// All that was seen: times (τ), states, residuals and drives less potentials.
    times: Vec<f64>,
    states: Vec<Vector>,
    rates: Vec<Vector>,
}

impl<'a> Watch<'a> {
    fn new(oracle: &'a Oracle, solver: &'a SolverSpec) -> Self {
        let free = oracle.free();
        let touched = free.iter().map(|&v| at_rail(oracle, v, slack(solver))).collect();
        let bound = RUNAWAY * (1.0 + free.amax());
        let (times, states, rates) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            oracle,
            solver,
            touched,
            bound,
            time: 0.0,
            residual: f64::NAN,
            since: None,
            grazed: false,
            times,
            states,
            rates,
        }
    }

    /// Takes in a state at `time` (τ); every right outcome, if it is known now.
    fn look(&mut self, time: f64, state: &Vector) -> Option<Vec<Outcome>> {
        let pull = self.oracle.drive(state) - state;
        (self.time, self.residual) = (time, pull.amax());
        self.times.push(time);
        self.states.push(state.clone());
        self.rates.push(pull.clone());
        if !(pull.iter().all(|p| p.is_finite()) && state.iter().all(|v| v.is_finite())) {
            return Some(self.at_limit(Outcome::NotFinite));
        }
        let reached = |slack: f64| {
            state.iter().zip(&self.touched).any(|(&v, &touched)| !touched && at_rail(self.oracle, v, slack))
        };
        if reached(slack(self.solver)) {
            return Some(self.at_limit(Outcome::LatchUp));
        }
        self.grazed |= reached(1e-3);
        if state.amax() > self.bound {
            return Some(self.runaway());
        }
        if !self.is_settled(state, &pull) {
            self.since = None;
            return None;
        }
        let since = *self.since.get_or_insert(time);
        (time - since >= self.solver.hold).then(|| {
            let mut right = self.decided_at(since, Outcome::Settled, Outcome::Timeout);
            // What swung wider and wider at the limit and found another equilibrium later was ringing then.
            let limit = self.solver.max_time;
            let grew = self.peak(0.75 * limit, limit) >= self.peak(0.5 * limit, 0.75 * limit);
            if right[0] == Outcome::Timeout && grew && self.flips(0.5 * limit) >= 2 {
                right.push(Outcome::Oscillation);
            }
            if self.grazed {
                right.push(Outcome::LatchUp);
            }
            right
        })
    }

    fn is_settled(&self, state: &Vector, pull: &Vector) -> bool {
        let SolverSpec { rtol, atol, .. } = *self.solver;
        if pull.amax() > atol + rtol * state.amax() {
            return false;
        }
        // `τ dδ/dt` as a difference along the motion.
        let share = 1e-3;
        let (here, there) = (self.oracle.split(state), self.oracle.split(&(state + pull * share)));
        self.oracle.layers.iter().zip(here.iter().zip(&there)).all(|(layer, (here, there))| {
            let (before, after) = (layer.mixed(&here.0, &here.1).1, layer.mixed(&there.0, &there.1).1);
            // A rounding of the outputs, divided by the share.
            let rounding = 4.0 * f64::EPSILON * state.amax() / share;
            (after - &before).amax() / share <= 1e-3 * before.amax() + atol + rounding
        })
    }

    /// What is right of something that happened at `time` (τ), and what if that was too late.
    fn decided_at(&self, time: f64, outcome: Outcome, late: Outcome) -> Vec<Outcome> {
        let limit = self.solver.max_time;
        let near = BORDER * limit + 1.0;
        match time {
            t if t <= limit - near => vec![outcome],
            t if t <= limit => vec![outcome, late],
            t if t <= limit + near => vec![late, outcome],
            _ => vec![late],
        }
    }

    fn at_limit(&self, outcome: Outcome) -> Vec<Outcome> {
        let late = if self.flips(0.5 * self.time.min(self.solver.max_time)) >= 2 {
            Outcome::Oscillation
        } else {
            Outcome::Timeout
        };
        let mut right = self.decided_at(self.time, outcome, late);
        if late == Outcome::Oscillation && right[0] != outcome {
            right.push(Outcome::Timeout); // still far from where it ends
        }
        right
    }

    /// A runaway grew without turning over its last two decades, or turned; where the last decade differs,
    /// both are right.
    fn runaway(&self) -> Vec<Outcome> {
        let last = self.states.len() - 1;
        let j = self.states[last].iamax();
        let turned = |decades: f64| {
            let from = self.states.iter().rposition(|v| v.amax() < self.bound * decades).unwrap_or(0);
            let sign = self.rates[last][j].signum();
            self.rates[from..].iter().any(|rate| rate[j].signum() != sign)
        };
        match (turned(0.1), turned(0.01)) {
            (false, false) => self.at_limit(Outcome::LatchUp),
            (true, true) => vec![Outcome::Oscillation],
            _ => vec![Outcome::LatchUp, Outcome::Oscillation],
        }
    }

    /// Sign changes since `time` (τ) of the rate of the compartment that moves most on the whole since then.
    fn flips(&self, time: f64) -> usize {
        let from = self.times.partition_point(|&t| t < time);
        let rates = &self.rates[from..];
        let Some(first) = rates.first() else { return 0 };
        let total = rates.iter().fold(first.map(f64::abs), |sum, rate| sum + rate.map(f64::abs));
        let j = total.iamax();
        let largest = rates.iter().map(|rate| rate[j].abs()).fold(0.0, f64::max);
        let signs: Vec<f64> =
            rates.iter().map(|rate| rate[j]).filter(|r| r.abs() > 0.02 * largest).map(f64::signum).collect();
        signs.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    /// Largest residual between two times (τ).
    fn peak(&self, from: f64, to: f64) -> f64 {
        let within = self.times.iter().zip(&self.rates).filter(|(t, _)| (from..to).contains(*t));
        within.map(|(_, rate)| rate.amax()).fold(0.0, f64::max)
    }

    /// What is right of a circuit that came to nothing within four limits.
    fn unsettled(&self) -> Vec<Outcome> {
        let limit = self.solver.max_time;
        let peaks = [0.5, 1.0, 2.0, 3.0].map(|n| self.peak(n * limit, (n + 1.0_f64.min(n)) * limit));
        let fall = peaks[3] / peaks[1];
        let (both, turns) = ([Outcome::Oscillation, Outcome::Timeout], self.flips(limit) >= 2);
        match fall {
            _ if !turns => vec![Outcome::Timeout],
            q if q < DECAYS => vec![Outcome::Timeout],
            q if q < STAYS => both.to_vec(),
            // On its way to the cycle at the limit, or too slow to be seen turning by then.
            _ if peaks[1] < DECAYS * peaks[0] || self.flips(0.0) < 3 => both.to_vec(),
            _ => vec![Outcome::Oscillation],
        }
    }
}

fn slack(solver: &SolverSpec) -> f64 {
    solver.atol + solver.rtol
}

/// Whether `v` is within `slack` (V at 1 V) of a rail.
fn at_rail(oracle: &Oracle, v: f64, slack: f64) -> bool {
    oracle.rails.is_some_and(|(low, high)| {
        v <= low + slack * low.abs().max(1e-3) || v >= high - slack * high.abs().max(1e-3)
    })
}
