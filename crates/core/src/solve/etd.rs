//! Exponential time differencing: exact in every compartment's leak, so that only synapses limit the step.
//!
//! Krogstad's fourth-order ETDRK4-B (J. Comput. Phys. 203, 72 (2005)) on `dv/dt = (u(v) − v)/τ`. Its fixed
//! points are those of the circuit whatever the step. The last stage of a step is the first of the next, and
//! replacing the fourth stage by it gives a third-order solution: their distance is an error estimate. It
//! sees the coupling of compartments; where a drive comes from compartments whose own drives stand still, the
//! stages are exact and it sees nothing (`DPᵀ` with one hidden layer). What a parabola through the drive's
//! three points of the step leaves out then is the whole error, and is estimated with a fourth point, the
//! middle of the step before.
//!
//! A kink that a device passes within a step costs half the order, which the estimate does not see. The
//! equilibrium does not mind, so kinks, rails and slew limits are watched, at the price of short steps, only
//! when a trajectory is asked for.
//!
//! # Requires
//!
//! Continuous time without noise: a circuit with a `[clock]` or with noise that moves it is refused at the
//! door. Step and residual follow `rtol` and `atol`.

use super::confirm::{Look, confirmed};
use super::criteria::Criteria;
use super::linear_combination::{equal_rates, linear_combination};
use super::outcome::Settled;
use super::phi::{cubic, phi};
use super::relax::{Batch, Part, Stepper, relax};
use super::{Dynamics, Universal};
use crate::matrix::elementwise::{clip, max_distance_rows, max_rows_of};
use crate::matrix::{Matrix, Real, select_rows};
use crate::spec::SolverSpec;

/// First step (τ).
const FIRST: f64 = 0.05;
/// Most growth of a step.
const GROW: f64 = 4.0;

/// The exponential integrator with its tolerances.
#[derive(Clone, Debug)]
pub(super) struct Etd {
    spec: SolverSpec,
}

impl Etd {
    pub(super) fn new(spec: &SolverSpec) -> Self {
        Self { spec: spec.clone() }
    }
}

impl<T: Real> Universal<T> for Etd {
    fn settle_any(&self, circuit: &dyn Dynamics<T>, start: Option<Matrix<T>>, traced: bool) -> Settled<T> {
        settle_by(Criteria::new(&self.spec, circuit.slowest()), circuit, start, traced)
    }
}

/// Settles a batch by criteria of the caller's own.
pub(super) fn settle_by<T: Real>(
    criteria: Criteria,
    circuit: &dyn Dynamics<T>,
    start: Option<Matrix<T>>,
    traced: bool,
) -> Settled<T> {
    let first = look(criteria, circuit, start.clone(), traced);
    confirmed(first, criteria, (circuit, start.as_ref()), traced, &look)
}

/// Relaxes a batch once.
pub(super) fn look<T: Real>(
    criteria: Criteria,
    circuit: &dyn Dynamics<T>,
    start: Option<Matrix<T>>,
    traced: bool,
) -> Look<T> {
    let mut run = EtdRun::new(circuit, criteria, start);
    if traced && circuit.is_kinked() {
        run.slopes = Some(Box::new(std::array::from_fn(|_| Matrix::zeros(0, 0))));
    }
    relax(&mut Relaxation { part: Part::whole(circuit), run }, traced)
}

/// A batch under way, and its circuits.
struct Relaxation<'a, T: Real> {
    part: Part<'a, dyn Dynamics<T> + 'a>,
    run: EtdRun<T>,
}

impl<T: Real> Stepper<T> for Relaxation<'_, T> {
    fn batch(&self) -> &Batch<T> {
        &self.run.batch
    }

    fn batch_mut(&mut self) -> &mut Batch<T> {
        &mut self.run.batch
    }

    fn circuit(&self) -> &dyn Dynamics<T> {
        self.part.get()
    }

    fn step(&mut self, residual: f64) {
        self.run.step(self.part.get(), residual);
    }

    fn keep(&mut self, rows: &[usize], samples: &[usize]) {
        self.run.keep(self.part.whole, rows);
        self.part.smaller = Some(self.part.whole.subset(samples));
    }
}

