//! docs/model.md §3 and §5 by integration: what grows, what rings, what runs away, and what the solvers call
//! it.

use dyadsim_core::analysis::{Verdict, spectrum};
use dyadsim_core::chip::Chip;
use dyadsim_core::solve::{Outcome, settle_all};
use dyadsim_core::spec::*;
use nalgebra::Complex;

use crate::nets::{Net, ideal, kinds_that, largest_angle, largest_loop, relative_error};

fn integrators() -> Vec<SolverKind> {
    kinds_that(SolverKind::is_adaptive)
}

/// The linear 1-1-1 chain with unit first weight.
fn chain(variant: Variant, alpha: f64, beta: f64, second: f64) -> Net {
    let mut net = Net::random(301, &[1, 1, 1], 1, 1.0, ideal(ActivationKind::Linear, variant, alpha, beta));
    (net.weights.forward[0][0], net.weights.forward[1][0]) = (1.0, second);
    net
}

/// How a net ends, by one solver.
fn outcome(net: &Net, kind: SolverKind) -> Outcome {
    let solver = SolverSpec { kind, ..net.spec.solver.clone() };
    settle_all(&solver, &net.circuit(), false).outcomes[0]
}

/// What the eigenvalues say of a linear net.
fn verdict(net: &Net) -> Verdict {
    spectrum(&net.circuit(), 0, &vec![0.0; net.chip.layout.width()]).verdict()
}

#[test]
fn small_nudges_give_the_gradient_at_every_mixing_and_loss() {
    for (seed, activation) in (310..).zip([
        ActivationKind::Tanh,
        ActivationKind::Softplus,
        ActivationKind::Sigmoid,
        ActivationKind::Linear,
    ]) {
        for variant in [Variant::Dp, Variant::DpTranspose] {
            for alpha in [0.0, 0.3, 0.5, 0.8, 1.0] {
                for (at, loss) in [
                    (NudgePoint::Mean, LossKind::Mse),
                    (NudgePoint::Own, LossKind::Mse),
                    (NudgePoint::Free, LossKind::CrossEntropy),
                    (NudgePoint::Drive, LossKind::CrossEntropy),
                    (NudgePoint::Mean, LossKind::CrossEntropy),
                ] {
                    let mut spec = ideal(activation, variant, alpha, 1e-6);
                    (spec.nudge.at, spec.nudge.loss, spec.nudge.reference) = (at, loss, 0.5);
                    let net = Net::random(seed, &[6, 9, 8, 5], 4, 1.0, spec);
                    let (estimate, exact) = (net.estimate_at_fixed_points(), net.backprop());
                    // O(β) with factors of the loop's size, below 20 here; rounding adds 1e-15 V / 1e-6.
                    let error = relative_error(&estimate, &exact);
                    assert!(error < 3e-5, "{activation:?} {variant:?} {alpha} {at:?} {loss:?}: {error:.1e}");
                    assert!(largest_angle(&estimate, &exact) < 3e-3); // one layer, in degrees
                }
            }
        }
    }
}

#[test]
fn the_chain_latches_up_at_its_threshold_in_time_as_in_its_eigenvalues() {
    for (second, alpha) in [(0.5, 0.0), (1.0, 0.25), (2.0, 0.4)] {
        let threshold = 1.0 / ((1.0 - 2.0 * alpha) * (1.0 + second * second));
        for (share, expected, fate) in
            [(0.98, Outcome::Settled, Verdict::Stable), (1.02, Outcome::LatchUp, Verdict::LatchUp)]
        {
            let mut net = chain(Variant::Dp, alpha, share * threshold, second);
            // The critical mode moves at some 0.02 of the leak: to 1e-6 or to 10³ takes a thousand τ.
            net.spec.solver = SolverSpec { max_time: 10_000.0, ..SolverSpec::default() };
            assert_eq!(verdict(&net), fate);
            for kind in integrators() {
                assert_eq!(outcome(&net, kind), expected, "{second} {alpha} {share} {kind:?}");
            }
        }
        for share in [0.999, 1.001] {
            let fate = if share < 1.0 { Verdict::Stable } else { Verdict::LatchUp };
            assert_eq!(verdict(&chain(Variant::Dp, alpha, share * threshold, second)), fate);
        }
    }
}

#[test]
fn random_linear_nets_latch_up_at_their_threshold_in_time() {
    let networks: [&[usize]; 3] = [&[3, 4, 2], &[5, 6, 4, 3], &[4, 5, 6, 5, 4]];
    for (seed, network) in (320..).zip(networks) {
        for alpha in [0.0, 0.25] {
            for (share, expected) in [(0.98, Outcome::Settled), (1.02, Outcome::LatchUp)] {
                let mut net = Net::random(
                    seed,
                    network,
                    1,
                    1.0,
                    ideal(ActivationKind::Linear, Variant::Dp, alpha, 1.0),
                );
                net.spec.nudge.beta = share / ((1.0 - 2.0 * alpha) * largest_loop(&net.weights, 1.0));
                net.spec.solver = SolverSpec { max_time: 20_000.0, ..SolverSpec::default() };
                for kind in [SolverKind::Etd, SolverKind::Eam, SolverKind::Dop853] {
                    assert_eq!(outcome(&net, kind), expected, "{network:?} {alpha} {share} {kind:?}");
                }
            }
        }
    }
}

