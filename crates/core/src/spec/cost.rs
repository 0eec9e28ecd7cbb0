//! What a circuit file says of cost: currents, voltages and areas that the equations do not hold.
//!
//! All are of an average device; what is absent costs nothing and is told as not given, or is the
//! technology's.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::units;

/// Electrical and geometrical numbers for the cost of a circuit (docs/cost.md).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostSpec {
    /// Technology whose numbers stand for those not given here: a name of the technology table.
    pub technology: String,
    /// Supply voltage (V); the technology's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_voltage")]
    #[schemars(with = "units::Quantity")]
    pub supply: Option<f64>,
    /// Bias current of a dyad, all its branches together (A).
    #[serde(default, deserialize_with = "units::current")]
    #[schemars(with = "units::Quantity")]
    pub neuron_current: f64,
    /// Bias current of a synapse that passes a current (A).
    #[serde(default, deserialize_with = "units::current")]
    #[schemars(with = "units::Quantity")]
    pub synapse_current: f64,
    /// Conductance of a resistive synapse, both devices of its pair together (S).
    #[serde(default, deserialize_with = "units::conductance")]
    #[schemars(with = "units::Quantity")]
    pub synapse_conductance: f64,
    /// Capacitance of a synapse that is charged anew in every cycle of the clock (F).
    #[serde(default, deserialize_with = "units::capacitance")]
    #[schemars(with = "units::Quantity")]
    pub synapse_capacitance: f64,
    /// Clock of charged synapses (Hz), where the circuit has none of its own.
    #[serde(default, deserialize_with = "units::frequency")]
    #[schemars(with = "units::Quantity")]
    pub clock: f64,
    /// Root mean square of a signal (V), where states are not simulated.
    #[serde(default, deserialize_with = "units::voltage")]
    #[schemars(with = "units::Quantity")]
    pub signal: f64,
    /// Length of a relaxation in units of the slowest τ, where it is not simulated.
    #[serde(default = "settling")]
    pub settling: f64,
    /// Energy to convert the reading of one compartment (J).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_energy")]
    #[schemars(with = "units::Quantity")]
    pub conversion: Option<f64>,
    /// Energy to program one synapse in one update (J).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_energy")]
    #[schemars(with = "units::Quantity")]
    pub programming: Option<f64>,
    /// Time to program the synapses in one update (s).
    #[serde(default, deserialize_with = "units::time")]
    #[schemars(with = "units::Quantity")]
    pub programming_time: f64,
    /// Area of a dyad without its capacitors (m^2); the technology's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_area")]
    #[schemars(with = "units::Quantity")]
    pub neuron_area: Option<f64>,
    /// Area of a synapse, both devices of its pair together (m^2); the technology's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_area")]
    #[schemars(with = "units::Quantity")]
    pub synapse_area: Option<f64>,
}

fn settling() -> f64 {
    20.0
}

fn some_voltage<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    units::voltage(from).map(Some)
}

fn some_energy<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    units::energy(from).map(Some)
}

fn some_area<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    units::area(from).map(Some)
}
