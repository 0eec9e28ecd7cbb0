//! What a circuit file says of the amplifiers, switches and capacitors around a compartment.
//!
//! A section that is absent, a key that is absent, and a size of 0 are exactly nothing: the ideal circuit's
//! bytes.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::units;

/// The transconductor of an OTA-C compartment: `C dv/dt = I_b tanh(g (u − v)/I_b)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransconductorSpec {
    /// Range `I_b/g` (V), `2U_T/κ` of a differential pair in weak inversion; the slew rate is `I_b/C`.
    #[serde(deserialize_with = "units::voltage")]
    #[schemars(with = "units::Quantity")]
    pub range: f64,
}

/// An operational amplifier with its feedback `g ∥ C`, whose summing node every synapse of the compartment
/// loads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AmplifierSpec {
    /// Gain `A₀` at zero frequency; absent means infinite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<f64>,
    /// Gain–bandwidth product (Hz); absent means infinite.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some_frequency")]
    #[schemars(with = "units::Quantity")]
    pub gain_bandwidth: Option<f64>,
    /// Input offset (V), the same in every amplifier.
    #[serde(deserialize_with = "units::voltage")]
    #[schemars(with = "units::Quantity")]
    pub offset: f64,
    /// Most that the output moves, in volt per second; absent means no limit.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some_slew_rate")]
    #[schemars(with = "units::Quantity")]
    pub slew: Option<f64>,
    /// Conductance (S) of the device that is off in the pair of a synapse: the pair loads its node with
    /// `g |W|` and twice this.
    #[serde(deserialize_with = "units::conductance")]
    #[schemars(with = "units::Quantity")]
    pub pair_minimum: f64,
}

/// Leakage of the capacitors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LeakageSpec {
    /// Current out of every compartment's capacitor (A).
    #[serde(deserialize_with = "units::current")]
    #[schemars(with = "units::Quantity")]
    pub current: f64,
    /// Time for which a settled compartment is held, undriven, before it is read (s).
    #[serde(deserialize_with = "units::time")]
    #[schemars(with = "units::Quantity")]
    pub hold: f64,
}

/// The clock of a switched-capacitor circuit: once a period `C_s = g/f` is charged to the drive and shared
/// with `C`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockSpec {
    /// Frequency `f` (Hz); with the leak `g = C_s f` it fixes the switched capacitor.
    #[serde(deserialize_with = "units::frequency")]
    #[schemars(with = "units::Quantity")]
    pub frequency: f64,
    /// Charge that the switches leave on a compartment every period (C).
    #[serde(default, deserialize_with = "units::charge")]
    #[schemars(with = "units::Quantity")]
    pub injection: f64,
}

fn some_frequency<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    units::frequency(from).map(Some)
}

fn some_slew_rate<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    units::slew_rate(from).map(Some)
}
