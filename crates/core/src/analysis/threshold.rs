//! Nudges at which linear circuits lose their equilibrium, in closed form (docs/model.md §3.3 and §3.6).

use nalgebra::DMatrix;

use crate::chip::{Weights, gains};
use crate::device::Activation;
use crate::spec::{CircuitSpec, FeedbackSynapses, LossKind, NudgePoint};

/// `β* = 1/(−κ λ_max(K))` with `κ = α a⁺ − ᾱ a⁻`, `S = a⁺ + a⁻`, `K = Σ_k S^{L−k} P_k P_kᵀ`,
/// `P_k = W_L ⋯ W_{k+1}`.
///
/// `None` where there is no such threshold (`κ ≥ 0`) or none is known in closed form: anything but linear
/// devices, nudge `mean`, the squared error, one crossbar for both ways, no rails, no mismatch and amplifiers
/// of infinite gain. With a clock it is where latch-up sets in; such a circuit may ring before.
#[must_use]
pub fn beta_threshold(circuit: &CircuitSpec, weights: &Weights<f64>) -> Option<f64> {
    let linear = [circuit.neuron.activation, circuit.neuron.output_activation]
        .iter()
        .all(|shape| Activation::new(shape).is_identity());
    let known = linear
        && circuit.nudge.at == NudgePoint::Mean
        && circuit.nudge.loss == LossKind::Mse
        && circuit.feedback.synapses == FeedbackSynapses::Shared
        && circuit.supply.is_none()
        && circuit.mismatch.is_none()
        && circuit.amplifier.is_none_or(|amplifier| amplifier.gain.is_none());
    let (plus, minus) = gains(&circuit.nudge);
    let (alpha, sum) = (circuit.nudge.alpha, plus + minus);
    let kappa = alpha * plus - (1.0 - alpha) * minus;
    if !known || kappa >= 0.0 {
        return None;
    }
    let outputs = weights.forward.last()?.nrows();
    let mut path = DMatrix::<f64>::identity(outputs, outputs);
    let mut total = path.clone();
    let mut factor = 1.0;
    for w in weights.forward.iter().skip(1).rev() {
        path *= w;
        factor *= sum;
        total += &path * path.transpose() * factor;
    }
    let largest = total.symmetric_eigenvalues().max();
    Some(-1.0 / (kappa * largest))
}
