//! Nudges at which linear circuits lose their equilibrium, in closed form (docs/model.md §3.3 and §3.6).

use nalgebra::DMatrix;

use crate::chip::{Weights, gains};
use crate::device::Activation;
use crate::spec::{CircuitSpec, FeedbackSynapses, LossKind, NudgePoint, NudgeSpec};

/// `β* = 1/λ_max(Σ_k −κ_k S^{L−k} P_k P_kᵀ)` with `κ_k = α_k a⁺_k − ᾱ_k a⁻_k`, `S = a⁺ + a⁻`,
/// `P_k = W_L ⋯ W_{k+1}`.
///
/// Hidden layers may have a mixing of their own (`nudge.hidden_alpha`): with ½ there DP and `DPᵀ` have
/// `κ_k = 0` but at the top, and `β* = −1/κ_L` whatever the weights.
///
/// `None` where there is no such threshold (a `κ_k > 0`, or none below 0) or none is known in closed form:
/// anything but linear devices, nudge `mean`, the squared error, one crossbar for both ways, no rails, no
/// mismatch and amplifiers of infinite gain. With a clock it is where latch-up sets in; such a circuit may
/// ring before.
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
    let loop_gain = |nudge: &NudgeSpec| {
        let (plus, minus) = gains(nudge);
        (nudge.alpha * plus - (1.0 - nudge.alpha) * minus, plus + minus)
    };
    let ((top, _), (hidden, sum)) = (loop_gain(&circuit.nudge), loop_gain(&circuit.nudge.of_hidden()));
    let hidden = if weights.forward.len() > 1 { hidden } else { top };
    let kappa = top.min(hidden);
    if !known || kappa >= 0.0 || top > 0.0 || hidden > 0.0 {
        return None;
    }
    let outputs = weights.forward.last()?.nrows();
    let mut path = DMatrix::<f64>::identity(outputs, outputs);
    let mut total = path.clone() * (top / kappa);
    let mut factor = hidden / kappa;
    for w in weights.forward.iter().skip(1).rev() {
        path *= w;
        factor *= sum;
        total += &path * path.transpose() * factor;
    }
    let largest = total.symmetric_eigenvalues().max();
    Some(-1.0 / (kappa * largest))
}
