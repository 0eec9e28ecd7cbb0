//! Watches a batch on its way to equilibrium and decides each sample's outcome (docs/model.md §5).
//!
//! Told every accepted step: the state and the drive there. The residual `‖τ dv/dt‖∞ = ‖u − v‖∞` is
//! that of the accepted state itself, never an extrapolation. Oscillation is read from the residual's
//! maxima in windows of time, and from sign changes of the rate of one compartment per sample, the one
//! that moved most when the window opened or, of a runaway, when it last grew tenfold.

use super::arrival::Arrival;
use super::criteria::Criteria;
use super::extension::Bend;
use super::outcome::{Outcome, Trace};
use crate::circuit::Circuit;
use crate::matrix::elementwise::{farthest_columns, max_abs_rows, max_rows_of};
use crate::matrix::{Matrix, Real, copy_rows};

/// Windows into which the time limit is divided.
const WINDOWS: usize = 40;
/// A residual decays if the median of its window maxima falls below this factor from quarter to quarter.
const DECAY: f64 = 0.95;
/// Window maxima that agree within this are a closed cycle.
const CYCLE: f64 = 0.01;
/// A rate counts as having changed sign once it reaches this share of the residual's last peak: neither the
/// last ripples of a sample that drifts nor the rounding of a bystander of a runaway are oscillations.
const SWING: f64 = 0.1;
/// Growth beyond this multiple of `1 V + ‖v_free‖∞` is a runaway.
pub(super) const RUNAWAY: f64 = 1e3;
/// Beyond this share of the runaway bound a sample is on its way out, and followed less closely.
pub(super) const LEAVING: f64 = 3e-3;
/// A layer's δ is steady when it moves by less than this fraction of itself per τ.
const STEADY: f64 = 1e-3;

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
    arrival: Arrival,
    bound: f64,
    touched: Vec<usize>,
    watched: usize,
    sign: f64,
    flips_in_window: u32,
    peak: f64,
    peaks: Vec<f64>,
    flips: Vec<u32>,
    /// Sign changes in the last two tenfold growths of the residual.
    flips_in_decades: [u32; 2],
    decade: f64,
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
    slopes: Matrix<T>,
    outputs: Matrix<T>,
}

impl<T: Real> Monitor<T> {
    /// A monitor for the samples of `circuit`, whose free state is known; keeps trajectories if `traced`.
    #[must_use]
    pub fn new(circuit: &dyn Circuit<T>, criteria: Criteria, free: &Matrix<T>, traced: bool) -> Self {
        let (batch, width) = free.shape();
        let mut largest = vec![T::ZERO; batch];
        max_abs_rows(free.as_slice(), &mut largest);
        let sample = |(i, largest): (usize, T)| {
            let touched = at_rail(circuit, free, i, criteria).collect();
            Sample::new(RUNAWAY * (1.0 + largest.to_f64()), touched)
        };
        let samples = largest.into_iter().enumerate().map(sample).collect();
        Self {
            criteria,
            samples,
            traces: vec![Trace::default(); if traced { batch } else { 0 }],
            window: criteria.limit / WINDOWS as f64,
            windows_closed: 0,
            states: Matrix::zeros(batch, width),
            slopes: Matrix::zeros(0, 0),
            outputs: Matrix::zeros(0, 0),
        }
    }

