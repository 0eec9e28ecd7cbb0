//! The largest nudge at which a circuit keeps a margin on some samples, looked for from its own nudge
//! downwards.
//!
//! A margin is *kept* at a nudge if the circuit, started in its free state, settles on the branch of
//! equilibria that the free state leads to, and the rightmost eigenvalue there is at least so far left of the
//! axis. The branch is walked by Newton's method in steps of β that change the gradient estimate by less than
//! a tenth: that a saturating circuit has latched up shows in no eigenvalue of where it rests.
//!
//! Only the circuit's own nudge is integrated whatever the branch says, for the outcome is what is told of
//! it. At every lower one the branch is asked first: a circuit without the margin may take any number of
//! steps to show that it does not come to rest, and with weights of 10⁶ it did.

use rayon::prelude::*;

use super::simulation::{Failure, Simulation};
use super::stable_branch::alike;
use super::{Search, Verdict};
use crate::chip::Weights;
use crate::circuit::{DyadCircuit, Dynamics};
use crate::learn::{Batch, nudged};
use crate::matrix::Matrix;
use crate::solve::{FixedPoint, Outcome, continued_point, find_on_rails, fixed_point, homotopy, leading};
use crate::spec::CircuitSpec;

/// What decays at the margin asked for is down by e⁻³⁰, 10⁻¹³, after so many times 1/margin: below any
/// tolerance.
const SETTLING: f64 = 30.0;
/// Relative width to which the nudge is found.
const WIDTH: f64 = 0.01;
/// Most times that it is lowered, by [`LEAST`] at the most: to 10⁻⁹ of what was set and below.
const LOWERINGS: usize = 40;
/// The factor by which a nudge is lowered: at most, at least, and where no eigenvalue foretells it.
const LEAST: f64 = 0.3;
const MOST: f64 = 0.95;
const BLIND: f64 = 0.6;
/// Lowerings at which the branch has the margin and the circuit does not come to rest on it, before the
/// search ends: then it is not the nudge that keeps it from resting, for a small nudge moves a circuit in
/// proportion. From the second on the nudge falls by [`LEAST`].
const RESTLESS: usize = 6;
/// Steps of the walk along the branch, as shares of its end: the first, and the shortest before the branch
/// counts as ended.
const FIRST: f64 = 1.0 / 64.0;
const SHORTEST: f64 = 1.0 / 1024.0;
/// Newton steps from one equilibrium to the next.
const STEPS: usize = 12;

/// The nudge that keeps a margin.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The nudge, at most that of the circuit.
    pub beta: f64,
    /// Largest shortfall at the circuit's own nudge.
    pub worst: Option<Shortfall>,
}

/// A sample that has less than the margin asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Shortfall {
    /// The sample, by its place in the batch.
    pub sample: usize,
    /// Nudge at which the sample was examined.
    pub beta: f64,
    /// Its margin (1/τ), where there is an equilibrium.
    pub margin: Option<f64>,
    /// Reason for which the margin is missing.
    pub lack: Lack,
}

/// Why a margin is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The circuit does not come to rest where it should.
    Fails(Failure),
    /// It does, with too little margin; what the rightmost eigenvalue tends to: latch-up if it is real,
    /// oscillation if it is complex.
    Thin(Verdict),
}

impl Shortfall {
    /// The failure, met or near, by its name: `latch-up`, `oscillation`, `timeout`, `not-finite`,
    /// `elsewhere`.
    #[must_use]
    pub fn failure(&self) -> &'static str {
        match self.lack {
            Lack::Fails(failure) => failure.name(),
            Lack::Thin(verdict) => verdict.name(),
        }
    }

    /// Worse first.
    fn rank(&self) -> (bool, f64) {
        (matches!(self.lack, Lack::Thin(_)), self.margin.unwrap_or(f64::NEG_INFINITY))
    }
}

