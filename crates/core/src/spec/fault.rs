//! A fault in a value, before it is known where the value was written.
//!
//! Serde's reader reports faults by the methods of `serde::de::Error`, the checks by the
//! constructors here; the document (`tree`) turns both into a [`SpecError`](super::SpecError).

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::path::{KeyPath, Step};

/// What is wrong, and at which path.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Path below the value that was read or checked.
    pub path: KeyPath,
    /// What is wrong there.
    pub kind: FaultKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// The last key of the path does not exist.
    UnknownKey {
        /// The keys that exist.
        accepted: Vec<String>,
        /// The one that was meant, where that is known better than by its letters.
        nearest: Option<String>,
    },
    /// A name that is not in a list.
    UnknownName {
        /// The name.
        found: String,
        /// The names that exist.
        accepted: Vec<String>,
    },
    /// The last key of the path must be there.
    Missing,
    /// The value cannot be this.
    Refused {
        /// The value, where the document has none at the path.
        found: String,
        /// What it may be.
        accepted: String,
    },
}

impl Fault {
    /// A value that is refused; `found` is told where the document has no value at `path`.
    pub fn refused(path: &[&str], found: impl fmt::Display, accepted: impl Into<String>) -> Self {
        let kind = FaultKind::Refused { found: found.to_string(), accepted: accepted.into() };
        Self { path: KeyPath::of(path), kind }
    }

    /// A name that is not in a list.
    pub fn unknown_name<'a>(path: &[&str], found: &str, accepted: impl IntoIterator<Item = &'a str>) -> Self {
        let accepted = accepted.into_iter().map(str::to_owned).collect();
        Self { path: KeyPath::of(path), kind: FaultKind::UnknownName { found: found.into(), accepted } }
    }

    /// A key that does not exist, and the one that was meant if that is known.
    pub fn unknown_key(path: &[&str], accepted: Vec<String>, nearest: Option<String>) -> Self {
        Self { path: KeyPath::of(path), kind: FaultKind::UnknownKey { accepted, nearest } }
    }

    /// A key that is missing.
    pub fn missing(path: &[&str]) -> Self {
        Self { path: KeyPath::of(path), kind: FaultKind::Missing }
    }

    /// The same fault, seen from one level further out.
    pub fn under(mut self, step: Step) -> Self {
        self.path.0.insert(0, step);
        self
    }

    fn here(kind: FaultKind) -> Self {
        Self { path: KeyPath::default(), kind }
    }
}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::here(FaultKind::Refused { found: "this".into(), accepted: message.to_string() })
    }

    fn invalid_type(found: Unexpected, expected: &dyn Expected) -> Self {
        Self::here(FaultKind::Refused { found: seen(found), accepted: in_words(&expected.to_string()) })
    }

    fn invalid_value(found: Unexpected, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(name: &str, accepted: &'static [&'static str]) -> Self {
        Self::unknown_name(&[], name, accepted.iter().copied())
    }

    fn unknown_field(name: &str, accepted: &'static [&'static str]) -> Self {
        let accepted = accepted.iter().map(|key| (*key).to_owned()).collect();
        Self { path: KeyPath::of(&[name]), kind: FaultKind::UnknownKey { accepted, nearest: None } }
    }

    fn missing_field(name: &'static str) -> Self {
        Self::missing(&[name])
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "`{}`: {:?}", self.path, self.kind)
    }
}

impl std::error::Error for Fault {}

/// A value as TOML would show it.
fn seen(found: Unexpected) -> String {
    match found {
        Unexpected::Str(text) => format!("{text:?}"),
        Unexpected::Signed(n) => n.to_string(),
        Unexpected::Unsigned(n) => n.to_string(),
        Unexpected::Float(x) => x.to_string(),
        Unexpected::Bool(b) => b.to_string(),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a table".into(),
        other => other.to_string(),
    }
}

/// Rust's name of a type in words for people who write TOML.
fn in_words(expected: &str) -> String {
    match expected {
        "f64" => "a number".into(),
        "u64" | "usize" => "a whole number, 0 or more".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a list".into(),
        "a map" => "a table".into(),
        "a string" => "text".into(),
        other if other.starts_with("struct ") => "a table".into(),
        other => other.into(),
    }
}