    /// Whether every sample has its outcome.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.samples.iter().all(|s| s.outcome.is_some())
    }

    /// Whether a sample, by its number in the whole batch, is still undecided.
    #[must_use]
    pub fn is_open(&self, sample: usize) -> bool {
        self.samples[sample].outcome.is_none()
    }

    /// Whether a sample has left the range in which its trajectory matters: only its fate is still asked.
    #[must_use]
    pub fn is_leaving(&self, sample: usize) -> bool {
        self.samples[sample].largest > LEAVING * self.samples[sample].bound
    }

    /// Largest residual (V) of the undecided samples.
    #[must_use]
    pub fn worst_residual(&self) -> f64 {
        self.samples.iter().filter(|s| s.outcome.is_none()).map(|s| s.residual).fold(0.0, f64::max)
    }

    /// Takes in an accepted step at `time` (s): rows `rows` of the batch, their states and drives.
    ///
    /// The rows' `‖u − v‖∞` and `‖v‖∞` (V) may have been found on the way.
    pub fn observe(
        &mut self,
        circuit: &dyn Circuit<T>,
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
                let unsteady = unsteady.get_or_insert_with(|| self.unsteadiness(circuit, state, drive));
                unsteady[row] <= self.criteria.steady::<T>(magnitude)
            };
            if self.follow((row, i), time, state, drive, close) {
                chosen.push((row, i));
            }
            let rail =
                at_rail(circuit, state, row, self.criteria).any(|c| !self.samples[i].touched.contains(&c));
            let latched = rail && circuit.nudged();
            let excess = (self.samples[i].residual / tolerance).ln();
            let held = self.samples[i].arrival.follow(time, excess, settled, circuit.slowest());
            let outcome = self.verdict(i, time, magnitude, held, latched);
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

    /// Notes a sample's outcome, if it has one now; whether its state at `time` (s) is what may be handed out.
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
                self.samples[i].outcome = Some(self.samples[i].unsettled());
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
            let monotone = sample.flips_in_decades == [0, 0];
            return Some(if monotone { Outcome::LatchUp } else { Outcome::Oscillation });
        }
        if held.is_some_and(|held| held >= hold) {
            sample.time = sample.arrival.reached();
            return Some(Outcome::Settled);
        }
        // A sample that is settling when the limit strikes gets its hold.
        if time >= limit && (held.is_none() || time >= limit + hold) {
            return Some(sample.unsettled());
        }
        sample.cycles().then_some(Outcome::Oscillation)
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
        let sample = &mut self.samples[i];
        sample.peak = sample.peak.max(sample.residual);
        let rate = (drive[(row, sample.watched)] - state[(row, sample.watched)]).to_f64();
        let recent = sample.peaks.last().map_or(sample.peak, |last| last.max(sample.peak));
        if rate.abs() > SWING * recent && rate.signum() != sample.sign {
            let counts = sample.sign != 0.0;
            sample.sign = rate.signum();
            sample.flips_in_window += u32::from(counts);
            sample.flips_in_decades[1] += u32::from(counts);
        }
        let grown = sample.residual > 10.0 * sample.decade;
        if grown {
            sample.decade = sample.residual;
            sample.flips_in_decades = [sample.flips_in_decades[1], 0];
        }
        let opens = close || time == 0.0;
        if opens {
            if time > 0.0 {
                sample.peaks.push(sample.peak);
                sample.flips.push(sample.flips_in_window);
            }
            sample.peak = 0.0;
            sample.flips_in_window = 0;
        }
        grown || (opens && sample.peaks.len().is_multiple_of(4))
    }

    /// Watches the compartments of these rows that move most.
    fn choose(&mut self, chosen: &[(usize, usize)], state: &Matrix<T>, drive: &Matrix<T>) {
        if chosen.is_empty() {
            return;
        }
        let fastest = farthest_columns(drive.as_slice(), state.as_slice(), state.nrows());
        for &(row, i) in chosen {
            (self.samples[i].watched, self.samples[i].sign) = (fastest[row] as usize, 0.0);
        }
    }

    /// Whether `time` lies in another window than the last one closed.
    fn closes_window(&self, time: f64) -> bool {
        (time / self.window) as usize > self.windows_closed
    }

    /// Largest `‖τ dδ_k/dt‖∞ − 10⁻³ ‖δ_k‖∞` (V) of any layer, per row; 0 without a nudge.
    fn unsteadiness(&mut self, circuit: &dyn Circuit<T>, state: &Matrix<T>, drive: &Matrix<T>) -> Vec<f64> {
        let (batch, width) = state.shape();
        if !circuit.nudged() {
            return vec![0.0; batch];
        }
        if self.slopes.shape() != (batch, width) {
            self.slopes = Matrix::zeros(batch, width);
            self.outputs = Matrix::zeros(batch, width);
        }
        circuit.slopes(state, &mut self.slopes);
        circuit.outputs(state, &mut self.outputs);
        let layout = circuit.layout();
        let mut worst = vec![0.0_f64; batch];
        let (mut moved, mut size) = (vec![T::ZERO; batch], vec![T::ZERO; batch]);
        for layer in 0..layout.depth() {
            moved.fill(T::ZERO);
            size.fill(T::ZERO);
            let sides = [layout.plus(layer), layout.minus(layer)];
            let [plus, minus] = sides.map(|side| {
                [&self.slopes, drive, state, &self.outputs]
                    .map(|matrix| &matrix.as_slice()[side.start * batch..side.end * batch])
            });
            let [p, q] = [plus, minus];
            max_rows_of(
                [p[0], p[1], p[2], p[3], q[0], q[1], q[2], q[3]],
                [&mut moved, &mut size],
                |[f, u, v, s, g, w, x, t]| [f * (u - v) - g * (w - x), s - t],
            );
            for ((worst, moved), size) in worst.iter_mut().zip(&moved).zip(&size) {
                *worst = worst.max(moved.to_f64() - STEADY * size.to_f64());
            }
        }
        worst
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
        circuit: &dyn Circuit<T>,
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
    fn new(bound: f64, touched: Vec<usize>) -> Self {
        Self {
            outcome: None,
            time: 0.0,
            residual: 0.0,
            at_limit: None,
            largest: 0.0,
            arrival: Arrival::default(),
            bound,
            touched,
            watched: 0,
            sign: 0.0,
            flips_in_window: 0,
            peak: 0.0,
            peaks: Vec::with_capacity(WINDOWS + 2),
            flips: Vec::with_capacity(WINDOWS + 2),
            flips_in_decades: [0, 0],
            decade: f64::MIN_POSITIVE,
        }
    }

    /// A closed cycle, long before the limit: eight windows with equal peaks and several sign changes.
    fn cycles(&self) -> bool {
        let n = self.peaks.len();
        if n < 12 {
            return false;
        }
        let last = &self.peaks[n - 8..];
        let (low, high) = last.iter().fold((f64::MAX, 0.0_f64), |(l, h), &p| (l.min(p), h.max(p)));
        high - low <= CYCLE * high && self.flips[n - 8..].iter().sum::<u32>() >= 6
    }

    /// What an unsettled sample is called at the time limit.
    ///
    /// It decays if its peaks fell in every quarter of the time. Medians, because an irregular ringing has high
    /// and low peaks without decaying.
    fn unsettled(&self) -> Outcome {
        let quarter = self.peaks.len() / 4;
        if quarter < 2 {
            return Outcome::Timeout;
        }
        let medians: Vec<f64> = self.peaks.rchunks(quarter).take(4).map(median).collect();
        let decays = medians.windows(2).all(|later| later[0] < DECAY * later[1]);
        let flips: u32 = self.flips.iter().rev().take(2 * quarter).sum();
        if !decays && flips >= 2 { Outcome::Oscillation } else { Outcome::Timeout }
    }
}

