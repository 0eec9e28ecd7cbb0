//! The papers' closed-form sweeps: each layer in turn takes the potential at which its drive balances its
//! leak.
//!
//! This is the exponential step of the circuit as `h/τ → ∞` (docs/model.md §2): it shares the circuit's fixed
//! points, not its stability. Høier, Staudt & Zach 2023; damping after Høier & Zach 2024.
//!
//! # Requires
//!
//! A circuit without noise; a `[clock]` is allowed, as it knows no time. Its `schedule`, `passes` and
//! `damping` are heeded by no other solver.

use super::criteria::Criteria;
use super::judgement::{Steadiness, compute_bounds};
use super::outcome::{Counts, Outcome, Settled};
use super::rails::Rails;
use super::{Layered, Solver};
use crate::circuit::Scratch;
use crate::matrix::{Matrix, Real};
use crate::random::{Key, Kind, permutation, stream};
use crate::spec::{Damping, SolverSpec, SweepOrder};

/// Rounds beyond a fixed number in which the sign of a runaway is followed.
const MORE: usize = 6;

/// Sweeps with their order and limits.
#[derive(Clone, Debug)]
pub(super) struct Layerwise {
    spec: SolverSpec,
}

impl Layerwise {
    pub(super) fn new(spec: &SolverSpec) -> Self {
        Self { spec: spec.clone() }
    }
}

impl<T: Real> Solver<T> for Layerwise {
    fn settle(&self, circuit: &dyn Layered<T>, start: Option<Matrix<T>>, _traced: bool) -> Settled<T> {
        let mut sweep = Sweep::new(circuit, start, self.spec.damping);
        let rounds = self.spec.schedule.rounds;
        let mut change = Change::default();
        for _ in 0..rounds.unwrap_or(self.spec.passes) {
            sweep.round(circuit, self.spec.schedule.order);
            if rounds.is_none() {
                change = sweep.residual(circuit, &self.spec);
                if change.all_settled || sweep.all_diverged(&change) {
                    break;
                }
            }
        }
        if change.residual.is_empty() || rounds.is_some() {
            change = sweep.residual(circuit, &self.spec);
        }
        if rounds.is_some() && (0..sweep.bounds.len()).any(|i| sweep.diverged(i, &change)) {
            sweep.watches = self.signs(circuit, sweep.clone());
        }
        let mut settled = sweep.finish(&change);
        Rails::judge(circuit, &self.spec, &mut settled);
        settled
    }

    fn shard(&self) -> usize {
        256
    }
}

impl Layerwise {
    /// How runaways behave in the rounds that a fixed number of them did not allow: whether they turn.
    fn signs<T: Real>(&self, circuit: &dyn Layered<T>, mut beyond: Sweep<T>) -> Vec<Watch> {
        for _ in 0..MORE {
            beyond.round(circuit, self.spec.schedule.order);
            beyond.residual(circuit, &self.spec);
        }
        beyond.watches
    }
}

/// Residuals after a round.
#[derive(Default)]
struct Change {
    residual: Vec<f64>,
    settled: Vec<bool>,
    all_settled: bool,
}

/// Follows the sign of one compartment's update: a runaway that turns is an oscillation.
///
/// Simultaneous sweeps turn only every few rounds, a loop's delay, so the last two updates do not tell.
#[derive(Clone, Debug, Default)]
struct Watch {
    column: usize,
    sign: f64,
    /// Residual (V) at which the compartment was chosen.
    decade: f64,
    /// Sign changes in the last two tenfold growths of the residual.
    turns: [u32; 2],
}

impl Watch {
    /// Takes in the update of the watched compartment (V); after tenfold growth watches the one that moves
    /// most.
    fn follow(&mut self, update: f64, residual: f64, column: usize) {
        let moves = update.abs() > 1e-3 * residual;
        if moves && update.signum() != self.sign {
            self.turns[1] += u32::from(self.sign != 0.0);
            self.sign = update.signum();
        }
        if residual > 10.0 * self.decade {
            *self = Self { column, sign: 0.0, decade: residual, turns: [self.turns[1], 0] };
        }
    }
}

