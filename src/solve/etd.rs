//! Exponential time differencing: exact in every compartment's leak, so that only synapses limit the step.
//!
//! Krogstad's fourth-order ETDRK4-B (J. Comput. Phys. 203, 72 (2005)) on `dv/dt = (u(v) − v)/τ`. Its fixed
//! points are those of the circuit whatever the step. The last stage of a step is the first of the next, and
//! replacing the fourth stage by it gives a third-order solution: their distance is the error estimate.
//! The step's tolerance falls with the residual, or the step would chatter above equilibrium for ever.
//!
//! A kink that a device passes within a step costs half the order, which the estimate does not see. The
//! equilibrium does not mind, so kinks are watched, at the price of short steps, only when a trajectory is asked for.

use std::ops::Range;

use super::monitor::{Criteria, Monitor};
use super::outcome::{Counts, Settled};
use super::phi::phi;
use super::{Circuit, Solver};
use crate::circuit::Scratch;
use crate::matrix::dispatch::{Kernel, multiply_add, run};
use crate::matrix::elementwise::{clip, max_abs_rows, max_distance_rows};
use crate::matrix::{Matrix, Real};
use crate::spec::SolverSpec;

/// Step error allowed per residual: below equilibrium tolerance the step follows the residual down.
const APPROACH: f64 = 0.05;
/// Rows are dropped from the batch once this share of them is decided.
const COMPACT: f64 = 0.25;
/// Safety factor and limits of the step controller (Hairer, Nørsett & Wanner I, II.4).
const SAFETY: f64 = 0.9;
const SHRINK: f64 = 0.2;
const GROW: f64 = 4.0;
/// Relative step error allowed to a sample that runs away.
const RUNAWAY_RTOL: f64 = 1e-3;
/// Most steps per relaxation.
const STEPS: u64 = 2_000_000;

/// The exponential integrator with its tolerances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Etd {
    rtol: f64,
    atol: f64,
    max_time: f64,
    hold: f64,
}

impl Etd {
    pub(super) fn new(spec: &SolverSpec) -> Self {
        Self { rtol: spec.rtol, atol: spec.atol, max_time: spec.max_time, hold: spec.hold }
    }
}

impl<T: Real> Solver<T> for Etd {
    fn settle(&self, circuit: &dyn Circuit<T>, start: Matrix<T>, traced: bool) -> Settled<T> {
        let tau = circuit.slowest();
        let criteria =
            Criteria { rtol: self.rtol, atol: self.atol, hold: self.hold * tau, limit: self.max_time * tau };
        let mut monitor = Monitor::new(circuit, criteria, traced);
        let mut run = Run::new(circuit, criteria, start);
        if traced && circuit.is_kinked() {
            run.slopes = Some(Box::new(std::array::from_fn(|_| Matrix::zeros(0, 0))));
        }
        let mut rows: Vec<usize> = (0..circuit.samples()).collect();
        run.evaluate_start(circuit);
        monitor.observe(circuit, &rows, 0.0, &run.state, &run.drive);
        let mut smaller: Option<Box<dyn Circuit<T> + '_>> = None;
        while !monitor.is_done() && run.counts.steps < STEPS {
            let current = smaller.as_deref().unwrap_or(circuit);
            run.attend(&monitor, &rows);
            run.step(current, monitor.worst_residual());
            monitor.observe(current, &rows, run.time, &run.state, &run.drive);
            let decided = rows.iter().filter(|&&i| !monitor.is_open(i)).count();
            if decided as f64 >= COMPACT * rows.len() as f64 && decided < rows.len() {
                let keep: Vec<usize> = (0..rows.len()).filter(|&r| monitor.is_open(rows[r])).collect();
                rows = keep.iter().map(|&r| rows[r]).collect();
                run.keep(circuit, &keep);
                smaller = Some(circuit.subset(&rows));
            }
        }
        monitor.give_up(&rows, run.time, &run.state);
        monitor.finish(run.counts)
    }
}

