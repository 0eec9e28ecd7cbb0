//! Predictive coding: errors of predictions at one nudged equilibrium.

use super::{Phases, Product, Seen};
use crate::chip::Weights;
use crate::circuit::{Dynamics, Nudge, PredictiveCircuit};
use crate::learn::{Batch, Gradient, Limit, Needs, Registered, Report, Rule};
use crate::matrix::{Matrix, Real};
use crate::spec::{CircuitSpec, RuleKind, RuleSpec, Start};

/// Predictive coding: `ĝ_k = −(1/β) (f′(h_k) ⊙ ε_k) x_{k−1}ᵀ` on a [`PredictiveCircuit`].
///
/// One nudged relaxation, from the activities that are fed forward. A synapse lowers the energy
/// `½ Σ_k ‖ε_k‖² + β ℓ` as the activities do: `ĝ` is `1/β` times its slope `∂E/∂W`.
///
/// # Limit
///
/// The gradient of backpropagation as `β → 0`, where activities stay those that are fed forward and `ε/β`
/// becomes the error that comes back; the error is `O(β)`.
///
/// # Requires
///
/// Neurons of two nodes, activity and error, smooth devices, crossbars that are read both ways, and a nudge
/// `β > 0`. No phase is remembered.
///
/// # Reference
///
/// Rao & Ballard, Nature Neurosci. 2, 79 (1999); Whittington & Bogacz, Neural Comput. 29, 1229 (2017).
#[derive(Clone, Debug)]
pub struct PredictiveCoding<T: Real>(Phases<T>);

impl<T: Real> Registered<T> for PredictiveCoding<T> {
    fn needs(_: RuleKind) -> Needs {
        Needs {
            synapse_knows: "error and slope of its neuron, activity below, at one time",
            limit: Limit::Gradient { order: 1, middle: 1 },
            ..Needs::DYADS
        }
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self(Phases::new(settings, circuit, network))
    }
}

impl<T: Real> Rule<T> for PredictiveCoding<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let (phases, mut seen) = (&self.0, Seen::default());
        let beta = phases.beta();
        let at = phases.spec.nudge.at;
        let nudge = Nudge { target: batch.targets.clone(), beta, at, loss: phases.loss() };
        let free = PredictiveCircuit::free(&phases.chip, weights, &batch.inputs);
        let circuit = free.with_sample_ids(batch.sample_ids.clone()).nudged(nudge);
        let zero = phases.spec.solver.start == Start::Zero;
        let zero = zero.then(|| Matrix::zeros(circuit.samples(), circuit.width()));
        let state = phases.settle(&circuit, zero.as_ref(), &mut seen);
        let (errors, activities) = (circuit.passed_errors(&state), circuit.activities(&state));
        let product = Product { factor: -1.0 / beta, post: &errors, pre: &activities, real: true };
        phases.write(batch, seen, &[product], gradient)
    }
}
