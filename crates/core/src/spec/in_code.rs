//! Descriptions made in code: they pass the same door as files, and their faults are told with the same
//! words.
//!
//! A description is written out as a file would hold it, read back and checked, so that nothing is accepted
//! here which a file could not say.

use std::path::PathBuf;

use serde::Serialize;

use super::check_experiment::{check_adversarial, check_batch, check_beta, check_epochs, check_optimizer};
use super::check_sizes::check_training_sizes;
use super::circuit::CircuitSpec;
use super::contrast::{ContrastSpec, check_contrast};
use super::door::checked_circuit;
use super::ep::{EquilibriumSpec, check_ep, check_homeostasis, check_rule};
use super::error::SpecError;
use super::experiment::{AdversarialSpec, ExperimentSpec, OptimizerSpec};
use super::fault::Fault;
use super::feedback::check_feedback_rules;
use super::loaded::Loaded;
use super::rule::RuleSpec;
use super::schema::FileKind;
use super::tree::Tree;

impl CircuitSpec {
    /// The same circuit, if a file could describe it.
    ///
    /// # Errors
    /// Every number that no circuit could have, with its key, what was found and what is accepted.
    ///
    /// ```
    /// # use dyadsim_core as dyadsim;
    /// use dyadsim::spec::CircuitSpec;
    /// let mut circuit = CircuitSpec::default();
    /// circuit.nudge.alpha = 3.0;
    /// let error = circuit.checked().unwrap_err().to_string();
    /// assert_eq!(error, "in code: `nudge.alpha`: found 3.0\n  accepted: a number from 0 to 1");
    /// ```
    pub fn checked(self) -> Result<Self, SpecError> {
        checked_circuit(&Tree::in_code(FileKind::Circuit, &self)?)
    }
}

impl ExperimentSpec {
    /// The experiment as if it had been read from a file of the working directory: checked, and ready to be
    /// planned.
    ///
    /// # Errors
    /// Whatever a file would be refused for.
    pub fn checked(&self) -> Result<Loaded, SpecError> {
        Loaded::new(PathBuf::new(), Tree::in_code(FileKind::Experiment, self)?, Vec::new())
    }
}

/// What [`check_training`] looks at, with the keys of an experiment file.
#[derive(Serialize)]
struct Written<'a> {
    epochs: usize,
    batch: usize,
    adversarial: &'a AdversarialSpec,
    ep: &'a EquilibriumSpec,
    scff: &'a ContrastSpec,
    optimizer: &'a OptimizerSpec,
    circuit: &'a CircuitSpec,
}

/// Checks how a network is to be trained on a circuit, as the door checks an experiment.
///
/// # Errors
/// The first value that no experiment could have, by its key in an experiment file.
pub(crate) fn check_training(
    rule: &RuleSpec,
    optimizer: &OptimizerSpec,
    (epochs, batch): (usize, usize),
    circuit: &CircuitSpec,
) -> Result<(), SpecError> {
    let check = || -> Result<(), Fault> {
        check_epochs(epochs)?;
        check_batch(batch)?;
        check_adversarial(rule.adversarial)?;
        check_ep(rule.ep)?;
        check_contrast(rule.contrast, &[rule.kind], batch)?;
        check_optimizer(optimizer)?;
        check_training_sizes(optimizer, rule.adversarial)?;
        check_beta(&[rule.kind], circuit.nudge.beta)?;
        check_feedback_rules(&[rule.kind], &circuit.feedback)?;
        check_homeostasis(rule.ep, circuit)?;
        check_rule(rule.kind, circuit)
    };
    check().map_err(|fault| {
        let RuleSpec { adversarial, ep, contrast: scff, .. } = rule;
        let written = Written { epochs, batch, adversarial, ep, scff, optimizer, circuit };
        Tree::in_code(FileKind::Experiment, &written).map_or_else(|error| error, |tree| tree.tell(fault))
    })
}