#[test]
fn the_chain_has_the_eigenvalues_of_its_cubic() {
    for (alpha, beta, second) in
        [(1.0, 1.0, 1.5), (1.0, 1.0, 10.0), (0.75, 0.3, 2.0), (0.0, 0.1, 1.0), (0.5, 2.0, 3.0)]
    {
        let net = chain(Variant::Dp, alpha, beta, second);
        let found = spectrum(&net.circuit(), 0, &[0.0; 4]).eigenvalues;
        let shifted: Vec<Complex<f64>> = found.iter().map(|e| e * net.chip.slowest + 1.0).collect();
        let c = 2.0 * alpha - 1.0;
        // Every root of μ (μ³ + cβ μ² + cβ w₂²): coefficients of the polynomial that the eigenvalues make.
        let mut made = vec![Complex::new(1.0, 0.0)];
        for root in &shifted {
            let mut next = made.clone();
            next.push(Complex::new(0.0, 0.0));
            for (i, coefficient) in made.iter().enumerate() {
                next[i + 1] -= coefficient * root;
            }
            made = next;
        }
        let cubic = [1.0, c * beta, 0.0, c * beta * second * second, 0.0];
        for (a, b) in made.iter().zip(cubic) {
            // Roots of up to 10 are good to some 1e-14 of the matrix's norm; a coefficient sums products of
            // three.
            assert!((a - b).norm() < 1e-9, "{alpha} {beta} {second}: {made:?} {cubic:?}");
        }
    }
}

#[test]
fn the_chain_is_stable_at_small_and_rings_at_large_weight() {
    for (second, expected, fate) in
        [(1.5, Outcome::Settled, Verdict::Stable), (10.0, Outcome::Oscillation, Verdict::Oscillation)]
    {
        let mut net = chain(Variant::Dp, 1.0, 1.0, second);
        assert_eq!(verdict(&net), fate);
        net.spec.solver = SolverSpec::default();
        for kind in integrators() {
            assert_eq!(outcome(&net, kind), expected, "{second} {kind:?}");
        }
        // A saturating output makes the ringing a limit cycle; it is not taken for settled or late.
        net.spec.neuron.activation =
            ActivationSpec { kind: ActivationKind::Tanh, amplitude: 1.0, scale: 1.0, offset: 0.0 };
        net.chip = Chip::fabricate(&net.spec, &net.network);
        (net.weights.biases[0][0], net.batch.inputs[0]) = (0.0, 0.0); // steepest at its equilibrium
        for kind in integrators() {
            assert_eq!(outcome(&net, kind), expected, "tanh {second} {kind:?}");
        }
    }
}

#[test]
fn nudged_by_its_own_state_the_lone_output_runs_away_at_the_inverse_gain() {
    let cases: [(&[usize], Variant, f64, f64); 5] = [
        (&[4, 3], Variant::Dp, 0.0, 1.0),
        (&[4, 3], Variant::Dp, 0.5, 0.5),
        (&[4, 3], Variant::DpTranspose, 0.7, 0.7),
        (&[4, 3], Variant::Custom { plus: 0.2, minus: 0.4 }, 0.3, 0.4),
        (&[4, 5, 6, 3], Variant::DpTranspose, 1.0, 1.0), // deep, yet nothing depends on that compartment
    ];
    for (seed, (network, variant, alpha, minus)) in (330..).zip(cases) {
        for (product, expected) in [
            (0.5, Outcome::Settled),
            (0.98, Outcome::Settled),
            (1.02, Outcome::LatchUp),
            (3.0, Outcome::LatchUp),
        ] {
            let mut spec = ideal(ActivationKind::Linear, variant, alpha, product / minus);
            spec.nudge.at = NudgePoint::Own;
            spec.solver = SolverSpec { max_time: 5000.0, ..SolverSpec::default() };
            let net = Net::random(seed, network, 1, 1.0, spec);
            let found = spectrum(&net.circuit(), 0, &vec![0.0; net.chip.layout.width()]).abscissa()
                * net.chip.slowest;
            assert!((found - (product - 1.0)).abs() < 1e-12, "{network:?} {variant:?}: {found} {product}");
            for kind in integrators() {
                assert_eq!(outcome(&net, kind), expected, "{network:?} {variant:?} {product} {kind:?}");
            }
        }
    }
}

#[test]
fn feedback_can_hold_an_anti_nudged_output_that_others_depend_on() {
    // docs/model.md §3.5 speaks of a lone compartment: where its difference returns as negative feedback, the
    // circuit may stand beyond a⁻ β = 1, as eight of these ten do; with positive feedback or none it does
    // not.
    let stable = |variant, alpha: f64, minus: f64| {
        let nets = (340..350).map(|seed| {
            let mut spec = ideal(ActivationKind::Linear, variant, alpha, 1.02 / minus);
            spec.nudge.at = NudgePoint::Own;
            Net::random(seed, &[4, 5, 6, 3], 1, 1.0, spec)
        });
        nets.filter(|net| verdict(net) == Verdict::Stable).count()
    };
    assert_eq!(stable(Variant::Dp, 0.75, 0.25), 8);
    for alpha in [0.25, 0.5, 0.75, 1.0] {
        assert_eq!(stable(Variant::DpTranspose, alpha, alpha), 0, "{alpha}");
        assert_eq!(if alpha <= 0.5 { stable(Variant::Dp, alpha, 1.0 - alpha) } else { 0 }, 0, "{alpha}");
    }
}
