//! What runs are called: names that differ wherever settings do, on every file system.
//!
//! A value's label is made of its letters and digits. What bites: other values may have the same ones (`[64,
//! 32]` and `[64, 3, 2]`), or differ in their case alone, which not every file system tells apart; such a
//! label gets a number behind it, the first of its kind stays as it is.

use std::collections::{BTreeMap, HashMap};

use toml::Value;

use crate::record::manifest::sha256;
use dyadsim_core::spec::Override;

/// Longest name that is kept whole; files add their own endings, and no part of a path may have more than 255
/// bytes.
const LONGEST: usize = 160;
/// Letters of a longer name that stay before its hash.
const HEAD: usize = 120;
/// Digits of the hash: two of 10⁵ names share one with a probability of 2·10⁻⁵.
const DIGITS: usize = 12;

/// Labels of every value of a grid.
pub(super) struct Labels {
    of: BTreeMap<String, Vec<(Value, String)>>,
}

impl Labels {
    /// Labels all values, each different from the others of its key.
    pub(super) fn new(grid: &BTreeMap<String, Vec<Value>>) -> Self {
        let label = |values: &Vec<Value>| {
            let mut names = Names::default();
            let one = |value: &Value| (value.clone(), names.distinct(clean(&value.to_string())));
            values.iter().map(one).collect()
        };
        Self { of: grid.iter().map(|(key, values)| (key.clone(), label(values))).collect() }
    }

    /// How a setting shows in a run's name: `-keyVALUE`.
    pub(super) fn tail(&self, setting: &Override) -> String {
        let key = clean(setting.path.rsplit('.').next().unwrap_or_default());
        let known =
            self.of.get(&setting.path).and_then(|all| all.iter().find(|(value, _)| *value == setting.value));
        let label = known.map_or_else(|| clean(&setting.value.to_string()), |(_, label)| label.clone());
        format!("-{key}{label}")
    }
}

/// Names that were given, as a file system without case sees them.
#[derive(Default)]
pub(super) struct Names {
    given: HashMap<String, usize>,
}

impl Names {
    /// The name, or with a number behind it if it was given before.
    pub(super) fn distinct(&mut self, name: String) -> String {
        let times = self.given.entry(name.to_lowercase()).or_insert(0);
        *times += 1;
        match *times {
            1 => name,
            number => self.distinct(format!("{name}.{number}")),
        }
    }
}

/// A name that fits into a path: a long one keeps its head and gets a hash of the whole.
pub(super) fn short(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let head: String = name.chars().take(HEAD).collect();
    format!("{head}.{}", &sha256(name.as_bytes())[..DIGITS])
}

/// Letters, digits, dots and dashes of a text: what any file system holds.
fn clean(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(key: &str, values: &str) -> Vec<String> {
        let value: toml::Table = toml::from_str(&format!("v = {values}")).unwrap();
        let values = value["v"].as_array().unwrap().clone();
        let labels = Labels::new(&[(key.to_owned(), values.clone())].into());
        values.into_iter().map(|value| labels.tail(&Override::new(key, value))).collect()
    }

    #[test]
    fn values_of_the_same_letters_and_digits_have_names_of_their_own_and_others_keep_theirs() {
        for (key, values, names) in [
            ("network", "[[64, 32, 10], [64, 3, 2, 10]]", &["-network643210", "-network643210.2"][..]),
            ("noise.telegraph.capture", "['1 s', '1 µs']", &["-capture1s", "-capture1s.2"]),
            (
                "init",
                "[{ std = [0.1, 10.1] }, { std = [0.11, 0.1] }, 'he']",
                &["-initstd0.110.1", "-initstd0.110.1.2", "-inithe"],
            ),
            (
                "circuit",
                "['A.toml', 'a.toml', 'a.toml.2']",
                &["-circuitA.toml", "-circuita.toml.2", "-circuita.toml.2.2"],
            ),
            ("circuit.name", "['µ', 'ν', '']", &["-name", "-name.2", "-name.3"]),
            ("epochs", "[1, 2]", &["-epochs1", "-epochs2"]),
        ] {
            assert_eq!(labels(key, values), names);
        }
    }

    #[test]
    fn a_long_name_is_short_and_still_its_own() {
        let long = |last: &str| short("x".repeat(400) + last);
        assert!(long("a").len() <= LONGEST && long("a") != long("b"));
        assert_eq!(short("dp-a0.5-b0.5-s1".into()), "dp-a0.5-b0.5-s1");
    }
}
