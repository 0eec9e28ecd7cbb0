//! What can be wrong with a description, and how it is told.
//!
//! Each message names the place (file, line, column, or the `--set` that brought the value), the
//! key's path, what was found, what is accepted and, where one is near, the name that was meant.

use std::fmt;

use super::path::KeyPath;

/// A bad description. The text is for people and may have several lines.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// The file cannot be read.
    #[error("{file}: cannot be read ({source})")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The circuit that an experiment names cannot be read.
    #[error("{at}: found {}, which cannot be read ({source})\n  accepted: a circuit file, relative to the experiment file, a built-in circuit ({}), or a table `[circuit]`{}", .at.found, names(.known), meant(.nearest.as_deref()))]
    UnreadableCircuit {
        /// The key and the path found there.
        at: Box<At>,
        /// The system's reason.
        source: std::io::Error,
        /// The built-in circuits.
        known: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// The text is no TOML; the message has the line and a caret.
    #[error("{file}: {}", .message.trim_end())]
    Syntax {
        /// The file.
        file: String,
        /// The parser's message.
        message: String,
    },
    /// A key that does not exist.
    #[error("{at}: unknown key\n  accepted: {}{}", names(.accepted), meant(.nearest.as_deref()))]
    UnknownKey {
        /// The key.
        at: Box<At>,
        /// The keys that exist there.
        accepted: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// A name that is not in a list of names.
    #[error("{at}: found {}\n  accepted: {}{}", .at.found, names(.accepted), meant(.nearest.as_deref()))]
    UnknownName {
        /// The key and the name found there.
        at: Box<At>,
        /// The names that exist.
        accepted: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// A key that must be there and is not.
    #[error("{at}: missing\n  accepted: {accepted}")]
    Missing {
        /// The key.
        at: Box<At>,
        /// An example.
        accepted: String,
    },
    /// A value of the wrong type, kind or size.
    #[error("{at}: found {}\n  accepted: {accepted}", .at.found)]
    Refused {
        /// The key and the value found there.
        at: Box<At>,
        /// What would be right.
        accepted: String,
    },
    /// A section that a later version will have.
    #[error(
        "{at}: not yet known; this version simulates ideal devices only for `{section}`\n  accepted: no section `{section}`, which means ideal"
    )]
    Promised {
        /// The section.
        at: Box<At>,
        /// Its name.
        section: String,
    },
    /// A `--set` that is no `PATH=VALUE`.
    #[error(
        "--set {text}: {reason}\n  accepted: PATH=VALUE, for example nudge.beta=0.1 or neuron.activation=tanh"
    )]
    Set {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two settings of the same key that differ.
    #[error("{later}: `{path}` is set twice, before by {before}\n  accepted: one value for a key")]
    Twice {
        /// The later one, with its option.
        later: String,
        /// The earlier one.
        before: String,
        /// The key of both.
        path: KeyPath,
    },
    /// More than one of the others.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<SpecError>),
    /// A path that is none.
    #[error(
        "`{text}` is no path of a setting\n  accepted: keys with dots between them, for example nudge.alpha"
    )]
    Path {
        /// What was given.
        text: String,
    },
}

impl SpecError {
    /// Where it is, if it is at a key.
    pub(super) fn at(&self) -> Option<&At> {
        match self {
            Self::UnreadableCircuit { at, .. }
            | Self::UnknownKey { at, .. }
            | Self::UnknownName { at, .. }
            | Self::Missing { at, .. }
            | Self::Refused { at, .. }
            | Self::Promised { at, .. } => Some(at),
            _ => None,
        }
    }
}

/// Where an error is, and what was found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// Where the value was written.
    pub place: Place,
    /// The key's path in that file.
    pub path: KeyPath,
    /// The value found, as TOML.
    pub found: String,
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}: `{}`", self.place, self.path)
    }
}

/// What stands for the name of a file where there is none: the description was made by a program.
pub(super) const IN_CODE: &str = "in code";

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, where the line is not known: the key is missing.
    File(String),
    /// A line of a file.
    Line {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// An override with its option, `--set PATH=VALUE`.
    Set(String),
    /// A program, which made the description itself.
    Code,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::File(file) => write!(out, "{file}"),
            Self::Line { file, line, column } => write!(out, "{file}:{line}:{column}"),
            Self::Set(text) => out.write_str(text),
            Self::Code => out.write_str(IN_CODE),
        }
    }
}

/// The candidate that a misspelt name most resembles, if any does.
///
/// A name that differs in case and separators alone, or that abbreviates every part of a single candidate
/// (`dpt` for `dp-transpose`, `alph` for `alpha`), means that one. Otherwise at most a third of the letters,
/// and two in a short name, may be wrong, missing or swapped.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let name = plain(name);
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let joined = |text: &str| plain(text).replace('-', "");
    if let Some(same) = candidates.iter().find(|candidate| joined(candidate) == joined(&name)) {
        return Some((*same).to_owned());
    }
    let mut meant = candidates.iter().filter(|candidate| abbreviates(&joined(&name), &plain(candidate)));
    if let (Some(one), None) = (meant.next(), meant.next()) {
        return Some((*one).to_owned());
    }
    let limit = (name.chars().count() / 3).max(2);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

/// Whether a short form is made of beginnings of all parts of a name in turn, two letters or more.
fn abbreviates(short: &str, name: &str) -> bool {
    fn fits(short: &str, parts: &[&str]) -> bool {
        let Some((first, rest)) = parts.split_first() else { return short.is_empty() };
        let ends = short.char_indices().map(|(at, letter)| at + letter.len_utf8());
        ends.take_while(|end| first.starts_with(&short[..*end])).any(|end| fits(&short[end..], rest))
    }
    short.chars().count() >= 2 && fits(short, &name.split('-').collect::<Vec<_>>())
}

/// "`a`, `b`, `c`".
fn names(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The line that names what was probably meant.
fn meant(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("\n  did you mean `{name}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::RuleKind;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let keys = ["capacitance", "leak", "activation", "output_activation"];
        assert_eq!(nearest("capacitence", keys).as_deref(), Some("capacitance"));
        assert_eq!(nearest("lake", keys).as_deref(), Some("leak"));
        assert_eq!(nearest("output-activation", keys).as_deref(), Some("output_activation"));
        assert_eq!(nearest("temperature", keys), None);
        let rules = RuleKind::ALL.map(RuleKind::name);
        for (short, meant) in [
            ("dpt", "dp-transpose"),
            ("dp-t", "dp-transpose"),
            ("DPtrans", "dp-transpose"),
            ("dptranspose", "dp-transpose"),
            ("dp_transpose", "dp-transpose"),
            ("DP", "dp"),
            ("adv", "adversarial"),
            ("bpp", "bp"),
        ] {
            assert_eq!(nearest(short, rules).as_deref(), Some(meant), "{short}");
        }
        assert_eq!(nearest("co", ["coupling", "corner"]), None, "an abbreviation of two names is of none");
        assert_eq!(nearest("x", ["dp", "bp"]), None, "a name of which nothing is left is no neighbour");
    }
}
