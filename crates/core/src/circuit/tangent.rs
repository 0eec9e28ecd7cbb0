//! The circuit's Jacobian times a direction, by the chain rule through the same products as the drive.

use super::dyad::{DyadCircuit, columns, columns_mut};
use super::{Dynamics, Layered, Scratch, passes};
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real};
use crate::spec::NudgePoint;

impl<T: Real> DyadCircuit<'_, T> {
    /// `∂u/∂v · direction` at `state`; clipped drives do not move.
    pub(super) fn tangent_of_drive(
        &self,
        state: &Matrix<T>,
        direction: &Matrix<T>,
        image: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        let depth = self.layout().depth();
        self.linearise(state, scratch);
        passes::times(scratch.slopes.as_slice(), direction.as_slice(), scratch.outputs.as_mut_slice());
        for layer in 0..depth {
            self.mix_outputs(layer, scratch);
            if layer > 0 {
                let below = scratch.means[layer - 1].as_view();
                let weights = self.weights.forward[layer].as_view();
                product::forward(scratch.forward[layer].as_view_mut(), Onto::Nothing, below, weights);
            }
        }
        for layer in (0..depth).rev() {
            self.pull_tangent(layer, scratch);
            self.assemble_tangent(layer, image, scratch);
        }
    }

    /// What a linearisation at `state` needs: drives, slopes, and where the loss curvature is taken.
    pub(super) fn linearise(&self, state: &Matrix<T>, scratch: &mut Scratch<T>) {
        scratch.prepare_tangent(self.layout(), self.samples());
        let mut drives = std::mem::replace(&mut scratch.drives, Matrix::zeros(0, 0));
        self.drive(state, &mut drives, scratch);
        scratch.drives = drives;
        self.curvature_points(scratch);
        let mut slopes = std::mem::replace(&mut scratch.slopes, Matrix::zeros(0, 0));
        self.slopes(state, &mut slopes);
        scratch.slopes = slopes;
    }

    /// Points at which the loss curvature is taken, for the two output compartments.
    fn curvature_points(&self, scratch: &mut Scratch<T>) {
        let (batch, layout) = (self.samples(), self.layout());
        let top = layout.depth() - 1;
        let Scratch { outputs, means, feedback_minus, point, point_minus, .. } = scratch;
        match self.nudge.as_ref().map(|nudge| nudge.at) {
            Some(NudgePoint::Own) => {
                point.as_mut_slice().copy_from_slice(columns(outputs, batch, layout.plus(top)));
                point_minus.as_mut_slice().copy_from_slice(columns(outputs, batch, layout.minus(top)));
            }
            Some(NudgePoint::Drive) => point.copy_from(feedback_minus),
            _ => point.copy_from(&means[top]),
        }
    }

    /// Mean and difference of the tangents that stand in `scratch.outputs`.
    fn mix_outputs(&self, layer: usize, scratch: &mut Scratch<T>) {
        let (batch, layout) = (self.samples(), self.layout());
        let outputs = (
            columns(&scratch.outputs, batch, layout.plus(layer)),
            columns(&scratch.outputs, batch, layout.minus(layer)),
        );
        let mixing = &self.chip.layers[layer].mixing;
        let (mean, difference) = (&mut scratch.means[layer], &mut scratch.differences[layer]);
        passes::mean_and_difference(batch, mixing, outputs, mean.as_mut_slice(), difference.as_mut_slice());
    }

    /// Tangent of what comes back to a layer.
    fn pull_tangent(&self, layer: usize, scratch: &mut Scratch<T>) {
        let (batch, layout) = (self.samples(), self.layout());
        if layer + 1 < layout.depth() {
            let above = scratch.differences[layer + 1].as_view();
            let weights = self.weights.feedback(layer + 1).as_view();
            product::backward(scratch.feedback[layer].as_view_mut(), Onto::Nothing, above, weights);
            return;
        }
        let Scratch { outputs, means, forward, feedback, feedback_minus, point, point_minus, .. } = scratch;
        let feedback = &mut feedback[layer];
        let direction = self.nudge.as_ref().and_then(|nudge| match nudge.at {
            NudgePoint::Mean => Some(means[layer].as_slice()),
            NudgePoint::Own => Some(columns(outputs, batch, layout.plus(layer))),
            NudgePoint::Drive if layer > 0 => Some(forward[layer].as_slice()),
            NudgePoint::Free | NudgePoint::Drive => None,
        });
        let (Some(nudge), Some(direction)) = (&self.nudge, direction) else {
            feedback.fill(T::zero());
            return;
        };
        nudge.loss.curvature(batch, point.as_slice(), direction, feedback.as_mut_slice());
        *feedback *= T::of(-nudge.beta);
        if nudge.at == NudgePoint::Own {
            let direction = columns(outputs, batch, layout.minus(layer));
            nudge.loss.curvature(batch, point_minus.as_slice(), direction, feedback_minus.as_mut_slice());
            *feedback_minus *= T::of(-nudge.beta);
        }
    }

    /// Adds up the tangent of a layer's drive; where the drive is clipped it is zero.
    fn assemble_tangent(&self, layer: usize, image: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        let (batch, layout) = (self.samples(), self.layout());
        let devices = &self.chip.layers[layer];
        let base = scratch.forward[layer].as_slice();
        let feedback = scratch.feedback[layer].as_slice();
        let minus = if self.nudges_own(layer) { scratch.feedback_minus.as_slice() } else { feedback };
        let range = layout.layer(layer);
        let target = columns_mut(image, batch, range.clone());
        let half = target.len() / 2;
        let gains = (devices.gain_plus.as_slice(), devices.gain_minus.as_slice());
        passes::add_feedback(batch, None, gains, base, (feedback, minus), target.split_at_mut(half));
        if let Some(nodes) = &self.nodes {
            nodes.scale(range.start, batch, target);
        }
        if let Some((low, high)) = self.chip.supply {
            for (value, &drive) in target.iter_mut().zip(columns(&scratch.drives, batch, range)) {
                if drive <= low || drive >= high {
                    *value = T::zero();
                }
            }
        }
    }
}
