//! What the numbers of amplifiers, capacitors and clocks must satisfy, and which solvers can bear them.

use super::check_circuit::{ensure, finite, not_negative, positive};
use super::circuit::CircuitSpec;
use super::fault::Fault;
use super::noise_kind::NoiseKind;
use super::periphery::{AmplifierSpec, ClockSpec};
use crate::units::engineering;

/// A residual that a compartment may end with must lie within this share of what its amplifier is linear
/// over: a saturated rate says no more how far the equilibrium is.
const LINEAR: f64 = 0.1;

/// Checks every section, and that the circuit's solver knows the same kind of time.
///
/// # Errors
/// The first value that no circuit could have; a clock under a solver for continuous time, or none under
/// `clocked`.
pub(super) fn check_periphery(circuit: &CircuitSpec) -> Result<(), Fault> {
    if let Some(transconductor) = circuit.transconductor {
        positive(&["transconductor", "range"], transconductor.range, "a voltage above 0 V")?;
        check_tolerance(circuit, transconductor.range, "transconductor.range")?;
    }
    if let Some(amplifier) = &circuit.amplifier {
        check_amplifier(circuit, amplifier)?;
    }
    if let Some(leakage) = circuit.leakage {
        finite(&["leakage", "current"], leakage.current, "a finite current")?;
        not_negative(&["leakage", "hold"], leakage.hold, "a finite time, 0 s or more")?;
    }
    if let Some(clock) = &circuit.clock {
        return check_clock(circuit, clock);
    }
    let accepted =
        "a section `[clock]` with `frequency` beside it, or a solver for continuous time such as \"etd\"";
    ensure(!circuit.solver.kind.is_clocked(), &["solver", "kind"], "\"clocked\"", accepted)
}

fn check_amplifier(circuit: &CircuitSpec, amplifier: &AmplifierSpec) -> Result<(), Fault> {
    let AmplifierSpec { gain, gain_bandwidth, offset, slew, pair_minimum } = *amplifier;
    if let Some(gain) = gain {
        positive(&["amplifier", "gain"], gain, "a finite gain above 0, or no key: the ideal amplifier")?;
    }
    if let Some(frequency) = gain_bandwidth {
        positive(&["amplifier", "gain_bandwidth"], frequency, "a frequency above 0 Hz")?;
    }
    finite(&["amplifier", "offset"], offset, "a finite voltage")?;
    if let Some(slew) = slew {
        positive(&["amplifier", "slew"], slew, "a slew rate above 0 V/s")?;
        let tau = circuit.neuron.capacitance / circuit.neuron.leak;
        check_tolerance(circuit, slew * tau, "amplifier.slew` times τ, `C/g")?;
    }
    not_negative(&["amplifier", "pair_minimum"], pair_minimum, "a finite conductance, 0 S or more")
}

/// Refuses tolerances, at potentials of 1 V, that a saturated amplifier would meet.
fn check_tolerance(circuit: &CircuitSpec, range: f64, name: &str) -> Result<(), Fault> {
    let solver = &circuit.solver;
    let (key, value) = if solver.atol > solver.rtol { ("atol", solver.atol) } else { ("rtol", solver.rtol) };
    let accepted = format!(
        "tolerances that add up to less than {LINEAR} of `{name}` = {}, at 1 V",
        engineering(range, "V")
    );
    ensure(solver.atol + solver.rtol < LINEAR * range, &["solver", key], value, &accepted)
}

fn check_clock(circuit: &CircuitSpec, clock: &ClockSpec) -> Result<(), Fault> {
    positive(&["clock", "frequency"], clock.frequency, "a frequency above 0 Hz")?;
    finite(&["clock", "injection"], clock.injection, "a finite charge")?;
    let kind = circuit.solver.kind;
    let accepted = "\"clocked\", as the circuit has a `[clock]`; \"dc\" and \"layerwise\" know no time; others \
                    integrate continuous time";
    let knows = kind.is_clocked() || kind.is_timeless();
    ensure(knows, &["solver", "kind"], format!("\"{}\"", kind.name()), accepted)?;
    let continuous = "no such key beside a `[clock]`: switched capacitors settle within half a period";
    if let Some(transconductor) = circuit.transconductor {
        return Err(Fault::refused(&["transconductor", "range"], transconductor.range, continuous));
    }
    let amplifier = circuit.amplifier.unwrap_or_default();
    for (key, value) in [("gain_bandwidth", amplifier.gain_bandwidth), ("slew", amplifier.slew)] {
        if let Some(value) = value {
            return Err(Fault::refused(&["amplifier", key], value, continuous));
        }
    }
    match circuit.noise.moving().find(|&source| source != NoiseKind::Thermal) {
        Some(source) => {
            let accepted = "`thermal` and `sampled` alone, as the circuit has a `[clock]`: what a switch \
                            samples of other sources is not modelled";
            Err(Fault::refused(&["noise", source.name()], "a source", accepted))
        }
        None => Ok(()),
    }
}
