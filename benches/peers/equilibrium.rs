//! Equilibrium: a batch from the free state to a residual of `1e-6` of the potentials, however a side gets
//! there.
//!
//! The peers integrate for 40 τ at their usual tolerances; ours looks for the fixed point directly.

use anyhow::Result;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::Largest;
use dyadsim_core::solve::{Outcome, settle_all};

use super::judge::{Newton, residual};
use super::net::{GAINS, Gains, Net, Wired, cast, equilibrium_solver};
use super::peer::{DEFAULT, Peer};
use super::setup::Setup;
use super::timing::in_turn;

/// Samples per batch.
const BATCH: usize = 128;
/// Samples that Newton's method, which is dense over the width, is given.
const CHECKED: usize = 4;

/// The case.
pub fn run(setup: &Setup) -> Result<String> {
    let root = tempfile::tempdir()?;
    let nets: &[&[usize]] = &[&[784, 128, 128, 10], &[784, 512, 512, 10]];
    let (name, _) = equilibrium_solver();
    let mut text = format!(
        "Ours: `{name}`. Batch {BATCH}. Residuals of the whole batch and distances from Newton's solution of {CHECKED} samples are\n\
         evaluated in double precision for both sides (V).\n\n\
         | network | gains | peer | theirs/ours | ours (ms) | theirs (ms) | largest potential | residual ours | theirs | from Newton ours | theirs \
         | outcomes of ours | peer compiles (s) |\n|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|---|--:|\n"
    );
    for sizes in &nets[..if setup.quick { 1 } else { 2 }] {
        let net = Net::make(root.path(), sizes, BATCH)?;
        for gains in GAINS {
            eprintln!("equilibrium {} {}", net.name(), gains.name);
            text += &rows(setup, &net, gains);
        }
    }
    Ok(text)
}

/// Both sides of one circuit.
struct Sides {
    ours: Wired<f32>,
    judge: Wired<f64>,
    state: Matrix<f64>,
    outcomes: Vec<Outcome>,
    newton: Newton,
}

/// The rows of one circuit, one per peer.
fn rows(setup: &Setup, net: &Net, gains: Gains) -> String {
    let spec = gains.circuit(equilibrium_solver().1);
    let (ours, judge) = (net.wired::<f32>(&spec), net.wired::<f64>(&spec));
    let settled = settle_all(&spec.solver, &ours.circuit(), false);
    let state = cast::<f64>(&settled.state);
    let newton = Newton::solve(&judge.circuit(), &state, CHECKED);
    let sides = Sides { ours, judge, state, outcomes: settled.outcomes, newton };
    let label = |tool: &str| format!("| {} | {} | {tool} ", net.name(), gains.name);
    let row = |tool: &&str| {
        let cells = row(setup, net, gains, tool, &sides)
            .unwrap_or_else(|error| format!("| failed: {error:#} ||||||||||"));
        label(tool) + &cells + "\n"
    };
    ["diffrax", "scipy"].iter().map(row).collect()
}

fn row(setup: &Setup, net: &Net, gains: Gains, tool: &str, sides: &Sides) -> Result<String> {
    let circuit = sides.judge.circuit();
    let ours = format!("{:.1} | {:.1e}", sides.state.largest(), residual(&circuit, &sides.state));
    let tally = Outcome::tally(&sides.outcomes);
    let outcomes = tally.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ");
    let Some(mut peer) = Peer::start(setup, tool, net, &gains.arguments())? else {
        return Ok(format!(
            "| no peer | | | {ours} | | {} | | {outcomes} | |",
            sides.newton.distance(&sides.state)
        ));
    };
    let theirs = peer.states(DEFAULT)?;
    let solver = &sides.ours.spec.solver;
    let settle = || drop(settle_all(solver, &sides.ours.circuit(), false));
    let pairs = in_turn(setup.repetitions(), settle, |calls| peer.run(calls, DEFAULT))?;
    Ok(format!(
        "| {} | {} | {ours} | {:.1e} | {} | {} | {outcomes} | {:.1} |",
        pairs.ratio(),
        pairs.cells(),
        residual(&circuit, &theirs),
        sides.newton.distance(&sides.state),
        sides.newton.distance(&theirs),
        peer.compile
    ))
}
