//! One point of a map: what becomes of every sample there, and what the Jacobian at its equilibrium says.

use crate::circuit::{Circuit, DyadCircuit};
use crate::matrix::Matrix;
use crate::solve::{Outcome, Verdict, continued_point, followed_point, leading, settle_all};
use crate::spec::SolverSpec;

/// Equilibria are found to this residual, in units of `1 V + ‖v_free‖∞`.
const TOLERANCE: f64 = 1e-9;
/// Newton steps from an equilibrium that is near.
const STEPS: usize = 12;
/// Newton steps where a neighbour has none: enough for a linear circuit, and for a branch that begins again.
const FEW: usize = 4;

/// How a point is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By the eigenvalues at the equilibrium, continued from a neighbour.
    Eigenvalues,
    /// By integration from the start that the description names: what really becomes of it.
    Integration,
    /// By both.
    Both,
}

/// What was found at a point.
#[derive(Clone, Debug)]
pub struct Node {
    /// How every sample ended; empty if nothing was integrated.
    pub outcomes: Vec<Outcome>,
    /// Potentials of every sample at its equilibrium (V), where one is known.
    equilibria: Vec<Option<Vec<f64>>>,
    /// The least stable sample that has an equilibrium: sample, real and imaginary part (1/s), verdict.
    pub worst: Option<(usize, f64, f64, Verdict)>,
    /// Samples without a known equilibrium; 0 if eigenvalues were not asked for.
    pub lost: usize,
    /// Slowest time constant of the circuit (s).
    pub slowest: f64,
    /// Equilibria that Newton's method was asked for.
    pub searches: usize,
}

impl Node {
    /// Looks at a circuit, near a point whose equilibria are known.
    #[must_use]
    pub fn look(circuit: &DyadCircuit<'_, f64>, solver: &SolverSpec, by: By, near: Option<&Self>) -> Self {
        let samples = circuit.samples();
        let mut node = Self {
            outcomes: Vec::new(),
            equilibria: vec![None; samples],
            worst: None,
            lost: 0,
            slowest: circuit.slowest(),
            searches: 0,
        };
        let mut ends = None;
        if by != By::Eigenvalues {
            let settled = settle_all(solver, circuit, false);
            node.outcomes = settled.outcomes;
            ends = Some(settled.state);
        }
        if by != By::Integration {
            node.find_equilibria(circuit, near, ends.as_ref());
            node.find_worst(circuit);
        }
        node
    }

    /// Equilibria: where integration has come to rest; else from those of a neighbour, and from where it was given up.
    fn find_equilibria(
        &mut self,
        circuit: &DyadCircuit<'_, f64>,
        near: Option<&Self>,
        ends: Option<&Matrix<f64>>,
    ) {
        let free = circuit.free_state();
        // Along an axis that changes the network a neighbour says nothing.
        let near = near.filter(|near| near.equilibria.iter().flatten().all(|x| x.len() == free.ncols()));
        let tolerance = TOLERANCE * (1.0 + free.amax());
        for i in 0..self.equilibria.len() {
            let end = || ends.map(|ends| ends.row(i).iter().copied().collect::<Vec<f64>>());
            let outcome = self.outcomes.get(i).copied();
            // What noise has left, or charge that has leaked away, is a start, not an equilibrium.
            if outcome == Some(Outcome::Settled) && circuit.droop() == 0.0 {
                self.equilibria[i] = end();
                continue;
            }
            self.searches += 1;
            let rest = || free.row(i).iter().copied().collect::<Vec<f64>>();
            let found = match near {
                Some(near) => match near.equilibria.get(i).and_then(Option::as_deref) {
                    Some(start) => continued_point(circuit, i, start, tolerance, STEPS),
                    None => continued_point(circuit, i, &rest(), tolerance, FEW),
                },
                None => followed_point(circuit, i, &rest(), tolerance),
            };
            let late = outcome.is_some_and(|o| o.is_settled() || o == Outcome::Timeout);
            let found = Some(found).filter(|point| point.converged).or_else(|| {
                let end = end().filter(|_| late)?;
                Some(continued_point(circuit, i, &end, tolerance, STEPS)).filter(|point| point.converged)
            });
            self.equilibria[i] = found.map(|point| point.state);
        }
    }

    /// The least stable sample.
    fn find_worst(&mut self, circuit: &DyadCircuit<'_, f64>) {
        for (i, state) in self.equilibria.iter_mut().enumerate() {
            let found = state.as_ref().map(|state| leading(circuit, i, state));
            let Some(found) = found.filter(|found| found.abscissa().is_finite()) else {
                (*state, self.lost) = (None, self.lost + 1);
                continue;
            };
            if self.worst.is_none_or(|(_, re, ..)| found.abscissa() > re) {
                let turn = found.eigenvalues.first().map_or(0.0, |e| e.im);
                self.worst = Some((i, found.abscissa(), turn, found.verdict()));
            }
        }
    }

    /// What becomes of the batch: settled if all of it does, else the most frequent failure.
    #[must_use]
    pub fn fate(&self) -> Option<Outcome> {
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

    /// Whether every sample has an equilibrium and all eigenvalues are on the left.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        self.lost == 0 && self.worst.is_some_and(|(_, re, ..)| re < 0.0)
    }
}
