//! Where a setting's path leads: to a key of the experiment, or to one of its circuit.

use std::collections::BTreeSet;

use super::error::{At, Place, SpecError, nearest};
use super::overrides::Override;
use super::path::{KeyPath, Step};
use super::schema::{self, FileKind};

/// Sections of a circuit that later versions will have.
pub const PROMISED: [&str; 2] = ["synapse", "converters"];

/// Where in a tree of this kind a setting's path leads.
///
/// # Errors
/// [`SpecError::UnknownKey`] when neither the experiment nor the circuit has its first key.
pub fn route(kind: FileKind, path: &KeyPath, place: &Place) -> Result<KeyPath, SpecError> {
    let (first, second) = (path.key_at(0).unwrap_or_default(), path.key_at(1));
    match kind {
        FileKind::Circuit if first == "circuit" && second.is_some() => Ok(KeyPath(path.0[1..].to_vec())),
        FileKind::Circuit => Ok(path.clone()),
        FileKind::Experiment if first == "circuit" && second == Some("network") => {
            Ok(KeyPath(path.0[1..].to_vec()))
        }
        FileKind::Experiment if ["grid", "expect"].contains(&first) => Ok(joined(path)),
        FileKind::Experiment if schema::has_key(FileKind::Experiment, first) => Ok(path.clone()),
        FileKind::Experiment if schema::has_key(FileKind::Circuit, first) || PROMISED.contains(&first) => {
            Ok(path.below(&KeyPath::of(&["circuit"])))
        }
        FileKind::Experiment => Err(unknown_path(path, place)),
    }
}

/// Refuses two settings of the same key that differ, however the key is spelt.
///
/// # Errors
/// [`SpecError::Twice`]; what [`route`] refuses.
pub fn refuse_twice(kind: FileKind, settings: &[Override]) -> Result<(), SpecError> {
    let mut seen: Vec<(KeyPath, &Override)> = Vec::new();
    for setting in settings {
        let path = route(kind, &KeyPath::parse(&setting.path)?, &Place::Set(setting.describe()))?;
        match seen.iter().find(|(known, before)| *known == path && !before.agrees(setting)) {
            Some((_, before)) => {
                return Err(SpecError::Twice { later: setting.describe(), before: before.describe(), path });
            }
            None => seen.push((path, setting)),
        }
    }
    Ok(())
}

/// A setting's path in an experiment as a circuit file would spell it, where it is one of the circuit's.
#[must_use]
pub fn setting_of(path: &str) -> String {
    let place = Place::Set(String::new());
    let routed = KeyPath::parse(path).and_then(|path| route(FileKind::Experiment, &path, &place));
    match routed {
        Ok(path)
            if path.key_at(0) == Some("circuit") && path.0.len() > 1 && path.key_at(1) != Some("name") =>
        {
            KeyPath(path.0[1..].to_vec()).to_string()
        }
        Ok(path) => path.to_string(),
        Err(_) => path.to_owned(),
    }
}

/// Whether two paths of a circuit set the same thing, or one a part of the other.
#[must_use]
pub fn same_setting(one: &str, other: &str) -> bool {
    let place = Place::Set(String::new());
    let path = |text: &str| KeyPath::parse(text).and_then(|path| route(FileKind::Circuit, &path, &place));
    match (path(one), path(other)) {
        (Ok(one), Ok(other)) => one.is_within(&other) || other.is_within(&one),
        _ => one.trim() == other.trim(),
    }
}

/// The path with all keys behind the first joined to one: `grid.nudge.alpha` is `grid."nudge.alpha"`.
fn joined(path: &KeyPath) -> KeyPath {
    match path.0.split_first() {
        Some((Step::Key(first), rest))
            if rest.len() > 1 && rest.iter().all(|s| matches!(s, Step::Key(_))) =>
        {
            KeyPath::of(&[first, &KeyPath(rest.to_vec()).to_string()])
        }
        _ => path.clone(),
    }
}

/// The key that a path ends with; nothing where it ends with a place in a list.
pub fn last_key(path: &KeyPath) -> String {
    path.0.len().checked_sub(1).and_then(|last| path.key_at(last)).unwrap_or_default().to_owned()
}

/// The error for a setting whose path is neither the experiment's nor the circuit's.
fn unknown_path(path: &KeyPath, place: &Place) -> SpecError {
    let all = [schema::paths(FileKind::Experiment), schema::paths(FileKind::Circuit)].concat();
    let leaf = last_key(path);
    let same_leaf = all.iter().find(|known| known.rsplit('.').next() == Some(&leaf)).cloned();
    let nearest = same_leaf.or_else(|| nearest(&path.to_string(), all.iter().map(String::as_str)));
    let roots: BTreeSet<_> = all.iter().filter(|known| !known.contains('.')).cloned().collect();
    let accepted = roots.into_iter().collect();
    let at = At { place: place.clone(), path: path.clone(), found: path.to_string() };
    SpecError::UnknownKey { at: Box::new(at), accepted, nearest }
}
