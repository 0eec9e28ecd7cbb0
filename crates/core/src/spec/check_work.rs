//! How much a description asks for: steps, periods, jumps and processes are counted before they are taken.
//!
//! A limit here is far beyond what any circuit needs, and far below what would never end.

use super::check_circuit::ensure;
use super::circuit::{CircuitSpec, SolverSpec};
use super::fault::Fault;
use super::mismatch::SpreadKind;
use super::noise::FlickerSpec;
use crate::noise::Trap;
use crate::noise::shot::ELEMENTARY_CHARGE;
use crate::units::engineering;

/// Most steps, or periods of a clock, of one relaxation or one reading.
const MOST_STEPS: f64 = 1e8;
/// Most parts of steps of one relaxation, into which fast compartments divide them.
pub const MOST_PARTS: f64 = 1e9;
/// Longest relaxation (slowest τ).
const LONGEST: f64 = 1e9;
/// Most jumps of a trap in a time constant: a faster one is white to the circuit.
const MOST_JUMPS: f64 = 1e4;
/// Most Ornstein–Uhlenbeck processes of flicker noise in a compartment.
const MOST_PROCESSES: f64 = 400.0;
/// Time constants (s) within which nothing that is made of them leaves the numbers.
const TIME_CONSTANTS: (f64, f64) = (1e-30, 1e30);

/// Checks the time constant, on which all that follows is counted, and the length of relaxations and
/// readings.
///
/// # Errors
/// A time constant that is no number; more steps than anybody would wait for.
pub(super) fn check_work(circuit: &CircuitSpec) -> Result<(), Fault> {
    let tau = time_constant(circuit);
    let (shortest, longest) = TIME_CONSTANTS;
    let accepted = format!(
        "a capacitance for which `C/g` is a time from {shortest:e} s to {longest:e} s, not {tau:.1e} s"
    );
    ensure(
        (shortest..=longest).contains(&tau),
        &["neuron", "capacitance"],
        engineering(circuit.neuron.capacitance, "F"),
        &accepted,
    )?;
    let SolverSpec { kind, max_time, step, .. } = circuit.solver;
    let accepted = format!("a number of time constants, {LONGEST:e} or less");
    ensure(max_time <= LONGEST, &["solver", "max_time"], max_time, &accepted)?;
    if let Some(clock) = &circuit.clock {
        let (periods, most) = (clock.frequency * tau * max_time, MOST_STEPS / (tau * max_time));
        let accepted = format!(
            "{} or less: {periods:.1e} periods in `solver.max_time` = {max_time} time constants of {} are more than {MOST_STEPS:e}",
            near(most, "Hz"),
            near(tau, "s")
        );
        let found = engineering(clock.frequency, "Hz");
        ensure(periods <= MOST_STEPS, &["clock", "frequency"], found, &accepted)?;
    }
    if !kind.has_fixed_step() && !kind.is_clocked() {
        return Ok(());
    }
    let length = circuit.clock.as_ref().map_or(step * tau, |clock| 1.0 / clock.frequency);
    if circuit.clock.is_none() {
        let steps = max_time / step;
        let accepted = format!(
            "{:.1e} or less with `solver.step` = {step}: {steps:.1e} steps are more than {MOST_STEPS:e}",
            MOST_STEPS * step
        );
        ensure(steps <= MOST_STEPS, &["solver", "max_time"], max_time, &accepted)?;
        check_spread(circuit)?;
    }
    let readings = circuit.readout.time / length;
    let accepted = format!(
        "{} or less: {readings:.1e} steps of {} are more than {MOST_STEPS:e}",
        near(MOST_STEPS * length, "s"),
        near(length, "s")
    );
    let found = engineering(circuit.readout.time, "s");
    ensure(readings <= MOST_STEPS, &["readout", "time"], found, &accepted)
}

