//! Synapse devices as published: what stands in `pulsed.toml` and `programmed.toml`, each with its source.
//!
//! Numbers alone; what they mean is said by [`crate::device::synapse`] and docs/devices.md.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

mod programmed;
mod pulsed;

pub use programmed::{Change, Curve, Error, ProgrammedSpec, Reading, Segment};
pub use pulsed::{Lifetime, OneSided, Pair, PulsedSpec, StepSpec};

/// A device that has a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Preset {
    /// It moves by pulses.
    Pulsed(PulsedSpec),
    /// It is programmed to a target.
    Programmed(ProgrammedSpec),
}

impl Preset {
    /// Publication that the numbers are from.
    pub fn source(&self) -> &str {
        match self {
            Self::Pulsed(device) => &device.source,
            Self::Programmed(device) => &device.source,
        }
    }

    /// What the numbers hold for, and which fit they follow.
    pub fn validity(&self) -> &str {
        match self {
            Self::Pulsed(device) => &device.validity,
            Self::Programmed(device) => &device.validity,
        }
    }

    /// What it moves by.
    pub fn model(&self) -> &'static str {
        match self {
            Self::Pulsed(device) => device.step_model.name(),
            Self::Programmed(_) => "programmed",
        }
    }
}

/// Every device that moves by pulses, by name.
///
/// # Panics
/// Never: the table is a part of the program, and a test reads it.
#[must_use]
pub fn pulsed() -> &'static BTreeMap<String, PulsedSpec> {
    static TABLE: LazyLock<BTreeMap<String, PulsedSpec>> = LazyLock::new(|| {
        // The file is compiled in and read by a test.
        toml::from_str(include_str!("pulsed.toml")).expect("a well-formed table")
    });
    &TABLE
}

/// Every device that is programmed to a target, by name.
///
/// # Panics
/// Never: the table is a part of the program, and a test reads it.
#[must_use]
pub fn programmed() -> &'static BTreeMap<String, ProgrammedSpec> {
    static TABLE: LazyLock<BTreeMap<String, ProgrammedSpec>> = LazyLock::new(|| {
        // The file is compiled in and read by a test.
        toml::from_str(include_str!("programmed.toml")).expect("a well-formed table")
    });
    &TABLE
}

/// Names of all devices: first those that move by pulses.
pub fn names() -> impl Iterator<Item = &'static str> {
    pulsed().keys().chain(programmed().keys()).map(String::as_str)
}

/// The device of that name.
#[must_use]
pub fn named(name: &str) -> Option<Preset> {
    let pulsed = pulsed().get(name).cloned().map(Preset::Pulsed);
    pulsed.or_else(|| programmed().get(name).cloned().map(Preset::Programmed))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_device_has_a_name_of_its_own_a_source_and_a_validity() {
        let names: Vec<_> = names().collect();
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        assert!(names.len() >= 20, "{names:?}");
        for name in names {
            let device = named(name).unwrap();
            assert!(device.source().len() > 10 && device.validity().len() > 10, "{name}");
        }
        assert!(named("unobtainium").is_none());
    }

    #[test]
    fn presets_come_back_from_what_is_written_of_them() {
        for name in names() {
            let device = named(name).unwrap();
            let written = toml::to_string(&device).unwrap();
            let read = match &device {
                Preset::Pulsed(_) => Preset::Pulsed(toml::from_str(&written).unwrap()),
                Preset::Programmed(_) => Preset::Programmed(toml::from_str(&written).unwrap()),
            };
            assert_eq!(read, device, "{name}");
        }
    }
}
