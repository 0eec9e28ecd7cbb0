//! What the columns of all tables mean: name, unit and meaning, read off the comments of the row types.
//!
//! The row types are the one place that says it; the metadata of the Parquet files and `docs/tables.md`
//! repeat it.

use schemars::{JsonSchema, schema_for};
use serde_json::json;

/// Units that a description may name in brackets.
const UNITS: [&str; 21] = [
    "K",
    "V",
    "F",
    "S",
    "Ohm",
    "A",
    "s",
    "Hz",
    "C",
    "J",
    "W",
    "m²",
    "V²/Hz",
    "V²",
    "A²",
    "V/s",
    "1/Hz",
    "degrees",
    "1/τ",
    "τ",
    "standard errors",
];

/// A column: name, unit and meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name, as in the header.
    pub name: String,
    /// Unit; empty for text and for plain numbers.
    pub unit: String,
    /// Meaning.
    pub meaning: String,
}

/// A table: its file's name without ending, what a row of it is, and its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Name of the file, without ending.
    pub stem: &'static str,
    /// What a row is.
    pub row: String,
    /// Its columns in order.
    pub columns: Vec<Entry>,
}

impl Entry {
    /// A column with the unit that its description names in brackets.
    #[must_use]
    pub fn new(name: &str, description: &str) -> Self {
        let named = |unit: &&&str| description.contains(&format!("({unit})"));
        let unit = UNITS.iter().find(named).map(|unit| (*unit).to_owned()).unwrap_or_default();
        Self { name: name.into(), unit, meaning: description.replace('\n', " ") }
    }
}

/// The columns of a row type.
pub(super) fn entries<R: JsonSchema>() -> Vec<Entry> {
    let schema = schema_for!(R).to_value();
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, column)| Entry::new(name, column["description"].as_str().unwrap_or_default()))
        .collect()
}

/// The columns as the metadata of a file.
pub(super) fn metadata(entries: &[Entry]) -> String {
    let entry = |entry: &Entry| json!({"name": entry.name, "unit": entry.unit, "meaning": entry.meaning});
    json!(entries.iter().map(entry).collect::<Vec<_>>()).to_string()
}

/// The description of a table with such rows.
#[must_use]
pub fn table<R: JsonSchema>(stem: &'static str) -> Table {
    let schema = schema_for!(R).to_value();
    let about = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
    let row = about.split_once(": ").map_or(about.as_str(), |(_, row)| row).to_owned();
    Table { stem, row, columns: entries::<R>() }
}
