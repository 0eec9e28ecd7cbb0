//! Backpropagation: the exact gradient of the same network, fed forward.

use std::borrow::Cow;
use std::sync::Mutex;

use super::feed_forward::{Way, Work};
use super::{Batch, Gradient, Needs, Registered, Report, Rule};
use crate::chip::{Chip, Weights};
use crate::circuit::Loss;
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real};
use crate::solve::Counts;
use crate::spec::{CircuitSpec, NudgeSpec, RuleKind, RuleSpec};

/// Backpropagation: the exact gradient of the mean loss of the free circuit's feed-forward state.
///
/// It differentiates the network on its own chip (activation devices with their offsets and scales, synapses
/// with their factors), which no chip does: it is the reference that the others are held against. It settles
/// nothing, so that noise, nudge and solver do not matter to it.
///
/// # Reference
///
/// Rumelhart, Hinton & Williams, Nature 323, 533 (1986).
#[derive(Debug)]
pub struct Backprop<T: Real> {
    chip: Chip<T>,
    loss: Loss<T>,
    /// Buffers of the last batch: fresh ones would cost a small network more than its arithmetic.
    work: Mutex<Vec<Work<T>>>,
}

impl<T: Real> Backprop<T> {
    /// For a chip and the loss of a nudge.
    #[must_use]
    pub fn new(chip: Chip<T>, nudge: &NudgeSpec) -> Self {
        let loss = Loss { kind: nudge.loss, reference: T::of(nudge.reference) };
        Self { chip, loss, work: Mutex::new(Vec::new()) }
    }

    /// Slope of each sample's own loss along its inputs, `[batch × n_0]`.
    #[must_use]
    pub fn input_slopes(&self, weights: &Weights<T>, inputs: &Matrix<T>, targets: &Matrix<T>) -> Matrix<T> {
        self.pull_back(weights, inputs, |outputs, error| self.output_slopes(outputs, targets, error))
    }

    /// Slope of each sample's own loss along its outputs; all `[batch × n_L]`.
    pub fn output_slopes(&self, outputs: &Matrix<T>, targets: &Matrix<T>, slopes: &mut Matrix<T>) {
        self.loss.gradient(outputs.nrows(), outputs.as_slice(), targets.as_slice(), slopes.as_mut_slice());
    }

    /// Pulls an error at the outputs back to the inputs, `[batch × n_0]`: the error times each sample's
    /// Jacobian.
    ///
    /// `error` is shown the outputs `s̄_L` (V) and writes the error, both `[batch × n_L]`.
    #[must_use]
    pub fn pull_back(
        &self,
        weights: &Weights<T>,
        inputs: &Matrix<T>,
        error: impl FnOnce(&Matrix<T>, &mut Matrix<T>),
    ) -> Matrix<T> {
        let effective = self.chip.effective_weights(weights);
        let mut work = self.take(inputs.nrows());
        work.up(&self.chip, &effective, inputs);
        work.top(error);
        work.down(&effective, Way::TRANSPOSES, inputs, None);
        let mut slopes = Matrix::zeros(inputs.nrows(), inputs.ncols());
        let lowest = work.layers[0].potentials.as_view();
        product::backward(slopes.as_view_mut(), Onto::Nothing, lowest, effective.forward[0].as_view());
        self.keep(work);
        slopes
    }

    /// The products of errors, which come back through the synapses of `way`, and states.
    pub(super) fn estimate_through(
        &self,
        way: Way<'_, T>,
        weights: &Weights<T>,
        batch: &Batch<T>,
        gradient: &mut Gradient<T>,
    ) -> Report {
        let samples = batch.inputs.nrows();
        let effective = self.chip.effective_weights(weights);
        let mut work = self.take(samples);
        work.up(&self.chip, &effective, &batch.inputs);
        work.top(|outputs, error| self.output_slopes(outputs, &batch.targets, error));
        work.down(&effective, way, &batch.inputs, Some(gradient));
        let hidden = work.layers.len() - 1;
        gradient.keep_inputs(work.layers[..hidden].iter().map(|layer| Cow::Borrowed(&layer.means)));
        self.keep(work);
        Report { used: samples, counts: Counts { rhs_evals: 1, ..Counts::default() }, ..Report::default() }
    }

    /// The chip.
    pub(super) fn chip(&self) -> &Chip<T> {
        &self.chip
    }

