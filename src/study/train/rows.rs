//! The rows of every table in an output folder: the one place that names their columns.
//!
//! A number that does not exist (backpropagation's α) is `None`, an empty cell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `metrics`: one run, one epoch (epoch 0 is before training).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricsRow {
    /// Run name, `RULE[-aALPHA-bBETA…]-sSEED[-cCHIP]`.
    pub run: String,
    /// Rule, by its name in files (`rules` of an experiment).
    pub rule: String,
    /// Mixing α.
    pub alpha: Option<f64>,
    /// Nudge β.
    pub beta: Option<f64>,
    /// Nudge that keeps the margin of `nudge.keep_margin` with these weights: the next epoch's, and that of
    /// the margin and angles beside it.
    pub kept_beta: Option<f64>,
    /// Seed.
    pub seed: u64,
    /// Epochs trained so far.
    pub epoch: usize,
    /// Mean loss `ℓ/V_ref²` of the free circuit on the training set.
    pub train_loss: f64,
    /// Accuracy of the free circuit on the training set.
    pub train_accuracy: f64,
    /// Mean loss on the test set.
    pub test_loss: f64,
    /// Accuracy on the test set.
    pub test_accuracy: f64,
    /// Fraction of this epoch's nudged training samples that settled without noise; the six sum to one. None
    /// is asked to settle where synapses move all the time (`plasticity`).
    pub settled: Option<f64>,
    /// Fraction stationary under noise; with `settled` what the screen calls at rest.
    pub noisy_settled: Option<f64>,
    /// Fraction that oscillated.
    pub oscillation: Option<f64>,
    /// Fraction that latched up.
    pub latch_up: Option<f64>,
    /// Fraction still moving at the time limit.
    pub timeout: Option<f64>,
    /// Fraction that left the numbers.
    pub not_finite: Option<f64>,
    /// Median simulated time to equilibrium of the settled samples (s), all relaxations of an update
    /// together.
    pub settle_time_s: Option<f64>,
    /// Worst −(spectral abscissa) over the probe samples, at their fixed point (1/τ).
    pub stability_margin_tau: Option<f64>,
    /// Right-hand sides evaluated in this epoch (batch evaluations; with `plasticity` one a step).
    pub rhs_evals: u64,
    /// Wall time of this epoch (s); the only column that two runs do not share.
    pub wall_s: f64,
}

/// A row of `layers`: one run, one epoch, one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayersRow {
    /// Run name.
    pub run: String,
    /// Epochs trained so far.
    pub epoch: usize,
    /// Layer, 1 to L.
    pub layer: usize,
    /// Angle between the gradient estimate and backpropagation's on the probe batch (degrees).
    pub angle_to_bp_deg: Option<f64>,
    /// Frobenius norm of `W_k`.
    pub weight_norm: f64,
    /// Largest singular value of `W_k`.
    pub spectral_norm: f64,
    /// Frobenius distance to the weights of backpropagation at the same seed and epoch.
    pub distance_to_bp_weights: Option<f64>,
    /// Angle between the feedback synapses `F_k` and `W_k` (degrees), where errors come back through synapses
    /// of their own; none in the first layer, below which no error goes.
    #[serde(default)]
    pub feedback_angle_deg: Option<f64>,
}

/// A row of `trajectories`: one time of one compartment pair on the way to equilibrium, for each kind of
/// outcome met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrajectoryRow {
    /// Outcome of the sample: `settled`, `noisy-settled`, `oscillation`, `latch-up`, `timeout`, `not-finite`.
    pub outcome: String,
    /// Run that met it.
    pub run: String,
    /// Epoch of training in which it was met, from 1.
    pub epoch: usize,
    /// Training sample.
    pub sample: usize,
    /// Layer, 1 to L.
    pub layer: usize,
    /// Neuron, from 0.
    pub neuron: usize,
    /// Time, in units of the slowest time constant (τ).
    pub t_tau: f64,
    /// `v⁺` (V).
    pub v_plus: f64,
    /// `v⁻` (V).
    pub v_minus: f64,
}

/// A row of `valley`: what the linear noise analysis predicts for one run at its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValleyRow {
    /// Run name.
    pub run: String,
    /// Rule.
    pub rule: String,
    /// Mixing α.
    pub alpha: f64,
    /// Nudge β.
    pub beta: f64,
    /// Seed.
    pub seed: u64,
    /// Samples that the gradient is averaged over: the probe.
    pub averaged: usize,
    /// Samples of the probe that the prediction is made of.
    pub samples: usize,
    /// Angle to backpropagation without noise, mean over layers (degrees).
    pub bias_deg: Option<f64>,
    /// Angle that the noise alone makes (degrees).
    pub noise_deg: Option<f64>,
    /// Both (degrees).
    pub total_deg: Option<f64>,
    /// Samples without a stable fixed point.
    pub unstable: Option<usize>,
    /// Nudge at which the whole gradient's angle is smallest for the network that backpropagation has
    /// trained.
    pub best_beta: Option<f64>,
}

