//! JSON Schemas of both kinds of file, made from the types and their comments, so that they cannot fall
//! behind them.

use std::sync::LazyLock;

use schemars::schema_for;
use serde_json::Value;

use super::circuit::CircuitSpec;
use super::experiment::ExperimentSpec;

/// The two kinds of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A circuit.
    Circuit,
    /// An experiment.
    Experiment,
}

/// What to write for a key that has no default.
const EXAMPLES: [(&str, &str); 65] = [
    ("name", "name = \"my-experiment\""),
    ("circuit", "circuit = \"ideal\", a file such as \"../circuits/mine.toml\", or a table [circuit]"),
    ("dataset", "dataset = \"digits\""),
    ("network", "network = [64, 32, 10]"),
    ("epochs", "epochs = 30"),
    ("batch", "batch = 50"),
    ("plasticity.time_constant", "time_constant = 1000.0"),
    ("plasticity.presentation", "presentation = 20.0"),
    ("seeds", "seeds = [1, 2, 3]"),
    ("chips", "chips = 5"),
    ("rules", "rules = [\"bp\", \"dp\", \"dp-transpose\"]"),
    ("optimizer", "optimizer = { kind = \"adam\", learning_rate = 3e-3 }"),
    ("learning_rate", "learning_rate = 3e-3"),
    ("feedback_update_noise", "feedback_update_noise = 0.01"),
    ("at_least", "at_least = 0.1"),
    ("low", "low = \"-1 V\""),
    ("high", "high = \"1 V\""),
    ("plus", "plus = 0.3"),
    ("minus", "minus = 0.7"),
    ("every", "every = 10"),
    ("factor", "factor = 0.5"),
    ("path", "path = \"FOLDER\""),
    ("file", "# file = \"ota.csv\""), // of a table alone
    ("points", "# points = [[-1.0, -0.8], [0.0, 0.0], [1.0, 0.8]]"),
    ("current", "current = \"1 nA\""),
    ("corner", "corner = \"10 kHz\""),
    ("coefficient", "# coefficient = \"1e-24 A^2\""), // the other way to say `corner`
    ("amplitude", "amplitude = 0.05"),
    ("telegraph.amplitude", "amplitude = \"1 nA\""),
    ("capture", "capture = \"1 us\""),
    ("emission", "emission = \"3 us\""),
    ("relative_psd", "relative_psd = 1e-10"),
    ("psd", "psd = \"1e-16 V^2/Hz\""),
    ("bandwidth", "bandwidth = \"10 MHz\""),
    ("capacitance", "capacitance = \"10 fF\""),
    ("seed", "seed = 1"),
    ("technology", "technology = \"180nm\""),
    ("supply", "supply = \"1.8 V\""),
    ("conversion", "conversion = \"2 pJ\""),
    ("programming", "programming = \"1 pJ\""),
    ("neuron_area", "neuron_area = \"250 um^2\""),
    ("synapse_area", "synapse_area = \"3 um^2\""),
    ("range", "range = \"65 mV\""),
    ("gain", "gain = 10000.0"),
    ("gain_bandwidth", "gain_bandwidth = \"150 MHz\""),
    ("slew", "slew = \"5 MV/s\""),
    ("frequency", "frequency = \"10 MHz\""),
    (".kind", "kind = \"dyad\""),
    ("on_off", "on_off = 100.0"),
    ("crossbar.weight", "weight = 1.0"),
    ("process.technology", "technology = \"180nm\""),
    ("process.activation", "activation = \"4 um^2\""),
    ("process.mirror", "mirror = \"100 um^2\""),
    ("process.leak", "leak = \"100 um^2\""),
    ("process.synapse", "synapse = \"4 um^2\""),
    (".lateral", "lateral = false"),
    ("hidden_alpha", "hidden_alpha = 0.5"),
    ("updates", "updates = 1"),
    ("snapshots", "snapshots = true"),
    ("train", "train = 1000"),
    ("test", "test = 500"),
    ("control.seeds", "seeds = 1"),
    ("exclude", "exclude = [{ \"nudge.alpha\" = 0.0, \"nudge.beta\" = [0.5] }]"),
    ("grid", "\"nudge.beta\" = [0.1, 0.5]"),
    ("expect", "\"dp.test_accuracy\" = { at_least = 0.9 }"),
];

/// JSON Schema of a circuit file.
#[must_use]
pub fn circuit_schema() -> Value {
    with_whole_lines(schema_for!(CircuitSpec).to_value())
}

