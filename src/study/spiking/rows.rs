//! The rows of the tables of `spiking`: the one place that names their columns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `spiking`: a neuron after learning from groups of inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpikingRow {
    /// Rule: `convallis`, `pair-stdp` or `triplet-stdp`.
    pub rule: String,
    /// Seed of the initial weights and of the input spikes.
    pub seed: u64,
    /// Share of the variance of its weights that lies between groups: 1 where all weights of a group are
    /// alike and groups differ, about (groups − 1)/(inputs − 1) of weights that know no groups.
    pub score: f64,
    /// That share before learning.
    pub score_before: f64,
    /// Share that the strongest group has of all weight.
    pub strongest: f64,
    /// Rate of the neuron over the second half of the time (Hz).
    pub rate_hz: f64,
    /// Offset of its comparators: its thresholds and its reset are higher by this (V).
    pub offset_v: f64,
}

/// A row of `spiking_weights`: a synapse before and after learning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpikingWeightRow {
    /// Rule.
    pub rule: String,
    /// Seed.
    pub seed: u64,
    /// Input, from 0.
    pub input: usize,
    /// Its group, from 0.
    pub group: usize,
    /// Weight before learning: the charge of a spike over the capacitance (V).
    pub before_v: f64,
    /// Weight after learning (V).
    pub after_v: f64,
}

/// A row of `spiking_protocols`: one synapse after a protocol of experimenters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpikingProtocolRow {
    /// Rule.
    pub rule: String,
    /// `window`: pairs of spikes at one rate; `frequency`: at several; `voltage`: the potential is held.
    pub protocol: String,
    /// Time from the input's spike to the neuron's (s); empty where none fires.
    pub delay_s: Option<f64>,
    /// How often in a second it is done (Hz).
    pub rate_hz: f64,
    /// Potential that the neuron is held at (V).
    pub potential_v: Option<f64>,
    /// Change of the weight by all repetitions at a learning rate of 0.1 mV/s (V).
    pub change_v: f64,
}

/// `spiking.json`: settings, and what came out of every rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpikingSummary {
    /// Circuit whose devices the neurons have.
    pub circuit: String,
    /// Settings in a line.
    pub settings: String,
    /// Groups of inputs.
    pub groups: usize,
    /// Repetitions of a protocol.
    pub repetitions: usize,
    /// Every rule.
    pub rules: Vec<SpikingRule>,
}

/// What came out of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpikingRule {
    /// Rule.
    pub rule: String,
    /// Mean score over the seeds.
    pub score: f64,
    /// Its standard error; none of one seed.
    pub score_error: Option<f64>,
    /// Least and largest score.
    pub score_range: (f64, f64),
    /// Mean of its differences to the score of the Convallis rule with the same seed; none of that rule, and
    /// without it.
    pub behind: Option<f64>,
    /// Its standard error.
    pub behind_error: Option<f64>,
    /// Mean rate (Hz).
    pub rate_hz: f64,
}
