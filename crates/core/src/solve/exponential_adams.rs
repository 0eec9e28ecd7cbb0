//! Exponential Adams–Moulton: exact in every compartment's leak, one right-hand side per step.
//!
//! The drive is interpolated through the last three steps in exponential functions of the step. Extrapolating
//! it predicts the state; the correction also goes through the new drive. That drive is taken from the top
//! layer down, each layer corrected before the one below hears its difference: where differences do not move
//! the means (`DPᵀ`), one such sweep solves the implicit step. What it leaves open under DP, the movement of
//! means by the correction, counts as error. A drive from a sweep is not quite that of the corrected state,
//! so nobody is called settled before it was evaluated there.
//!
//! Where amplifiers saturate, the limited drive depends on the compartment's own potential: it is taken where
//! that is foreseen, and again where it was corrected to; what that moves counts as error, too.
//!
//! Between the products all passes go over a few dyads at a time: on wide layers the step is bound by memory,
//! and nothing is stored that can be made again from what is at hand.
//!
//! Nørsett, Lecture Notes in Math. 109, 214 (1969); Hochbruck & Ostermann, Acta Numerica 19, 209 (2010),
//! §2.5; error estimate and order of a start: Shampine & Gordon, Computer Solution of Ordinary Differential
//! Equations (1975).
//!
//! # Requires
//!
//! What [`etd`](super::etd) requires. It takes a quarter to a half of its right-hand
//! sides at the same `rtol`, at errors that are some times larger (docs/benchmarks.md).

use std::ops::Range;

use super::confirm::{Look, confirmed};
use super::criteria::Criteria;
use super::etd;
use super::interpolation::{Basis, POINTS, Weights};
use super::linear_combination::{Correction, correct};
use super::outcome::Settled;
use super::relax::{Batch, Part, Stepper, relax};
use super::tiles::{Tile, foresee, tiles};
use super::{Dynamics, Layered, Solver};
use crate::matrix::elementwise::max_distance_rows;
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
/// Bytes of each of the dozen blocks that are worked on at a time: together they fit the first two caches.
const TILE: usize = 4096;
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
    fn settle(&self, circuit: &dyn Layered<T>, start: Option<Matrix<T>>, traced: bool) -> Settled<T> {
        let criteria = Criteria::new(&self.spec, circuit.slowest());
        let first = look(criteria, circuit, start.clone(), traced);
        confirmed(first, criteria, (circuit, start.as_ref()), traced, &etd::look)
    }
}

/// Relaxes a batch once.
fn look<T: Real>(
    criteria: Criteria,
    circuit: &dyn Layered<T>,
    start: Option<Matrix<T>>,
    traced: bool,
) -> Look<T> {
    let mut run = AdamsRun::new(circuit, criteria, start);
    run.longest = if traced { TRACED * circuit.slowest() } else { f64::INFINITY };
    relax(&mut Relaxation { part: Part::whole(circuit), run }, traced)
}

/// A batch under way.
struct AdamsRun<T: Real> {
    batch: Batch<T>,
    /// Drives of earlier steps with their times (s), the latest first.
    past: Vec<(f64, Matrix<T>)>,
    next: Matrix<T>,
    drive_next: Matrix<T>,
    /// Potentials of one tile as predicted; before its correction, its means, or potentials of the output.
    tile: Vec<T>,
    /// Drives of one tile before their limit, and as limited where it was predicted; empty where nothing is
    /// limited.
    unlimited: [Vec<T>; 2],
    /// How far the means moved after they were heard (V), per row.
    drifts: Vec<T>,
    /// Tiles of each layer.
    tiles: Vec<Vec<Tile>>,
    refused: u32,
    /// Longest step (s).
    longest: f64,
}

/// A batch under way, and its circuits.
struct Relaxation<'a, T: Real> {
    part: Part<'a, dyn Layered<T> + 'a>,
    run: AdamsRun<T>,
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
        self.part.smaller = Some(self.part.whole.layered_subset(samples));
    }
}

