//! Derivatives: the circuit's tangent, the losses and backpropagation against central differences.

use dyadsim_core::chip::Chip;
use dyadsim_core::circuit::{DyadCircuit, Dynamics, Layered, Loss, Scratch};
use dyadsim_core::device::DeviceOffset;
use dyadsim_core::learn::Gradient;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::{Largest, larger};
use dyadsim_core::random::{Key, Kind, stream};
use dyadsim_core::solve::drive_jacobian;
use dyadsim_core::spec::*;
use rand_distr::{Distribution, StandardNormal};

use crate::nets::{Net, activations, ideal, row};
use crate::traces::scatter;

/// Half the width of a central difference (V). Its error is `h² u‴/6 + ε u/h`: with `h` = 1e-5, third
/// derivatives of up to a few hundred (steep devices behind several weights) and drives of up to 30 V, 1e-8 +
/// 1e-9.
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 3e-8;

/// Standard normal numbers times `scale`.
fn random(rows: usize, columns: usize, scale: f64, seed: u64) -> Matrix<f64> {
    let mut source = stream(Key::new(seed, Kind::Start));
    Matrix::from_fn(rows, columns, |_, _| {
        let normal: f64 = StandardNormal.sample(&mut source);
        scale * normal
    })
}

/// `max |∂u/∂v · d − (u(v + h d) − u(v − h d))/2h|` (V) at a random state along a random direction.
fn tangent_error(circuit: &DyadCircuit<'_, f64>, seed: u64) -> f64 {
    let (samples, width) = (circuit.samples(), circuit.layout().width());
    let (state, direction) = (random(samples, width, 1.0, seed), random(samples, width, 1.0, seed + 1000));
    let mut scratch = Scratch::new(circuit.layout(), samples);
    let mut drive_at = |state: &Matrix<f64>| {
        let mut drive = Matrix::zeros(samples, width);
        circuit.drive(state, &mut drive, &mut scratch);
        drive
    };
    let difference =
        (drive_at(&(&state + &direction * STEP)) - drive_at(&(&state - &direction * STEP))) / (2.0 * STEP);
    let mut image = Matrix::zeros(samples, width);
    circuit.tangent(&state, &direction, &mut image, &mut scratch);
    assert!(image.largest() > 0.1, "a direction that moves nothing"); // or the comparison is empty
    check_adjoint(circuit, &state, (&direction, &image), &mut scratch, seed);
    (image - difference).largest()
}

/// `⟨a, J b⟩ = ⟨Jᵀ a, b⟩` sample by sample, for the tangent `J b` of `b`, and the tangent is what it was
/// afterwards.
fn check_adjoint(
    circuit: &DyadCircuit<'_, f64>,
    state: &Matrix<f64>,
    (direction, image): (&Matrix<f64>, &Matrix<f64>),
    scratch: &mut Scratch<f64>,
    seed: u64,
) {
    let dual = random(state.nrows(), state.ncols(), 1.0, seed + 2000);
    let mut pulled = Matrix::from_element(state.nrows(), state.ncols(), f64::NAN);
    circuit.adjoint(state, &dual, &mut pulled, scratch);
    for i in 0..state.nrows() {
        let (forth, back) = (dual.row(i).dot(&image.row(i)), pulled.row(i).dot(&direction.row(i)));
        // Sums of some hundred terms, each of up to ‖a‖ ‖Jb‖ or ‖Jᵀa‖ ‖b‖.
        let size = dual.row(i).norm() * image.row(i).norm() + pulled.row(i).norm() * direction.row(i).norm();
        assert!((forth - back).abs() < 1e-14 * size, "sample {i}: {forth} {back}");
    }
    let mut again = Matrix::zeros(state.nrows(), state.ncols());
    circuit.tangent(state, direction, &mut again, scratch);
    assert_eq!(again, *image);
}

