//! Power, energy and area of what a circuit does.

use serde::Serialize;

use super::work::{Signals, Work};
use crate::spec::{CircuitSpec, CostSpec, technologies};

/// Mean power while a circuit relaxes or is read (W).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Power {
    /// Bias of neurons, `V_DD N I_n`; of one node half of it.
    pub neurons: f64,
    /// Bias of synapses, `V_DD M I_s`.
    pub synapses: f64,
    /// Resistive synapses, `M G ⟨V²⟩`.
    pub resistive: f64,
    /// Synapses charged in every cycle, `f M C_s V_DD ⟨|V|⟩`.
    pub switching: f64,
}

/// Energy of one inference or one update (J).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Energy {
    /// Time that it takes (s).
    pub time_s: f64,
    /// Bias of neurons.
    pub neurons: f64,
    /// Synapses: bias, conductance and charge.
    pub synapses: f64,
    /// Membranes charged once a relaxation from 0 V, `c N C V_DD ⟨|v|⟩` with `c` capacitors a neuron; 0 where
    /// charged synapses bring the charge.
    pub membranes: f64,
    /// Conversion of readings; `None` if it is not given.
    pub conversion: Option<f64>,
    /// Programming of synapses; `None` if it is not given, 0 in an inference.
    pub programming: Option<f64>,
}

/// Area (m²); `None` where the technology has no number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Area {
    /// Capacitors of all compartments.
    pub capacitors: Option<f64>,
    /// Neurons without them.
    pub neurons: Option<f64>,
    /// Synapses.
    pub synapses: Option<f64>,
}

/// Cost of a circuit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Technology.
    pub technology: String,
    /// Supply voltage (V).
    pub supply_v: f64,
    /// Area (m²).
    pub area_m2: Area,
    /// Power in a free relaxation (W).
    pub power_w: Power,
    /// One inference (J): a free relaxation, its reading, the outputs converted.
    pub inference_j: Energy,
    /// One update (J): its relaxations and their readings, all compartments converted each time, all synapses
    /// programmed.
    pub update_j: Energy,
}

impl Power {
    fn new(cost: &CostSpec, (supply, clock): (f64, f64), work: &Work, signals: Signals) -> Self {
        let (dyads, synapses) = (work.all_nodes() / 2.0, work.synapses());
        // Weights tell what the description can only guess; whether synapses are resistive at all is its to
        // say.
        let conductance = match work.conductance {
            Some(real) if cost.synapse_conductance > 0.0 => real,
            _ => cost.synapse_conductance,
        };
        Self {
            neurons: supply * dyads * cost.neuron_current,
            synapses: supply * synapses * cost.synapse_current,
            resistive: synapses * conductance * signals.square,
            switching: clock * synapses * cost.synapse_capacitance * supply * signals.size,
        }
    }

    /// Sum of its parts (W).
    #[must_use]
    pub fn total(&self) -> f64 {
        self.neurons + self.synapses + self.resistive + self.switching
    }
}

impl Energy {
    /// Sum of the parts that are given (J).
    #[must_use]
    pub fn total(&self) -> f64 {
        let given = self.conversion.unwrap_or(0.0) + self.programming.unwrap_or(0.0);
        self.neurons + self.synapses + self.membranes + given
    }
}

impl Area {
    /// Sum (m²); `None` if a part is.
    #[must_use]
    pub fn total(&self) -> Option<f64> {
        Some(self.capacitors? + self.neurons? + self.synapses?)
    }
}

impl Cost {
    /// Prices what a circuit does; `None` if its technology is not in the table, which the door does not let
    /// in.
    #[must_use]
    pub fn new(spec: &CircuitSpec, cost: &CostSpec, work: &Work) -> Option<Self> {
        let technology = technologies().get(&cost.technology)?;
        let supply = cost.supply.unwrap_or(technology.supply.value);
        let clock = spec.clock.map_or(cost.clock, |clock| clock.frequency);
        let (dyads, synapses) = (work.all_nodes() / 2.0, work.synapses());
        let capacitance = work.all_compartments() * spec.neuron.capacitance;
        let energy = |signals: Signals, (relaxations, charged): (f64, f64), relaxing: f64, converted: f64| {
            let power = Power::new(cost, (supply, clock), work, signals);
            let time = relaxing + relaxations * work.reading;
            Energy {
                time_s: time,
                neurons: power.neurons * time,
                synapses: (power.total() - power.neurons) * time,
                membranes: if cost.synapse_capacitance > 0.0 {
                    0.0
                } else {
                    charged * capacitance * supply * signals.membrane
                },
                conversion: cost.conversion.map(|each| each * converted),
                programming: Some(0.0),
            }
        };
        let (relaxations, charged) = (work.relaxations as f64, work.charged as f64);
        let read = work.all_nodes() * relaxations;
        let mut update = energy(work.nudged, (relaxations, charged), work.update, read);
        update.time_s += cost.programming_time;
        update.programming = cost.programming.map(|each| each * work.updated());
        let from = |own: Option<f64>, table: Option<f64>, count: f64| own.or(table).map(|each| each * count);
        let value = |sourced: &Option<crate::spec::Sourced>| sourced.as_ref().map(|one| one.value);
        Some(Self {
            technology: cost.technology.clone(),
            supply_v: supply,
            area_m2: Area {
                capacitors: value(&technology.capacitor).map(|density| capacitance / density),
                neurons: from(cost.neuron_area, value(&technology.neuron), dyads),
                synapses: from(cost.synapse_area, value(&technology.synapse), synapses),
            },
            power_w: Power::new(cost, (supply, clock), work, work.free),
            inference_j: energy(
                work.free,
                (1.0, 1.0),
                work.inference,
                work.compartments as f64 * work.outputs(),
            ),
            update_j: update,
        })
    }

    /// Keys of `[cost]` that would complete it.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let Area { capacitors, neurons, synapses } = self.area_m2;
        let parts = [
            ("a technology with a capacitor", capacitors),
            ("cost.neuron_area", neurons),
            ("cost.synapse_area", synapses),
            ("cost.conversion", self.update_j.conversion),
            ("cost.programming", self.update_j.programming),
        ];
        parts.into_iter().filter(|(_, part)| part.is_none()).map(|(name, _)| name).collect()
    }
}
