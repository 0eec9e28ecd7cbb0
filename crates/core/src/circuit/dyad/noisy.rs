//! The noise of the dyadic circuit's devices, and how it is read.

use super::DyadCircuit;
use crate::chip::Devices;
use crate::circuit::{Circuit, Dynamics, Layered, Scratch, passes};
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real};
use crate::noise::Sources;

impl<T: Real> Circuit<T> for DyadCircuit<'_, T> {
    fn noise(&self) -> &Sources {
        &self.chip.noise
    }

    fn readout(&self) -> f64 {
        self.chip.readout
    }

    fn leakage_loss(&self) -> T {
        self.chip.periphery.leakage_loss
    }

    fn gains(&self, layer: usize) -> (&[T], &[T]) {
        let Devices { gain_plus, gain_minus, .. } = &self.chip.layers[layer];
        (gain_plus, gain_minus)
    }

    fn weigh_input(&self, drivers: &Matrix<T>, weighted_input: &mut Matrix<T>) {
        let weights = self.weights.forward[0].as_view();
        product::forward(weighted_input.as_view_mut(), Onto::Nothing, drivers.as_view(), weights);
    }

    fn read_powers(
        &self,
        layer: usize,
        forward: &mut Matrix<T>,
        feedback: &mut Matrix<T>,
        scratch: &mut Scratch<T>,
    ) {
        let Some(squares) = &self.squares else {
            forward.fill(T::ZERO);
            feedback.fill(T::ZERO);
            return;
        };
        let [weights, backward] = &*squares.weights;
        scratch.prepare_squares(self.layout(), self.samples());
        if layer == 0 {
            forward.copy_from(&squares.weighted_input);
        } else {
            let Scratch { squares: square, means, .. } = scratch;
            let below = (&mut square[layer - 1], &means[layer - 1]);
            passes::times(below.1.as_slice(), below.1.as_slice(), below.0.as_mut_slice());
            product::forward(
                forward.as_view_mut(),
                Onto::Nothing,
                below.0.as_view(),
                weights[layer].as_view(),
            );
        }
        if layer + 1 == self.layout().depth() {
            feedback.fill(T::ZERO);
        } else {
            let Scratch { squares: square, differences, .. } = scratch;
            let above = (&mut square[layer + 1], &differences[layer + 1]);
            passes::times(above.1.as_slice(), above.1.as_slice(), above.0.as_mut_slice());
            let weights = backward[layer + 1].as_view();
            product::backward(feedback.as_view_mut(), Onto::Nothing, above.0.as_view(), weights);
        }
    }

    fn fluctuate(
        &self,
        layer: usize,
        first: usize,
        deviations: &[T],
        (forward, feedback): (&mut Matrix<T>, &mut Matrix<T>),
        scratch: &Scratch<T>,
    ) -> usize {
        let batch = self.samples();
        let weights = &self.weights.forward[layer];
        let above = first + weights.len();
        let below = if layer == 0 { self.input.as_ref() } else { Some(&scratch.means[layer - 1]) };
        forward.fill(T::ZERO);
        feedback.fill(T::ZERO);
        if let Some(below) = below {
            let own = &deviations[first * batch..above * batch];
            passes::modulate(batch, weights, own, below.as_slice(), forward.as_mut_slice());
        }
        if layer + 1 < self.layout().depth() {
            let (weights, differences) = (self.weights.feedback(layer + 1), &scratch.differences[layer + 1]);
            let theirs = &deviations[above * batch..][..weights.len() * batch];
            passes::modulate_back(batch, weights, theirs, differences.as_slice(), feedback.as_mut_slice());
        }
        above
    }
}
