//! What an experiment file asks: rules, gains and seeds to compare on one circuit and one data set.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::circuit::CircuitSpec;
use super::contrast::ContrastSpec;
use super::ep::EquilibriumSpec;
use super::exclude::Exclusion;
use super::plasticity::PlasticitySpec;
use super::rules::RuleKind;
use super::written::WrittenDataset;

/// An experiment: every combination of `seeds`, `rules` and `grid` is a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExperimentSpec {
    /// Name; the default output folder is `results/NAME`.
    pub name: String,
    /// The circuit: a built-in name, a file relative to the experiment file, or a table. Once resolved it is
    /// a table.
    pub circuit: CircuitSource,
    /// Data set.
    pub dataset: DatasetSpec,
    /// Neurons per layer, input first; the circuit's own if it has them and this is absent.
    pub network: Vec<usize>,
    /// Initial weights.
    #[serde(default)]
    pub init: InitSpec,
    /// Passes over the training set.
    pub epochs: usize,
    /// Samples per weight update.
    pub batch: usize,
    /// Seeds: each draws initial weights and batch order, common to all rules.
    pub seeds: Vec<u64>,
    /// Chips: every run is made on so many, each with devices of its own; absent means one, named by the seed
    /// of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chips: Option<u32>,
    /// Learning rules compared.
    pub rules: Vec<RuleKind>,
    /// How far the rule `adversarial` moves the inputs.
    #[serde(default, skip_serializing_if = "AdversarialSpec::is_default")]
    pub adversarial: AdversarialSpec,
    /// Equilibrium propagation: sign and number of its nudges.
    #[serde(default, skip_serializing_if = "EquilibriumSpec::is_default")]
    pub ep: EquilibriumSpec,
    /// Self-contrastive forward-forward: thresholds of the goodness.
    #[serde(default, skip_serializing_if = "ContrastSpec::is_default")]
    pub scff: ContrastSpec,
    /// Optimiser.
    pub optimizer: OptimizerSpec,
    /// Continuous plasticity of rules of dyads, instead of batches and an optimiser; absent means updates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plasticity: Option<PlasticitySpec>,
    /// Runs from initial weights that are moved a little: how far apart learned weights get by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlSpec>,
    /// Keep samples that did not settle in the gradient, as hardware would.
    #[serde(default)]
    pub keep_unsettled: bool,
    /// Updates of the weights while the dyads of a batch settle: one after every relaxation of
    /// `solver.schedule`, whose rounds are fixed; each but the first goes on from the state before.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub updates: usize,
    /// Keep the weights before training and after every epoch, in `weights/RUN/epoch-K.safetensors`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub snapshots: bool,
    /// Training samples on which margins, angles and trajectories are probed after each epoch.
    #[serde(default = "default_probe")]
    pub probe: usize,
    /// Every combination of these settings is a run; keys are paths of the circuit or the experiment.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<serde_json::Value>>")]
    pub grid: BTreeMap<String, Vec<toml::Value>>,
    /// Combinations of the grid that are not run: each table names a value, or a list of values, of some of
    /// its keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<BTreeMap<String, serde_json::Value>>")]
    pub exclude: Vec<Exclusion>,
    /// What should come out; `run --check` fails when it does not. Keys: `RULE.COLUMN` of the summary.
    #[serde(default)]
    pub expect: BTreeMap<String, ExpectSpec>,
}

fn one() -> usize {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_one(count: &usize) -> bool {
    *count == 1
}

fn default_probe() -> usize {
    8
}

/// Where an experiment's circuit is described.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum CircuitSource {
    /// A built-in circuit, or a file relative to the experiment file.
    File(String),
    /// The circuit itself, in the experiment file.
    Inline(Box<CircuitSpec>),
}

/// A data set: a built-in name or a table with options.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(with = "WrittenDataset")]
pub struct DatasetSpec {
    /// Name: `digits`, `yin-yang`, `fashion-14`, `two-moons`, `mnist`, `fashion-mnist`, `dead-leaves`,
    /// `photos`, `idx`.
    pub kind: String,
    /// Folder of its files (`idx`, `mnist`, `fashion-mnist`, `photos`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Use only the first so many training samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    /// Use only the first so many test samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<usize>,
    /// Seed of the train/test split or of the generator.
    pub split_seed: u64,
}

/// Initial weights; biases start at zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InitSpec {
    /// `N(0, 2/n_{k−1})`, output layer `N(0, 1/n_{k−1})`.
    #[default]
    He,
    /// `N(0, 1/n_{k−1})`.
    FanIn,
    /// `N(0, std_k²)` with one standard deviation per layer.
    Std(Vec<f64>),
    /// From a weight file, relative to the experiment file.
    Weights(String),
}

/// Settings of the rule `adversarial`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdversarialSpec {
    /// Step `ε` of the inputs up the gradient of their own loss: `x + ε ∇ₓℓ`, not clipped.
    pub step: f64,
}

impl Default for AdversarialSpec {
    fn default() -> Self {
        Self { step: 0.5 }
    }
}

