//! The settings of an experiment in words, for the line below a title and for the report.

use toml::Value;

use super::tables::Tables;
use crate::figure::axis::setting;

/// A setting of the experiment by its path; of a table that has a `kind`, that. `None` if it is not there.
#[must_use]
pub fn setting_at(tables: &Tables, path: &str) -> Option<String> {
    let mut keys = path.split('.');
    let first = tables.experiment.get(keys.next()?)?;
    written(keys.try_fold(first, |value, key| value.get(key))?)
}

fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(setting(*number)),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Array(items) => Some(items.iter().filter_map(written).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => written(table.get("kind")?),
        Value::Datetime(date) => Some(date.to_string()),
    }
}

/// Data set, network, neuron, solver, nudge point and seeds: `digits 64-48-32-10, relu, …, seeds 1, 2: mean
/// and range`.
///
/// `shown` says what is made of several seeds.
#[must_use]
pub fn settings_line(tables: &Tables, shown: &str) -> String {
    let network = setting_at(tables, "network").map(|sizes| sizes.replace(", ", "-"));
    let set = [setting_at(tables, "dataset"), network].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let point = setting_at(tables, "circuit.nudge.at").map(|at| format!("nudge at {at}"));
    // Of several circuits none speaks for all.
    let grid = tables.experiment.get("grid").and_then(Value::as_table);
    let one = !grid.is_some_and(|grid| grid.contains_key("circuit"));
    let of_circuit = |path: &str| setting_at(tables, path).filter(|_| one);
    let parts = [
        Some(set).filter(|set| !set.is_empty()),
        of_circuit("circuit.neuron.activation"),
        of_circuit("circuit.solver.kind"),
        point.filter(|_| one),
        Some(seeds(tables, shown)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The seeds in words; `shown` says what is made of several.
#[must_use]
pub fn seeds(tables: &Tables, shown: &str) -> String {
    let mut seeds: Vec<u64> = tables.runs.iter().map(|run| run.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    match seeds.as_slice() {
        [] => "no runs".into(),
        [only] => format!("seed {only}"),
        few if few.len() <= 8 => {
            let listed = few.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            format!("seeds {listed}: {shown}")
        }
        many => format!("{} seeds: {shown}", many.len()),
    }
}
