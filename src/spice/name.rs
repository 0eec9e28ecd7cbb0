//! Names of nodes: a letter, the layer from 1, the neuron from 0 (`p1_0`), and what they are called
//! elsewhere.

use std::collections::BTreeMap;

use dyadsim_core::analysis::stationary::{Node, ReadQuantity, nodes};
use dyadsim_core::chip::Layout;

/// Name of a node of the deck.
#[must_use]
pub fn node(letter: char, layer: usize, neuron: usize) -> String {
    format!("{letter}{}_{neuron}", layer + 1)
}

/// Node of a compartment or of what is read of a neuron.
fn of(node_: &Node) -> String {
    let letter = match node_.quantity {
        ReadQuantity::Plus | ReadQuantity::Potential => 'p',
        ReadQuantity::Minus => 'm',
        ReadQuantity::Activity => 's',
        ReadQuantity::Error => 'd',
    };
    node(letter, node_.layer, node_.neuron)
}

/// Nodes of all compartments, in the order of a state's columns.
#[must_use]
pub fn compartment(layout: &Layout) -> Vec<String> {
    let mut names = vec![String::new(); layout.width()];
    for node in nodes(layout) {
        if node.quantity.is_potential() {
            names[node.place(layout)] = of(&node);
        }
    }
    names
}

/// The map of the sidecar: nodes of the deck to `v_plus.1.0` and so on, in alphabetical order.
#[must_use]
pub fn map(layout: &Layout) -> BTreeMap<String, String> {
    nodes(layout).iter().map(|node| (of(node), node.name())).collect()
}

/// A literal that reads back to the same bits; the exponent is always written, so no suffix is ever read into
/// it.
#[must_use]
pub fn literal(value: f64) -> String {
    format!("{value:e}")
}

/// A transconductor of `conductance` (S) that feeds `into` with what `from` is above `below`.
#[must_use]
pub fn feed(name: &str, into: &str, (from, below): (&str, &str), conductance: f64) -> String {
    format!("G{name} 0 {into} {from} {below} {}\n", literal(conductance))
}

/// A noise-free conductance from a node to ground: a transconductor onto itself.
#[must_use]
pub fn load(name: &str, node: &str, conductance: f64) -> String {
    format!("G{name} {node} 0 {node} 0 {}\n", literal(conductance))
}
