//! Columns of the tables of an experiment that say what each run was: rule, gains, seed, chip and every key
//! of the grid.

use std::collections::HashMap;

use serde_json::Value;

use super::plan::{RunPlan, applies_to};
use crate::record::columns::{Column, Kind};
use crate::record::dictionary::Entry;
use crate::record::table::OfRuns;
use dyadsim_core::spec::{Resolved, meaning, setting_of};

/// Columns that every experiment has, with their meanings.
const ALWAYS: [(&str, Kind, bool, &str); 6] = [
    ("rule", Kind::Text, false, "Rule."),
    ("alpha", Kind::Real, true, "Mixing α."),
    ("beta", Kind::Real, true, "Nudge β."),
    ("seed", Kind::Integer, false, "Seed."),
    ("chip", Kind::Integer, true, "Number of the chip, from 1, where the experiment asks for several."),
    (
        "chip_seed",
        Kind::Integer,
        true,
        "Seed of the chip's devices: `mismatch.seed` makes the same ones again.",
    ),
];

/// The columns and the cells of every run. A key that a rule does not heed is an empty cell of its runs.
pub(super) fn of_runs(base: &Resolved, plans: &[RunPlan]) -> OfRuns {
    let grid = &base.experiment.grid;
    let gains = ["nudge.alpha", "nudge.beta"];
    let keys: Vec<&String> = grid.keys().filter(|key| !gains.contains(&setting_of(key).as_str())).collect();
    let rows: Vec<Vec<Option<Value>>> = plans.iter().map(|plan| values(base, plan, &keys)).collect();
    let always = ALWAYS.map(|(name, kind, optional, about)| {
        (Column { name: name.into(), kind, optional }, Entry::new(name, about))
    });
    let given: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(i, key)| {
            let kind = kind(rows.iter().filter_map(|row| row[i].as_ref()));
            let about = meaning(key).unwrap_or_else(|| "A setting of the grid.".into());
            (Column { name: (*key).clone().into(), kind, optional: true }, Entry::new(key, &about))
        })
        .collect();
    let text = |cell: Option<Value>| match cell {
        Some(Value::String(text)) => text,
        Some(value) => value.to_string(),
        None => String::new(),
    };
    let cells = plans.iter().zip(rows).map(|(plan, row)| {
        let cells = fixed(plan).into_iter().chain(row.into_iter().map(text)).collect();
        (plan.name.clone(), cells)
    });
    let cells: HashMap<_, _> = cells.collect();
    OfRuns { columns: always.into_iter().chain(given).collect(), cells }
}

/// The cells of the columns that every experiment has.
fn fixed(plan: &RunPlan) -> [String; 6] {
    fn cell(value: Option<impl Into<Value>>) -> String {
        value.map(|value| value.into().to_string()).unwrap_or_default()
    }
    [
        plan.rule.name().to_owned(),
        cell(plan.alpha()),
        cell(plan.beta()),
        plan.seed.to_string(),
        cell(plan.chip),
        cell(plan.resolved.circuit.mismatch.seed),
    ]
}

/// What a run has for the keys of the grid: in SI units where it is a quantity, else as the file writes it.
fn values(base: &Resolved, plan: &RunPlan, keys: &[&String]) -> Vec<Option<Value>> {
    let circuit = serde_json::to_value(&plan.resolved.circuit).unwrap_or_default();
    let experiment = serde_json::to_value(&plan.resolved.experiment).unwrap_or_default();
    let of = |key: &&String| {
        let pointer = format!("/{}", setting_of(key).replace('.', "/"));
        let found = experiment.pointer(&pointer).or(circuit.pointer(&pointer));
        let scalar = found.filter(|value| !value.is_object() && !value.is_array() && !value.is_null());
        let written = || {
            let only =
                base.experiment.grid.get(*key).and_then(|values| serde_json::to_value(values.first()?).ok());
            plan.settings.get(*key).cloned().or(only)
        };
        applies_to(plan.rule, key).then(|| scalar.cloned().or_else(written)).flatten()
    };
    keys.iter().map(of).collect()
}

/// The kind of a column that holds all of these values.
fn kind<'a>(values: impl Iterator<Item = &'a Value> + Clone) -> Kind {
    if values.clone().all(Value::is_u64) {
        Kind::Integer
    } else if values.clone().all(Value::is_number) {
        Kind::Real
    } else {
        Kind::Text
    }
}
