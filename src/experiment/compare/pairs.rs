//! Which runs are compared with which.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::experiment::RunPlan;
use crate::spec::RuleKind;

/// Two rules at the same gains and settings, with their runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The rules; the second is what the first is measured against.
    pub rules: (RuleKind, RuleKind),
    /// Mixing α of those that have one.
    pub alpha: Option<f64>,
    /// Nudge β.
    pub beta: Option<f64>,
    /// Other settings of either.
    pub settings: BTreeMap<String, Value>,
    /// Runs of every seed and chip, as indices into the plan.
    pub members: Vec<(usize, usize)>,
}

/// Every two rules from the same start; what a rule does not heed (backpropagation: α and β) agrees with anything.
pub fn pairs(plans: &[RunPlan]) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    for (i, a) in plans.iter().enumerate() {
        for (j, b) in plans.iter().enumerate() {
            if rank(a.rule) <= rank(b.rule) || !agree(a, b) {
                continue;
            }
            let mut pair = Pair {
                rules: (a.rule, b.rule),
                alpha: a.alpha().or(b.alpha()),
                beta: a.beta().or(b.beta()),
                settings: b.settings.iter().chain(&a.settings).map(|(k, v)| (k.clone(), v.clone())).collect(),
                members: Vec::new(),
            };
            let same = |known: &&mut Pair| {
                (known.rules, known.alpha, known.beta, &known.settings)
                    == (pair.rules, pair.alpha, pair.beta, &pair.settings)
            };
            if let Some(known) = pairs.iter_mut().find(same) {
                known.members.push((i, j));
            } else {
                pair.members.push((i, j));
                pairs.push(pair);
            }
        }
    }
    pairs.sort_by_key(|pair| (rank(pair.rules.1), rank(pair.rules.0)));
    pairs
}

/// Whether two runs began alike and differ in nothing but the rule.
fn agree(a: &RunPlan, b: &RunPlan) -> bool {
    let either = |one: Option<f64>, other: Option<f64>| one.is_none() || other.is_none() || one == other;
    let settings =
        a.settings.iter().all(|(key, value)| b.settings.get(key).is_none_or(|other| other == value));
    (a.seed, a.chip) == (b.seed, b.chip)
        && either(a.alpha(), b.alpha())
        && either(a.beta(), b.beta())
        && settings
}

/// The lower is what the higher is measured against.
fn rank(rule: RuleKind) -> u8 {
    match rule {
        RuleKind::Bp => 0,
        RuleKind::Adversarial => 1,
        RuleKind::DpTranspose => 2,
        RuleKind::Dp => 3,
        RuleKind::Custom => 4,
    }
}
