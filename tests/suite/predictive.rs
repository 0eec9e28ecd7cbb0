//! Predictive coding: its circuit against its energy written out here, and its rule against backpropagation.

use dyadsim::prelude::{Network, Training};
use dyadsim_core::analysis::small_signal::System;
use dyadsim_core::chip::Chip;
use dyadsim_core::circuit::{Dynamics, Loss, Nudge, PredictiveCircuit};
use dyadsim_core::data::{Request, load};
use dyadsim_core::learn::{Backprop, Gradient, Rule, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::{Outcome, settle_any_from};
use dyadsim_core::spec::*;
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;

use crate::nets::{Net, ideal, relative_error};
use crate::traces::slope;

/// A tanh net at equilibria that are known to rounding.
fn net(seed: u64, network: &[usize], beta: f64) -> Net {
    let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, 0.5, beta);
    spec.kind = Some(CircuitKind::PredictiveCoding);
    spec.nudge.at = NudgePoint::Own;
    spec.solver = SolverSpec { kind: SolverKind::Dc, rtol: 1e-13, atol: 1e-15, ..spec.solver };
    Net::random(seed, network, 4, 1.0, spec)
}

/// The same net with devices of its own.
fn scattered(seed: u64, network: &[usize], beta: f64) -> Net {
    let mut net = net(seed, network, beta);
    net.spec.mismatch = MismatchSpec {
        offset_dtod: 0.05,
        time_constant_dtod: 0.2,
        scale_dtod: 0.1,
        synapse_dtod: 0.1,
        seed: Some(seed),
        ..net.spec.mismatch
    };
    net.chip = Chip::fabricate(&net.spec, network);
    net
}

fn circuit(net: &Net) -> PredictiveCircuit<'_, f64> {
    let NudgeSpec { beta, at, loss, reference, .. } = net.spec.nudge;
    let nudge = Nudge { target: net.batch.targets.clone(), beta, at, loss: Loss { kind: loss, reference } };
    PredictiveCircuit::free(&net.chip, &net.weights, &net.batch.inputs).nudged(nudge)
}

/// `½ Σ ‖x_k − f(W_k x_{k−1} + b_k)‖² + β ½ ‖x_L − y‖²` of a sample of a net of equal devices, in plain
/// numbers.
fn energy(net: &Net, sample: usize, state: &[f64]) -> f64 {
    let (mut below, mut start, mut total) = (net.batch.inputs.row(sample).transpose(), 0, 0.0);
    let depth = net.weights.forward.len();
    for (layer, (weights, biases)) in net.weights.forward.iter().zip(&net.weights.biases).enumerate() {
        let own = DVector::from_column_slice(&state[start..start + biases.len()]);
        let heard = weights * below + DVector::from_column_slice(biases);
        let predicted = if layer + 1 < depth { heard.map(f64::tanh) } else { heard };
        total += 0.5 * (&own - predicted).norm_squared();
        (below, start) = (own, start + biases.len());
    }
    total + 0.5 * net.spec.nudge.beta * (below - net.batch.targets.row(sample).transpose()).norm_squared()
}

fn estimate(net: &Net) -> Gradient<f64> {
    let mut gradient = Gradient::zeros(&net.weights);
    // What an earlier batch has left.
    gradient.forward.iter_mut().for_each(|w| w.fill(7.0));
    gradient.biases.iter_mut().for_each(|b| b.fill(7.0));
    let made = rule(RuleKind::PredictiveCoding, &net.spec, &net.network);
    let report = made.estimate(&net.weights, &net.batch, &mut gradient);
    assert_eq!((report.used, report.relaxations), (net.batch.inputs.nrows(), 1), "not all settle");
    gradient
}

fn random_state(circuit: &PredictiveCircuit<'_, f64>, seed: usize) -> Matrix<f64> {
    Matrix::from_fn(circuit.samples(), circuit.width(), |i, j| ((seed + 7 * i + 3 * j) as f64).sin())
}

