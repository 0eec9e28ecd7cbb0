//! Derivatives of the gradient estimate and of the margin by the parameters of devices: against differences
//! of the whole solution, device by device, and against the closed form of a chain.

use dyadsim::study::Silent;
use dyadsim::study::sensitivity::{DeviceParameter, Group, Sensitivities, Side, sensitivities};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{DyadCircuit, Dynamics};
use dyadsim_core::learn::nudged;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::{drive_jacobian, fixed_point, spectrum};
use dyadsim_core::spec::*;
use nalgebra::DVector;
use proptest::prelude::*;

use crate::nets::{Net, ideal, row};
use crate::traces::scatter;

/// Agreement that is asked for, relative to the derivative.
const AGREEMENT: f64 = 1e-6;

fn answer(net: &Net) -> Sensitivities {
    let found = sensitivities(&net.spec, &net.chip, &net.weights, &net.batch, &Silent);
    found.unwrap_or_else(|error| panic!("{error:?}"))
}

/// A parameter of one device moved by `h`.
fn moved(net: &Net, group: &Group, device: usize, h: f64) -> (Chip<f64>, Weights<f64>) {
    let (mut chip, mut weights) = (net.chip.clone(), net.weights.clone());
    let (k, plus) = (group.layer, group.side != Some(Side::Minus));
    let column = if plus { chip.layout.plus(k).start } else { chip.layout.minus(k).start } + device;
    let devices = &mut chip.layers[k];
    let trim = if plus { &mut devices.offset_plus } else { &mut devices.offset_minus };
    let gain = if plus { &mut devices.gain_plus } else { &mut devices.gain_minus };
    let inputs = weights.forward[k].ncols();
    match group.quantity {
        DeviceParameter::Offset => trim[device].offset += h,
        DeviceParameter::Scale => trim[device].scale += h,
        DeviceParameter::Gain => gain[device] += h,
        DeviceParameter::Mixing => devices.mixing[device] += h,
        DeviceParameter::Bias => weights.biases[k][device] += h,
        DeviceParameter::TimeConstant => chip.rates[column] *= (-h).exp(),
        DeviceParameter::Synapse => weights.forward[k][(device / inputs, device % inputs)] *= 1.0 + h,
        DeviceParameter::FeedbackSynapse => {
            weights.feedback.as_mut().unwrap()[k][(device / inputs, device % inputs)] *= 1.0 + h;
        }
    }
    (chip, weights)
}

/// The fixed points of a circuit, to rounding.
fn rests(circuit: &DyadCircuit<'_, f64>) -> Matrix<f64> {
    let mut state = circuit.free_state();
    for i in 0..state.nrows() {
        let found = fixed_point(circuit, i, row(&state, i).as_slice(), 1e-10); // and a last step from there
        assert!(found.residual < 1e-13, "no fixed point: {:.1e} V", found.residual);
        state.row_mut(i).copy_from_slice(&found.state);
    }
    state
}

