//! What a deck can say, and what it cannot.

use super::SpiceError;
use dyadsim_core::spec::{CircuitKind, CircuitSpec, NoiseSpec};

/// Refuses a description that a deck cannot hold; `noise` says whether its noise is wanted, too.
///
/// Every setting is named here, so that a new one has to be decided on.
///
/// # Errors
/// The first setting without an equivalent.
pub fn exportable(spec: &CircuitSpec, noise: bool) -> Result<(), SpiceError> {
    let CircuitSpec {
        name,
        kind,
        // Written as they are.
        lateral: _,
        temperature: _,
        network: _,
        supply: _,
        neuron: _,
        nudge: _,
        feedback: _,
        noise: sources,
        // The start alone matters: it is the initial condition.
        solver: _,
        // The chip's devices are literals, and synapses what they come to.
        crossbar: _,
        mismatch: _,
        // What is read of a deck is up to its reader, and so is its price.
        readout: _,
        cost: _,
        transconductor: _,
        amplifier: _,
        leakage,
        clock,
    } = spec;
    let refused = |setting, found: String, reason, accepted| {
        Err(SpiceError::NotExportable { setting, found, reason, accepted })
    };
    if let Some(kind @ CircuitKind::PredictiveCoding) = kind {
        let reason = "a deck has no nodes for errors of predictions";
        return refused("kind", kind.name().to_owned(), reason, "\"dyad\", \"hopfield\", \"recurrent-dyad\"");
    }
    if let Some(clock) = clock {
        let reason = "decks are in continuous time, a switched capacitor moves once a period";
        return refused("clock", format!("frequency = {:e} Hz", clock.frequency), reason, "no such section");
    }
    if let Some(leakage) = leakage.filter(|leakage| leakage.hold != 0.0 && leakage.current != 0.0) {
        let reason = "a hold is in the reader, not in the circuit";
        return refused("leakage.hold", format!("{:e} s", leakage.hold), reason, "0 s");
    }
    writable("`name`: the circuit's name", name, "printable ASCII", |c| c == ' ' || c.is_ascii_graphic())?;
    if noise { exportable_noise(sources) } else { Ok(()) }
}

/// Refuses sources that are not additive: each needs a multiplier per synapse.
fn exportable_noise(noise: &NoiseSpec) -> Result<(), SpiceError> {
    let NoiseSpec {
        thermal: _,
        shot: _,
        flicker: _,
        telegraph: _,
        supply: _,
        input: _,
        synapse_telegraph,
        read,
        sampled,
    } = noise;
    let reason = "noise of a conductance multiplies the signal through it, one noisy multiplier per synapse";
    let without = "no such section, or a deck without noise analyses";
    let refused = |setting, found: String, reason| {
        Err(SpiceError::NotExportable { setting, found, reason, accepted: without })
    };
    if let Some(read) = read.filter(|r| r.relative_psd != 0.0) {
        return refused("noise.read", format!("relative_psd = {}", read.relative_psd), reason);
    }
    if let Some(trap) = synapse_telegraph.filter(|t| t.amplitude != 0.0) {
        return refused("noise.synapse_telegraph", format!("amplitude = {}", trap.amplitude), reason);
    }
    if let Some(held) = sampled {
        let reason = "a sample-and-hold is in the reader, not in the circuit";
        return refused("noise.sampled", format!("capacitance = {:e} F", held.capacitance), reason);
    }
    Ok(())
}

/// Refuses a file stem that cards of a deck could not name.
///
/// # Errors
/// Its first character that does not fit.
pub fn writable_name(stem: &str) -> Result<(), SpiceError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ['_', '-', '.'].contains(&c);
    writable("--out: the file name", stem, "letters, digits, `_`, `-` and `.`", fits)
}

fn writable(
    what: &'static str,
    name: &str,
    accepted: &'static str,
    fits: impl Fn(char) -> bool,
) -> Result<(), SpiceError> {
    match name.chars().find(|c| !fits(*c)) {
        Some(character) => Err(SpiceError::Name { what, name: name.into(), character, accepted }),
        None => Ok(()),
    }
}
