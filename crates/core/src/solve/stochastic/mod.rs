//! Stochastic solvers: the circuit with its noise, in steps of fixed length.
//!
//! `exponential-em` holds the drive over a step, `heun` and `exponential-heun` take it at both ends. The
//! exponential ones integrate leak and additive noise exactly, so that an isolated compartment has its
//! variance at any step, and bear steps of several time constants. All converge to the Stratonovich solution;
//! read noise of a compartment does not depend on its own potential, so that it has no noise-induced drift
//! and the Itô solution is the same.
//!
//! `clocked` steps a switched-capacitor circuit from clock to clock, which its drive, held over a period,
//! makes exact.
//!
//! A step is in units of the slowest time constant, and is divided into parts where compartments are faster:
//! others hear a compartment at the ends of parts only, and one that is much faster than a part would be
//! heard as if its noise lasted as long.
//!
//! # Requires
//!
//! `step` where time is continuous; `clocked` a circuit with a `[clock]`, whose noise is thermal and sampled
//! alone, and no other circuit. All of them settle circuits without noise, too, at their fixed step.
//!
//! # Reference
//!
//! Kloeden & Platen, Numerical Solution of Stochastic Differential Equations (1992), on Heun's method and
//! orders; Jentzen & Kloeden, Proc. R. Soc. A 465, 649 (2009), on exponential Euler.

mod noise_increment;
mod inputs;
mod fixed_step;
mod noise;
mod quantile;
mod quiet;
mod stationary;

use fixed_step::FixedStep;
use stationary::Windows;

use super::criteria::Criteria;
use super::monitor::Monitor;
use super::outcome::{Settled, Trace};
use super::{Counts, Dynamics, Outcome, Universal};
use crate::circuit::{Circuit, Layered};
use crate::matrix::{Matrix, Real, compiled_once};
use crate::noise::Memory;
use crate::spec::SolverSpec;

/// Rows are dropped from the batch once this share of them is done.
const COMPACT: f64 = 0.25;

/// Follows noisy circuits from `start` (`[batch × width]`, V) at time `from` (s) for `time` (s); shows
/// `observe` every step: when it ends (s) and the states there. Returns the last ones.
///
/// The samples meet the noise of their presentations, so a second part that begins where a first one ended
/// gives the same bytes as both in one. Times are rounded to whole steps, of a period where the circuit has a
/// clock. A `kind` that is deterministic means `exponential-heun`. To use all threads, run parts of the batch
/// ([`Dynamics::subset`]) of [`SHARD`](super::SHARD) samples.
pub fn run<T: Real>(
    spec: &SolverSpec,
    circuit: &dyn Dynamics<T>,
    start: Matrix<T>,
    (from, time): (f64, f64),
    observe: &mut dyn FnMut(f64, &Matrix<T>),
) -> Matrix<T> {
    let mut stepper = FixedStep::new(spec, circuit, start);
    let step = stepper.step();
    stepper.skip_to((from / step).round() as u64);
    let last = ((from + time) / step).round() as u64 * stepper.parts;
    while stepper.done < last {
        stepper.advance(circuit);
        observe(stepper.time(), &stepper.state);
    }
    stepper.state
}

/// Parts of steps that `time` (slowest τ) takes on a circuit with these rates (1/s), whose fastest
/// compartment a step follows.
#[must_use]
pub fn steps(spec: &SolverSpec, rates: &[f64], time: f64) -> f64 {
    let fastest = rates.iter().copied().fold(0.0, f64::max);
    let slowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    time / spec.step * fixed_step::parts(spec.kind, fastest / slowest) as f64
}

/// A stochastic solver.
#[derive(Clone, Debug)]
pub(super) struct Stochastic {
    spec: SolverSpec,
}

impl Stochastic {
    pub(super) fn new(spec: &SolverSpec) -> Self {
        Self { spec: spec.clone() }
    }
}

impl<T: Real> Universal<T> for Stochastic {
    fn settle_any(&self, circuit: &dyn Dynamics<T>, start: Option<Matrix<T>>, traced: bool) -> Settled<T> {
        let start = start.unwrap_or_else(|| circuit.free_state());
        let criteria = Criteria::new(&self.spec, circuit.slowest());
        let stepper = FixedStep::new(&self.spec, circuit, start);
        if stepper.is_noiseless() {
            return settle_noiseless(circuit, stepper, criteria, traced);
        }
        Relaxation::new(&self.spec, circuit, stepper, traced).finish(circuit).0
    }
}

/// [`Universal::settle_any`] of a noisy circuit whose slow sources go on from `before`, if that is known; and
/// where they are at the end.
pub(super) fn settle_on<T: Real>(
    spec: &SolverSpec,
    circuit: &dyn Dynamics<T>,
    start: Option<Matrix<T>>,
    traced: bool,
    before: Option<&Memory<T>>,
) -> (Settled<T>, Memory<T>) {
    compiled_once!(T, SettleOn, settle_on_from)(spec, circuit, start, traced, before)
}

