//! Exponential Adams–Moulton: exact in every compartment's leak, one right-hand side per step.
//!
//! The drive is interpolated through the last three steps in the functions of [`super::gamma`]. Extrapolating it predicts
//! the state; the correction also goes through the new drive. That drive is taken from the top layer down, each
//! layer corrected before the one below hears its difference: where differences do not move the means (`DPᵀ`), one such
//! sweep solves the implicit step. What it leaves open under DP, the movement of means by the correction, counts as error.
//! A drive from a sweep is not quite that of the corrected state, so nobody is called settled before it was evaluated there.
//!
//! Nørsett, Lecture Notes in Math. 109, 214 (1969); Hochbruck & Ostermann, Acta Numerica 19, 209 (2010), §2.5; error estimate
//! and order of a start: Shampine & Gordon, Computer Solution of Ordinary Differential Equations (1975).

use std::ops::Range;

use super::criteria::Criteria;
use super::gamma::{Basis, POINTS, Weights};
use super::outcome::Settled;
use super::relax::{Batch, Stepper, relax};
use super::weigh::{equal_rates, weigh, weigh_twice};
use super::{Circuit, Solver};
use crate::matrix::elementwise::{clip, max_distance_rows};
use crate::matrix::{Matrix, Real, select_rows};
use crate::spec::SolverSpec;

/// First step (τ): of first order.
const FIRST: f64 = 0.01;
/// Most growth of a step.
const GROW: f64 = 2.0;
/// Longest step (τ) of a relaxation whose trajectory is kept: a trace shows what happens within.
const TRACED: f64 = 4.0;
/// A drive is forgotten after so many slowest time constants, when its weight is below rounding.
const MEMORY: f64 = 30.0;
/// Steps refused in turn after which the past is forgotten: it does not foretell.
const PATIENCE: u32 = 2;
/// Roundings of the largest potential by which a mean may move and still count as unmoved.
const UNMOVED: f64 = 4.0;

/// The multistep integrator.
#[derive(Clone, Debug)]
pub(super) struct Eam {
    spec: SolverSpec,
}

impl Eam {
    pub(super) fn new(spec: &SolverSpec) -> Self {
        Self { spec: spec.clone() }
    }
}

impl<T: Real> Solver<T> for Eam {
    fn settle(&self, circuit: &dyn Circuit<T>, start: Matrix<T>, traced: bool) -> Settled<T> {
        let criteria = Criteria::new(&self.spec, circuit.slowest());
        let mut run = Run::new(circuit, criteria, start);
        run.longest = if traced { TRACED * circuit.slowest() } else { f64::INFINITY };
        relax(circuit, &mut run, traced)
    }
}

/// Columns of one layer with equal rates.
struct Piece {
    columns: Range<usize>,
    /// Rate over the slowest.
    ratio: f64,
}

/// A batch under way.
struct Run<T: Real> {
    batch: Batch<T>,
    /// Drives of earlier steps with their times (s), the latest first.
    past: Vec<(f64, Matrix<T>)>,
    predicted: Matrix<T>,
    /// What of the corrected state is known before its drive.
    base: Matrix<T>,
    next: Matrix<T>,
    drive_next: Matrix<T>,
    /// Means of the hidden layers as predicted; potentials of the output layer before its last correction.
    heard: Vec<Matrix<T>>,
    /// How far the means moved after they were heard (V), per row.
    drifts: Vec<T>,
    /// Columns of each layer, and their weights in this step.
    pieces: Vec<Vec<(Piece, Weights)>>,
    refused: u32,
    /// Longest step (s).
    longest: f64,
}

impl<T: Real> Stepper<T> for Run<T> {
    fn batch(&mut self) -> &mut Batch<T> {
        &mut self.batch
    }

    fn step(&mut self, circuit: &dyn Circuit<T>, residual: f64) {
        loop {
            self.batch.step = self.batch.step.min(self.longest);
            let end = self.batch.aim();
            let order = self.weigh_past(circuit);
            self.predict_and_correct(circuit);
            let error = self.error(residual);
            if self.batch.judge(circuit, error, 1.0 / (order + 1) as f64, GROW) {
                self.refused = 0;
                self.accept(circuit, end);
                return;
            }
            self.refused += 1;
            if self.refused >= PATIENCE {
                self.past.clear();
            }
        }
    }

