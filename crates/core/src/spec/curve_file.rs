//! Points of curves from CSV files: what stands in a file takes the place of the key that names it.
//!
//! The header names two columns with their units, `v_in (V),v_out (mV)`; each row is a point, in rising order
//! of the input. Lines that are empty or begin with `#` are passed over.

use std::path::Path;

use toml::Value;

use super::error::{At, SpecError};
use super::path::KeyPath;
use super::read::shown;
use super::signature::read_text;
use super::tree::Tree;
use crate::curve::MOST_POINTS;
use crate::units::{self, Kind};

/// Keys of circuits that may name a file of points.
const CURVES: [[&str; 2]; 2] = [["neuron", "activation"], ["neuron", "output_activation"]];

/// What such a file is.
const ACCEPTED: &str =
    "a CSV file, relative to the circuit file, with a header such as `v_in (V),v_out (V)` and a point a row";

/// What is wrong with a file of points.
#[derive(Debug, PartialEq)]
struct Wrong {
    /// Line, from 1, and column of the table, from 1; of the whole file none.
    at: Option<(usize, usize)>,
    found: String,
    accepted: String,
}

/// Puts the points of every file that a circuit names in the place of its name; files are relative to `base`.
///
/// # Errors
/// A file that cannot be read, or is no table of points: with line, column, what was found and what is right.
pub(super) fn take_in(tree: &mut Tree, circuit: &KeyPath, base: &Path) -> Result<(), SpecError> {
    for keys in CURVES {
        let at = keys.iter().fold(circuit.clone(), |path, key| path.key(key));
        let file = at.key("file");
        let Some(Value::String(name)) = file.value_in(&tree.table).cloned() else { continue };
        let place = tree.place_of(&file);
        let told = |reason: String, accepted: String| {
            let found = format!("{} {reason}", shown(&Value::String(name.clone())));
            let at = At { place: place.clone(), path: file.clone(), found };
            SpecError::Refused { at: Box::new(at), accepted }
        };
        if at.key("points").value_in(&tree.table).is_some() {
            return Err(told("beside `points`".into(), "one of `file` and `points`".into()));
        }
        let text = read_text(&base.join(&name))
            .map_err(|error| told(format!("which cannot be read ({error})"), ACCEPTED.into()))?;
        let points = points(&text).map_err(|Wrong { at, found, accepted }| match at {
            Some((line, column)) => told(format!("with {found} in line {line}, column {column}"), accepted),
            None => told(format!("with {found}"), accepted),
        })?;
        let pair = |(x, y): (f64, f64)| Value::Array(vec![Value::Float(x), Value::Float(y)]);
        tree.replace(&at, ("file", "points"), Value::Array(points.into_iter().map(pair).collect()));
    }
    Ok(())
}

/// The points (V) of a text.
fn points(text: &str) -> Result<Vec<(f64, f64)>, Wrong> {
    let whole = |found: String| Wrong { at: None, found, accepted: ACCEPTED.into() };
    let mut rows = (1..)
        .zip(text.lines())
        .map(|(line, row)| (line, row.trim().trim_start_matches('\u{feff}')))
        .filter(|(_, row)| !row.is_empty() && !row.starts_with('#'));
    let (line, header) = rows.next().ok_or_else(|| whole("no row".into()))?;
    let units = columns(line, header)?.map(|(column, name)| unit(line, column, name));
    let [input, output] = units;
    let (input, output) = (input?, output?);
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (line, row) in rows {
        let [x, y] = columns(line, row)?;
        let point = (number(line, x, &input)?, number(line, y, &output)?);
        if let Some((before, _)) = points.last().filter(|(before, _)| point.0 <= *before) {
            let (found, before) = (format!("`{}`", x.1), units::engineering(*before, "V"));
            let accepted =
                format!("an input above the one before, {before}: rows in rising order, none twice");
            return Err(Wrong { at: Some((line, 1)), found, accepted });
        }
        points.push(point);
    }
    if (2..=MOST_POINTS).contains(&points.len()) {
        return Ok(points);
    }
    let found = format!("{} points", points.len());
    Err(Wrong { at: None, found, accepted: format!("2 to {MOST_POINTS} points, a row each") })
}

