//! The netlist of one sample: library, columns of synapses, network, noise; the same for every simulator.

use super::cell::{Cell, Port};
use super::name::{compartment, literal, node};
use super::transistors::Transistors;
use super::{noise, nudge, synapses};
use dyadsim_core::chip::Chip;
use dyadsim_core::circuit::Wired;
use dyadsim_core::device::DeviceOffset;
use dyadsim_core::spec::{CircuitKind, CircuitSpec, NudgePoint, Start};

/// One sample of a circuit, as it is wired.
#[derive(Clone)]
pub struct Wiring<'a> {
    /// The description; a β of 0 is the free circuit.
    pub spec: &'a CircuitSpec,
    /// The devices.
    pub chip: &'a Chip<f64>,
    /// The sample's circuit, alone in its batch.
    pub circuit: &'a dyn Wired<f64>,
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

    /// Whether neurons have one compartment.
    pub(super) fn is_single(&self) -> bool {
        self.chip.layout.kind().compartments() == 1
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
        self.circuit.held().map_or(vec![], |held| held.as_slice().to_vec())
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
    /// The neurons as subcircuits.
    pub library: String,
    /// Synapses, column by column of the crossbars.
    pub columns: String,
    /// Drivers, biases, neurons, nudge.
    pub network: String,
    /// Sources for noise analyses; empty where the leaks make all the noise there is.
    pub noise: String,
}

impl Netlist {
    /// Writes the netlist of a sample.
    #[must_use]
    pub fn new(wiring: &Wiring<'_>) -> Self {
        Self::with(wiring, None)
    }

    /// Writes the netlist of a sample, its compartments of transistors.
    #[must_use]
    pub fn of_transistors(wiring: &Wiring<'_>, transistors: &Transistors) -> Self {
        let mut netlist = Self::with(wiring, Some(transistors));
        netlist.library = transistors.library() + &netlist.library;
        for (node, volts) in compartment(&wiring.chip.layout).iter().zip(wiring.start()) {
            netlist.network += &format!(".ic V({node})={}\n", literal(volts));
        }
        netlist
    }

