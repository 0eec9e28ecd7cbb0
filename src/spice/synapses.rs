//! The synapses of a netlist: per presynaptic neuron all that it feeds, column by column of the crossbars.

use super::name::{feed, node};
use super::netlist::Wiring;
use dyadsim_core::spec::CircuitKind;

/// What one set of synapses carries, beside the inputs of a layer that always come up: name of its cards,
/// whether it goes up, from which node to which, and whether its gains are those of `W` (or of `F`).
struct Path {
    card: char,
    up: bool,
    from: char,
    into: char,
    forward: bool,
}

/// What goes between layers beside `W s` up, and what the columns say of it.
fn paths(kind: CircuitKind) -> (&'static str, &'static [Path]) {
    const fn path(card: char, up: bool, from: char, into: char, forward: bool) -> Path {
        Path { card, up, from, into, forward }
    }
    match kind {
        CircuitKind::Dyad => {
            const DOWN: &[Path] = &[path('f', false, 'd', 'e', false)];
            ("gw feeds means up, gf feeds differences down", DOWN)
        }
        CircuitKind::Hopfield => {
            const DOWN: &[Path] = &[path('f', false, 's', 'u', false)];
            ("gw feeds outputs up, gf feeds them down", DOWN)
        }
        CircuitKind::RecurrentDyad => {
            const BOTH: &[Path] = &[
                path('f', false, 's', 'u', false),
                path('b', false, 'd', 'e', true),
                path('r', true, 'd', 'e', false),
            ];
            ("gw, gf feed means up and down, gb, gr differences down and up", BOTH)
        }
        // `exportable` refuses it: errors are nodes of their own.
        CircuitKind::PredictiveCoding => ("", &[]),
    }
}

/// Within a layer: outputs or means, and differences of dyads the other way; in columns as the others.
fn lateral(wiring: &Wiring<'_>) -> String {
    let (unit, weights) = (wiring.unit(), wiring.circuit.effective_weights());
    let mut text = String::new();
    for (layer, lateral) in weights.lateral.iter().flatten().enumerate() {
        for i in 0..lateral.ncols() {
            for j in (0..lateral.nrows()).filter(|&j| j != i) {
                let (place, gain) = (format!("{}_{j}_{i}", layer + 1), lateral[(j, i)] * unit);
                let cards = [('l', ('s', i), ('u', j)), ('q', ('d', j), ('e', i))];
                let count = if wiring.is_single() { 1 } else { 2 };
                for (card, from, into) in &cards[..count] {
                    let (from, into) = (node(from.0, layer, from.1), node(into.0, layer, into.1));
                    text += &feed(&format!("{card}{place}"), &into, (&from, "0"), gain);
                }
            }
        }
    }
    if text.is_empty() {
        text
    } else {
        "* Within layers: gl outputs or means, gq differences back.\n".to_owned() + &text
    }
}

/// Synapses: per presynaptic neuron all that it feeds, forward and, from layer 2 on, backward.
pub(super) fn columns(wiring: &Wiring<'_>) -> String {
    let unit = wiring.unit();
    let (words, paths) = paths(wiring.chip.layout.kind());
    let mut text = format!("* Columns: {words}; siemens, gain times the leak.\n");
    let weights = wiring.circuit.effective_weights();
    for (layer, forward) in weights.forward.iter().enumerate() {
        let backward = weights.feedback(layer);
        for i in 0..forward.ncols() {
            let from = if layer == 0 { format!("x{i}") } else { node('s', layer - 1, i) };
            for j in 0..forward.nrows() {
                let place = format!("{}_{j}_{i}", layer + 1);
                let into = node('u', layer, j);
                text += &feed(&format!("w{place}"), &into, (&from, "0"), forward[(j, i)] * unit);
                for &Path { card, up, from, into, forward: of_w } in paths.iter().filter(|_| layer > 0) {
                    let gain = if of_w { forward[(j, i)] } else { backward[(j, i)] };
                    let (below, above) = ((layer - 1, i), (layer, j));
                    let (source, sink) = if up { (below, above) } else { (above, below) };
                    let (from, into) = (node(from, source.0, source.1), node(into, sink.0, sink.1));
                    text += &feed(&format!("{card}{place}"), &into, (&from, "0"), gain * unit);
                }
            }
        }
    }
    text + &lateral(wiring)
}