/// The two cells of a row with their columns, from 1.
fn columns(line: usize, row: &str) -> Result<[(usize, &str); 2], Wrong> {
    let mut cells = row.split(',').map(|cell| cell.trim().trim_matches('"').trim());
    match (cells.next(), cells.next(), cells.next()) {
        (Some(x), Some(y), None) => Ok([(1, x), (2, y)]),
        (_, second, third) => {
            let column = if second.is_none() { 2 } else { 3 };
            let found = third.map_or_else(|| "nothing".to_owned(), |cell| format!("`{cell}`"));
            let accepted = "two cells with a comma between them: input and output".to_owned();
            Err(Wrong { at: Some((line, column)), found, accepted })
        }
    }
}

/// The unit in brackets at the end of a column's name.
fn unit(line: usize, column: usize, name: &str) -> Result<String, Wrong> {
    let bracketed = name.strip_suffix([')', ']']).and_then(|name| name.rsplit_once(['(', '[']));
    let unit = bracketed.map(|(_, unit)| unit.trim()).unwrap_or_default();
    let known = units::parse(&format!("1 {unit}"), Kind::Voltage);
    known.map(|_| unit.to_owned()).map_err(|_| Wrong {
        at: Some((line, column)),
        found: format!("`{name}`"),
        accepted: "a name with a unit of voltage in brackets, for example `v_in (V)` or `v_out (mV)`".into(),
    })
}