impl AdversarialSpec {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A second run of a rule from the same initial weights moved a little, beside every distance of learned
/// weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ControlSpec {
    /// Standard deviation of the relative move of every initial weight.
    pub moved: f64,
    /// Rules that have a control; empty means all.
    pub rules: Vec<RuleKind>,
    /// How many seeds have one, the first of the list; absent means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seeds: Option<usize>,
}

impl Default for ControlSpec {
    fn default() -> Self {
        Self { moved: 1e-6, rules: Vec::new(), seeds: None }
    }
}

/// Optimiser with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptimizerSpec {
    /// The method.
    pub kind: OptimizerKind,
    /// Learning rate `η`.
    pub learning_rate: f64,
    /// Momentum coefficient (`momentum`).
    #[serde(default = "default_momentum")]
    pub momentum: f64,
    /// First-moment decay (`adam`).
    #[serde(default = "default_beta1")]
    pub beta1: f64,
    /// Second-moment decay (`adam`).
    #[serde(default = "default_beta2")]
    pub beta2: f64,
    /// Denominator's offset (`adam`).
    #[serde(default = "default_epsilon")]
    pub epsilon: f64,
    /// Learning-rate schedule over the run.
    #[serde(default)]
    pub schedule: RateSchedule,
    /// Variance of update noise: after every update each synapse moves by the learning rate times a normal
    /// number of this variance.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(extend("default" = 0.0))]
    pub update_noise: f64,
    /// The same of feedback synapses that learn, in units of their own rate; that of the others if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback_update_noise: Option<f64>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl OptimizerSpec {
    /// Adam with the coefficients of its paper (Kingma & Ba 2015), at a constant rate.
    ///
    /// ```
    /// # use dyadsim_core as dyadsim;
    /// use dyadsim::spec::{OptimizerSpec, RateSchedule};
    /// let adam = OptimizerSpec { schedule: RateSchedule::Cosine, ..OptimizerSpec::adam(3e-3) };
    /// assert_eq!((adam.beta1, adam.beta2, adam.epsilon), (0.9, 0.999, 1e-8));
    /// ```
    #[must_use]
    pub fn adam(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }

    /// Plain gradient descent at a constant rate.
    #[must_use]
    pub fn sgd(learning_rate: f64) -> Self {
        Self { kind: OptimizerKind::Sgd, learning_rate, ..Self::default() }
    }

    /// Gradient descent with heavy-ball momentum 0.9 at a constant rate.
    #[must_use]
    pub fn momentum(learning_rate: f64) -> Self {
        Self { kind: OptimizerKind::Momentum, learning_rate, ..Self::default() }
    }
}

impl Default for OptimizerSpec {
    /// Adam at the rate of its paper. The coefficients are the defaults of files, too, which must name a
    /// method and a rate.
    fn default() -> Self {
        Self {
            kind: OptimizerKind::Adam,
            learning_rate: 1e-3,
            momentum: 0.9,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            schedule: RateSchedule::Constant,
            update_noise: 0.0,
            feedback_update_noise: None,
        }
    }
}

fn default_momentum() -> f64 {
    OptimizerSpec::default().momentum
}
fn default_beta1() -> f64 {
    OptimizerSpec::default().beta1
}
fn default_beta2() -> f64 {
    OptimizerSpec::default().beta2
}
fn default_epsilon() -> f64 {
    OptimizerSpec::default().epsilon
}

/// Optimisers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Plain stochastic gradient descent.
    Sgd,
    /// Heavy-ball momentum.
    Momentum,
    /// Adam (Kingma & Ba 2015).
    Adam,
}

/// Learning-rate schedules; the factor is a function of progress through the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RateSchedule {
    /// Constant.
    #[default]
    Constant,
    /// Half a cosine from 1 to 0.
    Cosine,
    /// Linear from 1 to 0.
    Linear,
    /// Multiplied by `factor` every `every` epochs.
    Step {
        /// Epochs between drops.
        every: usize,
        /// Factor of a drop.
        factor: f64,
    },
}

/// Bounds on the mean over seeds of a summary column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectSpec {
    /// Lower bound, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::units::some_share")]
    #[schemars(with = "Option<crate::units::Share>")]
    pub at_least: Option<f64>,
    /// Upper bound, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::units::some_share")]
    #[schemars(with = "Option<crate::units::Share>")]
    pub at_most: Option<f64>,
    /// Bounds on every seed, not on their mean.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub every_seed: bool,
    /// Of runs with these values of the grid alone, key to value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub only: BTreeMap<String, toml::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_names_method_and_rate_has_the_other_defaults_of_the_type() {
        let written: OptimizerSpec = toml::from_str("kind = 'adam'\nlearning_rate = 1e-3").unwrap();
        assert_eq!(written, OptimizerSpec::default());
        for missing in ["kind = 'adam'", "learning_rate = 1e-3"] {
            assert!(toml::from_str::<OptimizerSpec>(missing).is_err(), "a file names both");
        }
    }
}
