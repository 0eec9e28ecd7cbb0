//! What a circuit file says of a process: spreads that follow from the sizes of devices, and what all devices
//! of a chip have in common.
//!
//! Pelgrom, Duinmaijer & Welbers, IEEE JSSC 24, 1433 (1989): the threshold voltages of two transistors of
//! width `W` and length `L`, drawn alike and side by side, differ by `σ(ΔV_T) = A_VT/√(WL)`, their current
//! factors by `σ(Δβ/β) = A_β/√(WL)`. Currents of a mirror differ by
//! `σ(ΔI/I) = √((g_m/I · A_VT)² + A_β²)/√(WL)`, where `g_m/I = κ/U_T · 2/(1 + √(1 + 4 IC))` of a transistor
//! with the inversion coefficient `IC` (Enz, Krummenacher & Vittoz 1995): `κ/U_T` in weak inversion.
//! `U_T = kT/q` is that of the circuit's temperature.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::circuit::CircuitSpec;
use super::mismatch::MismatchSpec;
use super::technology::{Technology, technologies};
use crate::noise::shot::ELEMENTARY_CHARGE;
use crate::noise::thermal::BOLTZMANN;
use crate::units;

/// Corners are so many standard deviations from the typical chip.
pub const CORNER_SIGMAS: f64 = 3.0;

/// Sizes of devices, and what all devices of a chip share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessSpec {
    /// Technology whose `A_VT` and `A_β` are taken: a name of the technology table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub technology: Option<String>,
    /// Slope factor `κ` of weak inversion.
    pub kappa: f64,
    /// Inversion coefficient of mirrors; 0 is weak inversion.
    pub inversion: f64,
    /// Gate area of a transistor of the input pair of an activation device: adds to `offset_dtod` (m²).
    #[serde(deserialize_with = "some_area", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "units::Quantity")]
    pub activation: Option<f64>,
    /// Gate area of a transistor of the mirrors that set feedback gains and mixing: adds to `gain_dtod` and
    /// `mixing_dtod` (m²).
    #[serde(deserialize_with = "some_area", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "units::Quantity")]
    pub mirror: Option<f64>,
    /// Gate area of a transistor of the mirrors that bias the leaks: adds to `time_constant_dtod` (m²).
    #[serde(deserialize_with = "some_area", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "units::Quantity")]
    pub leak: Option<f64>,
    /// Gate area of a transistor of the synapses: adds to `synapse_dtod` (m²).
    #[serde(deserialize_with = "some_area", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "units::Quantity")]
    pub synapse: Option<f64>,
    /// Which chip of the process it is.
    pub corner: Corner,
    /// Spread from chip to chip of the time constants, all together.
    #[serde(deserialize_with = "units::share")]
    #[schemars(with = "units::Share")]
    pub time_constant_spread: f64,
    /// Spread from chip to chip (V) of the offsets, all together: where n- and p-type transistors of an
    /// activation device move apart, its threshold moves.
    #[serde(deserialize_with = "units::voltage")]
    #[schemars(with = "units::Quantity")]
    pub offset_spread: f64,
}

impl Default for ProcessSpec {
    fn default() -> Self {
        Self {
            technology: None,
            kappa: 0.8,
            inversion: 0.0,
            activation: None,
            mirror: None,
            leak: None,
            synapse: None,
            corner: Corner::default(),
            time_constant_spread: 0.0,
            offset_spread: 0.0,
        }
    }
}

/// Chips of a process, n-type transistors first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Corner {
    /// Every chip draws what its devices have in common, normal with the spreads from chip to chip.
    #[default]
    MonteCarlo,
    /// Typical.
    Tt,
    /// Slow transistors: time constants three spreads longer.
    Ss,
    /// Fast transistors: time constants three spreads shorter.
    Ff,
    /// Slow n-type, fast p-type: offsets three spreads higher.
    Sf,
    /// Fast n-type, slow p-type: offsets three spreads lower.
    Fs,
}

impl Corner {
    /// How many spreads time constants and offsets are from those of the typical chip; `None` is drawn.
    #[must_use]
    pub fn sigmas(self) -> Option<(f64, f64)> {
        match self {
            Self::MonteCarlo => None,
            Self::Tt => Some((0.0, 0.0)),
            Self::Ss => Some((CORNER_SIGMAS, 0.0)),
            Self::Ff => Some((-CORNER_SIGMAS, 0.0)),
            Self::Sf => Some((0.0, CORNER_SIGMAS)),
            Self::Fs => Some((0.0, -CORNER_SIGMAS)),
        }
    }
}

impl ProcessSpec {
    /// Gate areas with their keys.
    #[must_use]
    pub fn areas(&self) -> [(&'static str, Option<f64>); 4] {
        [
            ("activation", self.activation),
            ("mirror", self.mirror),
            ("leak", self.leak),
            ("synapse", self.synapse),
        ]
    }

    /// Whether it changes no device.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.areas().iter().all(|(_, area)| area.is_none()) && !self.is_shared()
    }

    /// Whether chips differ as wholes.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.time_constant_spread != 0.0 || self.offset_spread != 0.0
    }

    /// `g_m/I` of a mirror's transistor (1/V) at a temperature (K).
    #[must_use]
    pub fn gm_over_current(&self, temperature: f64) -> f64 {
        let weak = self.kappa * ELEMENTARY_CHARGE / (BOLTZMANN * temperature);
        weak * 2.0 / (1.0 + (1.0 + 4.0 * self.inversion).sqrt())
    }

    /// Its technology, if that is known.
    fn known(&self) -> Option<&'static Technology> {
        technologies().get(self.technology.as_ref()?)
    }

    /// Standard deviation of the pair offset (V) by an area (m²); 0 without one.
    fn offset(&self, area: Option<f64>) -> f64 {
        let threshold = self.known().and_then(|known| known.threshold.as_ref()).map_or(0.0, |a| a.value);
        area.map_or(0.0, |area| threshold / area.sqrt())
    }

    /// Relative spread of a mirrored current by an area (m²) at a temperature (K); 0 without an area.
    fn current(&self, area: Option<f64>, temperature: f64) -> f64 {
        let Some(area) = area else { return 0.0 };
        let factor = self.known().and_then(|known| known.current_factor.as_ref()).map_or(0.0, |a| a.value);
        (self.gm_over_current(temperature) * self.offset(Some(area))).hypot(factor / area.sqrt())
    }
}

fn some_area<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    units::area(from).map(Some)
}

impl CircuitSpec {
    /// The spreads of this circuit's devices: those told, and those that follow from areas, independent of
    /// each other.
    #[must_use]
    pub fn spreads(&self) -> MismatchSpec {
        let mut spreads = self.mismatch.clone();
        if let Some(process) = &self.mismatch.process {
            let current = |area| process.current(area, self.temperature);
            // What is told alone stays as it is, to the bit.
            let onto = |told: &mut f64, more: f64| {
                if more != 0.0 {
                    *told = told.hypot(more);
                }
            };
            onto(&mut spreads.offset_dtod, process.offset(process.activation));
            onto(&mut spreads.gain_dtod, current(process.mirror));
            onto(&mut spreads.mixing_dtod, current(process.mirror));
            onto(&mut spreads.time_constant_dtod, current(process.leak));
            onto(&mut spreads.synapse_dtod, current(process.synapse));
        }
        spreads
    }
}
