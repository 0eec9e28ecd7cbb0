//! Memory: the peak of a training run beside what its numbers need. Runs in a process of its own, like every
//! case.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use dyadsim_core::learn::{Batch, Gradient, Optimizer, rule};
use dyadsim_core::spec::RuleKind;

use super::net::{GAINS, Net, equilibrium_solver};
use super::setup::Setup;
use super::threads::ADAM;

/// Network, samples per batch, and samples of the data set, as single-precision inputs.
const NET: [usize; 4] = [784, 512, 512, 10];
const BATCH: usize = 256;
const DATA: usize = 20_000;
/// State-sized matrices of a relaxation: state, drive, and the halves and products that a drive is assembled
/// from.
const STAGES: usize = 4;

/// The case.
pub fn run(setup: &Setup) -> Result<String> {
    let (solver, _) = equilibrium_solver();
    let before = peak()?;
    // Drawn in double precision this would be the peak by itself, so the data set repeats one batch.
    let net = Net::draw(Path::new(""), &NET, BATCH);
    let wired = net.wired::<f32>(&GAINS[0].circuit(equilibrium_solver().1));
    drop(net);
    let samples = if setup.quick { DATA / 10 } else { DATA };
    let data: Vec<Batch<f32>> = (0..samples.div_ceil(BATCH)).map(|_| wired.batch.clone()).collect();
    let rule = rule::<f32>(RuleKind::DpTranspose, &wired.spec, &NET);
    let mut weights = wired.weights.clone();
    drop(wired);
    let mut gradient = Gradient::zeros(&weights);
    let mut optimizer = Optimizer::new(&ADAM, 1, &weights);
    for batch in &data {
        rule.estimate(&weights, batch, &mut gradient);
        optimizer.update(&mut weights, &gradient, 0);
    }
    let parameters: usize = NET.windows(2).map(|n| n[1] * (n[0] + 1)).sum();
    let width: usize = NET[1..].iter().map(|n| 2 * n).sum();
    let bytes = |numbers: usize| 4.0 * numbers as f64 / 1e6;
    let (learning, states) = (bytes(4 * parameters), bytes(STAGES * BATCH * width));
    let set = bytes(data.len() * BATCH * (NET[0] + NET[3]));
    let (computed, found) = (learning + states + set, peak()?);
    Ok(format!(
        "One pass of DPᵀ by `{solver}` and Adam over {} samples, batch {BATCH}, 784-512-512-10, f32, one thread (MB). Computed: weights,\n\
         gradient and two moments; {STAGES} matrices of states; the data. The program itself took {before:.1} before.\n\n\
         | weights, gradient, moments | states | data | computed | peak (VmHWM) | peak/computed |\n|--:|--:|--:|--:|--:|--:|\n\
         | {learning:.1} | {states:.1} | {set:.1} | {computed:.1} | {found:.1} | **{:.2}** |\n",
        data.len() * BATCH,
        found / computed
    ))
}

/// Largest resident memory of this process so far (MB).
fn peak() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/status").context("VmHWM is known on Linux only")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kilobytes: f64 = line.split_whitespace().next().context("an empty VmHWM")?.parse()?;
    Ok(1024.0 * kilobytes / 1e6)
}
