//! What a rule asks of a chip beside its forward synapses and its solver.
//!
//! Stated with every rule (`Registered::needs`), so that none is registered without; what can be seen from
//! outside is told by the rule's estimate ([`observed_relaxations`]) and by the table of rules, and
//! `tests/suite/rules.rs` holds the statements against what the rules do.

use serde::Serialize;

use super::{Batch, Gradient, RuleKind, circuit_of, programmed, rule};
use crate::chip::Weights;
use crate::matrix::Matrix;
use crate::spec::{CircuitSpec, InitSpec, RuleSpec};

/// What a rule needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Compartments of a neuron; 0 of a rule that settles no circuit.
    pub compartments: usize,
    /// Numbers that a neuron keeps while another phase or layer is worked on, beside its compartments.
    pub neuron_memories: usize,
    /// Numbers that a synapse keeps beside its weight.
    pub synapse_memories: usize,
    /// What must get from the forward synapses to those that carry errors back.
    pub transport: Transport,
    /// Whether outputs are held at their targets; if not, they are pulled there, or nothing is.
    pub clamps_outputs: bool,
    /// What a synapse must know to learn.
    pub synapse_knows: &'static str,
    /// What its estimate becomes as `β → 0`, and how fast.
    pub limit: Limit,
}

/// What errors that go back must know of the forward weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Nothing.
    Nothing,
    /// Their signs and the mean size of a layer.
    Signs,
    /// All: errors pass through the forward synapses, or through copies of them.
    Weights,
}

/// What an estimate becomes as `β → 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// It has no `β`, and no error.
    Exact,
    /// The gradient.
    Gradient {
        /// Order of the error in `β` at any mixing but ½.
        order: u8,
        /// Order of the error at `α = ½`.
        middle: u8,
    },
    /// Something else than the gradient of the loss.
    Other,
}

impl Needs {
    /// Of rules that differentiate the network as a program does.
    pub(super) const DIFFERENTIATION: Self = Self {
        compartments: 0,
        neuron_memories: 2, // s and f′ of the way up
        synapse_memories: 0,
        transport: Transport::Weights,
        clamps_outputs: false,
        synapse_knows: "error of its neuron, activity below, in two passes",
        limit: Limit::Exact,
    };

    /// Of dual propagation with gains of DP or `DPᵀ`, on one crossbar that is read both ways.
    pub(super) const DYADS: Self = Self {
        compartments: 2,
        neuron_memories: 0,
        synapse_memories: 0,
        transport: Transport::Weights,
        clamps_outputs: false,
        synapse_knows: "difference of its neuron, mean below, at one time",
        limit: Limit::Gradient { order: 1, middle: 2 },
    };
}

/// Relaxations of a sample that a rule makes for an estimate, counted by making one on a small circuit
/// without auto-zero and chopping.
#[must_use]
pub fn observed_relaxations(kind: RuleKind) -> usize {
    let circuit = circuit_of(kind, &CircuitSpec::default());
    let network = [2, 2, 2];
    let weights = Weights::<f64>::draw(&InitSpec::He, &circuit, &network, 1);
    let weights = programmed(kind, &circuit, weights);
    let batch = Batch::new(Matrix::from_element(1, 2, 0.5), Matrix::from_element(1, 2, 0.5));
    let mut gradient = Gradient::zeros(&weights);
    rule(RuleSpec::from(kind), &circuit, &network).estimate(&weights, &batch, &mut gradient).relaxations
}
