//! The transpose of the circuit's Jacobian times a direction: [`tangent`](super::tangent) read backwards.
//!
//! What a drive moves is asked of every product in turn: `W` where the tangent had `Wᵀ`, the gains before the
//! feedback, the slopes last. Sums of the two compartments go down the forward path, their difference,
//! weighted with the gains, goes up the feedback path.

use super::dyad::{DyadCircuit, columns, columns_mut};
use super::{Dynamics, Layered, Scratch};
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real};
use crate::spec::NudgePoint;

impl<T: Real> DyadCircuit<'_, T> {
    /// `(∂u/∂v)ᵀ · direction` at `state`; clipped drives ask nothing.
    pub(super) fn adjoint_of_drive(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        let depth = self.layout().depth();
        self.linearise(state, scratch);
        // The duals of drives stand in `outputs`, zero where the drive is clipped.
        scratch.outputs.copy_from(direction);
        if let Some(nodes) = &self.nodes {
            nodes.scale(0, self.samples(), scratch.outputs.as_mut_slice());
        }
        if let Some((low, high)) = self.supply() {
            let duals = scratch.outputs.as_mut_slice().iter_mut();
            for (dual, &drive) in duals.zip(scratch.drives.as_slice()) {
                if drive <= low || drive >= high {
                    *dual = T::zero();
                }
            }
        }
        // Of every layer: what it hears (`forward`), what comes back to it (`feedback`).
        for layer in 0..depth {
            self.split_duals(layer, scratch);
        }
        self.nudge_duals(scratch);
        for layer in 0..depth {
            self.gather_duals(layer, image, scratch);
        }
        let slopes = scratch.slopes.as_slice();
        image.as_mut_slice().iter_mut().zip(slopes).for_each(|(value, &slope)| *value *= slope);
    }

    /// Duals of what both compartments hear, `λ⁺ + λ⁻`, and of what comes back, `a⁺ λ⁺ − a⁻ λ⁻`.
    fn split_duals(&self, layer: usize, scratch: &mut Scratch<T>) {
        let (batch, layout) = (self.samples(), self.layout());
        let devices = &self.chip.layers[layer];
        let Scratch { outputs, forward, feedback, .. } = scratch;
        for j in 0..layout.neurons(layer) {
            let one = |side: usize| columns(outputs, batch, side + j..side + j + 1);
            let (plus, minus) = (one(layout.plus(layer).start), one(layout.minus(layer).start));
            let (up, down) = (devices.gain_plus[j], devices.gain_minus[j]);
            let back = columns_mut(&mut feedback[layer], batch, j..j + 1);
            for i in 0..batch {
                back[i] = up * plus[i] - down * minus[i];
            }
            // Nobody asks what the input moves, and tangents rely on its zeros.
            if layer > 0 {
                let weighted_input = columns_mut(&mut forward[layer], batch, j..j + 1);
                weighted_input
                    .iter_mut()
                    .zip(plus.iter().zip(minus))
                    .for_each(|(weighted_input, (&p, &m))| *weighted_input = p + m);
            }
        }
    }

    /// Dual of the place where the loss gradient is taken: `−β ∇²ℓ` times that of what comes back to the
    /// output.
    ///
    /// It stands in the output's `feedback` afterwards (of nudge `own`: for the plus compartment, and in
    /// `feedback_minus` for the other); of nudge `drive` it has been added to what the output hears.
    fn nudge_duals(&self, scratch: &mut Scratch<T>) {
        let (batch, layout) = (self.samples(), self.layout());
        let top = layout.depth() - 1;
        let Scratch { outputs, forward, feedback, feedback_minus, point, point_minus, .. } = scratch;
        let back = &mut feedback[top];
        let Some(nudge) = self.nudge.as_ref().filter(|nudge| nudge.at != NudgePoint::Free) else {
            back.fill(T::zero());
            return;
        };
        let curve = |at: &Matrix<T>, dual: &mut Matrix<T>| {
            let direction = dual.clone();
            nudge.loss.curvature(batch, at.as_slice(), direction.as_slice(), dual.as_mut_slice());
            *dual *= T::of(-nudge.beta);
        };
        if nudge.at == NudgePoint::Own {
            let devices = &self.chip.layers[top];
            let weighted = |dual: &mut Matrix<T>, side, gains: &[T]| {
                dual.as_mut_slice().copy_from_slice(columns(outputs, batch, side));
                dual.column_iter_mut().zip(gains).for_each(|(mut column, &gain)| column *= gain);
            };
            weighted(back, layout.plus(top), &devices.gain_plus);
            weighted(feedback_minus, layout.minus(top), &devices.gain_minus);
            curve(point, back);
            curve(point_minus, feedback_minus);
            feedback_minus.neg_mut();
            return;
        }
        curve(point, back);
        if nudge.at == NudgePoint::Drive {
            if top > 0 {
                forward[top] += &*back;
            }
            back.fill(T::zero());
        }
    }

    /// Duals of the outputs of a layer: of the mean from the layer above, of the difference from the layer
    /// below.
    fn gather_duals(&self, layer: usize, image: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        let (batch, layout) = (self.samples(), self.layout());
        let top = layout.depth() - 1;
        let Scratch { means, differences, forward, feedback, feedback_minus, .. } = scratch;
        let (mean, difference) = (&mut means[layer], &mut differences[layer]);
        if layer < top {
            let weights = self.weights.forward[layer + 1].as_view();
            product::backward(mean.as_view_mut(), Onto::Nothing, forward[layer + 1].as_view(), weights);
        } else if self.nudges_own(layer) {
            mean.fill(T::zero());
        } else {
            mean.copy_from(&feedback[layer]);
        }
        if layer > 0 {
            let weights = self.weights.feedback(layer).as_view();
            product::forward(difference.as_view_mut(), Onto::Nothing, feedback[layer - 1].as_view(), weights);
        } else {
            difference.fill(T::zero());
        }
        let own = self.nudges_own(layer).then_some((&feedback[layer], &*feedback_minus));
        for (j, &alpha) in self.chip.layers[layer].mixing.iter().enumerate() {
            for i in 0..batch {
                let (m, d) = (mean[(i, j)], difference[(i, j)]);
                let (up, down) = own.map_or((T::zero(), T::zero()), |(up, down)| (up[(i, j)], down[(i, j)]));
                image[(i, layout.plus(layer).start + j)] = alpha * m + d + up;
                image[(i, layout.minus(layer).start + j)] = (T::ONE - alpha) * m - d + down;
            }
        }
    }
}