/// [`settle_on`].
type SettleOn<T> =
    fn(&SolverSpec, &dyn Dynamics<T>, Option<Matrix<T>>, bool, Option<&Memory<T>>) -> (Settled<T>, Memory<T>);

fn settle_on_from<T: Real>(
    spec: &SolverSpec,
    circuit: &dyn Dynamics<T>,
    start: Option<Matrix<T>>,
    traced: bool,
    before: Option<&Memory<T>>,
) -> (Settled<T>, Memory<T>) {
    let mut stepper = FixedStep::new(spec, circuit, start.unwrap_or_else(|| circuit.free_state()));
    if let Some(before) = before {
        stepper.go_on(before);
    }
    let mut relaxation = Relaxation::new(spec, circuit, stepper, traced);
    if let Some(noisy) = circuit.noisy() {
        let (inputs, synapses) = (noisy.layout().inputs(), noisy.layout().synapses());
        relaxation.memory =
            Memory::new(noisy.noise(), circuit.samples(), (circuit.width(), inputs, synapses));
    }
    relaxation.finish(circuit)
}

/// Without noise the scheme ends like every other integrator.
fn settle_noiseless<T: Real>(
    circuit: &dyn Dynamics<T>,
    mut stepper: FixedStep<T>,
    criteria: Criteria,
    traced: bool,
) -> Settled<T> {
    let mut monitor = Monitor::new(circuit, criteria, &circuit.free_state(), traced);
    let rows: Vec<usize> = (0..circuit.samples()).collect();
    stepper.evaluate_drive(circuit);
    monitor.observe(circuit, &rows, 0.0, (&stepper.state, &stepper.drive), None);
    while !monitor.is_done() && stepper.time() < criteria.limit + criteria.hold {
        stepper.advance(circuit);
        stepper.evaluate_drive(circuit);
        monitor.observe(circuit, &rows, stepper.time(), (&stepper.state, &stepper.drive), None);
    }
    monitor.give_up(&rows, stepper.time(), &stepper.state);
    monitor.finish(stepper.counts)
}

/// A noisy batch on its way to its stationary state, and then under its readers.
struct Relaxation<T: Real> {
    spec: SolverSpec,
    criteria: Criteria,
    stepper: FixedStep<T>,
    windows: Windows<T>,
    /// Samples that are still stepped, by their number in the whole batch.
    rows: Vec<usize>,
    /// Parts of steps that a reading averages; 0 is an instant.
    readout: u64,
    /// When a sample's reading began (parts of steps), and what was summed up since.
    since: Vec<Option<u64>>,
    sums: Matrix<T>,
    settled: Settled<T>,
    done: Vec<bool>,
    /// Where the slow sources of every sample were when it was read, if somebody wants to know.
    memory: Memory<T>,
}

impl<T: Real> Relaxation<T> {
    fn new(spec: &SolverSpec, circuit: &dyn Dynamics<T>, stepper: FixedStep<T>, traced: bool) -> Self {
        let criteria = Criteria::new(spec, circuit.slowest());
        let (batch, width) = stepper.state.shape();
        let readout = circuit.noisy().map_or(0.0, Circuit::readout) / stepper.part;
        let blank = || Matrix::zeros(batch, width);
        Self {
            spec: spec.clone(),
            criteria,
            windows: Windows::new(circuit, stepper.step()),
            rows: (0..batch).collect(),
            readout: if readout > 0.0 { readout.round().max(1.0) as u64 } else { 0 },
            since: vec![None; batch],
            sums: blank(),
            settled: Settled {
                state: blank(),
                outcomes: vec![Outcome::Timeout; batch],
                time: vec![criteria.limit; batch],
                residual: vec![0.0; batch],
                counts: Counts::default(),
                traces: vec![Trace::default(); if traced { batch } else { 0 }],
            },
            done: vec![false; batch],
            memory: Memory::default(),
            stepper,
        }
    }

    fn finish(mut self, circuit: &dyn Dynamics<T>) -> (Settled<T>, Memory<T>) {
        let mut smaller: Option<Box<dyn Dynamics<T> + '_>> = None;
        self.record(circuit);
        while self.done.contains(&false) {
            let current = smaller.as_deref().unwrap_or(circuit);
            for _ in 0..self.stepper.parts {
                self.stepper.advance_part(current);
                self.read(current);
            }
            self.record(current);
            if self.windows.observe(&self.stepper.state) {
                self.judge(current);
            }
            let closed = self.rows.iter().filter(|&&sample| self.done[sample]).count();
            if closed < self.rows.len() && closed as f64 >= COMPACT * self.rows.len() as f64 {
                let open: Vec<usize> =
                    (0..self.rows.len()).filter(|&row| !self.done[self.rows[row]]).collect();
                self.keep(&open);
                smaller = Some(circuit.subset(&self.rows));
            }
        }
        self.settled.counts = self.stepper.counts;
        (self.settled, self.memory)
    }

