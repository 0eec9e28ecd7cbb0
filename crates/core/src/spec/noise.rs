//! What a circuit file says of noise: every source by its power spectral density or its device parameter.
//!
//! PSDs are one-sided. A section that is absent, and a section whose size is 0, are exactly no noise.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::noise_kind::NoiseKind;
use crate::units;

/// Noise sources; one that is absent is silent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoiseSpec {
    /// Thermal noise of every compartment, `4kT g` times its excess.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thermal: Option<ThermalSpec>,
    /// Shot noise of a bias current in every compartment, `2qI`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shot: Option<ShotSpec>,
    /// Flicker noise of every compartment, `K/f` within a band.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flicker: Option<FlickerSpec>,
    /// Random telegraph noise: a current into every compartment that one trap switches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telegraph: Option<TelegraphSpec>,
    /// Random telegraph noise of every synapse: a trap of its own modulates its conductance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synapse_telegraph: Option<SynapseTelegraphSpec>,
    /// White noise of every conductance as it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadNoiseSpec>,
    /// Noise of the supply, the same in every compartment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supply: Option<SupplyNoiseSpec>,
    /// Noise of the input drivers, each its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<InputNoiseSpec>,
    /// Noise `√(kT/C)` of the sample-and-hold that reads a compartment; the circuit itself does not feel it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampled: Option<SampledNoiseSpec>,
}

/// Thermal noise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThermalSpec {
    /// Excess-noise factor `γ`: 1 for a resistor, about 2/κ for a subthreshold amplifier.
    pub excess: f64,
}

/// Shot noise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShotSpec {
    /// Bias current of a compartment (A).
    #[serde(deserialize_with = "units::current")]
    #[schemars(with = "units::Quantity")]
    pub current: f64,
}

/// Flicker noise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlickerSpec {
    /// Corner with the thermal and shot noise (Hz); either it or the coefficient.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some_frequency")]
    #[schemars(with = "units::Quantity")]
    pub corner: Option<f64>,
    /// `K` of the PSD `K/f`, in squared ampere (A^2); either it or the corner.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some_squared_current")]
    #[schemars(with = "units::Quantity")]
    pub coefficient: Option<f64>,
    /// Lower end of the band (Hz).
    #[serde(deserialize_with = "units::frequency")]
    #[schemars(with = "units::Quantity")]
    pub low: f64,
    /// Upper end of the band (Hz).
    #[serde(deserialize_with = "units::frequency")]
    #[schemars(with = "units::Quantity")]
    pub high: f64,
    /// Ornstein–Uhlenbeck processes per decade that make it up, 2 or more.
    pub per_decade: usize,
}

/// A trap in every compartment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TelegraphSpec {
    /// Current between the two levels (A), centred on its mean.
    #[serde(deserialize_with = "units::current")]
    #[schemars(with = "units::Quantity")]
    pub amplitude: f64,
    /// Mean time until an empty trap captures (s).
    #[serde(deserialize_with = "units::time")]
    #[schemars(with = "units::Quantity")]
    pub capture: f64,
    /// Mean time until a full trap emits (s).
    #[serde(deserialize_with = "units::time")]
    #[schemars(with = "units::Quantity")]
    pub emission: f64,
}

/// A trap in every synapse.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SynapseTelegraphSpec {
    /// Difference of the two conductances relative to their mean.
    #[serde(deserialize_with = "units::share")]
    #[schemars(with = "units::Share")]
    pub amplitude: f64,
    /// Mean time until an empty trap captures (s).
    #[serde(deserialize_with = "units::time")]
    #[schemars(with = "units::Quantity")]
    pub capture: f64,
    /// Mean time until a full trap emits (s).
    #[serde(deserialize_with = "units::time")]
    #[schemars(with = "units::Quantity")]
    pub emission: f64,
}

/// Read noise of conductances.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadNoiseSpec {
    /// PSD of a conductance relative to its square, in 1/Hz.
    pub relative_psd: f64,
}

/// Noise of the supply.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SupplyNoiseSpec {
    /// PSD below the bandwidth (V^2/Hz).
    #[serde(deserialize_with = "units::voltage_psd")]
    #[schemars(with = "units::Quantity")]
    pub psd: f64,
    /// Frequency at which half of it is left (Hz).
    #[serde(deserialize_with = "units::frequency")]
    #[schemars(with = "units::Quantity")]
    pub bandwidth: f64,
    /// Share of the supply's voltage that adds to every drive.
    #[serde(default = "one", deserialize_with = "units::share")]
    #[schemars(with = "units::Share")]
    pub coupling: f64,
}

/// Noise of the input drivers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputNoiseSpec {
    /// PSD below the bandwidth (V^2/Hz).
    #[serde(deserialize_with = "units::voltage_psd")]
    #[schemars(with = "units::Quantity")]
    pub psd: f64,
    /// Frequency at which half of it is left (Hz).
    #[serde(deserialize_with = "units::frequency")]
    #[schemars(with = "units::Quantity")]
    pub bandwidth: f64,
}

/// A sample-and-hold at every compartment that is read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SampledNoiseSpec {
    /// Capacitance that holds the reading (F).
    #[serde(deserialize_with = "units::capacitance")]
    #[schemars(with = "units::Quantity")]
    pub capacitance: f64,
}

impl NoiseSpec {
    /// Sources that act on the circuit as it moves, silent ones left out.
    pub fn moving(&self) -> impl Iterator<Item = NoiseKind> {
        let moving = NoiseKind::ALL.into_iter().filter(|kind| kind.moves_the_circuit());
        moving.filter(|kind| kind.size(self) != 0.0)
    }
}

impl Default for ThermalSpec {
    fn default() -> Self {
        Self { excess: 1.0 }
    }
}

impl Default for FlickerSpec {
    fn default() -> Self {
        Self { corner: None, coefficient: None, low: 1.0, high: 1e6, per_decade: 3 }
    }
}

fn one() -> f64 {
    1.0
}

fn some_frequency<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    units::frequency(from).map(Some)
}

fn some_squared_current<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    units::squared_current(from).map(Some)
}
