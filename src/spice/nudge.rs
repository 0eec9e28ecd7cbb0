//! The nudge: `β (y − ŷ)` or, for the cross-entropy, `β V_ref (y − softmax(ŷ/V_ref))`, into the error nodes
//! of the output; of neurons of one compartment into what they hear.

use super::name::{feed, literal, load, node};
use super::netlist::Wiring;
use dyadsim_core::spec::{LossKind, NudgePoint};

/// The nudge's cards; none for a free circuit.
pub(super) fn nudge(wiring: &Wiring<'_>) -> String {
    if !wiring.nudged() {
        return String::new();
    }
    let top = wiring.chip.layout.depth() - 1;
    let mut text = "* Nudge: targets (V), and what pulls the outputs towards them.\n".to_owned();
    for (j, &y) in wiring.target.iter().enumerate() {
        text += &format!("Vy{j} y{j} 0 DC {}\n", literal(y));
    }
    if wiring.spec.nudge.at == NudgePoint::Free {
        for (j, &held) in wiring.held_output().iter().enumerate() {
            text += &format!("Vh{j} {} 0 DC {}\n", node('h', top, j), literal(held));
        }
    }
    let sources: &[(char, char)] = match (wiring.is_single(), wiring.spec.nudge.at) {
        (true, NudgePoint::Free) => &[('u', 'h')],
        (true, _) => &[('u', 's')],
        (false, NudgePoint::Mean) => &[('e', 's')],
        (false, NudgePoint::Own) => &[('e', 'a'), ('f', 'b')],
        (false, NudgePoint::Drive) => &[('e', 'u')],
        (false, NudgePoint::Free) => &[('e', 'h')],
    };
    for &(into, at) in sources {
        text += &match wiring.spec.nudge.loss {
            LossKind::Mse => squared(wiring, into, at),
            LossKind::CrossEntropy => entropy(wiring, into, at),
        };
    }
    text
}

/// Squared error.
fn squared(wiring: &Wiring<'_>, into: char, at: char) -> String {
    let top = wiring.chip.layout.depth() - 1;
    let gain = wiring.spec.nudge.beta * wiring.unit();
    let pull = |j| {
        let place = format!("n{into}{j}");
        feed(&place, &node(into, top, j), (&format!("y{j}"), &node(at, top, j)), gain)
    };
    (0..wiring.target.len()).map(pull).collect()
}

/// Cross-entropy: exponentials relative to the largest output, their sum, and their shares in it.
fn entropy(wiring: &Wiring<'_>, into: char, at: char) -> String {
    let (top, count) = (wiring.chip.layout.depth() - 1, wiring.target.len());
    let reference = wiring.spec.nudge.reference;
    let gain = wiring.spec.nudge.beta * reference * wiring.unit();
    let mut text = String::new();
    let mut largest = node(at, top, 0);
    for j in 1..count {
        let next = format!("l{into}{j}");
        text += &format!("B{next} {next} 0 V={{max(V({largest}),V({}))}}\n", node(at, top, j));
        largest = next;
    }
    let sum = format!("z{into}");
    text += &load(&sum, &sum, wiring.unit());
    for j in 0..count {
        let (power, share) = (format!("q{into}{j}"), format!("r{into}{j}"));
        let exponent = format!("(V({})-V({largest}))/{}", node(at, top, j), literal(reference));
        text += &format!("B{power} {power} 0 V={{exp({exponent})}}\n");
        text += &feed(&format!("{sum}{j}"), &sum, (&power, "0"), wiring.unit());
        // The sum has the largest term, 1; before a first guess of it there must be no division by 0.
        text += &format!("B{share} {share} 0 V={{V({power})/max(V({sum}),1)}}\n");
        text += &feed(&format!("n{into}{j}"), &node(into, top, j), (&format!("y{j}"), &share), gain);
    }
    text
}
