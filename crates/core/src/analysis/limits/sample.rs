//! The largest safe nudge of one sample.

use super::super::continuation::{CircuitFamily, CircuitSetting};
use super::Search;
use super::simulation::{Failure, Ramp, Simulation, next};
use super::stable_branch::{Prediction, StableBranch};
use crate::solve::Outcome;

/// Where a foreseen limit is tried, in units of it: a circuit may fail in a window just below it.
const BELOW: [f64; 4] = [0.92, 0.94, 0.96, 0.98];
const ABOVE: f64 = 1.02;
/// Distance from a foreseen limit, as a share of it, where it is seen how far the state jumps: it changes
/// smoothly, too.
const CLOSE: f64 = 0.002;
/// Beyond the first nudge that fails, the branch is followed by this factor more.
const BEYOND: f64 = 1.3;
/// Factor of the simulated time for a simulation that was too slow.
const PATIENCE: f64 = 10.0;
/// Most small jumps that are passed.
const JUMPS: usize = 50;
/// Most trials of a bisection.
const HALVINGS: usize = 40;

/// The limit of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleLimit {
    /// The sample.
    pub sample: usize,
    /// Largest safe nudge; `None` if none fails up to the highest.
    pub limit: Option<f64>,
    /// Failure of the circuit beyond it.
    pub failure: Option<Failure>,
    /// Limit predicted by eigenvalues along the branch.
    pub foreseen: Option<Prediction>,
    /// True if integration just below and above confirms the predicted limit; else `limit` is by bisection.
    pub confirmed: bool,
    /// Folds below the limit at which the state moves to a nearby equilibrium, and the gradient estimate with
    /// it by less than [`Failure::Elsewhere`] asks for.
    pub small_jumps: usize,
}

/// Finds the limit of a sample; also how many trials it took beside those of the march.
pub(super) fn limit(
    simulation: &Simulation<'_>,
    ramp: &Ramp,
    sample: usize,
    search: &Search,
) -> (SampleLimit, usize) {
    let seen = ramp.of(sample);
    let first_bad = seen.iter().find(|one| !one.1.is_settled()).map(|one| one.0);
    // The branch may turn shortly above the first failure of the coarse ramp; farther on it is not needed.
    let end = first_bad.map_or(search.highest, |beta| (BEYOND * beta).min(search.highest));
    let setting = |beta: f64| Some(CircuitSetting { spec: simulation.at(beta), gain: 1.0 });
    let family = CircuitFamily::new(&setting, (0.0, end), simulation.weights, simulation.one(sample));
    let mut finder = Finder { simulation, sample, branch: None, trials: 0 };
    finder.branch = family.as_ref().and_then(|family| StableBranch::follow(family, end));
    let foreseen = finder.pass_jumps(end);
    let small_jumps = finder.branch.as_ref().map_or(0, StableBranch::small_jumps);
    let mut bracket: Bracket = (0.0, None);
    for (beta, outcome, state) in seen {
        let failure = match finder.judge(beta, outcome, state) {
            // Close to a fold the decay is as slow as one likes, so a timeout alone is no failure yet.
            Some(Failure::Unsettled(Outcome::Timeout)) => finder.attempt(beta),
            failure => failure,
        };
        bracket = after(bracket, beta, failure);
        // The limit is the lowest nudge that fails: safe windows above it are of no use to a rising nudge.
        if bracket.1.is_some() {
            break;
        }
    }
    // A sample that was only slow has left the march, and goes on alone.
    while bracket.1.is_none() && bracket.0 < search.highest {
        let beta = next(bracket.0, search.highest);
        let failure = finder.attempt(beta);
        bracket = after(bracket, beta, failure);
    }
    let limit = finder.limit(bracket, foreseen.as_ref().map(|foreseen| foreseen.beta), search);
    let (limit, failure, confirmed) = match limit {
        // What grows by a real eigenvalue where nothing bends does not turn. A slow growth may be taken for
        // an oscillation by what watches a trajectory, because the transient before it turned.
        Some((limit, Failure::Unsettled(_), true))
            if foreseen.as_ref().is_some_and(|f| f.event == "infinity") =>
        {
            (Some(limit), Some(Failure::Unsettled(Outcome::LatchUp)), true)
        }
        Some((limit, failure, confirmed)) => (Some(limit), Some(failure), confirmed),
        None => (None, None, foreseen.is_none()),
    };
    (SampleLimit { sample, limit, failure, foreseen, confirmed, small_jumps }, finder.trials)
}

