//! What a circuit's numbers must satisfy, beyond having the right type.

use super::check_cost::check_cost;
use super::check_mismatch::check_mismatch;
use super::check_name::check_label;
use super::check_noise::check_noise;
use super::check_periphery::check_periphery;
use super::check_sizes::check_sizes;
use super::check_work::check_work;
use super::circuit::{
    ActivationSpec, CircuitSpec, NeuronSpec, NudgeSpec, SolverSpec, SupplySpec, Variant, Verify,
};
use super::crossbar::check_crossbar;
use super::ep::check_recurrent;
use super::fault::Fault;
use super::feedback::check_feedback;
use super::keep_margin::Otherwise;
use crate::units::engineering;

/// Most neurons of a layer.
pub const LARGEST_LAYER: usize = 1_000_000;

/// Shortest step of a stochastic solver (slowest τ): shorter ones have no names for their noise.
const SHORTEST_STEP: f64 = 1e-5;

/// Checks a circuit.
///
/// # Errors
/// The first value that no circuit could have.
pub fn check_circuit(circuit: &CircuitSpec) -> Result<(), Fault> {
    check_label(&circuit.name)?;
    positive(&["temperature"], circuit.temperature, "a temperature above 0 K")?;
    if let Some(network) = &circuit.network {
        check_network(network)?;
    }
    if let Some(supply) = &circuit.supply {
        check_supply(supply)?;
    }
    check_neuron(&circuit.neuron)?;
    check_nudge(&circuit.nudge)?;
    check_solver(&circuit.solver)?;
    check_feedback(&circuit.feedback)?;
    not_negative(&["readout", "time"], circuit.readout.time, "a finite time, 0 s or more")?;
    check_mismatch(&circuit.mismatch)?;
    check_crossbar(circuit)?;
    check_periphery(circuit)?;
    check_recurrent(circuit)?;
    circuit.cost.as_ref().map_or(Ok(()), |cost| check_cost(cost, circuit.clock))?;
    check_work(circuit)?;
    check_noise(circuit)?;
    check_sizes(circuit)
}

/// Checks the number of layers and of neurons in each.
///
/// # Errors
/// When there are fewer than two layers, or one is empty or too large.
pub fn check_network(network: &[usize]) -> Result<(), Fault> {
    let refused = |accepted: String| Err(Fault::refused(&["network"], format!("{network:?}"), accepted));
    if network.len() < 2 {
        return refused("at least two layers, the input and the output, for example [64, 32, 10]".into());
    }
    match network.iter().enumerate().find(|(_, neurons)| **neurons < 1 || **neurons > LARGEST_LAYER) {
        Some((layer, neurons)) => {
            refused(format!("1 to {LARGEST_LAYER} neurons in each layer (layer {layer} has {neurons})"))
        }
        None => Ok(()),
    }
}

fn check_supply(supply: &SupplySpec) -> Result<(), Fault> {
    finite(&["supply", "low"], supply.low, "a finite voltage")?;
    finite(&["supply", "high"], supply.high, "a finite voltage")?;
    let accepted = format!("a voltage above `supply.low` = {}", engineering(supply.low, "V"));
    ensure(supply.low < supply.high, &["supply", "high"], supply.high, &accepted)
}

fn check_neuron(neuron: &NeuronSpec) -> Result<(), Fault> {
    positive(&["neuron", "capacitance"], neuron.capacitance, "a capacitance above 0 F")?;
    positive(&["neuron", "leak"], neuron.leak, "a conductance above 0 S")?;
    check_activation("activation", &neuron.activation)?;
    check_activation("output_activation", &neuron.output_activation)
}

fn check_activation(key: &str, activation: &ActivationSpec) -> Result<(), Fault> {
    let ActivationSpec { amplitude, scale, offset, .. } = *activation;
    // The scale first: softplus takes its amplitude from it.
    positive(&["neuron", key, "scale"], scale, "a voltage above 0 V")?;
    finite(&["neuron", key, "amplitude"], amplitude, "a finite voltage")?;
    finite(&["neuron", key, "offset"], offset, "a finite voltage")
}

