//! The test bench: options, analyses and output cards of a deck, in the words of each simulator.

use super::SpiceError;
use super::name::{compartment, literal};
use super::netlist::Wiring;
use super::noise;

/// Longest step of a transient, in the fastest time constant: the trapezoidal rule errs by `h²/12` of a third
/// derivative and time constant, some 1e-5 V.
pub(super) const STEP: f64 = 0.02;
/// Time between points of transient noise, in the fastest time constant: 1 % of a compartment's variance is
/// lost.
const NOISE_STEP: f64 = 1.0 / 40.0;
/// Decades that a noise analysis goes beyond the corners of the compartments.
const BEYOND: f64 = 1e5;

/// The simulator that a deck is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// ngspice: analyses in a `.control` section.
    Ngspice,
    /// Xyce: cards that both know, its own output cards.
    Xyce,
}

/// A noise analysis: total and spectrum at one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoiseAnalysis {
    /// Node of the deck.
    pub node: String,
}

/// What a deck does when it is run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analyses {
    /// Transient from the start, up to this time (s).
    pub transient: Option<f64>,
    /// Operating point.
    pub operating_point: bool,
    /// Noise analyses.
    pub noise: Vec<NoiseAnalysis>,
    /// Seed of noise currents in the transient.
    pub transient_noise: Option<u32>,
}

/// Time constants of the fastest and the slowest compartment (s).
fn time_constants(wiring: &Wiring<'_>) -> (f64, f64) {
    let taus = wiring.circuit.rates().iter().map(|rate| 1.0 / rate);
    taus.fold((f64::INFINITY, 0.0), |(low, high), tau| (low.min(tau), high.max(tau)))
}

/// Longest step of a transient (s), `share` of the fastest time constant.
pub(super) fn step(wiring: &Wiring<'_>, share: f64) -> f64 {
    share * time_constants(wiring).0
}

/// Options that make a transient accurate, in proportion to the circuit's own conductance and capacitance.
pub(super) fn options(wiring: &Wiring<'_>, dialect: Dialect) -> String {
    let neuron = &wiring.spec.neuron;
    let celsius = wiring.spec.temperature - 273.15;
    match dialect {
        Dialect::Ngspice => format!(
            ".options temp={} reltol=1e-6 vntol=1e-9 abstol={} chgtol={} trtol=1 itl4=100 pivtol={}\n",
            literal(celsius),
            literal(1e-9 * neuron.leak),
            literal(1e-6 * neuron.capacitance),
            literal((1e-6 * neuron.leak).min(1e-13)),
        ),
        Dialect::Xyce => format!(
            ".options device temp={}\n.options timeint reltol=1e-6 abstol=1e-9 method=trap\n",
            literal(celsius)
        ),
    }
}

/// Writes the test bench of a deck whose results go to files of this stem.
///
/// # Errors
/// Transient noise that the dialect or the sources do not allow.
pub fn bench(
    wiring: &Wiring<'_>,
    analyses: &Analyses,
    dialect: Dialect,
    stem: &str,
) -> Result<String, SpiceError> {
    let mut text = String::new();
    if let Some(seed) = analyses.transient_noise {
        if dialect == Dialect::Xyce {
            return Err(SpiceError::NotExportable {
                setting: "--dialect",
                found: "transient noise".into(),
                reason: "Xyce has no TRNOISE sources",
                accepted: "--dialect ngspice, or no --trnoise",
            });
        }
        text += &noise::transient(wiring, NOISE_STEP * time_constants(wiring).0)?;
        text += &format!(".options seed={}\n", seed.max(1));
    }
    text += "* Test bench.\n";
    text += &options(wiring, dialect);
    Ok(text
        + &match dialect {
            Dialect::Ngspice => control(wiring, analyses, stem),
            Dialect::Xyce => cards(wiring, analyses, stem),
        }
        + ".end\n")
}

/// Band of a noise analysis (Hz): it leaves out `(2/π) 2e-5` of a compartment's variance, and more of slow
/// flicker noise.
fn band(wiring: &Wiring<'_>) -> (f64, f64) {
    let (fast, slow) = time_constants(wiring);
    let corner = |tau: f64| 1.0 / (std::f64::consts::TAU * tau);
    let poles = wiring.chip.noise.poles.iter().map(|pole| corner(1.0 / pole.rate));
    let traps = wiring.chip.noise.traps.iter().map(|traps| corner(1.0 / traps.trap.rate()));
    let lowest = poles.chain(traps).fold(corner(slow), f64::min);
    (lowest / BEYOND, corner(fast) * BEYOND)
}

/// The analyses of ngspice.
fn control(wiring: &Wiring<'_>, analyses: &Analyses, stem: &str) -> String {
    let mut text = ".control\nset filetype=binary\n".to_owned();
    if analyses.operating_point {
        text += &format!(
            "* An operating point is a fixed point, stable or not: the transient decides.\nop\nwrite {stem}.op.raw\n"
        );
    }
    for NoiseAnalysis { node } in &analyses.noise {
        let (low, high) = band(wiring);
        text += &format!("noise v({node}) vx0 dec 100 {} {}\n", literal(low), literal(high));
        text +=
            &format!("print onoise_total\nsetplot previous\nwrite {stem}.noise.{node}.raw onoise_spectrum\n");
    }
    if let Some(time) = analyses.transient {
        for name in compartment(&wiring.chip.layout) {
            text += &format!("save v({name})\n");
        }
        let step = literal(step(wiring, STEP));
        text += &format!("tran {step} {} 0 {step} uic\nwrite {stem}.tran.raw\n", literal(time));
    }
    text + "quit\n.endc\n"
}

/// The analyses of Xyce, which knows one a deck.
fn cards(wiring: &Wiring<'_>, analyses: &Analyses, stem: &str) -> String {
    let names: Vec<String> =
        compartment(&wiring.chip.layout).iter().map(|name| format!("v({name})")).collect();
    let names = names.join(" ");
    let mut text = String::new();
    if let Some(time) = analyses.transient {
        let step = literal(step(wiring, STEP));
        text += &format!(".tran {step} {} 0 {step} UIC\n", literal(time));
        text += &format!(".print tran format=csv file={stem}.tran.csv {names}\n");
    }
    if analyses.operating_point {
        text += &format!(
            ".dc Vx0 {x} {x} 1\n.print dc format=csv file={stem}.op.csv {names}\n",
            x = literal(wiring.input[0])
        );
    }
    for NoiseAnalysis { node } in &analyses.noise {
        let (low, high) = band(wiring);
        text += &format!(".noise v({node}) Vx0 DEC 100 {} {}\n", literal(low), literal(high));
        text += &format!(".print noise format=csv file={stem}.noise.{node}.csv inoise onoise\n");
    }
    text
}
