//! What rules say that they need, held against what they do.

use dyadsim_core::learn::{
    Gradient, Limit, Transport, circuit_of, count_relaxations, measure, needs, observed_relaxations,
    programmed, rule,
};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, relative_error};
use crate::traces::slope;

/// A tanh net at fixed points that are found to rounding. Gains of the description are those of no gradient;
/// most rules have their own.
fn net(network: &[usize], alpha: f64, beta: f64) -> Net {
    let mut spec = ideal(ActivationKind::Tanh, Variant::Custom { plus: 0.2, minus: 0.9 }, alpha, beta);
    spec.solver = SolverSpec { kind: SolverKind::Dc, rtol: 1e-13, atol: 1e-15, ..spec.solver };
    Net::random(600, network, 3, 1.0, spec)
}

fn estimate(net: &Net, kind: RuleKind) -> Gradient<f64> {
    let mut weights = programmed(kind, &net.spec, net.weights.clone());
    if kind.needs_separate() {
        let other = Net::random(601, &net.network, 3, 1.0, net.spec.clone());
        weights.feedback = Some(other.weights.forward);
    }
    let mut gradient = Gradient::zeros(&weights);
    rule(kind, &net.spec, &net.network).estimate(&weights, &net.batch, &mut gradient);
    gradient
}

/// Rules of networks that are fed forward; `equilibrium` has the others.
fn feed_forward() -> impl Iterator<Item = RuleKind> {
    RuleKind::ALL.into_iter().filter(|kind| !kind.circuit_kind().is_recurrent())
}

#[test]
fn rules_settle_as_often_as_they_are_counted_and_have_compartments_if_they_do() {
    for kind in RuleKind::ALL {
        let (seen, stated) = (observed_relaxations(kind), needs(kind));
        assert_eq!(seen > 0, kind.settles(), "{kind:?}");
        assert_eq!(seen > 0, stated.compartments > 0, "{kind:?}");
        if kind.is_dyadic() {
            assert_eq!(seen, count_relaxations(&circuit_of(kind, &CircuitSpec::default())), "{kind:?}");
        }
    }
}

#[test]
fn synapses_keep_a_number_more_where_feedback_has_devices_of_its_own() {
    for kind in RuleKind::ALL {
        assert_eq!(needs(kind).synapse_memories, usize::from(kind.needs_separate()), "{kind:?}");
    }
}

/// The same net with other weights of the last layer, and targets under which its outputs err as before.
fn with_last_layer(net: &Net, last: Matrix<f64>) -> Net {
    let mut changed = Net::random(600, &net.network, 3, 1.0, net.spec.clone());
    for sample in 0..3 {
        let hidden = &net.oracle(sample).forward()[0];
        let shift = (&last - &net.weights.forward[1]) * hidden;
        let mut target = changed.batch.targets.row_mut(sample);
        target += shift.transpose();
    }
    changed.weights.forward[1] = last;
    changed
}

#[test]
fn the_first_layer_learns_of_the_last_what_is_said_to_be_transported() {
    // With equal errors of the outputs, the first layer differs by what errors meet on their way back.
    let net = net(&[5, 6, 4], 0.5, 1e-4);
    let last = &net.weights.forward[1];
    // Sizes change places, signs stay; then signs change, sizes stay.
    let count = last.len();
    let sizes = Matrix::from_fn(4, 6, |i, j| {
        let at = i + 4 * j;
        last[(i, j)].signum() * last.as_slice()[(at + 1) % count].abs()
    });
    let signs = Matrix::from_fn(4, 6, |i, j| last[(i, j)] * if (i + j) % 2 == 0 { 1.0 } else { -1.0 });
    for kind in feed_forward() {
        let first = |net: &Net| estimate(net, kind).forward[0].clone();
        let base = first(&net);
        let moved =
            |last: &Matrix<f64>| (first(&with_last_layer(&net, last.clone())) - &base).norm() / base.norm();
        let (by_sizes, by_signs) = (moved(&sizes), moved(&signs));
        println!("{kind:?}: {by_sizes:.1e} by sizes, {by_signs:.1e} by signs");
        // Errors of the outputs are as before to the order β², and 1e-15 V over β.
        let (felt, unfelt) = (0.1, 1e-6);
        let right = match needs(kind).transport {
            Transport::Nothing => by_sizes < unfelt && by_signs < unfelt,
            Transport::Signs => by_sizes < unfelt && by_signs > felt,
            Transport::Weights => by_sizes > felt && by_signs > felt,
        };
        assert!(right, "{kind:?}: {by_sizes:.1e} {by_signs:.1e}");
    }
}

#[test]
fn estimates_become_what_is_said_at_the_order_that_is_said() {
    let error = |kind, alpha, beta| {
        let net = net(&[8, 12, 10, 6], alpha, beta);
        relative_error(&estimate(&net, kind), &net.backprop())
    };
    for kind in feed_forward() {
        match needs(kind).limit {
            Limit::Exact => assert!(error(kind, 0.25, 0.1) < 1e-13, "{kind:?}"),
            Limit::Other => assert!(error(kind, 0.25, 1e-4) > 0.02, "{kind:?}: {}", error(kind, 0.25, 1e-4)),
            Limit::Gradient { order, middle } => {
                for (alpha, wanted) in [(0.0, order), (0.25, order), (0.5, middle), (1.0, order)] {
                    let logs = [1e-3, 2e-3, 4e-3].map(|beta: f64| (beta.ln(), error(kind, alpha, beta).ln()));
                    let fitted = slope(&logs);
                    // The next order is β times some tens at most.
                    assert!((fitted - f64::from(wanted)).abs() < 0.1, "{kind:?} {alpha}: {fitted}");
                }
            }
        }
    }
}

#[test]
fn outputs_are_held_at_their_targets_by_rules_that_say_so_alone() {
    for kind in feed_forward().filter(|kind| kind.is_dyadic()) {
        let net = net(&[5, 6, 4], 0.5, 0.1);
        let spec = circuit_of(kind, &net.spec);
        let weights = programmed(kind, &net.spec, net.weights.clone());
        let chip = dyadsim_core::chip::Chip::fabricate(&spec, &net.network);
        let apart = |beta: f64| {
            let spec = spec.nudged(Some(beta));
            let means = measure(&chip, &weights, &net.batch, &spec, false).means;
            (means.last().unwrap() - &net.batch.targets).norm()
        };
        let held = apart(0.1) < 1e-6 * apart(0.0);
        assert_eq!(held, needs(kind).clamps_outputs, "{kind:?}");
    }
}
