//! Reference results apart from thresholds: R1 to R3, R7 and R8.

use dyadsim_core::analysis::layer_angles;
use dyadsim_core::matrix::measure::frobenius;
use dyadsim_core::matrix::measure::{Largest, larger};
use dyadsim_core::solve::Outcome;
use dyadsim_core::spec::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::nets::{Net, activations, ideal, kinds_that, largest_angle, relative_error};
use crate::traces::slope;

const VARIANTS: [Variant; 2] = [Variant::Dp, Variant::DpTranspose];

/// Solvers without noise.
fn kinds() -> Vec<SolverKind> {
    kinds_that(|kind| !kind.is_stochastic())
}

#[test]
fn r1_both_variants_are_one_circuit_at_the_middle() {
    for kind in kinds() {
        let [dp, transposed] = VARIANTS.map(|variant| {
            let mut spec = ideal(ActivationKind::Relu, variant, 0.5, 0.4);
            spec.solver = SolverSpec { kind, rtol: 1e-7, atol: 1e-10, ..spec.solver };
            Net::random(101, &[12, 16, 14, 6], 9, 1.0, spec)
        });
        let (one, other) = (dp.settle(), transposed.settle());
        assert_eq!(one.state, other.state, "{kind:?}"); // no tolerance: the same operations
        assert_eq!(one.outcomes, other.outcomes, "{kind:?}");
        assert_eq!(one.counts, other.counts, "{kind:?}");
        assert_eq!(one.residual, other.residual, "{kind:?}");
        assert_eq!(dp.estimate().0, transposed.estimate().0, "{kind:?}");
    }
}

/// A linear net with `DPᵀ`.
fn linear(seed: u64, network: &[usize], gain: f64, alpha: f64, beta: f64, at: NudgePoint) -> Net {
    let mut spec = ideal(ActivationKind::Linear, Variant::DpTranspose, alpha, beta);
    spec.nudge.at = at;
    Net::random(seed, network, 3, gain, spec)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, rng_seed: RngSeed::Fixed(102), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r2_linear_transposed_nets_give_the_gradient_at_any_mixing_nudge_and_weights(
        seed in any::<u64>(),
        network in prop::collection::vec(1..7_usize, 2..6),
        gain in 0.1..3.0,
        alpha in 0.0..=1.0,
        log_beta in -3.0..2.0,
        held in any::<bool>(),
    ) {
        let at = if held { NudgePoint::Free } else { NudgePoint::Mean };
        let net = linear(seed, &network, gain, alpha, 10_f64.powf(log_beta), at);
        let (estimate, exact) = (net.estimate_at_fixed_points(), net.backprop());
        // Rounding of potentials of up to 100 V, against differences of at least β times the error of the
        // output.
        let error = relative_error(&estimate, &exact);
        prop_assert!(error < 1e-8, "relative error {error:.1e}");
        let angle = largest_angle(&estimate, &exact);
        prop_assert!(angle < 1e-4, "angle {angle:.1e} degrees");
    }
}

#[test]
fn r2_holds_for_what_the_integrators_settle_to() {
    for kind in kinds() {
        for (seed, alpha) in (110..).zip([0.0, 0.2, 0.5, 0.9, 1.0]) {
            for at in [NudgePoint::Mean, NudgePoint::Free] {
                let mut net = linear(seed, &[7, 9, 8, 4], 1.5, alpha, 2.0, at);
                net.spec.solver.kind = kind;
                let (estimate, report) = net.estimate();
                assert_eq!(report.used, 3);
                // Potentials to 1e-10 of some 3 V, amplified by norms of the weights (3.5 each) in up to
                // three layers, against differences of about 2 V: 1e-8, that is 6e-7 degrees.
                let angle = largest_angle(&estimate, &net.backprop());
                println!("{kind:?} {alpha} {at:?} {angle:.1e}");
                assert!(angle < 1e-5, "{kind:?} {alpha} {at:?}: {angle:.1e} degrees");
            }
        }
    }
}

