//! Spreads of devices: their moments, what a chip's seed fixes, what off means, and circuits of unequal
//! devices against the equations written out.

use dyadsim_core::chip::Chip;
use dyadsim_core::circuit::{Dynamics, Layered, Scratch};
use dyadsim_core::learn::{Gradient, rule};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::{Largest, larger};
use dyadsim_core::solve::{Outcome, settle_all};
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal};
use crate::oracle::{Oracle, Vector};

/// Neurons of the layer whose devices are counted; 8000 compartments.
const MANY: usize = 4000;

fn spec(mismatch: MismatchSpec) -> CircuitSpec {
    let mut spec = ideal(ActivationKind::Tanh, Variant::Custom { plus: 0.6, minus: 0.7 }, 0.3, 0.2);
    spec.mismatch = MismatchSpec { seed: mismatch.seed.or(Some(3)), ..mismatch };
    spec
}

fn chip(mismatch: MismatchSpec, network: &[usize]) -> Chip<f64> {
    Chip::fabricate(&spec(mismatch), network)
}

/// Every relative spread at `sigma`.
fn all(distribution: SpreadKind, sigma: f64) -> MismatchSpec {
    MismatchSpec {
        distribution,
        offset_dtod: 0.05 * sigma,
        time_constant_dtod: sigma,
        gain_dtod: sigma,
        mixing_dtod: sigma,
        scale_dtod: sigma,
        synapse_dtod: sigma,
        ..MismatchSpec::default()
    }
}

/// Factors by which the devices of the first layer differ from their nominal values, by quantity.
fn factors(chip: &Chip<f64>) -> Vec<(&'static str, Vec<f64>)> {
    let devices = &chip.layers[0];
    let tau = chip.rates[chip.layout.layer(0)].iter().map(|rate| 1e6 / rate).collect();
    let gains = devices.gain_plus.iter().map(|a| a / 0.6).chain(devices.gain_minus.iter().map(|a| a / 0.7));
    let scales = devices.offset_plus.iter().chain(&devices.offset_minus).map(|trim| trim.scale);
    let synapses = chip.synapses.as_ref().expect("spread synapses").forward[0].iter().copied();
    vec![
        ("time constants", tau),
        ("gains", gains.collect()),
        ("scales", scales.collect()),
        ("synapses", synapses.collect()),
    ]
}

/// Mean and variance of some numbers.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

