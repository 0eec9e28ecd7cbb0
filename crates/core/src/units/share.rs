//! Shares: a plain number, or text with a per cent sign.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};

use super::{number_length, scaled};

/// A share in a file, for the schema: a number, or a percentage as text.
#[derive(Clone, Copy, Debug)]
pub struct Share;

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number, or a percentage such as \"2 %\".",
            "anyOf": [
                { "type": "number" },
                { "type": "string", "pattern": r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*%\s*$" }
            ]
        })
    }
}

/// Reads a share: `0.02` and `"2 %"` are the same bits.
///
/// # Errors
/// What is neither a number nor text with a per cent sign.
pub fn share<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    from.deserialize_any(ShareVisitor)
}

/// [`share`] of a key that may be absent.
///
/// # Errors
/// As there.
pub fn some_share<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    share(from).map(Some)
}

/// The share that text says, as a number or as a percentage; `None` if it says neither.
#[must_use]
pub fn share_of(text: &str) -> Option<f64> {
    percentage(text).or_else(|| text.trim().parse().ok())
}

fn percentage(text: &str) -> Option<f64> {
    let trimmed = text.trim();
    let (number, unit) = trimmed.split_at(number_length(trimmed));
    let plain = number.parse::<f64>().is_ok() && unit.trim() == "%";
    plain.then(|| scaled(number, -2)).flatten()
}

struct ShareVisitor;

impl Visitor<'_> for ShareVisitor {
    type Value = f64;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "a share: a number such as 0.02 or text such as \"2 %\"")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    #[expect(clippy::cast_precision_loss, reason = "a whole number in a file is a float written short")]
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "a whole number in a file is a float written short")]
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        percentage(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Holder {
        #[serde(deserialize_with = "super::share")]
        share: f64,
    }

    #[test]
    fn a_percentage_is_the_same_bits_as_its_share() {
        for (text, share) in [
            ("'2 %'", 0.02),
            ("'0.1%'", 0.001),
            ("' 7 % '", 0.07),
            ("0.3", 0.3),
            ("1", 1.0),
            ("'1e1 %'", 0.1),
        ] {
            let read: Holder = toml::from_str(&format!("share = {text}")).unwrap();
            assert_eq!(read.share.to_bits(), f64::to_bits(share), "{text}");
        }
        for text in ["'2'", "'%'", "'2 V'", "'two %'", "true"] {
            assert!(toml::from_str::<Holder>(&format!("share = {text}")).is_err(), "{text}");
        }
    }
}
