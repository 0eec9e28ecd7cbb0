//! docs/model.md §5: each way in which a relaxation can end, provoked, with every solver that can meet it.

use dyadsim_core::learn::{Batch, Gradient, Measurement, nudged};
use dyadsim_core::matrix::measure::Largest;
use dyadsim_core::solve::{Outcome, Settled, settle_all};
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, kinds_that, largest_loop};

fn integrators() -> Vec<SolverKind> {
    kinds_that(SolverKind::is_adaptive)
}

/// Integrators and sweeps, which come near an equilibrium step by step.
fn kinds() -> Vec<SolverKind> {
    kinds_that(|kind| kind.is_adaptive() || kind.sweeps())
}

fn settle(net: &Net, kind: SolverKind) -> Settled<f64> {
    let solver = SolverSpec { kind, ..net.spec.solver.clone() };
    settle_all(&solver, &net.circuit(), true)
}

/// A linear net with rails at ±`rail`, nudged to `share` of its latch-up threshold.
fn railed(seed: u64, share: f64, rail: f64) -> Net {
    let mut spec = ideal(ActivationKind::Linear, Variant::Dp, 0.0, 1.0);
    spec.supply = Some(SupplySpec { low: -rail, high: rail });
    spec.solver = SolverSpec { max_time: 1000.0, ..SolverSpec::default() };
    let mut net = Net::random(seed, &[4, 5, 6, 3], 2, 1.0, spec);
    net.spec.nudge.beta = share / largest_loop(&net.weights, 1.0);
    net
}

#[test]
fn a_runaway_ends_at_the_rail_and_is_called_latch_up() {
    for seed in 400..404 {
        let (below, above) = (railed(seed, 0.5, 20.0), railed(seed, 1.5, 20.0));
        for kind in integrators() {
            assert_eq!(settle(&below, kind).outcomes, [Outcome::Settled; 2], "{seed} {kind:?}");
            let ran = settle(&above, kind);
            assert_eq!(ran.outcomes, [Outcome::LatchUp; 2], "{seed} {kind:?}");
            for trace in &ran.traces {
                let largest = trace.states.iter().flatten().fold(0.0_f64, |m, v| m.max(v.abs()));
                // It ends within the tolerance of the rail and never beyond it.
                assert!(largest <= 20.0 && largest > 20.0 - 1e-4, "{seed} {kind:?}: {largest} V");
            }
        }
    }
}

#[test]
fn a_rail_that_the_free_circuit_touches_too_is_no_latch_up() {
    for kind in integrators() {
        let mut net = railed(410, 0.3, 1.0);
        net.weights.biases[0][0] = 5.0; // the first neuron sits at the upper rail, nudged or not
        let settled = settle(&net, kind);
        assert_eq!(settled.outcomes, [Outcome::Settled; 2], "{kind:?}");
        assert!(settled.state.column(0).iter().all(|v| (v - 1.0).abs() < 1e-5), "{kind:?}"); // rtol and a margin
    }
}

#[test]
fn a_saturating_device_is_no_rail() {
    // DP at α = 0 far above its linear threshold: the potentials grow to where tanh saturates and stay there.
    let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, 0.0, 1.0);
    spec.neuron.output_activation = ActivationKind::Tanh.into();
    spec.solver = SolverSpec { max_time: 1000.0, ..SolverSpec::default() };
    let mut net = Net::random(411, &[4, 5, 6, 3], 2, 1.0, spec);
    net.spec.nudge.beta = 5.0 / largest_loop(&net.weights, 1.0);
    for kind in integrators() {
        assert_eq!(settle(&net, kind).outcomes, [Outcome::Settled; 2], "{kind:?}");
    }
}

#[test]
fn too_little_time_is_a_timeout_and_enough_is_not() {
    for kind in kinds() {
        let mut net = Net::random(
            420,
            &[4, 5, 6, 3],
            2,
            1.0,
            ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.3),
        );
        net.spec.solver.start = Start::Zero;
        assert_eq!(settle(&net, kind).outcomes, [Outcome::Settled; 2], "{kind:?}");
        // To 1e-10 an isolated compartment takes ln 1e10 = 23 τ, a layer of sweeps one round.
        (net.spec.solver.max_time, net.spec.solver.passes) = (15.0, 1);
        let late = settle(&net, kind);
        assert_eq!(late.outcomes, [Outcome::Timeout; 2], "{kind:?}");
        assert!(late.residual.iter().all(|r| *r > 1e-10 && r.is_finite()), "{kind:?}");
    }
}

#[test]
fn no_step_is_longer_than_the_time_that_is_left() {
    // A lone compartment has a constant drive: no step is too long for it. It takes ln 1e6 = 13.8 τ.
    for (kind, hold) in integrators().into_iter().flat_map(|kind| [0.0, 1.0].map(|hold| (kind, hold))) {
        let mut spec = ideal(ActivationKind::Linear, Variant::DpTranspose, 0.5, 0.0);
        spec.solver = SolverSpec { rtol: 1e-6, atol: 1e-12, start: Start::Zero, hold, ..spec.solver };
        for (max_time, outcome) in [(10.0, Outcome::Timeout), (20.0, Outcome::Settled)] {
            spec.solver.max_time = max_time;
            let net = Net::random(422, &[1, 1], 2, 1.0, spec.clone());
            let settled = settle(&net, kind);
            assert_eq!(settled.outcomes, [outcome; 2], "{kind:?} {hold} {max_time}");
            let limit = max_time * net.chip.slowest;
            assert!(
                settled.time.iter().all(|t| *t <= limit),
                "{kind:?} {hold} {max_time}: {:?}",
                settled.time
            );
            for trace in &settled.traces {
                // Segments of the explicit methods, whose steps are 1 τ at most, end where they will.
                let slack = if kind.is_one_by_one() { net.chip.slowest } else { 0.0 };
                let end = limit + hold * net.chip.slowest + slack;
                assert!(trace.end() <= end, "{kind:?} {hold} {max_time}: {} s", trace.end());
            }
        }
    }
}

