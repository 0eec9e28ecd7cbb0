//! Dormand–Prince 5(4) and 8(5,3) through `ode_solvers`: the independent reference, one sample at a time.
//!
//! Traps of the crate, kept out here: only `OutputType::Sparse` gives right last rows (dense mode
//! extrapolates them); it stores every accepted state and cannot change its tolerance, so the relaxation is
//! cut into segments of at most one τ whose tolerance follows the residual down (an explicit method otherwise
//! chatters above equilibrium for ever); its stiffness test ends a run that would only be long, and is off;
//! NaN ends as a step-size underflow, so whether a drive overflowed is noted here. Time runs in units of the
//! slowest τ.
//!
//! The last segment ends at the time limit. Where the trajectory is kept, every step is bent by its own
//! stages and may be refused; the steps of others are the crate's alone.
//!
//! # Requires
//!
//! What [`etd`](super::etd) requires. Explicit, hence slow on stiff circuits: it is there to hold the others
//! against.
//!
//! # Reference
//!
//! Dormand & Prince, J. Comput. Appl. Math. 6, 19 (1980); Hairer, Nørsett & Wanner, Solving Ordinary
//! Differential Equations I (1993).

use std::cell::{Cell, RefCell};

use ode_solvers::dop_shared::{IntegrationError, Stats};
use ode_solvers::dop853::Dop853;
use ode_solvers::dopri5::Dopri5;
use ode_solvers::{DVector, OutputType, System};

use super::confirm::{Look, confirmed};
use super::criteria::Criteria;
use super::extension::Order;
use super::monitor::Monitor;
use super::outcome::{Counts, Settled};
use super::watched::{Reach, Watch};
use super::{Dynamics, Universal};
use crate::circuit::Scratch;
use crate::matrix::{Matrix, Real, select_rows};
use crate::spec::SolverSpec;

/// Length of a segment (τ): the tolerance is set anew for each.
const SEGMENT: f64 = 1.0;
/// Step error allowed per residual at the start of a segment, in which the residual falls about e-fold.
const APPROACH: f64 = 0.01;
/// Relative tolerance of a second look at what a first one does not call settled, in units of the first.
const SECOND: f64 = 0.1;

/// Two times (τ) that are this close are the same: roundings of some thousand τ.
const CLOSE: f64 = 1e-12;
/// Roundings of the largest potential that a step of a kept trajectory may be wrong by, whatever its
/// tolerance.
const ROUNDINGS: f64 = 64.0;

/// Most steps per segment.
const STEPS: u32 = 100_000;
/// Steps between tests for stiffness.
const NEVER: u32 = u32::MAX;

/// An explicit Runge–Kutta method with its tolerances.
#[derive(Clone, Debug)]
pub(super) struct Explicit {
    order: Order,
    spec: SolverSpec,
}

impl Explicit {
    pub(super) fn new(spec: &SolverSpec, order: Order) -> Self {
        Self { order, spec: spec.clone() }
    }
}

impl<T: Real> Universal<T> for Explicit {
    fn settle_any(&self, circuit: &dyn Dynamics<T>, start: Option<Matrix<T>>, traced: bool) -> Settled<T> {
        let asked = Criteria::new(&self.spec, circuit.slowest());
        let second = |criteria: Criteria, circuit: &dyn Dynamics<T>, start: Option<Matrix<T>>, traced| {
            let spec = SolverSpec {
                rtol: SECOND * self.spec.rtol,
                max_time: self.spec.max_time * (criteria.limit / asked.limit),
                ..self.spec.clone()
            };
            Self { spec, ..*self }.look(criteria, circuit, start.as_ref(), traced)
        };
        let first = self.look(asked, circuit, start.as_ref(), traced);
        confirmed(first, asked, (circuit, start.as_ref()), traced, &second)
    }
}

