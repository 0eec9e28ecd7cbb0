//! Against a circuit simulator: time per sample to equilibrium beside ngspice's for the same networks.
//!
//! ngspice is not run here: its CPU seconds were measured earlier, for one input, a transient of 20 τ.

use anyhow::Result;
use dyadsim_core::matrix::Real;
use dyadsim_core::solve::{Outcome, settle_all};

use super::judge::{Newton, residual};
use super::net::{GAINS, Net, cast, equilibrium_solver};
use super::setup::Setup;
use super::timing::{alone, short};

/// Network, samples, ngspice's CPU seconds for one input (ngspice 39), and how that number is to be read.
const LINES: [(&[usize], usize, f64, &str); 4] = [
    (&[784, 128, 10], 256, 4.0, "4.0"),
    (&[784, 128, 10], 1, 4.0, "4.0"),
    (&[784, 256, 128, 10], 256, 300.0, "over 300"),
    (&[784, 256, 128, 10], 1, 300.0, "over 300"),
];

/// The case.
pub fn run(setup: &Setup) -> Result<String> {
    let (solver, _) = equilibrium_solver();
    let mut text = format!(
        "Ours: `{solver}`, {}. **SPICE figures measured earlier, not in this run** (2.2 s for 784-128-10 with its loosest\n\
         options), so these ratios are of two machine states. Distances from Newton's solution are of up to 4 samples (V).\n\n\
         | network | samples | | per sample (ms) | least | ngspice (CPU s) | ngspice/ours | residual | from Newton | outcomes |\n\
         |---|--:|---|--:|--:|--:|--:|--:|--:|---|\n",
        GAINS[1].name
    );
    for line in &LINES[..if setup.quick { 2 } else { LINES.len() }] {
        eprintln!("spice {:?} {}", line.0, line.1);
        text += &row::<f32>(setup, line, "f32");
        text += &row::<f64>(setup, line, "f64");
    }
    Ok(text)
}

fn row<T: Real>(setup: &Setup, line: &(&[usize], usize, f64, &str), precision: &str) -> String {
    let (sizes, samples, spice, stated) = *line;
    let net = Net::draw(std::path::Path::new(""), sizes, samples);
    let spec = GAINS[1].circuit(equilibrium_solver().1);
    let (ours, judge) = (net.wired::<T>(&spec), net.wired::<f64>(&spec));
    let settled = settle_all(&spec.solver, &ours.circuit(), false);
    let state = cast::<f64>(&settled.state);
    let newton = Newton::solve(&judge.circuit(), &state, 4);
    let (median, least) =
        alone(setup.repetitions(), || drop(settle_all(&spec.solver, &ours.circuit(), false)));
    let each = median / samples as f64;
    let tally = Outcome::tally(&settled.outcomes);
    let outcomes = tally.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ");
    format!(
        "| {} | {samples} | {precision} | {} | {} | {stated} | {:.0} | {:.1e} | {} | {outcomes} |\n",
        net.name(),
        short(1e3 * each),
        short(1e3 * least / samples as f64),
        spice / each,
        residual(&judge.circuit(), &state),
        newton.distance(&state)
    )
}
