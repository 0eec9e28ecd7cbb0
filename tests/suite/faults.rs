//! Devices that do not work: how many, which, and what a circuit is with them.

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{DyadCircuit, Dynamics};
use dyadsim_core::learn::{Gradient, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::*;
use proptest::prelude::*;

use crate::nets::{Net, ideal};

const NETWORK: [usize; 4] = [5, 9, 7, 3];

fn spec(faults: FaultSpec, seed: u64) -> CircuitSpec {
    let mut spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.2);
    spec.mismatch = MismatchSpec { seed: Some(seed), faults, ..MismatchSpec::default() };
    spec
}

fn stuck(stuck_off: f64, stuck_on: f64, dead: f64) -> FaultSpec {
    FaultSpec { stuck_off, stuck_on, dead, stuck_weight: 0.8 }
}

/// What a layer of linear neurons answers to one volt at each of its inputs: its weights, column by column.
fn probed(spec: &CircuitSpec, inputs: usize, outputs: usize, programmed: f64) -> Matrix<f64> {
    let mut spec = spec.clone();
    spec.neuron.output_activation.kind = ActivationKind::Linear;
    let mut net = Net::random(1, &[inputs, outputs], 1, 0.0, spec);
    net.weights.forward[0].fill(programmed);
    net.weights.biases[0].fill(0.0);
    let each = Matrix::identity(inputs, inputs);
    let circuit = DyadCircuit::free(&net.chip, &net.weights, &each);
    circuit.means(&circuit.free_state()).pop().unwrap().transpose()
}

#[test]
fn shares_of_faults_are_those_asked_for() {
    let (off, on) = (0.1, 0.04);
    let (inputs, outputs) = (200, 300);
    let answers = probed(&spec(stuck(off, on, 0.0), 3), inputs, outputs, 0.5);
    let count = |value: f64| answers.iter().filter(|w| (**w - value).abs() < 1e-12).count() as f64;
    let n = (inputs * outputs) as f64;
    // Binomial; five counts within 4.5 standard errors: a fault of one chance in 30 000.
    for (value, share) in [(0.0, off), (0.8, on / 2.0), (-0.8, on / 2.0), (0.5, 1.0 - off - on)] {
        let error = (n * share * (1.0 - share)).sqrt();
        assert!((count(value) - n * share).abs() < 4.5 * error, "{value}: {} of {n}", count(value));
    }
    let none: f64 = [0.0, 0.8, -0.8, 0.5].iter().map(|&value| count(value)).sum();
    assert_eq!(none, n, "a synapse is programmed or stuck");
    let silent = probed(&spec(stuck(0.0, 0.0, 0.2), 3), 1, 20_000, 0.5);
    let dead = silent.iter().filter(|w| **w == 0.0).count() as f64;
    assert!((dead - 4000.0).abs() < 4.5 * (20_000.0 * 0.2 * 0.8_f64).sqrt(), "{dead}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn more_faults_keep_those_of_fewer(a in 0.0..0.5_f64, b in 0.0..0.5_f64, seed in 0..1000_u64) {
        let (few, many) = (a.min(b), a.max(b));
        let [few, many] =
            [few, many].map(|share| probed(&spec(stuck(share, share, share), seed), 20, 30, 0.5));
        for (few, many) in few.iter().zip(&many) {
            // What did not work still does not; a stuck synapse may lose its neuron.
            prop_assert!(*few == 0.5 || few == many || *many == 0.0);
        }
    }
}

#[test]
fn no_fault_is_exactly_none() {
    let plain = Chip::<f64>::fabricate(&spec(FaultSpec::default(), 3), &NETWORK);
    assert!(plain.synapses.is_none());
    let spread = |faults| {
        let mut spec = spec(faults, 3);
        spec.mismatch.synapse_dtod = 0.1;
        Chip::<f64>::fabricate(&spec, &NETWORK).synapses.unwrap()
    };
    let (exact, faulty) = (spread(FaultSpec::default()), spread(stuck(0.2, 0.1, 0.0)));
    assert!(exact.faults.is_none() && faulty.faults.is_some());
    for (exact, faulty) in exact.forward.iter().zip(&faulty.forward) {
        // Faults move no other draw.
        assert!(exact.iter().zip(faulty).all(|(exact, faulty)| exact == faulty || *faulty == 0.0));
    }
}

