//! Relaxation of a batch that steps as one: what the batched integrators share, but for the step itself.
//!
//! The monitor is told of every accepted step. Rows leave the batch once a quarter of it is decided.

use super::confirm::Look;
use super::criteria::Criteria;
use super::monitor::Monitor;
use super::outcome::Counts;
use super::tolerance::Tolerances;
use crate::circuit::{Dynamics, Scratch};
use crate::matrix::{Matrix, Real, select_rows};

/// Rows are dropped from the batch once this share of them is decided.
const COMPACT: f64 = 0.25;
/// Safety factor and limit of the step controller (Hairer, Nørsett & Wanner I, II.4).
const SAFETY: f64 = 0.9;
const SHRINK: f64 = 0.2;
/// Shortest step (τ): one that fails at this length is taken all the same, and the monitor sees what came of
/// it.
const SHORTEST: f64 = 1e-12;
/// Most steps per relaxation.
const STEPS: u64 = 2_000_000;

/// An integrator with a batch of circuits under way.
pub(super) trait Stepper<T: Real> {
    /// The batch.
    fn batch(&self) -> &Batch<T>;

    /// The batch, to be changed.
    fn batch_mut(&mut self) -> &mut Batch<T>;

    /// The circuits that are still stepped.
    fn circuit(&self) -> &dyn Dynamics<T>;

    /// Advances by one accepted step; `residual` (V) is the worst of the open samples.
    fn step(&mut self, residual: f64);

    /// Keeps only some rows of the batch and of everything kept beside it, and of the circuits the `samples`
    /// in those rows, by their number in the whole.
    fn keep(&mut self, rows: &[usize], samples: &[usize]);
}

/// Circuits, and the part of them that is still stepped.
pub(super) struct Part<'a, C: ?Sized> {
    pub(super) whole: &'a C,
    pub(super) smaller: Option<Box<C>>,
}

impl<'a, C: ?Sized> Part<'a, C> {
    /// All of them.
    pub(super) fn whole(whole: &'a C) -> Self {
        Self { whole, smaller: None }
    }

    /// Those that are still stepped.
    pub(super) fn get(&self) -> &C {
        self.smaller.as_deref().unwrap_or(self.whole)
    }
}

/// Steps a batch until every sample has its outcome.
pub(super) fn relax<T: Real>(stepper: &mut dyn Stepper<T>, traced: bool) -> Look<T> {
    let free = stepper.batch_mut().free.take();
    let Batch { criteria, ref state, .. } = *stepper.batch();
    let mut monitor = Monitor::new(stepper.circuit(), criteria, free.as_ref().unwrap_or(state), traced);
    let mut rows: Vec<usize> = (0..stepper.circuit().samples()).collect();
    let mut strayed = vec![false; rows.len()];
    stepper.batch().show(&mut monitor, stepper.circuit(), &rows);
    while !monitor.is_done() && stepper.batch().counts.steps < STEPS {
        let Batch { tolerances, criteria, .. } = stepper.batch_mut();
        tolerances.mark_decided(criteria, &monitor, &rows);
        rows.iter().for_each(|&i| strayed[i] |= monitor.is_open(i) && monitor.is_leaving(i));
        stepper.step(monitor.worst_residual());
        stepper.batch().show(&mut monitor, stepper.circuit(), &rows);
        let decided = rows.iter().filter(|&&i| !monitor.is_open(i)).count();
        if decided as f64 >= COMPACT * rows.len() as f64 && decided < rows.len() {
            let keep: Vec<usize> = (0..rows.len()).filter(|&r| monitor.is_open(rows[r])).collect();
            rows = keep.iter().map(|&r| rows[r]).collect();
            stepper.keep(&keep, &rows);
        }
    }
    let batch = stepper.batch();
    monitor.give_up(&rows, batch.time, &batch.state);
    let unclear = monitor.unclear();
    Look { settled: monitor.finish(batch.counts), strayed, unclear }
}

