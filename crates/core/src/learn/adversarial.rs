//! Adversarial training: backpropagation on inputs moved up the slope of their own loss.

use super::{Backprop, Batch, Gradient, Limit, Needs, Registered, Report, Rule};
use crate::chip::{Chip, Weights};
use crate::matrix::Real;
use crate::spec::{CircuitSpec, NudgeSpec, RuleKind, RuleSpec};

/// Adversarial training: the gradient of the mean loss at inputs `x + ε ∇ₓℓ`, held fixed; the step itself is
/// not differentiated.
///
/// Backpropagation as [`Backprop`] does it, on inputs that are not clipped.
///
/// # Reference
///
/// Goodfellow, Shlens & Szegedy, *Explaining and Harnessing Adversarial Examples*, ICLR 2015 (there with the
/// sign of the slope).
#[derive(Debug)]
pub struct Adversarial<T: Real> {
    backprop: Backprop<T>,
    step: T,
}

impl<T: Real> Adversarial<T> {
    /// For a chip, the loss of a nudge, and a step `ε`.
    #[must_use]
    pub fn new(chip: Chip<T>, nudge: &NudgeSpec, step: f64) -> Self {
        Self { backprop: Backprop::new(chip, nudge), step: T::of(step) }
    }
}

impl<T: Real> Registered<T> for Adversarial<T> {
    fn needs(_: RuleKind) -> Needs {
        Needs { limit: Limit::Other, ..Needs::DIFFERENTIATION }
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self::new(Chip::fabricate(&circuit, network), &circuit.nudge, settings.adversarial.step)
    }
}

impl<T: Real> Rule<T> for Adversarial<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let slopes = self.backprop.input_slopes(weights, &batch.inputs, &batch.targets);
        let mut moved = batch.clone();
        moved.inputs.zip_apply(&slopes, |x, slope| *x += self.step * slope);
        let mut report = self.backprop.estimate(weights, &moved, gradient);
        report.counts.rhs_evals += 1;
        report
    }
}
