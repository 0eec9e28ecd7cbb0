//! The rows of the tables of `sensitivity`: the one place that names their columns.
//!
//! Parameters are those of devices: offsets and biases in V, scales, gains, mixing and synapses as the plain
//! numbers that they are (a synapse as a factor of what is programmed), time constants relative. What has no
//! derivative or no spread is an empty cell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `sensitivity`: a group of devices, one parameter of all compartments of a side, neurons or
/// synapses of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SensitivityRow {
    /// Which parameter; `_plus` and `_minus` are the two compartments of dyads.
    pub parameter: String,
    /// Layer of the devices, 1 to L.
    pub layer: usize,
    /// Devices of the group.
    pub devices: usize,
    /// Norm of the gradient estimate's derivative over the norm of the estimate, root of the sum of squares
    /// over the devices: per unit of the parameter.
    pub gradient: Option<f64>,
    /// The same of the device that moves the estimate most; empty if none does.
    pub gradient_largest: Option<f64>,
    /// Which device that is: parameter, layer, neuron from 0, and of a synapse its input from 0.
    pub gradient_device: Option<String>,
    /// Derivative of the margin of the least stable sample (in 1/τ, τ held), root of the sum of squares over
    /// the devices: per unit of the parameter.
    pub margin: Option<f64>,
    /// The same of the device that moves the margin most, with its sign; empty if none does.
    pub margin_largest: Option<f64>,
    /// Which device that is.
    pub margin_device: Option<String>,
    /// Standard deviation that the circuit's mismatch gives the parameter, rms over the devices.
    pub spread: Option<f64>,
    /// Relative rms movement of the gradient estimate that this spread causes, to first order.
    pub gradient_spread: Option<f64>,
    /// Rms movement of the margin (in 1/τ) that this spread causes, to first order.
    pub margin_spread: Option<f64>,
}

/// A row of `sensitivity_layers`: what a group of devices moves of the gradient estimate of one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SensitivityLayerRow {
    /// Which parameter.
    pub parameter: String,
    /// Layer of the devices, 1 to L.
    pub layer: usize,
    /// Layer of the estimate, 1 to L.
    pub gradient_layer: usize,
    /// Norm of the derivative over the norm of that layer's estimate, root of the sum of squares over the
    /// devices: per unit of the parameter.
    pub gradient: f64,
}

/// `sensitivity.json`: settings, the samples, the margin and the totals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensitivitySummary {
    /// Circuit.
    pub circuit: String,
    /// Settings in a line.
    pub settings: String,
    /// Whether the devices are the nominal ones.
    pub nominal: bool,
    /// Layers.
    pub layers: usize,
    /// Samples of the batch.
    pub samples: usize,
    /// Samples that the estimate is made of.
    pub used: usize,
    /// Samples of which no equilibrium was found: left out.
    pub lost: usize,
    /// Samples whose equilibrium is unstable, or on a rail that the free one does not touch: left out of the
    /// estimate.
    pub unstable: usize,
    /// Samples of which a compartment is within a microvolt of a kink or a rail: their derivatives are those
    /// of one piece.
    pub near: usize,
    /// Smallest distance from a kink or a rail (V); none without any.
    pub clearance_v: Option<f64>,
    /// Margin of the least stable sample (1/τ).
    pub margin: f64,
    /// Which sample that is.
    pub worst_sample: usize,
    /// Why the margin has no derivative, if so.
    pub unmoved: Option<String>,
    /// Relative rms movement of the estimate by all spreads together; none without spreads.
    pub gradient_spread: Option<f64>,
    /// Rms movement of the margin (1/τ) by all spreads together.
    pub margin_spread: Option<f64>,
    /// What is left out.
    pub remark: Option<String>,
}