    /// Leaves buffers for the next batch.
    pub(super) fn keep(&self, work: Work<T>) {
        if let Ok(mut kept) = self.work.lock() {
            *kept = vec![work];
        }
    }

    /// Buffers for a batch, used before if they fit.
    pub(super) fn take(&self, samples: usize) -> Work<T> {
        let kept = self.work.lock().ok().and_then(|mut kept| kept.pop());
        kept.filter(|work| work.samples == samples).unwrap_or_else(|| Work::new(&self.chip, samples))
    }
}

impl<T: Real> Registered<T> for Backprop<T> {
    fn needs(_: RuleKind) -> Needs {
        Needs::DIFFERENTIATION
    }

    fn registered(_: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self::new(Chip::fabricate(&circuit, network), &circuit.nudge)
    }
}

impl<T: Real> Rule<T> for Backprop<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let report = self.estimate_through(Way::TRANSPOSES, weights, batch, gradient);
        if let Some(synapses) = &self.chip.synapses {
            // By what is programmed, not by what it comes to.
            let slopes = gradient.forward.iter_mut().zip(&synapses.forward);
            slopes.for_each(|(gradient, factors)| gradient.component_mul_assign(factors));
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{DyadCircuit, Dynamics};
    use crate::device::DeviceOffset;
    use crate::spec::{ActivationKind, InitSpec, SupplySpec};

    /// Mean loss of the feed-forward state.
    fn loss(chip: &Chip<f64>, weights: &Weights<f64>, batch: &Batch<f64>, loss: Loss<f64>) -> f64 {
        let circuit = DyadCircuit::free(chip, weights, &batch.inputs);
        let outputs = circuit.means(&circuit.free_state()).pop().expect("a net has outputs");
        let one = |i: usize| {
            let at: Vec<f64> = outputs.row(i).iter().copied().collect();
            let target: Vec<f64> = batch.targets.row(i).iter().copied().collect();
            loss.value(&at, &target)
        };
        (0..outputs.nrows()).map(one).sum::<f64>() / outputs.nrows() as f64
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss_with_offsets_and_rails_too() {
        let network = [5, 7, 6, 3];
        for supply in [None, Some(SupplySpec { low: -0.5, high: 0.6 })] {
            let mut spec = CircuitSpec { supply, ..CircuitSpec::default() };
            spec.neuron.activation = ActivationKind::Tanh.into();
            spec.nudge.alpha = 0.3;
            let mut chip = Chip::<f64>::fabricate(&spec, &network);
            for (k, devices) in chip.layers.iter_mut().enumerate() {
                let wave = |x: usize| (x as f64).sin();
                for (j, trim) in devices.offset_plus.iter_mut().enumerate() {
                    *trim = DeviceOffset { offset: 0.1 * wave(k + 2 * j), scale: 1.0 + 0.2 * wave(j + 5) };
                }
                for (j, trim) in devices.offset_minus.iter_mut().enumerate() {
                    *trim = DeviceOffset {
                        offset: 0.1 * wave(3 * k + j + 1),
                        scale: 1.0 - 0.2 * wave(2 * j + k),
                    };
                }
            }
            let mut weights = Weights::<f64>::draw(&InitSpec::He, &spec, &network, 3);
            let batch = Batch::new(
                Matrix::from_fn(4, 5, |i, j| ((3 * i + j) as f64).sin()),
                Matrix::from_fn(4, 3, |i, j| f64::from(i % 3 == j)),
            );
            let rule = Backprop::new(chip.clone(), &spec.nudge);
            let mut gradient = Gradient::zeros(&weights);
            rule.estimate(&weights, &batch, &mut gradient);
            rule.estimate(&weights, &batch, &mut gradient); // with buffers used before
            let h = 1e-6;
            for k in 0..3 {
                for (i, j) in [(0, 0), (1, 2), (2, 4)] {
                    let mut at = |shift: f64| {
                        weights.forward[k][(i, j)] += shift;
                        let value = loss(&chip, &weights, &batch, rule.loss);
                        weights.forward[k][(i, j)] -= shift;
                        value
                    };
                    let central = (at(h) - at(-h)) / (2.0 * h);
                    // Third derivatives of order 10: h² of them is 1e-11; rounding 1e-16 / h.
                    let found = gradient.forward[k][(i, j)];
                    assert!((found - central).abs() < 1e-9, "{supply:?} {k} {i} {j}: {found} {central}");
                }
            }
        }
    }
}
