//! One step of a noisy batch, scheme by scheme.

use super::super::linear_combination::{equal_rates, linear_combination};
use super::super::phi::phi;
use super::super::{Counts, Dynamics};
use super::noise::Noise;
use crate::circuit::Scratch;
use crate::matrix::elementwise::clip;
use crate::matrix::{Matrix, Real, select_rows};
use crate::noise::Memory;
use crate::spec::{SolverKind, SolverSpec};

/// A batch under way.
pub(super) struct FixedStep<T: Real> {
    kind: SolverKind,
    /// Length of a part of a step (s): what is integrated at once.
    pub part: f64,
    /// Parts of a step.
    pub parts: u64,
    /// Parts done since time 0.
    pub done: u64,
    pub state: Matrix<T>,
    /// Drive at `state`, if `evaluated`.
    pub drive: Matrix<T>,
    evaluated: bool,
    stage: Matrix<T>,
    drive_stage: Matrix<T>,
    next: Matrix<T>,
    /// What noise there is; `None` draws no number.
    noise: Option<Noise<T>>,
    scratch: Scratch<T>,
    pub counts: Counts,
}

impl<T: Real> FixedStep<T> {
    /// A batch at time 0 in `state` (V).
    pub fn new(spec: &SolverSpec, circuit: &dyn Dynamics<T>, state: Matrix<T>) -> Self {
        let (kind, part, parts) = scheme(spec, circuit);
        let (batch, width) = state.shape();
        let blank = || Matrix::zeros(batch, width);
        let noise = Noise::of(circuit, &state, part, kind != SolverKind::Heun);
        Self {
            kind,
            part,
            parts,
            done: 0,
            drive: blank(),
            evaluated: false,
            stage: blank(),
            drive_stage: blank(),
            next: blank(),
            noise,
            scratch: circuit.scratch(batch),
            counts: Counts::default(),
            state,
        }
    }

    /// The noise goes on from where it was.
    pub fn go_on(&mut self, from: &Memory<T>) {
        if let Some(noise) = &mut self.noise {
            noise.path_mut().go_on(from);
        }
    }

    /// Writes down where the slow noise of a row is.
    pub fn remember(&self, row: usize, memory: &mut Memory<T>, sample: usize) {
        if let Some(noise) = &self.noise {
            noise.path().remember(row, memory, sample);
        }
    }

    /// Returns whether no noise acts on the batch.
    pub fn is_noiseless(&self) -> bool {
        self.noise.is_none()
    }

    /// Removes the noise of the batch.
    pub fn without_noise(self) -> Self {
        Self { noise: None, ..self }
    }

    /// Time reached (s).
    pub fn time(&self) -> f64 {
        self.done as f64 * self.part
    }

    /// Length of a step (s).
    pub fn step(&self) -> f64 {
        self.part * self.parts as f64
    }

    /// Advances clock and noise by `steps` steps; the state stays.
    pub fn skip_to(&mut self, steps: u64) {
        self.done = steps * self.parts;
        if let Some(noise) = &mut self.noise {
            noise.path_mut().skip_to(self.done);
        }
    }

    /// Evaluates the drive at the state, if that has not been done.
    pub fn evaluate_drive(&mut self, circuit: &dyn Dynamics<T>) {
        if !self.evaluated {
            circuit.limited_drive(&self.state, &mut self.drive, &mut self.scratch);
            self.counts.rhs_evals += 1;
            self.evaluated = true;
        }
    }

    /// Takes one step.
    pub fn advance(&mut self, circuit: &dyn Dynamics<T>) {
        for _ in 0..self.parts {
            self.advance_part(circuit);
        }
    }

    /// Takes one part of a step.
    pub fn advance_part(&mut self, circuit: &dyn Dynamics<T>) {
        // State-dependent noise needs the means that the drive has left behind.
        self.evaluated &= self.noise.as_ref().is_none_or(|noise| !noise.needs_scratch());
        self.evaluate_drive(circuit);
        if let Some(noise) = &mut self.noise {
            noise.at_start(circuit, &self.state, &mut self.scratch);
        }
        self.stage(circuit.rates());
        if self.kind == SolverKind::ExponentialEm {
            std::mem::swap(&mut self.next, &mut self.stage);
        } else {
            circuit.limited_drive(&self.stage, &mut self.drive_stage, &mut self.scratch);
            self.counts.rhs_evals += 1;
            if let Some(noise) = &mut self.noise {
                noise.at_end(circuit, &self.stage, &mut self.scratch);
            }
            self.correct(circuit.rates());
        }
        if let Some((low, high)) = circuit.supply() {
            clip(self.next.as_mut_slice(), low, high);
        }
        std::mem::swap(&mut self.state, &mut self.next);
        self.evaluated = false;
        self.done += 1;
        self.counts.steps += 1;
    }

