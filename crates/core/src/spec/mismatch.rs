//! What a circuit file says of mismatch: how far devices that were drawn alike come out apart.
//!
//! `*_dtod` is a spread from device to device, 0 is exactly none. A chip is a seed: the same seed draws the
//! same devices, whatever else is varied, and a larger spread moves every device further the same way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::process::ProcessSpec;
use crate::units;

/// Widest pair offset (V): the standard deviation between two devices that were drawn alike is some
/// millivolts, and tens of them for the smallest devices.
pub const LARGEST_OFFSET: f64 = 1.0;

/// Static spread of devices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MismatchSpec {
    /// Names the chip; absent means the seed of the run, or in an experiment with `chips` the number of the
    /// chip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How relative spreads are distributed; offsets are normal in any case.
    pub distribution: SpreadKind,
    /// Pair offset: standard deviation (V) of the difference between the offsets of a dyad's two
    /// compartments, each normal with 1/√2 of it.
    #[serde(deserialize_with = "units::voltage")]
    #[schemars(with = "units::Quantity")]
    pub offset_dtod: f64,
    /// Relative spread of the compartments' time constants.
    #[serde(deserialize_with = "units::share")]
    #[schemars(with = "units::Share")]
    pub time_constant_dtod: f64,
    /// Relative spread of the compartments' feedback gains `a⁺`, `a⁻`.
    #[serde(deserialize_with = "units::share")]
    #[schemars(with = "units::Share")]
    pub gain_dtod: f64,
    /// Relative spread of each of the two conductances, as `α` to `ᾱ`, that average a dyad's outputs.
    #[serde(deserialize_with = "units::share")]
    #[schemars(with = "units::Share")]
    pub mixing_dtod: f64,
    /// Relative spread of the scale `u` of the compartments' activation devices.
    #[serde(deserialize_with = "units::share")]
    #[schemars(with = "units::Share")]
    pub scale_dtod: f64,
    /// Relative spread of synapses: of what a programmed weight comes to.
    #[serde(deserialize_with = "units::share")]
    #[schemars(with = "units::Share")]
    pub synapse_dtod: f64,
    /// Spreads that follow from the sizes of devices, and what all devices of a chip share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessSpec>,
    /// Devices that do not work.
    #[serde(skip_serializing_if = "FaultSpec::is_none")]
    pub faults: FaultSpec,
}

/// Shares of devices that do not work. Which ones they are is drawn with the chip; a larger share adds faults
/// to those of a smaller one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FaultSpec {
    /// Share of synapses that are stuck open: they carry nothing.
    #[serde(deserialize_with = "units::share")]
    #[schemars(with = "units::Share")]
    pub stuck_off: f64,
    /// Share of synapses that are stuck at their largest conductance: they carry `stuck_weight`, of either
    /// sign.
    #[serde(deserialize_with = "units::share")]
    #[schemars(with = "units::Share")]
    pub stuck_on: f64,
    /// Weight of a synapse at its largest conductance.
    pub stuck_weight: f64,
    /// Share of neurons that are dead: all their synapses and their bias are zero.
    #[serde(deserialize_with = "units::share")]
    #[schemars(with = "units::Share")]
    pub dead: f64,
}

impl Default for FaultSpec {
    fn default() -> Self {
        Self { stuck_off: 0.0, stuck_on: 0.0, stuck_weight: 1.0, dead: 0.0 }
    }
}

impl FaultSpec {
    /// Whether every device works.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.stuck_off == 0.0 && self.stuck_on == 0.0 && self.dead == 0.0
    }
}

/// Distributions of a relative spread `σ`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SpreadKind {
    /// Factor `1 + σ z` with a standard normal `z`, but at least 0.01.
    #[default]
    Normal,
    /// Factor `exp(σ z)`: its median is 1, `σ` the standard deviation of its logarithm.
    Lognormal,
}

impl MismatchSpec {
    /// Widest relative spread that this distribution is taken for.
    ///
    /// Normal: 0.3, at which one device in 2300 is held at its lower end. Lognormal: 2, at which one device
    /// in six is more than seven times its nominal value.
    #[must_use]
    pub fn widest(&self) -> f64 {
        match self.distribution {
            SpreadKind::Normal => 0.3,
            SpreadKind::Lognormal => 2.0,
        }
    }

    /// Relative spreads with their keys.
    #[must_use]
    pub fn relative(&self) -> [(&'static str, f64); 5] {
        [
            ("time_constant_dtod", self.time_constant_dtod),
            ("gain_dtod", self.gain_dtod),
            ("mixing_dtod", self.mixing_dtod),
            ("scale_dtod", self.scale_dtod),
            ("synapse_dtod", self.synapse_dtod),
        ]
    }

    /// Whether all devices are equal, and work.
    #[must_use]
    pub fn is_none(&self) -> bool {
        let exact = self.offset_dtod == 0.0 && self.relative().iter().all(|(_, spread)| *spread == 0.0);
        exact && self.faults.is_none() && self.process.as_ref().is_none_or(ProcessSpec::is_none)
    }
}
