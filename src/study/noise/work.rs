//! How long replicas are looked at, and what that takes: counted before it is begun.

use anyhow::anyhow;

use super::super::Failure;
use super::super::inputs::Setup;
use super::Noise;
use dyadsim_core::analysis::stationary::{Node, Plan};
use dyadsim_core::circuit::Wired;
use dyadsim_core::solve::steps;

/// Relaxation times of the slowest mode that a replica gets to forget its start.
const BEFORE: f64 = 20.0;
/// Steps of the solver between readings (slowest τ); readings a tenth of a time constant apart tell little
/// more.
const EVERY: f64 = 0.25;
/// Most steps of a replica, the parts counted into which fast compartments divide them.
const MOST_STEPS: f64 = 1e9;
/// Most jumps of all traps of all replicas.
const MOST_JUMPS: f64 = 1e10;
/// Most numbers that are kept: of a series for a spectrum, of sums for variances.
const MOST_NUMBERS: f64 = 1e8;

/// When replicas of a circuit are read.
///
/// # Errors
/// More work or memory than anybody would wait for or has, with the sum and what would fit.
pub fn plan(
    setup: &Setup,
    settings: &Noise,
    circuit: &dyn Wired<f64>,
    traced: Option<Node>,
) -> Result<Plan, Failure> {
    let (step, time) = (setup.spec.solver.step, settings.time);
    let replicas = f64::from(settings.replicas);
    let taken = steps(&setup.spec.solver, circuit.rates(), BEFORE + time);
    let parts = taken * step / (BEFORE + time);
    refuse(
        "time",
        time,
        taken / MOST_STEPS,
        &format!(
            "{taken:.1e} steps of every replica ({parts:.0} for each of {step} τ, as the fastest compartment asks) are more than {MOST_STEPS:e}"
        ),
    )?;
    let jumps = (BEFORE + time) * replicas * jumps(circuit);
    refuse(
        "time",
        time,
        jumps / MOST_JUMPS,
        &format!("{jumps:.1e} jumps of traps are more than {MOST_JUMPS:e}"),
    )?;
    let series = if traced.is_some() { replicas * time / step } else { 0.0 };
    refuse(
        "time",
        time,
        series / MOST_NUMBERS,
        &format!("--psd keeps {series:.1e} numbers, more than {MOST_NUMBERS:e}"),
    )?;
    let sums = 4.0 * replicas * circuit.width() as f64;
    refuse(
        "replicas",
        replicas,
        sums / MOST_NUMBERS,
        &format!("{sums:.1e} sums would be kept, more than {MOST_NUMBERS:e}"),
    )?;
    let every = (EVERY / step).round().max(1.0);
    Ok(Plan {
        before: (BEFORE / step).ceil() as usize,
        readings: (time / (step * every)).ceil() as usize,
        every: every as usize,
        traced,
    })
}

/// Jumps of all traps of a replica in a slowest time constant.
fn jumps(circuit: &dyn Wired<f64>) -> f64 {
    let noise = &circuit.chip().noise;
    let own = noise.traps.as_ref().map(|traps| (traps.trap, circuit.width()));
    let synapses = circuit.chip().layout.network().windows(2).map(|n| n[0] * n[1]).sum();
    let theirs = noise.synapse_traps.map(|traps| (traps.trap, synapses));
    let each = own.into_iter().chain(theirs);
    let rates = each.map(|(trap, count)| 2.0 * count as f64 / (trap.capture + trap.emission));
    rates.sum::<f64>() * circuit.slowest()
}

/// Refuses an option's `value` if it asks for `share` times what there may be.
fn refuse(option: &str, value: f64, share: f64, why: &str) -> Result<(), Failure> {
    if share <= 1.0 {
        return Ok(());
    }
    let fits = format!("{:.1e}", value / share);
    Err(Failure::input(anyhow!("--{option} {value}: {why}\n  accepted: {fits} or less")))
}