#[test]
fn drives_are_the_slopes_of_the_energy_and_the_energy_is_that_of_plain_numbers() {
    let net = net(700, &[4, 6, 5, 3], 0.4);
    let circuit = circuit(&net);
    let state = random_state(&circuit, 1);
    let mut drive = state.clone();
    circuit.drive(&state, &mut drive, &mut circuit.scratch(4));
    for sample in 0..4 {
        let at: Vec<f64> = state.row(sample).iter().copied().collect();
        assert!((circuit.energies(&state)[sample] - energy(&net, sample, &at)).abs() < 1e-13);
        for j in 0..at.len() {
            let moved = |by: f64| {
                let mut moved = at.clone();
                moved[j] += by;
                energy(&net, sample, &moved)
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            // u = x − ∂E/∂x; third derivatives of some 10 times h²/6, rounding of 1e-16 over 2 h.
            assert!((at[j] - slope - drive[(sample, j)]).abs() < 1e-8, "{sample} {j}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn tangents_are_those_of_the_drive_and_their_own_adjoints(seed in 0_u64..1000, free in any::<bool>()) {
        let mut net = scattered(seed, &[3, 5, 4, 2], 0.7);
        let shapes = [ActivationKind::Tanh, ActivationKind::Sigmoid, ActivationKind::Softplus];
        net.spec.neuron.activation = shapes[seed as usize % 3].into();
        net.spec.nudge.at = if free { NudgePoint::Free } else { NudgePoint::Own };
        net.spec.nudge.loss = if seed % 2 == 0 { LossKind::Mse } else { LossKind::CrossEntropy };
        net.chip = Chip::fabricate(&net.spec, &net.network);
        let circuit = circuit(&net);
        let (state, along) = (random_state(&circuit, 1), random_state(&circuit, 5));
        let mut scratch = circuit.scratch(4);
        let mut drive = |state: &Matrix<f64>| {
            let mut drive = state.clone();
            circuit.drive(state, &mut drive, &mut scratch);
            drive
        };
        let central = (drive(&(&state + &along * 1e-5)) - drive(&(&state - &along * 1e-5))) / 2e-5;
        let (mut image, mut back) = (state.clone(), state.clone());
        circuit.tangent(&state, &along, &mut image, &mut circuit.scratch(4));
        prop_assert!((&image - central).amax() < 1e-8);
        let other = random_state(&circuit, 9);
        circuit.adjoint(&state, &other, &mut back, &mut circuit.scratch(4));
        for sample in 0..4 {
            let (a, b) = (other.row(sample).dot(&image.row(sample)), back.row(sample).dot(&along.row(sample)));
            prop_assert!((a - b).abs() < 1e-12 * (1.0 + a.abs()));
        }
    }
}

#[test]
fn the_energy_never_rises_along_a_trajectory_whatever_the_devices() {
    let net = scattered(701, &[4, 9, 7, 3], 0.8);
    let circuit = circuit(&net);
    for kind in [SolverKind::Etd, SolverKind::Dopri5] {
        let spec = SolverSpec { kind, rtol: 1e-9, atol: 1e-12, max_time: 1000.0, ..SolverSpec::default() };
        let start = random_state(&circuit, 3);
        let settled = settle_any_from(&spec, &circuit, Some(&start), (true, &|_| {})).unwrap();
        for (sample, trace) in settled.traces.iter().enumerate() {
            assert_eq!(settled.outcomes[sample], Outcome::Settled, "{kind:?}");
            let energies = trace.states.iter().map(|state| {
                let mut all = Matrix::zeros(4, state.len());
                all.row_mut(sample).copy_from_slice(state);
                circuit.energies(&all)[sample]
            });
            let energies: Vec<f64> = energies.collect();
            assert!(energies.len() > 20);
            for pair in energies.windows(2) {
                // Rounding of a sum of some 20 terms of order 1.
                assert!(pair[1] <= pair[0] + 1e-13, "{kind:?} {sample}: by {:.1e}", pair[1] - pair[0]);
            }
            assert!(energies[0] - energies[energies.len() - 1] > 0.1, "{kind:?} {sample}");
        }
    }
}

#[test]
fn without_a_nudge_it_rests_where_it_is_fed_forward_from_anywhere() {
    let net = scattered(702, &[4, 6, 5, 3], 0.0);
    let circuit = circuit(&net);
    let spec = SolverSpec { rtol: 1e-10, atol: 1e-12, max_time: 1000.0, ..SolverSpec::default() };
    let start = Matrix::zeros(4, circuit.width());
    let settled = settle_any_from(&spec, &circuit, Some(&start), (false, &|_| {})).unwrap();
    assert!((settled.state - circuit.free_state()).amax() < 1e-7);
    assert!(circuit.energies(&circuit.free_state()).iter().all(|energy| *energy < 1e-30));
}

#[test]
fn the_estimate_is_the_slope_of_its_own_energy_over_the_nudge() {
    let net = net(703, &[4, 6, 5, 3], 0.3);
    let found = estimate(&net);
    let settled = |net: &Net| {
        let state = settle_any_from(&net.spec.solver, &circuit(net), None, (false, &|_| {})).unwrap().state;
        let each = |sample: usize| energy(net, sample, state.row(sample).transpose().as_slice());
        (0..4).map(each).sum::<f64>() / 4.0
    };
    for layer in 0..3 {
        for (i, j) in [(0, 0), (1, 2), (2, 1)] {
            let at = |by: f64| {
                let mut moved =
                    Net { weights: net.weights.clone(), batch: net.batch.clone(), ..net_like(&net) };
                moved.weights.forward[layer][(i, j)] += by;
                settled(&moved)
            };
            // The equilibrium is a minimum, so that its own move does not count.
            let central = (at(1e-5) - at(-1e-5)) / 2e-5 / net.spec.nudge.beta;
            let apart = (found.forward[layer][(i, j)] - central).abs();
            assert!(apart < 1e-7, "layer {layer}, ({i}, {j}): {apart:.1e}");
        }
    }
}

fn net_like(net: &Net) -> Net {
    Net::random(703, &net.network, 4, 1.0, net.spec.clone())
}

#[test]
fn the_gradient_is_that_of_backpropagation_to_first_order_of_the_nudge() {
    for (seed, network) in (710..).zip([&[5, 8, 3][..], &[4, 7, 6, 3], &[4, 6, 5, 5, 2]]) {
        let error = |beta: f64| {
            let net = net(seed, network, beta);
            relative_error(&estimate(&net), &net.backprop())
        };
        let logs: Vec<(f64, f64)> = [1e-3, 2e-3, 4e-3].map(|beta: f64| (beta.ln(), error(beta).ln())).into();
        let fitted = slope(&logs);
        assert!((fitted - 1.0).abs() < 0.05, "{network:?}: {fitted}");
        assert!(error(1e-5) < 1e-3, "{network:?}: {:.1e}", error(1e-5));
    }
}

#[test]
fn on_a_chip_of_scattered_devices_it_is_the_gradient_of_that_chip() {
    for at in [NudgePoint::Own, NudgePoint::Free] {
        let mut net = scattered(720, &[4, 7, 6, 3], 1e-5);
        net.spec.nudge.at = at;
        let mut exact = Gradient::zeros(&net.weights);
        let unit = net.chip.synapses.take();
        Backprop::new(net.chip.clone(), &net.spec.nudge).estimate(&net.weights, &net.batch, &mut exact);
        net.spec.mismatch.synapse_dtod = 0.0;
        let error = relative_error(&estimate(&net), &exact);
        assert!(unit.is_some() && error < 1e-3, "{at:?}: {error:.1e}");
    }
}

#[test]
fn a_batch_is_its_samples_one_by_one() {
    let net = net(730, &[4, 7, 6, 3], 0.2);
    let whole = estimate(&net);
    let mut sum = Gradient::zeros(&net.weights);
    for sample in 0..4 {
        let row = |matrix: &Matrix<f64>| matrix.rows(sample, 1).into_owned();
        let batch = dyadsim_core::learn::Batch::new(row(&net.batch.inputs), row(&net.batch.targets));
        let one = Net { batch, ..Net::random(730, &net.network, 4, 1.0, net.spec.clone()) };
        let part = estimate(&one);
        for (sum, part) in sum.forward.iter_mut().zip(&part.forward) {
            *sum += part / 4.0;
        }
        for (sum, part) in sum.biases.iter_mut().flatten().zip(part.biases.iter().flatten()) {
            *sum += part / 4.0;
        }
    }
    // Equilibria to 1e-13, over β.
    assert!(relative_error(&sum, &whole) < 1e-9);
}

#[test]
fn thermal_noise_of_a_linear_circuit_has_the_covariance_of_boltzmann() {
    let mut net = net(740, &[3, 4, 3, 2], 0.5);
    net.spec.neuron.activation = ActivationKind::Linear.into();
    net.spec.noise.thermal = Some(ThermalSpec { excess: 2.5 });
    net.chip = Chip::fabricate(&net.spec, &net.network);
    let circuit = circuit(&net);
    // E is half a quadratic form, of the matrix that takes activities to errors and to the nudged outputs.
    let width = circuit.width();
    let mut errors = DMatrix::<f64>::identity(width, width);
    for (layer, start) in [(1, 4), (2, 7)] {
        let weights = &net.weights.forward[layer];
        errors.view_mut((start, start - weights.ncols()), weights.shape()).copy_from(&(-weights));
    }
    let mut hessian = errors.transpose() * &errors;
    (7..9).for_each(|output| hessian[(output, output)] += 0.5);
    let share = 2.5 * 1.380_649e-23 * net.spec.temperature / net.spec.neuron.capacitance;
    let expected = hessian.try_inverse().unwrap() * share;
    let spec = SolverSpec { kind: SolverKind::Dc, ..net.spec.solver };
    let state = settle_any_from(&spec, &circuit, None, (false, &|_| {})).unwrap().state;
    let point: Vec<f64> = state.row(0).iter().copied().collect();
    let found = System::at(&circuit, 0, &point).covariance().unwrap().total;
    assert!((&found - &expected).amax() / expected.amax() < 1e-9);
}

#[test]
fn it_learns_digits_as_backpropagation_does() {
    let data = load(&Request::named("digits")).unwrap();
    let trained = |kind: RuleKind| {
        let mut spec = CircuitSpec::default();
        spec.neuron.activation = ActivationKind::Tanh.into();
        spec.nudge = NudgeSpec { beta: 0.1, at: NudgePoint::Own, ..spec.nudge };
        spec.solver = SolverSpec { kind: SolverKind::Dc, rtol: 1e-6, ..spec.solver };
        let network = Network::new(spec, &[64, 24, 10]).unwrap().seed(1);
        let training = Training::new(network, &data).rule(kind).epochs(3).batch(25);
        training.optimizer(OptimizerSpec::adam(0.005)).run().unwrap()
    };
    let [own, exact] = [RuleKind::PredictiveCoding, RuleKind::Bp].map(trained);
    let (found, wanted) = (own.test_accuracy(), exact.test_accuracy());
    println!("{found} {wanted}");
    assert!(wanted > 0.85 && (found - wanted).abs() < 0.03, "{found} {wanted}");
    assert_eq!(own.network.circuit().kind(), CircuitKind::PredictiveCoding);
    assert!(own.epochs[2].at_rest().unwrap() > 0.999);
}