fn check_nudge(nudge: &NudgeSpec) -> Result<(), Fault> {
    if let Variant::Custom { plus, minus } = nudge.variant {
        finite(&["nudge", "variant", "plus"], plus, "a finite gain")?;
        finite(&["nudge", "variant", "minus"], minus, "a finite gain")?;
    }
    ensure((0.0..=1.0).contains(&nudge.alpha), &["nudge", "alpha"], nudge.alpha, "a number from 0 to 1")?;
    if let Some(alpha) = nudge.hidden_alpha {
        ensure((0.0..=1.0).contains(&alpha), &["nudge", "hidden_alpha"], alpha, "a number from 0 to 1")?;
    }
    not_negative(&["nudge", "beta"], nudge.beta, "a finite number, 0 or more")?;
    positive(&["nudge", "reference"], nudge.reference, "a voltage above 0 V")?;
    let Some(kept) = nudge.keep_margin else { return Ok(()) };
    let accepted =
        "a number of 1/τ above 0 and below 1: without a nudge a dyad has a margin of 1/τ; false keeps none";
    let well = kept.at_least > 0.0 && kept.at_least < 1.0;
    let place: &[&str] = match kept.otherwise {
        Otherwise::Lower => &["nudge", "keep_margin"],
        Otherwise::Stop => &["nudge", "keep_margin", "at_least"],
    };
    ensure(well, place, kept.at_least, accepted)
}

fn check_solver(solver: &SolverSpec) -> Result<(), Fault> {
    let SolverSpec { rtol, atol, max_time, hold, passes, step, .. } = *solver;
    ensure((0.0..1.0).contains(&rtol), &["solver", "rtol"], rtol, "a number from 0 to below 1")?;
    not_negative(&["solver", "atol"], atol, "a finite voltage, 0 V or more")?;
    ensure(rtol > 0.0 || atol > 0.0, &["solver", "rtol"], rtol, "a number above 0, as `solver.atol` is 0")?;
    positive(&["solver", "max_time"], max_time, "a number of time constants above 0")?;
    not_negative(&["solver", "hold"], hold, "a finite number of time constants, 0 or more")?;
    let accepted = format!("a number of time constants below `solver.max_time` = {max_time}");
    ensure(hold < max_time, &["solver", "hold"], hold, &accepted)?;
    ensure(passes >= 1, &["solver", "passes"], passes, "a whole number, 1 or more")?;
    let accepted = format!("a number of time constants, {SHORTEST_STEP} or more");
    ensure(step.is_finite() && step >= SHORTEST_STEP, &["solver", "step"], step, &accepted)?;
    let checked = match solver.verify {
        Verify::None => return Ok(()),
        Verify::Eigen => "\"eigen\"",
        Verify::Transient => "\"transient\"",
    };
    let accepted = "\"none\", or `solver.kind` = \"dc\": other solvers do not look for operating points";
    ensure(solver.kind.can_verify(), &["solver", "verify"], checked, accepted)
}

/// Refuses a value unless it is well.
pub(super) fn ensure(
    well: bool,
    path: &[&str],
    value: impl std::fmt::Display,
    accepted: &str,
) -> Result<(), Fault> {
    if well { Ok(()) } else { Err(Fault::refused(path, value, accepted)) }
}

/// Refuses what is not finite and above zero.
pub(super) fn positive(path: &[&str], value: f64, accepted: &str) -> Result<(), Fault> {
    ensure(value.is_finite() && value > 0.0, path, value, accepted)
}

/// Refuses what is not finite or below zero.
pub(super) fn not_negative(path: &[&str], value: f64, accepted: &str) -> Result<(), Fault> {
    ensure(value.is_finite() && value >= 0.0, path, value, accepted)
}

/// Refuses infinities and what is no number.
pub(super) fn finite(path: &[&str], value: f64, accepted: &str) -> Result<(), Fault> {
    ensure(value.is_finite(), path, value, accepted)
}