/// The estimate of every layer at `state`, weights and biases one after the other.
fn estimate(
    net: &Net,
    chip: &Chip<f64>,
    weights: &Weights<f64>,
    (circuit, state): (&DyadCircuit<'_, f64>, &Matrix<f64>),
) -> Vec<DVector<f64>> {
    let (means, mut differences) = circuit.mixed(state);
    if net.spec.readout.auto_zero {
        let free = DyadCircuit::free(chip, weights, &net.batch.inputs);
        let zero = free.differences(&rests(&free));
        differences.iter_mut().zip(&zero).for_each(|(delta, zero)| *delta -= zero);
    }
    let scale = -1.0 / (net.spec.nudge.beta * state.nrows() as f64);
    let layer = |k: usize| {
        let below = if k == 0 { &net.batch.inputs } else { &means[k - 1] };
        let weights = differences[k].transpose() * below * scale;
        let biases = differences[k].row_sum() * scale;
        DVector::from_iterator(weights.len() + biases.len(), weights.iter().chain(biases.iter()).copied())
    };
    (0..differences.len()).map(layer).collect()
}

/// The estimate of every layer and the rightmost eigenvalue of a sample (1/s): the whole solution, without
/// any derivative.
fn solved(net: &Net, chip: &Chip<f64>, weights: &Weights<f64>, sample: usize) -> (Vec<DVector<f64>>, f64) {
    let circuit = nudged(chip, weights, &net.batch, &net.spec);
    let state = rests(&circuit);
    let layers = estimate(net, chip, weights, (&circuit, &state));
    let mut jacobian = drive_jacobian(&circuit, sample, row(&state, sample).as_slice());
    jacobian -= Matrix::identity(state.ncols(), state.ncols());
    jacobian.row_iter_mut().zip(circuit.rates()).for_each(|(mut row, &rate)| row *= rate);
    let rightmost = jacobian.complex_eigenvalues().iter().map(|e| e.re).fold(f64::NEG_INFINITY, f64::max);
    (layers, rightmost)
}

/// Everything of a solution in one vector, the margin (in `1/unit`) last.
fn whole(net: &Net, group: &Group, device: usize, h: f64, (sample, unit): (usize, f64)) -> DVector<f64> {
    let (chip, weights) = moved(net, group, device, h);
    let (layers, rightmost) = solved(net, &chip, &weights, sample);
    let all = layers.iter().flat_map(|layer| layer.iter().copied()).chain([-rightmost * unit]);
    DVector::from_vec(all.collect())
}

/// Derivatives of the solution by Richardson's extrapolation of central differences at some steps: each with
/// that of twice the step.
fn differences(of: &dyn Fn(f64) -> DVector<f64>, steps: [f64; 3]) -> Vec<[DVector<f64>; 2]> {
    let central = |h: f64| (of(h) - of(-h)) / (2.0 * h);
    let at = |h: f64| {
        let (one, two, four) = (central(h), central(2.0 * h), central(4.0 * h));
        [(&one * 4.0 - &two) / 3.0, (&two * 4.0 - &four) / 3.0]
    };
    steps.into_iter().map(at).collect()
}

/// A part of the derivative at the step whose own error bound is least, and that bound: the error of the
/// finer extrapolation is a sixteenth of its distance from the coarser one, and what rounding makes of them
/// is in the distance, too.
fn best(tried: &[[DVector<f64>; 2]], part: std::ops::Range<usize>) -> (DVector<f64>, f64) {
    let of = |[fine, coarse]: &[DVector<f64>; 2]| {
        let fine = fine.rows_range(part.clone());
        (fine.into_owned(), (fine - coarse.rows_range(part.clone())).norm() / 8.0)
    };
    tried.iter().map(of).min_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}

/// Steps of differences of smooth devices; each is taken once, twice and four times.
const STEPS: [f64; 3] = [8e-3, 2e-3, 5e-4];
/// The same of kinked ones, which are to stay on their piece.
const SHORT: [f64; 3] = [4e-4, 2e-4, 1e-4];

/// Holds every device of every group against differences; returns how many numbers were compared.
fn check(net: &Net, what: &str) -> usize {
    check_with(net, what, STEPS)
}

/// [`check`] with these steps.
fn check_with(net: &Net, what: &str, steps: [f64; 3]) -> usize {
    let found = answer(net);
    assert_eq!((found.lost, found.unstable), (0, 0), "{what}");
    assert_eq!(found.unmoved, None, "{what}");
    let (sample, unit) = (found.margin.1, net.circuit().slowest());
    let base = solved(net, &net.chip, &net.weights, sample);
    let sizes: Vec<f64> = base.0.iter().map(DVector::norm).collect();
    for (k, size) in sizes.iter().enumerate() {
        assert!((found.estimate[k].sqrt() / size - 1.0).abs() < 1e-10, "{what}: estimate of layer {k}");
    }
    assert!((found.margin.0 + base.1 * unit).abs() < 1e-9, "{what}");
    let mut compared = 0;
    let mut worst = 0.0_f64;
    for group in &found.groups {
        for device in 0..group.gradient.len() {
            let name = format!("{what}: {}", group.group.device_name(device, &net.weights));
            let of = |h: f64| whole(net, &group.group, device, h, (sample, unit));
            let tried = differences(&of, steps);
            let mut start = 0;
            for (k, layer) in base.0.iter().enumerate() {
                let (exact, bound) = best(&tried, start..start + layer.len());
                start += layer.len();
                let own = group.gradient[device][k].sqrt();
                // What is all but nothing beside the estimate itself drowns in rounding.
                let size = exact.norm().max(1e-5 * sizes[k]);
                assert!(
                    bound < AGREEMENT * size,
                    "{name}, layer {k}: the difference errs by {bound:.1e} of {size:.1e}"
                );
                let error = (own - exact.norm()).abs() / size;
                worst = worst.max(error);
                assert!(error < AGREEMENT, "{name}, layer {k}: {own:e}, {:e}", exact.norm());
                compared += 1;
            }
            let (exact, bound) = best(&tried, start..start + 1);
            let size = exact[0].abs().max(1e-4);
            assert!(
                bound < AGREEMENT * size,
                "{name}, margin: the difference errs by {bound:.1e} of {size:.1e}"
            );
            let error = (group.margin[device] - exact[0]).abs() / size;
            worst = worst.max(error);
            assert!(error < AGREEMENT, "{name}, margin: {:e}, {:e}", group.margin[device], exact[0]);
            compared += 1;
        }
    }
    println!("{what}: {compared} numbers, margin {:.3}, worst {worst:.1e}", found.margin.0);
    compared
}

/// A net whose devices all differ.
fn net(seed: u64, network: &[usize], gain: f64, spec: CircuitSpec) -> Net {
    let mut net = Net::random(seed, network, 3, gain, spec);
    scatter(&mut net, seed);
    net
}

#[test]
fn derivatives_are_those_of_differences_for_both_variants_at_several_mixings() {
    // Nothing saturates a softplus: it latches up sooner.
    for (number, activation, beta) in [(0, ActivationKind::Tanh, 0.4), (1, ActivationKind::Softplus, 0.1)] {
        for (variant, alpha) in [
            (Variant::Dp, 0.3),
            (Variant::Dp, 0.8),
            (Variant::DpTranspose, 0.15),
            (Variant::DpTranspose, 0.5),
            (Variant::Custom { plus: 0.9, minus: 0.4 }, 0.6),
        ] {
            let net = net(900 + number, &[3, 4, 3, 2], 1.2, ideal(activation, variant, alpha, beta));
            assert!(check(&net, &format!("{activation:?}, {variant:?}, α = {alpha}")) > 300);
        }
    }
}

#[test]
fn derivatives_are_those_of_differences_for_every_nudge_loss_and_output() {
    for (number, at) in (0..).zip([NudgePoint::Mean, NudgePoint::Own, NudgePoint::Drive]) {
        for loss in [LossKind::Mse, LossKind::CrossEntropy] {
            let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, 0.35, 0.5);
            spec.neuron.output_activation =
                ActivationSpec { kind: ActivationKind::Sigmoid, amplitude: 1.3, scale: 0.7, offset: 0.1 };
            (spec.nudge.at, spec.nudge.loss, spec.nudge.reference) = (at, loss, 0.6);
            check(&net(920 + number, &[3, 4, 2], 1.2, spec), &format!("{at:?}, {loss:?}"));
        }
    }
    // A net of one layer has no layer below whose means could move.
    let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, 0.35, 0.5);
    (spec.nudge.at, spec.nudge.loss) = (NudgePoint::Drive, LossKind::CrossEntropy);
    spec.neuron.output_activation = ActivationKind::Tanh.into();
    check(&net(925, &[3, 2], 1.0, spec), "one layer");
}

