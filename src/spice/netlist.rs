//! The netlist of one sample: library, columns of synapses, network, noise; the same for every simulator.

use super::cell::{Cell, Port};
use super::name::{feed, literal, node};
use super::{noise, nudge};
use dyadsim_core::chip::Chip;
use dyadsim_core::circuit::{DyadCircuit, Dynamics};
use dyadsim_core::device::DeviceOffset;
use dyadsim_core::spec::{CircuitSpec, NudgePoint, Start};

/// One sample of a circuit, as it is wired.
#[derive(Clone, Debug)]
pub struct Wiring<'a> {
    /// The description; a β of 0 is the free circuit.
    pub spec: &'a CircuitSpec,
    /// The devices.
    pub chip: &'a Chip<f64>,
    /// The sample's circuit, alone in its batch.
    pub circuit: &'a DyadCircuit<'a, f64>,
    /// Its input (V), `n_0` numbers.
    pub input: &'a [f64],
    /// Its target (V), `n_L` numbers; heeded if there is a nudge.
    pub target: &'a [f64],
}

impl Wiring<'_> {
    /// Whether a nudge acts.
    #[must_use]
    pub fn nudged(&self) -> bool {
        self.spec.nudge.beta > 0.0
    }

    /// Potentials at the start (V).
    #[must_use]
    pub fn start(&self) -> Vec<f64> {
        match self.spec.solver.start {
            Start::Free | Start::Stale => self.circuit.free_state().as_slice().to_vec(),
            Start::Zero => vec![0.0; self.chip.layout.width()],
        }
    }

    /// Outputs that nudge `free` holds (V).
    pub(super) fn held_output(&self) -> Vec<f64> {
        self.circuit.held_output().map_or(vec![], |held| held.as_slice().to_vec())
    }

    /// Leak conductance (S), the unit of all gains.
    pub(super) fn unit(&self) -> f64 {
        self.spec.neuron.leak
    }
}

/// A netlist in parts, each of whole lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Netlist {
    /// Title line.
    pub title: String,
    /// The dyads as subcircuits.
    pub library: String,
    /// Synapses, column by column of the crossbars.
    pub columns: String,
    /// Drivers, biases, dyads, nudge.
    pub network: String,
    /// Sources for noise analyses; empty where the leaks make all the noise there is.
    pub noise: String,
}

impl Netlist {
    /// Writes the netlist of a sample.
    #[must_use]
    pub fn new(wiring: &Wiring<'_>) -> Self {
        let cells = list_cells(wiring);
        let mut library = "* Library: a dyad of every layer.\n".to_owned();
        for (layer, cell) in cells.iter().enumerate() {
            library += &cell.text(layer);
        }
        let network = wiring.chip.layout.network();
        let network: Vec<String> = network.iter().map(ToString::to_string).collect();
        Self {
            title: format!("* dyadsim: {} {}\n", wiring.spec.name, network.join("-")),
            library,
            columns: columns(wiring),
            network: drivers(wiring) + &biases(wiring) + &dyads(wiring, &cells) + &nudge::nudge(wiring),
            noise: noise::sources(wiring),
        }
    }

    /// Cards of elements in all parts.
    #[must_use]
    pub fn elements(&self) -> usize {
        let parts = [&self.columns, &self.network, &self.noise];
        let cards = |text: &&String| {
            text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic())).count()
        };
        parts.iter().map(cards).sum()
    }
}

/// The cell of every layer.
fn list_cells(wiring: &Wiring<'_>) -> Vec<Cell> {
    let depth = wiring.chip.layout.depth();
    let cell = |layer: usize| {
        let spec = &wiring.spec.neuron;
        let top = layer + 1 == depth;
        let port = match (top, wiring.nudged(), wiring.spec.nudge.at) {
            (true, false, _) => Port::None,
            (true, true, NudgePoint::Own) => Port::Own,
            _ => Port::Shared,
        };
        let activation = if top { spec.output_activation } else { spec.activation };
        Cell {
            activation,
            trimmed: activation.offset != 0.0 || wiring.chip.layers[layer].has_device_offsets(),
            unit: wiring.unit(),
            port,
            supply: wiring.chip.supply,
            resistor: noise::leaks_are_all(wiring),
            node: has_nodes(wiring),
            range: wiring.chip.periphery.range,
            slew: wiring.chip.periphery.slew.is_some(),
        }
    };
    (0..depth).map(cell).collect()
}

/// Whether some summing node is not ideal.
fn has_nodes(wiring: &Wiring<'_>) -> bool {
    (0..wiring.chip.layout.width()).any(|column| wiring.circuit.node(column) != (1.0, 0.0))
}