#[test]
fn r3_one_sided_transposed_circuits_compute_forward_undisturbed() {
    for (seed, activation) in (120..).zip(activations()) {
        for alpha in [0.0, 1.0] {
            for at in [NudgePoint::Mean, NudgePoint::Free] {
                for kind in kinds() {
                    // Gains and nudge far above what any loop would survive.
                    let mut spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, alpha, 3.0);
                    (spec.neuron.activation, spec.nudge.at, spec.solver.kind) = (activation, at, kind);
                    (spec.solver.rtol, spec.solver.atol) = (1e-6, 1e-9);
                    let net = Net::random(seed, &[8, 10, 9, 8, 5], 2, 2.0, spec);
                    let settled = net.settle();
                    let means = net.circuit().means(&settled.state);
                    for i in 0..2 {
                        let what = format!("{activation:?} {alpha} {at:?} {kind:?}");
                        assert_eq!(settled.outcomes[i], Outcome::Settled, "{what}");
                        for (mean, forward) in means.iter().zip(net.oracle(i).forward()) {
                            // Each layer adds roundings of 10 products and of the state (4 ε), and passes on
                            // those from below with a norm of up to 6: 10 ε (1 + 6 + 36 + 216) of potentials
                            // near 1 V.
                            let error = (mean.row(i).transpose() - &forward).largest();
                            assert!(
                                error < 2600.0 * f64::EPSILON * (1.0 + forward.largest()),
                                "{what}: {error:.1e} V"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// The net of R7, with a nudge.
fn net_of_r7(variant: Variant, alpha: f64, beta: f64) -> Net {
    let spec = ideal(ActivationKind::Tanh, variant, alpha, beta);
    Net::random(130, &[20, 30, 30, 30, 10], 2, 1.0, spec)
}

/// Relative error of the estimate, at seven nudges from 1e-4 to 1e-2.
fn biases(variant: Variant, alpha: f64) -> Vec<(f64, f64)> {
    let betas = (0..7).map(|i| 10_f64.powf(-4.0 + f64::from(i) / 3.0));
    betas
        .map(|beta| {
            let net = net_of_r7(variant, alpha, beta);
            (beta, relative_error(&net.estimate_at_fixed_points(), &net.backprop()))
        })
        .collect()
}

#[test]
fn r7_the_bias_is_linear_in_the_nudge_and_quadratic_at_the_middle() {
    for variant in VARIANTS {
        for (alpha, order) in [(0.0, 1.0), (0.25, 1.0), (0.5, 2.0), (0.75, 1.0), (1.0, 1.0)] {
            let logs: Vec<(f64, f64)> =
                biases(variant, alpha).iter().map(|(b, e)| (b.ln(), e.ln())).collect();
            let fitted = slope(&logs);
            println!("{variant:?} {alpha}: slope {fitted:.4}");
            // The next order is β times some 5 to 10 (DP: a tenth at most at β = 1e-2), spread over 4.6 in ln
            // β.
            assert!((fitted - order).abs() < 0.02, "{variant:?} {alpha}: {fitted}");
        }
    }
}

#[test]
fn r7_the_bias_is_proportional_to_the_asymmetry_and_larger_for_dp() {
    let at = |variant, alpha| biases(variant, alpha)[0].1; // at β = 1e-4, where the next order is 1e-3
    for variant in VARIANTS {
        let whole = at(variant, 0.0);
        for alpha in [0.125, 0.25, 0.375, 0.625, 0.75, 1.0_f64] {
            let ratio = at(variant, alpha) / whole / (1.0 - 2.0 * alpha).abs();
            assert!((ratio - 1.0).abs() < 5e-3, "{variant:?} {alpha}: {ratio}");
        }
    }
    let factor = at(Variant::Dp, 0.0) / at(Variant::DpTranspose, 0.0);
    println!("bias of DP over that of DPᵀ: {factor:.1}");
    assert!(factor > 3.0, "{factor}");
}

/// A net whose nudge gains add up to `1 + epsilon` in every layer.
fn net_of_r8(alpha: f64, epsilon: f64, beta: f64) -> Net {
    let (plus, minus) = ((1.0 - alpha) * (1.0 + epsilon), alpha * (1.0 + epsilon));
    let spec = ideal(ActivationKind::Tanh, Variant::Custom { plus, minus }, alpha, beta);
    Net::random(131, &[20, 30, 30, 30, 10], 8, 1.0, spec)
}

#[test]
fn r8_a_gain_error_scales_layers_by_its_powers() {
    for epsilon in [-0.2, -0.1, 0.1, 0.2] {
        for alpha in [0.0, 0.5, 1.0] {
            let net = net_of_r8(alpha, epsilon, 1e-4);
            let (estimate, exact) = (net.estimate_at_fixed_points(), net.backprop());
            let depth = exact.forward.len();
            for k in 0..depth {
                let ratio = frobenius(&estimate.forward[k]) / frobenius(&exact.forward[k]);
                let expected = (1.0_f64 + epsilon).powf((depth - k) as f64);
                // Bias of R7 at this nudge: a few 1e-5.
                assert!(
                    (ratio / expected - 1.0).abs() < 1e-4,
                    "{epsilon} {alpha} layer {k}: {ratio} {expected}"
                );
            }
        }
    }
}

#[test]
fn r8_a_gain_error_turns_layers_by_a_few_degrees_at_most() {
    for alpha in [0.0, 0.25, 0.5, 1.0] {
        for beta in [1e-3, 0.1] {
            let angles = |epsilon| {
                let net = net_of_r8(alpha, epsilon, beta);
                layer_angles(&net.estimate_at_fixed_points(), &net.backprop())
            };
            let ideal = angles(0.0);
            for epsilon in [-0.2, -0.1, 0.1, 0.2] {
                let turned = angles(epsilon).iter().zip(&ideal).map(|(a, b)| (a - b).abs()).fold(0.0, larger);
                println!("α {alpha} β {beta} ε {epsilon}: {turned:.3} degrees, ideal {ideal:.2?}");
                assert!(turned < 3.0, "α {alpha} β {beta} ε {epsilon}: {turned} degrees");
            }
        }
    }
}
