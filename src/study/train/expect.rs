//! What an experiment said should come out, held against what did.

use std::collections::BTreeMap;

use super::identity::RunKey;
use super::rows::{RunSummary, Summary};
use dyadsim_core::spec::{ExpectSpec, setting_of};
use dyadsim_core::statistics::{grouped, mean};

/// One expectation, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// `RULE.COLUMN`.
    pub key: String,
    /// Lowest and highest mean over seeds (or of single seeds) among the rule's settings; NaN if the column
    /// has no number.
    pub found: (f64, f64),
    /// What was asked.
    pub wanted: ExpectSpec,
    /// Whether it holds for every setting of the rule.
    pub holds: bool,
}

/// Checks every expectation: means over seeds of a column of `runs`, or every seed, at each of the rule's
/// settings that are meant.
#[must_use]
pub fn check(expect: &BTreeMap<String, ExpectSpec>, summary: &Summary) -> Vec<Verdict> {
    expect.iter().map(|(key, wanted)| verdict(key, wanted, summary)).collect()
}

fn verdict(key: &str, wanted: &ExpectSpec, summary: &Summary) -> Verdict {
    let (rule, column) = key.split_once('.').unwrap_or((key, ""));
    let meant = summary.runs.iter().filter(|run| run.rule == rule && is_meant(run, wanted));
    let alone = |run: &RunSummary| wanted.every_seed.then_some((run.seed, run.chip));
    let groups = grouped(meant, |run| (RunKey::of(run), alone(run)));
    let of_group =
        |runs: &[&RunSummary]| mean(&runs.iter().map(|run| number(run, column)).collect::<Vec<_>>());
    let means: Vec<f64> = groups.iter().map(|(_, runs)| of_group(runs)).collect();
    let found = means.iter().fold((f64::NAN, f64::NAN), |(l, h), &m| (l.min(m), h.max(m)));
    let inside = |m: &f64| wanted.at_least.is_none_or(|b| *m >= b) && wanted.at_most.is_none_or(|b| *m <= b);
    let holds = !means.is_empty() && means.iter().all(|m| m.is_finite() && inside(m));
    Verdict { key: key.into(), found, wanted: wanted.clone(), holds }
}

/// Whether a run has the values of the grid that an expectation is about; a key that its rule does not heed
/// is no difference.
fn is_meant(run: &RunSummary, wanted: &ExpectSpec) -> bool {
    wanted.only.iter().all(|(path, value)| {
        let gain = |own: Option<f64>| own.is_none_or(|own| value_of(value) == Some(own));
        match setting_of(path).as_str() {
            "nudge.alpha" => gain(run.alpha),
            "nudge.beta" => gain(run.beta),
            _ => {
                run.settings.get(path).is_none_or(|own| serde_json::to_value(value).is_ok_and(|v| v == *own))
            }
        }
    })
}

fn value_of(value: &toml::Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

/// A column of a run by name; NaN if it is not a number.
fn number(run: &RunSummary, column: &str) -> f64 {
    let value = serde_json::to_value(run).unwrap_or_default();
    value.get(column).and_then(serde_json::Value::as_f64).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyadsim_core::spec::expected_columns;

    fn run() -> RunSummary {
        RunSummary {
            run: "dp-s1".into(),
            rule: "dp".into(),
            alpha: Some(0.5),
            beta: Some(0.5),
            kept_beta: Some(0.5),
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
        }
    }

    #[test]
    fn an_expectation_may_be_about_every_seed_and_some_settings_alone() {
        let kept = |margin: serde_json::Value, seed, test_accuracy| {
            let settings = [("nudge.keep_margin".to_owned(), margin)].into();
            RunSummary { seed, test_accuracy, settings, ..run() }
        };
        let runs = vec![
            kept(0.1.into(), 1, 0.94),
            kept(0.1.into(), 2, 0.98),
            kept(false.into(), 1, 0.1),
            kept(false.into(), 2, 0.9),
        ];
        let summary = Summary { name: String::new(), runs, pairs: Vec::new() };
        let of = |every_seed, only: &str| {
            let wanted = ExpectSpec {
                at_least: Some(0.95),
                every_seed,
                only: toml::from_str(only).unwrap(),
                ..ExpectSpec::default()
            };
            verdict("dp.test_accuracy", &wanted, &summary)
        };
        let only = "\"nudge.keep_margin\" = 0.1\n\"nudge.alpha\" = 0.5";
        let (mean, each) = (of(false, only), of(true, only));
        assert!(mean.holds && !each.holds && each.found == (0.94, 0.98), "{mean:?} {each:?}");
        assert_eq!(of(false, "").found, (0.5, 0.96));
        assert!(!of(false, "\"nudge.alpha\" = 0.25").holds, "no run is no evidence");
    }

    #[test]
    fn the_columns_that_may_be_expected_are_the_numbers_of_the_summary() {
        let value = serde_json::to_value(run()).unwrap();
        let numbers = value.as_object().unwrap().iter().filter(|(_, value)| value.is_number());
        let mut numbers: Vec<&str> = numbers.map(|(key, _)| key.as_str()).collect();
        let mut columns = expected_columns();
        numbers.sort_unstable();
        columns.sort_unstable();
        assert_eq!(columns, numbers);
    }
}