/// Where a batch is, and what steps it.
pub(super) struct Batch<T: Real> {
    pub(super) criteria: Criteria,
    /// Time reached (s).
    pub(super) time: f64,
    /// Length of the next step (s).
    pub(super) step: f64,
    pub(super) state: Matrix<T>,
    /// Drive at `state`.
    pub(super) drive: Matrix<T>,
    /// The free state, where the batch did not start in it.
    free: Option<Matrix<T>>,
    pub(super) scratch: Scratch<T>,
    pub(super) tolerances: Tolerances<T>,
    pub(super) counts: Counts,
}

impl<T: Real> Batch<T> {
    /// A batch at time 0 in `start` (V) or the free state, to be stepped by `first` of the slowest time
    /// constants.
    pub(super) fn new(
        circuit: &dyn Dynamics<T>,
        criteria: Criteria,
        start: Option<Matrix<T>>,
        first: f64,
    ) -> Self {
        let (rows, width) = (circuit.samples(), circuit.width());
        let mut scratch = circuit.scratch(rows);
        let mut drive = Matrix::zeros(rows, width);
        let free = start.is_some().then(|| circuit.free_state());
        let state = match (start, circuit.layered()) {
            // The pass to the free state leaves behind most of the drive there.
            (None, Some(layered)) => {
                let state = layered.feed_forward(&mut scratch);
                layered.free_drive(&mut drive, &mut scratch);
                state
            }
            (start, _) => {
                let state = start.unwrap_or_else(|| circuit.free_state());
                circuit.drive(&state, &mut drive, &mut scratch);
                state
            }
        };
        circuit.limit(&state, &mut drive);
        Self {
            criteria,
            time: 0.0,
            step: first * circuit.slowest(),
            state,
            drive,
            free,
            scratch,
            tolerances: Tolerances::new(rows, criteria.rtol),
            counts: Counts { rhs_evals: 1, ..Counts::default() },
        }
    }

    /// Evaluates the drive at the state.
    pub(super) fn evaluate(&mut self, circuit: &dyn Dynamics<T>) {
        circuit.limited_drive(&self.state, &mut self.drive, &mut self.scratch);
        self.tolerances.clear_residuals();
        self.counts.rhs_evals += 1;
    }

    /// Cuts the step to the time that is left; returns when it ends (s).
    pub(super) fn aim(&mut self) -> f64 {
        let end = self.criteria.stop(self.time);
        if self.step < end - self.time {
            return self.time + self.step;
        }
        self.step = end - self.time;
        end
    }

    /// Returns whether a step with this error, in units of the tolerance, is accepted; sets the length of the
    /// next.
    ///
    /// The error goes as the step to the power `1/exponent`; the step grows `grow` times at most.
    pub(super) fn judge(&mut self, circuit: &dyn Dynamics<T>, error: f64, exponent: f64, grow: f64) -> bool {
        let shortest = SHORTEST * circuit.slowest();
        let accepted = error <= 1.0 || self.step <= shortest;
        let factor = if error.is_finite() { SAFETY * error.max(1e-12).powf(-exponent) } else { SHRINK };
        self.step = (self.step * factor.clamp(SHRINK, grow)).max(shortest);
        self.counts.rejected += u64::from(!accepted);
        accepted
    }

    /// Takes an accepted step that ends at `end` (s); the old state and drive are left in its place.
    pub(super) fn advance(&mut self, end: f64, next: &mut Matrix<T>, drive_next: &mut Matrix<T>) {
        self.time = end;
        std::mem::swap(&mut self.state, next);
        std::mem::swap(&mut self.drive, drive_next);
        self.counts.steps += 1;
    }

    /// Keeps only some rows.
    pub(super) fn keep(&mut self, circuit: &dyn Dynamics<T>, rows: &[usize]) {
        self.state = select_rows(&self.state, rows);
        self.drive = select_rows(&self.drive, rows);
        self.scratch = circuit.scratch(rows.len());
        self.tolerances.truncate(rows.len());
    }

    /// Shows the monitor where the batch is.
    fn show(&self, monitor: &mut Monitor<T>, circuit: &dyn Dynamics<T>, rows: &[usize]) {
        let extremes = self.tolerances.extremes();
        monitor.observe(circuit, rows, self.time, (&self.state, &self.drive), extremes);
    }
}
