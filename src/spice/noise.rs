//! Noise in a deck: small-signal sources for `.noise`, and `TRNOISE` currents for transients of ngspice.
//!
//! What makes noise in every simulator is a resistor; a transconductor copies its voltage to where it acts,
//! with the gain that gives the wanted density. A white current takes a bare resistor `R`; a process of rate
//! `λ` and variance `σ²` takes one with a capacitor `1/(λR)` across it, whose voltage has the variance `kT/C`
//! and that rate.

use super::SpiceError;
use super::name::{compartment, feed, literal};
use super::netlist::Wiring;
use dyadsim_core::noise::Process;
use dyadsim_core::noise::thermal::BOLTZMANN;

/// A PSD is that of the leak's own thermal noise if it agrees to this: constants of nature have more digits
/// in theirs.
const SAME: f64 = 1e-12;

/// Whether the noise of a resistor as leak is the white noise of every compartment.
pub(super) fn leaks_are_all(wiring: &Wiring<'_>) -> bool {
    let thermal = 4.0 * BOLTZMANN * wiring.spec.temperature / wiring.unit();
    let periphery = &wiring.chip.periphery;
    if periphery.range.is_some() || periphery.slew.is_some() {
        return false; // the leak is part of an amplifier
    }
    let white = &wiring.chip.noise.white;
    !white.is_empty() && white.iter().all(|psd| (psd / thermal - 1.0).abs() < SAME)
}

/// Sources beside the leaks.
pub(super) fn sources(wiring: &Wiring<'_>) -> String {
    let (noise, unit) = (&wiring.chip.noise, wiring.unit());
    let mut text = String::new();
    for (column, name) in compartment(&wiring.chip.layout).iter().enumerate() {
        let mut inject = |kind: &str, (card, gain): (String, f64), node: String| {
            text += &card;
            text += &feed(&format!("{kind}{name}"), name, (&node, "0"), gain * unit);
        };
        if let Some(&psd) = noise.white.get(column).filter(|_| !leaks_are_all(wiring)) {
            let node = format!("nw{name}");
            let own = 4.0 * BOLTZMANN * wiring.spec.temperature / unit;
            let card = format!("R{node} {node} 0 {}\n", literal(1.0 / unit));
            inject("nw", (card, (psd / own).sqrt()), node);
        }
        for (i, pole) in noise.poles.iter().enumerate() {
            let process = Process { rate: pole.rate, variance: pole.variance[column] };
            let node = format!("nf{i}{name}");
            inject(&format!("nf{i}"), coloured(wiring, &node, process), node);
        }
        if let Some(traps) = &noise.traps {
            let node = format!("nt{name}");
            inject("nt", coloured(wiring, &node, traps.trap.process(traps.amplitude[column])), node);
        }
    }
    if let Some(process) = noise.supply {
        let (card, gain) = coloured(wiring, "nsupply", process);
        text += &card;
        for name in compartment(&wiring.chip.layout) {
            text += &feed(&format!("ns{name}"), &name, ("nsupply", "0"), gain * unit);
        }
    }
    if let Some(process) = noise.input {
        for i in 0..wiring.input.len() {
            let node = format!("nx{i}");
            let (card, gain) = coloured(wiring, &node, process);
            text += &format!("{card}Enx{i} x{i} xq{i} {node} 0 {}\n", literal(gain));
        }
    }
    if text.is_empty() {
        text
    } else {
        format!("* Noise: resistors make it, transconductors place it.\n{text}")
    }
}

/// A node with a process of this rate, and the gain that gives it the wanted size.
fn coloured(wiring: &Wiring<'_>, node: &str, process: Process) -> (String, f64) {
    let capacitance = wiring.unit() / process.rate;
    let (r, c) = (literal(1.0 / wiring.unit()), literal(capacitance));
    let card = format!("R{node} {node} 0 {r}\nC{node} {node} 0 {c} IC=0\n");
    (card, (process.variance * capacitance / (BOLTZMANN * wiring.spec.temperature)).sqrt())
}

/// White noise currents for transients (ngspice): amplitudes `√(S/2h)` at points `h` (s) apart.
///
/// # Errors
/// Sources that are not white, which `TRNOISE` cannot make with their band.
pub(super) fn transient(wiring: &Wiring<'_>, step: f64) -> Result<String, SpiceError> {
    let noise = &wiring.chip.noise;
    let coloured = [
        ("noise.flicker", !noise.poles.is_empty()),
        ("noise.telegraph", noise.traps.is_some()),
        ("noise.supply", noise.supply.is_some()),
        ("noise.input", noise.input.is_some()),
    ];
    if let Some((setting, _)) = coloured.into_iter().find(|(_, there)| *there) {
        return Err(SpiceError::NotExportable {
            setting,
            found: "a source with a band".into(),
            reason: "TRNOISE sources of ngspice are white here (--trnoise)",
            accepted: "noise.thermal and noise.shot alone, or --noise instead of --trnoise",
        });
    }
    let mut text = "* Noise currents of transients (A), points apart (s): ngspice only.\n".to_owned();
    for (name, psd) in compartment(&wiring.chip.layout).iter().zip(&wiring.chip.noise.white) {
        let amplitude = (psd / (2.0 * step)).sqrt() * wiring.unit();
        text += &format!("It{name} 0 {name} DC 0 TRNOISE({} {} 0 0)\n", literal(amplitude), literal(step));
    }
    Ok(text)
}
