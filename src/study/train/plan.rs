//! From an experiment to its runs: every seed, rule and combination of the grid.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::heed::Combinations;
use super::identity::{GridPlace, RunKey, Settings};
use super::labels::{Labels, Names, short};
use dyadsim_core::spec::{
    ExperimentSpec, Loaded, Override, PlasticitySpec, Resolved, RuleKind, SpecError, excludes, setting_of,
};

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
    pub settings: Settings,
    /// Everything that the run needs to know: its own seed alone, and no grid.
    pub resolved: Resolved,
    /// Name of the run of the exact gradient with the same seed and settings, if there is one.
    pub reference: Option<String>,
    /// Of a control: standard deviation of the relative move of its initial weights.
    pub moved: Option<f64>,
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
        self.rule.has_nudge().then_some(self.resolved.circuit.nudge.beta)
    }

    /// How its synapses move all the time, if they do.
    #[must_use]
    pub fn plasticity(&self) -> Option<PlasticitySpec> {
        self.resolved.experiment.plasticity.filter(|_| self.rule.learns_continuously())
    }

    /// What it shares with the runs that differ by seed and chip alone.
    #[must_use]
    pub fn key(&self) -> RunKey {
        let place = GridPlace { alpha: self.alpha(), beta: self.beta(), settings: self.settings.clone() };
        RunKey { rule: self.rule, place }
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
    let settings: Vec<_> = single.map(|(path, values)| Override::new(path, values[0].clone())).collect();
    loaded.resolve(&settings)
}

/// Every run of an experiment, exact gradients first: the others are compared with them.
///
/// # Errors
///
/// If a combination of the grid makes a description that is refused, or a key of the grid does nothing.
pub fn plan(loaded: &Loaded) -> Result<Vec<RunPlan>, SpecError> {
    // Rules that `--set` took out may have been the only ones to heed a key.
    runs(loaded, !loaded.is_set("rules"))
}

/// Every run of an experiment that was carried out: what its grid holds was accepted then.
///
/// # Errors
///
/// If a combination of the grid makes a description that is refused.
pub fn replan(loaded: &Loaded) -> Result<Vec<RunPlan>, SpecError> {
    runs(loaded, false)
}

/// Every run; refuses keys of the grid that do nothing, if `checked`.
fn runs(loaded: &Loaded, checked: bool) -> Result<Vec<RunPlan>, SpecError> {
    let base = loaded.resolve(&[])?;
    let grid = &base.experiment.grid;
    let naming = Naming {
        labels: Labels::new(grid),
        varied: grid.iter().filter(|(_, v)| v.len() > 1).map(|(k, _)| k.as_str()).collect(),
        continuous: base.experiment.plasticity.is_some(),
    };
    let combinations = list_combinations(grid);
    let mut rules = base.experiment.rules.clone();
    rules.sort_by_key(|rule| !rule.is_reference());
    let of_rule = |&rule: &RuleKind| -> Result<Vec<RunPlan>, SpecError> {
        combinations.iter().map(|settings| naming.run(loaded, rule, settings)).collect()
    };
    let templates = rules.iter().map(of_rule).collect::<Result<Vec<Vec<RunPlan>>, _>>()?;
    if checked {
        let keys = grid.iter().map(|(key, values)| (key.as_str(), values.len())).collect();
        Combinations { keys, runs: &templates }.check(loaded)?;
    }
    let templates = named(left(templates, &combinations, &base.experiment));
    let mut runs: Vec<RunPlan> = Vec::new();
    for &seed in &base.experiment.seeds {
        for template in &templates {
            runs.extend(on_chips(seeded(template, seed), base.experiment.chips));
        }
    }
    runs.sort_by_key(|run| !run.rule.is_reference());
    Ok(runs)
}

/// Every combination of the grid's values; the last key runs fastest.
fn list_combinations(grid: &BTreeMap<String, Vec<toml::Value>>) -> Vec<Vec<Override>> {
    let mut combinations: Vec<Vec<Override>> = vec![Vec::new()];
    for (path, values) in grid {
        combinations = combinations
            .iter()
            .flat_map(|before| {
                values.iter().map(|value| {
                    let setting = Override::new(path, value.clone());
                    before.iter().cloned().chain([setting]).collect()
                })
            })
            .collect();
    }
    combinations
}

