//! `dyadsim noise`: stationary noise of a circuit, predicted by the Lyapunov equation and measured along trajectories.

mod angle;
mod large;
mod spectrum;
mod study;
mod tables;
mod text;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;

use super::progress::Terminal;
use super::inputs::{Files, Setup};
use super::output::{conclude, rounded};
use super::{Failure, Global};
use crate::analysis::stationary::{Node, nodes};
use crate::chip::Layout;
use crate::spec::nearest;

/// Arguments of `noise`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --target the circuit is free (no nudge), and no gradient is predicted. The operating point is \
    that of sample --sample; the predicted angle to backpropagation is that of the whole batch. --out writes DIR/noise.csv \
    and further tables, and figures that `dyadsim plot DIR` draws again.\n\n\
    Example:\n  dyadsim noise circuits/noisy.toml --weights w.safetensors --input x.safetensors \
    --target y.safetensors --psd v_plus.1.0 --out results/noise"
)]
pub struct Arguments {
    #[command(flatten)]
    files: Files,
    /// Sample whose operating point is looked at, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    sample: usize,
    /// Add the spectrum of a node: `v_plus.K.J`, `v_minus.K.J`, `activity.K.J` or `error.K.J`, layer K from 1, neuron J from 0
    #[arg(long, value_name = "NODE")]
    psd: Option<String>,
    /// Simulated time of every replica, in units of the slowest τ; 0 leaves the simulation out
    #[arg(long, value_name = "TAU", default_value_t = 500.0, allow_negative_numbers = true)]
    time: f64,
    /// Independent replicas of the circuit that are simulated
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(8..=65536))]
    replicas: u32,
    /// Probability that predictions and measurements are said to differ although all agree
    #[arg(long, value_name = "P", default_value_t = 0.01)]
    family_error: f64,
    /// Folder for tables and figures [default: none is written]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace tables of an earlier `noise`
    #[arg(long, requires = "out")]
    force: bool,
}

/// Carries the command out.
///
/// # Errors
/// Bad input; an operating point that is not there or not stable; tables that cannot be written.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.want_double("noise")?;
    let setup = arguments.files.read(global, &Terminal::new(global))?;
    check(arguments, &setup)?;
    let node = arguments.psd.as_deref().map(|name| find(name, &setup.chip.layout)).transpose()?;
    let (out, inputs) = (arguments.out.as_deref(), arguments.files.paths());
    let to = out.map(|out| tables::claim(out, arguments.force, &inputs)).transpose()?;
    let bar = super::progress::bar(global, 0, "steps");
    let asked = study::Asked { traced: node, seed: global.seed.unwrap_or(0), bar: &bar };
    let study = global.on_threads(|| study::carry_out(&setup, arguments, &asked))??;
    if let Some(to) = to {
        tables::write(to, &study)?;
    }
    conclude(global, &text::summary(&setup, &study, out), &setup.named(text::document(&study)))
}

/// Refuses what makes no sense together.
fn check(arguments: &Arguments, setup: &Setup) -> Result<(), Failure> {
    let samples = setup.batch.inputs.nrows();
    if arguments.sample >= samples {
        return Err(Failure::input(anyhow!(
            "--sample {}: the input has {samples} samples\n  accepted: 0 to {}",
            arguments.sample,
            samples - 1
        )));
    }
    if setup.chip.noise.is_still() {
        return Err(Failure::input(anyhow!(
            "circuit `{}` has no noise that acts on its compartments\n  accepted: a section such as [noise.thermal] \
             (--set noise.thermal.excess=1 --set solver.kind=exponential-heun)",
            setup.spec.name
        )));
    }
    if let Some(frequency) = setup.chip.periphery.clock {
        return Err(Failure::input(anyhow!(
            "circuit `{}` has a clock ({}): noise is predicted for continuous time\n  accepted: a circuit without \
             `[clock]`; `settle` and `run` follow kT/C from clock to clock",
            setup.spec.name,
            rounded(frequency, "Hz")
        )));
    }
    let time = arguments.time;
    if !(time == 0.0 || (10.0..=1e9).contains(&time)) {
        return Err(Failure::input(anyhow!(
            "--time {time}\n  accepted: 0, or 10 to 1e9 (units of the slowest τ)"
        )));
    }
    let family = arguments.family_error;
    if !(family > 0.0 && family < 1.0) {
        return Err(Failure::input(anyhow!("--family-error {family}\n  accepted: above 0 and below 1")));
    }
    Ok(())
}

/// The node of a name.
fn find(name: &str, layout: &Layout) -> Result<Node, Failure> {
    let all = nodes(layout);
    all.iter().find(|node| node.name() == name).copied().ok_or_else(|| {
        let names: Vec<String> = all.iter().map(Node::name).collect();
        let near = nearest(name, names.iter().map(String::as_str));
        let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let neurons = layout.network()[1..].iter().map(ToString::to_string).collect::<Vec<_>>().join("-");
        Failure::input(anyhow!(
            "--psd {name}: no such node{meant}\n  accepted: v_plus.K.J, v_minus.K.J, activity.K.J, error.K.J with layer K from 1 \
             to {} ({neurons} neurons) and neuron J from 0",
            layout.depth()
        ))
    })
}
