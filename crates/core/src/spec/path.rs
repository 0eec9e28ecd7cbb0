//! Paths to a value in a file: `neuron.capacitance`, `network[1]`, `grid."nudge.alpha"[0]`.

use std::fmt;

use super::error::SpecError;

/// One step into a table or a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A key of a table.
    Key(String),
    /// An item of a list, from 0.
    Item(usize),
}

/// A path from the root of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath(pub Vec<Step>);

impl KeyPath {
    /// The path of these keys.
    #[must_use]
    pub fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Step::Key((*key).into())).collect())
    }

    /// Reads a path as TOML writes keys: dots separate, quotes keep dots.
    ///
    /// # Errors
    /// [`SpecError::Path`] when the text is no such path.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let bad = || SpecError::Path { text: text.into() };
        let mut table: toml::Table = toml::from_str(&format!("{text} = 0")).map_err(|_| bad())?;
        let mut steps = Vec::new();
        loop {
            let mut entries = std::mem::take(&mut table).into_iter();
            match (entries.next(), entries.next()) {
                (Some((key, value)), None) => {
                    steps.push(Step::Key(key));
                    match value {
                        toml::Value::Table(inner) => table = inner,
                        _ => return Ok(Self(steps)),
                    }
                }
                _ => return Err(bad()),
            }
        }
    }

    /// This path and one key more.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.then(Step::Key(key.into()))
    }

    /// This path and one item more.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        self.then(Step::Item(index))
    }

    /// This path and one step more.
    #[must_use]
    pub fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// This path below another one.
    #[must_use]
    pub fn below(&self, parent: &Self) -> Self {
        Self(parent.0.iter().chain(&self.0).cloned().collect())
    }

    /// The path without its last step; the root has none.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, head)| Self(head.to_vec()))
    }

    /// Whether this path is `ancestor` or lies below it.
    #[must_use]
    pub fn is_within(&self, ancestor: &Self) -> bool {
        self.0.starts_with(&ancestor.0)
    }

    /// The key at one place, if it is a key.
    #[must_use]
    pub fn key_at(&self, index: usize) -> Option<&str> {
        match self.0.get(index) {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// The value at this path, if there is one.
    #[must_use]
    pub fn value_in<'a>(&self, table: &'a toml::Table) -> Option<&'a toml::Value> {
        let (first, rest) = self.0.split_first()?;
        let Step::Key(first) = first else { return None };
        rest.iter().try_fold(table.get(first)?, |value, step| match step {
            Step::Key(key) => value.as_table()?.get(key),
            Step::Item(index) => value.as_array()?.get(*index),
        })
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(index) => write!(out, "[{index}]")?,
                Step::Key(key) => {
                    if position > 0 {
                        out.write_str(".")?;
                    }
                    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                    if !key.is_empty() && key.chars().all(bare) {
                        out.write_str(key)?;
                    } else {
                        write!(out, "{key:?}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_dots_inside_a_key() {
        let path = KeyPath::parse("grid.\"nudge.alpha\"").unwrap();
        assert_eq!(path, KeyPath::of(&["grid", "nudge.alpha"]));
        assert_eq!(path.item(2).to_string(), "grid.\"nudge.alpha\"[2]");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", "a b", "a..b", "a = 1\nb", "a.", "[a]"] {
            assert!(matches!(KeyPath::parse(text), Err(SpecError::Path { .. })), "{text:?}");
        }
    }

    #[test]
    fn a_path_finds_tables_and_items() {
        let table: toml::Table = toml::from_str("a = { b = [1, { c = 7 }] }").unwrap();
        let path = KeyPath::of(&["a", "b"]).item(1).key("c");
        assert_eq!(path.value_in(&table), Some(&toml::Value::Integer(7)));
        assert_eq!(KeyPath::of(&["a", "x"]).value_in(&table), None);
    }
}