    /// The end of the step with the drive held.
    fn stage(&mut self, rates: &[T]) {
        let kind = self.kind;
        let noisy = if self.noise.is_some() { T::ONE } else { T::ZERO };
        let Self { state, drive, stage, noise, .. } = self;
        let increment = noise.as_ref().map_or(&*drive, |noise| noise.increment());
        combine(rates, self.part, state, [drive, increment, increment, increment], stage, |x| {
            let (left, moved) = if kind == SolverKind::Heun { (1.0 - x, x) } else { decay(x) };
            [T::of(left), T::of(moved), noisy, T::ZERO, T::ZERO]
        });
    }

    /// The end of the step with the drives at both of its ends.
    fn correct(&mut self, rates: &[T]) {
        let noisy = if self.noise.is_some() { T::ONE } else { T::ZERO };
        let Self { state, drive, stage, drive_stage, next, noise, .. } = self;
        let increment = noise.as_ref().map_or(&*drive, |noise| noise.increment());
        if self.kind == SolverKind::Heun {
            combine(rates, self.part, state, [drive, drive_stage, stage, increment], next, |x| {
                let half = T::of(0.5 * x);
                [T::of(1.0 - 0.5 * x), half, half, -half, noisy]
            });
        } else {
            combine(rates, self.part, state, [drive, drive_stage, increment, increment], next, |x| {
                let (left, moved) = decay(x);
                let rise = x * phi(-x)[2];
                [T::of(left), T::of(moved - rise), T::of(rise), noisy, T::ZERO]
            });
        }
    }

    /// Keeps some of the samples.
    pub fn keep(&mut self, rows: &[usize]) {
        let all = [&mut self.state, &mut self.drive, &mut self.stage, &mut self.drive_stage, &mut self.next];
        all.into_iter().for_each(|matrix| *matrix = select_rows(matrix, rows));
        self.scratch = self.scratch.subset(rows);
        if let Some(noise) = &mut self.noise {
            noise.keep(rows);
        }
    }
}

/// How a circuit is stepped, the length of a part of a step (s), and the parts of a step.
///
/// A clocked circuit holds its drive over every period: the exponential Euler step of that length is no
/// approximation.
fn scheme<T: Real>(spec: &SolverSpec, circuit: &dyn Dynamics<T>) -> (SolverKind, f64, u64) {
    if let Some(frequency) = circuit.clock() {
        return (SolverKind::ExponentialEm, 1.0 / frequency, 1);
    }
    let kind = if spec.kind.is_stochastic() { spec.kind } else { SolverKind::ExponentialHeun };
    let fastest = circuit.rates().iter().fold(0.0, |most: f64, rate| most.max(rate.to_f64()));
    let (step, parts) = (spec.step * circuit.slowest(), parts(kind, circuit.slowest() * fastest));
    (kind, step / parts as f64, parts)
}

/// Parts of a step whose slowest time constant is `ratio` times the fastest.
///
/// What a fast compartment hears of the drive, and others of its noise, is right to second order in the step
/// over *its* time constant (`exponential-em`: first order), so that this is kept as short as `solver.step`
/// says, or twice that where the error falls with the square. Within a factor of two a step is one part.
pub(super) fn parts(kind: SolverKind, ratio: f64) -> u64 {
    let each = if kind == SolverKind::ExponentialHeun { 2.0 } else { 1.0 };
    if ratio > 2.0 { (ratio / each).ceil() as u64 } else { 1 }
}

/// `e^{−x}` and `1 − e^{−x}`.
fn decay(x: f64) -> (f64, f64) {
    ((-x).exp(), -(-x).exp_m1())
}

/// `out = c₀ v + Σ cᵢ uᵢ`, with coefficients that depend on `h/τ`.
fn combine<T: Real>(
    rates: &[T],
    h: f64,
    state: &Matrix<T>,
    drives: [&Matrix<T>; 4],
    out: &mut Matrix<T>,
    coefficients: impl Fn(f64) -> [T; 5],
) {
    let batch = state.nrows();
    for (columns, rate) in equal_rates(rates) {
        let range = columns.start * batch..columns.end * batch;
        let slices = drives.map(|m| &m.as_slice()[range.clone()]);
        let out = &mut out.as_mut_slice()[range.clone()];
        linear_combination(coefficients(rate.to_f64() * h), &state.as_slice()[range], slices, out);
    }
}