/// A batch under way.
struct EtdRun<T: Real> {
    batch: Batch<T>,
    stage: Matrix<T>,
    drive_a: Matrix<T>,
    drive_b: Matrix<T>,
    drive_c: Matrix<T>,
    next: Matrix<T>,
    drive_next: Matrix<T>,
    /// Drive in the middle of the step before, and how long before the end of that step (s), if there was
    /// one.
    before: (Matrix<T>, Option<f64>),
    /// Slopes of the activation devices before and after the step, where kinks are watched.
    slopes: Option<Box<[Matrix<T>; 2]>>,
}

impl<T: Real> EtdRun<T> {
    fn step(&mut self, circuit: &dyn Dynamics<T>, residual: f64) {
        loop {
            let end = self.batch.aim();
            let half = 0.5 * self.batch.step;
            self.attempt(circuit);
            let error = self.error(circuit, residual);
            if self.batch.judge(circuit, error, 0.25, GROW) {
                std::mem::swap(&mut self.before.0, &mut self.drive_b);
                self.before.1 = Some(half);
                self.batch.advance(end, &mut self.next, &mut self.drive_next);
                return;
            }
        }
    }

    fn keep(&mut self, circuit: &dyn Dynamics<T>, rows: &[usize]) {
        self.batch.keep(circuit, rows);
        for matrix in [
            &mut self.stage,
            &mut self.drive_a,
            &mut self.drive_b,
            &mut self.drive_c,
            &mut self.next,
            &mut self.drive_next,
            &mut self.before.0,
        ] {
            *matrix = select_rows(matrix, rows);
        }
    }

    fn new(circuit: &dyn Dynamics<T>, criteria: Criteria, start: Option<Matrix<T>>) -> Self {
        let blank = || Matrix::zeros(circuit.samples(), circuit.width());
        Self {
            batch: Batch::new(circuit, criteria, start, FIRST),
            stage: blank(),
            drive_a: blank(),
            drive_b: blank(),
            drive_c: blank(),
            next: blank(),
            drive_next: blank(),
            before: (blank(), None),
            slopes: None,
        }
    }

    /// Four stages and the drive at the new state.
    fn attempt(&mut self, circuit: &dyn Dynamics<T>) {
        let rates = circuit.rates();
        let Self { batch, stage, drive_a, drive_b, drive_c, next, drive_next, .. } = self;
        let Batch { step: h, ref state, ref drive, ref mut scratch, .. } = *batch;
        // a: half a step with the drive held.
        combine(rates, h / 2.0, |p| [p[0], p[1], 0.0, 0.0, 0.0], state, [drive; 4], stage);
        circuit.limited_drive(stage, drive_a, scratch);
        // b: half a step with the drive's slope from a.
        combine(
            rates,
            h / 2.0,
            |p| [p[0], p[1] - 2.0 * p[2], 2.0 * p[2], 0.0, 0.0],
            state,
            [drive, drive_a, drive, drive],
            stage,
        );
        circuit.limited_drive(stage, drive_b, scratch);
        // c: a whole step with the slope from b.
        combine(
            rates,
            h,
            |p| [p[0], p[1] - 2.0 * p[2], 2.0 * p[2], 0.0, 0.0],
            state,
            [drive, drive_b, drive, drive],
            stage,
        );
        circuit.limited_drive(stage, drive_c, scratch);
        let weights = |p: [f64; 4]| {
            let middle = 2.0 * p[2] - 4.0 * p[3];
            [p[0], p[1] - 3.0 * p[2] + 4.0 * p[3], middle, middle, 4.0 * p[3] - p[2]]
        };
        combine(rates, h, weights, state, [drive, drive_a, drive_b, drive_c], next);
        if let Some((low, high)) = circuit.supply() {
            clip(next.as_mut_slice(), low, high);
        }
        circuit.limited_drive(next, drive_next, scratch);
        batch.counts.rhs_evals += 4;
    }

