//! Descriptions as files for people: every key with its value, its unit and what it means.
//!
//! Made from the types and their comments, as the schemas are, so that it cannot fall behind them. What
//! bites: a key without a value is an example behind one mark `#`; behind two stands another way to say the
//! line before.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use super::circuit::CircuitSpec;
use super::experiment::ExperimentSpec;
use super::schema::{FileKind, example, forms, properties, schema_of};
use crate::units;

/// The first lines of a circuit.
const CIRCUIT_HEADER: &str = "\
# A circuit file with every key and its default; what is commented out is absent by default.
# A quantity is a number in SI units or text with its unit.
";

/// The first lines of a circuit with values of its own.
const WHOLE_CIRCUIT: &str = "\
# A circuit file with every key; what is commented out is absent.
# A quantity is a number in SI units or text with its unit.
";

/// The first lines of a template of an experiment.
const TEMPLATE_HEADER: &str = "\
# An experiment file with every key; what is commented out is absent by default.
# `dyadsim circuits show --defaults` prints the keys of a circuit, all of which may stand below `circuit`, in `[grid]` and behind --set.
";

/// The first lines of an experiment.
const WHOLE_EXPERIMENT: &str = "\
# An experiment file with every key and its circuit; what is commented out is absent.
# A quantity is a number in SI units or text with its unit.
";

/// Most keys of a table that a line of comment shows.
const SMALL: usize = 4;

/// Units of numbers, as descriptions name them in brackets, and as files write them.
const UNITS: [(&str, &str); 14] = [
    ("(K)", "K"),
    ("(V)", "V"),
    ("(F)", "F"),
    ("(S)", "S"),
    ("(Ohm)", "Ohm"),
    ("(A)", "A"),
    ("(s)", "s"),
    ("(Hz)", "Hz"),
    ("(C)", "C"),
    ("(J)", "J"),
    ("(V/s)", "V/s"),
    ("(V²/Hz)", "V^2/Hz"),
    ("(A²)", "A^2"),
    ("(m²)", "m^2"),
];

/// What a template says where a key has no default.
const TEMPLATE: [(&str, &str); 8] = [
    ("name", "\"my-experiment\""),
    ("circuit", "\"ideal\""),
    ("network", "[64, 32, 10]"),
    ("epochs", "30"),
    ("batch", "50"),
    ("seeds", "[1, 2, 3]"),
    ("rules", "[\"bp\", \"dp\", \"dp-transpose\"]"),
    ("dataset", "{ \"kind\": \"digits\", \"split_seed\": 0 }"),
];

/// A circuit file with every key, its default, its unit and a comment; it reads as the default circuit.
#[must_use]
pub fn circuit_defaults_toml() -> String {
    written(FileKind::Circuit, CIRCUIT_HEADER, &Value::Null)
}

/// A circuit as a file with every key, its unit and a comment; it reads as the same circuit.
#[must_use]
pub fn circuit_toml(circuit: &CircuitSpec) -> String {
    written(FileKind::Circuit, WHOLE_CIRCUIT, &values(circuit))
}

/// An experiment as a file with every key, its unit and a comment; it reads as the same experiment.
#[must_use]
pub fn experiment_toml(experiment: &ExperimentSpec) -> String {
    written(FileKind::Experiment, WHOLE_EXPERIMENT, &values(experiment))
}

/// An experiment file with every key and a comment, to be filled in; it reads as an experiment of the ideal
/// circuit on `digits`.
#[must_use]
pub fn experiment_template_toml() -> String {
    let mut given = serde_json::Map::new();
    for (key, text) in TEMPLATE {
        given.insert(key.into(), serde_json::from_str(text).unwrap_or_default());
    }
    given.insert("optimizer".into(), serde_json::json!({ "kind": "adam", "learning_rate": 3e-3 }));
    written(FileKind::Experiment, TEMPLATE_HEADER, &Value::Object(given))
}

/// The values of a description. Keys are text and numbers finite, behind the door: nothing is lost.
fn values(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

fn written(kind: FileKind, header: &str, given: &Value) -> String {
    let root = schema_of(kind);
    let mut out = header.to_owned();
    write_section(&mut out, root, &with_values(root, given), "", "");
    out
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
        match form_of(root, below) {
            Some(table) => {
                let table = with_values(table, &below["default"]);
                write_section(out, root, &table, &format!("{heading}."), mark);
            }
            None => write_map(out, (&heading, mark), &below["default"]),
        }
    }
}

/// Writes a table of which any key may be; an empty one gets an example.
fn write_map(out: &mut String, (heading, mark): (&str, &str), given: &Value) {
    for (key, value) in given.as_object().into_iter().flatten() {
        let _ = writeln!(out, "{mark}{} = {}", toml::Value::String(key.clone()), inline(value));
    }
    if given.as_object().is_none_or(serde_json::Map::is_empty) {
        let _ = writeln!(out, "# {}", example("", heading).unwrap_or_default());
    }
}

fn has_table(root: &Value, schema: &Value) -> bool {
    forms(root, schema).iter().any(|form| form["properties"].is_object())
}

/// The form of a table that has all the keys given, if tables of this kind have keys of their own.
fn form_of<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    let given = &schema["default"];
    let has = |form: &Value| {
        given.as_object().is_none_or(|given| given.keys().all(|key| form["properties"].get(key).is_some()))
    };
    forms(root, schema).into_iter().find(|form| form["properties"].is_object() && has(form))
}

/// A table's schema with the values that are given for its keys in the place of defaults.
fn with_values(schema: &Value, given: &Value) -> Value {
    let mut schema = schema.clone();
    for (key, value) in given.as_object().into_iter().flatten() {
        schema["properties"][key]["default"] = value.clone();
    }
    schema
}

