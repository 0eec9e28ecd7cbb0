//! The nudge that keeps a margin, against closed forms and against what integration and eigenvalues say of
//! it.

use dyadsim_core::analysis::limits::{Kept, Lack, Search, Shortfall, find_limits, keep, shortfall};
use dyadsim_core::analysis::{Verdict, stability};
use dyadsim_core::chip::Weights;
use dyadsim_core::circuit::Dynamics;
use dyadsim_core::learn::{Batch, nudged};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::settle_all;
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal};

/// The bracket in which the nudge is found.
const WIDTH: f64 = 0.01;

/// The worst margin (1/τ) of a net at a nudge, where every sample settles from its free state.
fn margin(net: &Net, beta: f64) -> Option<f64> {
    let mut spec = net.spec.nudged(Some(beta));
    spec.solver.max_time = 3000.0;
    let circuit = nudged(&net.chip, &net.weights, &net.batch, &spec);
    let settled = settle_all(&spec.solver, &circuit, false);
    if !settled.outcomes.iter().all(|outcome| outcome.is_settled()) {
        return None;
    }
    let found = stability(&circuit, &spec.solver, &settled.state, 1e-12);
    let margins = found.spectra.iter().map(|s| s.as_ref().map(|s| -s.abscissa() * circuit.slowest()));
    margins.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::min)
}

fn kept(net: &Net, margin: f64) -> Result<Kept, Shortfall> {
    keep(&net.spec, &net.weights, &net.batch, margin)
}

#[test]
fn a_dyad_that_has_latched_up_keeps_no_margin_however_stable_it_is_there() {
    // One tanh dyad, DP at α = 0 (tests/suite/continuation.rs): v⁻ = u + β (tanh v⁻ − y) with a fold at v⁻ =
    // 1, β = cosh² 1. On the branch of the free state v⁻ falls from u to 1, and the margin is 1 − β sech² v⁻;
    // beyond the fold the circuit settles far below.
    let (y, fold) = (1.1, 1.0_f64.cosh().powi(2));
    let u = 1.0 - fold * (1.0_f64.tanh() - y);
    let beta = |v: f64| (v - u) / (v.tanh() - y);
    let margin_at = |v: f64| 1.0 - beta(v) / v.cosh().powi(2);
    for (set, asked) in [(1.5 * fold, 0.1), (1.1 * fold, 0.3), (3.0 * fold, 0.6)] {
        let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, 0.0, set);
        spec.neuron.output_activation = ActivationKind::Tanh.into();
        let mut net = Net::random(1, &[1, 1], 1, 1.0, spec);
        net.weights = Weights::zeros(&[1, 1]);
        net.weights.biases[0][0] = u;
        net.batch = Batch::new(Matrix::zeros(1, 1), Matrix::from_element(1, 1, y));
        assert!(margin(&net, set).unwrap() > asked, "there it is stable");
        let (mut low, mut high) = (1.0, u);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if margin_at(middle) < asked { low = middle } else { high = middle }
        }
        let found = kept(&net, asked).unwrap();
        let exact = beta(high);
        assert!(
            found.beta <= exact * (1.0 + 1e-9) && found.beta >= (1.0 - WIDTH) * exact,
            "{found:?}, {exact}"
        );
        assert_eq!(found.worst.unwrap().failure(), "elsewhere");
    }
}

#[test]
fn a_chain_that_would_ring_keeps_its_margin_and_says_so() {
    // DP at α = 1, linear 1-1-1 chain: it rings from its Hopf point on (tests/suite/continuation.rs).
    let spec = ideal(ActivationKind::Linear, Variant::Dp, 1.0, 1.0);
    let mut net = Net::random(611, &[1, 1, 1], 2, 1.0, spec);
    net.weights.forward[1][0] = 6.0;
    let found = kept(&net, 0.4).unwrap();
    let worst = found.worst.unwrap();
    assert_eq!(worst.failure(), "oscillation");
    assert!(margin(&net, found.beta).unwrap() >= 0.4 - 1e-9);
    assert!(margin(&net, found.beta / (1.0 - WIDTH)).is_none_or(|margin| margin < 0.4));
    // With its margin above zero, but too small, it settles: the failure is the one it leans to.
    let thin = net.spec.nudged(Some(found.beta * 1.1));
    let short = shortfall(&thin, &net.weights, &net.batch, 0.4).unwrap();
    assert_eq!((short.lack, short.failure()), (Lack::Thin(Verdict::Oscillation), "oscillation"));
    assert!((short.margin.unwrap() - margin(&net, found.beta * 1.1).unwrap()).abs() < 1e-6);
    assert_eq!(shortfall(&net.spec.nudged(Some(found.beta)), &net.weights, &net.batch, 0.4), None);
}

#[test]
fn kept_nudges_of_random_nets_have_the_margin_are_safe_and_are_not_far_from_the_edge() {
    use ActivationKind::{HardSigmoid, Relu, Softplus, Tanh};
    let mut lowered = 0;
    for (seed, kind) in (700..).zip([Relu, Tanh, HardSigmoid, Softplus]) {
        for (variant, alpha) in [(Variant::Dp, 0.25), (Variant::DpTranspose, 0.5)] {
            let mut spec = ideal(kind, variant, alpha, 1.0);
            spec.solver = SolverSpec::default();
            let net = Net::random(seed, &[5, 4, 4, 3], 2, 2.0, spec);
            let asked = 0.2;
            let found = kept(&net, asked).unwrap();
            let about = format!("{seed} {kind:?} {variant:?} {alpha} {found:?}");
            // Newton's method on both sides; the margin of a kinked net may jump, but not between two states
            // 1e-9 V apart.
            let own = margin(&net, found.beta).expect(&about);
            assert!(own >= asked - 1e-6, "{own} of {about}");
            // What has the margin asked for is down by e⁻⁶⁰ in this time.
            let search = Search { highest: 1.0, time: 300.0, ..Search::default() };
            let limit = find_limits(&net.spec, &net.weights, &net.batch, &search).limit();
            assert!(limit.is_none_or(|limit| found.beta <= limit * 1.01), "limit {limit:?} of {about}");
            if found.beta == 1.0 {
                assert_eq!(found.worst, None, "{about}");
                continue;
            }
            lowered += 1;
            let beyond = found.beta * 1.011;
            let thin = margin(&net, beyond).is_none_or(|margin| margin < asked);
            assert!(thin || limit.is_some_and(|limit| limit < beyond), "room above {about}");
        }
    }
    assert!(lowered >= 3, "{lowered} were lowered: the test shows nothing");
}

#[test]
fn a_circuit_without_any_such_nudge_says_so() {
    // Weights that are no numbers have no equilibrium at any nudge.
    let spec = ideal(ActivationKind::Linear, Variant::Dp, 0.25, 5.0);
    let mut net = Net::random(1, &[2, 2], 2, 1.0, spec);
    net.weights.forward[0][0] = f64::NAN;
    let short = kept(&net, 0.1).unwrap_err();
    assert!(short.margin.is_none() && short.beta < 1e-6 * net.spec.nudge.beta, "{short:?}");
}