    fn keep(&mut self, circuit: &dyn Circuit<T>, rows: &[usize]) {
        self.batch.keep(circuit, rows);
        let own = [&mut self.predicted, &mut self.base, &mut self.next, &mut self.drive_next];
        let past = self.past.iter_mut().map(|(_, drive)| drive);
        for matrix in own.into_iter().chain(past).chain(&mut self.heard) {
            *matrix = select_rows(matrix, rows);
        }
        self.drifts.truncate(rows.len());
    }
}

impl<T: Real> Run<T> {
    fn new(circuit: &dyn Circuit<T>, criteria: Criteria, state: Matrix<T>) -> Self {
        let (batch, width) = state.shape();
        let blank = || Matrix::zeros(batch, width);
        let layout = circuit.layout();
        let depth = layout.depth();
        let nothing = Basis::new(1.0, &[0.0]).weights(1.0);
        let pieces = |layer| {
            let range: Range<usize> = layout.layer(layer);
            equal_rates(&circuit.rates()[range.clone()])
                .map(|(columns, rate)| {
                    let columns = range.start + columns.start..range.start + columns.end;
                    // The slowest rate itself may round to just below 1.
                    let ratio = (rate.to_f64() * circuit.slowest()).max(1.0);
                    (Piece { columns, ratio }, nothing)
                })
                .collect()
        };
        let heard = |layer| {
            let columns = if layer + 1 < depth { layout.neurons(layer) } else { 2 * layout.outputs() };
            Matrix::zeros(batch, columns)
        };
        Self {
            batch: Batch::new(circuit, criteria, state, FIRST),
            past: Vec::with_capacity(POINTS),
            predicted: blank(),
            base: blank(),
            next: blank(),
            drive_next: blank(),
            heard: (0..depth).map(heard).collect(),
            drifts: vec![T::ZERO; batch],
            pieces: (0..depth).map(pieces).collect(),
            refused: 0,
            longest: f64::INFINITY,
        }
    }

    /// Computes the weights of the step; returns how many drives it rests upon.
    fn weigh_past(&mut self, circuit: &dyn Circuit<T>) -> usize {
        let tau = circuit.slowest();
        let now = self.batch.time;
        self.past.retain(|(time, _)| now - time < MEMORY * tau);
        let mut behind = [0.0; POINTS];
        for (x, (time, _)) in behind[1..].iter_mut().zip(&self.past) {
            *x = (time - now) / tau;
        }
        let points = self.past.len() + 1;
        let basis = Basis::new(self.batch.step / tau, &behind[..points]);
        let mut last: Option<(f64, Weights)> = None;
        for (piece, weights) in self.pieces.iter_mut().flatten() {
            let known = last.filter(|(ratio, _)| *ratio == piece.ratio);
            *weights = known.map_or_else(|| basis.weights(piece.ratio), |(_, weights)| weights);
            last = Some((piece.ratio, *weights));
        }
        points
    }

    /// The state of a layer with the drive extrapolated, and what of the corrected state is known already.
    fn predict(&mut self, circuit: &dyn Circuit<T>, layer: usize) {
        let rows = self.next.nrows();
        let Self { batch, past, predicted, base, pieces, .. } = self;
        let drives: [&Matrix<T>; POINTS] = std::array::from_fn(|i| {
            i.checked_sub(1).and_then(|i| past.get(i)).map_or(&batch.drive, |p| &p.1)
        });
        for (piece, weights) in &pieces[layer] {
            let range = piece.columns.start * rows..piece.columns.end * rows;
            let coefficients = [weights.predict.map(T::of), weights.correct.map(T::of)];
            let out = [&mut predicted.as_mut_slice()[range.clone()], &mut base.as_mut_slice()[range.clone()]];
            let drives = drives.map(|m| &m.as_slice()[range.clone()]);
            weigh_twice(coefficients, &batch.state.as_slice()[range], drives, out);
        }
        if let Some((low, high)) = circuit.supply() {
            clip(circuit.layout().columns_mut(layer, predicted), low, high);
        }
    }