/// Refuses spreads whose fastest compartment, as it is to be expected, divides the steps of a stochastic
/// solver into too many parts.
///
/// # Errors
/// More than [`MOST_PARTS`] steps of a relaxation.
fn check_spread(circuit: &CircuitSpec) -> Result<(), Fault> {
    let (mismatch, solver) = (&circuit.mismatch, &circuit.solver);
    let compartments = 2 * circuit.network.as_ref().map_or(0, |network| network.iter().skip(1).sum());
    let spread = mismatch.time_constant_dtod;
    if compartments < 2 || mismatch.distribution != SpreadKind::Lognormal {
        return Ok(());
    }
    // Of so many normal numbers the largest is about √(2 ln n) (Cramér, Mathematical Methods of Statistics,
    // §28.6).
    let extreme = (2.0 * (compartments as f64).ln()).sqrt();
    let steps = |spread: f64| solver.max_time / solver.step * (2.0 * spread * extreme).exp();
    let most = (MOST_PARTS * solver.step / solver.max_time).ln() / (2.0 * extreme);
    let accepted = format!(
        "{most:.2} or less: steps follow the fastest of {compartments} compartments, {:.1e} of them in `solver.max_time` (at most {MOST_PARTS:e})",
        steps(spread)
    );
    ensure(steps(spread) <= MOST_PARTS, &["mismatch", "time_constant_dtod"], spread, &accepted)
}

/// Refuses a trap whose jumps would take for ever one by one, and says what white noise it is to the circuit.
///
/// # Errors
/// More than [`MOST_JUMPS`] in a time constant; rates that are no numbers.
pub(super) fn check_jumps(
    circuit: &CircuitSpec,
    section: &str,
    trap: Trap,
    amplitude: f64,
) -> Result<(), Fault> {
    let tau = time_constant(circuit);
    let jumps = 2.0 * tau / (trap.capture + trap.emission);
    let process = trap.process(amplitude);
    let density = 4.0 * process.variance / process.rate;
    let instead = if section == "telegraph" {
        format!("shot noise of {} (`noise.shot.current`)", near(density / (2.0 * ELEMENTARY_CHARGE), "A"))
    } else {
        format!("read noise of {density:.3e} /Hz (`noise.read.relative_psd`)")
    };
    let mean = f64::midpoint(trap.capture, trap.emission);
    let accepted = format!(
        "times whose mean is {} or more: with {} a trap jumps {jumps:.1e} times in τ = {} (at most {MOST_JUMPS:e}), \
         which the circuit cannot tell from {instead}",
        near(tau / MOST_JUMPS, "s"),
        near(mean, "s"),
        near(tau, "s")
    );
    let found = engineering(trap.capture, "s");
    let few = amplitude == 0.0 || (jumps <= MOST_JUMPS && process.rate.is_finite());
    ensure(few, &["noise", section, "capture"], found, &accepted)
}

/// Refuses a band of flicker noise that is too wide.
///
/// # Errors
/// More than [`MOST_PROCESSES`] processes.
pub(super) fn check_band(flicker: &FlickerSpec) -> Result<(), Fault> {
    let FlickerSpec { low, high, per_decade, .. } = *flicker;
    let decades = high.log10() - low.log10();
    let processes = decades * per_decade as f64;
    let accepted = format!(
        "{} or more: a band of {decades:.0} decades at {per_decade} processes per decade would be {processes:.0} \
         processes in every compartment (at most {MOST_PROCESSES})",
        near(high / 10_f64.powf(MOST_PROCESSES / per_decade as f64), "Hz")
    );
    ensure(processes <= MOST_PROCESSES, &["noise", "flicker", "low"], format!("{low:e} Hz"), &accepted)
}

/// A computed number with three digits and its unit.
fn near(value: f64, unit: &str) -> String {
    engineering(format!("{value:.2e}").parse().unwrap_or(value), unit)
}

/// `C/g` (s).
fn time_constant(circuit: &CircuitSpec) -> f64 {
    circuit.neuron.capacitance / circuit.neuron.leak
}