/// Order of the layers in a round, counted from 1: a function of the seed of the samples and of the number of
/// the first one, so that neither threads nor rules change it, and batches differ in it.
fn random_order<T: Real>(circuit: &dyn Layered<T>, depth: usize, round: u64) -> Vec<usize> {
    let ids = circuit.sample_ids();
    let first = ids.ids.first().copied().unwrap_or(0);
    #[expect(clippy::cast_possible_truncation, reason = "the parts of the number, and rounds of one sweep")]
    let (low, high, round) = (first as u32, (first >> 32) as u16, round as u32);
    let name = Key { trial: low, ..Key::new(ids.seed, Kind::SweepOrder).layer(high).step(round) };
    permutation(depth, &mut stream(name))
}

/// A batch being swept.
#[derive(Clone)]
struct Sweep<T: Real> {
    state: Matrix<T>,
    drive: Matrix<T>,
    /// Layers of which the scratch has what they hear from below: the means there have not moved since.
    below: Vec<bool>,
    /// The same of what comes back from above.
    above: Vec<bool>,
    watches: Vec<Watch>,
    /// Potentials beyond which samples run away (V).
    bounds: Vec<f64>,
    steadiness: Steadiness<T>,
    scratch: Scratch<T>,
    damped: bool,
    counts: Counts,
}

impl<T: Real> Sweep<T> {
    /// From `start`, or from the free state, whose inputs the feed-forward pass has left in the scratch.
    fn new(circuit: &dyn Layered<T>, start: Option<Matrix<T>>, damping: Damping) -> Self {
        let (batch, depth) = (circuit.samples(), circuit.layout().depth());
        let mut scratch = circuit.scratch(batch);
        let free = circuit.feed_forward(&mut scratch);
        let (bounds, is_free) = (compute_bounds(&free), start.is_none());
        let mut sweep = Self {
            state: start.unwrap_or(free),
            drive: Matrix::zeros(batch, circuit.width()),
            below: vec![is_free; depth],
            above: vec![false; depth],
            watches: vec![Watch::default(); batch],
            bounds,
            steadiness: Steadiness::new(),
            scratch,
            damped: damping != Damping::None,
            counts: Counts::default(),
        };
        if !is_free {
            (0..depth).for_each(|layer| sweep.mix(circuit, layer));
        }
        sweep
    }

    /// One round in the given order.
    fn round(&mut self, circuit: &dyn Layered<T>, order: SweepOrder) {
        let depth = circuit.layout().depth();
        self.counts.steps += 1;
        match order {
            SweepOrder::Forward => (0..depth).for_each(|layer| self.update(circuit, &[layer])),
            SweepOrder::Backward => (0..depth).rev().for_each(|layer| self.update(circuit, &[layer])),
            SweepOrder::ForwardBackward => {
                (0..depth).rev().for_each(|layer| self.update(circuit, &[layer]));
                (1..depth).for_each(|layer| self.update(circuit, &[layer]));
            }
            SweepOrder::OddEven => {
                self.update(circuit, &(0..depth).step_by(2).collect::<Vec<_>>());
                self.update(circuit, &(1..depth).step_by(2).collect::<Vec<_>>());
            }
            SweepOrder::Parallel => self.update(circuit, &(0..depth).collect::<Vec<_>>()),
            SweepOrder::Random => {
                let order = random_order(circuit, depth, self.counts.steps);
                order.into_iter().for_each(|layer| self.update(circuit, &[layer]));
            }
        }
    }

    /// Computes the drives of some layers from one state, then assigns them.
    fn update(&mut self, circuit: &dyn Layered<T>, layers: &[usize]) {
        layers.iter().for_each(|&layer| self.listen(circuit, layer));
        for &layer in layers {
            self.assign(circuit, layer);
            self.mix(circuit, layer);
        }
    }

    /// Computes the drive of a layer; of its two inputs only what has changed.
    fn listen(&mut self, circuit: &dyn Layered<T>, layer: usize) {
        if !std::mem::replace(&mut self.below[layer], true) {
            circuit.forward_input(layer, &mut self.scratch);
        }
        // The nudge may follow what the outputs themselves do, or hear.
        let is_top = layer + 1 == self.above.len();
        if is_top || !std::mem::replace(&mut self.above[layer], true) {
            circuit.feedback_input(layer, &mut self.scratch);
        }
        circuit.sum_inputs(layer, circuit.layout().columns_mut(layer, &mut self.drive), &self.scratch);
    }

