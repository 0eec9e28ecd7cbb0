//! The rows of the tables of `rules compare`: the one place that names their columns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `rules_runs`: one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleRunRow {
    /// Run name.
    pub run: String,
    /// Rule.
    pub rule: String,
    /// Mixing α.
    pub alpha: Option<f64>,
    /// Nudge β.
    pub beta: Option<f64>,
    /// Other grid settings, `key = value, …`, without those of noise and mismatch.
    pub settings: Option<String>,
    /// Noise: deviation of the potential of a compartment on its own, by its thermal, shot and flicker noise
    /// (V); none where the rule settles nothing.
    pub noise_v: Option<f64>,
    /// Mismatch: the largest relative spread of the chip's devices.
    pub mismatch: f64,
    /// Seed.
    pub seed: u64,
    /// Number of the chip, from 1, where the experiment asks for several.
    pub chip: Option<u32>,
    /// `complete`, or what stopped the run.
    pub status: String,
    /// Relaxations of a sample for an update.
    pub relaxations: usize,
    /// Accuracy on the test set after the last epoch.
    pub test_accuracy: f64,
    /// Angle between the estimate and the exact gradient of the rule's circuit after the last epoch, mean
    /// over layers (degrees).
    pub angle_deg: Option<f64>,
    /// Share of all training samples that came to rest in all their relaxations.
    pub at_rest: Option<f64>,
    /// First epoch after which the test accuracy was that of the target.
    pub epochs_to_target: Option<usize>,
    /// Time on the chip up to there (s).
    pub time_to_target_s: Option<f64>,
    /// Energy up to there (J).
    pub energy_to_target_j: Option<f64>,
    /// Why there is no time and no energy.
    pub remark: Option<String>,
}

/// A row of `rules`: the runs of a rule that differ by seed (and chip) alone; those that broke off or
/// diverged are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleRow {
    /// Rule.
    pub rule: String,
    /// Mixing α.
    pub alpha: Option<f64>,
    /// Nudge β.
    pub beta: Option<f64>,
    /// Other grid settings, as in `rules_runs`.
    pub settings: Option<String>,
    /// Noise, as in `rules_runs` (V).
    pub noise_v: Option<f64>,
    /// Mismatch, as in `rules_runs`.
    pub mismatch: f64,
    /// Relaxations of a sample for an update.
    pub relaxations: usize,
    /// Runs in the means.
    pub n: usize,
    /// Runs left out because they broke off or their numbers are not finite.
    pub left_out: usize,
    /// Mean test accuracy after the last epoch.
    pub test_accuracy: Option<f64>,
    /// Least.
    pub least_accuracy: Option<f64>,
    /// Greatest.
    pub greatest_accuracy: Option<f64>,
    /// Mean angle after the last epoch (degrees).
    pub angle_deg: Option<f64>,
    /// Mean share of training samples that came to rest.
    pub at_rest: Option<f64>,
    /// Runs that reached the target.
    pub reached: usize,
    /// Mean of the epochs to the target, of the runs that reached it.
    pub epochs_to_target: Option<f64>,
    /// Mean time on the chip up to there, of the runs that reached it (s).
    pub time_to_target_s: Option<f64>,
    /// Mean energy up to there, of the runs that reached it (J).
    pub energy_to_target_j: Option<f64>,
    /// Why there is no time and no energy.
    pub remark: Option<String>,
}

/// `rules.json`: settings of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RulesSummary {
    /// Name of the experiment.
    pub name: String,
    /// Settings in a line.
    pub settings: String,
    /// Test accuracy that time and energy are counted to.
    pub target: f64,
    /// Epochs of a run.
    pub epochs: usize,
    /// `f32` or `f64`.
    pub precision: String,
}
