//! Settings of self-contrastive forward-forward learning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_circuit::{ensure, finite, not_negative};
use super::fault::Fault;
use super::rules::RuleKind;

/// Settings of the rule `scff`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContrastSpec {
    /// Goodness `θ₊` above which a positive pair is driven, in V².
    pub positive: f64,
    /// Goodness `θ₋` below which a negative pair is driven, in V².
    pub negative: f64,
    /// Cost `λ` of the goodness of a positive pair, per V².
    pub penalty: f64,
}

impl Default for ContrastSpec {
    fn default() -> Self {
        Self { positive: 1.0, negative: 1.5, penalty: 0.0 }
    }
}

impl ContrastSpec {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Checks `[scff]`, and that samples have partners.
///
/// # Errors
/// Numbers that are no goodness; updates of one sample with rule `scff`.
pub(super) fn check_contrast(contrast: ContrastSpec, rules: &[RuleKind], batch: usize) -> Result<(), Fault> {
    let ContrastSpec { positive, negative, penalty } = contrast;
    finite(&["scff", "positive"], positive, "a finite number of V²")?;
    finite(&["scff", "negative"], negative, "a finite number of V²")?;
    not_negative(&["scff", "penalty"], penalty, "a finite number, 0 or more")?;
    let accepted = "2 or more with rule `scff`, which contrasts a sample with another of its update";
    ensure(batch >= 2 || !rules.contains(&RuleKind::Scff), &["batch"], batch, accepted)
}

/// Checks that rule `scff` has hidden layers to train.
///
/// # Errors
/// A network without.
pub(super) fn check_contrast_network(rules: &[RuleKind], network: &[usize]) -> Result<(), Fault> {
    let accepted = "three layers or more with rule `scff`, whose hidden layers learn by a goodness of their own; \
                    rule `bp` is the same without any";
    let has_hidden = network.len() > 2 || !rules.contains(&RuleKind::Scff);
    ensure(has_hidden, &["network"], format!("{network:?}"), accepted)
}
