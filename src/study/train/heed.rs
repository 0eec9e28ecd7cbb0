//! Which settings a rule heeds: what is left of a description when everything without effect is taken out of
//! it.
//!
//! Two values of a grid under which all runs read alike are one, and a key of which that holds for all values
//! does nothing: a reader would take equal runs for a comparison. Both are refused before any work.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::plan::{RunPlan, heeds_ep};
use crate::record::manifest::sha256;
use dyadsim_core::data;
use dyadsim_core::spec::{
    FeedbackSynapses, Loaded, LossKind, OptimizerKind, ProcessSpec, Resolved, RuleKind, SpecError, listed,
    setting_of,
};

/// Settings that some runs do not heed.
struct Deaf {
    /// Their paths, in the circuit if it has them.
    paths: &'static [&'static str],
    /// Whether this run is one of these.
    when: fn(RuleKind, &Resolved) -> bool,
    /// Why; what stands in braces is names of rules ([`told`]).
    why: &'static str,
}

/// Every setting that can be without effect.
const DEAF: &[Deaf] = &[
    Deaf {
        paths: &["nudge.variant"],
        when: |rule, _| rule.is_dyadic() && rule.own_variant().is_some(),
        why: "rules {own} set it themselves; rules {described} take it from the circuit",
    },
    Deaf {
        paths: &["feedback", "optimizer.feedback_update_noise"],
        when: |rule, _| !rule.has_feedback(),
        why: "rules {exact} send no errors back through a circuit",
    },
    Deaf {
        paths: &[
            "nudge.variant",
            "nudge.alpha",
            "nudge.hidden_alpha",
            "nudge.beta",
            "nudge.at",
            "nudge.keep_margin",
            "solver",
            "noise",
            "readout",
            "cost",
            "keep_unsettled",
            "updates",
        ],
        when: |rule, _| !rule.settles(),
        why: "rules {still} nudge and settle nothing",
    },
    Deaf {
        paths: &["nudge.beta"],
        when: |rule, _| rule.settles() && !rule.has_nudge(),
        why: "rules {unpushed} have no nudge β",
    },
    Deaf {
        paths: &["nudge.variant", "nudge.alpha", "nudge.hidden_alpha", "updates"],
        when: |rule, _| rule.settles() && !rule.is_dyadic(),
        why: "neurons of rules {single} have one compartment",
    },
    Deaf {
        paths: &["updates"],
        when: |rule, _| rule.is_dyadic() && rule.circuit_kind().is_recurrent(),
        why: "dyads of rule `dyadic-ep` are settled once",
    },
    Deaf {
        paths: &["cost"],
        when: |rule, _| rule.settles() && !rule.is_for_chips(),
        why: "no chip could run rules {unreal}",
    },
    Deaf { paths: &["ep.sign"], when: |rule, _| !heeds_ep(rule, "ep.sign"), why: "rule `ep` alone heeds it" },
    Deaf {
        paths: &["ep.points"],
        when: |rule, _| !heeds_ep(rule, "ep.points"),
        why: "rules `ep-holomorphic` and `ep-oscillating` alone heed it",
    },
    Deaf {
        paths: &["ep.period"],
        when: |rule, _| !heeds_ep(rule, "ep.period"),
        why: "rule `ep-oscillating` alone heeds it",
    },
    Deaf {
        paths: &["ep.homeostasis"],
        when: |rule, _| !heeds_ep(rule, "ep.homeostasis"),
        why: "rules {coupled} alone heed it",
    },
    Deaf {
        paths: &["plasticity"],
        when: |rule, _| !rule.learns_continuously(),
        why: "rules {dyads} alone learn continuously",
    },
    Deaf {
        paths: &["batch", "optimizer", "updates", "keep_unsettled"],
        when: |rule, run| run.experiment.plasticity.is_some() && rule.learns_continuously(),
        why: "with `plasticity` synapses of rules {dyads} move all the time, at `plasticity.time_constant`: there \
              are no batches, updates and outcomes",
    },
    Deaf {
        paths: &["nudge.hidden_alpha"],
        when: |_, run| run.experiment.network.len() == 2,
        why: "the network has no hidden layers",
    },
    Deaf {
        paths: &["nudge.hidden_alpha"],
        when: |_, run| run.circuit.nudge.hidden_alpha == Some(run.circuit.nudge.alpha),
        why: "it is `nudge.alpha`",
    },
    Deaf {
        paths: &["adversarial"],
        when: |rule, _| rule != RuleKind::Adversarial,
        why: "rule `adversarial` alone heeds it",
    },
    Deaf { paths: &["scff"], when: |rule, _| rule != RuleKind::Scff, why: "rule `scff` alone heeds it" },
    Deaf {
        paths: &["solver.step"],
        when: |_, run| !run.circuit.solver.kind.has_fixed_step(),
        why: "stochastic solvers alone have a fixed step",
    },
    Deaf {
        paths: &["solver.schedule", "solver.passes", "solver.damping"],
        when: |_, run| !run.circuit.solver.kind.sweeps(),
        why: "`solver.kind` = \"layerwise\" alone sweeps",
    },
    Deaf {
        paths: &["readout.time"],
        when: |_, run| !run.circuit.solver.kind.is_stochastic(),
        why: "stochastic solvers alone read over a time",
    },
    Deaf {
        paths: &["feedback.init"],
        when: |_, run| run.circuit.feedback.synapses == FeedbackSynapses::Shared,
        why: "shared feedback synapses have no start of their own",
    },
    Deaf {
        paths: &["feedback.init"],
        when: |_, run| run.circuit.feedback.learning.programs(),
        why: "feedback synapses that are programmed anew after every update have no start of their own",
    },
    Deaf {
        paths: &["optimizer.feedback_update_noise"],
        when: |_, run| run.circuit.feedback.learning.terms().is_none(),
        why: "feedback synapses that descend no terms have no noise of their own",
    },
    Deaf {
        paths: &["nudge.reference"],
        when: |_, run| run.circuit.nudge.loss == LossKind::Mse,
        why: "the cross-entropy alone has a reference",
    },
    Deaf {
        paths: &["mismatch.seed", "mismatch.distribution"],
        when: |_, run| run.circuit.mismatch.is_none(),
        why: "no spread and no fault of `[mismatch]` is above 0",
    },
    Deaf {
        paths: &["mismatch.distribution"],
        when: |_, run| {
            let shared = run.circuit.mismatch.process.as_ref().map_or(0.0, |one| one.time_constant_spread);
            shared == 0.0 && run.circuit.spreads().relative().iter().all(|(_, spread)| *spread == 0.0)
        },
        why: "relative spreads alone have a distribution, and none is above 0",
    },
    Deaf {
        paths: &["crossbar.conductance", "crossbar.on_off", "crossbar.solve"],
        when: |_, run| run.circuit.crossbar.as_ref().is_none_or(|crossbar| crossbar.wire == 0.0),
        why: "wires without resistance (`crossbar.wire`) lose nothing, whatever the conductances",
    },
    Deaf {
        paths: &["mismatch.process.corner"],
        when: |_, run| !run.circuit.mismatch.process.as_ref().is_some_and(ProcessSpec::is_shared),
        why: "chips do not differ as wholes: no spread from chip to chip is above 0",
    },
    Deaf {
        paths: &["mismatch.faults.stuck_weight"],
        when: |_, run| run.circuit.mismatch.faults.stuck_on == 0.0,
        why: "no synapse is stuck at its largest conductance",
    },
    Deaf {
        paths: &["temperature"],
        when: |_, run| {
            let noise = &run.circuit.noise;
            noise.sampled.is_none() && noise.thermal.is_none_or(|thermal| thermal.excess == 0.0)
        },
        why: "thermal and sampled noise alone depend on it",
    },
    Deaf {
        paths: &["leakage.hold"],
        when: |_, run| run.circuit.leakage.is_none_or(|leakage| leakage.current == 0.0),
        why: "`leakage.current` is 0",
    },
    Deaf {
        paths: &["optimizer.momentum"],
        when: |_, run| run.experiment.optimizer.kind != OptimizerKind::Momentum,
        why: "`optimizer.kind` = \"momentum\" alone heeds it",
    },
    Deaf {
        paths: &["optimizer.beta1", "optimizer.beta2", "optimizer.epsilon"],
        when: |_, run| run.experiment.optimizer.kind != OptimizerKind::Adam,
        why: "`optimizer.kind` = \"adam\" alone heeds it",
    },
    Deaf {
        paths: &["dataset.split_seed"],
        when: |_, run| data::find(&run.experiment.dataset.kind).is_ok_and(|entry| !entry.seeded),
        why: "the split of this data set is fixed",
    },
    Deaf { paths: &["circuit.name"], when: |_, _| true, why: "a name changes no number" },
];