/// A batch under way.
struct Run<T: Real> {
    criteria: Criteria,
    time: f64,
    step: f64,
    state: Matrix<T>,
    /// Drive at `state`.
    drive: Matrix<T>,
    stage: Matrix<T>,
    drive_a: Matrix<T>,
    drive_b: Matrix<T>,
    drive_c: Matrix<T>,
    next: Matrix<T>,
    drive_next: Matrix<T>,
    scratch: Scratch<T>,
    /// Relative tolerance of every row; infinite once its outcome is known.
    rtols: Vec<f64>,
    /// Per row: `‖v‖∞`, the error estimate, and a column group's share of it.
    sizes: Vec<T>,
    errors: Vec<T>,
    moves: Vec<T>,
    /// Slopes of the activation devices before and after the step, where kinks are watched.
    slopes: Option<Box<[Matrix<T>; 2]>>,
    counts: Counts,
}

impl<T: Real> Run<T> {
    fn new(circuit: &dyn Circuit<T>, criteria: Criteria, state: Matrix<T>) -> Self {
        let (batch, width) = state.shape();
        let blank = || Matrix::zeros(batch, width);
        Self {
            criteria,
            time: 0.0,
            step: 0.05 * circuit.slowest(),
            state,
            drive: blank(),
            stage: blank(),
            drive_a: blank(),
            drive_b: blank(),
            drive_c: blank(),
            next: blank(),
            drive_next: blank(),
            scratch: Scratch::new(circuit.layout(), batch),
            rtols: vec![criteria.rtol; batch],
            sizes: vec![T::ZERO; batch],
            errors: vec![T::ZERO; batch],
            moves: vec![T::ZERO; batch],
            slopes: None,
            counts: Counts::default(),
        }
    }

    fn evaluate_start(&mut self, circuit: &dyn Circuit<T>) {
        circuit.drive(&self.state, &mut self.drive, &mut self.scratch);
        self.counts.rhs_evals += 1;
    }

    /// Notes which rows still need their accuracy: of a runaway only the fate is asked.
    fn attend(&mut self, monitor: &Monitor<T>, rows: &[usize]) {
        for (rtol, &i) in self.rtols.iter_mut().zip(rows) {
            *rtol = match (monitor.is_open(i), monitor.is_leaving(i)) {
                (false, _) => f64::INFINITY,
                (true, true) => self.criteria.rtol.max(RUNAWAY_RTOL),
                (true, false) => self.criteria.rtol,
            };
        }
    }

    /// Advances by one accepted step; `residual` (V) is the worst of the open samples.
    fn step(&mut self, circuit: &dyn Circuit<T>, residual: f64) {
        let shortest = 1e-12 * circuit.slowest();
        loop {
            let end = self.criteria.stop(self.time);
            let last = self.step >= end - self.time;
            self.step = if last { end - self.time } else { self.step };
            self.attempt(circuit);
            let error = self.error(circuit, residual);
            let accepted = error <= 1.0 || self.step <= shortest;
            let factor = if error.is_finite() { SAFETY * error.max(1e-12).powf(-0.25) } else { SHRINK };
            let taken = self.step;
            self.step = (taken * factor.clamp(SHRINK, GROW)).max(shortest);
            if accepted {
                self.time = if last { end } else { self.time + taken };
                std::mem::swap(&mut self.state, &mut self.next);
                std::mem::swap(&mut self.drive, &mut self.drive_next);
                self.counts.steps += 1;
                return;
            }
            self.counts.rejected += 1;
        }
    }