impl<T: Real> AdamsRun<T> {
    fn step(&mut self, circuit: &dyn Layered<T>, residual: f64) {
        loop {
            self.batch.step = self.batch.step.min(self.longest);
            let end = self.batch.aim();
            let order = self.weigh_past(circuit);
            self.predict_and_correct(circuit);
            let error = self.error(residual);
            // Prediction through `order` drives and correction through one more differ by O(h^(order + 1)).
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

    fn keep(&mut self, circuit: &dyn Layered<T>, rows: &[usize]) {
        self.batch.keep(circuit, rows);
        let blank = || Matrix::zeros(rows.len(), circuit.layout().width());
        // Nothing that counts rests on what these hold before the next step writes them.
        (self.next, self.drive_next) = (blank(), blank());
        for (_, drive) in &mut self.past {
            *drive = select_rows(drive, rows);
        }
        self.drifts.truncate(rows.len());
    }

    fn new(circuit: &dyn Layered<T>, criteria: Criteria, start: Option<Matrix<T>>) -> Self {
        let (rows, layout) = (circuit.samples(), circuit.layout());
        let blank = || Matrix::zeros(rows, layout.width());
        let dyads = (TILE / (rows * size_of::<T>())).max(1);
        Self {
            batch: Batch::new(circuit, criteria, start, FIRST),
            past: Vec::with_capacity(POINTS),
            next: blank(),
            drive_next: blank(),
            tile: vec![T::ZERO; 2 * dyads * rows],
            unlimited: std::array::from_fn(|_| {
                vec![T::ZERO; if circuit.is_limited() { 2 * dyads * rows } else { 0 }]
            }),
            drifts: vec![T::ZERO; rows],
            tiles: (0..layout.depth()).map(|layer| tiles(circuit, layer, dyads)).collect(),
            refused: 0,
            longest: f64::INFINITY,
        }
    }

    /// Computes the weights of the step; returns how many drives it rests upon.
    fn weigh_past(&mut self, circuit: &dyn Layered<T>) -> usize {
        let tau = circuit.slowest();
        let now = self.batch.time;
        self.past.retain(|(time, _)| now - time < MEMORY * tau);
        let mut behind = [0.0; POINTS];
        for (x, (time, _)) in behind[1..].iter_mut().zip(&self.past) {
            // From now on and in τ, so that late steps have as many digits as early ones.
            *x = (time - now) / tau;
        }
        let points = self.past.len() + 1;
        let basis = Basis::new(self.batch.step / tau, &behind[..points]);
        let mut last: Option<(f64, Weights)> = None;
        for piece in self.tiles.iter_mut().flatten().flat_map(|tile| &mut tile.pieces) {
            // On an ideal chip all ratios are equal, and the functions of the step are evaluated once.
            let known = last.filter(|(ratio, _)| *ratio == piece.ratio);
            piece.weights = known.map_or_else(|| basis.weights(piece.ratio), |(_, weights)| weights);
            last = Some((piece.ratio, piece.weights));
        }
        points
    }

    /// Up through the layers as predicted, down as corrected.
    fn predict_and_correct(&mut self, circuit: &dyn Layered<T>) {
        let top = circuit.layout().depth() - 1;
        self.drifts.fill(T::ZERO);
        for layer in 0..=top {
            self.predict(circuit, layer);
            circuit.forward_input(layer, &mut self.batch.scratch);
        }
        // The output hears itself through the nudge, which costs no product: twice, to solve that loop too.
        for layer in std::iter::once(top).chain((0..=top).rev()) {
            // The first pass over the output only starts its loop: what counts is what the second leaves
            // open.
            if layer == top {
                self.drifts.fill(T::ZERO);
                self.batch.tolerances.restart();
            }
            circuit.feedback_input(layer, &mut self.batch.scratch);
            self.correct(circuit, layer, layer == top);
        }
        self.batch.counts.rhs_evals += 1;
    }

    /// Means and differences of a layer as the extrapolated drive foretells them.
    fn predict(&mut self, circuit: &dyn Layered<T>, layer: usize) {
        let rows = self.next.nrows();
        let Self { batch: Batch { state, drive, scratch, .. }, past, tile: block, tiles, .. } = self;
        let drives = behind(drive, past);
        for tile in &tiles[layer] {
            let half = tile.dyads.len() * rows;
            let block = &mut block[..2 * half];
            foresee(tile, state, drives, circuit.supply(), block);
            let (plus, minus) = block.split_at(half);
            circuit.mean_and_difference_of(layer, tile.dyads.clone(), (plus, minus), scratch);
        }
    }

    /// Corrects one layer by its new drive, so that the layer below hears the corrected difference.
    ///
    /// Errors, sizes and residuals of the rows are raised, and the drifts: of an output's potentials by this
    /// correction, or of the means that others have heard.
    fn correct(&mut self, circuit: &dyn Layered<T>, layer: usize, output: bool) {
        let rows = self.next.nrows();
        let Self { batch, past, tile: block, unlimited, tiles, next, drive_next, drifts, .. } = self;
        let Batch { state, drive, scratch, tolerances, .. } = batch;
        let (layout, drives) = (circuit.layout(), behind(drive, past));
        let rails = circuit.supply().unwrap_or((T::of(f64::NEG_INFINITY), T::of(f64::INFINITY)));
        for tile in &tiles[layer] {
            let dyads = || tile.dyads.clone();
            circuit.sum_inputs_of(layer, dyads(), layout.dyads_mut(layer, dyads(), drive_next), scratch);
            if circuit.is_limited() {
                let block = &mut block[..2 * dyads().len() * rows];
                // The block has held other tiles since; extrapolating again is cheaper than memory for all of
                // them.
                foresee(tile, state, drives, circuit.supply(), block);
                limit_foreseen(circuit, layer, dyads(), block, drive_next, unlimited);
            }
            for piece in &tile.pieces {
                let elements = || piece.elements(rows);
                let Weights { predict, correct: base, gain, error } = piece.weights;
                let (predict, base) = (predict.map(T::of), base.map(T::of));
                let by = Correction { predict, base, gain: T::of(gain), error: T::of(error), rails };
                let known =
                    (&state.as_slice()[elements()], drives.map(|drive| &drive.as_slice()[elements()]));
                let corrected = &mut next.as_mut_slice()[elements()];
                let before = &mut block[..corrected.len()];
                if output {
                    // No layer takes the output's mean; the nudge takes its potentials, so their move is the
                    // drift.
                    before.copy_from_slice(corrected);
                }
                correct(by, known, &drive_next.as_slice()[elements()], corrected, tolerances.maxima());
                if output {
                    max_distance_rows(before, corrected, drifts);
                }
            }
            if circuit.is_limited() {
                limit_corrected(circuit, layer, dyads(), next, drive_next, unlimited, drifts);
            }
            let means = tile.dyads.start * rows..tile.dyads.end * rows;
            let before = &mut block[..means.len()];
            before.copy_from_slice(&scratch.mean(layer).as_slice()[means.clone()]);
            circuit.mean_and_difference_of(layer, dyads(), layout.dyads(layer, dyads(), next), scratch);
            if !output {
                max_distance_rows(before, &scratch.mean(layer).as_slice()[means], drifts);
            }
        }
    }

    /// Largest error of the open samples in units of the tolerance.
    fn error(&mut self, residual: f64) -> f64 {
        let Self { batch, tiles, drifts, .. } = self;
        let pieces = tiles.iter().flatten().flat_map(|tile| &tile.pieces);
        // A drift enters potentials by the weight of the new drive; the largest weight bounds all columns.
        let most = pieces.map(|piece| piece.weights.gain).fold(0.0, f64::max);
        for (row, &drift) in drifts.iter().enumerate() {
            batch.tolerances.raise_row(row, T::of(most) * drift);
        }
        batch.tolerances.worst(&batch.criteria, residual)
    }

    /// Takes the step; if someone looks settled by a drive that is not quite of this state, evaluates it.
    fn accept(&mut self, circuit: &dyn Layered<T>, end: f64) {
        let since = self.batch.time;
        self.batch.advance(end, &mut self.next, &mut self.drive_next);
        let (rows, width) = self.next.shape();
        // Once the past is full its oldest matrix becomes the buffer of the next drive: nothing is allocated.
        let mut oldest = match self.past.len() + 1 {
            POINTS => self.past.pop().map_or_else(|| Matrix::zeros(rows, width), |(_, drive)| drive),
            _ => Matrix::zeros(rows, width),
        };
        std::mem::swap(&mut oldest, &mut self.drive_next);
        self.past.insert(0, (since, oldest));
        let Batch { tolerances, criteria, .. } = &self.batch;
        // A move of a few roundings cannot carry a residual across the tolerance, which is larger than that.
        let unmoved = UNMOVED * T::EPSILON.to_f64() * tolerances.largest();
        let stale = self.drifts.iter().any(|drift| drift.to_f64() > unmoved);
        if stale && tolerances.any_settled(criteria) {
            self.batch.evaluate(circuit);
        }
    }
}

/// Limits the new drives of some dyads where their potentials were foreseen; keeps them as they were and as
/// they are.
fn limit_foreseen<T: Real>(
    circuit: &dyn Layered<T>,
    layer: usize,
    dyads: Range<usize>,
    foreseen: &[T],
    drive: &mut Matrix<T>,
    [free, limited]: &mut [Vec<T>; 2],
) {
    let half = foreseen.len() / 2;
    let (plus, minus) = circuit.layout().dyads_mut(layer, dyads.clone(), drive);
    free[..half].copy_from_slice(plus);
    free[half..2 * half].copy_from_slice(minus);
    circuit.limit_dyads(layer, dyads, foreseen.split_at(half), (&mut *plus, &mut *minus));
    limited[..half].copy_from_slice(plus);
    limited[half..2 * half].copy_from_slice(minus);
}

/// Limits them anew where their potentials are now; by how much that moves them counts as a drift.
fn limit_corrected<T: Real>(
    circuit: &dyn Layered<T>,
    layer: usize,
    dyads: Range<usize>,
    state: &Matrix<T>,
    drive: &mut Matrix<T>,
    [free, limited]: &[Vec<T>; 2],
    drifts: &mut [T],
) {
    let layout = circuit.layout();
    let (plus, minus) = layout.dyads_mut(layer, dyads.clone(), drive);
    let half = plus.len();
    plus.copy_from_slice(&free[..half]);
    minus.copy_from_slice(&free[half..2 * half]);
    let potentials = layout.dyads(layer, dyads.clone(), state);
    circuit.limit_dyads(layer, dyads, potentials, (&mut *plus, &mut *minus));
    max_distance_rows(&limited[..half], plus, drifts);
    max_distance_rows(&limited[half..2 * half], minus, drifts);
}

/// The drives that a step rests upon, the latest first; where the past is short, its place is taken by what
/// has no weight.
fn behind<'a, T: Real>(drive: &'a Matrix<T>, past: &'a [(f64, Matrix<T>)]) -> [&'a Matrix<T>; POINTS] {
    std::array::from_fn(|i| i.checked_sub(1).and_then(|i| past.get(i)).map_or(drive, |(_, drive)| drive))
}
