//! JSON Schemas of both kinds of file, and the circuit file that spells out every default.
//!
//! All of it is made from the types and their comments, so that it cannot fall behind them.

use std::fmt::Write;
use std::sync::LazyLock;

use schemars::schema_for;
use serde_json::Value;

use super::circuit::CircuitSpec;
use super::experiment::ExperimentSpec;
use crate::units;

/// The two kinds of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A circuit.
    Circuit,
    /// An experiment.
    Experiment,
}

/// What to write for a key that has no default.
const EXAMPLES: [(&str, &str); 42] = [
    ("name", "name = \"my-experiment\""),
    ("circuit", "circuit = \"../circuits/ideal.toml\", or a table [circuit]"),
    ("dataset", "dataset = \"digits\""),
    ("network", "network = [64, 32, 10]"),
    ("epochs", "epochs = 30"),
    ("batch", "batch = 50"),
    ("seeds", "seeds = [1, 2, 3]"),
    ("chips", "chips = 5"),
    ("rules", "rules = [\"bp\", \"dp\", \"dp-transpose\"]"),
    ("optimizer", "optimizer = { kind = \"adam\", learning_rate = 3e-3 }"),
    ("learning_rate", "learning_rate = 3e-3"),
    ("at_least", "at_least = 0.1"),
    ("low", "low = \"-1 V\""),
    ("high", "high = \"1 V\""),
    ("plus", "plus = 0.3"),
    ("minus", "minus = 0.7"),
    ("every", "every = 10"),
    ("factor", "factor = 0.5"),
    ("path", "path = \"FOLDER\""),
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
];

/// The first lines of [`circuit_defaults_toml`].
const DEFAULTS_HEADER: &str = "\
# A circuit file with every key and its default; what is commented out is absent by default.
# A quantity is a number in SI units or text with its unit.
";

/// JSON Schema of a circuit file.
#[must_use]
pub fn circuit_schema() -> Value {
    schema_for!(CircuitSpec).to_value()
}

/// JSON Schema of an experiment file.
#[must_use]
pub fn experiment_schema() -> Value {
    let mut schema = schema_for!(ExperimentSpec).to_value();
    // The circuit's network stands in for a missing one.
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|key| key != "network");
    }
    schema
}

