//! The nudge: where the loss gradient is taken, and the loss's gradient and curvature.

use super::dyad::{DyadCircuit, columns};
use super::{Dynamics, Layered, Scratch};
use crate::matrix::{Matrix, Real};
use crate::spec::{LossKind, NudgePoint};

/// A nudge that is switched on.
#[derive(Clone, Debug)]
pub struct Nudge<T> {
    /// Targets `y`, `[batch × n_L]` (V).
    pub target: Matrix<T>,
    /// Strength `β > 0`, in double precision whatever the states are in: a gradient divides by it.
    pub beta: f64,
    /// Point at which the loss gradient is taken.
    pub at: NudgePoint,
    /// The loss and its reference voltage.
    pub loss: Loss<T>,
}

/// A loss `ℓ(ŷ, y)` (V²).
#[derive(Clone, Copy, Debug)]
pub struct Loss<T> {
    /// Kind of loss.
    pub kind: LossKind,
    /// `V_ref` of the cross-entropy (V).
    pub reference: T,
}

impl<T: Real> Loss<T> {
    /// `∇ℓ(ŷ, y)` (V) of every sample; all matrices `[batch × n_L]` as column-major slices.
    pub fn gradient(&self, batch: usize, at: &[T], target: &[T], gradient: &mut [T]) {
        match self.kind {
            LossKind::Mse => {
                for ((g, &a), &y) in gradient.iter_mut().zip(at).zip(target) {
                    *g = a - y;
                }
            }
            LossKind::CrossEntropy => {
                self.softmax(batch, at, gradient);
                for (g, &y) in gradient.iter_mut().zip(target) {
                    *g = self.reference * (*g - y);
                }
            }
        }
    }

    /// `∇²ℓ(ŷ) · d` of every sample.
    pub fn curvature(&self, batch: usize, at: &[T], direction: &[T], image: &mut [T]) {
        match self.kind {
            LossKind::Mse => image.copy_from_slice(direction),
            LossKind::CrossEntropy => {
                self.softmax(batch, at, image);
                for i in 0..batch {
                    let sample = || (i..at.len()).step_by(batch);
                    let along = sample().map(|e| image[e] * direction[e]).fold(T::zero(), |a, b| a + b);
                    for e in sample() {
                        image[e] *= direction[e] - along;
                    }
                }
            }
        }
    }

    /// `ℓ/V_ref²` of one sample; the target is in units of 1 V.
    #[must_use]
    pub fn value(&self, at: &[f64], target: &[f64]) -> f64 {
        match self.kind {
            LossKind::Mse => 0.5 * at.iter().zip(target).map(|(a, y)| (a - y).powi(2)).sum::<f64>(),
            LossKind::CrossEntropy => {
                let scaled: Vec<f64> = at.iter().map(|a| a / self.reference.to_f64()).collect();
                let top = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let log_sum = top + scaled.iter().map(|s| (s - top).exp()).sum::<f64>().ln();
                scaled.iter().zip(target).map(|(s, y)| y * (log_sum - s)).sum()
            }
        }
    }

    /// `softmax(ŷ/V_ref)` of every sample.
    fn softmax(&self, batch: usize, at: &[T], out: &mut [T]) {
        for i in 0..batch {
            let sample = || (i..at.len()).step_by(batch);
            let top = sample().map(|e| at[e]).fold(at[i], |a, b| if b > a { b } else { a });
            let mut sum = T::zero();
            for e in sample() {
                out[e] = ((at[e] - top) / self.reference).exp();
                sum += out[e];
            }
            for e in sample() {
                out[e] /= sum;
            }
        }
    }
}

impl<T: Real> DyadCircuit<'_, T> {
    /// Strength `β` of the nudge; 0 where there is none.
    #[must_use]
    pub fn beta(&self) -> f64 {
        self.nudge.as_ref().map_or(0.0, |nudge| nudge.beta)
    }

    /// Outputs of the free circuit that nudge `free` holds, `[batch × n_L]` (V).
    #[must_use]
    pub fn held_output(&self) -> Option<&Matrix<T>> {
        self.held_output.as_ref()
    }

    /// `−β ∇ℓ(ŷ±)` for both output compartments.
    pub(super) fn nudge_output(&self, nudge: &Nudge<T>, scratch: &mut Scratch<T>) {
        let batch = self.samples();
        let top = self.layout().depth() - 1;
        let target = nudge.target.as_slice();
        let own = nudge.at == NudgePoint::Own;
        if nudge.at == NudgePoint::Drive {
            self.output_drive(scratch);
        }
        let at = match nudge.at {
            NudgePoint::Mean => scratch.means[top].as_slice(),
            NudgePoint::Own => columns(&scratch.outputs, batch, self.layout().plus(top)),
            NudgePoint::Free => {
                self.held_output.as_ref().map_or(target, |held_output| held_output.as_slice())
            }
            NudgePoint::Drive => scratch.feedback_minus.as_slice(),
        };
        nudge.loss.gradient(batch, at, target, scratch.feedback[top].as_mut_slice());
        if own {
            let at = columns(&scratch.outputs, batch, self.layout().minus(top));
            nudge.loss.gradient(batch, at, target, scratch.feedback_minus.as_mut_slice());
            scratch.feedback_minus *= T::of(-nudge.beta);
        }
        scratch.feedback[top] *= T::of(-nudge.beta);
    }

    /// `W_L s̄_{L−1} + b_L` into `scratch.feedback_minus`, which nudge `drive` does not use otherwise.
    fn output_drive(&self, scratch: &mut Scratch<T>) {
        let top = self.layout().depth() - 1;
        let weighted_input = if top == 0 { &self.weighted_input } else { &scratch.forward[top] };
        scratch.feedback_minus.copy_from(weighted_input);
        for (mut column, &b) in scratch.feedback_minus.column_iter_mut().zip(&self.weights.biases[top]) {
            column.add_scalar_mut(b);
        }
    }
}
