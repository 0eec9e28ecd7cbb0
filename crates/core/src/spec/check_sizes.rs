//! Sizes that no chip has: a slipped prefix or exponent is told here, and not by what comes of it.
//!
//! Bounds are wide: what a laboratory, a board or a circuit in units of 1 could have lies within. Whether a
//! number has the right sign and is one at all is checked elsewhere.

use super::check_circuit::ensure;
use super::circuit::{ActivationSpec, CircuitSpec, Variant};
use super::cost::CostSpec;
use super::experiment::{AdversarialSpec, ExperimentSpec, InitSpec, OptimizerSpec};
use super::fault::Fault;
use super::feedback::FeedbackTerms;
use super::mismatch::LARGEST_OFFSET;
use super::noise::NoiseSpec;
use crate::units::engineering;

/// A number's path and value, the largest that it may be in either direction with its unit, and why.
type Size = (&'static str, Option<f64>, (f64, &'static str), &'static str);

const VOLTAGE: (f64, &str) = (1e3, "V");
const OFFSET: (f64, &str) = (LARGEST_OFFSET, "V");
const CURRENT: (f64, &str) = (1.0, "A");
const CAPACITANCE: (f64, &str) = (1.0, "F");
const CONDUCTANCE: (f64, &str) = (1e3, "S");
const TIME: (f64, &str) = (1e9, "s");
const FREQUENCY: (f64, &str) = (1e15, "Hz");
const PSD: (f64, &str) = (1.0, "V^2/Hz");
const AREA: (f64, &str) = (1.0, "m^2");
const ENERGY: (f64, &str) = (1.0, "J");
const RATIO: (f64, &str) = (1e6, "");
const TAUS: (f64, &str) = (1e9, "");

const NO_CHIP: &str = "no circuit has more";
const NO_SENSE: &str = "nothing settles beyond";
const NO_TIME: &str = "nobody waits longer";
const PAIRS: &str = "no process draws pairs of devices further apart";
const NOTHING: &str = "nothing is learned beyond";

/// Smallest capacitance (F) and conductance (S) of a device: an electron on the one is 160 V, over the other
/// a current that flows once in a minute at 100 V.
const SMALLEST: f64 = 1e-21;

/// Checks every number of a circuit that has a size.
///
/// # Errors
/// The first that is larger than any circuit's, or too small for a device.
pub(super) fn check_sizes(circuit: &CircuitSpec) -> Result<(), Fault> {
    let neuron = &circuit.neuron;
    for (key, value, unit) in [("capacitance", neuron.capacitance, "F"), ("leak", neuron.leak, "S")] {
        let accepted = format!("at least {}: no device is smaller", engineering(SMALLEST, unit));
        ensure(value >= SMALLEST, &["neuron", key], value, &accepted)?;
    }
    let sizes = core(circuit).into_iter().chain(noise(&circuit.noise)).chain(around(circuit));
    sizes.chain(feedback(circuit)).chain(circuit.cost.iter().flat_map(cost)).try_for_each(within)
}

/// Checks the sizes of an experiment's own numbers.
///
/// # Errors
/// The first with which nothing is learned.
pub(super) fn check_experiment_sizes(experiment: &ExperimentSpec) -> Result<(), Fault> {
    let largest = match &experiment.init {
        InitSpec::Std(deviations) => deviations.iter().copied().reduce(f64::max),
        _ => None,
    };
    check_training_sizes(&experiment.optimizer, experiment.adversarial)?;
    within(("init.std", largest, RATIO, NOTHING))
}

/// Checks the sizes of what a rule and its optimiser are set to.
///
/// # Errors
/// The first with which nothing is learned.
pub(super) fn check_training_sizes(
    optimizer: &OptimizerSpec,
    adversarial: AdversarialSpec,
) -> Result<(), Fault> {
    let sizes: [Size; 5] = [
        ("optimizer.learning_rate", Some(optimizer.learning_rate), RATIO, NOTHING),
        ("optimizer.epsilon", Some(optimizer.epsilon), RATIO, NOTHING),
        ("optimizer.update_noise", Some(optimizer.update_noise), RATIO, NOTHING),
        ("optimizer.feedback_update_noise", optimizer.feedback_update_noise, RATIO, NOTHING),
        ("adversarial.step", Some(adversarial.step), RATIO, NOTHING),
    ];
    sizes.into_iter().try_for_each(within)
}

