//! Bias and variance of the gradient estimate: exact cases, powers of β, and noise of known size.

use dyadsim_core::analysis::gradient_error::{Draw, draw, gradient_error};
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal};

/// Draws of a network.
fn draws(net: &Net, count: u64) -> Vec<Draw> {
    (0..count).map(|number| draw(&net.spec, &net.weights, &net.batch, (7, number), false)).collect()
}

/// Root of the squared bias of the one estimate that a circuit without noise gives.
fn bias(activation: ActivationKind, variant: Variant, (alpha, beta): (f64, f64)) -> f64 {
    let net = Net::random(3, &[4, 6, 5, 3], 4, 1.0, ideal(activation, variant, alpha, beta));
    let drawn = draws(&net, 1);
    assert_eq!(drawn[0].unsettled, 0);
    gradient_error(&[&drawn[0]], None).unwrap().bias.value.sqrt()
}

#[test]
fn a_linear_circuit_with_transposed_gains_has_no_bias() {
    for (alpha, beta) in [(0.0, 3.0), (0.3, 0.1), (0.8, 1.0)] {
        // States settle to 1e-10, and the estimate divides them by β.
        let found = bias(ActivationKind::Linear, Variant::DpTranspose, (alpha, beta));
        assert!(found < 1e-6, "α = {alpha}, β = {beta}: {found:e}");
    }
}

#[test]
fn the_bias_grows_with_the_power_of_beta_that_the_theory_says() {
    for (variant, alpha, power) in
        [(Variant::DpTranspose, 0.2, 1.0), (Variant::Dp, 0.8, 1.0), (Variant::DpTranspose, 0.5, 2.0)]
    {
        let [small, large] = [0.01, 0.02].map(|beta| bias(ActivationKind::Tanh, variant, (alpha, beta)));
        let found = (large / small).log2();
        // The next power adds a part of order β = 0.02 to the ratio.
        assert!((found - power).abs() < 0.06, "{variant:?} {alpha}: {found}");
    }
}

/// One linear layer with thermal noise: `ĝ = −(δ + ε) xᵀ/β`, noise of known variance.
fn noisy(beta: f64) -> Net {
    let mut spec = ideal(ActivationKind::Linear, Variant::DpTranspose, 0.5, beta);
    spec.noise = NoiseSpec { thermal: Some(ThermalSpec { excess: 1.0 }), ..NoiseSpec::default() };
    spec.solver = SolverSpec { kind: SolverKind::ExponentialHeun, ..SolverSpec::default() };
    Net::random(5, &[2, 3], 2, 1.0, spec)
}

#[test]
fn noise_alone_has_the_variance_of_k_t_over_c() {
    // α = ½, a± = ½: the difference obeys τ dδ/dt = −δ − β (s̄ − y) + noise, so each δ varies by 2 kT/C
    // whatever β is; the estimate of the mean of two samples by 2 kT/C (‖x‖² + 1)/β²/4, summed over samples
    // and the three neurons.
    const COUNT: u64 = 300;
    let mut found = Vec::new();
    for beta in [0.01, 0.1] {
        let net = noisy(beta);
        let drawn = draws(&net, COUNT);
        let kept: Vec<&Draw> = drawn.iter().collect();
        let truth = &drawn[0].truth;
        let size: f64 = truth.forward[0].norm_squared() + truth.biases[0].iter().map(|b| b * b).sum::<f64>();
        let variance = gradient_error(&kept, None).unwrap().variance.unwrap();
        let kt_over_c = 1.380649e-23 * 300.0 / net.spec.neuron.capacitance;
        let inputs: f64 = net.batch.inputs.row_iter().map(|x| x.norm_squared() + 1.0).sum();
        let exact = 3.0 * 2.0 * kt_over_c * inputs / (4.0 * beta * beta) / size;
        let error = variance.error.unwrap();
        // Six numbers vary on their own: a χ² of 6·299; four of its errors.
        let ratio = variance.value / exact;
        assert!((ratio - 1.0).abs() < 4.0 * (2.0 / (6.0 * COUNT as f64)).sqrt(), "β = {beta}: {ratio}");
        // The jackknife error is that of a χ² of some six degrees, each draw.
        assert!((0.5..2.0).contains(&(error / variance.value / (2.0 / (6.0 * COUNT as f64)).sqrt())));
        let bias = gradient_error(&kept, None).unwrap().bias;
        assert!(bias.value.abs() < 4.0 * bias.error.unwrap(), "β = {beta}: {bias:?}");
        found.push(variance.value);
    }
    // The same noise at both nudges: the ratio is 100 up to what the settling leaves.
    assert!((found[0] / found[1] / 100.0 - 1.0).abs() < 0.02, "{found:?}");
}
