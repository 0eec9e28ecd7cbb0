//! `nudge.keep_margin`: the stability margin that training keeps, as a number or as a table.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

/// What a file may write.
const EXPECTING: &str =
    "a margin in 1/τ such as 0.1, { at_least = 0.1, otherwise = \"stop\" }, or false for none";

/// A margin that training keeps by its nudge.
#[derive(Clone, Copy, Debug, PartialEq, JsonSchema)]
#[schemars(with = "WrittenKeepMargin")]
pub struct KeepMarginSpec {
    /// Least margin (1/τ) of the probe samples.
    pub at_least: f64,
    /// What happens where the nudge that was set has less.
    pub otherwise: Otherwise,
}

/// What happens where the margin is below the one asked for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// The nudge is lowered until the margin holds.
    #[default]
    Lower,
    /// The run ends with a diagnosis.
    Stop,
}

/// The ways in which a file may write it.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "read for its schema alone")]
enum WrittenKeepMargin {
    /// `false` keeps none, the default.
    Whether(bool),
    /// The least margin (1/τ).
    Number(f64),
    /// The least margin (1/τ) and what else happens.
    Table(KeepMarginTable),
}

/// The least margin and what happens otherwise.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KeepMarginTable {
    /// Least margin (1/τ) of the probe samples, above 0 and below 1.
    at_least: f64,
    /// What happens where the nudge that was set has less.
    #[serde(default)]
    otherwise: Otherwise,
}

impl Serialize for KeepMarginSpec {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { at_least, otherwise } = *self;
        match otherwise {
            Otherwise::Lower => at_least.serialize(to),
            Otherwise::Stop => KeepMarginTable { at_least, otherwise }.serialize(to),
        }
    }
}

/// Reads what a file says; `false` is none.
///
/// # Errors
/// Anything else than [`EXPECTING`].
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Option<KeepMarginSpec>, D::Error> {
    from.deserialize_any(Written)
}

impl<'de> Deserialize<'de> for KeepMarginSpec {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from)?.ok_or_else(|| de::Error::invalid_value(Unexpected::Bool(false), &EXPECTING))
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Option<KeepMarginSpec>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(EXPECTING)
    }

    fn visit_bool<E: de::Error>(self, whether: bool) -> Result<Self::Value, E> {
        if whether { Err(E::invalid_value(Unexpected::Bool(true), &EXPECTING)) } else { Ok(None) }
    }

    fn visit_f64<E: de::Error>(self, at_least: f64) -> Result<Self::Value, E> {
        Ok(Some(KeepMarginSpec { at_least, otherwise: Otherwise::Lower }))
    }

    fn visit_i64<E: de::Error>(self, at_least: i64) -> Result<Self::Value, E> {
        self.visit_f64(at_least as f64)
    }

    fn visit_u64<E: de::Error>(self, at_least: u64) -> Result<Self::Value, E> {
        self.visit_f64(at_least as f64)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
        let table = KeepMarginTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Some(KeepMarginSpec { at_least: table.at_least, otherwise: table.otherwise }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{CircuitSpec, parse_circuit};

    fn kept(text: &str) -> Option<KeepMarginSpec> {
        let file = format!("[nudge]\nkeep_margin = {text}\n");
        parse_circuit("c", &file, &[]).unwrap().nudge.keep_margin
    }

    #[test]
    fn a_margin_is_a_number_a_table_or_false_and_is_written_as_it_reads() {
        let of = |at_least, otherwise| Some(KeepMarginSpec { at_least, otherwise });
        for (text, spec) in [
            ("0.1", of(0.1, Otherwise::Lower)),
            ("{ at_least = 0.2 }", of(0.2, Otherwise::Lower)),
            ("{ at_least = 0.2, otherwise = \"lower\" }", of(0.2, Otherwise::Lower)),
            ("{ at_least = 0.2, otherwise = \"stop\" }", of(0.2, Otherwise::Stop)),
            ("false", None),
        ] {
            assert_eq!(kept(text), spec, "{text}");
            let mut circuit = CircuitSpec::default();
            circuit.nudge.keep_margin = spec;
            let written = toml::to_string(&circuit).unwrap();
            assert_eq!(parse_circuit("c", &written, &[]).unwrap(), circuit, "{written}");
        }
    }
}
