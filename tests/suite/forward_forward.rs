//! Self-contrastive forward-forward against the slopes of the loss that it states, layer by layer.

use dyadsim::prelude::{Network, Training};
use dyadsim_core::chip::Weights;
use dyadsim_core::data::Dataset;
use dyadsim_core::learn::{Backprop, Batch, ForwardForward, Gradient, Report, Rule};
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal};

const CONTRAST: ContrastSpec = ContrastSpec { positive: 0.4, negative: 0.3, penalty: 0.05 };

/// Means of every layer of one sample, inputs first, in plain loops.
fn states(net: &Net, weights: &Weights<f64>, sample: usize) -> Vec<Vec<f64>> {
    let mut all = vec![net.batch.inputs.row(sample).iter().copied().collect::<Vec<f64>>()];
    for (w, b) in weights.forward.iter().zip(&weights.biases) {
        let below = all.last().unwrap();
        let sum = |i: usize| below.iter().enumerate().fold(b[i], |sum, (j, s)| sum + w[(i, j)] * s);
        all.push((0..w.nrows()).map(|i| sum(i).tanh()).collect());
    }
    all
}

/// The loss of hidden layer `k`, which reads what `below` has of every sample.
fn loss(weights: &Weights<f64>, k: usize, below: &[Vec<f64>], partners: &[usize]) -> f64 {
    let (w, b) = (&weights.forward[k], &weights.biases[k]);
    let goodness = |one: &[f64], other: &[f64]| {
        let y = |i: usize| {
            let sums = one.iter().zip(other).enumerate();
            sums.fold(2.0 * b[i], |sum, (j, (x, z))| sum + w[(i, j)] * (x + z)).tanh()
        };
        (0..w.nrows()).map(|i| y(i).powi(2)).sum::<f64>() / w.nrows() as f64
    };
    let of = |(sample, partner): (usize, &usize)| {
        let (own, mixed) =
            (goodness(&below[sample], &below[sample]), goodness(&below[sample], &below[*partner]));
        (CONTRAST.positive - own).exp().ln_1p()
            + (mixed - CONTRAST.negative).exp().ln_1p()
            + CONTRAST.penalty * own
    };
    partners.iter().enumerate().map(of).sum::<f64>() / partners.len() as f64
}

fn net() -> Net {
    Net::random(720, &[6, 8, 5, 4], 7, 1.0, ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.5, 0.1))
}

fn estimate(net: &Net) -> Gradient<f64> {
    let rule = ForwardForward::new(net.chip.clone(), &net.spec.nudge, CONTRAST);
    let mut gradient = Gradient::zeros(&net.weights);
    rule.estimate(&net.weights, &net.batch, &mut gradient);
    // What an earlier batch has left is written over.
    assert_eq!(rule.estimate(&net.weights, &net.batch, &mut gradient).used, 7);
    gradient
}

#[test]
fn hidden_layers_descend_the_loss_of_their_own_goodness() {
    let mut net = net();
    let (found, partners) = (estimate(&net), ForwardForward::partners(&net.batch));
    for k in 0..2 {
        // What the layer reads is held.
        let below: Vec<Vec<f64>> =
            (0..7).map(|sample| states(&net, &net.weights, sample).swap_remove(k)).collect();
        let h = 1e-5;
        for (i, j) in [(0, 0), (2, 3), (4, 5)] {
            let mut at = |shift: f64| {
                net.weights.forward[k][(i, j)] += shift;
                let value = loss(&net.weights, k, &below, &partners);
                net.weights.forward[k][(i, j)] -= shift;
                value
            };
            let slope = (at(h) - at(-h)) / (2.0 * h);
            // Third derivatives of order 10: h² of them is 1e-9; rounding 1e-16 / h.
            assert!((found.forward[k][(i, j)] - slope).abs() < 2e-9, "{k} {i} {j}: {slope}");
        }
        for i in [0, 3] {
            let mut at = |shift: f64| {
                net.weights.biases[k][i] += shift;
                let value = loss(&net.weights, k, &below, &partners);
                net.weights.biases[k][i] -= shift;
                value
            };
            let slope = (at(h) - at(-h)) / (2.0 * h);
            assert!((found.biases[k][i] - slope).abs() < 2e-9, "{k} {i}: {slope}");
        }
    }
}

#[test]
fn the_read_out_learns_as_by_backpropagation_with_hidden_layers_held() {
    let net = net();
    let (found, exact) = (estimate(&net), net.backprop());
    assert_eq!((&found.forward[2], &found.biases[2]), (&exact.forward[2], &exact.biases[2]));
}

#[test]
fn every_sample_has_another_one_for_a_partner_and_is_one_once() {
    let mut net = net();
    for first in 0..20 {
        net.batch.sample_ids.ids[0] = first;
        let mut partners = ForwardForward::partners(&net.batch);
        assert!(partners.iter().enumerate().all(|(sample, partner)| sample != *partner), "{partners:?}");
        partners.sort_unstable();
        assert!(partners.iter().copied().eq(0..7));
    }
}

#[test]
fn a_sample_alone_is_not_used() {
    let net = Net::random(720, &[6, 8, 4], 1, 1.0, CircuitSpec::default());
    let rule = ForwardForward::new(net.chip.clone(), &net.spec.nudge, CONTRAST);
    let mut gradient = Gradient::zeros(&net.weights);
    assert_eq!(rule.estimate(&net.weights, &net.batch, &mut gradient).used, 0);
}

/// Backpropagation of the last layer alone.
struct Frozen(Backprop<f64>);

impl Rule<f64> for Frozen {
    fn estimate(&self, weights: &Weights<f64>, batch: &Batch<f64>, gradient: &mut Gradient<f64>) -> Report {
        let report = self.0.estimate(weights, batch, gradient);
        let hidden = gradient.forward.len() - 1;
        gradient.forward[..hidden].iter_mut().for_each(|slopes| slopes.fill(0.0));
        gradient.biases[..hidden].iter_mut().for_each(|slopes| slopes.fill(0.0));
        report
    }
}

#[test]
fn hidden_layers_that_learn_by_goodness_serve_a_read_out_better_than_random_ones() {
    let data = Dataset::named("digits").unwrap();
    let mut better = 0;
    for seed in 1..=3 {
        let network = Network::new(CircuitSpec::default(), &[64, 32, 10]).unwrap().seed(seed);
        let frozen = Frozen(Backprop::new(network.chip().clone(), &network.circuit().nudge));
        let adam = OptimizerSpec::adam(3e-3);
        let training = || Training::new(network.clone(), &data).epochs(15).batch(25).optimizer(adam.clone());
        let learned = training().rule(RuleKind::Scff).run().unwrap().test_accuracy();
        let held = training().own_rule(frozen).run().unwrap().test_accuracy();
        println!("seed {seed}: {learned:.4}, frozen {held:.4}");
        better += usize::from(learned > held);
    }
    assert_eq!(better, 3);
}
