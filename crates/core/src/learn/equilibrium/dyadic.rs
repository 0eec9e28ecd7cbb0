//! Dyadic equilibrium propagation: dyads whose layers speak both ways.

use super::{Phases, Seen};
use crate::chip::Weights;
use crate::circuit::{Nudge, RecurrentDyads};
use crate::learn::{Batch, Gradient, Needs, Registered, Report, Rule};
use crate::matrix::Real;
use crate::spec::{CircuitSpec, NudgePoint, RuleKind, RuleSpec};

/// Dyadic equilibrium propagation: `ĝ_ij = −(1/β) δ_i s̄_j` for every synapse from `j` to `i`, forward and
/// back, on a circuit of [`RecurrentDyads`] with the gains of `nudge.variant`.
///
/// One nudged relaxation: means and differences are there together, and no phase is remembered.
///
/// # Limit
///
/// The gradient of the loss at the free equilibrium as `β → 0`, whatever the symmetry of the coupling: means
/// then rest at the free equilibrium and `δ/β` at the adjoint. The error is `O(β)`, and `O(β²)` at `α = ½`.
/// With linear devices and the gains of `DPᵀ` means do not feel differences at all, and there is none.
///
/// # Requires
///
/// A nudge `β > 0`, and synapses that pass differences the other way.
///
/// # Reference
///
/// Scurria et al., arXiv 2602.03670 (2026), of mean and difference as variables of their own; two
/// compartments with the gains of dual propagation are ours.
#[derive(Clone, Debug)]
pub struct DyadicPropagation<T: Real>(Phases<T>);

impl<T: Real> Registered<T> for DyadicPropagation<T> {
    fn needs(_: RuleKind) -> Needs {
        Needs::DYADS
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self(Phases::new(settings, circuit, network))
    }
}

impl<T: Real> Rule<T> for DyadicPropagation<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let (phases, mut seen) = (&self.0, Seen::default());
        let beta = phases.beta();
        let nudge = Nudge { target: batch.targets.clone(), beta, at: NudgePoint::Mean, loss: phases.loss() };
        let free = RecurrentDyads::free(&phases.chip, weights, &batch.inputs);
        let circuit = free.with_sample_ids(batch.sample_ids.clone()).nudged(nudge);
        let state = phases.settle(&circuit, None, &mut seen);
        let (means, differences) = circuit.mixed(&state);
        let report = phases.write_errors(batch, seen, (-1.0 / beta, &differences, &means), gradient);
        phases.keep_symmetric(weights, batch, gradient);
        report
    }
}
