//! The neuron as a subcircuit: a dyad (summing nodes, two membranes, two activation devices, mean and
//! difference), or one membrane with its device.

use super::curve::pieces;
use super::name::{feed, literal, load};
use super::transistors::Transistors;
use dyadsim_core::spec::{ActivationKind, ActivationSpec};

/// How the error reaches a neuron.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    /// Not by a node of its own: the output of a free circuit, and every neuron of one compartment.
    None,
    /// By one node for both compartments.
    Shared,
    /// By a node for each: the output with nudge `own`.
    Own,
}

/// What the neurons of a layer have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "parts that are there or not, each without the others")]
pub(super) struct Cell {
    /// Whether a neuron has one compartment; else it is a dyad.
    pub(super) single: bool,
    pub(super) activation: ActivationSpec,
    /// Whether the activation devices have offsets, or scales of their own.
    pub(super) trimmed: bool,
    /// Leak (S).
    pub(super) unit: f64,
    pub(super) port: Port,
    /// Rails (V).
    pub(super) supply: Option<(f64, f64)>,
    /// Whether the leak is a resistor, with its thermal noise.
    pub(super) resistor: bool,
    /// Whether summing nodes are not ideal.
    pub(super) node: bool,
    /// Range of the transconductor (V).
    pub(super) range: Option<f64>,
    /// Whether amplifiers slew.
    pub(super) slew: bool,
}