/// Tries nudges on one sample.
struct Finder<'a> {
    simulation: &'a Simulation<'a>,
    sample: usize,
    branch: Option<StableBranch<'a>>,
    trials: usize,
}

/// A nudge that is safe, and one that is not with what happens there.
type Bracket = (f64, Option<(f64, Failure)>);

/// The bracket after a trial above its safe end.
fn after(bracket: Bracket, beta: f64, failure: Option<Failure>) -> Bracket {
    match failure {
        None => (beta, bracket.1),
        Some(failure) => (bracket.0, Some((beta, failure))),
    }
}

impl Finder<'_> {
    /// Why what was seen at a nudge is no safe end, if it is none.
    fn judge(&self, beta: f64, outcome: Outcome, state: &[f64]) -> Option<Failure> {
        if !outcome.is_settled() {
            return Some(Failure::Unsettled(outcome));
        }
        // Without a branch there is nothing to compare with.
        let there = self.branch.as_ref().is_none_or(|branch| branch.holds(beta, state));
        (!there).then_some(Failure::Elsewhere)
    }

    /// What ends the stable branch, after the ends beyond which the circuit settles so near that its gradient
    /// hardly changes.
    fn pass_jumps(&mut self, end: f64) -> Option<Prediction> {
        for _ in 0..JUMPS {
            let foreseen = self.branch.as_ref()?.predicted_end(end)?;
            let above = (1.0 + CLOSE) * foreseen.beta;
            // Nothing is integrated beyond the end: whether this is a small jump does not matter.
            if above >= end {
                return Some(foreseen);
            }
            self.trials += 1;
            let seen = self.simulation.integrate(&[self.sample], above, PATIENCE);
            let passed = seen.first().is_some_and(|(_, outcome, state)| {
                outcome.is_settled()
                    && self.branch.as_mut().is_some_and(|branch| branch.go_on(above, end, state))
            });
            if !passed {
                return Some(foreseen);
            }
        }
        self.branch.as_ref()?.predicted_end(end)
    }

    /// Integrates at a nudge, and once more for longer where time was too short: why it is not safe, if it is
    /// not.
    fn attempt(&mut self, beta: f64) -> Option<Failure> {
        let mut failure = None;
        for patience in [1.0, PATIENCE] {
            self.trials += 1;
            let seen = self.simulation.integrate(&[self.sample], beta, patience);
            failure = seen.first().and_then(|(_, outcome, state)| self.judge(beta, *outcome, state));
            // Only a timeout may become another answer with more time.
            if failure != Some(Failure::Unsettled(Outcome::Timeout)) {
                break;
            }
        }
        failure
    }

    /// Largest safe nudge, what happens beyond, and whether that was foreseen.
    fn limit(
        &mut self,
        bracket: Bracket,
        foreseen: Option<f64>,
        search: &Search,
    ) -> Option<(f64, Failure, bool)> {
        let (mut safe, mut bad) = bracket;
        // A prediction outside the bracket is refuted already: the circuit has settled above it, or failed
        // below.
        if let Some(beta) = foreseen
            && beta > safe
            && bad.is_none_or(|(bad, _)| beta <= bad)
        {
            // Nudges up to the safe end have been integrated; each trial costs a relaxation.
            let tried = safe;
            for below in BELOW.map(|share| share * beta).into_iter().filter(|&below| below > tried) {
                if let Some(failure) = self.attempt(below) {
                    bad = Some((below, failure));
                    break;
                }
                safe = below;
            }
            // The stable branch ends at the foreseen nudge, so that something must happen beyond.
            if bad.is_none_or(|(bad, _)| bad >= beta)
                && let Some(failure) = self.attempt(ABOVE * beta)
            {
                return Some((beta, failure, true));
            }
        }
        let (mut high, mut failure) = bad?;
        for _ in 0..HALVINGS {
            // Relative to the upper end, which is above zero even where no nudge is safe.
            if high - safe <= search.width * high {
                break;
            }
            // By factors, once there is a nudge to start from.
            let middle = if safe > 0.0 { (safe * high).sqrt() } else { 0.5 * high };
            match self.attempt(middle) {
                None => safe = middle,
                Some(found) => (high, failure) = (middle, found),
            }
        }
        Some((safe, failure, false))
    }
}