/// JSON Schema of an experiment file.
#[must_use]
pub fn experiment_schema() -> Value {
    let mut schema = schema_for!(ExperimentSpec).to_value();
    // The circuit's network stands in for a missing one.
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|key| key != "network");
    }
    with_whole_lines(schema)
}

/// A schema whose descriptions have a paragraph in a line, however the sources are wrapped.
fn with_whole_lines(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(keys) => {
            for (key, value) in keys {
                *value = match value.take() {
                    Value::String(text) if key == "description" => text
                        .split("\n\n")
                        .map(|part| part.replace('\n', " "))
                        .collect::<Vec<_>>()
                        .join("\n\n")
                        .into(),
                    other => with_whole_lines(other),
                };
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = with_whole_lines(value.take())),
        _ => {}
    }
    schema
}

/// An example of a key that has no default, in a section of this name.
pub(super) fn example(section: &str, key: &str) -> Option<&'static str> {
    let of = |name: &str| EXAMPLES.iter().find(|(known, _)| *known == name).map(|(_, example)| *example);
    of(&format!("{section}.{key}")).or_else(|| of(key))
}

/// Whether a kind of file has a key at its root.
pub(super) fn has_key(kind: FileKind, key: &str) -> bool {
    schema_of(kind)["properties"].get(key).is_some()
}

/// The dotted paths of all keys of a kind of file; an experiment's without those of its circuit.
pub(super) fn paths(kind: FileKind) -> Vec<String> {
    let mut paths = Vec::new();
    collect_paths(schema_of(kind), schema_of(kind), "", &mut paths);
    paths
}

/// The schema of a kind of file.
pub(super) fn schema_of(kind: FileKind) -> &'static Value {
    static CIRCUIT: LazyLock<Value> = LazyLock::new(circuit_schema);
    static EXPERIMENT: LazyLock<Value> = LazyLock::new(experiment_schema);
    match kind {
        FileKind::Circuit => &CIRCUIT,
        FileKind::Experiment => &EXPERIMENT,
    }
}

/// What a key means, whose path may be that of an experiment or of a circuit.
#[must_use]
pub fn meaning(path: &str) -> Option<String> {
    let path = super::route::setting_of(path);
    let within = |kind: FileKind| {
        let root = schema_of(kind);
        let mut at = vec![root];
        let mut found = None;
        for key in path.split('.') {
            found = at.iter().find_map(|form| form["properties"].get(key));
            at = forms(root, found?);
        }
        found?["description"].as_str().map(str::to_owned)
    };
    within(FileKind::Experiment).or_else(|| within(FileKind::Circuit))
}

fn collect_paths(root: &Value, schema: &Value, prefix: &str, paths: &mut Vec<String>) {
    for form in forms(root, schema) {
        for (key, below) in properties(form) {
            let path = format!("{prefix}{key}");
            if path != "circuit" {
                collect_paths(root, below, &format!("{path}."), paths);
            }
            paths.push(path);
        }
    }
}

/// The forms that a value may take: references are followed, alternatives are listed.
pub(super) fn forms<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    if let Some(target) = pointer.and_then(|pointer| root.pointer(pointer)) {
        return forms(root, target);
    }
    match schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        Some(alternatives) => alternatives.iter().flat_map(|form| forms(root, form)).collect(),
        None => vec![schema],
    }
}

/// The keys of a table with their schemas.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_reach_into_every_form_of_a_value() {
        let circuit = paths(FileKind::Circuit);
        for path in
            ["temperature", "supply.low", "neuron.activation.scale", "nudge.variant.plus", "solver.rtol"]
        {
            assert!(circuit.iter().any(|known| known == path), "{path}");
        }
        let experiment = paths(FileKind::Experiment);
        for path in ["dataset.split_seed", "optimizer.schedule.step.every", "init.weights", "circuit"] {
            assert!(experiment.iter().any(|known| known == path), "{path}");
        }
    }

    #[test]
    fn both_schemas_forbid_unknown_keys_in_every_table() {
        for schema in [circuit_schema(), experiment_schema()] {
            let definitions = schema["$defs"].as_object().unwrap();
            for (name, table) in definitions.iter().filter(|(_, table)| table["properties"].is_object()) {
                assert_eq!(table["additionalProperties"], Value::Bool(false), "{name}");
            }
        }
    }
}
