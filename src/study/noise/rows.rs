//! The rows of the tables of `noise`: the one place that names their columns.
//!
//! What was not measured, and what does not exist, is an empty cell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `noise`: one read-out of the stationary circuit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoiseRow {
    /// `QUANTITY.LAYER.NEURON`.
    pub node: String,
    /// `v_plus`, `v_minus`, `activity` (`s̄`) or `error` (`δ`); of neurons of one compartment `v` or
    /// `activity`.
    pub quantity: String,
    /// Layer, 1 to L.
    pub layer: usize,
    /// Neuron, from 0.
    pub neuron: usize,
    /// Value at the operating point (V).
    pub value_v: f64,
    /// Standard deviation by the Lyapunov equation (V).
    pub predicted_rms_v: f64,
    /// Standard deviation along the simulated trajectories (V).
    pub measured_rms_v: Option<f64>,
    /// Its standard error (V).
    pub standard_error_v: Option<f64>,
    /// As many independent samples would have that error.
    pub effective_samples: Option<f64>,
    /// Measured minus predicted, in standard errors.
    pub deviation: Option<f64>,
}

/// A row of `noise_layers`: a quantity of one layer, root mean square over its neurons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoiseLayerRow {
    /// Layer, 1 to L.
    pub layer: usize,
    /// `activity`, `error`, or `gradient` (Frobenius norms of the estimate of one sample, V²).
    pub quantity: String,
    /// Signal.
    pub signal: f64,
    /// Noise of an instant.
    pub noise: f64,
    /// The same as measured.
    pub measured_noise: Option<f64>,
    /// Its standard error.
    pub standard_error: Option<f64>,
    /// Integration time of a reading (s).
    pub readout_time_s: f64,
    /// Noise of a reading.
    pub readout_noise: f64,
    /// Signal over noise of a reading.
    pub snr: Option<f64>,
}

/// A row of `noise_causes`: what one source adds to the noise of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoiseCauseRow {
    /// Layer, 1 to L.
    pub layer: usize,
    /// `activity` or `error`.
    pub quantity: String,
    /// Section of `[noise]`; thermal and shot noise are both white.
    pub cause: String,
    /// Root mean square over the neurons of an instant's noise (V).
    pub noise_v: f64,
    /// Share of the layer's variance.
    pub share: f64,
}

/// A row of `noise_psd`: one frequency of a node's spectrum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoisePsdRow {
    /// The node.
    pub node: String,
    /// Source; `total` is that of all.
    pub cause: String,
    /// Frequency (Hz).
    pub frequency_hz: f64,
    /// One-sided PSD from the transfer function (V²/Hz).
    pub predicted_v2_per_hz: f64,
    /// The same as a series sampled at the solver's step shows it (V²/Hz).
    pub folded_v2_per_hz: Option<f64>,
    /// Welch's estimate (V²/Hz).
    pub measured_v2_per_hz: Option<f64>,
    /// Its standard error (V²/Hz).
    pub standard_error_v2_per_hz: Option<f64>,
}

/// A row of `noise_angle`: the predicted angle to backpropagation at one nudge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoiseAngleRow {
    /// Nudge β.
    pub beta: f64,
    /// Integration time of a reading (s).
    pub readout_time_s: f64,
    /// Samples in the batch, each with a noise of its own.
    pub batch: usize,
    /// Layer, 1 to L; empty for all together.
    pub layer: Option<usize>,
    /// Angle of the estimate's mean (degrees).
    pub bias_deg: Option<f64>,
    /// Angle that the noise adds at right angles (degrees).
    pub noise_deg: Option<f64>,
    /// Angle in all (degrees).
    pub total_deg: Option<f64>,
    /// Samples without a stable fixed point at this nudge.
    pub unstable: usize,
    /// Mean squared error of the batch's estimate, in units of the true gradient's squared norm.
    pub squared_error: Option<f64>,
}

/// The predicted best nudge of all layers together, by the definition of `gradient`: a nudge is empty where
/// it is not `inside` the range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseBest {
    /// The nudge of the least mean squared error.
    pub best_beta: Option<f64>,
    /// Where it lies: `inside`, `low`, `high` or `limit`.
    pub place: Option<String>,
    /// The nudge of the least angle.
    pub least_angle_beta: Option<f64>,
    /// Where it lies.
    pub least_angle_place: Option<String>,
    /// The angle there, or the least one at an end (degrees).
    pub least_angle_deg: Option<f64>,
    /// The largest nudge that is safe for every sample; empty if none fails up to `highest`, or if it was not
    /// looked for.
    pub largest_safe_beta: Option<f64>,
    /// The highest nudge that was looked at.
    pub highest: f64,
    /// Why the largest safe nudge was not looked for, if so.
    pub unlimited: Option<String>,
}

/// `noise.json`: what the tables were made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseSummary {
    /// Name of the circuit.
    pub circuit: String,
    /// One line of settings.
    pub settings: String,
    /// Seed.
    pub seed: u64,
    /// Replicas of the simulation; 0 if none was done.
    pub replicas: usize,
    /// Simulated time of each (s).
    pub time_s: f64,
    /// Slowest time constant (s).
    pub tau_s: f64,
    /// The family-wise error at which predictions and measurements were compared.
    pub family_error: f64,
    /// Deviations up to which they agree (standard errors).
    pub limit: f64,
    /// Comparisons made.
    pub comparisons: usize,
    /// Comparisons that failed.
    pub failed: usize,
    /// The predicted best nudge.
    #[serde(default)]
    pub nudge: Option<NoiseBest>,
}