/// Everything that the run heeds, as a hash.
fn heeded(rule: RuleKind, resolved: &Resolved) -> String {
    let mut experiment = serde_json::to_value(&resolved.experiment).unwrap_or_default();
    for key in
        ["circuit", "name", "seeds", "chips", "rules", "snapshots", "control", "grid", "exclude", "expect"]
    {
        remove(&mut experiment, &[key]);
    }
    let mut all = json!({ "experiment": experiment, "circuit": resolved.circuit });
    remove(&mut all, &["circuit", "name"]);
    for deaf in DEAF.iter().filter(|deaf| (deaf.when)(rule, resolved)) {
        for path in deaf.paths {
            let keys: Vec<&str> = path.split('.').collect();
            for root in ["experiment", "circuit"] {
                remove(&mut all[root], &keys);
            }
        }
    }
    sha256(all.to_string().as_bytes())
}

fn remove(value: &mut Value, keys: &[&str]) {
    match keys {
        [last] => {
            // `remove` would put the last key in its place: other bytes, and another hash, for the same
            // settings.
            value.as_object_mut().map(|table| table.shift_remove(*last));
        }
        [first, rest @ ..] => {
            if let Some(below) = value.get_mut(first) {
                remove(below, rest);
            }
        }
        [] => {}
    }
}