/// Every nudge point with every loss.
fn nudges() -> Vec<(NudgePoint, LossKind)> {
    let points = [NudgePoint::Mean, NudgePoint::Own, NudgePoint::Free, NudgePoint::Drive];
    points.into_iter().flat_map(|at| [(at, LossKind::Mse), (at, LossKind::CrossEntropy)]).collect()
}

#[test]
fn the_tangent_is_the_derivative_of_the_drive_for_every_device_nudge_and_feedback() {
    let mut worst = 0.0_f64;
    for (number, activation) in (0..).zip(activations()) {
        for (at, loss) in nudges() {
            for variant in [Variant::Dp, Variant::DpTranspose, Variant::Custom { plus: 0.9, minus: 0.4 }] {
                for synapses in [FeedbackSynapses::Shared, FeedbackSynapses::Separate] {
                    let mut spec = ideal(ActivationKind::Tanh, variant, 0.3, 0.7);
                    (spec.neuron.activation, spec.neuron.output_activation) = (activation, activation);
                    (spec.nudge.at, spec.nudge.loss, spec.nudge.reference) = (at, loss, 0.6);
                    spec.feedback =
                        FeedbackSpec { synapses, init: FeedbackInit::Random, ..FeedbackSpec::default() };
                    let mut net = Net::random(600 + number, &[5, 6, 7, 4], 3, 1.0, spec);
                    scatter(&mut net, 600 + number);
                    let error = tangent_error(&net.circuit(), 600 + number);
                    worst = larger(worst, error);
                    assert!(
                        error < TOLERANCE,
                        "{activation:?} {at:?} {loss:?} {variant:?} {synapses:?}: {error:.1e}"
                    );
                }
            }
        }
    }
    println!("largest error of the tangent: {worst:.1e}");
}

#[test]
fn separate_feedback_is_what_the_error_comes_back_through() {
    // With random feedback the Jacobian must hold F, not W: it differs from that of the same net without F.
    let mut spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.7);
    spec.feedback = FeedbackSpec {
        synapses: FeedbackSynapses::Separate,
        init: FeedbackInit::Random,
        ..FeedbackSpec::default()
    };
    let net = Net::random(620, &[3, 4, 2], 1, 1.0, spec);
    let jacobian = drive_jacobian(&net.circuit(), 0, &[0.0; 12]);
    let feedback = &net.weights.feedback.as_ref().unwrap()[1];
    for hidden in 0..4 {
        for output in 0..2 {
            // ∂u⁺₁/∂v⁺₂ = a⁺ F, at 0 V where tanh and the output have slope 1.
            assert!((jacobian[(hidden, 8 + output)] - 0.7 * feedback[(output, hidden)]).abs() < 1e-15);
        }
    }
}

#[test]
fn clipped_drives_do_not_move() {
    for (number, (at, loss)) in (0..).zip(nudges()) {
        let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, 0.3, 0.7);
        spec.supply = Some(SupplySpec { low: -0.4, high: 0.6 });
        (spec.nudge.at, spec.nudge.loss) = (at, loss);
        let net = Net::random(630 + number, &[5, 6, 7, 4], 4, 1.5, spec);
        // The seeds leave every drive more than STEP away from its rail.
        let error = tangent_error(&net.circuit(), 630 + number);
        assert!(error < TOLERANCE, "{at:?} {loss:?}: {error:.1e}");
    }
}

#[test]
fn the_dense_jacobian_is_that_of_the_written_equations() {
    for (number, activation) in (0..).zip(activations()) {
        for at in [NudgePoint::Mean, NudgePoint::Own, NudgePoint::Free, NudgePoint::Drive] {
            let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, 0.2, 0.6);
            (spec.neuron.activation, spec.nudge.at, spec.nudge.loss) =
                (activation, at, LossKind::CrossEntropy);
            let net = Net::random(640 + number, &[4, 5, 3], 2, 1.0, spec);
            let state = row(&random(1, 16, 0.7, 640 + number), 0);
            let error = (drive_jacobian(&net.circuit(), 1, state.as_slice())
                - net.oracle(1).jacobian(&state))
            .largest();
            assert!(error < TOLERANCE, "{activation:?} {at:?}: {error:.1e}");
        }
    }
}

