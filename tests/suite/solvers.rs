//! Equilibria: every integrator, and the search for operating points, against a Newton solution of the
//! equations as docs/model.md writes them.

use dyadsim_core::matrix::measure::{Largest, larger};
use dyadsim_core::solve::{Outcome, settle_all};
use dyadsim_core::spec::*;
use rayon::prelude::*;

use crate::nets::{Net, activations, ideal, kinds_that, largest_loop, row};
use crate::traces::scatter;

/// Integrators, and the search for operating points.
fn solvers() -> Vec<SolverKind> {
    kinds_that(|kind| kind.is_adaptive() || kind.can_verify())
}

/// All settings of the conformance test, numbered.
fn settings() -> Vec<(usize, CircuitSpec)> {
    let mut list = Vec::new();
    for activation in activations() {
        for variant in [Variant::Dp, Variant::DpTranspose] {
            for alpha in [0.0, 0.25, 0.5, 0.75, 1.0] {
                for at in [NudgePoint::Mean, NudgePoint::Own, NudgePoint::Free, NudgePoint::Drive] {
                    let mut spec = ideal(ActivationKind::Tanh, variant, alpha, 1.0);
                    (spec.neuron.activation, spec.nudge.at) = (activation, at);
                    list.push((list.len(), spec));
                }
            }
        }
    }
    list
}

/// Networks of depth 2 to 6 in turn; β is a third of what would make linear DP at α = 0 latch up.
///
/// Slopes are at most 1.2 and mostly far below 1, so that all these circuits are stable: `check` makes sure
/// of it with the exponential of an independent Jacobian.
fn net(number: usize, mut spec: CircuitSpec) -> Net {
    let sizes = [4, 5, 3, 4, 5, 3, 4];
    let depth = 2 + number % 5;
    if number % 2 == 1 {
        spec.neuron.output_activation = spec.neuron.activation;
    }
    let mut net = Net::random(number as u64, &sizes[..=depth], 2, 0.7, spec);
    net.spec.nudge.beta = 0.3 / largest_loop(&net.weights, 1.0);
    net
}

/// Settles a net with one integrator and compares every sample with Newton's solution.
fn check(net: &Net, kind: SolverKind, what: &str) -> f64 {
    let solver = SolverSpec { kind, ..net.spec.solver.clone() };
    let settled = settle_all(&solver, &net.circuit(), false);
    let mut largest = 0.0_f64;
    for (i, outcome) in settled.outcomes.iter().enumerate() {
        let mut oracle = net.oracle(i);
        oracle.take_devices(&net.chip);
        let fixed = oracle.fixed_point();
        assert!(oracle.residual(&fixed) < 1e-13, "{what}: Newton failed");
        assert!(oracle.survival(&fixed, 100.0 * net.chip.slowest) < 0.01, "{what}: not a stable net");
        assert_eq!(*outcome, Outcome::Settled, "{what}");
        let state = row(&settled.state, i);
        // Residual is what the solver says it is: evaluated at the final state, here by other formulas, whose
        // rounding differs by some ten terms of 1e-16 each.
        assert!((oracle.residual(&state) - settled.residual[i]).abs() < 1e-14, "{what}: stale residual");
        let allowed = solver.atol + solver.rtol * state.largest();
        assert!(settled.residual[i] <= allowed, "{what}: settled above its tolerance");
        // A residual r leaves the state (1 − ∂u/∂v)⁻¹ r away; a kink on the way can double it.
        let bound = 2.0 * oracle.condition(&fixed) * allowed;
        let error = (state - fixed).largest();
        assert!(error <= bound && bound < 1e-8, "{what}: {error:.1e} V, bound {bound:.1e} V");
        largest = largest.max(error);
    }
    largest
}

#[test]
fn every_integrator_ends_at_the_fixed_point_of_the_written_equations() {
    let worst: Vec<Vec<f64>> = settings()
        .into_par_iter()
        .map(|(number, spec)| {
            let net = net(number, spec);
            let error = |kind: SolverKind| {
                check(&net, kind, &format!("{number}: {kind:?} {:?} {:?}", net.spec.neuron, net.spec.nudge))
            };
            solvers().into_iter().map(error).collect()
        })
        .collect();
    for (j, kind) in solvers().into_iter().enumerate() {
        let largest = worst.iter().map(|errors| errors[j]).fold(0.0, larger);
        println!("largest error of {}: {largest:.1e} V", kind.name());
    }
}

#[test]
fn chips_whose_devices_all_differ_settle_at_their_own_fixed_points() {
    for (number, activation) in (700..).zip(activations()) {
        for variant in [Variant::Dp, Variant::DpTranspose] {
            for (alpha, at) in [(0.1, NudgePoint::Mean), (0.5, NudgePoint::Own), (0.9, NudgePoint::Drive)] {
                let mut spec = ideal(ActivationKind::Tanh, variant, alpha, 1.0);
                (spec.neuron.activation, spec.nudge.at) = (activation, at);
                let mut net = net(number, spec);
                scatter(&mut net, number as u64);
                for kind in solvers() {
                    check(&net, kind, &format!("{activation:?} {variant:?} {alpha} {at:?} {kind:?}"));
                }
            }
        }
    }
}
