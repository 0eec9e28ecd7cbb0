//! What an experiment said should come out, held against what did.

use std::collections::BTreeMap;

use crate::record::rows::{RunSummary, Summary};
use crate::spec::ExpectSpec;

/// One expectation, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// `RULE.COLUMN`.
    pub key: String,
    /// Lowest and highest mean over seeds among the rule's settings; NaN if the column has no number.
    pub found: (f64, f64),
    /// What was asked.
    pub wanted: ExpectSpec,
    /// Whether it holds for every setting of the rule.
    pub holds: bool,
}

/// Checks every expectation: means over seeds of a column of `runs`, at each of the rule's settings.
#[must_use]
pub fn check(expect: &BTreeMap<String, ExpectSpec>, summary: &Summary) -> Vec<Verdict> {
    expect.iter().map(|(key, wanted)| verdict(key, *wanted, summary)).collect()
}

fn verdict(key: &str, wanted: ExpectSpec, summary: &Summary) -> Verdict {
    let (rule, column) = key.split_once('.').unwrap_or((key, ""));
    let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for run in summary.runs.iter().filter(|run| run.rule == rule) {
        let settings = format!("{:?} {:?} {:?}", run.alpha, run.beta, run.settings);
        groups.entry(settings).or_default().push(number(run, column));
    }
    let means: Vec<f64> = groups.values().map(|v| v.iter().sum::<f64>() / v.len() as f64).collect();
    let found = means.iter().fold((f64::NAN, f64::NAN), |(l, h), &m| (l.min(m), h.max(m)));
    let inside = |m: &f64| wanted.at_least.is_none_or(|b| *m >= b) && wanted.at_most.is_none_or(|b| *m <= b);
    let holds = !means.is_empty() && means.iter().all(|m| m.is_finite() && inside(m));
    Verdict { key: key.into(), found, wanted, holds }
}

/// A column of a run by name; NaN if it is not a number.
fn number(run: &RunSummary, column: &str) -> f64 {
    let value = serde_json::to_value(run).unwrap_or_default();
    value.get(column).and_then(serde_json::Value::as_f64).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::expected_columns;

    #[test]
    fn the_columns_that_may_be_expected_are_the_numbers_of_the_summary() {
        let run = RunSummary {
            run: "dp-s1".into(),
            rule: "dp".into(),
            alpha: Some(0.5),
            beta: Some(0.5),
            seed: 1,
            chip: Some(1),
            test_accuracy: 0.5,
            best_test_accuracy: 0.5,
            test_loss: 0.5,
            train_loss: 0.5,
            settled: Some(0.5),
            noisy_settled: Some(0.5),
            oscillation: Some(0.5),
            latch_up: Some(0.5),
            timeout: Some(0.5),
            not_finite: Some(0.5),
            worst_stability_margin_tau: Some(0.5),
            mean_angle_to_bp_deg: Some(0.5),
            product_spectral_norm: 0.5,
            status: "complete".into(),
            settings: BTreeMap::new(),
            wall_s: 0.5,
        };
        let value = serde_json::to_value(&run).unwrap();
        let numbers = value.as_object().unwrap().iter().filter(|(_, value)| value.is_number());
        let mut numbers: Vec<&str> = numbers.map(|(key, _)| key.as_str()).collect();
        let mut columns = expected_columns();
        numbers.sort_unstable();
        columns.sort_unstable();
        assert_eq!(columns, numbers);
    }
}