#[test]
fn loss_gradients_are_the_derivatives_of_the_loss() {
    for kind in [LossKind::Mse, LossKind::CrossEntropy] {
        for reference in [1.0, 0.3] {
            let loss = Loss { kind, reference };
            let (at, target) = (random(3, 5, 0.5, 650), random(3, 5, 1.0, 651).map(f64::abs));
            // Targets of the cross-entropy are probabilities.
            let target = Matrix::from_fn(3, 5, |i, j| target[(i, j)] / target.row(i).sum());
            let mut gradient = Matrix::zeros(3, 5);
            loss.gradient(3, at.as_slice(), target.as_slice(), gradient.as_mut_slice());
            for i in 0..3 {
                let value = |j: usize, h: f64| {
                    let mut moved: Vec<f64> = at.row(i).iter().copied().collect();
                    moved[j] += h;
                    loss.value(&moved, row(&target, i).as_slice())
                };
                for j in 0..5 {
                    // `value` is in units of the reference squared for the cross-entropy, whose gradient is
                    // in V.
                    let unit = if kind == LossKind::Mse { 1.0 } else { reference * reference };
                    let difference = unit * (value(j, STEP) - value(j, -STEP)) / (2.0 * STEP);
                    assert!((gradient[(i, j)] - difference).abs() < 1e-9, "{kind:?} {reference}"); // h²/u² and ε/h
                }
            }
        }
    }
}

#[test]
fn loss_curvatures_are_the_derivatives_of_the_gradient() {
    for kind in [LossKind::Mse, LossKind::CrossEntropy] {
        for reference in [1.0, 0.3] {
            let loss = Loss { kind, reference };
            let (at, direction) = (random(3, 5, 0.5, 660), random(3, 5, 1.0, 661));
            let target = Matrix::from_element(3, 5, 0.2);
            let gradient = |at: &Matrix<f64>| {
                let mut gradient = Matrix::zeros(3, 5);
                loss.gradient(3, at.as_slice(), target.as_slice(), gradient.as_mut_slice());
                gradient
            };
            let difference =
                (gradient(&(&at + &direction * STEP)) - gradient(&(&at - &direction * STEP))) / (2.0 * STEP);
            let mut image = Matrix::zeros(3, 5);
            loss.curvature(3, at.as_slice(), direction.as_slice(), image.as_mut_slice());
            assert!((image - difference).largest() < 1e-8, "{kind:?} {reference}"); // third derivatives of 1/u² = 10
        }
    }
}

/// Mean loss (V²) of a net's feed-forward outputs, by the written equations.
fn mean_loss(net: &Net) -> f64 {
    let samples = net.batch.inputs.nrows();
    let unit = if net.spec.nudge.loss == LossKind::Mse { 1.0 } else { net.spec.nudge.reference.powi(2) };
    let losses = (0..samples).map(|i| {
        let loss = Loss { kind: net.spec.nudge.loss, reference: net.spec.nudge.reference };
        let output = net.oracle(i).forward().pop().unwrap();
        unit * loss.value(output.as_slice(), row(&net.batch.targets, i).as_slice())
    });
    losses.sum::<f64>() / samples as f64
}

#[test]
fn backpropagation_is_the_derivative_of_the_mean_loss() {
    for (number, activation) in (0..).zip(activations()) {
        for loss in [LossKind::Mse, LossKind::CrossEntropy] {
            let mut spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.5, 0.1);
            (spec.neuron.activation, spec.neuron.output_activation) = (activation, activation);
            (spec.nudge.loss, spec.nudge.reference) = (loss, 0.4);
            let mut net = Net::random(670 + number, &[3, 4, 5, 2], 3, 1.0, spec);
            if loss == LossKind::CrossEntropy {
                net.batch.targets = Matrix::from_fn(3, 2, |i, j| f64::from(u8::from(i % 2 == j)));
            }
            check_backpropagation(&mut net, &format!("{activation:?} {loss:?}"));
        }
    }
}