    /// Up through the layers as predicted, down as corrected; layer by layer, while its numbers are at hand.
    fn predict_and_correct(&mut self, circuit: &dyn Circuit<T>) {
        let top = circuit.layout().depth() - 1;
        self.drifts.fill(T::ZERO);
        self.batch.tolerances.restart();
        for layer in 0..=top {
            self.predict(circuit, layer);
            circuit.mix(layer, &self.predicted, &mut self.batch.scratch);
            circuit.push(layer, &mut self.batch.scratch);
        }
        self.correct(circuit, top);
        // The output hears itself through the nudge, which costs no product: once more, to solve that loop too.
        let rows = self.next.nrows();
        let range = circuit.layout().layer(top);
        let columns = range.start * rows..range.end * rows;
        self.heard[top].as_mut_slice().copy_from_slice(&self.next.as_slice()[columns.clone()]);
        self.correct(circuit, top);
        max_distance_rows(self.heard[top].as_slice(), &self.next.as_slice()[columns], &mut self.drifts);
        self.compare(top);
        for layer in (0..top).rev() {
            self.batch.scratch.swap_mean(layer, &mut self.heard[layer]);
            self.correct(circuit, layer);
            let mean = self.batch.scratch.mean(layer);
            max_distance_rows(self.heard[layer].as_slice(), mean.as_slice(), &mut self.drifts);
            self.compare(layer);
        }
        self.batch.counts.rhs_evals += 1;
    }

    /// Corrects one layer by its new drive, so that the layer below hears the corrected difference.
    fn correct(&mut self, circuit: &dyn Circuit<T>, layer: usize) {
        let rows = self.next.nrows();
        let Self { batch, base, next, drive_next, pieces, .. } = self;
        circuit.pull(layer, &mut batch.scratch);
        circuit.assemble(layer, circuit.layout().columns_mut(layer, drive_next), &batch.scratch);
        for (piece, weights) in &pieces[layer] {
            let range = piece.columns.start * rows..piece.columns.end * rows;
            let coefficients = [T::ONE, T::of(weights.gain), T::ZERO, T::ZERO, T::ZERO];
            let drive = &drive_next.as_slice()[range.clone()];
            let corrected = &mut next.as_mut_slice()[range.clone()];
            weigh(coefficients, &base.as_slice()[range], [drive; 4], corrected);
            if let Some((low, high)) = circuit.supply() {
                clip(corrected, low, high);
            }
        }
        circuit.mix(layer, next, &mut batch.scratch);
    }

    /// Takes the correction of a layer into the rows' errors.
    fn compare(&mut self, layer: usize) {
        let rows = self.next.nrows();
        for (piece, weights) in &self.pieces[layer] {
            let range = piece.columns.start * rows..piece.columns.end * rows;
            let (one, other) = (&self.predicted.as_slice()[range.clone()], &self.next.as_slice()[range]);
            self.batch.tolerances.raise_at(T::of(weights.error), one, other);
        }
    }

    /// Largest error of the open samples in units of the tolerance.
    fn error(&mut self, residual: f64) -> f64 {
        let Self { batch, pieces, drifts, .. } = self;
        let most = pieces.iter().flatten().map(|(_, weights)| weights.gain).fold(0.0, f64::max);
        for (row, &drift) in drifts.iter().enumerate() {
            batch.tolerances.raise_row(row, T::of(most) * drift);
        }
        batch.tolerances.worst(&batch.criteria, residual)
    }

    /// Takes the step; if someone looks settled by a drive that is not quite of this state, evaluates it.
    fn accept(&mut self, circuit: &dyn Circuit<T>, end: f64) {
        let since = self.batch.time;
        self.batch.advance(end, &mut self.next, &mut self.drive_next);
        let (rows, width) = self.next.shape();
        let mut oldest = match self.past.len() + 1 {
            POINTS => self.past.pop().map_or_else(|| Matrix::zeros(rows, width), |(_, drive)| drive),
            _ => Matrix::zeros(rows, width),
        };
        std::mem::swap(&mut oldest, &mut self.drive_next);
        self.past.insert(0, (since, oldest));
        let Batch { tolerances, criteria, state, drive, .. } = &mut self.batch;
        let unmoved = UNMOVED * T::EPSILON.to_f64() * tolerances.largest();
        let stale = self.drifts.iter().any(|drift| drift.to_f64() > unmoved);
        if stale && tolerances.look_settled(criteria, state, drive) {
            self.batch.evaluate(circuit);
        }
    }
}
