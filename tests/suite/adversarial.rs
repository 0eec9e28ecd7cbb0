//! Adversarial training, against finite differences of the loss and a closed form.

use dyadsim_core::circuit::{DyadCircuit, Dynamics};
use dyadsim_core::learn::{Batch, Gradient, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::*;

use crate::nets::Net;

fn estimate(net: &Net, kind: RuleKind, batch: &Batch<f64>, step: f64) -> Gradient<f64> {
    let mut gradient = Gradient::zeros(&net.weights);
    let spec = RuleSpec { kind, adversarial: AdversarialSpec { step }, ..RuleSpec::default() };
    let rule = rule(spec, &net.spec, &net.network);
    rule.estimate(&net.weights, batch, &mut gradient);
    gradient
}

/// Squared error of one sample, `½|s_L − y|²`, at other inputs.
fn loss(net: &Net, inputs: &Matrix<f64>, sample: usize) -> f64 {
    let circuit = DyadCircuit::free(&net.chip, &net.weights, inputs);
    let outputs = circuit.means(&circuit.free_state()).pop().unwrap();
    (0..outputs.ncols()).map(|j| (outputs[(sample, j)] - net.batch.targets[(sample, j)]).powi(2)).sum::<f64>()
        / 2.0
}

#[test]
fn it_is_backpropagation_at_inputs_moved_by_finite_differences() {
    let mut spec = CircuitSpec::default();
    spec.neuron.activation = ActivationKind::Tanh.into();
    let net = Net::random(3, &[5, 7, 3], 4, 1.0, spec);
    let (h, step) = (1e-5, 0.5);
    let mut moved = net.batch.clone();
    for i in 0..4 {
        for j in 0..5 {
            let at = |shift: f64| {
                let mut inputs = net.batch.inputs.clone();
                inputs[(i, j)] += shift;
                loss(&net, &inputs, i)
            };
            moved.inputs[(i, j)] += step * (at(h) - at(-h)) / (2.0 * h);
        }
    }
    let found = estimate(&net, RuleKind::Adversarial, &net.batch, step);
    let expected = estimate(&net, RuleKind::Bp, &moved, 0.0);
    let plain = estimate(&net, RuleKind::Bp, &net.batch, 0.0);
    // Differences err by h² third derivatives (1e-9) and rounding (1e-16 / h = 1e-11).
    for k in 0..2 {
        assert!((&found.forward[k] - &expected.forward[k]).norm() < 1e-7, "layer {k}");
        assert!((&found.forward[k] - &plain.forward[k]).norm() > 1e-4, "layer {k}: the step does nothing");
    }
}

#[test]
fn a_linear_neuron_follows_its_closed_form() {
    let mut spec = CircuitSpec::default();
    spec.neuron.activation = ActivationKind::Linear.into();
    let net = Net::random(4, &[3, 1], 1, 1.0, spec);
    let w = &net.weights.forward[0];
    let size: f64 = w.iter().map(|w| w * w).sum();
    let x = &net.batch.inputs;
    let error = (0..3).map(|j| w[(0, j)] * x[(0, j)]).sum::<f64>() + net.weights.biases[0][0]
        - net.batch.targets[(0, 0)];
    // x' = x + ε e w: the error grows to e (1 + ε |w|²), and the gradient is that times x'.
    let step = 0.7;
    let found = estimate(&net, RuleKind::Adversarial, &net.batch, step);
    let grown = error * (1.0 + step * size);
    for j in 0..3 {
        let expected = grown * (x[(0, j)] + step * error * w[(0, j)]);
        assert!((found.forward[0][(0, j)] - expected).abs() < 1e-13, "{j}");
    }
    assert!((found.biases[0][0] - grown).abs() < 1e-13);
}

#[test]
fn a_step_of_zero_is_backpropagation_to_the_bit() {
    let net = Net::random(5, &[5, 7, 3], 4, 1.0, CircuitSpec::default());
    let still = estimate(&net, RuleKind::Adversarial, &net.batch, 0.0);
    assert_eq!(still, estimate(&net, RuleKind::Bp, &net.batch, 0.0));
}
