//! From an experiment to its runs: every seed, rule and combination of the grid.

use std::collections::{BTreeMap, HashSet};

use crate::spec::{Loaded, Override, Resolved, RuleKind, SpecError, rule_name};

/// One run: a rule, a seed, and the description with this run's settings.
#[derive(Clone, Debug)]
pub struct RunPlan {
    /// Name, also of its files.
    pub name: String,
    /// Rule.
    pub rule: RuleKind,
    /// Seed.
    pub seed: u64,
    /// Number of the chip, from 1, where the experiment asks for several.
    pub chip: Option<u32>,
    /// Grid settings other than α and β, path to value.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Everything that the run needs to know: its own seed alone, and no grid.
    pub resolved: Resolved,
    /// Name of the backpropagation run with the same seed and settings, if there is one.
    pub reference: Option<String>,
}

impl RunPlan {
    /// Mixing α, where the rule has one.
    #[must_use]
    pub fn alpha(&self) -> Option<f64> {
        self.rule.is_dyadic().then_some(self.resolved.circuit.nudge.alpha)
    }

    /// Nudge β, where the rule has one.
    #[must_use]
    pub fn beta(&self) -> Option<f64> {
        self.rule.is_dyadic().then_some(self.resolved.circuit.nudge.beta)
    }
}

/// The experiment with every grid key that has a single value set to it: what all runs share.
///
/// # Errors
///
/// If those settings make a description that is refused.
pub fn common(loaded: &Loaded) -> Result<Resolved, SpecError> {
    let base = loaded.resolve(&[])?;
    let single = base.experiment.grid.iter().filter(|(_, values)| values.len() == 1);
    let settings: Vec<_> =
        single.map(|(path, values)| Override { path: path.clone(), value: values[0].clone() }).collect();
    loaded.resolve(&settings)
}

/// Every run of an experiment, backpropagation first: the others are compared with it.
///
/// # Errors
///
/// If a combination of the grid makes a description that is refused.
pub fn plan(loaded: &Loaded) -> Result<Vec<RunPlan>, SpecError> {
    let base = loaded.resolve(&[])?;
    let grid = &base.experiment.grid;
    let varied = |path: &str| grid.get(path).is_some_and(|values| values.len() > 1);
    let mut combinations: Vec<Vec<Override>> = vec![Vec::new()];
    for (path, values) in grid {
        combinations = combinations
            .iter()
            .flat_map(|before| {
                values.iter().map(|value| {
                    let setting = Override { path: path.clone(), value: value.clone() };
                    before.iter().cloned().chain([setting]).collect()
                })
            })
            .collect();
    }
    let mut rules = base.experiment.rules.clone();
    rules.sort_by_key(|rule| *rule != RuleKind::Bp);
    let of_rule = |&rule: &RuleKind| -> Result<Vec<RunPlan>, SpecError> {
        combinations.iter().map(|settings| run_plan(loaded, rule, settings, &varied)).collect()
    };
    let templates = rules.iter().map(of_rule).collect::<Result<Vec<Vec<RunPlan>>, _>>()?;
    let (mut runs, mut names) = (Vec::new(), HashSet::new());
    for &seed in &base.experiment.seeds {
        for template in templates.iter().flatten() {
            let one = seeded(template, seed);
            let fresh = on_chips(one, base.experiment.chips).filter(|run| names.insert(run.name.clone()));
            runs.extend(fresh);
        }
    }
    runs.sort_by_key(|run| run.rule != RuleKind::Bp);
    for run in &mut runs {
        run.reference = run.reference.take().filter(|name| names.contains(name));
    }
    Ok(runs)
}

/// One run of a combination, of any seed, named after its rule, gains and whatever else the grid varies; rules without a circuit ignore what only a nudge or a solver could feel.
fn run_plan(
    loaded: &Loaded,
    rule: RuleKind,
    settings: &[Override],
    varied: &dyn Fn(&str) -> bool,
) -> Result<RunPlan, SpecError> {
    let felt: Vec<Override> = settings.iter().filter(|s| feels(rule, &s.path)).cloned().collect();
    let mut resolved = loaded.resolve_run(&felt)?;
    resolved.experiment.seeds.clear();
    let others = |list: &[Override]| -> Vec<Override> {
        let named = |path: &str| ["nudge.alpha", "nudge.beta"].contains(&path.trim_start_matches("circuit."));
        list.iter().filter(|s| varied(&s.path) && !named(&s.path)).cloned().collect()
    };
    let suffix = |list: &[Override]| {
        let tail = |s: &Override| {
            let key = s.path.rsplit('.').next().unwrap_or_default().to_owned();
            format!("-{}{}", clean(&key), clean(&s.value.to_string()))
        };
        others(list).iter().map(tail).collect::<String>()
    };
    let plain: Vec<Override> = settings.iter().filter(|s| feels(RuleKind::Bp, &s.path)).cloned().collect();
    let gains = match rule {
        _ if !rule.is_dyadic() => String::new(),
        _ => format!("-a{}-b{}", resolved.circuit.nudge.alpha, resolved.circuit.nudge.beta),
    };
    let name = format!("{}{gains}{}", rule_name(rule), suffix(&felt));
    let reference = format!("{}{}", rule_name(RuleKind::Bp), suffix(&plain));
    let settings = others(&felt)
        .into_iter()
        .map(|s| (s.path, serde_json::to_value(&s.value).unwrap_or(serde_json::Value::Null)))
        .collect();
    Ok(RunPlan { name, rule, seed: 0, chip: None, settings, resolved, reference: Some(reference) })
}

/// The run of a combination with one of the seeds.
fn seeded(template: &RunPlan, seed: u64) -> RunPlan {
    let mut run = template.clone();
    run.seed = seed;
    run.resolved.experiment.seeds.push(seed);
    let named = |name: String| format!("{name}-s{seed}");
    (run.name, run.reference) = (named(run.name), run.reference.map(named));
    run
}

/// The run on every chip. Without `chips` a run has one of its own; with it all rules and seeds meet the same ones,
/// whose seeds count on from `mismatch.seed`, by default from 1.
fn on_chips(run: RunPlan, chips: Option<u32>) -> impl Iterator<Item = RunPlan> {
    let each = (1..=chips.unwrap_or(1)).map(move |number| chips.map(|_| number));
    each.map(move |chip| {
        let mut run = run.clone();
        let seed = &mut run.resolved.circuit.mismatch.seed;
        match chip {
            None => *seed = seed.or(Some(run.seed)),
            Some(number) => {
                *seed = Some(seed.unwrap_or(1) + u64::from(number - 1));
                let named = |name: String| format!("{name}-c{number}");
                (run.name, run.reference) = (named(run.name), run.reference.map(named));
            }
        }
        RunPlan { chip, ..run }
    })
}

/// Whether a setting matters to a rule.
fn feels(rule: RuleKind, path: &str) -> bool {
    match path.split('.').next() {
        Some("adversarial") => rule == RuleKind::Adversarial,
        _ => rule.is_dyadic() || !is_dyadic(path),
    }
}

/// Whether a setting matters to dyadic rules alone. The loss stands in the nudge but is everybody's.
fn is_dyadic(path: &str) -> bool {
    let path = path.trim_start_matches("circuit.");
    let everybodys = ["nudge", "nudge.loss", "nudge.reference"].contains(&path);
    let section = path.split('.').next().unwrap_or_default();
    ["nudge", "solver", "feedback", "noise", "readout", "cost", "keep_unsettled"].contains(&section)
        && !everybodys
}

/// Letters, digits, dots and dashes of a text: what any file system holds.
fn clean(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).collect()
}