/// A circuit file with every key, its default, its unit and a comment; it reads as the default circuit.
#[must_use]
pub fn circuit_defaults_toml() -> String {
    let schema = schema_of(FileKind::Circuit);
    let mut out = DEFAULTS_HEADER.to_owned();
    write_section(&mut out, schema, schema, "", "");
    out
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

fn schema_of(kind: FileKind) -> &'static Value {
    static CIRCUIT: LazyLock<Value> = LazyLock::new(circuit_schema);
    static EXPERIMENT: LazyLock<Value> = LazyLock::new(experiment_schema);
    match kind {
        FileKind::Circuit => &CIRCUIT,
        FileKind::Experiment => &EXPERIMENT,
    }
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
fn forms<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    if let Some(target) = pointer.and_then(|pointer| root.pointer(pointer)) {
        return forms(root, target);
    }
    match schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        Some(alternatives) => alternatives.iter().flat_map(|form| forms(root, form)).collect(),
        None => vec![schema],
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// Writes the keys of a table, plain ones first, then the tables in it under headings of their own.
fn write_section(out: &mut String, root: &Value, schema: &Value, heading: &str, mark: &str) {
    let is_table =
        |below: &Value| below["default"].is_object() || below["default"].is_null() && has_table(root, below);
    for (key, below) in properties(schema).filter(|(_, below)| !is_table(below)) {
        write_key(out, root, (heading, key), below, mark);
    }
    for (key, below) in properties(schema).filter(|(_, below)| is_table(below)) {
        let mark = if below["default"].is_null() { "# " } else { mark };
        let heading = format!("{heading}{key}");
        let description = below["description"].as_str().unwrap_or_default();
        // Writing to a `String` cannot fail, here and below.
        let _ = writeln!(out, "\n{mark}[{heading}]  # {description}");
        if let Some(table) = forms(root, below).into_iter().find(|form| form["properties"].is_object()) {
            let table = with_defaults(table, &below["default"]);
            write_section(out, root, &table, &format!("{heading}."), mark);
        }
    }
}

fn has_table(root: &Value, schema: &Value) -> bool {
    forms(root, schema).iter().any(|form| form["properties"].is_object())
}

/// A table's schema with the defaults that the place of its use gives.
fn with_defaults(schema: &Value, defaults: &Value) -> Value {
    let mut schema = schema.clone();
    for (key, default) in defaults.as_object().into_iter().flatten() {
        schema["properties"][key]["default"] = default.clone();
    }
    schema
}

/// Writes `key = default  # comment`; without a default the line is an example, commented out.
fn write_key(out: &mut String, root: &Value, (heading, key): (&str, &str), schema: &Value, mark: &str) {
    let description = schema["description"].as_str().unwrap_or_default();
    let unit = ["K", "V", "F", "S", "Ohm", "A", "s", "Hz", "C"]
        .into_iter()
        .find(|unit| description.contains(&format!("({unit})")));
    let line = match (&schema["default"], unit) {
        (Value::Null, _) => {
            let section = heading.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
            format!("# {}", example(section, key).unwrap_or(key))
        }
        (value, Some(unit)) if value.is_number() => {
            format!("{mark}{key} = \"{}\"", units::engineering(value.as_f64().unwrap_or(f64::NAN), unit))
        }
        (value, _) => format!("{mark}{key} = {value}"),
    };
    let choices = choices(root, schema);
    let choices = if choices.is_empty() { choices } else { format!(" One of: {choices}.") };
    let _ = writeln!(out, "{line:<34}  # {description}{choices}");
}

/// The names and tables that a value may be, where they are a closed list.
fn choices(root: &Value, schema: &Value) -> String {
    let choice = |form: &Value| match &form["const"] {
        Value::String(name) => Some(name.clone()),
        _ if form["properties"].is_object() => {
            let keys: Vec<_> = properties(form).map(|(key, _)| format!("{key} = …")).collect();
            Some(format!("{{ {} }}", keys.join(", ")))
        }
        _ => None,
    };
    forms(root, schema).into_iter().filter_map(choice).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::parse_circuit;

    #[test]
    fn the_file_of_defaults_reads_as_the_default_circuit() {
        let text = circuit_defaults_toml();
        assert_eq!(parse_circuit("defaults", &text, &[]).unwrap(), CircuitSpec::default(), "{text}");
    }

    #[test]
    fn the_file_of_defaults_names_and_explains_every_key() {
        let text = circuit_defaults_toml();
        for path in paths(FileKind::Circuit) {
            let key = path.rsplit('.').next().unwrap();
            let line = text.lines().find(|line| {
                let line = line.trim_start_matches("# ");
                line.starts_with(&format!("{key} ="))
                    || line.starts_with(&format!("[{path}]"))
                    || line.contains(&format!("{key} = …"))
            });
            assert!(line.is_some_and(|line| line.contains("  # ")), "`{path}` in\n{text}");
        }
    }

    #[test]
    fn the_file_of_defaults_still_reads_with_its_examples_switched_on() {
        let text = circuit_defaults_toml();
        // What stands behind two marks is another way to say what stands behind one.
        let lines = text.lines().skip(2).filter(|line| !line.starts_with("# # "));
        let on: String = lines.map(|line| format!("{}\n", line.trim_start_matches("# "))).collect();
        // A clock asks for a solver of its own.
        let (before, clock) = on.split_once("[clock]").expect("a section");
        let on = before.to_owned() + clock.find("\n[").map_or("", |next| &clock[next..]);
        let noisy = "solver.kind=heun".parse().unwrap();
        let circuit = parse_circuit("defaults", &on, &[noisy]).unwrap();
        assert!(circuit.network.is_some() && circuit.supply.is_some(), "{on}");
        assert!(circuit.noise.flicker.is_some_and(|flicker| flicker.corner == Some(1e4)), "{on}");
    }

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