    /// Largest error of the open samples in units of the tolerance; above 1 the step is refused.
    fn error(&mut self, circuit: &dyn Dynamics<T>, residual: f64) -> f64 {
        let rows = self.next.nrows();
        self.batch.tolerances.start(&self.next);
        for (columns, rate) in equal_rates(circuit.rates()) {
            let z = -rate.to_f64() * self.batch.step;
            let p = phi(z);
            let weight = T::of(-z * (4.0 * p[3] - p[2]));
            let range = columns.start * rows..columns.end * rows;
            let (one, other) = (&self.drive_c.as_slice()[range.clone()], &self.drive_next.as_slice()[range]);
            self.batch.tolerances.raise(weight, one, other);
        }
        self.watch_curvature(circuit);
        self.watch_kinks(circuit);
        self.batch.tolerances.worst(&self.batch.criteria, residual)
    }

    /// Raises errors to what the drive's third divided difference over the middle of the last step and the
    /// beginning, middle and end of this one makes of them. In the first step a third derivative is taken to
    /// be the second times the fastest rate.
    fn watch_curvature(&mut self, circuit: &dyn Dynamics<T>) {
        let Self { batch, drive_b, drive_next, before, .. } = self;
        let (h, rows) = (batch.step, drive_next.nrows());
        let fastest = circuit.rates().iter().fold(0.0, |most: f64, rate| most.max(rate.to_f64()));
        for (columns, rate) in equal_rates(circuit.rates()) {
            let x = rate.to_f64() * h;
            let weight = x * cubic(-x);
            let w = third_difference(h, before.1, fastest).map(|c| T::of(weight * c));
            let range = columns.start * rows..columns.end * rows;
            let drives = [&before.0, &batch.drive, drive_b, drive_next].map(|m| &m.as_slice()[range.clone()]);
            batch.tolerances.raise_sum(w, drives);
        }
    }

    /// Raises the error of rows in which a device passed its kink during the step, if kinks are watched.
    ///
    /// The last two stages both lie behind the kink and do not see it. A drive whose slope jumps by `j` at a
    /// fraction `θ` of the step makes the quadrature err by `h² j |θ − 3θ²|/6` (`θ ≤ ½`; mirrored beyond),
    /// which `h/6` times the second difference of the drive, `h j θ`, bounds.
    fn watch_kinks(&mut self, circuit: &dyn Dynamics<T>) {
        let Some(slopes) = &mut self.slopes else { return };
        let (batch, width) = self.next.shape();
        if slopes[0].shape() != (batch, width) {
            **slopes = std::array::from_fn(|_| Matrix::zeros(batch, width));
        }
        circuit.regime(&self.batch.state, &self.batch.drive, &mut slopes[0]);
        circuit.regime(&self.next, &self.drive_next, &mut slopes[1]);
        let [before, after] = slopes.each_ref();
        let (mut passed, mut errors) = (vec![T::ZERO; batch], vec![T::ZERO; batch]);
        max_distance_rows(before.as_slice(), after.as_slice(), &mut passed);
        for (range, rate) in equal_rates(circuit.rates()) {
            let weight = T::of(rate.to_f64() * self.batch.step / 6.0);
            let drives = [&self.batch.drive, &self.drive_a, &self.drive_b, &self.drive_next];
            let drives = drives.map(|drive| &drive.as_slice()[range.start * batch..range.end * batch]);
            max_rows_of(drives, [&mut errors], |[start, a, b, end]| [weight * (start - (a + b) + end)]);
        }
        for (row, (&error, passed)) in errors.iter().zip(passed).enumerate() {
            if passed != T::ZERO {
                self.batch.tolerances.raise_row(row, error);
            }
        }
    }
}

/// Weights of the drive at `−m`, 0, `h/2` and `h` whose sum is `h³` times its third divided difference;
/// without a point at `−m`, of the second one times `fastest/3`.
fn third_difference(h: f64, before: Option<f64>, fastest: f64) -> [f64; 4] {
    let Some(m) = before else {
        let share = 2.0 * h * fastest / 3.0;
        return [0.0, share, -2.0 * share, share];
    };
    let m = m / h;
    let nodes = [-m, 0.0, 0.5, 1.0];
    nodes.map(|node| nodes.iter().filter(|other| **other != node).map(|other| 1.0 / (node - other)).product())
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
        linear_combination(c, &state.as_slice()[range.clone()], slices, &mut out.as_mut_slice()[range]);
    }
}
