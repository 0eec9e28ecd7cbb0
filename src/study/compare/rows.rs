//! The rows of the tables of `compare`: the one place that names their columns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `compare`: one layer of two runs from the same start after the same epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CompareRow {
    /// Pair, an index into the list of `compare.json`.
    pub pair: usize,
    /// First run.
    pub run_a: String,
    /// Second run, which the first is measured against.
    pub run_b: String,
    /// Seed.
    pub seed: u64,
    /// Number of the chip, from 1, where the experiment asks for several.
    pub chip: Option<u32>,
    /// Epochs trained.
    pub epoch: usize,
    /// Layer, 1 to L.
    pub layer: usize,
    /// `‖W_a − W_b‖_F / ‖W_b‖_F`.
    pub distance: f64,
    /// The same of the second run (or the first) and its control, if there is one.
    pub control_distance: Option<f64>,
    /// Cosine of the flattened weights.
    pub cosine: f64,
    /// Cosine of what training has added to the weights since the start; needs snapshots.
    pub update_cosine: Option<f64>,
    /// Linear centred kernel alignment of the means `s̄` of the free circuit on the test set; empty where a
    /// layer is constant.
    pub cka: Option<f64>,
    /// Largest principal angle between the leading left singular subspaces (degrees).
    pub left_deg: Option<f64>,
    /// Mean of these angles (degrees).
    pub left_mean_deg: Option<f64>,
    /// Largest principal angle between the leading right singular subspaces (degrees).
    pub right_deg: Option<f64>,
    /// Mean of these angles (degrees).
    pub right_mean_deg: Option<f64>,
}

/// A row of `compare_predictions`: two whole networks after the same epochs, on the test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PredictionRow {
    /// Pair.
    pub pair: usize,
    /// First run.
    pub run_a: String,
    /// Second run.
    pub run_b: String,
    /// Seed.
    pub seed: u64,
    /// Number of the chip.
    pub chip: Option<u32>,
    /// Epochs trained.
    pub epoch: usize,
    /// Share of the test set that both put into the same class.
    pub agreement: f64,
    /// Accuracy of the first.
    pub accuracy_a: f64,
    /// Accuracy of the second.
    pub accuracy_b: f64,
}

/// A row of `compare_departure`: when a layer of two runs parts, and how far it is at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DepartureRow {
    /// Pair.
    pub pair: usize,
    /// First run.
    pub run_a: String,
    /// Second run.
    pub run_b: String,
    /// Seed.
    pub seed: u64,
    /// Number of the chip.
    pub chip: Option<u32>,
    /// Layer, 1 to L.
    pub layer: usize,
    /// First epoch at which the distance exceeds the threshold; empty if none does.
    pub epoch: Option<usize>,
    /// Place among the layers in the order in which they part, from 1; of the same epoch, the farther first.
    pub place: Option<usize>,
    /// Distance at the end.
    pub distance: f64,
    /// Place among the layers by that distance, from 1, the farthest.
    pub place_at_end: usize,
}

/// A row of `compare_groups`: a quantity of a pair over its seeds (and chips).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupRow {
    /// Pair.
    pub pair: usize,
    /// Epochs trained.
    pub epoch: usize,
    /// Layer; empty for the whole network.
    pub layer: Option<usize>,
    /// Column of `compare` or `compare_predictions`.
    pub quantity: String,
    /// Mean.
    pub mean: f64,
    /// Its standard error; empty of a single value.
    pub error: Option<f64>,
    /// Values that are numbers.
    pub n: usize,
    /// Comparisons, whether or not they gave a number.
    pub of: usize,
}

/// Two rules in `compare.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RulePair {
    /// First rule.
    pub rule_a: String,
    /// Second rule.
    pub rule_b: String,
    /// Mixing α of those that have one.
    pub alpha: Option<f64>,
    /// Nudge β.
    pub beta: Option<f64>,
    /// Other grid settings.
    pub settings: String,
    /// Comparisons: seeds and chips.
    pub of: usize,
    /// Smallest share of nudged training samples at rest among its runs; absent if nothing was nudged.
    pub at_rest: Option<f64>,
    /// Comparisons in which some layer parts.
    pub parted: usize,
    /// In how many comparisons each layer parts first.
    pub first: Vec<usize>,
    /// In how many comparisons each layer is the farthest at the end.
    pub farthest: Vec<usize>,
    /// What came out, a sentence.
    pub conclusion: String,
}

/// `compare.json`: settings and conclusions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompareSummary {
    /// Settings in a line.
    pub settings: String,
    /// Relative distance above which a layer has parted.
    pub threshold: f64,
    /// Singular vectors that span the leading subspaces.
    pub leading: usize,
    /// Layers.
    pub layers: usize,
    /// Whether the weights of all epochs were there.
    pub snapshots: bool,
    /// The last epoch.
    pub last: usize,
    /// The pairs; tables name them by their place here, from 0.
    pub pairs: Vec<RulePair>,
}