impl Cell {
    /// Letters of the ports: drive, error (`e`, `f` for the minus compartment), potentials, mean, difference,
    /// outputs. Of a single compartment: drive, potential, output.
    pub(super) fn ports(&self) -> &'static [char] {
        match self.port {
            Port::None if self.single => &['u', 'p', 's'],
            Port::None => &['u', 'p', 'm', 's', 'd'],
            Port::Shared => &['u', 'e', 'p', 'm', 's', 'd'],
            Port::Own => &['u', 'e', 'f', 'p', 'm', 's', 'd', 'a', 'b'],
        }
    }

    /// Name of the subcircuit of a layer.
    pub(super) fn name(&self, layer: usize) -> String {
        format!("{}{}", if self.single { "neuron" } else { "dyad" }, layer + 1)
    }

    /// The subcircuit `dyad1`, `dyad2`, … (`neuron1`, … of a single compartment) of a layer.
    /// Its compartments are of transistors, if there are some.
    pub(super) fn text(&self, layer: usize, transistors: Option<&Transistors>) -> String {
        let ports: Vec<String> = self.ports().iter().map(ToString::to_string).collect();
        let mut keys = vec!["CP=1", "CM=1", "ALPHA=0.5", "VP=0", "VM=0"];
        if self.port != Port::None {
            keys.extend(["AP=0", "AM=0"]);
        }
        if self.trimmed {
            keys.extend(["OP=0", "OM=0", "UP=1", "UM=1"]);
        }
        if self.node {
            keys.extend(["SP=1", "SM=1", "HP=0", "HM=0"]);
        }
        if self.slew {
            keys.extend(["LP=1", "LM=1"]);
        }
        if self.single {
            // A compartment's parameters are those of `plus`; there is no mixing.
            keys.retain(|key| key[1..].starts_with('P'));
        }
        let name = self.name(layer);
        let mut text = format!(".subckt {name} {} PARAMS: {}\n", ports.join(" "), keys.join(" "));
        text += &load("u", "u", self.unit);
        if self.single {
            return text + &self.compartment(("p", "s"), "e", "P", transistors) + ".ends " + &name + "\n";
        }
        let errors: &[&str] = match self.port {
            Port::None => &[],
            Port::Shared => &["e"],
            Port::Own => &["e", "f"],
        };
        errors.iter().for_each(|node| text += &load(node, node, self.unit));
        let minus = if self.port == Port::Own { "f" } else { "e" };
        text += &self.compartment(("p", "a"), "e", "P", transistors);
        text += &self.compartment(("m", "b"), minus, "M", transistors);
        text += "Esp s t a 0 {ALPHA}\nEsm t 0 b 0 {1-ALPHA}\nEd d 0 a b 1\n";
        text + ".ends " + &name + "\n"
    }

    /// One compartment between what it hears and its output.
    fn compartment(
        &self,
        (node, output): (&str, &str),
        error: &str,
        side: &str,
        transistors: Option<&Transistors>,
    ) -> String {
        if let Some(transistors) = transistors {
            let (text, at) = self.drive(node, error, side, true);
            return text + &transistors.compartment(&at, node, output);
        }
        self.membrane(node, error, side) + &self.device(output, node, side)
    }

    /// All that reaches a compartment, and the node where it is: the membrane itself, or, in a `chain`, one
    /// before it.
    fn drive(&self, node: &str, error: &str, side: &str, chain: bool) -> (String, String) {
        let unit = self.unit;
        let mut text = String::new();
        // Where more than a leak lies between them, what the membrane hears is summed up first.
        let mut at = if chain { format!("w{node}") } else { node.to_owned() };
        text += &feed(&format!("u{node}"), &at, ("u", "0"), unit);
        if self.port != Port::None {
            let (from, to) = if side == "P" { ("0", at.as_str()) } else { (at.as_str(), "0") };
            text += &format!("Ge{node} {from} {to} {error} 0 {{{}*A{side}}}\n", literal(unit));
        }
        if chain {
            text += &load(&format!("w{node}"), &at, unit);
        }
        if self.node {
            let unit = literal(unit);
            text += &load(&format!("x{node}"), &format!("x{node}"), self.unit);
            text += &format!("Gs{node} 0 x{node} {at} 0 {{{unit}*S{side}}}\n");
            text += &format!("Ix{node} 0 x{node} DC {{{unit}*H{side}}}\n");
            at = format!("x{node}");
        }
        if let Some((low, high)) = self.supply {
            let clipped = format!("min(max(V({at}),{}),{})", literal(low), literal(high));
            text += &format!("Bc{node} c{node} 0 V={{{clipped}}}\n");
            at = format!("c{node}");
        }
        (text, at)
    }

    /// Capacitor, leak and drive of one compartment.
    fn membrane(&self, node: &str, error: &str, side: &str) -> String {
        let unit = self.unit;
        let limited = self.range.is_some() || self.slew;
        let chain = self.supply.is_some() || self.node || limited;
        let (heard, at) = self.drive(node, error, side, chain);
        let mut text = format!("C{node} {node} 0 {{C{side}}} IC={{V{side}}}\n") + &heard;
        if limited {
            return text + &self.limited(node, side, &at);
        }
        text += &if self.resistor {
            format!("R{node} {node} 0 {}\n", literal(1.0 / unit))
        } else {
            load(&format!("l{node}"), node, unit)
        };
        if chain {
            text += &feed(&format!("c{node}"), node, (&at, "0"), unit);
        }
        text
    }

    /// The current into a membrane from what drives it, of an amplifier that saturates or slews: the leak is
    /// part of it.
    fn limited(&self, node: &str, side: &str, drive: &str) -> String {
        let unit = self.unit;
        let (mut text, mut pull) = (String::new(), (drive.to_owned(), node.to_owned()));
        if let Some(range) = self.range {
            let range = literal(range);
            text += &format!("Bt{node} t{node} 0 V={{{range}*tanh((V({drive})-V({node}))/{range})}}\n");
            pull = (format!("t{node}"), "0".to_owned());
        }
        let (from, below) = (pull.0.as_str(), pull.1.as_str());
        if !self.slew {
            return text + &feed(&format!("k{node}"), node, (from, below), unit);
        }
        let (own, unit) = (format!("y{node}"), literal(unit));
        text += &load(&own, &own, self.unit);
        text += &format!("Gr{node} 0 {own} {from} {below} {{{unit}/L{side}}}\n");
        text += &format!("Bk{node} k{node} 0 V={{min(max(V({own}),-1),1)}}\n");
        text + &format!("Gk{node} 0 {node} k{node} 0 {{{unit}*L{side}}}\n")
    }

    /// The activation device from a potential to an output.
    fn device(&self, output: &str, potential: &str, side: &str) -> String {
        let ActivationSpec { kind, amplitude, scale, .. } = self.activation;
        let (mut text, gate, scale) = if self.trimmed {
            let own = format!("h{potential}");
            let shift = format!("Vo{potential} {potential} g{potential} DC {{O{side}}}\n");
            (shift + &format!("Eo{potential} {own} 0 g{potential} 0 {{U{side}}}\n"), own, 1.0)
        } else {
            (String::new(), potential.to_owned(), scale)
        };
        let z = if scale == 1.0 { format!("V({gate})") } else { format!("(V({gate})/{})", literal(scale)) };
        let shape = match kind {
            ActivationKind::Linear => {
                text += &format!("E{output} {output} 0 {gate} 0 {}\n", literal(amplitude / scale));
                return text;
            }
            ActivationKind::Relu => format!("max({z},0)"),
            ActivationKind::HardSigmoid => format!("min(max({z},0),1)"),
            ActivationKind::Tanh => format!("tanh({z})"),
            ActivationKind::Softplus => format!("(max({z},0)+ln(1+exp(-abs({z}))))"),
            // The logistic function without an exponential that overflows.
            ActivationKind::Sigmoid => format!("(0.5+0.5*tanh(0.5*{z}))"),
            ActivationKind::Table(curve) => {
                // Its argument is a node of its own: every piece reads it.
                let at = format!("z{potential}");
                text += &format!("E{at} {at} 0 {gate} 0 {}\n", literal(1.0 / scale));
                pieces(curve, &format!("V({at})"))
            }
        };
        let amplitude = if amplitude == 1.0 { String::new() } else { format!("{}*", literal(amplitude)) };
        text + &format!("B{output} {output} 0 V={{{amplitude}{shape}}}\n")
    }
}