fn within((path, value, (most, unit), why): Size) -> Result<(), Fault> {
    let value = value.unwrap_or(0.0);
    let keys: Vec<&str> = path.split('.').collect();
    let bound = if unit.is_empty() { format!("{most}") } else { engineering(most, unit) };
    ensure(value.abs() <= most, &keys, value, &format!("at most {bound} in size: {why}"))
}

fn core(circuit: &CircuitSpec) -> Vec<Size> {
    let CircuitSpec { neuron, nudge, solver, supply, mismatch, .. } = circuit;
    let (plus, minus) = match nudge.variant {
        Variant::Custom { plus, minus } => (Some(plus), Some(minus)),
        _ => (None, None),
    };
    let ActivationSpec { amplitude, scale, offset, .. } = neuron.activation;
    let output = neuron.output_activation;
    vec![
        ("temperature", Some(circuit.temperature), (1e4, "K"), "no device is hotter"),
        ("supply.low", supply.map(|s| s.low), VOLTAGE, NO_CHIP),
        ("supply.high", supply.map(|s| s.high), VOLTAGE, NO_CHIP),
        ("neuron.capacitance", Some(neuron.capacitance), CAPACITANCE, NO_CHIP),
        ("neuron.leak", Some(neuron.leak), CONDUCTANCE, NO_CHIP),
        ("neuron.activation.amplitude", Some(amplitude), VOLTAGE, NO_CHIP),
        ("neuron.activation.scale", Some(scale), VOLTAGE, NO_CHIP),
        ("neuron.activation.offset", Some(offset), VOLTAGE, NO_CHIP),
        ("neuron.output_activation.amplitude", Some(output.amplitude), VOLTAGE, NO_CHIP),
        ("neuron.output_activation.scale", Some(output.scale), VOLTAGE, NO_CHIP),
        ("neuron.output_activation.offset", Some(output.offset), VOLTAGE, NO_CHIP),
        ("nudge.variant.plus", plus, RATIO, NO_SENSE),
        ("nudge.variant.minus", minus, RATIO, NO_SENSE),
        ("nudge.beta", Some(nudge.beta), RATIO, NO_SENSE),
        ("nudge.reference", Some(nudge.reference), VOLTAGE, NO_CHIP),
        ("solver.atol", Some(solver.atol), (1.0, "V"), "every state would count as settled"),
        ("solver.max_time", Some(solver.max_time), TAUS, NO_TIME),
        (
            "solver.step",
            Some(solver.step),
            (100.0, ""),
            "no step follows a circuit over so many time constants",
        ),
        ("readout.time", Some(circuit.readout.time), TIME, NO_TIME),
        ("mismatch.offset_dtod", Some(mismatch.offset_dtod), OFFSET, PAIRS),
    ]
}

fn noise(noise: &NoiseSpec) -> Vec<Size> {
    let NoiseSpec { thermal, shot, flicker, telegraph, synapse_telegraph, read, supply, input, sampled } =
        *noise;
    let levels = "one of the two conductances would be negative";
    vec![
        ("noise.thermal.excess", thermal.map(|s| s.excess), RATIO, NO_CHIP),
        ("noise.shot.current", shot.map(|s| s.current), CURRENT, NO_CHIP),
        ("noise.flicker.corner", flicker.and_then(|s| s.corner), FREQUENCY, NO_CHIP),
        ("noise.flicker.coefficient", flicker.and_then(|s| s.coefficient), (1.0, "A^2"), NO_CHIP),
        ("noise.flicker.low", flicker.map(|s| s.low), FREQUENCY, NO_CHIP),
        ("noise.flicker.high", flicker.map(|s| s.high), FREQUENCY, NO_CHIP),
        ("noise.telegraph.amplitude", telegraph.map(|s| s.amplitude), CURRENT, NO_CHIP),
        ("noise.telegraph.capture", telegraph.map(|s| s.capture), TIME, NO_TIME),
        ("noise.telegraph.emission", telegraph.map(|s| s.emission), TIME, NO_TIME),
        ("noise.synapse_telegraph.amplitude", synapse_telegraph.map(|s| s.amplitude), (2.0, ""), levels),
        ("noise.synapse_telegraph.capture", synapse_telegraph.map(|s| s.capture), TIME, NO_TIME),
        ("noise.synapse_telegraph.emission", synapse_telegraph.map(|s| s.emission), TIME, NO_TIME),
        ("noise.read.relative_psd", read.map(|s| s.relative_psd), (1.0, "/Hz"), NO_CHIP),
        ("noise.supply.psd", supply.map(|s| s.psd), PSD, NO_CHIP),
        ("noise.supply.bandwidth", supply.map(|s| s.bandwidth), FREQUENCY, NO_CHIP),
        ("noise.supply.coupling", supply.map(|s| s.coupling), RATIO, NO_CHIP),
        ("noise.input.psd", input.map(|s| s.psd), PSD, NO_CHIP),
        ("noise.input.bandwidth", input.map(|s| s.bandwidth), FREQUENCY, NO_CHIP),
        ("noise.sampled.capacitance", sampled.map(|s| s.capacitance), CAPACITANCE, NO_CHIP),
    ]
}

