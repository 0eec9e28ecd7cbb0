//! `[[exclude]]`: combinations of a grid that are not run, each table naming values of some of the grid's
//! keys.

use std::collections::BTreeMap;

use toml::Value;

use super::experiment::ExperimentSpec;
use super::fault::Fault;

/// Values by key of the grid: one, or a list of which any is meant. A combination that has all of them is
/// left out.
pub type Exclusion = BTreeMap<String, Value>;

/// Whether a value of a grid is what an exclusion names.
pub(super) fn names(named: &Value, value: &Value) -> bool {
    named == value || named.as_array().is_some_and(|any| any.contains(value))
}

/// Whether some exclusion leaves out the combination whose value of each key `value_of` gives.
pub fn excludes<'a>(exclusions: &[Exclusion], value_of: impl Fn(&str) -> Option<&'a Value>) -> bool {
    let named = |(key, named): (&String, &Value)| value_of(key).is_some_and(|value| names(named, value));
    exclusions.iter().any(|exclusion| !exclusion.is_empty() && exclusion.iter().all(named))
}

/// Takes a key that a setting from outside has taken out of the grid out of the exclusions, too: those that
/// name the value hold for the other keys, the rest have no object left.
pub(super) fn settle(exclusions: &mut Vec<Value>, is_set: impl Fn(&str) -> bool, value: &Value) {
    exclusions.retain_mut(|exclusion| {
        let Value::Table(exclusion) = exclusion else { return true };
        let Some(key) = exclusion.keys().find(|key| is_set(key)).cloned() else { return true };
        exclusion.remove(&key).is_some_and(|named| names(&named, value)) && !exclusion.is_empty()
    });
}

/// Checks that exclusions speak of the grid.
///
/// # Errors
/// The first key that the grid lacks, or value that its key never has.
pub(super) fn check_exclude(experiment: &ExperimentSpec) -> Result<(), Fault> {
    let keys: Vec<String> = experiment.grid.keys().map(|key| format!("\"{key}\"")).collect();
    for (number, exclusion) in experiment.exclude.iter().enumerate() {
        for (key, named) in exclusion {
            let refused = |found: String, accepted: String| {
                let fault = Fault::refused(&["exclude"], found, accepted);
                Err(Fault { path: fault.path.item(number).key(key), ..fault })
            };
            let Some(values) = experiment.grid.get(key) else {
                return refused("this key".into(), format!("a key of the grid: {}", keys.join(", ")));
            };
            let known = |value: &Value| values.contains(value);
            let meant =
                known(named) || named.as_array().is_some_and(|any| !any.is_empty() && any.iter().all(known));
            if !meant {
                let values: Vec<String> = values.iter().map(Value::to_string).collect();
                return refused(
                    named.to_string(),
                    format!("values of this key in the grid: {}", values.join(", ")),
                );
            }
        }
    }
    Ok(())
}
