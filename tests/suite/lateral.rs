//! Lateral synapses: rules and circuits with them against one dense matrix, and the fully connected Hopfield net.

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{Dynamics, HopfieldCircuit, Loss, Nudge, RecurrentDyads};
use dyadsim_core::learn::{Gradient, Optimizer, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::settle_any_from;
use dyadsim_core::spec::*;
use nalgebra::DVector;

use crate::any_coupling::{self, asymmetric};
use crate::equilibrium::{self, estimate};
use crate::hopfield::{Hopfield, log_cosh};
use crate::nets::relative_error;

/// The same net with synapses between the neurons of every layer, of standard deviation `gain/√n`.
fn with_lateral(mut net: Hopfield, seed: u64, gain: f64) -> Hopfield {
    net.spec.lateral = true;
    net.spec.kind = Some(CircuitKind::Hopfield);
    net.spec.feedback.init = FeedbackInit::Random;
    let std = net.network[1..].iter().map(|n| gain / (*n as f64).sqrt()).collect();
    net.weights.lateral = Weights::draw(&InitSpec::Std(std), &net.spec, &net.network, seed).lateral;
    net
}

/// Twenty shapes: one layer, which is then fully connected, to three.
fn shapes() -> impl Iterator<Item = (u64, &'static [usize])> {
    let shapes: [&[usize]; 4] = [&[5, 8], &[4, 7, 3], &[4, 6, 5, 3], &[3, 5, 5, 4, 2]];
    (0..20).map(move |seed| (seed, shapes[seed as usize % 4]))
}

#[test]
fn small_nudges_give_the_exact_gradient_on_twenty_symmetric_nets() {
    for (seed, shape) in shapes() {
        let net = with_lateral(Hopfield::random(800 + seed, shape, 4, 0.3), seed, 0.3);
        let exact = equilibrium::exact(&net);
        assert!(exact.lateral.as_ref().unwrap().iter().any(|l| l.amax() > 1e-3), "it has something to learn");
        for (kind, beta, bound) in [
            (RuleKind::RecurrentBp, 0.1, 1e-8),
            (RuleKind::Ep, 2e-7, 1e-6),
            (RuleKind::EpCentred, 1e-4, 1e-6),
            (RuleKind::EpHolomorphic, 0.01, 1e-6),
            (RuleKind::EpAsymmetric, 2e-7, 1e-6),
            (RuleKind::EpVectorField, 2e-7, 1e-6),
        ] {
            let found = estimate(&net, kind, beta);
            let error = relative_error(&found, &exact);
            assert!(error < bound, "net {seed}, {kind:?}: {error:.1e}");
            for lateral in found.lateral.iter().flatten() {
                assert_eq!(*lateral, lateral.transpose(), "one device for both directions");
                assert!(lateral.diagonal().iter().all(|&d| d == 0.0));
            }
        }
        let dyads = any_coupling::estimate(&net, RuleKind::DyadicEp, (0.5, 1e-4));
        let error = relative_error(&dyads, &exact);
        assert!(error < 1e-6, "net {seed}, dyads: {error:.1e}");
    }
}

#[test]
fn rules_for_any_coupling_give_the_exact_gradient_on_twenty_asymmetric_nets() {
    for (seed, shape) in shapes() {
        let net = with_lateral(asymmetric(830 + seed, shape, 0.3 * (1 + seed % 5) as f64), seed, 0.3);
        let lateral = &net.weights.lateral.as_ref().unwrap()[0];
        assert!((lateral - lateral.transpose()).amax() > 0.01, "directions are devices of their own");
        let exact = any_coupling::exact(&net);
        for (kind, alpha, beta, bound) in [
            (RuleKind::RecurrentBp, 0.5, 0.1, 1e-8),
            (RuleKind::EpAsymmetric, 0.5, 3e-7, 1e-6),
            (RuleKind::DyadicEp, 0.0, 3e-7, 1e-6),
            (RuleKind::DyadicEp, 0.5, 1e-4, 1e-6),
        ] {
            let error = any_coupling::apart(&any_coupling::estimate(&net, kind, (alpha, beta)), &exact);
            assert!(error < bound, "net {seed}, {kind:?} at α {alpha}: {error:.1e}");
        }
        let field = any_coupling::estimate(&net, RuleKind::EpVectorField, (0.5, 1e-6));
        assert!(any_coupling::apart(&field, &exact) > 1e-2, "net {seed}");
    }
}

#[test]
fn clamped_rules_are_the_slope_of_energies_with_lateral_synapses_too() {
    // E(clamped) − E(free) of one linear layer whose every wire is forced: nothing of the neurons moves it but
    // what the wires say, so that ĝ = −(y yᵀ − s sᵀ), averaged.
    let net = with_lateral(Hopfield::random(850, &[4, 6], 3, 0.3), 1, 0.3);
    let found = estimate(&net, RuleKind::Chl, 0.1).lateral.unwrap().remove(0);
    let mut exact = Matrix::zeros(6, 6);
    for sample in 0..3 {
        let s = net.equilibrium(sample, 0.0);
        let y = DVector::from_fn(6, |i, _| net.batch.targets[(sample, i)]);
        exact -= (&y * y.transpose() - &s * s.transpose()) / 3.0;
    }
    exact.fill_diagonal(0.0);
    assert!((found - exact).amax() < 1e-9);
}

#[test]
fn trajectories_of_a_fully_connected_net_descend_its_energy() {
    // Strong enough to have several equilibria.
    let mut net = with_lateral(Hopfield::random(851, &[3, 12], 4, 0.5), 2, 2.5);
    net.spec.neuron.output_activation = ActivationKind::Tanh.into();
    let chip = net.chip();
    let circuit = HopfieldCircuit::free(&chip, &net.weights, &net.batch.inputs);
    let spec = SolverSpec { rtol: 1e-9, atol: 1e-12, ..SolverSpec::default() };
    let settled = settle_any_from(&spec, &circuit, None, (true, &|_| {})).unwrap();
    let coupling = net.coupling();
    for (sample, trace) in settled.traces.iter().enumerate() {
        let energy = |v: &Vec<f64>| -> f64 {
            let s = DVector::from_iterator(v.len(), v.iter().map(|v| v.tanh()));
            let own: f64 = v.iter().zip(s.iter()).map(|(v, s)| s * v - log_cosh(*v)).sum();
            own - 0.5 * s.dot(&(&coupling * &s)) - s.dot(&net.heard(sample))
        };
        let energies: Vec<f64> = trace.states.iter().map(energy).collect();
        for pair in energies.windows(2) {
            // Rounding of a sum of some 20 terms of order 1.
            assert!(pair[1] <= pair[0] + 1e-13, "sample {sample}: it rises by {:.1e}", pair[1] - pair[0]);
        }
        assert!(energies[0] - energies[energies.len() - 1] > 0.1, "sample {sample}");
    }
}

/// Holds products with the Jacobian and its transpose against differences of the drive.
fn check_jacobian(circuit: &dyn Dynamics<f64>) {
    let (samples, width) = (circuit.samples(), circuit.width());
    let wave =
        |k: f64| Matrix::from_fn(samples, width, |i, j| (k * (1.3 * i as f64 + 0.7 * j as f64 + 1.0)).sin());
    let (state, direction, dual) = (wave(1.0), wave(2.1), wave(3.7));
    let mut scratch = circuit.scratch(samples);
    let blank = || Matrix::zeros(samples, width);
    let (mut image, mut pulled, mut up, mut down) = (blank(), blank(), blank(), blank());
    circuit.tangent(&state, &direction, &mut image, &mut scratch);
    circuit.adjoint(&state, &dual, &mut pulled, &mut scratch);
    let h = 1e-5;
    circuit.drive(&(&state + &direction * h), &mut up, &mut scratch);
    circuit.drive(&(&state - &direction * h), &mut down, &mut scratch);
    // Third derivatives of order 10: h²/6 of them is 2e-10; rounding 1e-15/h.
    assert!((&image - (up - down) / (2.0 * h)).amax() < 1e-8);
    for i in 0..samples {
        let (there, back) = (dual.row(i).dot(&image.row(i)), pulled.row(i).dot(&direction.row(i)));
        assert!((there - back).abs() < 1e-12 * (1.0 + there.abs()));
    }
}

#[test]
fn tangents_and_adjoints_are_those_of_the_drive() {
    let mut net = with_lateral(asymmetric(852, &[3, 5, 4, 2], 0.8), 3, 0.8);
    net.spec.mismatch = MismatchSpec { synapse_dtod: 0.2, seed: Some(3), ..net.spec.mismatch.clone() };
    net.spec.amplifier = Some(AmplifierSpec { gain: Some(200.0), ..AmplifierSpec::default() });
    let loss = Loss { kind: LossKind::Mse, reference: 1.0 };
    let nudge = Nudge { target: net.batch.targets.clone(), beta: 0.4, at: NudgePoint::Mean, loss };
    let chip = net.chip();
    let rest = Matrix::from_element(4, 11, 0.1);
    let circuit = || HopfieldCircuit::free(&chip, &net.weights, &net.batch.inputs);
    check_jacobian(&circuit().nudged(nudge.clone(), &Matrix::zeros(0, 0)));
    check_jacobian(&circuit().turned(&rest));
    let mut spec = CircuitSpec { amplifier: None, ..net.spec.clone() };
    spec.kind = Some(CircuitKind::RecurrentDyad);
    let chip = Chip::fabricate(&spec, &net.network);
    check_jacobian(&RecurrentDyads::free(&chip, &net.weights, &net.batch.inputs).nudged(nudge));
}

#[test]
fn lateral_synapses_change_no_other_draw_and_have_one_device_a_pair_on_a_shared_crossbar() {
    let plain = Hopfield::random(853, &[4, 6, 3], 2, 0.35);
    for separate in [false, true] {
        let mut spec = CircuitSpec { lateral: true, ..plain.spec.clone() };
        spec.mismatch = MismatchSpec { synapse_dtod: 0.3, seed: Some(7), ..spec.mismatch };
        if separate {
            (spec.feedback.synapses, spec.feedback.init) = (FeedbackSynapses::Separate, FeedbackInit::Random);
        }
        let std = InitSpec::Std(vec![0.2, 0.1]);
        let [with, without] = [true, false].map(|lateral| {
            let spec = CircuitSpec { lateral, ..spec.clone() };
            (Weights::<f64>::draw(&std, &spec, &plain.network, 5), Chip::fabricate(&spec, &plain.network))
        });
        assert_eq!((&with.0.forward, &with.0.feedback), (&without.0.forward, &without.0.feedback));
        let drawn = with.0.lateral.clone().unwrap();
        let effective = with.1.effective_weights(&with.0);
        assert_eq!(effective.forward, without.1.effective_weights(&without.0).forward);
        assert!(without.0.lateral.is_none());
        for (lateral, carried) in drawn.iter().zip(effective.lateral.as_ref().unwrap()) {
            for matrix in [lateral, carried] {
                assert!(matrix.diagonal().iter().all(|&d| d == 0.0));
                assert_eq!(*matrix == matrix.transpose(), !separate);
            }
            assert!((lateral - carried).amax() > 1e-4);
        }
        let moved = with.0.moved(1e-3, 4).lateral.unwrap();
        assert!(moved[0] != drawn[0] && (&moved[0] - &drawn[0]).amax() < 1e-2);
        assert_eq!(moved[0] == moved[0].transpose(), !separate);
    }
}

#[test]
fn what_is_one_device_stays_so_through_noisy_updates() {
    let net = with_lateral(Hopfield::random(854, &[4, 6, 3], 4, 0.3), 4, 0.3);
    for kind in [OptimizerKind::Sgd, OptimizerKind::Momentum, OptimizerKind::Adam] {
        let spec = OptimizerSpec { kind, update_noise: 0.01, ..OptimizerSpec::adam(0.01) };
        let mut weights = net.weights.clone();
        let mut optimizer = Optimizer::new(&spec, 1, &weights);
        let mut gradient = Gradient::zeros(&weights);
        let learner = rule(RuleKind::EpCentred, &net.spec, &net.network);
        for _ in 0..5 {
            learner.estimate(&weights, &net.batch, &mut gradient);
            optimizer.update(&mut weights, &gradient, 0);
            optimizer.disturb(&mut weights, 3, 0);
        }
        for (now, before) in weights.lateral.iter().flatten().zip(net.weights.lateral.iter().flatten()) {
            assert_eq!(*now, now.transpose());
            assert!(now.diagonal().iter().all(|&d| d == 0.0) && (now - before).amax() > 1e-3);
        }
    }
}