/// Finds the largest nudge, to 1 % and up to the circuit's own, at which every sample has a margin of
/// `at_least` (1/τ). Noise is left out.
///
/// # Errors
/// The worst sample at the lowest nudge tried, if none keeps the margin; at once, if a free potential leaves
/// no digits for a difference (beyond `atol`/ε).
pub fn keep(
    spec: &CircuitSpec,
    weights: &Weights<f64>,
    batch: &Batch<f64>,
    at_least: f64,
) -> Result<Kept, Shortfall> {
    let simulation = prepare_simulation(spec, weights, batch, at_least);
    let looker = Looker { simulation: &simulation, at_least };
    if let Some(beyond) = looker.beyond_numbers() {
        return Err(beyond);
    }
    let all: Vec<usize> = (0..batch.inputs.nrows()).collect();
    let mut high = spec.nudge.beta;
    let mut short = looker.look(&all, high);
    let worst = short.first().cloned();
    let mut open: Vec<usize> = Vec::new();
    while !short.is_empty() {
        open.extend(short.iter().map(|one| one.sample));
        open.sort_unstable();
        open.dedup();
        let mut low = looker.lower(&open, &mut high, short)?;
        while high - low > WIDTH * high {
            let middle = 0.5 * (low + high);
            if looker.lower_look(&open, middle).is_empty() { low = middle } else { high = middle }
        }
        // The others held at a stronger nudge, which need not mean that they hold at a weaker one.
        let others: Vec<usize> = all.iter().copied().filter(|sample| !open.contains(sample)).collect();
        (high, short) = (low, looker.lower_look(&others, low));
    }
    Ok(Kept { beta: high, worst })
}

/// The sample with the least margin at the circuit's own nudge, if that is below `at_least` (1/τ).
#[must_use]
pub fn shortfall(
    spec: &CircuitSpec,
    weights: &Weights<f64>,
    batch: &Batch<f64>,
    at_least: f64,
) -> Option<Shortfall> {
    let simulation = prepare_simulation(spec, weights, batch, at_least);
    let all: Vec<usize> = (0..batch.inputs.nrows()).collect();
    Looker { simulation: &simulation, at_least }.look(&all, spec.nudge.beta).into_iter().next()
}

fn prepare_simulation<'a>(
    spec: &CircuitSpec,
    weights: &'a Weights<f64>,
    batch: &'a Batch<f64>,
    at_least: f64,
) -> Simulation<'a> {
    let search = Search { highest: spec.nudge.beta, time: SETTLING / at_least, width: WIDTH };
    Simulation::new(spec, weights, batch, &search)
}

/// A point of the branch of equilibria that the free state leads to.
struct Branch {
    state: Vec<f64>,
    /// Differences of every layer there, less those without a nudge (V).
    errors: Vec<Matrix<f64>>,
    /// Those without a nudge (V).
    zero: Vec<Matrix<f64>>,
}

/// Looks at samples at some nudge.
struct Looker<'a> {
    simulation: &'a Simulation<'a>,
    at_least: f64,
}