/// The runs of combinations that the experiment does not exclude.
fn left(
    templates: Vec<Vec<RunPlan>>,
    combinations: &[Vec<Override>],
    experiment: &ExperimentSpec,
) -> Vec<Vec<RunPlan>> {
    let excluded = |settings: &Vec<Override>| {
        let value_of = |key: &str| settings.iter().find(|s| s.path == key).map(|s| &s.value);
        excludes(&experiment.exclude, value_of)
    };
    let runs = |of_rule: Vec<RunPlan>| {
        of_rule.into_iter().zip(combinations).filter(|(_, c)| !excluded(c)).map(|(run, _)| run).collect()
    };
    templates.into_iter().map(runs).collect()
}

/// The controls that an experiment asks for: runs of its plan again, from initial weights that are moved a
/// little.
#[must_use]
pub fn plan_controls(plans: &[RunPlan]) -> Vec<RunPlan> {
    let mut seeds: Vec<u64> = Vec::new();
    for run in plans {
        if !seeds.contains(&run.seed) {
            seeds.push(run.seed);
        }
    }
    let again = |run: &RunPlan| {
        let control = run.resolved.experiment.control.as_ref()?;
        let place = seeds.iter().position(|seed| *seed == run.seed)?;
        let asked = (control.rules.is_empty() || control.rules.contains(&run.rule))
            && control.seeds.is_none_or(|count| place < count);
        let name = control_name(&run.name);
        asked.then(|| RunPlan { name, reference: None, moved: Some(control.moved), ..run.clone() })
    };
    plans.iter().filter_map(again).collect()
}

/// Whether one run is the control of another.
pub fn is_control_of(control: &RunPlan, run: &RunPlan) -> bool {
    control.name == control_name(&run.name)
}

/// Name of the control of a run.
pub(super) fn control_name(run: &str) -> String {
    format!("{run}.moved")
}

/// Every different run once, under a name that no other has, with the name of its reference.
///
/// Runs of a rule are one where gains and the other settings are. Backpropagation comes first, so a reference
/// is known before it is asked for.
fn named(templates: Vec<Vec<RunPlan>>) -> Vec<RunPlan> {
    let (mut names, mut known, mut runs) = (Names::default(), HashMap::new(), Vec::new());
    for mut run in templates.into_iter().flatten() {
        let Entry::Vacant(place) = known.entry(run.key()) else { continue };
        let whole = std::mem::take(&mut run.name);
        run.name = names.distinct(short(whole));
        place.insert(run.name.clone());
        run.reference = known.get(&reference_of(&run)).cloned();
        runs.push(run);
    }
    runs
}

/// The run of the exact gradient that a run is compared with: the same settings, as far as it heeds them.
fn reference_of(run: &RunPlan) -> RunKey {
    let rule = run.rule.reference();
    let felt = run.settings.iter().filter(|(path, _)| applies_to(rule, path));
    let settings = felt.map(|(path, value)| (path.clone(), value.clone())).collect();
    RunKey { rule, place: GridPlace { settings, ..GridPlace::default() } }
}

/// How runs are named: after rule, gains and whatever else the grid varies.
struct Naming<'a> {
    labels: Labels,
    /// Keys of the grid with several values.
    varied: HashSet<&'a str>,
    /// Whether rules that can learn continuously.
    continuous: bool,
}