/// Writes `key = value  # comment`; without a value the line is an example, commented out.
fn write_key(out: &mut String, root: &Value, (heading, key): (&str, &str), schema: &Value, mark: &str) {
    let description = schema["description"].as_str().unwrap_or_default();
    let line = match &schema["default"] {
        Value::Null => {
            let section = heading.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
            format!("# {}", example(section, key).unwrap_or(key))
        }
        value => format!("{mark}{key} = {}", quantity(value, description)),
    };
    let choices = choices(root, schema);
    let choices = if choices.is_empty() { choices } else { format!(" One of: {choices}.") };
    let _ = writeln!(out, "{line:<34}  # {description}{choices}");
}

/// A value as TOML; a number with the unit that its description names.
fn quantity(value: &Value, description: &str) -> String {
    let unit = UNITS.iter().find(|(named, _)| description.contains(named)).map(|(_, unit)| *unit);
    match (value.as_f64(), unit) {
        // A prefix of a squared unit is easily misread.
        (Some(number), Some(unit)) if unit.contains('^') => format!("\"{number:e} {unit}\""),
        (Some(number), Some(unit)) => format!("\"{}\"", units::engineering(number, unit)),
        _ => inline(value),
    }
}

/// A value as TOML on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => toml::Value::String(text.clone()).to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let entry = |(key, value): (&String, &Value)| {
                let bare = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
                let quoted = || toml::Value::String(key.clone()).to_string();
                format!(
                    "{} = {}",
                    if bare && !key.is_empty() { key.clone() } else { quoted() },
                    inline(value)
                )
            };
            format!("{{ {} }}", table.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// The names and small tables that a value, or an item of it, may be, where they are a closed list.
fn choices(root: &Value, schema: &Value) -> String {
    let mut found = Vec::new();
    let items = schema.get("items").map(|items| forms(root, items)).unwrap_or_default();
    for form in forms(root, schema).into_iter().chain(items) {
        match (&form["const"], form["enum"].as_array()) {
            (Value::String(name), _) => found.push(name.clone()),
            (_, Some(names)) => found.extend(names.iter().filter_map(Value::as_str).map(str::to_owned)),
            _ if (1..=SMALL).contains(&properties(form).count()) => {
                found.push(keys_of(root, form));
            }
            _ => {}
        }
    }
    found.join(", ")
}

/// The keys of a small table, with those of a table in it: `{ step = { every = …, factor = … } }`.
fn keys_of(root: &Value, table: &Value) -> String {
    let value = |below: &Value| match forms(root, below).as_slice() {
        [form] if form["properties"].is_object() => keys_of(root, form),
        _ => "…".to_owned(),
    };
    let keys: Vec<_> = properties(table).map(|(key, below)| format!("{key} = {}", value(below))).collect();
    format!("{{ {} }}", keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::schema::paths;
    use crate::spec::{parse_circuit, parse_experiment};

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

    /// Whether a text has a line, switched on or not, with a comment, for a key.
    fn explains(text: &str, path: &str) -> bool {
        let key = path.rsplit('.').next().unwrap();
        text.lines().any(|line| {
            let bare = line.trim_start_matches("# ");
            let is_key = bare.starts_with(&format!("{key} =")) || bare.starts_with(&format!("[{path}]"));
            (is_key || line.contains(&format!("{key} = …"))) && line.contains("  # ")
        })
    }

    #[test]
    fn the_template_of_an_experiment_reads_and_has_every_key() {
        let text = experiment_template_toml();
        for path in paths(FileKind::Experiment).iter().filter(|path| !path.starts_with("circuit.")) {
            assert!(explains(&text, path), "`{path}` in\n{text}");
        }
        let read = parse_experiment("t.toml", &text, &[]).unwrap().resolve(&[]).unwrap();
        assert_eq!((read.circuit.name.as_str(), read.experiment.rules.len()), ("ideal", 3));
    }

    #[test]
    fn what_is_written_out_reads_as_the_same_description() {
        for circuit in crate::spec::CIRCUITS {
            let read = parse_circuit(circuit.file, circuit.text, &[]).unwrap();
            assert_eq!(parse_circuit("c.toml", &circuit_toml(&read), &[]).unwrap(), read, "{}", circuit.file);
        }
        let text = experiment_template_toml();
        for set in [
            &["init={ std = [0.1, 1e-9] }", "optimizer.schedule={ step = { every = 3, factor = 0.1 } }"][..],
            &["nudge.variant={ plus = 0.3, minus = 0.7 }", "rules=['custom']", "snapshots=true", "chips=3"],
            &["grid={ \"nudge.beta\" = [0.1, 0.5], circuit = ['ideal', 'noisy'] }", "dataset.train=100"],
            &["neuron.capacitance=1e-16", "supply={ low = -1.5e-3, high = \"2 V\" }", "adversarial.step=0.1"],
            &[
                "grid={ \"nudge.beta\" = [0.1, 0.5] }",
                "exclude=[{ \"nudge.beta\" = 0.1 }]",
                "control={ seeds = 1 }",
            ],
            &["expect={ \"dp.test_accuracy\" = { at_least = 0.1, at_most = 0.3 } }"],
        ] {
            let set: Vec<_> = set.iter().map(|setting| setting.parse().unwrap()).collect();
            let read = parse_experiment("t.toml", &text, &set).unwrap().resolve(&[]).unwrap();
            let shown = experiment_toml(&read.experiment);
            let again =
                parse_experiment("t.toml", &shown, &[]).unwrap_or_else(|error| panic!("{error}\n{shown}"));
            assert_eq!(again.resolve(&[]).unwrap(), read, "{shown}");
            assert!(!shown.contains("00000"), "{shown}");
        }
    }
}