impl Explicit {
    /// Relaxes a batch once, one sample after the other.
    fn look<T: Real>(
        &self,
        criteria: Criteria,
        circuit: &dyn Dynamics<T>,
        start: Option<&Matrix<T>>,
        traced: bool,
    ) -> Look<T> {
        let free = circuit.free_state();
        let start = start.unwrap_or(&free);
        let mut unclear = Vec::with_capacity(circuit.samples());
        let parts: Vec<Settled<T>> = (0..circuit.samples())
            .map(|i| {
                let one = circuit.subset(&[i]);
                let [start, free] = [start, &free].map(|state| select_rows(state, &[i]));
                let (settled, doubt) = self.settle_one(criteria, one.as_ref(), (start, &free), traced);
                unclear.push(doubt);
                settled
            })
            .collect();
        let strayed = vec![false; parts.len()];
        Look { settled: super::join(parts, circuit.width()), strayed, unclear }
    }

    /// Relaxes a batch of one, whose free state is known; also says whether it rings in a way that needs a
    /// longer look.
    fn settle_one<T: Real>(
        &self,
        criteria: Criteria,
        circuit: &dyn Dynamics<T>,
        (start, free): (Matrix<T>, &Matrix<T>),
        traced: bool,
    ) -> (Settled<T>, bool) {
        let mut monitor = Monitor::new(circuit, criteria, free, traced);
        let mut relaxation = Relaxation::new(circuit, start);
        relaxation.observe(&mut monitor, 0.0);
        let mut reach = traced.then(|| Reach::new(self.order));
        let mut step = 0.0_f64;
        while !monitor.is_done() && step.is_finite() {
            let tolerance =
                (APPROACH * monitor.worst_residual()).max(1e-3 * criteria.atol + 4.0 * f64::EPSILON);
            let atol = tolerance.min(criteria.atol);
            step = self.segment(&mut relaxation, &mut monitor, &mut reach, [atol, tolerance]);
        }
        monitor.give_up(&[0], relaxation.seconds, &relaxation.state);
        let unclear = monitor.unclear()[0];
        (monitor.finish(relaxation.counts), unclear)
    }

    /// One segment by an absolute tolerance and the most that the relative one may allow; NaN if the
    /// integrator gave up.
    fn segment<T: Real>(
        &self,
        relaxation: &mut Relaxation<'_, T>,
        monitor: &mut Monitor<T>,
        reach: &mut Option<Reach>,
        [atol, ceiling]: [f64; 2],
    ) -> f64 {
        let y = vector(&relaxation.state);
        let size = y.amax().max(f64::MIN_POSITIVE);
        let rtol = self.spec.rtol.min(ceiling / size).max(4.0 * f64::EPSILON);
        let stretch = relaxation.stretch(&self.spec, reach.as_ref());
        let overflow = Cell::new(false);
        let buffers = RefCell::new(Buffers::new(relaxation));
        let mut system = Segment { circuit: relaxation.circuit, buffers, overflow: &overflow, watch: None };
        let watch = reach.map(|_| {
            let allowed = [self.spec.atol, self.spec.rtol.max(ROUNDINGS * T::EPSILON.to_f64())];
            let (rate, regime) = (system.rate(&y), system.regime());
            RefCell::new(Watch::new(self.order, allowed, y.clone(), rate, regime))
        });
        system.watch = watch.as_ref();
        let run = self.order.integrate(system, y, [rtol, atol], stretch);
        let watch = watch.map(RefCell::into_inner);
        let length = relaxation.take(monitor, run, watch.as_ref(), stretch);
        if let (Some(reach), Some(watch)) = (reach, watch) {
            reach.learn(relaxation.time, watch.refused);
            relaxation.counts.rejected += u64::from(watch.refused.is_some());
        }
        if length.is_nan() && overflow.get() && !monitor.is_done() {
            // The integrator refuses the step that leaves the numbers; what it led to is no state of the
            // circuit.
            relaxation.state.fill(T::of(f64::NAN));
            relaxation.observe(monitor, relaxation.seconds);
        }
        length
    }
}

/// How far a segment goes.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// Length, longest step, and first one (τ), 0 if that is the integrator's to find.
    length: f64,
    longest: f64,
    first: f64,
    /// Time (s) at which it ends, if that is where the relaxation has to stop.
    stop: Option<f64>,
}

