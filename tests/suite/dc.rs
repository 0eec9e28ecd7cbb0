//! Operating points: what `dc` finds, what it takes, and what verification says of it.

use dyadsim_core::circuit::{Dynamics, Layered, Scratch};
use dyadsim_core::matrix::measure::Largest;
use dyadsim_core::solve::{Outcome, Settled, settle_all};
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, largest_loop, row};

fn settle(net: &Net, verify: Verify) -> Settled<f64> {
    let solver = SolverSpec { kind: SolverKind::Dc, verify, ..net.spec.solver.clone() };
    settle_all(&solver, &net.circuit(), false)
}

/// Linear DP at `α = 0`, or another `α`, nudged to `share` of the threshold of `α = 0`.
fn linear(seed: u64, alpha: f64, share: f64) -> Net {
    let mut spec = ideal(ActivationKind::Linear, Variant::Dp, alpha, 1.0);
    spec.solver = SolverSpec { max_time: 2000.0, ..SolverSpec::default() };
    let mut net = Net::random(seed, &[4, 6, 5, 3], 3, 1.0, spec);
    net.spec.nudge.beta = share / largest_loop(&net.weights, 1.0);
    net
}

/// `‖u − v‖∞` (V) of every sample by the crate's whole right-hand side.
fn residuals(net: &Net, settled: &Settled<f64>) -> Vec<f64> {
    let circuit = net.circuit();
    let mut drive = settled.state.clone();
    circuit.drive(&settled.state, &mut drive, &mut Scratch::new(circuit.layout(), circuit.samples()));
    (drive - &settled.state).row_iter().map(|row| row.largest()).collect()
}

#[test]
fn adjoint_circuits_of_one_driven_compartment_take_one_sweep_down() {
    for alpha in [0.0, 1.0] {
        for activation in [ActivationKind::Relu, ActivationKind::Tanh] {
            for network in [&[6, 8, 7, 4][..], &[6, 4], &[6, 5, 5, 5, 4]] {
                let net =
                    Net::random(500, network, 9, 1.0, ideal(activation, Variant::DpTranspose, alpha, 0.3));
                let settled = settle(&net, Verify::None);
                assert_eq!(settled.outcomes, [Outcome::Settled; 9]);
                assert_eq!(
                    (settled.counts.steps, settled.counts.rhs_evals),
                    (1, 1),
                    "{alpha} {activation:?}"
                );
                assert_eq!(settled.counts.by_sweeps, 9);
                // What is called exactly at rest is so when everything is computed again.
                assert_eq!(residuals(&net, &settled), settled.residual);
            }
        }
    }
}

#[test]
fn the_residual_is_that_of_the_whole_right_hand_side() {
    for (number, at) in (510..).zip([NudgePoint::Mean, NudgePoint::Own, NudgePoint::Free, NudgePoint::Drive])
    {
        for start in [Start::Free, Start::Zero] {
            let mut spec = ideal(ActivationKind::Relu, Variant::Dp, 0.2, 0.05);
            (spec.nudge.at, spec.solver.start) = (at, start);
            let net = Net::random(number, &[6, 8, 7, 4], 9, 0.7, spec);
            let settled = settle(&net, Verify::None);
            assert_eq!(settled.outcomes, [Outcome::Settled; 9], "{at:?} {start:?}");
            for (one, other) in residuals(&net, &settled).into_iter().zip(&settled.residual) {
                assert!((one - other).abs() < 1e-15, "{at:?} {start:?}: {one:e} {other:e}");
            }
        }
    }
}

#[test]
fn where_sweeps_run_away_the_fixed_point_is_found_all_the_same() {
    // Above α = ½ the loop is negative feedback without a threshold of its own here, but sweeps overshoot.
    for seed in 520..524 {
        let net = linear(seed, 1.0, 3.0);
        let sweeps = SolverSpec { kind: SolverKind::Layerwise, ..net.spec.solver.clone() };
        let plain = settle_all(&sweeps, &net.circuit(), false);
        assert!(plain.outcomes.iter().all(|o| !o.is_settled()), "{seed}: sweeps contract");
        let settled = settle(&net, Verify::None);
        assert_eq!(settled.outcomes, [Outcome::Settled; 3], "{seed}");
        assert_eq!(settled.counts.by_anderson + settled.counts.by_newton, 3, "{seed}");
        for i in 0..3 {
            let (oracle, state) = (net.oracle(i), row(&settled.state, i));
            let fixed = oracle.newton(oracle.free());
            let bound = 2.0 * oracle.condition(&fixed) * (1e-9 + 1e-6 * state.largest());
            let error = (state - fixed).largest();
            assert!(error <= bound && bound < 1e-3, "{seed}: {error:.1e} V, bound {bound:.1e} V");
        }
    }
}

#[test]
fn an_unstable_fixed_point_is_found_and_verification_tells() {
    for seed in 530..533 {
        let above = linear(seed, 0.0, 1.05);
        let found = settle(&above, Verify::None);
        assert_eq!(found.outcomes, [Outcome::Settled; 3], "{seed}");
        let by_eigenvalue = settle(&above, Verify::Eigen);
        assert_eq!(by_eigenvalue.outcomes, [Outcome::LatchUp; 3], "{seed}");
        assert_eq!(by_eigenvalue.state, found.state);
        let by_transient = settle(&above, Verify::Transient);
        assert_eq!(by_transient.outcomes, [Outcome::LatchUp; 3], "{seed}");
        assert!(by_transient.time.iter().all(|time| time.is_finite()), "{seed}");
        let below = linear(seed, 0.0, 0.8);
        for verify in [Verify::None, Verify::Eigen, Verify::Transient] {
            assert_eq!(settle(&below, verify).outcomes, [Outcome::Settled; 3], "{seed} {verify:?}");
        }
    }
}

#[test]
fn a_fixed_point_that_rings_is_called_an_oscillation() {
    // docs/model.md §3.4: the 1-1-1 chain at α = 1, β = 1 is stable for w₂ = 1.5 and oscillates for w₂ = 10.
    for (weight, expected) in [(1.5, Outcome::Settled), (10.0, Outcome::Oscillation)] {
        let mut net =
            Net::random(540, &[1, 1, 1], 1, 1.0, ideal(ActivationKind::Linear, Variant::Dp, 1.0, 1.0));
        net.weights.forward[1][(0, 0)] = weight;
        for verify in [Verify::Eigen, Verify::Transient] {
            assert_eq!(settle(&net, verify).outcomes, [expected], "{weight} {verify:?}");
        }
    }
}

#[test]
fn a_sample_that_newton_must_find_does_not_depend_on_its_batch() {
    let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, 0.1, 0.5);
    spec.solver = SolverSpec::default();
    let (mut by_newton, mut found) = (0, 0);
    for seed in 550..560 {
        let net = Net::random(seed, &[6, 12, 12, 4], 8, 1.8, spec.clone());
        let settled = settle(&net, Verify::None);
        by_newton += settled.counts.by_newton;
        for i in (0..8).filter(|&i| settled.outcomes[i] == Outcome::Settled) {
            found += 1;
            let (oracle, state) = (net.oracle(i), row(&settled.state, i));
            assert!(oracle.residual(&state) <= 1.1e-9 + 1e-6 * state.largest(), "{seed} {i}");
        }
    }
    println!("{found} of 80 found, {by_newton} of them by Newton's method");
    assert!(by_newton > 0 && found >= 60, "{found} of 80, {by_newton} by Newton's method");
}
