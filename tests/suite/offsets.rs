//! Static offsets of the compartments, and what auto-zero and chopping leave of them.

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{DyadCircuit, Dynamics, Layered, Scratch};
use dyadsim_core::data::{Request, load};
use dyadsim_core::device::DeviceOffset;
use dyadsim_core::learn::{Gradient, Measurement, measure, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::Largest;
use dyadsim_core::noise::thermal::BOLTZMANN;
use dyadsim_core::solve::operating_point;
use dyadsim_core::spec::*;
use dyadsim_core::train::gather;

use crate::nets::{Net, ideal, relative_error};

/// The ideal circuit at its operating points, with a pair offset (V).
fn offset(kind: ActivationKind, variant: Variant, alpha: f64, beta: f64, pair: f64) -> CircuitSpec {
    let mut spec = ideal(kind, variant, alpha, beta);
    spec.solver.kind = SolverKind::Dc;
    spec.mismatch.offset_dtod = pair;
    spec
}

fn measured(net: &Net) -> Measurement<f64> {
    measure(&net.chip, &net.weights, &net.batch, &net.spec, false)
}

/// Cosine between two gradients, all weights of all layers together.
fn cosine(one: &Gradient<f64>, other: &Gradient<f64>) -> f64 {
    let dot = |a: &Gradient<f64>, b: &Gradient<f64>| {
        a.forward.iter().zip(&b.forward).map(|(a, b)| a.dot(b)).sum::<f64>()
    };
    dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
}

/// Mean and standard deviation of the cosine to backpropagation over untrained 64-32-10 nets, chips and
/// single digits.
fn cosines(pair: f64, beta: f64, auto_zero: bool, nets: u64) -> (f64, f64) {
    let data = load(&Request { kind: "digits", path: None, train: None, test: None, split_seed: 0 }).unwrap();
    let network = [64, 32, 10];
    let one = |seed: u64| {
        let mut spec = offset(ActivationKind::Relu, Variant::DpTranspose, 0.5, beta, pair);
        spec.mismatch.seed = Some(seed);
        spec.readout.auto_zero = auto_zero;
        if auto_zero {
            spec.noise.sampled = Some(SampledNoiseSpec { capacitance: 100e-15 }); // 0.2 mV rms
        }
        let weights = Weights::draw(&InitSpec::He, &spec, &network, seed);
        let batch = gather(&data, &[seed as usize]);
        let [estimate, exact] = [RuleKind::Custom, RuleKind::Bp].map(|kind| {
            let mut gradient = Gradient::zeros(&weights);
            rule(kind, &spec, &network).estimate(&weights, &batch, &mut gradient);
            gradient
        });
        cosine(&estimate, &exact)
    };
    let all: Vec<f64> = (0..nets).map(one).collect();
    let mean = all.iter().sum::<f64>() / nets as f64;
    let variance = all.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / (nets - 1) as f64;
    (mean, variance.sqrt())
}

#[test]
fn pair_offsets_turn_the_gradient_of_an_untrained_net_as_tabled_and_auto_zero_turns_it_back() {
    // docs/model.md §3.10, computed apart from this project.
    let tabled = [(0.05, 0.85, 0.985), (0.1, 0.956, 0.996), (0.3, 0.992, 0.997)];
    for (beta, ten, three) in tabled {
        for (pair, expected) in [(0.01, ten), (0.003, three)] {
            let (mean, deviation) = cosines(pair, beta, false, 200);
            println!("{pair} V, β = {beta}: {mean:.4} ± {deviation:.4}, tabled {expected}");
            // Three standard errors of our mean and of a mean over ten nets, and half a digit.
            let tolerance = 3.0 * deviation * (1.0_f64 / 200.0 + 0.1).sqrt() + 0.0005;
            assert!((mean - expected).abs() < tolerance, "{pair} V, {beta}: {mean} {expected} {tolerance}");
        }
        let (mean, _) = cosines(0.01, beta, true, 200);
        println!("auto-zero, β = {beta}: {mean:.4}");
        assert!(mean > 0.997, "auto-zero, {beta}: {mean}");
    }
}

#[test]
fn a_linear_nets_offsets_read_as_errors_of_closed_form_and_vanish_with_auto_zero() {
    for (seed, network) in (500..).zip([&[5, 7, 4][..], &[6, 5, 6, 3], &[4, 3]]) {
        for (alpha, beta) in [(0.0, 0.2), (0.5, 0.05), (0.7, 1.0)] {
            let spec = offset(ActivationKind::Linear, Variant::DpTranspose, alpha, beta, 0.02);
            let mut net = Net::random(seed, network, 3, 1.0, spec);
            let exact = net.backprop();
            let (plain, _) = net.estimate();
            net.spec.readout.auto_zero = true;
            let (zeroed, report) = net.estimate();
            // Residuals of 1e-12 V + 1e-10 of some volts, amplified by a few layers and divided by β.
            let error = relative_error(&zeroed, &exact);
            assert!(error < 1e-7, "{network:?} {alpha} {beta}: {error:.1e}");
            assert_eq!((report.relaxations, report.used), (2, 3));
            // Without it, what is read too much is δ_k = −(o⁺ − o⁻)_k + W_{k+1}ᵀ δ_{k+1}, whatever the
            // sample.
            let circuit = DyadCircuit::free(&net.chip, &net.weights, &net.batch.inputs);
            let read = circuit.differences(&operating_point(&circuit));
            let mut above = Matrix::zeros(0, 0);
            for layer in (0..read.len()).rev() {
                let devices = &net.chip.layers[layer];
                let pairs =
                    devices.offset_minus.iter().zip(&devices.offset_plus).map(|(m, p)| m.offset - p.offset);
                let own = Matrix::from_iterator(devices.offset_plus.len(), 1, pairs);
                above = match net.weights.forward.get(layer + 1) {
                    Some(weights) => own + weights.transpose() * above,
                    None => own,
                };
                for row in read[layer].row_iter() {
                    assert!((row.transpose() - &above).largest() < 1e-6, "layer {layer}"); // default tolerances
                }
            }
            assert!(relative_error(&plain, &exact) > 1e-3);
        }
    }
}

#[test]
fn chopping_leaves_offsets_of_second_order() {
    for (variant, alpha) in [(Variant::DpTranspose, 0.5), (Variant::DpTranspose, 0.2), (Variant::Dp, 0.6)] {
        let spec = offset(ActivationKind::Tanh, variant, alpha, 0.3, 0.0);
        let mut net = Net::random(510, &[6, 8, 5, 4], 4, 1.0, spec);
        let ideal = measured(&net).differences;
        let mut error = |pair: f64, chopping: bool| {
            net.spec.readout.chopping = chopping;
            for (layer, devices) in net.chip.layers.iter_mut().enumerate() {
                let half = |n: usize| 0.5 * pair * ((3 * layer + 2 * n) as f64).sin();
                devices.offset_plus =
                    (0..devices.offset_plus.len()).map(half).map(DeviceOffset::shift).collect();
                devices.offset_minus =
                    devices.offset_plus.iter().map(|t| DeviceOffset::shift(-t.offset)).collect();
            }
            let read = measured(&net);
            assert_eq!(read.relaxations, if chopping { 2 } else { 1 });
            read.differences.iter().zip(&ideal).map(|(a, b)| (a - b).norm_squared()).sum::<f64>().sqrt()
        };
        let mut ratio = |chopping| error(0.02, chopping) / error(0.01, chopping);
        let (plain, chopped) = (ratio(false), ratio(true));
        println!(
            "{variant:?} {alpha}: halving offsets divides errors by {plain:.4}, chopped by {chopped:.4}"
        );
        // The next orders are smaller by offsets of 0.02 V against 1 V of the activation's scale, and a
        // factor of a few.
        assert!((plain - 2.0).abs() < 0.1 && (chopped - 4.0).abs() < 0.2, "{plain} {chopped}");
        assert!(error(0.01, true) < 0.1 * error(0.01, false));
    }
}

/// Variance of every difference that is read, in units of that of one compartment, over samples that differ
/// in noise only.
fn power(spec: CircuitSpec, network: &[usize], unit: f64) -> (f64, usize) {
    let samples = 2000;
    let mut net = Net::random(520, network, samples, 0.0, spec);
    net.batch.inputs.fill(0.5);
    net.batch.targets.fill(0.0);
    let read = measured(&net);
    let (mut sum, mut count) = (0.0, 0.0);
    for column in read.differences.iter().flat_map(|layer| layer.column_iter()) {
        let mean = column.sum() / samples as f64;
        sum += column.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (samples - 1) as f64 / unit;
        count += 1.0;
    }
    (sum / count, read.relaxations)
}

#[test]
fn auto_zero_doubles_the_noise_of_a_difference_and_chopping_halves_it() {
    let cases = [(false, false, 2.0, 1), (true, false, 4.0, 2), (false, true, 1.0, 2), (true, true, 2.0, 4)];
    for (auto_zero, chopping, expected, relaxations) in cases {
        // A sample-and-hold of kT/C per compartment; compartments with noise of their own that hear nothing.
        let mut held = offset(ActivationKind::Linear, Variant::DpTranspose, 0.5, 0.01, 0.01);
        held.noise.sampled = Some(SampledNoiseSpec { capacitance: 1e-14 });
        let mut moving = offset(ActivationKind::Linear, Variant::DpTranspose, 0.5, 0.01, 0.01);
        moving.neuron.capacitance = 1e-14;
        moving.noise.thermal = Some(ThermalSpec { excess: 1.0 });
        moving.solver = SolverSpec { kind: SolverKind::ExponentialEm, step: 0.5, ..SolverSpec::default() };
        for mut spec in [held, moving] {
            (spec.readout.auto_zero, spec.readout.chopping) = (auto_zero, chopping);
            let unit = BOLTZMANN * spec.temperature / 1e-14;
            let (found, made) = power(spec, &[2, 3], unit);
            println!("auto-zero {auto_zero}, chopping {chopping}: {found:.4} of {expected}");
            assert_eq!(made, relaxations);
            // 3 × 2000 squares: four standard errors. The nudge lets noise of the mean into the difference,
            // β² of it.
            let scatter = 4.0 * (2.0_f64 / 6000.0).sqrt();
            assert!((found / expected - 1.0).abs() < scatter, "{auto_zero} {chopping}: {found} {expected}");
        }
    }
}

#[test]
fn a_chip_is_a_seed_and_without_mismatch_none() {
    let spec = |pair: f64, seed: u64| {
        let mut spec = offset(ActivationKind::Tanh, Variant::DpTranspose, 0.5, 0.2, pair);
        spec.mismatch.seed = Some(seed);
        spec
    };
    let chip = |pair, seed, network: &[usize]| Chip::<f64>::fabricate(&spec(pair, seed), network);
    let large = chip(0.01, 3, &[2, 5000, 3]);
    let pairs = large.layers[0].offset_plus.iter().zip(&large.layers[0].offset_minus);
    let (mut difference, mut common) = (0.0, 0.0);
    for (plus, minus) in pairs {
        difference += (plus.offset - minus.offset).powi(2) / 5000.0;
        common += (0.5 * (plus.offset + minus.offset)).powi(2) / 5000.0;
    }
    let scatter = 4.0 * (2.0_f64 / 5000.0).sqrt(); // four standard errors of a variance
    assert!((difference / 1e-4 - 1.0).abs() < scatter, "{difference}");
    assert!((common / 0.25e-4 - 1.0).abs() < scatter, "{common}");
    // A device's draw depends on its place alone, and scales with the spread.
    let small = chip(0.01, 3, &[7, 4, 9]);
    assert_eq!(small.layers[0].offset_minus[..], large.layers[0].offset_minus[..4]);
    assert_eq!(small.layers[1].offset_plus[..3], large.layers[1].offset_plus[..]);
    assert_ne!(small.layers[0].offset_plus, chip(0.01, 4, &[7, 4, 9]).layers[0].offset_plus);
    assert_eq!(small.exchanged().layers[0].offset_plus, small.layers[0].offset_minus);
    // Off is off, to the last bit.
    let mut off = Net::random(530, &[5, 6, 3], 4, 1.0, spec(0.0, 9));
    let mut plain = Net::random(530, &[5, 6, 3], 4, 1.0, spec(0.0, 9));
    plain.spec.mismatch = MismatchSpec::default();
    off.spec.mismatch.seed = Some(77);
    assert!(!chip(0.0, 9, &[5, 6, 3]).has_device_offsets());
    assert_eq!(off.estimate().0, plain.estimate().0);
}

#[test]
fn the_operating_point_of_unequal_compartments_is_at_rest_and_held_by_nudge_free() {
    for variant in [Variant::Dp, Variant::DpTranspose] {
        let mut spec = offset(ActivationKind::Linear, variant, 0.2, 0.4, 0.05);
        spec.nudge.at = NudgePoint::Free;
        let mut net = Net::random(540, &[5, 6, 4], 3, 1.5, spec);
        let circuit = DyadCircuit::free(&net.chip, &net.weights, &net.batch.inputs);
        let rest = operating_point(&circuit);
        let mut drive = rest.clone();
        circuit.drive(&rest, &mut drive, &mut Scratch::new(circuit.layout(), 3));
        assert!((&drive - &rest).largest() < 1e-5, "default tolerances");
        let outputs = circuit.means(&rest).pop().unwrap();
        let feed_forward = circuit.means(&circuit.free_state()).pop().unwrap();
        // DP's means feel the differences, DPᵀ's do not.
        assert_eq!((&outputs - feed_forward).largest() > 1e-3, variant == Variant::Dp);
        // The nudge's share of the output's difference is −β(a⁺ + a⁻)(ŷ − y), with ŷ what is held.
        net.spec.readout.auto_zero = true;
        let error = measured(&net).differences.pop().unwrap() + 0.4 * (outputs - &net.batch.targets);
        assert!(error.largest() < 1e-5, "{variant:?}: {error}");
    }
}