#[test]
fn spreads_have_the_moments_of_their_distributions() {
    for kind in [SpreadKind::Normal, SpreadKind::Lognormal] {
        let sigma = 0.1;
        let chip = chip(all(kind, sigma), &[2, MANY, 3]);
        for (name, list) in factors(&chip) {
            let list: Vec<f64> = match kind {
                SpreadKind::Normal => list.iter().map(|f| f - 1.0).collect(),
                SpreadKind::Lognormal => list.iter().map(|f| f.ln()).collect(),
            };
            let (n, (mean, variance)) = (list.len() as f64, moments(&list));
            assert!(list.len() == 2 * MANY, "{name}");
            // Four standard errors of a mean and of a variance of normal numbers; eight figures, so 1 in 2000
            // by chance.
            assert!(mean.abs() < 4.0 * sigma / n.sqrt(), "{kind:?} {name}: {mean}");
            let ratio = variance / sigma.powi(2);
            assert!((ratio - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "{kind:?} {name}: {ratio}");
        }
        // α′/ᾱ′ = (α/ᾱ) f₁/f₂, whose logarithm varies with √2 σ, to second order in σ for normal factors.
        let ratios: Vec<f64> =
            chip.layers[0].mixing.iter().map(|a| (a / (1.0 - a) / (0.3 / 0.7)).ln()).collect();
        let (mean, variance) = moments(&ratios);
        let n = MANY as f64;
        assert!(mean.abs() < 4.0 * sigma * (2.0 / n).sqrt(), "{kind:?} mixing: {mean}");
        let (ratio, second) = (variance / (2.0 * sigma.powi(2)), 4.0 * sigma.powi(2));
        assert!((ratio - 1.0).abs() < 4.0 * (2.0 / n).sqrt() + second, "{kind:?} mixing: {ratio}");
    }
}

#[test]
fn quantities_and_compartments_are_drawn_apart() {
    let chip = chip(all(SpreadKind::Normal, 0.1), &[2, MANY, 3]);
    let mut lists = factors(&chip);
    lists.push((
        "offsets",
        chip.layers[0].offset_plus.iter().chain(&chip.layers[0].offset_minus).map(|t| t.offset).collect(),
    ));
    let mut pairs = Vec::new();
    for (i, (name, one)) in lists.iter().enumerate() {
        pairs.extend(
            lists[i + 1..].iter().map(|(other, two)| (format!("{name}, {other}"), one.clone(), two.clone())),
        );
        pairs.push((format!("{name}, plus and minus"), one[..MANY].to_vec(), one[MANY..].to_vec()));
    }
    for (name, one, two) in pairs {
        let ((a, u), (b, v)) = (moments(&one), moments(&two));
        let n = one.len() as f64;
        let covariance = one.iter().zip(&two).map(|(x, y)| (x - a) * (y - b)).sum::<f64>() / n;
        let correlation = covariance / (u * v).sqrt();
        // Four standard errors of the correlation of independent numbers; 15 of them, so 1 in 1000 by chance.
        assert!(correlation.abs() < 4.0 / n.sqrt(), "{name}: {correlation}");
    }
}

#[test]
fn what_is_nominally_zero_stays_zero_and_off_is_off() {
    for alpha in [0.0, 1.0] {
        for kind in [SpreadKind::Normal, SpreadKind::Lognormal] {
            let mut spec = spec(all(kind, 0.3));
            (spec.nudge.variant, spec.nudge.alpha) = (Variant::DpTranspose, alpha);
            let chip = Chip::<f64>::fabricate(&spec, &[3, 40, 4]);
            let idle = if alpha == 0.0 { &chip.layers[0].gain_minus } else { &chip.layers[0].gain_plus };
            assert!(idle.iter().all(|&a| a == 0.0) && chip.layers[0].mixing.iter().all(|&a| a == alpha));
        }
    }
    let plain = Chip::<f64>::fabricate(&ideal(ActivationKind::Tanh, Variant::Dp, 0.3, 0.2), &[3, 40, 4]);
    let mut other = ideal(ActivationKind::Tanh, Variant::Dp, 0.3, 0.2);
    other.mismatch =
        MismatchSpec { seed: Some(5), distribution: SpreadKind::Lognormal, ..MismatchSpec::default() };
    let other = Chip::<f64>::fabricate(&other, &[3, 40, 4]);
    assert!(other.synapses.is_none() && !other.has_device_offsets());
    assert_eq!((&other.rates, other.slowest), (&plain.rates, plain.slowest));
    for (a, b) in other.layers.iter().zip(&plain.layers) {
        assert_eq!((&a.gain_plus, &a.gain_minus, &a.mixing), (&b.gain_plus, &b.gain_minus, &b.mixing));
    }
}

#[test]
fn each_spread_alone_moves_its_own_devices_and_a_chip_is_a_seed() {
    let network = [3, 6, 4];
    let whole = all(SpreadKind::Normal, 0.2);
    let everything = chip(whole.clone(), &network);
    let of = |change: &dyn Fn(&mut MismatchSpec)| {
        let mut alone = MismatchSpec::default();
        change(&mut alone);
        chip(alone, &network)
    };
    let none = of(&|_| {});
    let gains = of(&|m| m.gain_dtod = 0.2);
    let mixing = of(&|m| m.mixing_dtod = 0.2);
    let tau = of(&|m| m.time_constant_dtod = 0.2);
    let scale = of(&|m| m.scale_dtod = 0.2);
    let synapse = of(&|m| m.synapse_dtod = 0.2);
    for layer in 0..2 {
        let of = |chip: &Chip<f64>| chip.layers[layer].clone();
        assert_eq!(of(&gains).gain_plus, of(&everything).gain_plus);
        assert_eq!(of(&mixing).mixing, of(&everything).mixing);
        let scales = |chip: &Chip<f64>| of(chip).offset_plus.iter().map(|t| t.scale).collect::<Vec<_>>();
        assert_eq!(scales(&scale), scales(&everything));
        for other in [&mixing, &tau, &scale, &synapse] {
            assert_eq!(of(other).gain_plus, of(&none).gain_plus);
        }
        let factors = |chip: &Chip<f64>| chip.synapses.as_ref().map(|s| s.forward[layer].clone());
        assert_eq!(factors(&synapse), factors(&everything));
    }
    assert_eq!(tau.rates, everything.rates);
    assert!(tau.slowest > none.slowest && tau.slowest == tau.rates.iter().map(|r| 1.0 / r).fold(0.0, larger));
    // Another seed is another chip; a device keeps its draw in a larger network.
    let other = chip(MismatchSpec { seed: Some(4), ..whole.clone() }, &network);
    assert_ne!(other.layers[0].gain_plus, everything.layers[0].gain_plus);
    let larger = chip(whole, &[5, 9, 8]);
    assert_eq!(larger.layers[0].gain_plus[..6], everything.layers[0].gain_plus[..]);
    let part = larger.synapses.as_ref().map(|s| s.forward[0].view((0, 0), (6, 3)).into_owned());
    assert_eq!(part, everything.synapses.as_ref().map(|s| s.forward[0].clone()));
}

/// A spread net with its oracle: devices taken over, and the weights multiplied by hand.
fn spread(seed: u64, separate: bool) -> (Net, Oracle) {
    let mut spec = spec(all(SpreadKind::Lognormal, 0.2));
    if separate {
        spec.feedback = FeedbackSpec {
            synapses: FeedbackSynapses::Separate,
            init: FeedbackInit::Random,
            ..FeedbackSpec::default()
        };
    }
    let net = Net::random(seed, &[5, 7, 6, 4], 1, 1.0, spec);
    let mut oracle = Oracle::new(&net, 0);
    oracle.take_devices(&net.chip);
    let factors = net.chip.synapses.as_ref().expect("spread synapses");
    for (k, layer) in oracle.layers.iter_mut().enumerate() {
        layer.weights.component_mul_assign(&factors.forward[k]);
        layer.feedback.component_mul_assign(&factors.feedback.as_ref().unwrap_or(&factors.forward)[k]);
    }
    (net, oracle)
}

#[test]
fn drives_of_spread_chips_are_those_of_the_written_equations() {
    for (seed, separate) in [(900, false), (901, true)] {
        let (net, oracle) = spread(seed, separate);
        let circuit = net.circuit();
        let width = circuit.layout().width();
        let state = Matrix::from_fn(1, width, |_, j| (0.7 * j as f64).sin());
        let mut drive = Matrix::zeros(1, width);
        circuit.drive(&state, &mut drive, &mut Scratch::new(circuit.layout(), 1));
        let written = oracle.drive(&Vector::from_column_slice(state.as_slice()));
        let error = (Vector::from_column_slice(drive.as_slice()) - written).largest();
        assert!(error < 1e-13, "separate {separate}: {error:.1e} V"); // rounding of sums of some ten terms
    }
}

#[test]
fn spread_chips_come_to_rest_where_the_written_equations_do() {
    for (seed, separate) in [(910, false), (911, true)] {
        let (mut net, oracle) = spread(seed, separate);
        (net.spec.solver.rtol, net.spec.solver.atol) = (1e-9, 1e-10);
        let settled = settle_all(&net.spec.solver, &net.circuit(), false);
        assert_eq!(settled.outcomes, [Outcome::Settled]);
        let state = Vector::from_column_slice(settled.state.as_slice());
        let residual = (oracle.drive(&state) - &state).largest();
        assert!(residual < 2e-9, "{residual:.1e} V"); // what the solver was asked for: 1e-9 of about 1 V
    }
}

#[test]
fn backpropagation_on_a_spread_chip_is_the_slope_of_its_loss_by_what_is_programmed() {
    let (mut net, _) = spread(920, false);
    let loss = |net: &Net| {
        let circuit = dyadsim_core::circuit::DyadCircuit::free(&net.chip, &net.weights, &net.batch.inputs);
        let output = circuit.means(&circuit.free_state()).pop().expect("a net has outputs");
        0.5 * (output - &net.batch.targets).norm_squared()
    };
    let mut gradient = Gradient::zeros(&net.weights);
    rule(RuleKind::Bp, &net.spec, &net.network).estimate(&net.weights, &net.batch, &mut gradient);
    let h = 1e-6;
    for k in 0..3 {
        for entry in [0, 5, 11] {
            let mut at = |shift: f64| {
                net.weights.forward[k][entry] += shift;
                let value = loss(&net);
                net.weights.forward[k][entry] -= shift;
                value
            };
            let central = (at(h) - at(-h)) / (2.0 * h);
            let found = gradient.forward[k][entry];
            // Third derivatives of order 10: h² of them is 1e-11; rounding 1e-15 / h.
            assert!((found - central).abs() < 3e-9, "{k} {entry}: {found} {central}");
        }
    }
}
