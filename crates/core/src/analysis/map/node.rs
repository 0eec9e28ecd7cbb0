//! One point of a map: the outcome of every sample, and the spectrum at its equilibrium.

use crate::circuit::{Circuit, DyadCircuit, Dynamics};
use crate::matrix::Matrix;
use crate::solve::{
    FixedPoint, Outcome, Verdict, continued_point, find_on_rails, homotopy, leading, settle_all,
};
use crate::spec::SolverSpec;

/// Equilibria are found to this residual, in units of `1 V + ‖v_free‖∞`.
const TOLERANCE: f64 = 1e-9;
/// Newton steps from an equilibrium that is near.
const STEPS: usize = 12;
/// Newton steps where a neighbour has none: enough for a linear circuit, and for a branch that begins again.
const FEW: usize = 4;

/// Criterion by which a point of a map is classified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// Eigenvalues at the equilibrium, continued from a neighbour.
    Eigenvalues,
    /// Integration from the start that the description names.
    Integration,
    /// Both.
    Both,
}

/// Results at a point.
#[derive(Clone, Debug)]
pub struct Node {
    /// Outcome of every sample; empty if nothing was integrated.
    pub outcomes: Vec<Outcome>,
    /// Potentials of every sample at its equilibrium (V), where one is known.
    equilibria: Vec<Option<Vec<f64>>>,
    /// The least stable sample that has an equilibrium: sample, real and imaginary part (1/s), verdict.
    pub worst: Option<(usize, f64, f64, Verdict)>,
    /// Samples whose equilibrium lies on a rail that the free one does not touch: latch-up, however stable
    /// (docs/model.md §5).
    pub on_rails: usize,
    /// Samples without a known equilibrium, found to have none or not looked for; 0 if eigenvalues were not
    /// asked for.
    pub lost: usize,
    /// Slowest time constant of the circuit (s).
    pub slowest: f64,
    /// Equilibria that Newton's method was asked for.
    pub searches: usize,
    /// Samples that were integrated.
    pub integrations: usize,
}

impl Node {
    /// Evaluates a circuit, starting from the equilibria of a neighbouring point if there is one.
    #[must_use]
    pub fn evaluate(
        circuit: &DyadCircuit<'_, f64>,
        solver: &SolverSpec,
        by: Criterion,
        near: Option<&Self>,
    ) -> Self {
        let samples = circuit.samples();
        let mut node = Self {
            outcomes: Vec::new(),
            equilibria: vec![None; samples],
            worst: None,
            on_rails: 0,
            lost: 0,
            slowest: circuit.slowest(),
            searches: 0,
            integrations: 0,
        };
        let mut ends = None;
        if by != Criterion::Eigenvalues {
            let settled = settle_all(solver, circuit, false);
            node.outcomes = settled.outcomes;
            // With eigenvalues besides, the search for equilibria counts these samples when it takes their
            // ends.
            node.integrations = if by == Criterion::Integration { samples } else { 0 };
            ends = Some(settled.state);
        }
        if by != Criterion::Integration {
            node.find_equilibria(circuit, solver, near, ends);
            node.find_worst(circuit);
            let known: Vec<Option<&[f64]>> = node.equilibria.iter().map(Option::as_deref).collect();
            node.on_rails = find_on_rails(circuit, solver, &known).into_iter().filter(|&on| on).count();
        }
        node
    }

    /// Equilibria, continued from those of a neighbour where nothing was integrated. Samples of which that
    /// does not find one are integrated: it costs less than a search, and goes where the circuit goes. Where
    /// this does not come to rest either, Newton's method is asked once more; of the samples that were lost
    /// at the neighbour, only until one is lost again, which decides.
    fn find_equilibria(
        &mut self,
        circuit: &DyadCircuit<'_, f64>,
        solver: &SolverSpec,
        near: Option<&Self>,
        ends: Option<Matrix<f64>>,
    ) {
        let starts = Starts::new(circuit, near);
        let open: Vec<usize> = match ends {
            Some(_) => (0..self.equilibria.len()).collect(),
            None => self.continue_equilibria(circuit, &starts),
        };
        let (outcomes, ends) = match ends {
            Some(ends) => (self.outcomes.clone(), ends),
            None if open.is_empty() => return,
            None => {
                let settled = settle_all(solver, &circuit.subset(&open), false);
                (settled.outcomes, settled.state)
            }
        };
        self.integrations += outcomes.len();
        let mut lost_again = false;
        for (row, &i) in open.iter().enumerate() {
            let end: Vec<f64> = ends.row(row).iter().copied().collect();
            // What noise has left, or charge that has leaked away, is a start, not an equilibrium.
            if outcomes[row] == Outcome::Settled && circuit.leakage_loss() == 0.0 {
                self.equilibria[i] = Some(end);
                continue;
            }
            let mut found = None;
            if ends_near(outcomes[row], circuit) {
                self.searches += 1;
                let point = continued_point(circuit, i, &end, starts.tolerance, STEPS);
                found = Some(point).filter(|point| point.converged);
            }
            if found.is_none() && !(lost_again && starts.known(i).is_none()) {
                self.searches += 1;
                found = Some(starts.search(circuit, i)).filter(|point| point.converged);
                lost_again |= found.is_none() && starts.near.is_some();
            }
            self.equilibria[i] = found.map(|point| point.state);
        }
    }