#[test]
fn derivatives_are_those_of_differences_with_feedback_of_its_own_and_with_auto_zero() {
    let mut spec = ideal(ActivationKind::Softplus, Variant::Dp, 0.4, 0.4);
    spec.feedback = FeedbackSpec {
        synapses: FeedbackSynapses::Separate,
        init: FeedbackInit::Random,
        ..FeedbackSpec::default()
    };
    let separate = net(930, &[3, 4, 3, 2], 1.0, spec.clone());
    let found = answer(&separate);
    let own = found.groups.iter().filter(|g| g.group.quantity == DeviceParameter::FeedbackSynapse);
    assert_eq!(own.map(|g| g.group.layer).collect::<Vec<_>>(), [1, 2]);
    check(&separate, "separate feedback");
    spec.readout.auto_zero = true;
    check(&net(931, &[3, 4, 3, 2], 1.0, spec), "separate feedback, auto-zero");
    let mut spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.5);
    spec.readout.auto_zero = true;
    check(&net(932, &[3, 4, 3, 2], 1.0, spec), "auto-zero");
}

#[test]
fn kinked_devices_and_rails_have_the_derivatives_of_their_piece() {
    for activation in [ActivationKind::Relu, ActivationKind::HardSigmoid] {
        let railed = |seed: u64| {
            let mut net = net(seed, &[3, 5, 4, 2], 1.0, ideal(activation, Variant::Dp, 0.35, 0.3));
            // A drive stands on this rail, and that of the free equilibrium, too.
            let supply = SupplySpec { low: -50.0, high: 0.9 * net.circuit().free_state().max() };
            net.spec.supply = Some(supply);
            net.chip.supply = Some((supply.low, supply.high));
            net
        };
        // Steps go up to 1.6e-3 V: what is farther from kinks and rails by a factor of ten stays where it is.
        let clear = |net: &Net| {
            let found = answer(net);
            found.clearance > 0.016 && found.unmoved.is_none() && found.unstable == 0 && found.margin.0 < 0.98
        };
        let net = (940..1400).map(railed).find(clear).unwrap();
        let highest = rests(&net.circuit()).max();
        assert_eq!(highest, net.spec.supply.unwrap().high, "something is on the rail");
        check_with(&net, &format!("{activation:?} with a rail"), SHORT);
    }
}