fn around(circuit: &CircuitSpec) -> Vec<Size> {
    let amplifier = circuit.amplifier.unwrap_or_default();
    vec![
        ("transconductor.range", circuit.transconductor.map(|s| s.range), VOLTAGE, NO_CHIP),
        ("amplifier.gain", amplifier.gain, (1e12, ""), "leave the key out for an ideal amplifier"),
        (
            "amplifier.gain_bandwidth",
            amplifier.gain_bandwidth,
            FREQUENCY,
            "leave the key out for an ideal amplifier",
        ),
        ("amplifier.offset", Some(amplifier.offset), OFFSET, PAIRS),
        ("amplifier.slew", amplifier.slew, (1e15, "V/s"), "leave the key out for no limit"),
        ("amplifier.pair_minimum", Some(amplifier.pair_minimum), CONDUCTANCE, NO_CHIP),
        ("leakage.current", circuit.leakage.map(|s| s.current), CURRENT, NO_CHIP),
        ("leakage.hold", circuit.leakage.map(|s| s.hold), TIME, NO_TIME),
        ("clock.frequency", circuit.clock.map(|s| s.frequency), FREQUENCY, NO_CHIP),
        ("clock.injection", circuit.clock.map(|s| s.injection), (1.0, "C"), NO_CHIP),
    ]
}

fn feedback(circuit: &CircuitSpec) -> Vec<Size> {
    let Some(terms) = circuit.feedback.learning.terms() else { return Vec::new() };
    let FeedbackTerms { decay, amp, null, sparse, own, rate, tie: _, centred: _ } = terms;
    vec![
        ("feedback.learning.decay", Some(decay), RATIO, NOTHING),
        ("feedback.learning.amp", Some(amp), RATIO, NOTHING),
        ("feedback.learning.null", Some(null), RATIO, NOTHING),
        ("feedback.learning.sparse", Some(sparse), RATIO, NOTHING),
        ("feedback.learning.self", Some(own), RATIO, NOTHING),
        ("feedback.learning.rate", Some(rate), RATIO, NOTHING),
    ]
}

fn cost(cost: &CostSpec) -> Vec<Size> {
    vec![
        ("cost.supply", cost.supply, VOLTAGE, NO_CHIP),
        ("cost.neuron_current", Some(cost.neuron_current), CURRENT, NO_CHIP),
        ("cost.synapse_current", Some(cost.synapse_current), CURRENT, NO_CHIP),
        ("cost.synapse_conductance", Some(cost.synapse_conductance), CONDUCTANCE, NO_CHIP),
        ("cost.synapse_capacitance", Some(cost.synapse_capacitance), CAPACITANCE, NO_CHIP),
        ("cost.clock", Some(cost.clock), FREQUENCY, NO_CHIP),
        ("cost.signal", Some(cost.signal), VOLTAGE, NO_CHIP),
        ("cost.settling", Some(cost.settling), TAUS, NO_TIME),
        ("cost.conversion", cost.conversion, ENERGY, NO_CHIP),
        ("cost.programming", cost.programming, ENERGY, NO_CHIP),
        ("cost.programming_time", Some(cost.programming_time), TIME, NO_TIME),
        ("cost.neuron_area", cost.neuron_area, AREA, NO_CHIP),
        ("cost.synapse_area", cost.synapse_area, AREA, NO_CHIP),
    ]
}
