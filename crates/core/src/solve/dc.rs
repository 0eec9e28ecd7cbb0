//! Operating points: fixed points of the drive, found without time.
//!
//! Sweeps down and up with cached halves come first, and end at once where no loop is closed (`DPᵀ` at `α =
//! 0` and 1: one sweep down). A sweep down is a function of what the layers hear and of the output's
//! potentials, half the state or less, so that is what Anderson acceleration extrapolates where the sweeps go
//! on. Systems without layers have rounds `v ← u(v)` for sweeps ([`Rounds`]), accelerated alike. Samples that
//! still do not arrive get Newton's method: matrix-free from where the sweeps came closest and from the
//! start, in the end, for small circuits, along a branch of fixed points.
//!
//! A fixed point need not be one that the circuit reaches: `solver.verify` looks, by the rightmost eigenvalue
//! there or by integrating the circuit.
//!
//! # Requires
//!
//! A circuit without noise; a `[clock]` is allowed, as it knows no time.

use super::anderson::Anderson;
use super::criteria::Criteria;
use super::half_sweeps::HalfSweeps;
use super::krylov::newton_krylov;
use super::newton::{FixedPoint, homotopy};
use super::outcome::{Counts, Outcome, Settled};
use super::rounds::Rounds;
use super::verify::verify;
use super::{Dynamics, Layered, Universal};
use crate::matrix::{Matrix, Real, copy_rows};
use crate::spec::SolverSpec;

/// What is tried before Newton's method takes over. Ten rounds without a halving contract by no better than
/// 0.93 each: that costs less then.
const EFFORT: Effort = Effort { rounds: 60, patience: 10 };
/// The same for circuits whose layers speak both ways: half rounds of a symmetric one descend its energy,
/// however slowly, and many of a batch cost what Newton's method does for one sample.
const BOTH_WAYS: Effort = Effort { rounds: 3000, patience: 3000 };
/// Rounds of a stretch. A sample that comes no nearer is extrapolated in stretches 1, 2, 4, 8, … alone: far
/// from its fixed point a system is not the linear one that is extrapolated, and plain rounds of a symmetric
/// one descend.
const STRETCH: usize = 15;
/// Growth of the residual from round to round after which the past is forgotten.
const GROWTH: f64 = 10.0;
/// Rows are dropped from the batch once this share of them is decided: dropping them costs what a round
/// costs.
const COMPACT: f64 = 0.5;
/// Most compartments for which a branch of fixed points is followed.
const DENSE: usize = 600;

/// How long rounds go on.
#[derive(Clone, Copy)]
struct Effort {
    /// Most rounds, down and up.
    rounds: usize,
    /// Rounds in which the least residual must halve.
    patience: usize,
}

/// The solver with its tolerances.
#[derive(Clone, Debug)]
pub(super) struct Dc {
    spec: SolverSpec,
}

impl Dc {
    pub(super) fn new(spec: &SolverSpec) -> Self {
        Self { spec: spec.clone() }
    }

    /// Residual (V) allowed at potentials of `size` (V): no rounding is asked to vanish.
    fn allowed<T: Real>(&self, size: f64) -> f64 {
        // Fixed points know no time constant.
        Criteria::new(&self.spec, f64::NAN).settled::<T>(size)
    }
}

impl<T: Real> Universal<T> for Dc {
    fn settle_any(&self, circuit: &dyn Dynamics<T>, start: Option<Matrix<T>>, _traced: bool) -> Settled<T> {
        let mut search = Search::new(self, circuit);
        match circuit.layered() {
            Some(layered) => search.sweep(layered, start.as_ref()),
            None => search.iterate(start.as_ref()),
        }
        search.newton(start.as_ref());
        let mut settled = search.finish();
        verify(&self.spec, circuit, start, &mut settled);
        settled
    }

    fn most(&self) -> usize {
        128
    }
}

impl Effort {
    /// What is left after a round, counted from 0.
    fn left(self, round: usize) -> Self {
        Self { rounds: self.rounds - round - 1, ..self }
    }
}

/// What is known of one sample.
#[derive(Clone, Debug)]
struct Sample {
    /// Swept no more.
    decided: bool,
    settled: bool,
    accelerated: bool,
    /// Residual (V) of the state that is kept.
    residual: f64,
    last: f64,
    /// Least residual (V) before the patience began, and rounds since.
    mark: f64,
    waited: usize,
}

/// What a check of a round has found, row by row.
struct Checked<'a, T> {
    /// `‖u − v‖∞` (V).
    residual: &'a [T],
    /// `‖v‖∞` (V).
    size: &'a [T],
    state: &'a mut Matrix<T>,
}

/// A batch on its way.
struct Search<'a, T: Real> {
    dc: &'a Dc,
    circuit: &'a dyn Dynamics<T>,
    /// Samples in the rows that are swept.
    rows: Vec<usize>,
    /// Where the sweeps left every decided sample, if finite, and then what was found.
    state: Matrix<T>,
    samples: Vec<Sample>,
    counts: Counts,
}