/// Compares every entry of the gradient with a central difference of the mean loss.
fn check_backpropagation(net: &mut Net, what: &str) {
    let gradient: Gradient<f64> = net.backprop();
    let mut along = |what: &str, at: &mut dyn FnMut(&mut Net) -> &mut f64, exact: f64| {
        let mut loss = |h: f64| {
            *at(net) += h;
            let loss = mean_loss(net);
            *at(net) -= h;
            loss
        };
        let difference = (loss(STEP) - loss(-STEP)) / (2.0 * STEP);
        assert!((difference - exact).abs() < TOLERANCE, "{what}: {difference} {exact}");
    };
    for k in 0..gradient.forward.len() {
        for entry in 0..gradient.forward[k].len() {
            let exact = gradient.forward[k][entry];
            along(what, &mut |net| &mut net.weights.forward[k][entry], exact);
        }
        for entry in 0..gradient.biases[k].len() {
            along(what, &mut |net| &mut net.weights.biases[k][entry], gradient.biases[k][entry]);
        }
    }
}

#[test]
fn a_held_nudge_holds_the_mean_output_of_offset_devices() {
    // At α = 0 DPᵀ feeds nothing back into the minus compartments, so the free mean is the feed-forward
    // output through their offsets, and a target equal to it leaves no error to nudge.
    let mut spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.0, 1.0);
    spec.nudge.at = NudgePoint::Free;
    let mut net = Net::random(690, &[3, 2], 1, 1.0, spec);
    net.chip = Chip::fabricate(&net.spec, &net.network);
    net.chip.layers[0].offset_plus =
        [(0.1, 1.2), (-0.2, 0.9)].map(|(offset, scale)| DeviceOffset { offset, scale }).into();
    net.chip.layers[0].offset_minus =
        [(-0.3, 0.8), (0.05, 1.1)].map(|(offset, scale)| DeviceOffset { offset, scale }).into();
    let free = DyadCircuit::free(&net.chip, &net.weights, &net.batch.inputs);
    net.batch.targets = free.means(&free.free_state()).pop().unwrap();
    let circuit = net.circuit();
    let mut drive = Matrix::zeros(1, 4);
    circuit.drive(&circuit.free_state(), &mut drive, &mut Scratch::new(circuit.layout(), 1));
    let pull = (drive - circuit.free_state()).largest();
    assert!(pull < 1e-15, "{pull} V"); // no error, no nudge: rounding of the drive alone
}

#[test]
fn loaded_amplifiers_scale_the_tangent_and_its_transpose_as_they_scale_the_drive() {
    for (number, (at, loss)) in (0..).zip(nudges()) {
        for variant in [Variant::Dp, Variant::Custom { plus: 0.9, minus: 0.4 }] {
            let mut spec = ideal(ActivationKind::Tanh, variant, 0.3, 0.7);
            (spec.nudge.at, spec.nudge.loss, spec.nudge.reference) = (at, loss, 0.6);
            // 30 dB: a quarter of the drive is missing.
            let gain = Some(30.0);
            spec.amplifier =
                Some(AmplifierSpec { gain, offset: 0.01, pair_minimum: 20e-9, ..AmplifierSpec::default() });
            let mut net = Net::random(650 + number, &[5, 6, 7, 4], 3, 1.0, spec);
            scatter(&mut net, 650 + number);
            let error = tangent_error(&net.circuit(), 650 + number);
            assert!(error < TOLERANCE, "{at:?} {loss:?} {variant:?}: {error:.1e}");
        }
    }
}