    /// Gives samples their outcomes at the end of a window; their readings begin.
    fn judge(&mut self, circuit: &dyn Dynamics<T>) {
        let time = self.stepper.time();
        let open = |row: &usize| !self.done[self.rows[*row]] && self.since[self.rows[*row]].is_none();
        let open: Vec<usize> = (0..self.rows.len()).filter(open).collect();
        for (row, outcome) in open.iter().zip(self.verdicts(circuit, &open)) {
            let (row, sample) = (*row, self.rows[*row]);
            let late = time >= self.criteria.limit;
            let Some(outcome) = outcome.or(late.then_some(Outcome::Timeout)) else { continue };
            self.settled.outcomes[sample] = outcome;
            // It has arrived by the second window: when, within the first one, is not known.
            let since = if outcome.is_settled() { 0.5 * self.windows.length() } else { 0.0 };
            self.settled.time[sample] = (time - since).max(0.0).min(self.criteria.limit);
            self.since[sample] = Some(self.stepper.done);
            if self.readout == 0 || !outcome.is_settled() {
                let state = self.stepper.state.row(row).into_owned();
                self.close(circuit, row, state);
            }
        }
    }

    /// What some rows have come to, where it is clear.
    fn verdicts(&mut self, circuit: &dyn Dynamics<T>, open: &[usize]) -> Vec<Option<Outcome>> {
        let state = &self.stepper.state;
        let verdict = |&row: &usize| self.windows.verdict(row, self.rows[row], state);
        let mut verdicts: Vec<Option<Outcome>> = open.iter().map(verdict).collect();
        // Without a nudge nothing comes back in a layered circuit, so that it cannot ring.
        let rings = circuit.layered().is_none_or(Layered::nudged);
        let Some(mean) = self.windows.mean().filter(|_| rings) else { return verdicts };
        let stationary: Vec<usize> =
            (0..open.len()).filter(|&i| verdicts[i] == Some(Outcome::NoisySettled)).collect();
        if !stationary.is_empty() {
            let rows: Vec<usize> = stationary.iter().map(|&i| open[i]).collect();
            let (fates, counts) = quiet::check_without_noise(&self.spec, circuit, &rows, (state, mean));
            stationary.into_iter().zip(fates).for_each(|(i, fate)| verdicts[i] = Some(fate));
            self.stepper.counts += counts;
        }
        verdicts
    }

    /// Adds the step to the readings that are under way; ends those that are long enough.
    fn read(&mut self, circuit: &dyn Dynamics<T>) {
        if self.readout == 0 {
            return;
        }
        for row in 0..self.rows.len() {
            let sample = self.rows[row];
            let Some(since) = self.since[sample].filter(|_| !self.done[sample]) else { continue };
            let mut sum = self.sums.row_mut(sample);
            sum += self.stepper.state.row(row);
            if self.stepper.done - since >= self.readout {
                let mean = self.sums.row(sample) * T::of(1.0 / self.readout as f64);
                self.close(circuit, row, mean);
            }
        }
    }

    /// Takes the reading of a sample.
    fn close(&mut self, circuit: &dyn Dynamics<T>, row: usize, reading: nalgebra::RowDVector<T>) {
        let sample = self.rows[row];
        self.stepper.evaluate_drive(circuit);
        let apart = self.stepper.drive.row(row) - self.stepper.state.row(row);
        self.settled.residual[sample] = apart.iter().fold(0.0, |most: f64, e| most.max(e.to_f64().abs()));
        self.settled.state.row_mut(sample).copy_from(&reading);
        self.done[sample] = true;
        if !self.memory.is_empty() {
            self.stepper.remember(row, &mut self.memory, sample);
        }
    }

    /// Adds where the batch is to the trajectories.
    fn record(&mut self, circuit: &dyn Dynamics<T>) {
        if self.settled.traces.is_empty() {
            return;
        }
        self.stepper.evaluate_drive(circuit);
        for (row, &sample) in self.rows.iter().enumerate().filter(|(_, sample)| !self.done[**sample]) {
            let trace = &mut self.settled.traces[sample];
            trace.times.push(self.stepper.time());
            trace.states.push(self.stepper.state.row(row).iter().map(|v| v.to_f64()).collect());
            trace.drives.push(self.stepper.drive.row(row).iter().map(|u| u.to_f64()).collect());
            if trace.leaks.is_empty() {
                trace.leaks = circuit.rates().iter().map(|r| r.to_f64()).collect();
            }
        }
    }

    fn keep(&mut self, rows: &[usize]) {
        self.stepper.keep(rows);
        self.windows.keep(rows);
        self.rows = rows.iter().map(|&row| self.rows[row]).collect();
    }
}
