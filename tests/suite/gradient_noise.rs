//! How well a noisy gradient is: mean and power over draws of noise of what the rule itself estimates,
//! against the Lyapunov equation at the fixed point.

use dyadsim_core::analysis::small_signal::{OperatingPoint, Reading};
use dyadsim_core::chip::Chip;
use dyadsim_core::learn::{Gradient, rule};
use dyadsim_core::solve::Outcome;
use dyadsim_core::spec::*;
use nalgebra::DVector;

use crate::nets::{Net, ideal, row};

/// Draws of the noise at every nudge; their seeds are `0..DRAWS`.
const DRAWS: u64 = 400;

/// Weights and biases of a layer in one vector.
fn flat(gradient: &Gradient<f64>, layer: usize) -> DVector<f64> {
    let (weights, biases) = (&gradient.forward[layer], &gradient.biases[layer]);
    DVector::from_iterator(weights.len() + biases.len(), weights.iter().chain(biases).copied())
}

/// A linear net read for ten time constants under thermal noise that is far below its signals.
fn net(beta: f64) -> Net {
    let mut spec = ideal(ActivationKind::Linear, Variant::DpTranspose, 0.3, beta);
    (spec.solver.kind, spec.solver.step) = (SolverKind::ExponentialHeun, 0.1);
    spec.noise.thermal = Some(ThermalSpec { excess: 1.0 });
    spec.readout.time = 1e-5;
    Net::random(7, &[4, 3, 2], 1, 0.9, spec)
}

/// The estimates of all draws.
fn draws(net: &Net) -> Vec<Gradient<f64>> {
    let rule = rule::<f64>(RuleKind::DpTranspose, &net.spec, &net.network);
    let mut batch = net.batch.clone();
    let estimates = (0..DRAWS).map(|seed| {
        batch.sample_ids.seed = seed;
        let mut gradient = Gradient::zeros(&net.weights);
        let report = rule.estimate(&net.weights, &batch, &mut gradient);
        assert_eq!(report.used, 1, "{:?}", Outcome::tally(&report.outcomes));
        gradient
    });
    estimates.collect()
}

#[test]
fn draws_of_the_rule_scatter_by_the_predicted_power_which_falls_with_the_square_of_the_nudge() {
    let mut powers = Vec::new();
    for beta in [0.01, 0.1, 0.5] {
        let mut net = net(beta);
        net.chip = Chip::fabricate(&net.spec, &net.network);
        let (points, circuit) = (net.fixed_points(), net.circuit());
        let state = row(&points.state, 0);
        let point = OperatingPoint::new(&circuit, &net.batch.inputs, 0, state.as_slice());
        let predicted = Reading::of(&point, net.chip.readout).expect("stable").estimate(beta);
        let (draws, truth, n) = (draws(&net), net.backprop(), DRAWS as f64);
        for layer in 0..2 {
            let drawn: Vec<DVector<f64>> = draws.iter().map(|draw| flat(draw, layer)).collect();
            let mean = drawn.iter().fold(DVector::zeros(drawn[0].len()), |sum, draw| sum + draw) / n;
            let power = drawn.iter().map(|draw| (draw - &mean).norm_squared()).sum::<f64>() / (n - 1.0);
            let ratio = power / predicted.noise[layer];
            println!("beta {beta}, layer {layer}: power {power:.3e}, {ratio:.3} of the prediction");
            // A variance of n draws errs by √(2/(n−1)) = 7 % even if one direction has it all; four of these,
            // and 2 % for steps of a tenth of a time constant.
            assert!((ratio - 1.0).abs() < 0.3, "beta {beta}, layer {layer}: {ratio}");
            // In linear nets DPᵀ is exact at any nudge: what is left of the mean is its own scatter, power/n,
            // whose square is beyond sixteen times that in 6e-5 of all cases (χ² of one degree, the worst
            // case); C is second order.
            let left = (mean - flat(&truth, layer)).norm_squared() * n / power;
            assert!(left < 16.0, "beta {beta}, layer {layer}: {left} of its own scatter");
            powers.push(power);
        }
    }
    // Between 0.01 and 0.1 the circuit hardly changes (feedback is β times a number near one), its division
    // by β does.
    for layer in 0..2 {
        let ratio = powers[layer] / powers[2 + layer] / 100.0;
        // Two variances, each as above, at most 10 % if independent (the draws are the same): four of these,
        // and 10 % for feedback.
        assert!((ratio.ln()).abs() < 0.5, "layer {layer}: {ratio}");
    }
}
