//! Backpropagation whose errors come back through feedback synapses of their own.

use super::feed_forward::Way;
use super::{Backprop, Batch, Gradient, Limit, Needs, Registered, Report, Rule, Transport};
use crate::chip::{Chip, Weights};
use crate::matrix::Real;
use crate::spec::{CircuitSpec, NudgeSpec, RuleKind, RuleSpec};

/// Backpropagation with `F` in the place of `W` on the way back: `ε_L = f′(u_L) ∇ℓ`,
/// `ε_k = f′(u_k) F_{k+1}ᵀ ε_{k+1}`, and the estimate `ε_k s̄_{k−1}ᵀ`, of the feed-forward states.
///
/// # Limit
///
/// It is what `DPᵀ` ([`DualPropagation`](super::DualPropagation)) on a circuit with these feedback synapses
/// becomes as `β → 0`, where compartments are alike. What comes back to a layer there is
/// `e_k = F_{k+1}ᵀ δ_{k+1}`, and `−β ∇ℓ` at the outputs. The gains `a⁺ = ᾱ`, `a⁻ = α` part it into
/// `v⁺ = u + ᾱ e`, `v⁻ = u − α e` about what comes from below, `u_k = W_k s̄_{k−1} + b_k`, so that
/// `α v⁺ + ᾱ v⁻ = u` whatever `F` is: means feel errors in second order alone (not at all with linear
/// devices, nor at `α` 0 and 1), and `δ_k = f′(u_k) e_k + ½ (1 − 2α) f″(u_k) e_k² + …`. The rest is of order
/// `β`, and of order `β²` at `α = ½`. It is the gradient of no loss; its angle to backpropagation stays as
/// `β → 0`, but in the last layer, to which no synapse feeds back.
///
/// # Requires
///
/// Feedback synapses of their own; without them it is [`Backprop`].
#[derive(Debug)]
pub struct BackpropFeedback<T: Real>(Backprop<T>);

impl<T: Real> BackpropFeedback<T> {
    /// For a chip and the loss of a nudge.
    #[must_use]
    pub fn new(chip: Chip<T>, nudge: &NudgeSpec) -> Self {
        Self(Backprop::new(chip, nudge))
    }
}

impl<T: Real> Registered<T> for BackpropFeedback<T> {
    fn needs(_: RuleKind) -> Needs {
        // The feedback synapse is a number of its own; what it must know is what it learns by.
        let (synapse_memories, transport) = (1, Transport::Nothing);
        Needs { synapse_memories, transport, limit: Limit::Other, ..Needs::DIFFERENTIATION }
    }

    fn registered(_: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self::new(Chip::fabricate(&circuit, network), &circuit.nudge)
    }
}

impl<T: Real> Rule<T> for BackpropFeedback<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        self.0.estimate_through(Way::Through(Weights::feedback), weights, batch, gradient)
    }
}