    fn with(wiring: &Wiring<'_>, transistors: Option<&Transistors>) -> Self {
        let cells = list_cells(wiring);
        let what = if wiring.is_single() { "neuron" } else { "dyad" };
        let mut library = format!("* Library: a {what} of every layer.\n");
        for (layer, cell) in cells.iter().enumerate() {
            library += &cell.text(layer, transistors);
        }
        let network = wiring.chip.layout.network();
        let network: Vec<String> = network.iter().map(ToString::to_string).collect();
        Self {
            title: format!("* dyadsim: {} {}\n", wiring.spec.name, network.join("-")),
            library,
            columns: synapses::columns(wiring),
            network: drivers(wiring) + &biases(wiring) + &neurons(wiring, &cells) + &nudge::nudge(wiring),
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
    let (depth, kind) = (wiring.chip.layout.depth(), wiring.chip.layout.kind());
    let cell = |layer: usize| {
        let spec = &wiring.spec.neuron;
        let top = layer + 1 == depth;
        let port = match (kind, top, wiring.nudged(), wiring.spec.nudge.at) {
            (CircuitKind::Hopfield, ..) | (CircuitKind::Dyad, true, false, _) => Port::None,
            (CircuitKind::Dyad, true, true, NudgePoint::Own) => Port::Own,
            _ => Port::Shared,
        };
        let activation = if top { spec.output_activation } else { spec.activation };
        Cell {
            single: wiring.is_single(),
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
    (0..wiring.chip.layout.width()).any(|column| wiring.circuit.summing_node(column) != (1.0, 0.0))
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
    for (layer, biases) in wiring.circuit.effective_weights().biases.iter().enumerate() {
        for (j, &b) in biases.iter().enumerate() {
            let place = format!("{}_{j}", layer + 1);
            text += &format!("Ib{place} 0 u{place} DC {}\n", literal(b * wiring.unit()));
        }
    }
    text
}

/// A compartment of a neuron, as its parameters name it: `P` or `M`.
struct Compartment {
    side: char,
    column: usize,
    /// Feedback gain.
    gain: f64,
    /// What its activation device has of its own.
    own: DeviceOffset<f64>,
}

/// The compartments of a neuron.
fn compartments(chip: &Chip<f64>, layer: usize, neuron: usize) -> Vec<Compartment> {
    let (devices, layout) = (&chip.layers[layer], &chip.layout);
    let sides = [
        ('P', layout.plus(layer), &devices.gain_plus, &devices.offset_plus),
        ('M', layout.minus(layer), &devices.gain_minus, &devices.offset_minus),
    ];
    let some = sides.into_iter().filter(|(_, columns, ..)| !columns.is_empty());
    some.map(|(side, columns, gains, own)| Compartment {
        side,
        column: columns.start + neuron,
        gain: gains[neuron],
        own: own[neuron],
    })
    .collect()
}

/// Neurons with their devices and initial conditions.
fn neurons(wiring: &Wiring<'_>, cells: &[Cell]) -> String {
    let (chip, start) = (wiring.chip, wiring.start());
    let mut text = if wiring.is_single() {
        "* Neurons: capacitances (F), initial potentials (V).\n".to_owned()
    } else {
        "* Dyads: capacitances (F), mixing, feedback gains, initial potentials (V).\n".to_owned()
    };
    for (layer, cell) in cells.iter().enumerate() {
        for j in 0..chip.layout.neurons(layer) {
            let given = parameters(wiring, cell, (layer, j), &start);
            let given: Vec<String> =
                given.iter().map(|(key, value)| format!("{key}={}", literal(*value))).collect();
            let ports: Vec<String> = cell.ports().iter().map(|&port| node(port, layer, j)).collect();
            let (place, name) = (format!("{}_{j}", layer + 1), cell.name(layer));
            text += &format!("Xn{place} {} {name}\n+ PARAMS: {}\n", ports.join(" "), given.join(" "));
        }
    }
    text
}

/// The parameters of a neuron's cell, by name.
fn parameters(
    wiring: &Wiring<'_>,
    cell: &Cell,
    (layer, neuron): (usize, usize),
    start: &[f64],
) -> Vec<(String, f64)> {
    let all = compartments(wiring.chip, layer, neuron);
    let each = |key: char, value: &dyn Fn(&Compartment) -> f64| -> Vec<(String, f64)> {
        all.iter().map(|own| (format!("{key}{}", own.side), value(own))).collect()
    };
    let (nominal, rates) = (wiring.spec.neuron.capacitance, wiring.circuit.rates());
    let capacitance = |own: &Compartment| {
        // The leak is the unit of all gains; a time constant of its own is a capacitor of its own.
        let rate = rates[own.column];
        if rate == 1.0 / (nominal / wiring.unit()) { nominal } else { wiring.unit() / rate }
    };
    let mut given = each('C', &capacitance);
    if !cell.single {
        given.push(("ALPHA".to_owned(), wiring.chip.layers[layer].mixing[neuron]));
    }
    given.extend(each('V', &|own| start[own.column]));
    if cell.port != Port::None {
        given.extend(each('A', &|own| own.gain));
    }
    if cell.trimmed {
        let shape = &cell.activation;
        given.extend(each('O', &|own| shape.offset + own.own.offset));
        given.extend(each('U', &|own| 1.0 / (shape.scale * own.own.scale)));
    }
    if cell.node {
        given.extend(each('S', &|own| wiring.circuit.summing_node(own.column).0));
        given.extend(each('H', &|own| wiring.circuit.summing_node(own.column).1));
    }
    if let Some(slew) = wiring.chip.periphery.slew {
        given.extend(each('L', &|own| slew / rates[own.column]));
    }
    given
}
