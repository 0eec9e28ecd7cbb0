//! The dyad as a subcircuit: summing nodes, two membranes, two activation devices, mean and difference.

use super::name::{feed, literal, load};
use crate::spec::{ActivationKind, ActivationSpec};

/// How the error reaches a dyad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    /// Not at all: the output of a free circuit.
    None,
    /// By one node for both compartments.
    Shared,
    /// By a node for each: the output with nudge `own`.
    Own,
}

/// What the dyads of a layer have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) activation: ActivationSpec,
    /// Whether the activation devices have offsets.
    pub(super) offset: bool,
    /// Leak (S).
    pub(super) unit: f64,
    pub(super) port: Port,
    /// Rails (V).
    pub(super) supply: Option<(f64, f64)>,
    /// Whether the leak is a resistor, with its thermal noise.
    pub(super) resistor: bool,
}

impl Cell {
    /// Letters of the ports: drive, error (`e`, `f` for the minus compartment), potentials, mean, difference, outputs.
    pub(super) fn ports(&self) -> &'static [char] {
        match self.port {
            Port::None => &['u', 'p', 'm', 's', 'd'],
            Port::Shared => &['u', 'e', 'p', 'm', 's', 'd'],
            Port::Own => &['u', 'e', 'f', 'p', 'm', 's', 'd', 'a', 'b'],
        }
    }

    /// The subcircuit `dyad1`, `dyad2`, … of a layer.
    pub(super) fn text(&self, layer: usize) -> String {
        let ports: Vec<String> = self.ports().iter().map(ToString::to_string).collect();
        let mut keys = vec!["CP=1", "CM=1", "ALPHA=0.5", "VP=0", "VM=0"];
        if self.port != Port::None {
            keys.extend(["AP=0", "AM=0"]);
        }
        if self.offset {
            keys.extend(["OP=0", "OM=0"]);
        }
        let name = format!("dyad{}", layer + 1);
        let mut text = format!(".subckt {name} {} PARAMS: {}\n", ports.join(" "), keys.join(" "));
        text += &load("u", "u", self.unit);
        let errors: &[&str] = match self.port {
            Port::None => &[],
            Port::Shared => &["e"],
            Port::Own => &["e", "f"],
        };
        errors.iter().for_each(|node| text += &load(node, node, self.unit));
        let minus = if self.port == Port::Own { "f" } else { "e" };
        text += &self.membrane("p", "e", "P");
        text += &self.membrane("m", minus, "M");
        text += &self.device("a", "p", "P");
        text += &self.device("b", "m", "M");
        text += "Esp s t a 0 {ALPHA}\nEsm t 0 b 0 {1-ALPHA}\nEd d 0 a b 1\n";
        text + ".ends " + &name + "\n"
    }

    /// Capacitor, leak and drive of one compartment.
    fn membrane(&self, node: &str, error: &str, side: &str) -> String {
        let unit = self.unit;
        let mut text = format!("C{node} {node} 0 {{C{side}}} IC={{V{side}}}\n");
        text += &if self.resistor {
            format!("R{node} {node} 0 {}\n", literal(1.0 / unit))
        } else {
            load(&format!("l{node}"), node, unit)
        };
        // Under rails what the membrane hears is clipped first.
        let into = if self.supply.is_some() { format!("w{node}") } else { node.to_owned() };
        text += &feed(&format!("u{node}"), &into, ("u", "0"), unit);
        if self.port != Port::None {
            let (from, to) = if side == "P" { ("0", into.as_str()) } else { (into.as_str(), "0") };
            text += &format!("Ge{node} {from} {to} {error} 0 {{{}*A{side}}}\n", literal(unit));
        }
        if let Some((low, high)) = self.supply {
            text += &load(&format!("w{node}"), &into, unit);
            let clipped = format!("min(max(V({into}),{}),{})", literal(low), literal(high));
            text += &format!("Bc{node} c{node} 0 V={{{clipped}}}\n");
            text += &feed(&format!("c{node}"), node, (&format!("c{node}"), "0"), unit);
        }
        text
    }

    /// The activation device from a potential to an output.
    fn device(&self, output: &str, potential: &str, side: &str) -> String {
        let ActivationSpec { kind, amplitude, scale, .. } = self.activation;
        let (mut text, gate) = if self.offset {
            (format!("Vo{potential} {potential} g{potential} DC {{O{side}}}\n"), format!("g{potential}"))
        } else {
            (String::new(), potential.to_owned())
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
        };
        let amplitude = if amplitude == 1.0 { String::new() } else { format!("{}*", literal(amplitude)) };
        text + &format!("B{output} {output} 0 V={{{amplitude}{shape}}}\n")
    }
}