impl<'a, T: Real> Search<'a, T> {
    fn new(dc: &'a Dc, circuit: &'a dyn Dynamics<T>) -> Self {
        let unknown = f64::INFINITY;
        let sample = Sample {
            decided: false,
            settled: false,
            accelerated: false,
            residual: f64::NAN,
            last: unknown,
            mark: unknown,
            waited: 0,
        };
        Self {
            dc,
            circuit,
            rows: (0..circuit.samples()).collect(),
            state: Matrix::zeros(0, 0),
            samples: vec![sample; circuit.samples()],
            counts: Counts::default(),
        }
    }

    /// Sweeps from `start`, or the free state, until every sample is decided: settled, or given up.
    fn sweep(&mut self, whole: &dyn Layered<T>, start: Option<&Matrix<T>>) {
        let mut sweeps = match start {
            None => HalfSweeps::from_free(whole),
            Some(state) => HalfSweeps::from_state(whole, state.clone()),
        };
        let mut smaller: Option<Box<dyn Layered<T> + '_>> = None;
        let mut anderson = Anderson::new(whole.samples(), HalfSweeps::<T>::source_width(whole));
        sweeps.source(whole, &mut anderson.source);
        let mut image = Matrix::zeros(0, 0);
        for round in 0..EFFORT.rounds {
            let circuit = smaller.as_deref().unwrap_or(whole);
            sweeps.down(circuit);
            sweeps.check(circuit);
            self.counts.steps += 1;
            self.counts.rhs_evals += 1;
            let checked =
                Checked { residual: &sweeps.residual, size: &sweeps.size, state: &mut sweeps.state };
            self.judge(checked, &mut anderson, EFFORT.left(round));
            let open = self.open();
            if open.is_empty() {
                return;
            }
            if (self.rows.len() - open.len()) as f64 >= COMPACT * self.rows.len() as f64 {
                self.rows = open.iter().map(|&row| self.rows[row]).collect();
                sweeps.keep(&open);
                anderson.keep(&open);
                // `rows` number samples of the whole batch, so the subset is one of the whole, never of a
                // subset.
                smaller = Some(whole.layered_subset(&self.rows));
            }
            let circuit = smaller.as_deref().unwrap_or(whole);
            sweeps.up(circuit);
            self.counts.steps += 1;
            // Rows only become fewer, and by halves: a few allocations in a whole search.
            if image.nrows() != self.rows.len() {
                image = Matrix::zeros(self.rows.len(), anderson.source.ncols());
            }
            sweeps.source(circuit, &mut image);
            let mixed = self.advance(&mut anderson, &image);
            if mixed.contains(&true) {
                sweeps.set_source(circuit, &anderson.source);
            }
        }
    }

    /// Repeats `v ← u(v)` from `start`, or the free state, until every sample is decided.
    fn iterate(&mut self, start: Option<&Matrix<T>>) {
        let whole = self.circuit;
        let mut smaller: Option<Box<dyn Dynamics<T> + '_>> = None;
        let mut rounds = Rounds::new(whole, start.cloned().unwrap_or_else(|| whole.free_state()));
        if start.is_none() && whole.is_layered() {
            self.counts.rhs_evals += rounds.approach(whole);
        }
        let mut anderson = Anderson::new(whole.samples(), rounds.source_width());
        rounds.source(&mut anderson.source);
        let mut image = Matrix::zeros(0, 0);
        let effort = if whole.is_layered() { BOTH_WAYS } else { EFFORT };
        for round in 0..effort.rounds {
            rounds.check(smaller.as_deref().unwrap_or(whole));
            self.counts.steps += 1;
            self.counts.rhs_evals += 1;
            let checked =
                Checked { residual: &rounds.residual, size: &rounds.size, state: &mut rounds.state };
            self.judge(checked, &mut anderson, effort.left(round));
            let open = self.open();
            if open.is_empty() {
                return;
            }
            if (self.rows.len() - open.len()) as f64 >= COMPACT * self.rows.len() as f64 {
                self.rows = open.iter().map(|&row| self.rows[row]).collect();
                rounds.keep(&open);
                anderson.keep(&open);
                let part = whole.subset(&self.rows);
                rounds.fit(part.as_ref());
                smaller = Some(part);
            }
            // As in `sweep`.
            if image.nrows() != self.rows.len() {
                image = Matrix::zeros(self.rows.len(), anderson.source.ncols());
            }
            rounds.image(&mut image);
            self.advance(&mut anderson, &image);
            rounds.set_source(&anderson.source);
        }
    }

    /// Rows of samples that are not decided.
    fn open(&self) -> Vec<usize> {
        (0..self.rows.len()).filter(|&row| !self.samples[self.rows[row]].decided).collect()
    }

    /// Takes the image of a round in; tells which samples were extrapolated.
    fn advance(&mut self, anderson: &mut Anderson<T>, image: &Matrix<T>) -> Vec<bool> {
        let mixed = anderson.advance(image);
        for (&i, &mixed) in self.rows.iter().zip(&mixed) {
            // Decided rows are swept along until they are dropped, but were found without this extrapolation.
            self.samples[i].accelerated |= mixed && !self.samples[i].decided;
        }
        mixed
    }