impl Order {
    /// Integrates over one segment. All settings but the tolerances and the stiffness test are the crate's
    /// defaults (safety, β of the controller, limits of the step's growth), which it takes only together.
    fn integrate<T: Real>(
        self,
        system: Segment<'_, T>,
        y: DVector<f64>,
        [rtol, atol]: [f64; 2],
        stretch: Stretch,
    ) -> Steps {
        let Stretch { length: end, longest, first, .. } = stretch;
        let (start, output) = (0.0, OutputType::Sparse);
        match self {
            Self::Five => {
                let (safety, beta, least, most) = (0.9, 0.04, 0.2, 10.0);
                let mut method = Dopri5::from_param(
                    system, start, end, end, y, rtol, atol, safety, beta, least, most, longest, first, STEPS,
                    NEVER, output,
                );
                let run = method.integrate();
                (run, method.x_out().clone(), method.y_out().clone())
            }
            Self::Eight => {
                let (safety, beta, least, most) = (0.9, 0.0, 0.333, 6.0);
                let mut method = Dop853::from_param(
                    system, start, end, end, y, rtol, atol, safety, beta, least, most, longest, first, STEPS,
                    NEVER, output,
                );
                let run = method.integrate();
                (run, method.x_out().clone(), method.y_out().clone())
            }
        }
    }
}

/// Accepted times (τ) and states of a segment, and how it ended.
type Steps = (Result<Stats, IntegrationError>, Vec<f64>, Vec<DVector<f64>>);

/// One sample on its way.
struct Relaxation<'a, T: Real> {
    circuit: &'a dyn Dynamics<T>,
    /// Time in units of the slowest τ, and in seconds.
    time: f64,
    seconds: f64,
    state: Matrix<T>,
    drive: Matrix<T>,
    scratch: Scratch<T>,
    counts: Counts,
}

impl<'a, T: Real> Relaxation<'a, T> {
    fn new(circuit: &'a dyn Dynamics<T>, state: Matrix<T>) -> Self {
        let drive = Matrix::zeros(1, state.ncols());
        let scratch = circuit.scratch(1);
        Self { circuit, time: 0.0, seconds: 0.0, state, drive, scratch, counts: Counts::default() }
    }

    /// Shows the monitor the present state at `seconds`, its drive evaluated afresh.
    fn observe(&mut self, monitor: &mut Monitor<T>, seconds: f64) {
        self.seconds = seconds;
        self.circuit.limited_drive(&self.state, &mut self.drive, &mut self.scratch);
        self.counts.rhs_evals += 1;
        monitor.observe(self.circuit, &[0], seconds, (&self.state, &self.drive), None);
    }

    /// How far the next segment goes: one τ, to the time limit, or to a kink ahead.
    fn stretch(&self, spec: &SolverSpec, reach: Option<&Reach>) -> Stretch {
        let tau = self.circuit.slowest();
        let stop = Criteria::new(spec, tau).stop(self.seconds);
        let left = (stop - self.seconds) / tau;
        // Steps that were refused may not shift the ends of later segments.
        let whole = reach.map_or(SEGMENT, |_| (self.time + CLOSE).floor() + 1.0 - self.time);
        let ahead = reach.and_then(|reach| reach.end(self.time)).map_or(whole, |end| end - self.time);
        let length = whole.min(ahead);
        let longest = reach.map_or(length, |reach| reach.longest.min(length));
        let first = if ahead < whole { longest } else { 0.0 };
        if left < length - CLOSE {
            return Stretch { length: left, longest: longest.min(left), first: 0.0, stop: Some(stop) };
        }
        let stop = (left < length + CLOSE).then_some(stop);
        Stretch { length, longest, first, stop }
    }

