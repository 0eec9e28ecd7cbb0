//! Devices that move by pulses: their step, its spread from device to device, its noise.

use serde::{Deserialize, Serialize};

/// A device that moves by pulses. Weights are relative: 1 is the greatest that is meant to be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PulsedSpec {
    /// Publication that the numbers are from.
    pub source: String,
    /// What they hold for.
    pub validity: String,
    /// Mean step of a pulse where the model's factor is 1.
    pub step: f64,
    /// Spread of the step among devices, of the mean step.
    #[serde(default)]
    pub step_dtod: f64,
    /// Whether that spread is log-normal: `exp(step_dtod ξ)` in place of `1 + step_dtod ξ`.
    #[serde(default)]
    pub log_normal: bool,
    /// Noise from pulse to pulse, of the step.
    #[serde(default)]
    pub step_noise: f64,
    /// By how much of the step pulses up are smaller (below 0) or pulses down (above 0).
    #[serde(default)]
    pub up_down: f64,
    /// Spread of `up_down` among devices.
    #[serde(default)]
    pub up_down_dtod: f64,
    /// Upper bound of the weight, and its lower one.
    pub bounds: Pair,
    /// Their relative spreads among devices.
    #[serde(default)]
    pub bounds_dtod: Pair,
    /// What the weight that is seen is off the device's own after each write, in units of the step.
    #[serde(default)]
    pub write_noise: f64,
    /// How the step depends on the weight.
    pub step_model: StepSpec,
    /// Leakage; without it the device keeps what it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Lifetime>,
    /// Two devices that only move up make a weight; without it one device moves both ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_sided: Option<OneSided>,
}

/// Numbers of pulses up and of pulses down, or of the upper and the lower bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Of pulses up; upper.
    pub up: f64,
    /// Of pulses down; lower.
    pub down: f64,
}

/// How the step depends on the weight `w`, with the bounds `b⁺` and `b⁻`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StepSpec {
    /// Every pulse moves by `step` exactly, without bounds, spread and noise.
    Ideal,
    /// It does not.
    Constant,
    /// `Δ (1 ∓ γ w / b)`.
    Linear {
        /// γ.
        slope: Pair,
        /// Spread of γ among devices.
        #[serde(default)]
        slope_dtod: f64,
        /// Whether noise is of the step at `w = 0` (additive) or of the step (multiplicative).
        additive: bool,
        /// Whether the slopes are of the mean bounds, not of the device's own.
        #[serde(default)]
        mean_bounds: bool,
    },
    /// `Δ (1 − w / b)`, seen against a reference device.
    SoftBounds {
        /// Whether noise is of the step at `w = 0` (additive) or of the step (multiplicative).
        additive: bool,
        /// Spread of the reference.
        #[serde(default)]
        reference: f64,
        /// Whether every reference is at its device's symmetry point first.
        #[serde(default)]
        subtract_symmetry: bool,
    },
    /// `Δ max(0, 1 − A exp(±γ z))`, `z = 2 a w / (b⁺ − b⁻) + b`.
    Exponential {
        /// a.
        a: f64,
        /// b.
        b: f64,
        /// γ.
        gamma: Pair,
        /// A.
        amplitude: Pair,
        /// Noise beside that of the step, constant.
        #[serde(default)]
        noise_add: f64,
        /// Noise beside that of the step, of the weight.
        #[serde(default)]
        noise_slope: f64,
    },
    /// `Δ ω^γ`, ω the share of the range that is left.
    Power {
        /// γ.
        gamma: Pair,
        /// Spread of γ among devices.
        #[serde(default)]
        gamma_dtod: f64,
    },
    /// Factors of Δ at points evenly spaced from the lower to the upper bound, straight in between.
    Piecewise {
        /// Of pulses up, two or more.
        up: Vec<f64>,
        /// Of pulses down, two or more.
        down: Vec<f64>,
    },
}

impl StepSpec {
    /// Its name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ideal => "ideal",
            Self::Constant => "constant",
            Self::Linear { .. } => "linear",
            Self::SoftBounds { .. } => "soft-bounds",
            Self::Exponential { .. } => "exponential",
            Self::Power { .. } => "power",
            Self::Piecewise { .. } => "piecewise",
        }
    }
}

/// Leakage: each update leaves a share `1 − 1/updates` of the way to the resting weight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lifetime {
    /// Time constant (updates).
    pub updates: f64,
    /// Its relative spread among devices.
    #[serde(default)]
    pub dtod: f64,
    /// Weight that it decays to.
    #[serde(default)]
    pub rest: f64,
}

/// When and how the two devices of a weight are refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneSided {
    /// Where a device is after a reset.
    pub reset: f64,
    /// Spread of that from reset to reset.
    #[serde(default)]
    pub reset_noise: f64,
    /// Share of its upper bound at which a device takes its pair to a refresh.
    pub refresh_at: f64,
}
