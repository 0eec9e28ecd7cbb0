//! Which runs are compared with which.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::study::train::RunPlan;
use dyadsim_core::spec::RuleKind;

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

/// Every two rules from the same start; what a rule does not heed (backpropagation: α and β) agrees with
/// anything.
pub fn find_pairs(plans: &[RunPlan]) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut known: HashMap<_, usize> = HashMap::new();
    let mut starts: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (i, plan) in plans.iter().enumerate() {
        starts.entry((plan.seed, plan.chip)).or_default().push(i);
    }
    for (i, a) in plans.iter().enumerate() {
        for &j in &starts[&(a.seed, a.chip)] {
            let b = &plans[j];
            if rank(a.rule) <= rank(b.rule) || !agree(a, b) {
                continue;
            }
            let pair = Pair {
                rules: (a.rule, b.rule),
                alpha: a.alpha().or(b.alpha()),
                beta: a.beta().or(b.beta()),
                settings: b.settings.iter().chain(&a.settings).map(|(k, v)| (k.clone(), v.clone())).collect(),
                members: Vec::new(),
            };
            let at = *known.entry(identity(&pair)).or_insert_with(|| {
                pairs.push(pair);
                pairs.len() - 1
            });
            pairs[at].members.push((i, j));
        }
    }
    pairs.sort_by_key(|pair| (rank(pair.rules.1), rank(pair.rules.0)));
    pairs
}

/// What makes two pairs the same; numbers by their bits, −0 as 0.
fn identity(pair: &Pair) -> (Rank, Rank, Option<u64>, Option<u64>, String) {
    let bits = |value: Option<f64>| value.map(|value| (value + 0.0).to_bits());
    let settings = serde_json::to_string(&pair.settings).unwrap_or_default();
    (rank(pair.rules.0), rank(pair.rules.1), bits(pair.alpha), bits(pair.beta), settings)
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

/// Place of a rule in the order of what is measured against what.
type Rank = (bool, bool, RuleKind);

/// The lower is what the higher is measured against: what nudges no circuit, then `DPᵀ`, then the others.
fn rank(rule: RuleKind) -> Rank {
    (rule.is_dyadic(), rule != RuleKind::DpTranspose, rule)
}