    /// Decides what can be decided after a check.
    fn judge(&mut self, checked: Checked<'_, T>, anderson: &mut Anderson<T>, left: Effort) {
        let mut found = Vec::with_capacity(self.rows.len());
        for (row, &i) in self.rows.iter().enumerate() {
            let sample = &mut self.samples[i];
            if sample.decided {
                continue;
            }
            let (residual, size) = (checked.residual[row].to_f64(), checked.size[row].to_f64());
            let finite = residual.is_finite() && size.is_finite();
            sample.settled = finite && residual <= self.dc.allowed::<T>(size);
            // Such a jump comes from another linear piece: differences from before it would mislead the fit.
            // Without any a round is a plain one.
            if residual > GROWTH * sample.last || !(sample.waited / STRETCH + 1).is_power_of_two() {
                anderson.forget(row);
            }
            sample.last = residual;
            sample.waited += 1;
            // Accelerated residuals rise now and then on their way down, so only a halving counts as
            // progress.
            if residual < 0.5 * sample.mark {
                (sample.mark, sample.waited) = (residual, 0);
            }
            sample.decided = sample.settled || !finite || left.rounds == 0 || sample.waited >= left.patience;
            // What is kept is the point itself, or where Newton's method goes on.
            if sample.decided && finite {
                found.push((row, i));
                sample.residual = residual;
            }
            let by =
                if sample.accelerated { &mut self.counts.by_anderson } else { &mut self.counts.by_sweeps };
            *by += u64::from(sample.settled);
        }
        self.keep_states(checked.state, &found);
    }

    /// Hands the states of rows to their samples; if they are all there are, the sweeps are over and keep
    /// nothing.
    fn keep_states(&mut self, state: &mut Matrix<T>, found: &[(usize, usize)]) {
        let samples = self.samples.len();
        if found.len() == samples {
            std::mem::swap(&mut self.state, state);
            return;
        }
        if self.state.is_empty() {
            // Faster than only the rows found, which lie across memory; the others are not looked at.
            self.state.clone_from(state);
            return;
        }
        copy_rows(state, &mut self.state, found);
    }

    /// Newton's method for what the sweeps did not find.
    fn newton(&mut self, start: Option<&Matrix<T>>) {
        let open: Vec<usize> = (0..self.samples.len()).filter(|&i| !self.samples[i].settled).collect();
        for i in open {
            let point = self.seek(i, start);
            let sample = &mut self.samples[i];
            sample.residual = point.residual;
            sample.settled = point.converged;
            self.counts.by_newton += u64::from(point.converged);
            for (v, found) in self.state.row_mut(i).iter_mut().zip(&point.state) {
                *v = T::of(*found);
            }
        }
    }

    /// From the start, from where the sweeps ended, and along a branch; the best of them if none arrives.
    ///
    /// The start goes first: from the free state the nearest point is the one that a rising nudge leads to.
    fn seek(&self, i: usize, start: Option<&Matrix<T>>) -> FixedPoint {
        let one = self.circuit.subset(&[i]);
        let tolerance = |size: f64| self.dc.allowed::<T>(size);
        let of = |state: &Matrix<T>, i| state.row(i).iter().map(|v| v.to_f64()).collect::<Vec<_>>();
        let start = start.map_or_else(|| of(&one.free_state(), 0), |start| of(start, i));
        let size = start.iter().fold(0.0_f64, |size, v| size.max(v.abs()));
        let mut best = newton_krylov(one.as_ref(), &start, &tolerance);
        let direct = best.converged;
        let mut keep = |found: FixedPoint| {
            if found.converged || found.residual < best.residual {
                best = found;
            }
            best.converged
        };
        let healthy = start.iter().all(|v| v.is_finite());
        if healthy && !direct {
            let swept = self.samples[i].residual.is_finite();
            // Nothing was found from the start; the sweeps are often on the right linear piece already.
            let near = swept && keep(newton_krylov(one.as_ref(), &of(&self.state, i), &tolerance));
            // The branch takes up to some hundred dense factorisations, each of which costs n³.
            if !near && start.len() <= DENSE {
                keep(homotopy(one.as_ref(), 0, &start, self.dc.allowed::<T>(size)));
            }
        }
        best
    }

    fn finish(self) -> Settled<T> {
        let outcome = |sample: &Sample| match sample {
            Sample { settled: true, .. } => Outcome::Settled,
            Sample { residual, .. } if residual.is_finite() => Outcome::Timeout,
            _ => Outcome::NotFinite,
        };
        Settled {
            outcomes: self.samples.iter().map(outcome).collect(),
            // No time has passed; 0 s would enter means of settling times.
            time: vec![f64::NAN; self.samples.len()],
            residual: self.samples.iter().map(|sample| sample.residual).collect(),
            counts: self.counts,
            traces: Vec::new(),
            state: self.state,
        }
    }
}
