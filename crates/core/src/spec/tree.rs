//! A file's values with the place where each was written, so that a fault can be told with it.
//!
//! A tree is either a circuit or an experiment; an experiment's tree takes the circuit in under its
//! key `circuit`, with the circuit's own places. Overrides go into the tree, too, and leave their
//! text as the place.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Value;
use toml::de::{DeTable, DeValue};

use super::error::{At, IN_CODE, Place, SpecError, nearest};
use super::exclude::settle;
use super::fault::{Fault, FaultKind};
use super::lines::Lines;
use super::overrides::Override;
use super::path::{KeyPath, Step};
use super::read::{read, shown};
use super::route::{PROMISED, last_key, route};
use super::rules::RuleKind;
use super::schema::{self, FileKind};

/// Keys whose bare name becomes the `kind` of a table when one of the table's keys is set.
const NAMED_KINDS: [&str; 3] = ["activation", "output_activation", "dataset"];

/// What is said to a key of the grid that lacks its quotes.
const QUOTED_GRID: &str = "a list; a path with dots needs quotes: \"nudge.alpha\" = [0.0, 0.5]";

/// Where a value was written.
#[derive(Clone, Debug)]
struct Origin {
    place: Place,
    /// Steps of the tree's path that the file's own path lacks: 1 in an experiment's circuit file.
    strip: usize,
}

/// The values of a file, and where each was written.
#[derive(Clone, Debug)]
pub struct Tree {
    kind: FileKind,
    file: String,
    /// The values.
    pub table: toml::Table,
    origins: BTreeMap<KeyPath, Origin>,
}

impl Tree {
    /// Parses a file's text.
    ///
    /// # Errors
    /// [`SpecError::Syntax`] with the parser's line and caret.
    pub fn parse(kind: FileKind, file: &str, text: &str) -> Result<Self, SpecError> {
        let syntax =
            |error: toml::de::Error| SpecError::Syntax { file: file.into(), message: error.to_string() };
        let spans = DeTable::parse(text).map_err(syntax)?;
        let table = toml::from_str(text).map_err(syntax)?;
        let mut tree = Self { kind, file: file.into(), table, origins: BTreeMap::new() };
        tree.note_table(&Lines::of(text), &KeyPath::default(), spans.get_ref());
        Ok(tree)
    }

    /// The tree of a description that a program made.
    ///
    /// # Errors
    /// [`SpecError::Syntax`] for a number that TOML cannot write: a whole one above `i64::MAX`.
    pub fn in_code(kind: FileKind, description: &impl Serialize) -> Result<Self, SpecError> {
        let syntax =
            |error: toml::ser::Error| SpecError::Syntax { file: IN_CODE.into(), message: error.to_string() };
        let table = toml::Table::try_from(description).map_err(syntax)?;
        let root = (KeyPath::default(), Origin { place: Place::Code, strip: 0 });
        Ok(Self { kind, file: IN_CODE.into(), table, origins: [root].into() })
    }

    fn note_table(&mut self, lines: &Lines, path: &KeyPath, table: &DeTable) {
        for (key, value) in table {
            let below = path.key(key.get_ref());
            self.note_value(lines, below, key.span().start, value.get_ref());
        }
    }

