//! What the numbers of noise sources must satisfy, and which solvers can bear them.

use super::check_circuit::{ensure, finite, not_negative, positive};
use super::check_work::{check_band, check_jumps};
use super::circuit::{CircuitSpec, SolverSpec};
use super::fault::Fault;
use super::kinds::{SolverKind, quoted};
use super::noise::{FlickerSpec, NoiseSpec};
use crate::noise::{Process, Trap};

/// Checks every source, and that the circuit's solver can follow them.
///
/// # Errors
/// The first value that no source could have; noise under a solver that has none.
pub(super) fn check_noise(circuit: &CircuitSpec) -> Result<(), Fault> {
    let noise = &circuit.noise;
    check_devices(circuit)?;
    if let Some(flicker) = &noise.flicker {
        check_flicker(noise, flicker)?;
    }
    check_wires(noise)?;
    match noise.moving().next() {
        Some(source) if !circuit.solver.kind.is_stochastic() => {
            let kind = circuit.solver.kind.name();
            let usual = if circuit.solver.kind == SolverSpec::default().kind { " (the default)" } else { "" };
            let others = SolverKind::ALL.into_iter().filter(|kind| kind.follows_continuous_noise());
            let others = quoted(others.map(SolverKind::name));
            let accepted = format!(
                "no noise, as `solver.kind` = \"{kind}\" is deterministic{usual}; {others} can follow noise, \"{}\" for most circuits",
                SolverKind::ExponentialHeun.name()
            );
            Err(Fault::refused(&["noise", source.name()], "a source", accepted))
        }
        _ => Ok(()),
    }
}

fn check_devices(circuit: &CircuitSpec) -> Result<(), Fault> {
    let noise = &circuit.noise;
    if let Some(thermal) = noise.thermal {
        not_negative(&["noise", "thermal", "excess"], thermal.excess, "a finite factor, 0 or more")?;
    }
    if let Some(shot) = noise.shot {
        not_negative(&["noise", "shot", "current"], shot.current, "a finite current, 0 A or more")?;
    }
    if let Some(trap) = noise.telegraph {
        finite(&["noise", "telegraph", "amplitude"], trap.amplitude, "a finite current")?;
        check_times(circuit, "telegraph", (trap.capture, trap.emission), trap.amplitude)?;
    }
    if let Some(trap) = noise.synapse_telegraph {
        finite(&["noise", "synapse_telegraph", "amplitude"], trap.amplitude, "a finite number")?;
        check_times(circuit, "synapse_telegraph", (trap.capture, trap.emission), trap.amplitude)?;
    }
    Ok(())
}

/// Refuses a trap that would switch infinitely often, or too often to be followed.
fn check_times(
    circuit: &CircuitSpec,
    section: &str,
    (capture, emission): (f64, f64),
    amplitude: f64,
) -> Result<(), Fault> {
    positive(&["noise", section, "capture"], capture, "a time above 0 s")?;
    positive(&["noise", section, "emission"], emission, "a time above 0 s")?;
    check_jumps(circuit, section, Trap { capture, emission }, amplitude)
}

fn check_flicker(noise: &NoiseSpec, flicker: &FlickerSpec) -> Result<(), Fault> {
    let FlickerSpec { corner, coefficient, low, high, per_decade } = *flicker;
    match (corner, coefficient) {
        (None, None) => return Err(Fault::missing(&["noise", "flicker", "corner"])),
        (Some(_), Some(k)) => {
            let accepted = "either `corner` or `coefficient`, not both";
            return Err(Fault::refused(&["noise", "flicker", "coefficient"], k, accepted));
        }
        (Some(corner), None) => {
            let path = ["noise", "flicker", "corner"];
            not_negative(&path, corner, "a finite frequency, 0 Hz or more")?;
            let white =
                noise.thermal.is_some_and(|s| s.excess > 0.0) || noise.shot.is_some_and(|s| s.current > 0.0);
            let accepted = "`coefficient`, or a corner with white noise: `[noise.thermal]` or `[noise.shot]`";
            ensure(white || corner == 0.0, &path, corner, accepted)?;
        }
        (None, Some(k)) => {
            let accepted = "a finite squared current, 0 A^2 or more";
            not_negative(&["noise", "flicker", "coefficient"], k, accepted)?;
        }
    }
    positive(&["noise", "flicker", "low"], low, "a frequency above 0 Hz")?;
    let accepted =
        format!("a frequency above `noise.flicker.low` = {}", crate::units::engineering(low, "Hz"));
    ensure(high.is_finite() && low < high, &["noise", "flicker", "high"], high, &accepted)?;
    let accepted = "a whole number of processes per decade, 2 to 20";
    ensure((2..=20).contains(&per_decade), &["noise", "flicker", "per_decade"], per_decade, accepted)?;
    check_band(flicker)
}

fn check_wires(noise: &NoiseSpec) -> Result<(), Fault> {
    const PSD: &str = "a finite power spectral density, 0 V^2/Hz or more";
    const BANDWIDTH: &str = "a frequency above 0 Hz";
    if let Some(read) = noise.read {
        let accepted = "a finite relative power spectral density, 0 /Hz or more";
        not_negative(&["noise", "read", "relative_psd"], read.relative_psd, accepted)?;
    }
    if let Some(supply) = noise.supply {
        not_negative(&["noise", "supply", "psd"], supply.psd, PSD)?;
        positive(&["noise", "supply", "bandwidth"], supply.bandwidth, BANDWIDTH)?;
        check_power("supply", supply.psd, supply.bandwidth)?;
        finite(&["noise", "supply", "coupling"], supply.coupling, "a finite number")?;
    }
    if let Some(input) = noise.input {
        not_negative(&["noise", "input", "psd"], input.psd, PSD)?;
        positive(&["noise", "input", "bandwidth"], input.bandwidth, BANDWIDTH)?;
        check_power("input", input.psd, input.bandwidth)?;
    }
    match noise.sampled {
        Some(held) => {
            positive(&["noise", "sampled", "capacitance"], held.capacitance, "a capacitance above 0 F")
        }
        None => Ok(()),
    }
}

/// Refuses a band that is so wide that what it holds is no number.
fn check_power(section: &str, psd: f64, bandwidth: f64) -> Result<(), Fault> {
    let power = Process::band_limited(psd, bandwidth).variance;
    let accepted = "a frequency up to which the density adds up to a finite power";
    ensure(power.is_finite(), &["noise", section, "bandwidth"], bandwidth, accepted)
}
