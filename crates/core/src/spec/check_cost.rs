//! What the numbers of `[cost]` must satisfy.

use super::check_circuit::{ensure, not_negative, positive};
use super::cost::CostSpec;
use super::error::nearest;
use super::fault::Fault;
use super::periphery::ClockSpec;
use super::technology::technologies;
use crate::units::engineering;

/// Checks every number, that the technology is a known one, and that synapses are charged by the circuit's
/// own clock.
///
/// # Errors
/// The first that no circuit could have.
pub(super) fn check_cost(cost: &CostSpec, clock: Option<ClockSpec>) -> Result<(), Fault> {
    let names: Vec<&str> = technologies().keys().map(String::as_str).collect();
    if !names.contains(&cost.technology.as_str()) {
        let near = nearest(&cost.technology, names.iter().copied());
        let meant = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
        let accepted = format!("one of {}{meant}", names.join(", "));
        return Err(Fault::refused(&["cost", "technology"], format!("{:?}", cost.technology), accepted));
    }
    let sizes = [
        ("neuron_current", cost.neuron_current, "current, 0 A"),
        ("synapse_current", cost.synapse_current, "current, 0 A"),
        ("synapse_conductance", cost.synapse_conductance, "conductance, 0 S"),
        ("synapse_capacitance", cost.synapse_capacitance, "capacitance, 0 F"),
        ("clock", cost.clock, "frequency, 0 Hz"),
        ("signal", cost.signal, "voltage, 0 V"),
        ("programming_time", cost.programming_time, "time, 0 s"),
        ("conversion", cost.conversion.unwrap_or(0.0), "energy, 0 J"),
        ("programming", cost.programming.unwrap_or(0.0), "energy, 0 J"),
        ("neuron_area", cost.neuron_area.unwrap_or(0.0), "area, 0 m^2"),
        ("synapse_area", cost.synapse_area.unwrap_or(0.0), "area, 0 m^2"),
    ];
    for (key, value, accepted) in sizes {
        not_negative(&["cost", key], value, &format!("a finite {accepted} or more"))?;
    }
    positive(&["cost", "settling"], cost.settling, "a number of time constants above 0")?;
    if let Some(supply) = cost.supply {
        positive(&["cost", "supply"], supply, "a voltage above 0 V")?;
    }
    if let Some(clock) = clock
        && cost.clock != 0.0
        && cost.clock != clock.frequency
    {
        let frequency = engineering(clock.frequency, "Hz");
        let accepted =
            format!("no such key beside a `[clock]`, or the same: `clock.frequency` = {frequency}");
        return Err(Fault::refused(&["cost", "clock"], cost.clock, accepted));
    }
    let clocked = cost.synapse_capacitance == 0.0 || cost.clock > 0.0 || clock.is_some();
    let accepted = "a frequency above 0 Hz, as `cost.synapse_capacitance` is charged in every cycle";
    ensure(clocked, &["cost", "clock"], cost.clock, accepted)
}
