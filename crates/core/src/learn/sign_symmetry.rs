//! Sign symmetry: dual propagation whose errors come back through the signs of the forward synapses.

use super::{Batch, DualPropagation, Gradient, Limit, Needs, Registered, Report, Rule, Transport};
use crate::chip::Weights;
use crate::matrix::{Matrix, Real};
use crate::spec::{CircuitSpec, RuleKind, RuleSpec};

/// Sign symmetry: [`DualPropagation`] with the gains of `DPᵀ`, and with feedback synapses that know of each
/// forward synapse its sign alone: `F_k = s_k sign(W_k)`, `s_k = mean |W_k|`, programmed anew after every
/// update.
///
/// Feedback synapses are devices of their own, with a spread of their own (`mismatch.synapse_dtod`); they are
/// programmed by what the forward ones are programmed to, not by what these carry. A synapse of 0 sends
/// nothing back.
///
/// # Limit
///
/// What comes back to a layer is `e_k = F_{k+1}ᵀ δ_{k+1}`, and `−β ∇ℓ` at the outputs. The gains `a⁺ = ᾱ`,
/// `a⁻ = α` part it into `v⁺ = u + ᾱ e`, `v⁻ = u − α e` about what comes from below,
/// `u_k = W_k s̄_{k−1} + b_k`, so that `α v⁺ + ᾱ v⁻ = u` whatever `F` is: means feel errors in second order
/// alone (not at all with linear devices, nor at `α` 0 and 1), and
///
/// `δ_k = f′(u_k) e_k + ½ (1 − 2α) f″(u_k) e_k² + …`.
///
/// As `β → 0` the estimate `−(1/β) δ_k s̄_{k−1}ᵀ` becomes `ε_k s̄_{k−1}ᵀ` of the feed-forward states, with
/// `ε_L = f′(u_L) ∇ℓ` and `ε_k = f′(u_k) F_{k+1}ᵀ ε_{k+1}`: backpropagation with `F` in the place of `W` on
/// the way back. The rest is of order `β`, and of order `β²` at `α = ½`. It is the gradient of no loss; its
/// angle to backpropagation stays as `β → 0`, but in the last layer, to which no synapse feeds back.
///
/// # Scale
///
/// `s sign(W)` is nearest to `W`, in least squares, at `s = mean |W|`, so that errors keep about the size
/// that they have in backpropagation, whatever the width and depth. For normal weights `‖F‖ = √(2/π) ‖W‖`, at
/// 37° to `W`. The paper has `s = 1` ("uniform sign-concordant feedback") and leaves sizes to batch
/// normalisation and to updates by their sign; a circuit has neither.
///
/// # Reference
///
/// Liao, Leibo & Poggio, *How Important Is Weight Transport in Backpropagation?*, AAAI 2016.
#[derive(Clone, Debug)]
pub struct SignSymmetry<T: Real>(DualPropagation<T>);

impl<T: Real> Registered<T> for SignSymmetry<T> {
    fn needs(_: RuleKind) -> Needs {
        // The feedback synapse is a number of its own.
        Needs { synapse_memories: 1, transport: Transport::Signs, limit: Limit::Other, ..Needs::DYADS }
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self(DualPropagation::registered(settings, circuit, network))
    }
}

impl<T: Real> Rule<T> for SignSymmetry<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        // Whatever feedback synapses came along: nothing goes back through others than these.
        let mut wired = weights.clone();
        self.program(&mut wired);
        self.0.estimate(&wired, batch, gradient)
    }

    fn updates(&self) -> usize {
        Rule::<T>::updates(&self.0)
    }

    fn present(&self, first: bool) {
        self.0.present(first);
    }

    fn program(&self, weights: &mut Weights<T>) {
        weights.feedback = Some(weights.forward.iter().map(signs).collect());
    }
}

/// `mean |W| · sign(W)`.
fn signs<T: Real>(weights: &Matrix<T>) -> Matrix<T> {
    let sum: f64 = weights.iter().map(|w| w.to_f64().abs()).sum();
    let size = T::of(sum / weights.len().max(1) as f64);
    weights.map(|w| {
        if w > T::ZERO {
            size
        } else if w < T::ZERO {
            -size
        } else {
            T::ZERO
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_have_the_mean_size_and_nothing_comes_of_zero() {
        let found = signs(&Matrix::from_row_slice(2, 2, &[3.0, -1.0, -0.0, 0.0]));
        assert_eq!(found, Matrix::from_row_slice(2, 2, &[1.0, -1.0, 0.0, 0.0]));
    }
}
