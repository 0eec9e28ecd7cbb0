//! The rows of the tables of `robustness`: the one place that names their columns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `robustness_runs`: one measure of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RobustRunRow {
    /// Run name.
    pub run: String,
    /// Rule.
    pub rule: String,
    /// Mixing α.
    pub alpha: Option<f64>,
    /// Nudge β.
    pub beta: Option<f64>,
    /// Other grid settings, `key = value, …`.
    pub settings: Option<String>,
    /// Seed.
    pub seed: u64,
    /// `spectral-norm` (with `layer`), `product-norm`, `lipschitz-median`, `lipschitz-95`, `lipschitz-max`,
    /// `accuracy`, or `fgsm` and `pgd` (with `ball` and `epsilon`).
    pub measure: String,
    /// Layer, 1 to L.
    pub layer: Option<usize>,
    /// How perturbations are measured: `linf` or `l2`.
    pub ball: Option<String>,
    /// Their largest size (V).
    pub epsilon: Option<f64>,
    /// What was found; norms and Lipschitz constants in V/V, accuracies from 0 to 1. Not finite where the
    /// weights are not.
    pub value: f64,
}

/// A row of `robustness`: one measure over the runs that differ by seed (and chip) alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RobustRow {
    /// Rule.
    pub rule: String,
    /// Mixing α.
    pub alpha: Option<f64>,
    /// Nudge β.
    pub beta: Option<f64>,
    /// Other grid settings, `key = value, …`.
    pub settings: Option<String>,
    /// As in `robustness_runs`.
    pub measure: String,
    /// Layer, 1 to L.
    pub layer: Option<usize>,
    /// `linf` or `l2`.
    pub ball: Option<String>,
    /// Largest size of the perturbation (V).
    pub epsilon: Option<f64>,
    /// Runs in the mean.
    pub n: usize,
    /// Runs left out because they broke off or their weights are not finite.
    pub left_out: usize,
    /// Mean.
    pub mean: Option<f64>,
    /// Standard error of the mean, `s/√n`; empty for fewer than two runs.
    pub standard_error: Option<f64>,
}

/// `robustness.json`: settings of the study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustSummary {
    /// Name of the experiment.
    pub name: String,
    /// Settings in a line.
    pub settings: String,
    /// Test samples attacked.
    pub samples: usize,
    /// Test samples whose Jacobian was looked at.
    pub lipschitz_samples: usize,
    /// Steps of PGD.
    pub steps: usize,
    /// What attacks climb: `loss`, `margin` or `classes`.
    pub climbed: String,
    /// Climbs of PGD, the first from the sample, the others from random points.
    pub starts: u32,
    /// Sizes of perturbations in `L∞` (V).
    pub linf: Vec<f64>,
    /// Sizes in `L2` (V).
    pub l2: Vec<f64>,
    /// `f32` or `f64`.
    pub precision: String,
}
