//! The rows of the tables of `gradient`: the one place that names their columns.
//!
//! Powers are in units of the squared norm of the true gradient. What was not measured or has no prediction
//! is an empty cell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `gradient`: one layer, or all, at one point of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradientRow {
    /// Setting along the first axis.
    pub x: f64,
    /// Setting along the second axis.
    pub y: Option<f64>,
    /// Layer, 1 to L; empty for all together.
    pub layer: Option<usize>,
    /// Draws that gave an estimate.
    pub draws: usize,
    /// Draws in which no sample came to rest: left out.
    pub lost_draws: usize,
    /// Samples of all draws that did not come to rest: left out of their draw's estimate.
    pub unsettled: usize,
    /// Angle of one draw to backpropagation, in the mean (degrees).
    pub angle_deg: Option<f64>,
    /// Its standard error.
    pub angle_error_deg: Option<f64>,
    /// Norm of one draw over that of the true gradient, in the mean.
    pub norm_ratio: Option<f64>,
    /// Its standard error.
    pub norm_ratio_error: Option<f64>,
    /// Squared norm of the bias, freed of noise; below zero where it is not resolved.
    pub bias_squared: Option<f64>,
    /// Its standard error.
    pub bias_squared_error: Option<f64>,
    /// Power of one draw around the mean of draws.
    pub variance: Option<f64>,
    /// Its standard error.
    pub variance_error: Option<f64>,
    /// Mean squared error of one draw.
    pub squared_error: Option<f64>,
    /// Its standard error.
    pub squared_error_error: Option<f64>,
    /// Norm of the mean estimate over the root of the variance.
    pub snr: Option<f64>,
    /// Its standard error.
    pub snr_error: Option<f64>,
    /// Squared bias by the fixed points and the Lyapunov equation there.
    pub predicted_bias_squared: Option<f64>,
    /// Variance by the Lyapunov equation.
    pub predicted_variance: Option<f64>,
    /// `asked` for by the axes, or `added` where the best nudge was looked for.
    pub origin: String,
    /// Why the point has no part in the best nudge: `beyond` the largest safe one, or `unsettled` samples;
    /// empty if it has.
    pub left_out: Option<String>,
}

/// A row of `gradient_best`: the nudge of the least mean squared error, and that of the least angle beside
/// it.
///
/// A nudge is empty where it is not `inside` the range: it may lie `low` (below the range), `high` (above
/// it), or there is none below the `limit`, up to which the error falls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BestRow {
    /// Setting along the other axis.
    pub y: Option<f64>,
    /// Layer, 1 to L; empty for all together.
    pub layer: Option<usize>,
    /// As measured.
    pub best_beta: Option<f64>,
    /// Its error: that over draws and that of the fit together.
    pub best_beta_error: Option<f64>,
    /// The part over draws (jackknife).
    pub draws_error: Option<f64>,
    /// The part of the fit.
    pub fit_error: Option<f64>,
    /// Where it lies.
    pub place: Option<String>,
    /// As predicted.
    pub predicted_best_beta: Option<f64>,
    /// The same of the prediction.
    pub predicted_place: Option<String>,
    /// The nudge of the least angle to backpropagation.
    pub least_angle_beta: Option<f64>,
    /// Its error.
    pub least_angle_beta_error: Option<f64>,
    /// Where it lies.
    pub least_angle_place: Option<String>,
    /// As predicted.
    pub predicted_least_angle_beta: Option<f64>,
    /// The largest nudge that is safe for every sample and chip; empty if none fails in the range, or if it
    /// was not looked for.
    pub largest_safe_beta: Option<f64>,
}

/// `gradient.json`: settings of the study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GradientSummary {
    /// Circuit.
    pub circuit: String,
    /// Settings in a line.
    pub settings: String,
    /// Keys of the axes.
    pub keys: Vec<String>,
    /// Seed of the noise.
    pub seed: u64,
    /// Draws of every point.
    pub draws: usize,
    /// Whether every draw is another chip.
    pub chips: bool,
    /// Samples of the batch.
    pub samples: usize,
    /// Layers.
    pub layers: usize,
    /// Why predictions are missing, if they are.
    pub unpredicted: Option<String>,
    /// Why the largest safe nudge was not looked for, if it was not though nudges vary.
    pub unlimited: Option<String>,
}