/// The upper median.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Per row: `max |u − v|` and `max |v|`; NaN if any is NaN.
fn extremes<T: Real>(state: &Matrix<T>, drive: &Matrix<T>) -> (Vec<T>, Vec<T>) {
    let mut residual = vec![T::ZERO; state.nrows()];
    let mut largest = vec![T::ZERO; state.nrows()];
    let results = [residual.as_mut_slice(), largest.as_mut_slice()];
    max_rows_of([drive.as_slice(), state.as_slice()], results, |[u, v]| [u - v, v]);
    (residual, largest)
}

/// Columns of a row that sit at a rail.
fn at_rail<'a, T: Real>(
    circuit: &dyn Circuit<T>,
    state: &'a Matrix<T>,
    row: usize,
    criteria: Criteria,
) -> impl Iterator<Item = usize> + use<'a, T> {
    let supply = circuit.supply().map(|(low, high)| (low.to_f64(), high.to_f64()));
    let slack = move |rail: f64| criteria.atol + criteria.rtol * rail.abs();
    let columns = if supply.is_some() { state.ncols() } else { 0 };
    (0..columns).filter(move |&j| {
        let v = state[(row, j)].to_f64();
        supply.is_some_and(|(low, high)| v <= low + slack(low) || v >= high - slack(high))
    })
}