/// A number (V) of a column with a unit.
fn number(line: usize, (column, cell): (usize, &str), unit: &str) -> Result<f64, Wrong> {
    let plain: Option<f64> = cell.parse().ok().filter(|number: &f64| number.is_finite());
    let scaled = plain.and_then(|_| units::parse(&format!("{cell} {unit}"), Kind::Voltage).ok());
    scaled.ok_or_else(|| Wrong {
        at: Some((line, column)),
        found: if cell.is_empty() { "nothing".into() } else { format!("`{cell}`") },
        accepted: format!("a finite number ({unit})"),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::spec::{ActivationKind, circuit_toml, load_circuit, load_experiment, parse_circuit};

    #[test]
    fn points_are_read_in_the_units_of_their_header() {
        let text = "# measured\n\nv_in (mV),\"v_out [V]\"\n-100, -0.5\n0,0\n1e2,+0.5\n";
        assert_eq!(points(text).unwrap(), [(-0.1, -0.5), (0.0, 0.0), (0.1, 0.5)]);
    }

    #[test]
    fn what_is_no_table_of_points_is_told_with_line_and_column() {
        let head = "a (V),b (V)\n";
        for (text, at, found) in [
            (String::new(), None, "no row"),
            (format!("{head}0,0\n"), None, "1 points"),
            ("a (V),b\n0,0\n1,1".into(), Some((1, 2)), "`b`"),
            ("a (V),b (A)\n0,0\n1,1".into(), Some((1, 2)), "`b (A)`"),
            ("0,0\n1,1".into(), Some((1, 1)), "`0`"),
            (format!("{head}0,0\n1,one\n"), Some((3, 2)), "`one`"),
            (format!("{head}0,0\n1,\n"), Some((3, 2)), "nothing"),
            (format!("{head}0,0\n1\n"), Some((3, 2)), "nothing"),
            (format!("{head}0,0\n1,inf\n"), Some((3, 2)), "`inf`"),
            (format!("{head}0,0\n1,2,3\n"), Some((3, 3)), "`3`"),
            (format!("{head}0,0\n1;2\n"), Some((3, 2)), "nothing"),
            (format!("{head}0,0\n\n0,1\n"), Some((4, 1)), "`0`"),
        ] {
            let wrong = points(&text).unwrap_err();
            assert_eq!((wrong.at, wrong.found.as_str()), (at, found), "{text}");
        }
    }

    #[test]
    fn a_circuit_is_whole_without_the_file_that_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::write(place("ota.csv"), "in (V),out (V)\n-1,-0.75\n0,0\n1,0.75\n").unwrap();
        let text = "[neuron]\nactivation = { kind = 'table', file = 'ota.csv', scale = '2 V' }\n";
        fs::write(place("c.toml"), text).unwrap();
        let read = load_circuit(&place("c.toml"), &[]).unwrap();
        let curve = read.neuron.activation.kind.curve().unwrap();
        assert_eq!(curve.points().collect::<Vec<_>>(), [(-1.0, -0.75), (0.0, 0.0), (1.0, 0.75)]);
        assert_eq!(read.neuron.activation.scale, 2.0);
        let written = circuit_toml(&read);
        assert_eq!(parse_circuit("w.toml", &written, &[]).unwrap(), read, "{written}");
        assert_eq!(read.clone().checked().unwrap(), read);
        // The same curve from a setting, from an experiment's own table, and through an experiment.
        let set = ["neuron.output_activation={ kind = 'table', file = 'ota.csv' }".parse().unwrap()];
        let set = load_circuit(&place("c.toml"), &set).unwrap();
        assert_eq!(set.neuron.output_activation.kind, ActivationKind::Table(curve));
        let experiment = |circuit: &str| {
            let rest = "name = 'x'\ndataset = 'digits'\nnetwork = [64, 10]\nepochs = 1\nbatch = 10\nseeds = [1]\n\
                        rules = ['dp']\noptimizer = { kind = 'sgd', learning_rate = 0.1 }\n";
            fs::write(place("e.toml"), format!("{rest}{circuit}")).unwrap();
            load_experiment(&place("e.toml"), &[]).unwrap().resolve(&[]).unwrap()
        };
        let named = experiment("circuit = 'c.toml'\n");
        let inline = experiment(&format!("[circuit]\n{}", text.replace("[neuron]\n", "neuron.")));
        assert_eq!(named.circuit.neuron, read.neuron);
        assert_eq!(inline.circuit.neuron, read.neuron);
        let again = crate::spec::parse_experiment("w.toml", &named.to_toml(), &[]).unwrap();
        assert_eq!(again.resolve(&[]).unwrap().circuit, named.circuit);
    }

    #[test]
    fn a_file_that_is_wrong_or_missing_is_told_with_the_key_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bad.csv"), "in (V),out (V)\n0,0\n1,x\n").unwrap();
        let name = folder.path().join("c.toml").display().to_string();
        let told = |activation: &str| {
            let text = format!("[neuron]\nactivation = {activation}\n");
            parse_circuit(&name, &text, &[]).unwrap_err().to_string()
        };
        for (activation, words) in [
            (
                "{ kind = 'table', file = 'bad.csv' }",
                "c.toml:2:32: `neuron.activation.file`: found \"bad.csv\" with `x` in line 3, column 2\n  accepted: a finite number (V)",
            ),
            ("{ kind = 'table', file = 'no.csv' }", "found \"no.csv\" which cannot be read"),
            ("{ kind = 'table', file = 'bad.csv', points = [[0, 0], [1, 1]] }", "one of `file` and `points`"),
            ("{ kind = 'table', points = [[0, 0], [0, 1]] }", "inputs in rising order (point 2"),
            ("{ kind = 'table', points = [[0, 0], [1, 'x']] }", "`neuron.activation.points[1][1]`"),
            ("'table'", "kind = \"table\", file = "),
            ("{ kind = 'tanh', points = [[0, 0], [1, 1]] }", "\"tanh\" is a formula"),
            ("{ kind = 'tabel' }", "did you mean `table`"),
        ] {
            let message = told(activation);
            assert!(message.contains(words), "{message}");
        }
    }
}