/// Every run of one seed and chip, by rule and then by combination; the last key of the grid runs fastest.
pub(super) struct Combinations<'a> {
    /// Keys of the grid with the number of their values.
    pub(super) keys: Vec<(&'a str, usize)>,
    /// Runs of a rule, one per combination.
    pub(super) runs: &'a [Vec<RunPlan>],
}

impl Combinations<'_> {
    /// Refuses a key that no run heeds, and two values that are the same to all.
    ///
    /// # Errors
    /// The first such key, with the reason.
    pub(super) fn check(&self, loaded: &Loaded) -> Result<(), SpecError> {
        let mut known = HashMap::new();
        for (place, (key, count)) in self.keys.iter().enumerate() {
            if *count == 1 && self.runs.iter().flatten().all(|run| reasons(key, run).next().is_some()) {
                return Err(loaded.refuse_grid(key, &format!("no such key, as {}", self.why(key))));
            }
            let stride: usize = self.keys[place + 1..].iter().map(|(_, count)| count).product();
            // At the first values of all other keys, and only if that does not tell the values apart at all
            // of them.
            let few = (0..*count).map(|value| self.at(&mut known, &[value * stride])).collect::<Vec<_>>();
            let Some(_) = twins(&few) else { continue };
            let all: usize = self.keys.iter().map(|(_, count)| count).product();
            let bases: Vec<usize> =
                (0..all).filter(|combination| (combination / stride).is_multiple_of(*count)).collect();
            let shifted = |value: usize| bases.iter().map(|base| base + value * stride).collect::<Vec<_>>();
            let seen = (0..*count).map(|value| self.at(&mut known, &shifted(value))).collect::<Vec<_>>();
            let Some((one, other)) = twins(&seen) else { continue };
            let why = self.why(key);
            if why.is_empty() || seen.iter().any(|value| *value != seen[0]) {
                return Err(loaded.refuse_grid_value(key, one, other));
            }
            return Err(loaded.refuse_grid(key, &format!("no such key, as {why}")));
        }
        Ok(())
    }

    /// What all rules heed at some combinations.
    fn at(&self, known: &mut HashMap<(usize, usize), String>, combinations: &[usize]) -> Vec<String> {
        let places = (0..self.runs.len()).flat_map(|rule| combinations.iter().map(move |&at| (rule, at)));
        places
            .map(|(rule, at)| {
                let run = &self.runs[rule][at];
                known.entry((rule, at)).or_insert_with(|| heeded(run.rule, &run.resolved)).clone()
            })
            .collect()
    }

    /// Why runs do not heed a key; nothing where they do.
    fn why(&self, key: &str) -> String {
        let mut why: Vec<&str> = Vec::new();
        for reason in self.runs.iter().filter_map(|runs| runs.first()).flat_map(|run| reasons(key, run)) {
            if !why.contains(&reason) {
                why.push(reason);
            }
        }
        told(&why.join("; "))
    }
}

