//! Rules that clamp the outputs: contrastive Hebbian learning, and coupled learning.

use super::{Phases, Product, Seen};
use crate::chip::Weights;
use crate::learn::{Batch, Gradient, Limit, Needs, Registered, Report, Rule};
use crate::matrix::{Matrix, Real};
use crate::spec::{CircuitSpec, RuleKind, RuleSpec};

/// Contrastive Hebbian learning: `ĝ_k = −(s_k s_{k−1}ᵀ |_clamped − s_k s_{k−1}ᵀ |_free)`, output wires
/// clamped to the targets.
///
/// # Limit
///
/// The gradient of `E(clamped) − E(free)`, which is 0 where the free outputs are the targets. It is that of a
/// squared error only as far as the free outputs are near them; the nudge `β` does not enter.
///
/// # Requires
///
/// A circuit of one compartment a neuron whose crossbars are read both ways, and sources that force the
/// output wires. A synapse remembers the free product.
///
/// # Reference
///
/// Movellan, *Contrastive Hebbian Learning in the Continuous Hopfield Model* (1990); Xie & Seung, Neural
/// Comput. 15, 441 (2003).
#[derive(Clone, Debug)]
pub struct ContrastiveHebbian<T: Real>(Phases<T>);

impl<T: Real> Registered<T> for ContrastiveHebbian<T> {
    fn needs(_: RuleKind) -> Needs {
        Needs { clamps_outputs: true, limit: Limit::Other, ..Needs::PHASES }
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self(Phases::new(settings, circuit, network))
    }
}

impl<T: Real> Rule<T> for ContrastiveHebbian<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        contrast(&self.0, weights, batch, 1.0, gradient)
    }
}

/// Coupled learning: `ĝ_k = −(1/η) (s_k s_{k−1}ᵀ |_clamped − s_k s_{k−1}ᵀ |_free)`, output wires clamped to
/// `η y + (1 − η) s_L`, a little nearer to the targets than the free outputs.
///
/// # Limit
///
/// As `η → 0` it is `(s_L − y)ᵀ H ∂s_L/∂W`, where `H` is the Hessian of the energy along the outputs, all
/// other neurons at rest: that of a squared error in the metric of the circuit, 0 where the outputs are the
/// targets, and not the gradient of the loss that is reported. `η` is `nudge.beta`.
///
/// # Requires
///
/// As [`ContrastiveHebbian`], and `0 < η ≤ 1`; at 1 it is that rule.
///
/// # Reference
///
/// Stern, Hexner, Rocks & Liu, *Supervised Learning in Physical Networks*, Phys. Rev. X 11, 021045 (2021).
#[derive(Clone, Debug)]
pub struct CoupledLearning<T: Real>(Phases<T>);

impl<T: Real> Registered<T> for CoupledLearning<T> {
    fn needs(_: RuleKind) -> Needs {
        Needs { clamps_outputs: true, limit: Limit::Other, ..Needs::PHASES }
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self(Phases::new(settings, circuit, network))
    }
}

impl<T: Real> Rule<T> for CoupledLearning<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        contrast(&self.0, weights, batch, self.0.beta(), gradient)
    }
}

/// Contrasts the circuit whose outputs are clamped to `η y + (1 − η) s_L` with the free one.
fn contrast<T: Real>(
    phases: &Phases<T>,
    weights: &Weights<T>,
    batch: &Batch<T>,
    eta: f64,
    gradient: &mut Gradient<T>,
) -> Report {
    let mut seen = Seen::default();
    let free = phases.free(weights, batch, 0);
    let rest = phases.settle(&free, None, &mut seen);
    let outputs = free.outputs(&rest);
    let forced = force(&batch.targets, &outputs[outputs.len() - 1], T::of(eta));
    let clamped = free.again(batch.sample_ids.again(1)).clamped(forced);
    let state = phases.settle(&clamped, Some(&rest), &mut seen);
    let pulled = clamped.outputs(&state);
    let products = [Product::of(-1.0 / eta, &pulled), Product::of(1.0 / eta, &outputs)];
    phases.write(batch, seen, &products, gradient)
}

/// `η y + (1 − η) s`.
fn force<T: Real>(targets: &Matrix<T>, free: &Matrix<T>, eta: T) -> Matrix<T> {
    targets.zip_map(free, |y, s| eta * y + (T::ONE - eta) * s)
}
