//! Compartments of transistors: a subcircuit of the user's stands in a deck for membrane and activation
//! device.
//!
//! Synapses, summing nodes, means and differences stay what they are in every deck. What bites: a subcircuit
//! keeps its own capacitor, whose initial potential the deck sets by node (`.ic`).

use std::path::PathBuf;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::name::literal;

/// A subcircuit for every compartment.
#[derive(Clone, Debug, PartialEq)]
pub struct Transistors {
    /// The file with its netlist.
    pub netlist: PathBuf,
    /// Its name.
    pub name: String,
    /// What its ports are, in their order.
    ports: Vec<Port>,
}

impl Serialize for Transistors {
    /// The text that reads as the same.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let port = |port: &Port| match port {
            Port::Drive => "drive".to_owned(),
            Port::State => "state".to_owned(),
            Port::Output => "output".to_owned(),
            Port::Held(volts) => volts.to_string(),
        };
        let ports: Vec<String> = self.ports.iter().map(port).collect();
        to.serialize_str(&format!("{}:{}:{}", self.netlist.display(), self.name, ports.join(",")))
    }
}

/// What is on a port of the subcircuit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Port {
    /// All that reaches the compartment.
    Drive,
    /// Its potential.
    State,
    /// Its output.
    Output,
    /// A voltage (V).
    Held(f64),
}

/// What describes one.
const ACCEPTED: &str = "accepted: FILE:SUBCKT:PORTS with a `drive`, a `state`, an `output` or a voltage for each port, \
                        for example neuron.cir:compartment:drive,state,output,0.9,-0.9";

impl FromStr for Transistors {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: String| format!("{what}\n  {ACCEPTED}");
        let mut parts = text.rsplitn(3, ':');
        let (ports, name, file) = (parts.next(), parts.next(), parts.next());
        let (Some(ports), Some(name), Some(file)) = (ports, name, file) else {
            return Err(wrong("not three parts with colons between them".into()));
        };
        let port = |word: &str| match word.trim() {
            "drive" => Ok(Port::Drive),
            "state" => Ok(Port::State),
            "output" => Ok(Port::Output),
            held => match held.parse::<f64>() {
                Ok(volts) if volts.is_finite() => Ok(Port::Held(volts)),
                _ => Err(wrong(format!("`{held}` is no port"))),
            },
        };
        let ports: Vec<Port> = ports.split(',').map(port).collect::<Result<_, _>>()?;
        for (kind, word) in [(Port::Drive, "drive"), (Port::State, "state"), (Port::Output, "output")] {
            let found = ports.iter().filter(|port| **port == kind).count();
            if found != 1 {
                return Err(wrong(format!("{found} ports `{word}`, wanted is one")));
            }
        }
        if name.is_empty() || file.is_empty() {
            return Err(wrong("no file, or no subcircuit".into()));
        }
        let netlist = std::path::absolute(file).map_err(|reason| format!("{file}: {reason}"))?;
        Ok(Self { netlist, name: name.to_owned(), ports })
    }
}

impl Transistors {
    /// What a deck needs of the file; currents of nanoamperes are no leak of the simulator's.
    pub(super) fn library(&self) -> String {
        format!(".include \"{}\"\n.options gmin=1e-15\n", self.netlist.display())
    }

    /// A compartment between its drive, potential and output.
    pub(super) fn compartment(&self, drive: &str, state: &str, output: &str) -> String {
        let (mut sources, mut nodes) = (String::new(), Vec::new());
        for (number, port) in self.ports.iter().enumerate() {
            nodes.push(match port {
                Port::Drive => drive.to_owned(),
                Port::State => state.to_owned(),
                Port::Output => output.to_owned(),
                Port::Held(volts) => {
                    let held = format!("q{state}{number}");
                    sources += &format!("V{held} {held} 0 DC {}\n", literal(*volts));
                    held
                }
            });
        }
        format!("{sources}X{state} {} {}\n", nodes.join(" "), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_named_or_held_and_each_role_is_there_once() {
        let read: Transistors = "a/b.cir:cell:drive,0.9,state,output,-0.9".parse().unwrap();
        assert!(read.netlist.ends_with("a/b.cir") && read.netlist.is_absolute());
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(written.as_str().unwrap().parse::<Transistors>().unwrap(), read);
        let text = read.compartment("wp", "p", "a");
        assert_eq!(text, "Vqp1 qp1 0 DC 9e-1\nVqp4 qp4 0 DC -9e-1\nXp wp qp1 p a qp4 cell\n");
        for (text, words) in [
            ("b.cir:cell", "three parts"),
            ("b.cir:cell:drive,state,output,vdd", "`vdd` is no port"),
            ("b.cir:cell:drive,state,0.9", "0 ports `output`"),
            ("b.cir:cell:drive,state,output,output", "2 ports `output`"),
            (":cell:drive,state,output", "no file"),
        ] {
            let told = text.parse::<Transistors>().unwrap_err();
            assert!(told.contains(words) && told.contains("accepted"), "{told}");
        }
    }
}
