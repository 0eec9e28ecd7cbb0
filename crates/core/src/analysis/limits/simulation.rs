//! Simulations: the circuit integrated from its free state at some nudge.

use crate::chip::{Chip, Weights};
use crate::learn::{Batch, nudged};
use crate::matrix::select_rows;
use crate::noise::Sources;
use crate::solve::{Outcome, settle_all};
use crate::spec::{CircuitSpec, SolverKind, SolverSpec, Start};

use super::Search;

/// Nudges of a march rise by this factor.
const STRIDE: f64 = 1.1;
/// The first nudge of a march, as a share of the highest.
const FIRST: f64 = 1e-3;
/// Factor by which a march goes down where the first nudge fails already, and how often at most: to 1e-12 of
/// the highest and below.
const DOWN: f64 = 0.5;
const DEPTH: usize = 48;

/// Why a nudge is not safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The integration did not settle.
    Unsettled(Outcome),
    /// It settled at another equilibrium than that which the free state leads to, where the gradient estimate
    /// `δ/β` of some layer differs by more than a tenth.
    Elsewhere,
}

impl Failure {
    /// Name in tables and on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsettled(outcome) => outcome.name(),
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// Chip, weights and samples that are integrated at any nudge.
pub(super) struct Simulation<'a> {
    spec: CircuitSpec,
    chip: Chip<f64>,
    pub weights: &'a Weights<f64>,
    pub batch: &'a Batch<f64>,
    highest: f64,
}

/// Results at one nudge: sample, outcome and last state.
type Results = Vec<(usize, Outcome, Vec<f64>)>;

/// Results at rising nudges; samples that fail take no further part.
pub(super) struct Ramp {
    steps: Vec<(f64, Results)>,
}

impl Ramp {
    /// Samples that were integrated.
    pub fn trials(&self) -> usize {
        self.steps.iter().map(|(_, seen)| seen.len()).sum()
    }

    /// Nudge, outcome and state of a sample, in rising order.
    pub fn of(&self, sample: usize) -> Vec<(f64, Outcome, &[f64])> {
        let at = |(beta, seen): &'_ (f64, Results)| {
            seen.iter().position(|one| one.0 == sample).map(|place| (*beta, place))
        };
        let mut found: Vec<_> = self
            .steps
            .iter()
            .filter_map(|step| at(step).map(|(beta, place)| (beta, step.1[place].1, &step.1[place].2[..])))
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        found
    }
}

impl<'a> Simulation<'a> {
    pub fn new(
        spec: &CircuitSpec,
        weights: &'a Weights<f64>,
        batch: &'a Batch<f64>,
        search: &Search,
    ) -> Self {
        let mut chip = Chip::fabricate(spec, &weights.network());
        // Neither noise nor what a capacitor loses before it is read belongs to the equilibrium.
        (chip.noise, chip.periphery.leakage_loss) = (Sources::default(), 0.0);
        let spec = CircuitSpec { solver: patient(&spec.solver, search.time), ..spec.clone() };
        Self { spec, chip, weights, batch, highest: search.highest }
    }

    /// The circuit at a nudge.
    pub fn at(&self, beta: f64) -> CircuitSpec {
        let mut spec = self.spec.clone();
        spec.nudge.beta = beta;
        spec
    }

    /// The potential (V) of which rounding alone is as large as what the solver is to resolve: `atol / ε`.
    /// Beyond it two compartments have no difference that could settle.
    pub fn largest(&self) -> f64 {
        self.spec.solver.atol / f64::EPSILON
    }

    /// The chip, without noise.
    pub fn chip(&self) -> &Chip<f64> {
        &self.chip
    }

    /// Batch of one sample.
    pub fn one(&self, sample: usize) -> Batch<f64> {
        self.some(&[sample])
    }

    fn some(&self, samples: &[usize]) -> Batch<f64> {
        Batch::new(select_rows(&self.batch.inputs, samples), select_rows(&self.batch.targets, samples))
    }

    /// Integrates some samples at a nudge, for `patience` times the usual time at most.
    pub fn integrate(&self, samples: &[usize], beta: f64, patience: f64) -> Results {
        let mut spec = self.at(beta);
        spec.solver.max_time *= patience;
        let batch = self.some(samples);
        let circuit = nudged(&self.chip, self.weights, &batch, &spec);
        let settled = settle_all(&spec.solver, &circuit, false);
        let state = |row: usize| settled.state.row(row).iter().copied().collect();
        samples.iter().enumerate().map(|(row, &i)| (i, settled.outcomes[row], state(row))).collect()
    }

    /// Integrates all samples at rising nudges, up to where each fails.
    pub fn ramp(&self) -> Ramp {
        let all: Vec<usize> = (0..self.batch.inputs.nrows()).collect();
        let mut ramp = Ramp { steps: Vec::new() };
        let first = FIRST * self.highest;
        let (mut beta, mut open) = (first, all);
        while !open.is_empty() {
            let seen = self.integrate(&open, beta, 1.0);
            open = seen.iter().filter(|one| one.1.is_settled()).map(|one| one.0).collect();
            ramp.steps.push((beta, seen));
            if beta >= self.highest {
                break;
            }
            beta = next(beta, self.highest);
        }
        // Where even the first nudge fails, down to one that does not.
        let fails = |seen: &Results| -> Vec<usize> {
            seen.iter().filter(|one| !one.1.is_settled()).map(|one| one.0).collect()
        };
        let (mut beta, mut failing) = (first, fails(&ramp.steps[0].1));
        for _ in 0..DEPTH {
            if failing.is_empty() {
                break;
            }
            beta *= DOWN;
            let seen = self.integrate(&failing, beta, 1.0);
            failing = fails(&seen);
            ramp.steps.push((beta, seen));
        }
        ramp
    }
}

/// The solver of trials, which ask for an outcome and not for digits: near a border a state takes long for
/// each.
fn patient(solver: &SolverSpec, time: f64) -> SolverSpec {
    let spec = noiseless(solver, time);
    let usual = SolverSpec::default();
    SolverSpec { rtol: spec.rtol.max(usual.rtol), atol: spec.atol.max(usual.atol), ..spec }
}

/// The next nudge of a march.
pub(super) fn next(beta: f64, highest: f64) -> f64 {
    (STRIDE * beta).min(highest)
}

/// A solver that follows time to `time` slowest time constants at least, the noise left out.
pub(in super::super) fn noiseless(solver: &SolverSpec, time: f64) -> SolverSpec {
    let own = solver.kind;
    let kind = if own.is_adaptive() || own.is_clocked() { own } else { SolverKind::Etd };
    SolverSpec { kind, max_time: solver.max_time.max(time), start: Start::Free, ..solver.clone() }
}
