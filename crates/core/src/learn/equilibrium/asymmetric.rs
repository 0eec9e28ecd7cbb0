//! Equilibrium propagation where the coupling is not symmetric: with the correction that it wants, and
//! without.

use super::{Phases, Seen};
use crate::chip::Weights;
use crate::circuit::HopfieldCircuit;
use crate::learn::{Batch, Gradient, Needs, Registered, Report, Rule};
use crate::matrix::{Matrix, Real};
use crate::spec::{CircuitSpec, RuleKind, RuleSpec};

/// Asymmetric equilibrium propagation: `ĝ_ij = −(1/β) (s_i |_β − s_i |_0) s_j |_0` for every synapse from `j`
/// to `i`, forward and back.
///
/// A free relaxation, and one under the nudge `β` in which the coupling is transposed for deviations from the
/// free outputs ([`HopfieldCircuit::turned`]).
///
/// # Limit
///
/// The gradient of the loss at the free equilibrium as `β → 0`, whatever the symmetry of the coupling; the
/// error is `O(β)`.
///
/// # Requires
///
/// A circuit of one compartment a neuron, a nudge `β > 0`, and in its second phase synapses that pass
/// deviations the other way, with a memory of the free outputs: weight transport, but through the same
/// devices.
///
/// # Reference
///
/// Scurria et al., *Equilibrium Propagation for Non-Conservative Systems*, arXiv 2602.03670 (2026).
#[derive(Clone, Debug)]
pub struct AsymmetricPropagation<T: Real>(Phases<T>);

impl<T: Real> Registered<T> for AsymmetricPropagation<T> {
    fn needs(_: RuleKind) -> Needs {
        Needs::PHASES
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self(Phases::new(settings, circuit, network))
    }
}

impl<T: Real> Rule<T> for AsymmetricPropagation<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        #[expect(clippy::redundant_closure_for_method_calls, reason = "the method is of one lifetime alone")]
        contrast(&self.0, weights, batch, |circuit, rest| circuit.turned(rest), gradient)
    }
}

/// Equilibrium propagation of a vector field: [`AsymmetricPropagation`] without the correction, as if the
/// coupling were symmetric.
///
/// # Limit
///
/// The gradient as `β → 0` where the coupling is symmetric; else the error of order 1 that the antisymmetric
/// part of the coupling makes, unless homeostasis takes it away (`ep.homeostasis`).
///
/// # Requires
///
/// A circuit of one compartment a neuron, and a nudge `β > 0`.
///
/// # Reference
///
/// Scellier et al., *Generalization of Equilibrium Propagation to Vector Field Dynamics*, arXiv 1808.04873
/// (2018).
#[derive(Clone, Debug)]
pub struct VectorFieldPropagation<T: Real>(Phases<T>);

impl<T: Real> Registered<T> for VectorFieldPropagation<T> {
    fn needs(_: RuleKind) -> Needs {
        // On the symmetric coupling of one crossbar; on others its error stays.
        Needs::PHASES
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self(Phases::new(settings, circuit, network))
    }
}

impl<T: Real> Rule<T> for VectorFieldPropagation<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        contrast(&self.0, weights, batch, |circuit, _| circuit, gradient)
    }
}

/// Contrasts a nudged circuit, changed by `turned` about the free equilibrium, with the free one.
fn contrast<T: Real>(
    phases: &Phases<T>,
    weights: &Weights<T>,
    batch: &Batch<T>,
    turned: for<'a> fn(HopfieldCircuit<'a, T>, &Matrix<T>) -> HopfieldCircuit<'a, T>,
    gradient: &mut Gradient<T>,
) -> Report {
    let (beta, mut seen) = (phases.beta(), Seen::default());
    let free = phases.free(weights, batch, 0);
    let rest = phases.settle(&free, None, &mut seen);
    let nudged = turned(phases.nudged(&free, batch, (1, beta), &rest), &rest);
    let state = phases.settle(&nudged, Some(&rest), &mut seen);
    let outputs = free.outputs(&rest);
    let moved = nudged.outputs(&state).into_iter().zip(&outputs);
    let errors: Vec<Matrix<T>> = moved.map(|(nudged, free)| nudged - free).collect();
    let report = phases.write_errors(batch, seen, (-1.0 / beta, &errors, &outputs), gradient);
    phases.keep_symmetric(weights, batch, gradient);
    report
}
