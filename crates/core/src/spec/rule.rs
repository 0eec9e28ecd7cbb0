//! A learning rule with its settings, as one value.

use super::contrast::ContrastSpec;
use super::ep::EquilibriumSpec;
use super::experiment::{AdversarialSpec, ExperimentSpec};
use super::rules::RuleKind;

/// A learning rule with all settings that any rule has; a rule ignores those of the others.
///
/// A [`RuleKind`] alone stands for the rule with the defaults of an experiment file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleSpec {
    /// The rule.
    pub kind: RuleKind,
    /// Dyadic rules: keep samples that did not settle in the gradient, as hardware would.
    pub keep_unsettled: bool,
    /// Dyadic rules: updates of the weights while the dyads of a batch settle; each relaxation but the first
    /// goes on from the state that the one before has left.
    pub updates: usize,
    /// Rule `adversarial`: how far inputs are moved.
    pub adversarial: AdversarialSpec,
    /// Rules of equilibrium propagation: how nudges are chosen.
    pub ep: EquilibriumSpec,
    /// Rule `scff`: thresholds of the goodness.
    pub contrast: ContrastSpec,
}

impl RuleSpec {
    /// A rule with the settings that an experiment gives it.
    #[must_use]
    pub fn of(experiment: &ExperimentSpec, kind: RuleKind) -> Self {
        let ExperimentSpec { keep_unsettled, updates, adversarial, ep, scff: contrast, .. } = *experiment;
        Self { kind, keep_unsettled, updates, adversarial, ep, contrast }
    }
}

impl From<RuleKind> for RuleSpec {
    fn from(kind: RuleKind) -> Self {
        let (adversarial, ep) = (AdversarialSpec::default(), EquilibriumSpec::default());
        let contrast = ContrastSpec::default();
        Self { kind, keep_unsettled: false, updates: 1, adversarial, ep, contrast }
    }
}

impl Default for RuleSpec {
    /// The rule of the circuit's own gains.
    fn default() -> Self {
        RuleKind::Custom.into()
    }
}