#[test]
fn the_spreads_of_a_circuit_move_chips_as_far_as_they_are_told_to() {
    const CHIPS: u64 = 200;
    type Set = fn(&mut MismatchSpec);
    let spreads: [(&str, Set); 6] = [
        ("offset", |m| m.offset_dtod = 1e-4),
        ("scale", |m| m.scale_dtod = 1e-3),
        ("gain", |m| m.gain_dtod = 1e-3),
        ("mixing", |m| m.mixing_dtod = 1e-3),
        ("time constant", |m| m.time_constant_dtod = 1e-3),
        ("synapse", |m| m.synapse_dtod = 1e-3),
    ];
    let net = Net::random(960, &[3, 4, 3, 2], 2, 1.2, ideal(ActivationKind::Tanh, Variant::Dp, 0.3, 0.4));
    let found = answer(&net);
    let (sample, unit) = (found.margin.1, net.circuit().slowest());
    // All but equal devices have all but defective spectra, at which an iteration by itself stalls.
    let solved = |chip: &Chip<f64>| {
        let circuit = nudged(chip, &net.weights, &net.batch, &net.spec);
        let state = rests(&circuit);
        let rightmost = spectrum(&circuit, sample, row(&state, sample).as_slice()).abscissa();
        (estimate(&net, chip, &net.weights, (&circuit, &state)), rightmost)
    };
    let base = solved(&net.chip);
    for (name, set) in spreads {
        let mut spec = net.spec.clone();
        set(&mut spec.mismatch);
        let (mut gradient, mut margin) = (0.0, 0.0);
        for group in &found.groups {
            for (device, layers) in group.gradient.iter().enumerate() {
                let spread = group.group.spread(&spec.mismatch, &net.chip, device);
                gradient += spread.powi(2) * layers.iter().sum::<f64>();
                margin += (spread * group.margin[device]).powi(2);
            }
        }
        let (mut moved, mut shifted) = (0.0, 0.0);
        for seed in 0..CHIPS {
            spec.mismatch.seed = Some(seed);
            let chip = Chip::fabricate(&spec, &net.network);
            let (layers, rightmost) = solved(&chip);
            moved += layers.iter().zip(&base.0).map(|(a, b)| (a - b).norm_squared()).sum::<f64>();
            shifted += ((rightmost - base.1) * unit).powi(2);
        }
        for (told, seen) in [(gradient, moved / CHIPS as f64), (margin, shifted / CHIPS as f64)] {
            // A mean of squares of normal numbers, of which one device may have all: four errors. Second
            // order: 1e-3 of the first.
            let allowed = 4.0 * (2.0 / CHIPS as f64).sqrt() + 0.01;
            let both = told < 1e-20 && seen < 1e-20;
            assert!(both || (seen / told - 1.0).abs() < allowed, "{name}: {seen:e}, told {told:e}");
        }
    }
}

#[test]
fn a_multiple_eigenvalue_has_no_derivative_and_the_estimate_has() {
    // DPᵀ at α = 0 has no loop: every eigenvalue is the leak.
    let net =
        Net::random(950, &[3, 4, 2], 2, 1.0, ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.0, 0.5));
    let found = answer(&net);
    assert!(found.unmoved.unwrap().contains("multiple"));
    assert!(found.groups.iter().all(|g| g.margin.is_empty()));
    assert!(found.groups.iter().any(|g| g.gradient.iter().flatten().any(|x| *x > 0.0)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_answer_does_not_depend_on_the_number_of_threads(
        seed in 0_u64..1000,
        alpha in 0.05..0.95,
        auto_zero: bool,
    ) {
        let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, alpha, 0.2);
        spec.readout.auto_zero = auto_zero;
        let net = net(seed, &[3, 5, 4, 2], 0.8, spec);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = pool.install(|| answer(&net));
            let each = found.groups.iter().flat_map(|g| g.gradient.iter().flatten().chain(&g.margin));
            let bits: Vec<u64> = each.chain(&found.estimate).map(|x| x.to_bits()).collect();
            (bits, found.margin.0.to_bits(), found.margin.1)
        };
        let one = on(1);
        prop_assert_eq!(&one, &on(2));
        prop_assert_eq!(&one, &on(5));
    }
}