/// The net without its dead neurons.
fn without_dead(net: &Net) -> (Net, Vec<Vec<usize>>) {
    let effective = net.chip.effective_weights(&net.weights);
    let mut alive = vec![(0..net.network[0]).collect::<Vec<_>>()];
    for weights in &effective.forward {
        let hears = |i: &usize| weights.row(*i).iter().any(|w| *w != 0.0);
        alive.push((0..weights.nrows()).filter(hears).collect());
    }
    let widths: Vec<usize> = alive.iter().map(Vec::len).collect();
    let mut small = Net::random(1, &widths, 1, 1.0, spec(FaultSpec::default(), 3));
    for (layer, weights) in net.weights.forward.iter().enumerate() {
        let (rows, columns) = (&alive[layer + 1], &alive[layer]);
        small.weights.forward[layer] = weights.select_rows(rows).select_columns(columns);
        small.weights.biases[layer] = rows.iter().map(|&i| net.weights.biases[layer][i]).collect();
    }
    small.batch = net.batch.clone();
    (small, alive)
}

#[test]
fn a_net_with_dead_neurons_is_the_net_without_them() {
    let net = Net::random(21, &NETWORK, 4, 0.9, spec(stuck(0.0, 0.0, 0.2), 22));
    let (small, alive) = without_dead(&net);
    let widths: Vec<usize> = alive.iter().map(Vec::len).collect();
    assert!(widths[1] < 9 && widths[2] < 7 && widths[3] == 3, "{widths:?}");
    let (large, small) = (net.estimate_at_fixed_points(), small.estimate_at_fixed_points());
    for (layer, (large, small)) in large.forward.iter().zip(&small.forward).enumerate() {
        let of_alive = large.select_rows(&alive[layer + 1]).select_columns(&alive[layer]);
        // Equilibria to 1e-13 V, over β = 0.2, times activities below 1 V.
        assert!((of_alive - small).amax() < 1e-11);
    }
}

#[test]
fn what_is_stuck_does_not_learn_and_what_works_learns_through_it() {
    let net = Net::random(22, &NETWORK, 4, 0.9, spec(stuck(0.2, 0.2, 0.0), 5));
    let mut gradient = Gradient::zeros(&net.weights);
    rule(RuleKind::Bp, &net.spec, &net.network).estimate(&net.weights, &net.batch, &mut gradient);
    let loss = |weights: &Weights<f64>| {
        let circuit = DyadCircuit::free(&net.chip, weights, &net.batch.inputs);
        let outputs = circuit.means(&circuit.free_state()).pop().unwrap();
        0.5 * (outputs - &net.batch.targets).norm_squared() / net.batch.inputs.nrows() as f64
    };
    let (mut still, h) = (0, 1e-4);
    for layer in 0..3 {
        for at in 0..net.weights.forward[layer].len() {
            let moved = |by: f64| {
                let mut weights = net.weights.clone();
                weights.forward[layer][at] += by;
                loss(&weights)
            };
            let slope = (moved(h) - moved(-h)) / (2.0 * h);
            // Third derivatives of order 1: h²/6 of them; rounding 1e-16/h.
            assert!((slope - gradient.forward[layer][at]).abs() < 1e-7, "{layer} {at}");
            still += usize::from(slope == 0.0 && gradient.forward[layer][at] == 0.0);
        }
    }
    // 40 % of 129.
    assert!((30..=75).contains(&still), "{still}");
}

#[test]
fn one_crossbar_read_both_ways_is_stuck_both_ways() {
    let faults = stuck(0.3, 0.3, 0.2);
    let mut spec = CircuitSpec { kind: Some(CircuitKind::Hopfield), lateral: true, ..spec(faults, 4) };
    spec.nudge.at = NudgePoint::Mean;
    let net = Net::random(23, &[4, 12, 8], 1, 0.5, spec.clone());
    let lateral = net.chip.effective_weights(&net.weights).lateral.clone().unwrap();
    for matrix in &lateral {
        assert_eq!(*matrix, matrix.transpose());
        assert!(matrix.diagonal().iter().all(|w| *w == 0.0) && matrix.iter().any(|w| w.abs() == 0.8));
    }
    spec.feedback.synapses = FeedbackSynapses::Separate;
    let net = Net::random(23, &[4, 12, 8], 1, 0.5, spec);
    let effective = net.chip.effective_weights(&net.weights);
    let (forward, feedback) = (&effective.forward[1], &effective.feedback.as_ref().unwrap()[1]);
    let on = |matrix: &Matrix<f64>| matrix.map(|w| w.abs() == 0.8);
    assert!(on(forward) != on(feedback), "each has devices of its own");
    let lateral = effective.lateral.as_ref().unwrap();
    assert!(lateral[0] != lateral[0].transpose());
}