#[test]
fn an_isolated_compartment_settles_when_its_exponential_says() {
    // From 0 V to u = w x + b with |v − u| = |u| e^(−t/τ) ≤ atol + rtol |v|: t = ln(1/rtol) τ but for atol.
    let mut spec = ideal(ActivationKind::Linear, Variant::DpTranspose, 0.5, 0.0);
    spec.solver = SolverSpec { rtol: 1e-6, atol: 1e-12, start: Start::Zero, ..spec.solver };
    let net = Net::random(421, &[1, 1], 1, 1.0, spec);
    for kind in integrators() {
        let settled = settle(&net, kind);
        let time = settled.time[0] / net.chip.slowest;
        println!("{kind:?}: {time} τ");
        // The steps' own errors, 1e-6 of the potential at most, shift the logarithm of so small a residual.
        assert!((time - 1e6_f64.ln()).abs() < 0.1, "{kind:?}: {time} τ");
    }
}

#[test]
fn what_leaves_the_numbers_is_called_so() {
    for kind in kinds() {
        for start in [Start::Free, Start::Zero] {
            let mut spec = ideal(ActivationKind::Linear, Variant::DpTranspose, 0.3, 0.5);
            spec.solver.start = start;
            let mut net = Net::random(430, &[3, 4, 4, 2], 2, 1.0, spec);
            // Two layers of 1e160 overflow in the third, also when the start is at rest and the overflow
            // comes later.
            net.weights.forward[0] *= 1e160;
            net.weights.forward[1] *= 1e160;
            assert_eq!(settle(&net, kind).outcomes, [Outcome::NotFinite; 2], "{kind:?} {start:?}");
        }
    }
}

#[test]
fn an_explosion_within_one_time_constant_is_still_a_latch_up() {
    // e^1000 per τ overflows long before the next look; the bound is crossed first.
    for kind in integrators() {
        let mut spec = ideal(ActivationKind::Linear, Variant::Dp, 0.0, 1000.0);
        spec.nudge.at = NudgePoint::Own;
        let net = Net::random(431, &[3, 2], 2, 1.0, spec);
        assert_eq!(settle(&net, kind).outcomes, [Outcome::LatchUp; 2], "{kind:?}");
    }
}

#[test]
fn samples_that_did_not_settle_stay_out_of_the_gradient() {
    let mut net =
        Net::random(440, &[4, 5, 3], 3, 1.0, ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.3));
    let alone = net.estimate().0;
    let healthy = net.batch.clone();
    net.batch.inputs = net.batch.inputs.clone().insert_row(3, f64::NAN);
    net.batch.targets = net.batch.targets.clone().insert_row(3, 0.0);
    let (estimate, report) = net.estimate();
    assert_eq!((report.used, report.outcomes[3]), (3, Outcome::NotFinite));
    for (one, other) in estimate.forward.iter().zip(&alone.forward) {
        assert!((one - other).largest() < 1e-15, "{one} {other}"); // summed in another order at most
    }
    let none = Batch { inputs: healthy.inputs * f64::NAN, ..healthy };
    let circuit = nudged(&net.chip, &net.weights, &none, &net.spec);
    let settled = settle_all(&net.spec.solver, &circuit, false);
    let mut gradient = Gradient::zeros(&net.weights);
    let read = Measurement::read(&circuit, settled);
    assert_eq!(read.gradient(&none, &[false; 3], &mut gradient), 0);
    assert!(gradient.forward.iter().all(|g| g.largest() == 0.0));
}
#[test]
fn the_integrators_agree_on_when_a_circuit_settles() {
    // Steps of the exponential integrator are up to 5 τ long here, those of the others 0.1 τ to 1 τ.
    for (seed, activation, beta) in
        [(450, ActivationKind::Relu, 0.1), (451, ActivationKind::Tanh, 0.1), (452, ActivationKind::Tanh, 0.5)]
    {
        let mut spec = ideal(activation, Variant::DpTranspose, 0.5, beta);
        spec.solver = SolverSpec::default();
        let net = Net::random(seed, &[64, 32, 10], 32, 1.0, spec);
        let median = |kind: SolverKind| {
            let mut times = settle(&net, kind).time;
            times.sort_by(f64::total_cmp);
            times[16] / net.chip.slowest
        };
        let reference = median(SolverKind::Dop853);
        for kind in integrators() {
            let time = median(kind);
            println!("{activation:?} {beta} {kind:?}: {time:.3} τ");
            // The residual falls by an e-fold per τ or slower and is known to a few per cent when it is this
            // small.
            assert!((time - reference).abs() < 0.02 * reference, "{kind:?}: {time} τ, not {reference} τ");
        }
    }
}