    fn note_value(&mut self, lines: &Lines, path: KeyPath, offset: usize, value: &DeValue) {
        match value {
            DeValue::Table(table) => self.note_table(lines, &path, table),
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.note_value(lines, path.item(index), item.span().start, item.get_ref());
                }
            }
            _ => {}
        }
        let (line, column) = lines.position(offset);
        let place = Place::Line { file: self.file.clone(), line, column };
        self.origins.insert(path, Origin { place, strip: 0 });
    }

    /// Takes a circuit file's tree in as this experiment's circuit.
    pub fn take_in(&mut self, circuit: Self) {
        let root = KeyPath::of(&["circuit"]);
        self.origins.retain(|path, _| !path.is_within(&root));
        self.origins.insert(root.clone(), Origin { place: Place::File(circuit.file), strip: 0 });
        for (path, origin) in circuit.origins {
            self.origins.insert(path.below(&root), Origin { strip: 1, ..origin });
        }
        self.table.insert("circuit".into(), Value::Table(circuit.table));
    }

    /// Copies a value to a key of the root that has none, with its place.
    pub fn lend(&mut self, from: &KeyPath, to: &str) {
        let Some(value) = from.value_in(&self.table).cloned() else { return };
        if !self.table.contains_key(to) {
            let place = self.place_of(from);
            self.table.insert(to.into(), value);
            self.origins.insert(KeyPath::of(&[to]), Origin { place, strip: 0 });
        }
    }

    /// Puts a setting from outside in; a grid over the same key makes way for it.
    ///
    /// In an experiment a path is looked up there first and then in its circuit.
    ///
    /// # Errors
    /// When the path leads nowhere, or through a value that is no table.
    pub fn set(&mut self, setting: &Override) -> Result<(), SpecError> {
        let place = Place::Set(setting.describe());
        self.put(setting, place.clone())?;
        let path = route(self.kind, &KeyPath::parse(&setting.path)?, &place)?;
        let kind = self.kind;
        if let (FileKind::Experiment, Some(Value::Table(grid))) = (kind, self.table.get_mut("grid")) {
            let leads_to = |key: &str| KeyPath::parse(key).and_then(|key| route(kind, &key, &place));
            grid.retain(|key, _| leads_to(key).map_or(true, |varied| varied != path));
            if let Some(Value::Array(exclusions)) = self.table.get_mut("exclude") {
                settle(exclusions, |key| leads_to(key).is_ok_and(|varied| varied == path), &setting.value);
            }
        }
        Ok(())
    }

    /// Puts a setting of one run in; one that is of the file's `[grid]` is told with its line there.
    ///
    /// # Errors
    /// As for [`Tree::set`].
    pub fn set_for_run(&mut self, setting: &Override) -> Result<(), SpecError> {
        let in_grid =
            self.origins.get(&KeyPath::of(&["grid", &setting.path])).map(|origin| origin.place.clone());
        self.put(setting, in_grid.unwrap_or_else(|| Place::Set(setting.describe())))
    }

    /// The tree without the values of its grid and without what is expected of all runs, as a run alone has
    /// it; the places of the grid's keys stay, for [`Tree::set_for_run`].
    #[must_use]
    pub fn without_grid(&self) -> Self {
        let root = KeyPath::of(&["grid"]);
        let kept = |path: &KeyPath| path.0.len() <= 2 || !path.is_within(&root);
        let kept = self.origins.iter().filter(|(path, _)| kept(path));
        let origins = kept.map(|(path, origin)| (path.clone(), origin.clone())).collect();
        let rest =
            self.table.iter().filter(|(key, _)| !["grid", "exclude", "expect"].contains(&key.as_str()));
        let table = rest.map(|(key, value)| (key.clone(), value.clone())).collect();
        Self { kind: self.kind, file: self.file.clone(), table, origins }
    }

    fn put(&mut self, setting: &Override, place: Place) -> Result<(), SpecError> {
        let path = route(self.kind, &KeyPath::parse(&setting.path)?, &place)?;
        let through = insert(&mut self.table, &path.0, setting.value.clone());
        through.map_err(|depth| {
            let path = KeyPath(path.0[..depth].to_vec());
            let found = path.value_in(&self.table).map(shown).unwrap_or_default();
            let accepted = "a table, for this path to go through".into();
            SpecError::Refused { at: Box::new(At { place: place.clone(), path, found }), accepted }
        })?;
        self.origins.retain(|written, _| !written.is_within(&path));
        let mut above = Some(path);
        while let Some(path) = above.filter(|path| !path.0.is_empty() && !self.origins.contains_key(path)) {
            above = path.parent();
            self.origins.insert(path, Origin { place: place.clone(), strip: 0 });
        }
        Ok(())
    }

    /// Puts a value in the place of a key of a table under another name; it was written where that key was.
    pub fn replace(&mut self, table: &KeyPath, (old, new): (&str, &str), value: Value) {
        let inside = table.0.iter().try_fold(&mut self.table, |inside, step| match step {
            Step::Key(key) => inside.get_mut(key)?.as_table_mut(),
            Step::Item(_) => None,
        });
        let Some(inside) = inside else { return };
        inside.remove(old);
        inside.insert(new.to_owned(), value);
        if let Some(origin) = self.origins.remove(&table.key(old)) {
            self.origins.insert(table.key(new), origin);
        }
    }

    /// Reads the tree as a type.
    ///
    /// # Errors
    /// The first fault, told with its place.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, SpecError> {
        read(self.table.clone()).map_err(|fault| self.tell(fault))
    }

    /// Where the value at a path was written: its own place, or that of the nearest table around it.
    #[must_use]
    pub fn place_of(&self, path: &KeyPath) -> Place {
        self.origin(path).map_or(Place::File(self.file.clone()), |origin| origin.place.clone())
    }

    fn origin(&self, path: &KeyPath) -> Option<&Origin> {
        let mut at = Some(path.clone());
        while let Some(path) = at {
            if let Some(origin) = self.origins.get(&path) {
                return Some(origin);
            }
            at = path.parent();
        }
        None
    }

    /// Tells a fault with its place and with what was written there.
    #[must_use]
    pub fn tell(&self, fault: Fault) -> SpecError {
        let strip = self.origin(&fault.path).map_or(0, |origin| origin.strip);
        let place = self.place_of(&fault.path);
        let path = KeyPath(fault.path.0[strip..].to_vec());
        let written = fault.path.value_in(&self.table).map(shown);
        let at = |found: String| Box::new(At { place, path: path.clone(), found });
        match fault.kind {
            FaultKind::Refused { found, accepted } => {
                let quotes = is_unquoted_grid(&fault.path, &self.table);
                let accepted = if quotes { QUOTED_GRID.into() } else { accepted };
                // What nobody wrote is a default, or what follows from one.
                SpecError::Refused { at: at(written.unwrap_or(format!("{found} by default"))), accepted }
            }
            FaultKind::UnknownName { found, accepted } => {
                if let Some(instead) = RuleKind::instead_of(&found) {
                    return SpecError::Refused { at: at(written.unwrap_or(found)), accepted: instead.into() };
                }
                let nearest = nearest(&found, accepted.iter().map(String::as_str));
                SpecError::UnknownName { at: at(written.unwrap_or(found)), accepted, nearest }
            }
            FaultKind::Missing => {
                let key = last_key(&path);
                let section = path.parent().map(|above| last_key(&above)).unwrap_or_default();
                let accepted = schema::example(&section, &key).map_or(format!("{key} = …"), str::to_owned);
                SpecError::Missing { at: at("nothing".into()), accepted }
            }
            FaultKind::UnknownKey { accepted, nearest: Some(nearest) } => {
                SpecError::UnknownKey { at: at(last_key(&path)), accepted, nearest: Some(nearest) }
            }
            FaultKind::UnknownKey { accepted, nearest: None } => {
                let key = last_key(&path);
                if self.is_promised(&fault.path) {
                    return SpecError::Promised { at: at(key.clone()), section: key };
                }
                let nearest =
                    self.elsewhere(&key).or_else(|| nearest(&key, accepted.iter().map(String::as_str)));
                SpecError::UnknownKey { at: at(key), accepted, nearest }
            }
        }
    }

    /// The path of a key that is written in the wrong place, if it is clear which is the right one.
    fn elsewhere(&self, key: &str) -> Option<String> {
        let within = match self.kind {
            FileKind::Circuit => "",
            FileKind::Experiment => "circuit.",
        };
        let circuit = schema::paths(FileKind::Circuit).into_iter().map(|path| format!("{within}{path}"));
        let mut all: BTreeSet<String> = circuit.collect();
        if matches!(self.kind, FileKind::Experiment) {
            all.extend(schema::paths(FileKind::Experiment));
        }
        let depth = |path: &String| path.matches('.').count();
        let mut right: Vec<String> = all
            .into_iter()
            .filter(|path| path.rsplit_once('.').is_some_and(|(_, leaf)| leaf == key))
            .collect();
        // Of several the one nearest to the root, if it is alone there.
        right.sort_by_key(depth);
        match right.as_slice() {
            [] => None,
            [first, second, ..] if depth(first) == depth(second) => None,
            [first, ..] => Some(first.clone()),
        }
    }

    /// Whether a path is a circuit's section that later versions will have.
    fn is_promised(&self, path: &KeyPath) -> bool {
        let circuit = match self.kind {
            FileKind::Circuit => 0,
            FileKind::Experiment if path.key_at(0) == Some("circuit") => 1,
            FileKind::Experiment => return false,
        };
        path.0.len() == circuit + 1 && path.key_at(circuit).is_some_and(|key| PROMISED.contains(&key))
    }
}

/// Whether a key of the grid was written with dots but without quotes, so that TOML made tables of it.
fn is_unquoted_grid(path: &KeyPath, table: &toml::Table) -> bool {
    path.0.len() == 2 && path.key_at(0) == Some("grid") && path.value_in(table).is_some_and(Value::is_table)
}

/// Puts a value into nested tables, making those that lack; `Err` is the depth of what is no table.
fn insert(table: &mut toml::Table, path: &[Step], value: Value) -> Result<(), usize> {
    let mut table = table;
    for (depth, step) in path.iter().enumerate() {
        let Step::Key(key) = step else { return Err(depth) };
        if depth + 1 == path.len() {
            table.insert(key.clone(), value);
            return Ok(());
        }
        let inner = table.entry(key.clone()).or_insert_with(|| Value::Table(toml::Table::new()));
        if let (Value::String(name), true) = (&*inner, NAMED_KINDS.contains(&key.as_str())) {
            *inner = Value::Table([("kind".to_owned(), Value::String(name.clone()))].into_iter().collect());
        }
        let Value::Table(next) = inner else { return Err(depth + 1) };
        table = next;
    }
    Ok(())
}