    /// Four stages and the drive at the new state.
    fn attempt(&mut self, circuit: &dyn Circuit<T>) {
        let h = self.step;
        let rates = circuit.rates();
        let Self { state, drive, stage, drive_a, drive_b, drive_c, next, drive_next, scratch, .. } = self;
        // a: half a step with the drive held.
        combine(rates, h / 2.0, |p| [p[0], p[1], 0.0, 0.0, 0.0], state, [drive; 4], stage);
        circuit.drive(stage, drive_a, scratch);
        // b: half a step with the drive's slope from a.
        combine(
            rates,
            h / 2.0,
            |p| [p[0], p[1] - 2.0 * p[2], 2.0 * p[2], 0.0, 0.0],
            state,
            [drive, drive_a, drive, drive],
            stage,
        );
        circuit.drive(stage, drive_b, scratch);
        // c: a whole step with the slope from b.
        combine(
            rates,
            h,
            |p| [p[0], p[1] - 2.0 * p[2], 2.0 * p[2], 0.0, 0.0],
            state,
            [drive, drive_b, drive, drive],
            stage,
        );
        circuit.drive(stage, drive_c, scratch);
        let weights = |p: [f64; 4]| {
            let middle = 2.0 * p[2] - 4.0 * p[3];
            [p[0], p[1] - 3.0 * p[2] + 4.0 * p[3], middle, middle, 4.0 * p[3] - p[2]]
        };
        combine(rates, h, weights, state, [drive, drive_a, drive_b, drive_c], next);
        if let Some((low, high)) = circuit.supply() {
            clip(next.as_mut_slice(), low, high);
        }
        circuit.drive(next, drive_next, scratch);
        self.counts.rhs_evals += 4;
    }

    /// Largest error of the open samples in units of the tolerance; above 1 the step is refused.
    ///
    /// A sample's tolerance is `atol + rtol ‖v‖∞`, and less when it is nearly at rest.
    fn error(&mut self, circuit: &dyn Circuit<T>, residual: f64) -> f64 {
        let atol = self.criteria.atol;
        let batch = self.next.nrows();
        self.sizes.fill(T::ZERO);
        self.errors.fill(T::ZERO);
        max_abs_rows(self.next.as_slice(), &mut self.sizes);
        for (columns, rate) in equal_rates(circuit.rates()) {
            let z = -rate.to_f64() * self.step;
            let p = phi(z);
            let weight = T::of(-z * (4.0 * p[3] - p[2]));
            let range = columns.start * batch..columns.end * batch;
            self.moves.fill(T::ZERO);
            let (one, other) = (&self.drive_c.as_slice()[range.clone()], &self.drive_next.as_slice()[range]);
            max_distance_rows(one, other, &mut self.moves);
            for (error, &moved) in self.errors.iter_mut().zip(&self.moves) {
                let here = weight * moved;
                *error = if *error >= here || error.to_f64().is_nan() { *error } else { here };
            }
        }
        self.watch_kinks(circuit);
        let mut worst = 0.0;
        let open = |row: &(_, &f64)| row.1.is_finite();
        for ((error, size), rtol) in self.errors.iter().zip(&self.sizes).zip(&self.rtols).filter(open) {
            let (error, size) = (error.to_f64(), size.to_f64());
            let rounding = 8.0 * T::EPSILON.to_f64() * size;
            let tolerance = (atol + rtol * size).min(APPROACH * residual).max(1e-3 * atol + rounding);
            let share = error / tolerance;
            worst = if share > worst || share.is_nan() { share } else { worst };
        }
        worst
    }

    /// Raises the error of rows in which a device passed its kink during the step, if kinks are watched.
    ///
    /// The last two stages both lie behind the kink and do not see it. A drive whose slope jumps by `j` at a
    /// fraction `θ` of the step makes the quadrature err by `h² j |θ − 3θ²|/6` (`θ ≤ ½`; mirrored beyond),
    /// which `h/6` times the second difference of the drive, `h j θ`, bounds.
    fn watch_kinks(&mut self, circuit: &dyn Circuit<T>) {
        let Some(slopes) = &mut self.slopes else { return };
        let (batch, width) = self.next.shape();
        if slopes[0].shape() != (batch, width) {
            **slopes = std::array::from_fn(|_| Matrix::zeros(batch, width));
        }
        circuit.slopes(&self.state, &mut slopes[0]);
        circuit.slopes(&self.next, &mut slopes[1]);
        for i in (0..batch).filter(|&i| slopes[0].row(i) != slopes[1].row(i)) {
            for (j, rate) in circuit.rates().iter().enumerate() {
                let middle = self.drive_a[(i, j)] + self.drive_b[(i, j)];
                let second = (self.drive[(i, j)] - middle + self.drive_next[(i, j)]).abs();
                let here = T::of(rate.to_f64() * self.step / 6.0) * second;
                self.errors[i] = if here > self.errors[i] { here } else { self.errors[i] };
            }
        }
    }

