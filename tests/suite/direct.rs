//! Direct feedback alignment against what it is in networks of one hidden layer, and against its formula.

use dyadsim_core::learn::{BackpropDirect, BackpropFeedback, Gradient, Rule, direct_matrices};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, relative_error};

fn net(network: &[usize]) -> Net {
    Net::random(710, network, 5, 1.0, ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.5, 0.1))
}

fn estimate(net: &Net, rule: &dyn Rule<f64>) -> Gradient<f64> {
    let mut gradient = Gradient::zeros(&net.weights);
    assert_eq!(rule.estimate(&net.weights, &net.batch, &mut gradient).used, 5);
    gradient
}

fn direct(net: &Net, matrices: Vec<Matrix<f64>>) -> Gradient<f64> {
    estimate(net, &BackpropDirect::new(net.chip.clone(), &net.spec.nudge, matrices))
}

#[test]
fn with_one_hidden_layer_and_the_forward_synapses_it_is_the_gradient() {
    let net = net(&[6, 8, 4]);
    assert_eq!(direct(&net, vec![net.weights.forward[1].clone()]), net.backprop());
}

#[test]
fn with_one_hidden_layer_it_is_feedback_alignment_through_the_same_matrix() {
    let mut net = net(&[6, 8, 4]);
    let matrices = direct_matrices(&net.network, 3);
    net.weights.feedback = Some(vec![net.weights.forward[0].clone(), matrices[0].clone()]);
    let feedback = BackpropFeedback::new(net.chip.clone(), &net.spec.nudge);
    assert_eq!(direct(&net, matrices), estimate(&net, &feedback));
}

#[test]
fn with_two_hidden_layers_it_is_its_formula() {
    let net = net(&[6, 8, 7, 4]);
    let matrices = direct_matrices(&net.network, 3);
    let [first, second] = [&matrices[0], &matrices[1]];
    assert_eq!((first.shape(), second.shape()), ((4, 8), (4, 7)));
    let up = |states: &Matrix<f64>, k: usize| {
        let mut out = states * net.weights.forward[k].transpose();
        for (mut column, b) in out.column_iter_mut().zip(&net.weights.biases[k]) {
            column.add_scalar_mut(*b);
        }
        out
    };
    let one = up(&net.batch.inputs, 0).map(f64::tanh);
    let two = up(&one, 1).map(f64::tanh);
    let error = up(&two, 2) - &net.batch.targets;
    let back = |matrix: &Matrix<f64>, states: &Matrix<f64>| {
        (&error * matrix).component_mul(&states.map(|s| 1.0 - s * s)) / 5.0
    };
    let (low, high) = (back(first, &one), back(second, &two));
    let bias = |errors: &Matrix<f64>| errors.row_sum().iter().copied().collect::<Vec<f64>>();
    let forward =
        vec![low.transpose() * &net.batch.inputs, high.transpose() * &one, error.transpose() * &two / 5.0];
    let wanted = Gradient::new(forward, vec![bias(&low), bias(&high), bias(&(&error / 5.0))]);
    assert!(relative_error(&direct(&net, matrices), &wanted) < 1e-13);
}

#[test]
fn matrices_have_their_variance_and_belong_to_a_layer_and_a_seed() {
    let matrices: Vec<Matrix<f64>> = direct_matrices(&[5, 300, 300, 20], 1);
    for matrix in &matrices {
        // 6000 numbers: the variance errs by √(2/6000) = 1.8 %; four of these.
        let found = matrix.norm_squared() / 6000.0 * 300.0;
        assert!((found - 1.0).abs() < 0.073, "{found}");
    }
    assert!(matrices[0] != matrices[1] && matrices != direct_matrices(&[5, 300, 300, 20], 2));
    assert_eq!(direct_matrices::<f64>(&[5, 2], 1).len(), 0);
}
