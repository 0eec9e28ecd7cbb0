//! One gradient of one batch, the optimiser left out: dual propagation and backpropagation against jax's.
//!
//! Beside the times stands how fast the products of backpropagation went by: what every method has to do at
//! least. Dual propagation's gradient differs from backpropagation's where the nudge, which is finite, moves
//! a device over its kink; it is compared with jax's sweeps of the same circuit, too.

use anyhow::Result;
use dyadsim::record::weights::read_weights;
use dyadsim_core::learn::{Gradient, rule};
use dyadsim_core::spec::RuleKind;

use super::judge::gradients_apart;
use super::net::{GAINS, Gains, Net, Wired, equilibrium_solver};
use super::peer::{DEFAULT, Peer};
use super::setup::Setup;
use super::timing::{in_turn, median, short};

/// Networks, the first for a quick run.
const NETS: [&[usize]; 3] = [&[784, 128, 128, 10], &[784, 512, 512, 10], &[784, 1000, 1000, 1000, 1000, 10]];
/// Samples per batch.
const BATCHES: [usize; 3] = [50, 100, 256];
/// Ours and theirs.
const MATCHES: [(RuleKind, &str); 3] =
    [(RuleKind::DpTranspose, "jax-bp"), (RuleKind::DpTranspose, "jax-dp"), (RuleKind::Bp, "jax-bp")];

/// The case.
pub fn run(setup: &Setup) -> Result<String> {
    let root = tempfile::tempdir()?;
    let (solver, _) = equilibrium_solver();
    let gains = GAINS[0];
    let mut text = format!(
        "`DPᵀ` at {} by `{solver}`; jax-dp: 5 rounds of sweeps. *GFLOP/s*: the products of backpropagation over the time.\n\
         *Difference*: largest of a layer, in units of that layer's largest entry.\n\n\
         | network | batch | ours | peer | theirs/ours | ours (ms) | theirs (ms) | GFLOP/s ours | theirs | difference | peer compiles (s) |\n\
         |---|--:|---|---|---|--:|--:|--:|--:|--:|--:|\n",
        gains.name
    );
    for sizes in &NETS[..if setup.quick { 1 } else { NETS.len() }] {
        for samples in BATCHES {
            let net = Net::make(root.path(), sizes, samples)?;
            let wired = net.wired::<f32>(&gains.circuit(equilibrium_solver().1));
            for (kind, tool) in MATCHES {
                eprintln!("gradient {} {samples} {kind:?} {tool}", net.name());
                let ours = if kind == RuleKind::Bp { "bp" } else { "DPᵀ" };
                let cells = row(setup, &net, &wired, (kind, tool, gains));
                let cells = cells.unwrap_or_else(|error| format!("failed: {error:#} |||||||"));
                text += &format!("| {} | {samples} | {ours} | {tool} | {cells}\n", net.name());
            }
        }
    }
    Ok(text)
}

fn row(setup: &Setup, net: &Net, wired: &Wired<f32>, what: (RuleKind, &str, Gains)) -> Result<String> {
    let (kind, tool, gains) = what;
    let rule = rule::<f32>(kind, &wired.spec, &net.sizes);
    let mut gradient = Gradient::zeros(&wired.weights);
    let Some(mut peer) = Peer::start(setup, tool, net, &gains.arguments())? else {
        return Ok("no peer |||||||".to_owned());
    };
    let mut estimate = || drop(rule.estimate(&wired.weights, &wired.batch, &mut gradient));
    let pairs = in_turn(setup.repetitions(), &mut estimate, |calls| peer.run(calls, DEFAULT))?;
    let theirs = read_weights::<f64>(&peer.gradient()?, Some(&net.sizes))?;
    let difference = gradients_apart(&gradient.forward, &theirs.forward);
    let speed = |times: &[f64]| short(1e-9 * operations(net) / median(times));
    Ok(format!(
        "{} | {} | {} | {} | {difference:.1e} | {:.1} |",
        pairs.ratio(),
        pairs.cells(),
        speed(&pairs.ours),
        speed(&pairs.theirs),
        peer.compile
    ))
}

/// Operations in the products of backpropagation: forward, onto the weights, and back but to the input.
fn operations(net: &Net) -> f64 {
    let layer = |(k, n): (usize, &[usize])| (if k == 0 { 4 } else { 6 }) * net.samples() * n[0] * n[1];
    net.sizes.windows(2).enumerate().map(layer).sum::<usize>() as f64
}
