//! Backpropagation: the exact gradient of the same network, fed forward.

use super::{Batch, Gradient, Report, Rule};
use crate::chip::{Chip, Weights};
use crate::circuit::{Circuit, DyadCircuit, Loss};
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real};
use crate::solve::Counts;
use crate::spec::NudgeSpec;

/// The exact gradient of the mean loss of the free circuit's feed-forward state.
#[derive(Clone, Debug)]
pub struct Backprop<T: Real> {
    chip: Chip<T>,
    loss: Loss<T>,
}

impl<T: Real> Backprop<T> {
    /// For a chip and the loss of a nudge.
    #[must_use]
    pub fn new(chip: Chip<T>, nudge: &NudgeSpec) -> Self {
        Self { chip, loss: Loss { kind: nudge.loss, reference: T::of(nudge.reference) } }
    }
}

impl<T: Real> Rule<T> for Backprop<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let circuit = DyadCircuit::free(&self.chip, weights, &batch.inputs);
        let state = circuit.free_state();
        let (samples, layout) = (batch.inputs.nrows(), &self.chip.layout);
        let mut slopes = Matrix::zeros(samples, layout.width());
        circuit.slopes(&state, &mut slopes);
        let means = circuit.means(&state);
        let top = layout.depth() - 1;
        let mut error = Matrix::zeros(samples, layout.outputs());
        let (at, target) = (means[top].as_slice(), batch.targets.as_slice());
        self.loss.gradient(samples, at, target, error.as_mut_slice());
        let mut scratch = Vec::new();
        for layer in (0..=top).rev() {
            error.component_mul_assign(&slopes.columns_range(layout.plus(layer)));
            let below = if layer == 0 { batch.inputs.as_view() } else { means[layer - 1].as_view() };
            let scale = T::of(1.0 / samples as f64);
            let out = gradient.forward[layer].as_view_mut();
            product::correlate(out, Onto::Nothing, scale, error.as_view(), below, &mut scratch);
            for (g, column) in gradient.biases[layer].iter_mut().zip(error.column_iter()) {
                *g = column.sum() * scale;
            }
            if layer > 0 {
                let mut down = Matrix::zeros(samples, layout.neurons(layer - 1));
                let through = weights.forward[layer].as_view();
                product::backward(down.as_view_mut(), Onto::Nothing, error.as_view(), through);
                error = down;
            }
        }
        Report { used: samples, counts: Counts { rhs_evals: 1, ..Counts::default() }, ..Report::default() }
    }
}