    /// Keeps only some rows.
    fn keep(&mut self, circuit: &dyn Circuit<T>, rows: &[usize]) {
        for matrix in [
            &mut self.state,
            &mut self.drive,
            &mut self.stage,
            &mut self.drive_a,
            &mut self.drive_b,
            &mut self.drive_c,
            &mut self.next,
            &mut self.drive_next,
        ] {
            *matrix = matrix.select_rows(rows);
        }
        self.scratch = Scratch::new(circuit.layout(), rows.len());
        self.rtols.truncate(rows.len());
        for buffer in [&mut self.sizes, &mut self.errors, &mut self.moves] {
            buffer.truncate(rows.len());
        }
    }
}

/// `out = c₀ v + h/τ · Σ cᵢ uᵢ` with coefficients from the `φ` functions of `−h/τ`, column by column.
fn combine<T: Real>(
    rates: &[T],
    h: f64,
    coefficients: impl Fn([f64; 4]) -> [f64; 5],
    state: &Matrix<T>,
    drives: [&Matrix<T>; 4],
    out: &mut Matrix<T>,
) {
    let batch = state.nrows();
    for (columns, rate) in equal_rates(rates) {
        let x = rate.to_f64() * h;
        let c = coefficients(phi(-x));
        let c = [T::of(c[0]), T::of(x * c[1]), T::of(x * c[2]), T::of(x * c[3]), T::of(x * c[4])];
        let range = columns.start * batch..columns.end * batch;
        let slices = drives.map(|m| &m.as_slice()[range.clone()]);
        weigh(c, &state.as_slice()[range.clone()], slices, &mut out.as_mut_slice()[range]);
    }
}

/// Runs of columns with equal rates, which share their coefficients; on an ideal chip there is one.
fn equal_rates<T: Real>(rates: &[T]) -> impl Iterator<Item = (Range<usize>, T)> + '_ {
    let mut from = 0;
    rates.chunk_by(|a, b| a == b).map(move |run| {
        let start = from;
        from += run.len();
        (start..from, run[0])
    })
}

/// See [`weigh`].
struct Weigh<'a, T> {
    coefficients: [T; 5],
    state: &'a [T],
    drives: [&'a [T]; 4],
    out: &'a mut [T],
}

impl<T: Real> Kernel for Weigh<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (n, c) = (self.out.len(), self.coefficients);
        let (v, a, b) = (&self.state[..n], &self.drives[0][..n], &self.drives[1][..n]);
        let (d, e) = (&self.drives[2][..n], &self.drives[3][..n]);
        let two = |i: usize| {
            let one = multiply_add::<T, FUSED>(c[1], a[i], c[0] * v[i]);
            multiply_add::<T, FUSED>(c[2], b[i], one)
        };
        if c[3] == T::ZERO && c[4] == T::ZERO {
            for i in 0..n {
                self.out[i] = two(i);
            }
            return;
        }
        for i in 0..n {
            let three = multiply_add::<T, FUSED>(c[3], d[i], two(i));
            self.out[i] = multiply_add::<T, FUSED>(c[4], e[i], three);
        }
    }
}

/// `out = c₀ v + c₁ u₁ + … + c₄ u₄`.
fn weigh<T: Real>(coefficients: [T; 5], state: &[T], drives: [&[T]; 4], out: &mut [T]) {
    run(Weigh { coefficients, state, drives, out });
}