    /// Mixes the dyads of a layer that has moved: its neighbours hear something else.
    fn mix(&mut self, circuit: &dyn Layered<T>, layer: usize) {
        circuit.mean_and_difference(layer, &self.state, &mut self.scratch);
        if let Some(below) = self.below.get_mut(layer + 1) {
            *below = false;
        }
        if let Some(above) = layer.checked_sub(1) {
            self.above[above] = false;
        }
    }

    /// `v ← (u + L v)/(1 + L)`; `L = 0` undamped.
    fn assign(&mut self, circuit: &dyn Layered<T>, layer: usize) {
        let columns = circuit.layout().layer(layer);
        let keep = if self.damped { circuit.damping(layer) } else { 0.0 };
        let (new, old) = (T::of(1.0 / (1.0 + keep)), T::of(keep / (1.0 + keep)));
        let mut target = self.state.columns_range_mut(columns.clone());
        if keep == 0.0 {
            target.copy_from(&self.drive.columns_range(columns));
        } else {
            target.zip_apply(&self.drive.columns_range(columns), |v, u| *v = new * u + old * *v);
        }
    }

    /// Residual of every sample, evaluated afresh.
    fn residual(&mut self, circuit: &dyn Layered<T>, spec: &SolverSpec) -> Change {
        (0..self.below.len()).for_each(|layer| self.listen(circuit, layer));
        self.counts.rhs_evals += 1;
        let mut change = Change { all_settled: true, ..Change::default() };
        // Sweeps know no time constant.
        let criteria = Criteria::new(spec, f64::NAN);
        let mut excess: Option<Vec<f64>> = None;
        for i in 0..self.state.nrows() {
            let (mut worst, mut size, mut at) = (0.0_f64, 0.0_f64, 0);
            for j in 0..self.state.ncols() {
                let (v, u) = (self.state[(i, j)].to_f64(), self.drive[(i, j)].to_f64());
                let residual = (u - v).abs();
                if residual > worst || residual.is_nan() {
                    (worst, at) = (residual, j);
                }
                size = if size.is_nan() { size } else { size.max(v.abs()) };
            }
            let watched = self.watches[i].column;
            let update = (self.drive[(i, watched)] - self.state[(i, watched)]).to_f64();
            self.watches[i].follow(update, worst, at);
            let settled = worst <= criteria.settled::<T>(size) && {
                let Self { steadiness, state, drive, .. } = self;
                let excess = excess.get_or_insert_with(|| steadiness.excess(circuit, state, drive));
                excess[i] <= criteria.steady::<T>(size)
            };
            change.all_settled &= settled;
            change.residual.push(worst);
            change.settled.push(settled);
        }
        change
    }

    /// Returns whether there is nothing left to wait for: all settled or beyond their bounds.
    fn all_diverged(&self, change: &Change) -> bool {
        (0..self.bounds.len()).all(|i| change.settled[i] || self.diverged(i, change))
    }

    /// Returns whether a sample left its bound (or the numbers).
    fn diverged(&self, i: usize, change: &Change) -> bool {
        let size = self.state.row(i).iter().map(|v| v.to_f64().abs()).fold(0.0, f64::max);
        size > self.bounds[i] || !(size.is_finite() && change.residual[i].is_finite())
    }

    fn finish(self, change: &Change) -> Settled<T> {
        let batch = self.bounds.len();
        let outcome = |i: usize| {
            if !change.residual[i].is_finite() {
                Outcome::NotFinite
            } else if self.diverged(i, change) {
                if self.watches[i].turns == [0, 0] { Outcome::LatchUp } else { Outcome::Oscillation }
            } else if change.settled[i] {
                Outcome::Settled
            } else {
                Outcome::Timeout
            }
        };
        Settled {
            outcomes: (0..batch).map(outcome).collect(),
            time: vec![f64::NAN; batch],
            residual: change.residual.clone(),
            counts: self.counts,
            traces: Vec::new(),
            state: self.state,
        }
    }
}