impl Looker<'_> {
    /// The first sample whose free potentials leave no digits for a difference, whatever the nudge. Weights
    /// that a diverging learner leaves (10⁶ and more in every layer) would be integrated for millions of
    /// steps at every nudge, to the same end.
    fn beyond_numbers(&self) -> Option<Shortfall> {
        let spec = self.simulation.at(0.0);
        let free = nudged(self.simulation.chip(), self.simulation.weights, self.simulation.batch, &spec)
            .free_state();
        let largest = self.simulation.largest();
        let is_beyond = |&sample: &usize| free.row(sample).iter().any(|v| v.is_nan() || v.abs() > largest);
        let sample = (0..free.nrows()).find(is_beyond)?;
        let lack = Lack::Fails(Failure::Unsettled(Outcome::NotFinite));
        Some(Shortfall { sample, beta: 0.0, margin: None, lack })
    }

    /// Samples below the margin at a nudge, the worst first.
    fn look(&self, samples: &[usize], beta: f64) -> Vec<Shortfall> {
        let unknown: Vec<Option<Branch>> = samples.iter().map(|_| None).collect();
        self.integrated(samples, beta, &unknown)
    }

    /// [`Looker::look`] at less than the circuit's own nudge: nothing is integrated while the branch says
    /// that a sample lacks the margin.
    fn lower_look(&self, samples: &[usize], beta: f64) -> Vec<Shortfall> {
        self.walk(samples, beta)
            .map_or_else(|short| short, |branches| self.integrated(samples, beta, &branches))
    }

    /// The branches of all samples at a nudge, or the samples that lack the margin on theirs, the worst
    /// first.
    fn walk(&self, samples: &[usize], beta: f64) -> Result<Vec<Option<Branch>>, Vec<Shortfall>> {
        let walked: Vec<_> = samples.par_iter().map(|&sample| self.walked(sample, beta)).collect();
        let (mut branches, mut short) = (Vec::new(), Vec::new());
        for found in walked {
            match found {
                Ok(branch) => branches.push(Some(branch)),
                Err(one) => short.push(one),
            }
        }
        if short.is_empty() { Ok(branches) } else { Err(sorted(short)) }
    }

    /// Samples that do not come to rest with the margin, where the branch leads to.
    fn integrated(&self, samples: &[usize], beta: f64, branches: &[Option<Branch>]) -> Vec<Shortfall> {
        if samples.is_empty() {
            return Vec::new();
        }
        let seen = self.simulation.integrate(samples, beta, 1.0);
        let judged = |((sample, outcome, state), branch): ((usize, Outcome, Vec<f64>), &Option<Branch>)| {
            let (margin, lack) = self.judge((sample, beta), outcome, &state, branch.as_ref())?;
            Some(Shortfall { sample, beta, margin, lack })
        };
        sorted(seen.into_par_iter().zip(branches).filter_map(judged).collect())
    }

    /// The branch at a nudge, or what it says is wrong with a sample.
    fn walked(&self, sample: usize, beta: f64) -> Result<Branch, Shortfall> {
        let batch = self.simulation.one(sample);
        let told = |margin: Option<f64>, lack: Lack| Shortfall { sample, beta, margin, lack };
        let ended = told(None, Lack::Fails(Failure::Elsewhere));
        let branch = self.branch(&batch, beta).ok_or(ended)?;
        let spec = self.simulation.at(beta);
        let circuit = nudged(self.simulation.chip(), self.simulation.weights, &batch, &spec);
        let spectrum = leading(&circuit, 0, &branch.state);
        let margin = -spectrum.abscissa() * circuit.slowest();
        let thin = margin < self.at_least;
        if thin { Err(told(Some(margin), Lack::Thin(spectrum.leaning()))) } else { Ok(branch) }
    }

    /// A nudge below `high` that all of some samples hold, and `high` the lowest that they do not.
    fn lower(&self, open: &[usize], high: &mut f64, mut short: Vec<Shortfall>) -> Result<f64, Shortfall> {
        let mut restless = 0;
        for _ in 0..LOWERINGS {
            let foreseen = short.iter().map(|one| self.foreseen(one)).fold(MOST, f64::min);
            let beta = if restless > 1 { LEAST } else { foreseen } * *high;
            let walked = self.walk(open, beta);
            (short, restless) = match walked {
                Ok(branches) => (self.integrated(open, beta, &branches), restless + 1),
                Err(short) => (short, restless),
            };
            if short.is_empty() {
                return Ok(beta);
            }
            *high = beta;
            if restless == RESTLESS {
                break;
            }
        }
        // Only a look that found something ends here.
        short.into_iter().next().map_or(Ok(*high), Err)
    }

    /// Share of a nudge at which a sample is foreseen to have the margin: on the straight line from 1/τ,
    /// which it has without a nudge. In a linear circuit the margin is on it.
    fn foreseen(&self, short: &Shortfall) -> f64 {
        let line = |margin: f64| (1.0 - self.at_least) / (1.0 - margin);
        let known = short.margin.filter(|&margin| margin < self.at_least);
        known.map_or(BLIND, line).clamp(LEAST, MOST)
    }

    /// Margin and what is wrong with a sample, if anything is.
    fn judge(
        &self,
        (sample, beta): (usize, f64),
        outcome: Outcome,
        state: &[f64],
        branch: Option<&Branch>,
    ) -> Option<(Option<f64>, Lack)> {
        let batch = self.simulation.one(sample);
        let spec = self.simulation.at(beta);
        let circuit = nudged(self.simulation.chip(), self.simulation.weights, &batch, &spec);
        let tolerance = newton_tolerance(&circuit);
        let margin = |point: &FixedPoint| {
            let spectrum = point.converged.then(|| leading(&circuit, 0, &point.state))?;
            let margin = -spectrum.abscissa() * circuit.slowest();
            margin.is_finite().then_some((margin, spectrum.leaning()))
        };
        if !outcome.is_settled() {
            let free: Vec<f64> = circuit.free_state().iter().copied().collect();
            let found = margin(&homotopy(&circuit, 0, &free, tolerance));
            let lack = match found {
                // Whoever is too slow says less than the eigenvalue.
                Some((margin, leaning)) if outcome == Outcome::Timeout && margin < self.at_least => {
                    Lack::Thin(leaning)
                }
                _ => Lack::Fails(Failure::Unsettled(outcome)),
            };
            return Some((found.map(|found| found.0), lack));
        }
        let point = fixed_point(&circuit, 0, state, tolerance);
        let found = margin(&point);
        let elsewhere = Lack::Fails(Failure::Elsewhere);
        let Some((margin, leaning)) = found else { return Some((None, elsewhere)) };
        if !self.on_branch((&batch, beta), &point.state, branch) {
            return Some((Some(margin), elsewhere));
        }
        if find_on_rails(&circuit, &spec.solver, &[Some(&point.state)])[0] {
            return Some((Some(margin), Lack::Fails(Failure::Unsettled(Outcome::LatchUp))));
        }
        (margin < self.at_least).then_some((Some(margin), Lack::Thin(leaning)))
    }

    /// Returns whether an equilibrium is that to which the free one leads as the nudge is turned up.
    fn on_branch(&self, (batch, beta): (&Batch<f64>, f64), state: &[f64], known: Option<&Branch>) -> bool {
        let walked = if known.is_none() { self.branch(batch, beta) } else { None };
        let Some(branch) = known.or(walked.as_ref()) else { return false };
        let settled = less(&self.point(batch, beta, state).1, &branch.zero);
        alike((&branch.errors, beta), (&settled, beta))
    }

    /// The equilibrium near a state, with the differences of every layer there.
    fn point(&self, batch: &Batch<f64>, beta: f64, state: &[f64]) -> (FixedPoint, Vec<Matrix<f64>>) {
        let spec = self.simulation.at(beta);
        let circuit = nudged(self.simulation.chip(), self.simulation.weights, batch, &spec);
        let point = continued_point(&circuit, 0, state, newton_tolerance(&circuit), STEPS);
        let errors = compute_errors(&circuit, &point.state);
        (point, errors)
    }

    /// The point of the branch at a nudge, walked to from none; `None` if the branch ends before.
    fn branch(&self, batch: &Batch<f64>, beta: f64) -> Option<Branch> {
        let free = {
            let spec = self.simulation.at(0.0);
            let circuit = nudged(self.simulation.chip(), self.simulation.weights, batch, &spec);
            let start: Vec<f64> = circuit.free_state().iter().copied().collect();
            fixed_point(&circuit, 0, &start, newton_tolerance(&circuit)).state
        };
        let zero = self.point(batch, 0.0, &free).1;
        let (mut done, mut here, mut stride) = (0.0, (free, Vec::new()), FIRST * beta);
        while done < beta {
            let next = f64::min(done + stride, beta);
            let (point, errors) = self.point(batch, next, &here.0);
            let errors = less(&errors, &zero);
            let near = here.1.is_empty() || alike((&here.1, done), (&errors, next));
            if point.converged && near {
                (done, here, stride) = (next, (point.state, errors), 2.0 * stride);
            } else if stride <= SHORTEST * beta {
                return None;
            } else {
                stride *= 0.5;
            }
        }
        Some(Branch { state: here.0, errors: here.1, zero })
    }
}

/// What lacks a margin, the worst first.
fn sorted(mut short: Vec<Shortfall>) -> Vec<Shortfall> {
    short.sort_by(|a, b| {
        let ((settled_a, margin_a), (settled_b, margin_b)) = (a.rank(), b.rank());
        settled_a.cmp(&settled_b).then(margin_a.total_cmp(&margin_b)).then(a.sample.cmp(&b.sample))
    });
    short
}

/// Differences less those without a nudge.
fn less(errors: &[Matrix<f64>], zero: &[Matrix<f64>]) -> Vec<Matrix<f64>> {
    errors.iter().zip(zero).map(|(error, zero)| error - zero).collect()
}

/// Residual (V) to which fixed points are found.
fn newton_tolerance(circuit: &DyadCircuit<'_, f64>) -> f64 {
    1e-9 * (1.0 + circuit.free_state().amax())
}

/// Differences of every layer at the state of one sample (V).
fn compute_errors(circuit: &DyadCircuit<'_, f64>, state: &[f64]) -> Vec<Matrix<f64>> {
    circuit.differences(&Matrix::from_row_slice(1, state.len(), state))
}