/// Checks that a rule is defined for a circuit, as the door checks an experiment with it.
///
/// # Errors
/// The first value that no experiment could have, by its key in an experiment file.
pub fn check_defined(rule: &RuleSpec, circuit: &CircuitSpec) -> Result<(), SpecError> {
    check_training(rule, &OptimizerSpec::default(), (1, 1), circuit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{
        CIRCUITS, CircuitSource, Place, RuleKind, SupplySpec, parse_circuit, parse_experiment,
    };

    #[test]
    fn what_a_file_says_passes_in_code_unchanged() {
        assert_eq!(CircuitSpec::default().checked().unwrap(), CircuitSpec::default());
        for shipped in CIRCUITS {
            let circuit = parse_circuit(shipped.file, shipped.text, &[]).unwrap();
            assert_eq!(circuit.clone().checked().unwrap(), circuit, "{}", shipped.file);
        }
    }

    #[test]
    fn every_fault_is_told_with_key_value_and_what_is_accepted() {
        let mut circuit = CircuitSpec { network: Some(vec![64]), ..CircuitSpec::default() };
        (circuit.nudge.alpha, circuit.nudge.beta) = (3.0, f64::NAN);
        let error = circuit.checked().unwrap_err().to_string();
        for told in [
            "in code: `nudge.alpha`: found 3.0\n  accepted: a number from 0 to 1",
            "in code: `nudge.beta`: found nan",
            "in code: `network`: found [64]\n  accepted: at least two layers",
        ] {
            assert!(error.contains(told), "{told}:\n{error}");
        }
        let supply = Some(SupplySpec { low: 1.0, high: 0.0 });
        let error = CircuitSpec { supply, ..CircuitSpec::default() }.checked().unwrap_err().to_string();
        let told = "in code: `supply.high`: found 0.0\n  accepted: a voltage above `supply.low` = 1 V";
        assert!(error.contains(told), "{error}");
    }

    #[test]
    fn a_number_that_no_file_can_hold_is_refused() {
        let mut circuit = CircuitSpec::default();
        circuit.mismatch.seed = Some(u64::MAX);
        assert!(circuit.checked().unwrap_err().to_string().starts_with("in code: "));
    }

    #[test]
    fn an_experiment_made_in_code_resolves_as_its_file_does() {
        let text = "name = 'x'\ncircuit = {}\ndataset = 'digits'\nnetwork = [64, 10]\nepochs = 1\nbatch = 10\nseeds = [1]\n\
                    rules = ['dp']\noptimizer = { kind = 'sgd', learning_rate = 0.1 }\n";
        let file = parse_experiment("e.toml", text, &[]).unwrap().resolve(&[]).unwrap();
        let again = file.experiment.checked().unwrap().resolve(&[]).unwrap();
        assert_eq!(again, file);
        let mut wrong = file.experiment;
        let mut circuit = file.circuit;
        circuit.nudge.alpha = -1.0;
        (wrong.circuit, wrong.batch) = (CircuitSource::Inline(Box::new(circuit)), 0);
        let error = wrong.checked().unwrap_err().to_string();
        assert!(error.contains("in code: `circuit.nudge.alpha`: found -1.0"), "{error}");
        assert!(error.contains("in code: `batch`: found 0"), "{error}");
    }

    #[test]
    fn a_training_is_refused_for_what_an_experiment_is_refused_for() {
        let under = |beta: f64| CircuitSpec::default().nudged(Some(beta));
        let told = |rule: RuleSpec, optimizer: OptimizerSpec, sizes, beta| {
            let error = check_training(&rule, &optimizer, sizes, &under(beta)).unwrap_err();
            let SpecError::Refused { at, .. } = error else {
                panic!("another fault");
            };
            assert_eq!(at.place, Place::Code);
            (at.path.to_string(), at.found)
        };
        let (dp, adam) = (RuleSpec::from(RuleKind::Dp), OptimizerSpec::default());
        assert!(check_training(&dp, &adam, (3, 50), &under(0.5)).is_ok());
        let named = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(told(dp, adam.clone(), (0, 50), 0.5), named("epochs", "0"));
        assert_eq!(told(dp, adam.clone(), (3, 0), 0.5), named("batch", "0"));
        assert_eq!(
            told(dp, OptimizerSpec::adam(-1.0), (3, 50), 0.5),
            named("optimizer.learning_rate", "-1.0")
        );
        assert_eq!(
            told(dp, OptimizerSpec::adam(1e9), (3, 50), 0.5),
            named("optimizer.learning_rate", "1000000000.0")
        );
        assert_eq!(told(dp, adam.clone(), (3, 50), 0.0), named("circuit.nudge.beta", "0.0"));
        assert!(check_training(&RuleKind::Bp.into(), &adam, (3, 50), &under(0.0)).is_ok());
        let far = RuleSpec { adversarial: AdversarialSpec { step: -1.0 }, ..dp };
        assert_eq!(told(far, adam, (3, 50), 0.5), named("adversarial.step", "-1.0"));
    }
}
