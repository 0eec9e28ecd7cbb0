//! The technology table: what stands in `technology.toml`, with the source of every number.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A number (SI units) and where it is from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sourced {
    /// The number.
    pub value: f64,
    /// Publication, PDK, or what kind of guess it is.
    pub source: String,
}

/// A technology; what has no source is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Technology {
    /// Supply voltage (V).
    pub supply: Sourced,
    /// Capacitance per area of its capacitors (F/m²).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacitor: Option<Sourced>,
    /// Area of a dyad without its capacitors (m²).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neuron: Option<Sourced>,
    /// Area of a synapse, both devices of its pair together (m²).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synapse: Option<Sourced>,
    /// `A_VT` of a pair of transistors (V m).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Sourced>,
    /// `A_β` of a pair of transistors (m).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_factor: Option<Sourced>,
}

/// Every technology by name.
///
/// # Panics
/// Never: the table is a part of the program, and a test reads it.
#[must_use]
pub fn technologies() -> &'static BTreeMap<String, Technology> {
    static TABLE: LazyLock<BTreeMap<String, Technology>> = LazyLock::new(|| {
        // The file is compiled in and read by a test.
        toml::from_str(include_str!("technology.toml")).expect("a well-formed table")
    });
    &TABLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_positive_and_has_a_source() {
        assert!(technologies().len() >= 5);
        for (name, technology) in technologies() {
            let Technology { supply, capacitor, neuron, synapse, threshold, current_factor } = technology;
            let some = [capacitor, neuron, synapse, threshold, current_factor];
            for one in some.into_iter().flatten().chain([supply]) {
                assert!(one.value > 0.0 && one.source.len() > 10, "{name}: {one:?}");
            }
        }
    }
}