    /// Takes in a segment's steps; returns its length, NaN if the integrator gave up.
    fn take(
        &mut self,
        monitor: &mut Monitor<T>,
        (run, times, states): Steps,
        watch: Option<&Watch>,
        stretch: Stretch,
    ) -> f64 {
        let start = self.time;
        let refused = watch.is_some_and(|watch| watch.refused.is_some());
        let taken = times.len() - usize::from(refused);
        let ends = run.is_ok() && !refused;
        for (i, (&t, y)) in times.iter().zip(&states).enumerate().take(taken).skip(1) {
            for (v, y) in self.state.iter_mut().zip(y.iter()) {
                *v = T::of(*y);
            }
            self.time = start + t;
            self.counts.steps += 1;
            let stop = stretch.stop.filter(|_| ends && i + 1 == taken);
            self.observe(monitor, stop.unwrap_or(self.time * self.circuit.slowest()));
            if let Some(watch) = watch {
                monitor.bend(0, watch.bends[i - 1].clone());
            }
            if monitor.is_done() {
                break;
            }
        }
        self.counts.rhs_evals += watch.map_or(0, |watch| watch.evaluations);
        match run {
            Ok(stats) => {
                self.counts.rhs_evals += u64::from(stats.num_eval);
                self.counts.rejected += u64::from(stats.rejected_steps);
                self.time - start
            }
            Err(_) => f64::NAN,
        }
    }
}

/// The only row of a state, in double precision.
fn vector<T: Real>(state: &Matrix<T>) -> DVector<f64> {
    DVector::from_iterator(state.len(), state.iter().map(|v| v.to_f64()))
}

/// The right-hand side of one sample in units of the slowest τ.
struct Segment<'a, T: Real> {
    circuit: &'a dyn Dynamics<T>,
    buffers: RefCell<Buffers<T>>,
    /// Set when a drive is not finite.
    overflow: &'a Cell<bool>,
    /// What watches the steps, if the trajectory is kept.
    watch: Option<&'a RefCell<Watch>>,
}

/// Buffers behind the shared reference that `ode_solvers` evaluates through.
struct Buffers<T> {
    state: Matrix<T>,
    drive: Matrix<T>,
    scratch: Scratch<T>,
}

impl<T: Real> Buffers<T> {
    fn new(relaxation: &Relaxation<'_, T>) -> Self {
        Self {
            state: relaxation.state.clone(),
            drive: relaxation.drive.clone(),
            scratch: relaxation.circuit.scratch(1),
        }
    }
}

impl<T: Real> Segment<'_, T> {
    /// `dv/dt` at `y` (V/τ).
    fn evaluate(&self, y: &DVector<f64>, dy: &mut DVector<f64>) {
        let Buffers { state, drive, scratch } = &mut *self.buffers.borrow_mut();
        for (v, y) in state.iter_mut().zip(y.iter()) {
            *v = T::of(*y);
        }
        self.circuit.limited_drive(state, drive, scratch);
        let tau = self.circuit.slowest();
        let supply = self.circuit.supply();
        for (j, (dy, &rate)) in dy.iter_mut().zip(self.circuit.rates()).enumerate() {
            let pull = (drive[j] - state[j]).to_f64();
            if !pull.is_finite() {
                self.overflow.set(true);
            }
            let outward =
                supply.is_some_and(|(l, h)| (state[j] >= h && pull > 0.0) || (state[j] <= l && pull < 0.0));
            *dy = if outward { 0.0 } else { rate.to_f64() * tau * pull };
        }
    }

    fn rate(&self, y: &DVector<f64>) -> DVector<f64> {
        let mut rate = DVector::zeros(y.len());
        self.evaluate(y, &mut rate);
        rate
    }

    /// Which pieces devices are on where the rate was evaluated last.
    fn regime(&self) -> Vec<f64> {
        let Buffers { state, drive, .. } = &*self.buffers.borrow();
        let mut regime = Matrix::zeros(1, state.ncols());
        self.circuit.regime(state, drive, &mut regime);
        regime.iter().map(|piece| piece.to_f64()).collect()
    }
}

impl<T: Real> System<f64, DVector<f64>> for Segment<'_, T> {
    fn system(&self, _time: f64, y: &DVector<f64>, dy: &mut DVector<f64>) {
        self.evaluate(y, dy);
        if let Some(watch) = self.watch {
            watch.borrow_mut().record_stage(dy);
        }
    }

    /// Stops the integrator after a step that is not to be taken.
    fn solout(&mut self, time: f64, y: &DVector<f64>, _dy: &DVector<f64>) -> bool {
        let Some(watch) = self.watch else { return false };
        let regime = self.regime();
        watch.borrow_mut().refuses(time, y, regime, |y| self.rate(y))
    }
}