/// Synapses: per presynaptic neuron all that it feeds, forward and, from layer 2 on, backward.
fn columns(wiring: &Wiring<'_>) -> String {
    let unit = wiring.unit();
    let mut text =
        "* Columns: gw feeds means up, gf feeds differences down; siemens, gain times the leak.\n".to_owned();
    for (layer, forward) in wiring.circuit.weights().forward.iter().enumerate() {
        let backward = wiring.circuit.weights().feedback(layer);
        for i in 0..forward.ncols() {
            let from = if layer == 0 { format!("x{i}") } else { node('s', layer - 1, i) };
            for j in 0..forward.nrows() {
                let place = format!("{}_{j}_{i}", layer + 1);
                let into = node('u', layer, j);
                text += &feed(&format!("w{place}"), &into, (&from, "0"), forward[(j, i)] * unit);
                if layer > 0 {
                    let (into, from) = (node('e', layer - 1, i), node('d', layer, j));
                    text += &feed(&format!("f{place}"), &into, (&from, "0"), backward[(j, i)] * unit);
                }
            }
        }
    }
    text
}

/// Inputs; the first has the unit that small-signal analyses refer to.
fn drivers(wiring: &Wiring<'_>) -> String {
    let mut text = "* Network: inputs (V).\n".to_owned();
    let quiet = wiring.chip.noise.input.is_none();
    for (i, &x) in wiring.input.iter().enumerate() {
        let at = if quiet { format!("x{i}") } else { format!("xq{i}") };
        let unit = if i == 0 { " AC 1" } else { "" };
        text += &format!("Vx{i} {at} 0 DC {}{unit}\n", literal(x));
    }
    text
}

/// Biases, as currents.
fn biases(wiring: &Wiring<'_>) -> String {
    let mut text = "* Biases (A).\n".to_owned();
    for (layer, biases) in wiring.circuit.weights().biases.iter().enumerate() {
        for (j, &b) in biases.iter().enumerate() {
            let place = format!("{}_{j}", layer + 1);
            text += &format!("Ib{place} 0 u{place} DC {}\n", literal(b * wiring.unit()));
        }
    }
    text
}

/// Dyads with their devices and initial conditions.
fn dyads(wiring: &Wiring<'_>, cells: &[Cell]) -> String {
    let (chip, start) = (wiring.chip, wiring.start());
    let mut text = "* Dyads: capacitances (F), mixing, feedback gains, initial potentials (V).\n".to_owned();
    let nominal = wiring.spec.neuron.capacitance;
    let capacitance = |column: usize| {
        // The leak is the unit of all gains; a time constant of its own is a capacitor of its own.
        let rate = wiring.circuit.rates()[column];
        if rate == 1.0 / (nominal / wiring.unit()) { nominal } else { wiring.unit() / rate }
    };
    for (layer, cell) in cells.iter().enumerate() {
        let devices = &chip.layers[layer];
        let sides = chip.layout.plus(layer).zip(chip.layout.minus(layer));
        for (j, (plus, minus)) in sides.enumerate() {
            let mut given = vec![
                ("CP", capacitance(plus)),
                ("CM", capacitance(minus)),
                ("ALPHA", devices.mixing[j]),
                ("VP", start[plus]),
                ("VM", start[minus]),
            ];
            if cell.port != Port::None {
                given.extend([("AP", devices.gain_plus[j]), ("AM", devices.gain_minus[j])]);
            }
            if cell.trimmed {
                let (shape, plus, minus) =
                    (&cell.activation, devices.offset_plus[j], devices.offset_minus[j]);
                given.extend([("OP", shape.offset + plus.offset), ("OM", shape.offset + minus.offset)]);
                let rate = |trim: DeviceOffset<f64>| 1.0 / (shape.scale * trim.scale);
                given.extend([("UP", rate(plus)), ("UM", rate(minus))]);
            }
            if cell.node {
                let [plus, minus] = [plus, minus].map(|column| wiring.circuit.node(column));
                given.extend([("SP", plus.0), ("SM", minus.0), ("HP", plus.1), ("HM", minus.1)]);
            }
            if let Some(slew) = chip.periphery.slew {
                let reach = |column: usize| slew / wiring.circuit.rates()[column];
                given.extend([("LP", reach(plus)), ("LM", reach(minus))]);
            }
            let given: Vec<String> =
                given.iter().map(|(key, value)| format!("{key}={}", literal(*value))).collect();
            let ports: Vec<String> = cell.ports().iter().map(|&port| node(port, layer, j)).collect();
            let place = format!("{}_{j}", layer + 1);
            text +=
                &format!("Xn{place} {} dyad{}\n+ PARAMS: {}\n", ports.join(" "), layer + 1, given.join(" "));
        }
    }
    text
}
