//! Settings from outside a file: `--set PATH=VALUE` and the settings of one run of a grid.

use std::fmt;
use std::str::FromStr;

use toml::Value;

use super::error::SpecError;

/// The option that settings come from unless another is named.
const SET: &str = "--set";

/// One setting: a path and the value that it gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Path, as TOML writes dotted keys (`nudge.alpha`, `grid."nudge.alpha"`).
    pub path: String,
    /// Value.
    pub value: Value,
    /// The option that brought it, for messages.
    pub option: &'static str,
}

impl Override {
    /// A setting as by `--set`.
    #[must_use]
    pub fn new(path: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { path: path.into(), value: value.into(), option: SET }
    }

    /// The same, brought by another option.
    #[must_use]
    pub fn by(self, option: &'static str) -> Self {
        Self { option, ..self }
    }

    /// The option and what it was given.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} {self}", self.option)
    }

    /// Whether another setting gives the same value; `1` and `1.0` are one.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        let number = |value: &Value| value.as_float().or(value.as_integer().map(|n| n as f64));
        match (number(&self.value), number(&other.value)) {
            (Some(one), Some(two)) => one == two,
            _ => self.value == other.value,
        }
    }
}

impl FromStr for Override {
    type Err = SpecError;

    /// Reads `PATH=VALUE`. VALUE is TOML; what is not, and does not begin like a TOML string, list
    /// or table, is text: `nudge.variant=dp` and `neuron.leak=10 nS` need no quotes.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        let bad = |reason: &str| SpecError::Set { text: text.into(), reason: reason.into() };
        let (path, value) = split(text).ok_or_else(|| bad("there is no `=`"))?;
        let path = path.trim();
        super::path::KeyPath::parse(path)
            .map_err(|_| bad("the path is not made of keys with dots between them"))?;
        let value = value_of(value.trim()).ok_or_else(|| bad("the value is neither TOML nor plain text"))?;
        Ok(Self::new(path, value))
    }
}

impl fmt::Display for Override {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match &self.value {
            Value::String(text) => write!(out, "{}={text}", self.path),
            value => write!(out, "{}={value}", self.path),
        }
    }
}

/// Splits at the first `=` outside quotes.
fn split(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let at = text.char_indices().find(|(_, c)| {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(*c),
            (Some(open), c) if open == *c => quote = None,
            _ => {}
        }
        quote.is_none() && *c == '='
    })?;
    Some((&text[..at.0], &text[at.0 + 1..]))
}

/// A value as TOML, or as text if it is no TOML.
fn value_of(text: &str) -> Option<Value> {
    let parsed: Option<toml::Table> = toml::from_str(&format!("v = {text}")).ok();
    match parsed {
        Some(mut table) if table.len() == 1 => table.remove("v"),
        _ if text.is_empty() || text.starts_with(['"', '\'', '[', '{']) || text.contains('\n') => None,
        _ => Some(Value::String(text.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        text.parse::<Override>().unwrap().value
    }

    #[test]
    fn a_value_is_toml_and_else_text() {
        assert_eq!(value("a=1"), Value::Integer(1));
        assert_eq!(value("a = 1e-3"), Value::Float(1e-3));
        assert_eq!(value("a=true"), Value::Boolean(true));
        assert_eq!(value("a=dp-transpose"), Value::String("dp-transpose".into()));
        assert_eq!(value("a=\"dp\""), Value::String("dp".into()));
        assert_eq!(value("a=100 fF"), Value::String("100 fF".into()));
        assert_eq!(value("a=../circuits/x.toml"), Value::String("../circuits/x.toml".into()));
        assert_eq!(value("a=[1, 2]").as_array().unwrap().len(), 2);
        assert_eq!(value("a={plus=0.3,minus=0.7}").as_table().unwrap().len(), 2);
        assert_eq!(value("a=b=c"), Value::String("b=c".into()));
    }

    #[test]
    fn quotes_in_a_path_keep_dots_and_equal_signs() {
        let set: Override = "grid.\"nudge.alpha\"=[0.5]".parse().unwrap();
        assert_eq!(set.path, "grid.\"nudge.alpha\"");
        assert_eq!("\"a=b\".c=1".parse::<Override>().unwrap().path, "\"a=b\".c");
    }

    #[test]
    fn what_is_no_setting_is_refused_with_an_example() {
        for text in ["", "a", "=1", "a=", "a=[1", "a={b=", "a=\"x", "a b=1", "a=1\nb=2"] {
            let error = text.parse::<Override>().unwrap_err().to_string();
            assert!(error.contains("PATH=VALUE"), "{text:?}: {error}");
        }
    }
}