/// A row of `cost`: what one run's circuit takes at its end, simulated on training samples and priced by
/// `[cost]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostRow {
    /// Run name.
    pub run: String,
    /// Rule.
    pub rule: String,
    /// Mixing α.
    pub alpha: Option<f64>,
    /// Nudge β.
    pub beta: Option<f64>,
    /// Seed.
    pub seed: u64,
    /// Time of a reading (s).
    pub readout_time_s: f64,
    /// Relaxations of an update.
    pub relaxations: usize,
    /// Share of the samples that came to rest in all relaxations of an update.
    pub at_rest: f64,
    /// Accuracy on the test set after the last epoch.
    pub test_accuracy: f64,
    /// Power while the circuit relaxes (W).
    pub power_w: f64,
    /// Time of an inference with its reading (s).
    pub latency_inference_s: f64,
    /// Time of an update of one sample: relaxations, readings, programming (s).
    pub latency_update_s: f64,
    /// Energy of an inference (J).
    pub energy_inference_j: f64,
    /// Energy of an update of one sample (J).
    pub energy_update_j: f64,
    /// Energy of the whole training (J): every presentation relaxes and is read, every update programs.
    pub energy_training_j: f64,
    /// Time of the whole training on the chip (s), presentations one after the other.
    #[serde(default)]
    pub time_training_s: Option<f64>,
    /// Area (m²), if all parts of it are known.
    pub area_m2: Option<f64>,
}

/// One run in `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Run name.
    pub run: String,
    /// Rule.
    pub rule: String,
    /// Mixing α.
    pub alpha: Option<f64>,
    /// Nudge β.
    pub beta: Option<f64>,
    /// Nudge that keeps the margin of `nudge.keep_margin` with the weights at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_beta: Option<f64>,
    /// Seed.
    pub seed: u64,
    /// Number of the chip, from 1, where the experiment asks for several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chip: Option<u32>,
    /// Test accuracy after the last epoch.
    pub test_accuracy: f64,
    /// Best test accuracy over the epochs.
    pub best_test_accuracy: f64,
    /// Test loss after the last epoch.
    pub test_loss: f64,
    /// Training loss after the last epoch.
    pub train_loss: f64,
    /// Fraction of all nudged training samples that settled.
    pub settled: Option<f64>,
    /// Fraction that became stationary under noise.
    #[serde(default)]
    pub noisy_settled: Option<f64>,
    /// Fraction that oscillated.
    pub oscillation: Option<f64>,
    /// Fraction that latched up.
    pub latch_up: Option<f64>,
    /// Fraction still moving at the time limit.
    pub timeout: Option<f64>,
    /// Fraction that left the numbers.
    pub not_finite: Option<f64>,
    /// Worst stability margin over the epochs, in units of τ.
    pub worst_stability_margin_tau: Option<f64>,
    /// Mean angle to backpropagation over layers and epochs (degrees).
    pub mean_angle_to_bp_deg: Option<f64>,
    /// Largest singular value of the product of all weight matrices.
    pub product_spectral_norm: f64,
    /// `complete`, or what stopped the run.
    pub status: String,
    /// Other grid settings of the run, path to value.
    pub settings: std::collections::BTreeMap<String, serde_json::Value>,
    /// Wall time (s).
    pub wall_s: f64,
}

impl RunSummary {
    /// Fraction of all nudged training samples that came to rest, under noise or without.
    #[must_use]
    pub fn at_rest(&self) -> Option<f64> {
        self.settled.map(|settled| settled + self.noisy_settled.unwrap_or(0.0))
    }
}

/// Two rules at the same gains and seed in `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairSummary {
    /// First run.
    pub run_a: String,
    /// Second run.
    pub run_b: String,
    /// First rule.
    pub rule_a: String,
    /// Second rule.
    pub rule_b: String,
    /// Mixing α of the pair (that of the dyadic one, if one is backpropagation).
    pub alpha: Option<f64>,
    /// Nudge β.
    pub beta: Option<f64>,
    /// Seed.
    pub seed: u64,
    /// Per layer, `‖W_a − W_b‖_F / ‖W_b‖_F`.
    pub relative_distance: Vec<f64>,
    /// Per layer, cosine of the flattened weights.
    pub cosine: Vec<f64>,
    /// Fraction of the test set on which the two networks predict the same class.
    pub prediction_agreement: f64,
    /// How far rule and rule alone get apart, if the experiment has controls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlSummary>,
}

/// A run against its control, the same rule from initial weights that are moved a little.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlSummary {
    /// The run: the second of its pair, or the first where that one has no control.
    pub run: String,
    /// Standard deviation of the relative move of its initial weights.
    pub moved: f64,
    /// Per layer, `‖W_moved − W‖_F / ‖W‖_F`.
    pub relative_distance: Vec<f64>,
    /// Per layer, cosine of the flattened weights.
    pub cosine: Vec<f64>,
    /// Fraction of the test set on which both predict the same class.
    pub prediction_agreement: f64,
}

/// `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Experiment name.
    pub name: String,
    /// Every run.
    pub runs: Vec<RunSummary>,
    /// Every comparison.
    pub pairs: Vec<PairSummary>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::columns::{Column, columns_of};

    #[test]
    fn every_row_type_makes_a_table_with_the_promised_columns() {
        let names = |columns: Vec<Column>| {
            columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            names(columns_of::<MetricsRow>().unwrap()),
            "run rule alpha beta kept_beta seed epoch train_loss train_accuracy test_loss test_accuracy settled \
             noisy_settled oscillation latch_up timeout not_finite settle_time_s stability_margin_tau \
             rhs_evals wall_s"
        );
        assert_eq!(
            names(columns_of::<LayersRow>().unwrap()),
            "run epoch layer angle_to_bp_deg weight_norm spectral_norm distance_to_bp_weights \
             feedback_angle_deg"
        );
        assert_eq!(
            names(columns_of::<TrajectoryRow>().unwrap()),
            "outcome run epoch sample layer neuron t_tau v_plus v_minus"
        );
    }
}