impl Naming<'_> {
    /// One run of a combination, of any seed; rules without a circuit ignore what only a nudge or a solver
    /// could feel.
    fn run(&self, loaded: &Loaded, rule: RuleKind, settings: &[Override]) -> Result<RunPlan, SpecError> {
        let heeds = |path: &str| applies_to(rule, path) && !(self.is_continuous(rule) && is_of_updates(path));
        let felt: Vec<Override> = settings.iter().filter(|s| heeds(&s.path)).cloned().collect();
        let mut resolved = loaded.resolve_run(&felt)?;
        resolved.experiment.seeds.clear();
        let parted = resolved.experiment.updates == 1 || resolved.circuit.solver.fixes_rounds();
        if rule.is_dyadic() && !parted {
            let accepted = "1; more with `solver.kind` = \"layerwise\" and a `solver.schedule` of fixed rounds, \
                            such as \"fwbw1\"";
            return Err(loaded.refused("updates", accepted));
        }
        let gains = match rule {
            _ if !rule.has_nudge() => String::new(),
            _ if !rule.is_dyadic() => format!("-b{}", resolved.circuit.nudge.beta),
            _ => format!("-a{}-b{}", resolved.circuit.nudge.alpha, resolved.circuit.nudge.beta),
        };
        let tails = self.others(&felt).map(|setting| self.labels.tail(setting));
        let name = format!("{}{gains}{}", rule.name(), tails.collect::<String>());
        let settings = self.settings(&felt);
        Ok(RunPlan { name, rule, seed: 0, chip: None, settings, resolved, reference: None, moved: None })
    }

    /// Whether a rule has no updates.
    fn is_continuous(&self, rule: RuleKind) -> bool {
        self.continuous && rule.learns_continuously()
    }

    /// Settings that a name must tell, besides the gains.
    fn others<'s>(&self, list: &'s [Override]) -> impl Iterator<Item = &'s Override> {
        let named = |path: &str| ["nudge.alpha", "nudge.beta"].contains(&setting_of(path).as_str());
        list.iter().filter(move |s| self.varied.contains(s.path.as_str()) && !named(&s.path))
    }

    fn settings(&self, list: &[Override]) -> Settings {
        let value = |s: &Override| serde_json::to_value(&s.value).unwrap_or(serde_json::Value::Null);
        self.others(list).map(|s| (s.path.clone(), value(s))).collect()
    }
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

/// The run on every chip. Without `chips` a run has one of its own; with it all rules and seeds meet the same
/// ones, whose seeds count on from `mismatch.seed`, by default from 1.
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
pub(super) fn applies_to(rule: RuleKind, path: &str) -> bool {
    let path = setting_of(path);
    match path.split('.').next() {
        Some("adversarial") => rule == RuleKind::Adversarial,
        Some("scff") => rule == RuleKind::Scff,
        Some("ep") => heeds_ep(rule, &path),
        Some("feedback") => rule.has_feedback(),
        Some("plasticity") => rule.learns_continuously(),
        // One compartment a neuron has no mixing.
        _ if path == "nudge.alpha" => rule.is_dyadic(),
        _ if path == "nudge.beta" => rule.has_nudge(),
        // Most set it themselves.
        _ if path == "nudge.variant" || path.starts_with("nudge.variant.") => rule.own_variant().is_none(),
        _ => rule.settles() || !is_of_circuits(&path),
    }
}

/// Whether a setting matters to updates alone, one after another.
fn is_of_updates(path: &str) -> bool {
    let path = setting_of(path);
    matches!(path.split('.').next(), Some("batch" | "optimizer" | "updates" | "keep_unsettled"))
}

/// Whether a rule heeds a setting of `[ep]`.
pub(super) fn heeds_ep(rule: RuleKind, path: &str) -> bool {
    match path {
        "ep.sign" => rule == RuleKind::Ep,
        "ep.points" => matches!(rule, RuleKind::EpHolomorphic | RuleKind::EpOscillating),
        "ep.period" => rule == RuleKind::EpOscillating,
        "ep.homeostasis" => rule.takes_any_coupling() && rule.has_nudge(),
        _ => {
            let own = matches!(rule, RuleKind::Ep | RuleKind::EpHolomorphic | RuleKind::EpOscillating);
            own || heeds_ep(rule, "ep.homeostasis")
        }
    }
}

/// Whether a setting matters to rules that settle a circuit alone. The loss stands in the nudge but is
/// everybody's.
fn is_of_circuits(path: &str) -> bool {
    let everybodys = ["nudge", "nudge.loss", "nudge.reference"].contains(&path);
    let section = path.split('.').next().unwrap_or_default();
    ["nudge", "solver", "noise", "readout", "cost", "keep_unsettled", "updates"].contains(&section)
        && !everybodys
}