    /// Continues equilibria from where the neighbour has them, or from rest if there is no neighbour; returns
    /// the samples of which that finds none.
    fn continue_equilibria(&mut self, circuit: &DyadCircuit<'_, f64>, starts: &Starts<'_>) -> Vec<usize> {
        let mut open: Vec<usize> = (0..self.equilibria.len()).collect();
        open.retain(|&i| {
            let at_rest = || starts.near.is_none().then(|| starts.rest(i));
            let start = starts.known(i).map(<[f64]>::to_vec).or_else(at_rest);
            self.searches += usize::from(start.is_some());
            let found = start.map(|start| continued_point(circuit, i, &start, starts.tolerance, STEPS));
            self.equilibria[i] = found.filter(|point| point.converged).map(|point| point.state);
            self.equilibria[i].is_none()
        });
        open
    }

    /// The least stable sample.
    fn find_worst(&mut self, circuit: &DyadCircuit<'_, f64>) {
        for (i, state) in self.equilibria.iter_mut().enumerate() {
            let found = state.as_ref().map(|state| leading(circuit, i, state));
            // An eigenvalue that is no number says as little of the sample as an equilibrium that was not
            // found.
            let Some(found) = found.filter(|found| found.abscissa().is_finite()) else {
                (*state, self.lost) = (None, self.lost + 1);
                continue;
            };
            if self.worst.is_none_or(|(_, re, ..)| found.abscissa() > re) {
                // Eigenvalues come by falling real part, so the first is the one of the abscissa.
                let turn = found.eigenvalues.first().map_or(0.0, |e| e.im);
                self.worst = Some((i, found.abscissa(), turn, found.verdict()));
            }
        }
    }

    /// Outcome of the batch: settled if all samples are, else the most frequent failure.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        let count = |outcome: Outcome| self.outcomes.iter().filter(|o| **o == outcome).count();
        let failures = Outcome::ALL.into_iter().filter(|o| !o.is_settled() && count(*o) > 0);
        // The first of equals, which `max_by_key` would not give.
        let failure = failures.rev().max_by_key(|o| count(*o));
        failure.or_else(|| self.outcomes.iter().copied().max())
    }

    /// Share of the samples that came to rest.
    #[must_use]
    pub fn at_rest(&self) -> Option<f64> {
        let at_rest = self.outcomes.iter().filter(|o| o.is_settled()).count();
        (!self.outcomes.is_empty()).then(|| at_rest as f64 / self.outcomes.len() as f64)
    }

    /// Largest real part of an eigenvalue, in units of 1/τ of the slowest compartment.
    #[must_use]
    pub fn abscissa(&self) -> Option<f64> {
        self.worst.map(|(_, re, ..)| re * self.slowest)
    }

    /// Verdict on the equilibria, where all are known: latch-up also where a stable one lies on a rail.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        match self.worst {
            // One unstable sample decides, whatever became of those that were lost.
            Some((_, re, _, verdict)) if re >= 0.0 => Some(verdict),
            _ if self.on_rails > 0 => Some(Verdict::LatchUp),
            Some((.., verdict)) if self.lost == 0 => Some(verdict),
            _ => None,
        }
    }

    /// Returns whether every sample has an equilibrium that is on no rail, and all eigenvalues are on the
    /// left.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        self.lost == 0 && self.on_rails == 0 && self.worst.is_some_and(|(_, re, ..)| re < 0.0)
    }
}

/// From where Newton's method may start at a point.
struct Starts<'a> {
    /// A neighbour that says something of this point.
    near: Option<&'a Node>,
    free: Matrix<f64>,
    /// Residual of an equilibrium (V).
    tolerance: f64,
}

impl<'a> Starts<'a> {
    fn new(circuit: &DyadCircuit<'_, f64>, near: Option<&'a Node>) -> Self {
        let free = circuit.free_state();
        let tolerance = TOLERANCE * (1.0 + free.amax());
        // Along an axis that changes the network a neighbour says nothing.
        let near = near.filter(|near| near.equilibria.iter().flatten().all(|x| x.len() == free.ncols()));
        Self { near, free, tolerance }
    }

    /// The sample's equilibrium at the neighbour.
    fn known(&self, i: usize) -> Option<&'a [f64]> {
        self.near.and_then(|near| near.equilibria.get(i)?.as_deref())
    }

    /// The sample's free state.
    fn rest(&self, i: usize) -> Vec<f64> {
        self.free.row(i).iter().copied().collect()
    }

    /// Newton's method from the best start there is, whatever it comes to.
    fn search(&self, circuit: &DyadCircuit<'_, f64>, i: usize) -> FixedPoint {
        match (self.known(i), self.near) {
            (Some(start), _) => continued_point(circuit, i, start, self.tolerance, STEPS),
            // Lost there, most likely lost here: few steps keep regions without equilibria cheap.
            (None, Some(_)) => continued_point(circuit, i, &self.rest(i), self.tolerance, FEW),
            (None, None) => homotopy(circuit, i, &self.rest(i), self.tolerance),
        }
    }
}

/// Returns whether there may be an equilibrium near where a sample ended; what has latched up at a rail has
/// one there.
fn ends_near(outcome: Outcome, circuit: &DyadCircuit<'_, f64>) -> bool {
    // From the end of a runaway or a cycle Newton's method would find a point that was never near.
    let at_rail = outcome == Outcome::LatchUp && circuit.supply().is_some();
    outcome.is_settled() || outcome == Outcome::Timeout || at_rail
}
