//! Transient: the trajectory itself to a true error of `1e-5 V`, at 64 times within 40 τ, on some traced
//! samples.
//!
//! Each side gets the loosest tolerance of one ladder at which its measured error is within the bound; the
//! peer also its usual one. The timed solves keep the last state alone, as the peer's; but etd, which steps
//! carefully over the kinks of its devices only then, keeps the trajectories of all samples. What that costs
//! eam stands beside its times.

use anyhow::Result;
use dyadsim_core::circuit::Dynamics;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::{settle_all, solver};
use dyadsim_core::spec::{SolverKind, SolverSpec};

use super::judge::{END, apart, doubt, reference, sampled, times};
use super::net::{GAINS, Gains, Net, TRANSIENT, Wired, kind};
use super::peer::{DEFAULT, Peer, Tolerance};
use super::setup::Setup;
use super::timing::{alone, in_turn, short};

/// Samples per batch.
const BATCH: usize = 128;
/// Samples whose trajectories are compared.
const TRACED: usize = 8;
/// Largest error allowed (V).
const BOUND: f64 = 1e-5;
/// Relative tolerances, loosest first; the absolute one is a thousandth of each (V).
const LADDER: [f64; 13] =
    [1e-3, 5.6e-4, 3.2e-4, 1.8e-4, 1e-4, 5.6e-5, 3.2e-5, 1.8e-5, 1e-5, 5.6e-6, 3.2e-6, 1.8e-6, 1e-6];

/// A rung of the ladder and the error measured there (V).
#[derive(Clone, Copy)]
struct Rung {
    tolerance: Tolerance,
    error: f64,
}

/// The case.
pub fn run(setup: &Setup) -> Result<String> {
    let root = tempfile::tempdir()?;
    let nets: &[&[usize]] = &[&[784, 128, 128, 10], &[784, 512, 512, 10]];
    let mut text = format!(
        "Batch {BATCH}. *Keeping all*: ours with the trajectories of all samples kept, which etd always does here. Errors are the largest over {TRACED} samples and 64 times (V), against dop853 at 1e-11 in double precision; the bound \
         is {BOUND:.0e}. *Doubt*: the reference's difference from dopri5 at 1e-9, first sample (V).\n\n| network | gains | doubt | ours | rtol | error | diffrax | rtol | error | theirs/ours | ours (ms) | theirs (ms) \
         | keeping all (ms) | steps of theirs |\n|---|---|--:|---|--:|--:|---|--:|--:|---|--:|--:|--:|--:|\n"
    );
    for sizes in &nets[..if setup.quick { 1 } else { 2 }] {
        let net = Net::make(root.path(), sizes, BATCH)?;
        for gains in GAINS {
            eprintln!("transient {} {}", net.name(), gains.name);
            let label = format!("| {} | {} ", net.name(), gains.name);
            text += &rows(setup, &net, gains, &label)
                .unwrap_or_else(|error| format!("{label}| | failed: {error:#} ||||||||||||\n"));
        }
    }
    Ok(text)
}

/// The rows of one circuit: each of our solvers against the peer at two tolerances.
fn rows(setup: &Setup, net: &Net, gains: Gains, label: &str) -> Result<String> {
    let judge = net.wired::<f64>(&gains.circuit(SolverSpec::default()));
    let reference = reference(&judge.circuit(), TRACED);
    let doubt = doubt(&judge.circuit(), &reference);
    let label = format!("{label}| {doubt:.0e} ");
    let mut peer = Peer::start(setup, "diffrax", net, &gains.arguments())?;
    let mut rungs = Vec::new();
    if let Some(peer) = &mut peer {
        let mut error = |tolerance| Ok(apart(&peer.trajectory(tolerance, &times(), TRACED)?, &reference));
        rungs.push(("loosest", climb(&mut error)?));
        rungs.push(("usual", Rung { tolerance: DEFAULT, error: error(DEFAULT)? }));
    }
    let mut text = String::new();
    for (name, careful) in TRANSIENT {
        let Some(kind) = kind(name) else {
            text += &format!("{label}| {name}: not in this version ||||||||||||\n");
            continue;
        };
        let wired = net.wired::<f32>(&gains.circuit(SolverSpec::default()));
        let ours = climb(|tolerance| Ok(apart(&trajectory(&wired, kind, tolerance), &reference)))?;
        let start = format!("{label}| {name} | {:.1e} | {} ", ours.tolerance.rtol, met(ours));
        if rungs.is_empty() {
            text += &format!("{start}| no peer |||||||||\n");
        }
        let spec = spec(kind, ours.tolerance);
        let (keeping, _) = alone(setup.repetitions(), || drop(settle_all(&spec, &wired.circuit(), true)));
        for &(which, rung) in &rungs {
            let Some(peer) = &mut peer else { continue };
            let settle = || drop(settle_all(&spec, &wired.circuit(), careful));
            let pairs = in_turn(setup.repetitions(), settle, |calls| peer.run(calls, rung.tolerance))?;
            let (rtol, cells) = (rung.tolerance.rtol, pairs.cells());
            let (ratio, error, steps) = (pairs.ratio(), met(rung), peer.steps);
            let keeping = short(1e3 * keeping);
            text += &format!(
                "{start}| {which} | {rtol:.1e} | {error} | {ratio} | {cells} | {keeping} | {steps} |\n"
            );
        }
    }
    Ok(text)
}

/// The loosest rung within the bound, or the last.
fn climb(mut error: impl FnMut(Tolerance) -> Result<f64>) -> Result<Rung> {
    let mut last = Rung { tolerance: DEFAULT, error: f64::INFINITY };
    for rtol in LADDER {
        let tolerance = Tolerance { rtol, atol: 1e-3 * rtol };
        last = Rung { tolerance, error: error(tolerance)? };
        if last.error <= BOUND {
            break;
        }
    }
    Ok(last)
}

/// An error as a cell, with a mark where it is beyond the bound.
fn met(rung: Rung) -> String {
    let mark = if rung.error > BOUND { " (beyond)" } else { "" };
    format!("{:.1e}{mark}", rung.error)
}

fn spec(kind: SolverKind, tolerance: Tolerance) -> SolverSpec {
    let Tolerance { rtol, atol } = tolerance;
    SolverSpec { kind, rtol, atol, max_time: END, ..SolverSpec::default() }
}

/// Our states of the first samples, from a solve of the shard that they are in.
fn trajectory(wired: &Wired<f32>, kind: SolverKind, tolerance: Tolerance) -> Vec<Matrix<f64>> {
    let spec = spec(kind, tolerance);
    let circuit = wired.circuit();
    let shard = solver::<f32>(&spec).shard().min(circuit.samples());
    let part = circuit.subset(&(0..shard).collect::<Vec<_>>());
    let settled = settle_all(&spec, &part, true);
    sampled(&settled.traces[..TRACED], part.slowest())
}