/// A reason with the names of the rules that it is about.
fn told(why: &str) -> String {
    let names = |is: fn(RuleKind) -> bool| {
        listed(RuleKind::ALL.into_iter().filter(|&rule| is(rule)).map(|rule| format!("`{}`", rule.name())))
    };
    why.replace("{own}", &names(|rule| rule.is_dyadic() && rule.own_variant().is_some()))
        .replace("{dyads}", &names(RuleKind::learns_continuously))
        .replace("{described}", &names(|rule| rule.own_variant().is_none()))
        .replace("{exact}", &names(|rule| !rule.has_feedback()))
        .replace("{still}", &names(|rule| !rule.settles()))
        .replace("{single}", &names(|rule| rule.settles() && !rule.is_dyadic()))
        .replace("{coupled}", &names(|rule| heeds_ep(rule, "ep.homeostasis")))
        .replace("{unreal}", &names(|rule| rule.settles() && !rule.is_for_chips()))
        .replace("{unpushed}", &names(|rule| rule.settles() && !rule.has_nudge()))
}

/// Why a run does not heed a setting.
fn reasons(key: &str, run: &RunPlan) -> impl Iterator<Item = &'static str> {
    let setting = setting_of(key);
    let within = move |path: &&str| setting == **path || setting.starts_with(&format!("{path}."));
    let (rule, resolved) = (run.rule, &run.resolved);
    DEAF.iter()
        .filter(move |deaf| (deaf.when)(rule, resolved) && deaf.paths.iter().any(&within))
        .map(|deaf| deaf.why)
}

/// Two values that are seen alike.
fn twins(seen: &[Vec<String>]) -> Option<(usize, usize)> {
    let mut first = HashMap::new();
    seen.iter().enumerate().find_map(|(at, value)| first.insert(value, at).map(|before| (before, at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyadsim_core::spec::SolverKind;

    /// The reason why a setting can be without effect.
    fn why(path: &str, part: &str) -> String {
        let mut found = DEAF.iter().filter(|deaf| deaf.paths.contains(&path)).map(|deaf| told(deaf.why));
        found.find(|why| why.contains(part)).unwrap()
    }

    #[test]
    fn reasons_name_every_rule_and_solver_that_they_are_about() {
        for rule in RuleKind::ALL {
            let name = format!("`{}`", rule.name());
            assert_eq!(
                why("nudge.beta", "nudge and settle nothing").contains(&name),
                !rule.settles(),
                "{name}"
            );
            let single = rule.settles() && !rule.is_dyadic();
            assert_eq!(why("nudge.alpha", "one compartment").contains(&name), single, "{name}");
            assert_eq!(why("nudge.variant", "set it themselves").contains(&name), rule.is_dyadic(), "{name}");
            assert_eq!(why("feedback", "send no errors").contains(&name), !rule.has_feedback(), "{name}");
        }
        assert_eq!(
            told("{described}, {still}"),
            "`custom` and `dyadic-ep`, `bp`, `adversarial`, `bp-feedback`, `bp-direct` and `scff`"
        );
        let sweeping = SolverKind::ALL.into_iter().filter(|kind| kind.sweeps()).map(SolverKind::name);
        assert!(sweeping.eq(["layerwise"]) && why("solver.passes", "sweeps").contains("layerwise"));
    }
}
