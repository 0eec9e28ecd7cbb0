//! `dyadsim stability`: spectra at the fixed points of given networks, and what becomes of them when a setting moves.
//!
//! Without further flags the spectra; each mode has a file and a struct of flags of its own.

mod attractors;
mod follow;
mod limits;
mod map;
mod map_check;
mod map_tables;
mod spectrum;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;

use super::inputs::Files;
use super::progress::Terminal;
use super::{Failure, Global, folder};
use crate::record::study::{Kind, Study};

/// Arguments of `stability`.
#[derive(Debug, Args)]
#[command(
    after_help = "The Jacobian is taken at the nudged fixed point, found by Newton's method from the free \
    state whether or not it is stable; the verdict is that of the worst sample. A circuit with a [clock] is judged from clock \
    to clock: eigenvalues μ are given as rates f ln μ, and |μ| < 1 is stable.\n\n\
    --limits finds the largest safe β: foreseen by eigenvalues on the branch of equilibria that the free state leads to, and \
    tried by integration just below and above. --follow tells what happens on such a branch when a setting moves: folds, Hopf \
    points with period and criticality, compartments that pass a kink. --attractors counts equilibria from random starts. --map draws \
    what becomes of the batch over two settings, looking near borders alone.\n\n\
    Example:\n  dyadsim stability circuits/ideal.toml --weights w.safetensors --input x.safetensors \
    --target y.safetensors --set nudge.variant=dp --set nudge.alpha=0.25\n  \
    dyadsim stability circuits/ideal.toml --weights w.safetensors --input x.safetensors --target y.safetensors --limits\n  \
    dyadsim stability circuits/ideal.toml --weights w.safetensors --input x.safetensors --target y.safetensors \
    --follow nudge.beta=0:2 --out results/branch\n  \
    dyadsim stability circuits/ideal.toml --weights w.safetensors --input x.safetensors --target y.safetensors --attractors 100\n  \
    dyadsim stability circuits/ideal.toml --weights w.safetensors --input x.safetensors --target y.safetensors \
    --map nudge.alpha=0:1:200 --map nudge.beta=0.05:5:200:log --out results/map"
)]
pub struct Arguments {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    limits: limits::Flags,
    #[command(flatten)]
    follow: follow::Flags,
    #[command(flatten)]
    attractors: attractors::Flags,
    #[command(flatten)]
    map: map::Flags,
    #[command(flatten)]
    output: Output,
}

/// Where tables and figures go.
#[derive(Debug, Args)]
pub struct Output {
    /// Folder for tables and a figure of --map or --follow [default: none is written]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace tables of an earlier one
    #[arg(long, requires = "out")]
    force: bool,
}

impl Output {
    /// Takes the folder, if one is asked for.
    fn claim(&self, kind: Kind, files: &Files) -> Result<Option<Study>, Failure> {
        let inputs = files.paths();
        self.out.as_deref().map(|out| folder::claim(out, self.force, kind, &inputs)).transpose()
    }
}

/// Carries the command out.
///
/// # Errors
/// Bad input; whatever the mode asked for cannot find or write.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.want_double("stability")?;
    let Arguments { files, limits, follow, attractors, map, output } = arguments;
    if files.target.is_none() {
        return Err(Failure::input(anyhow!(
            "stability needs --target FILE (`y`, [samples, n_L]): without a nudge no error comes back, and every \
             eigenvalue is -1/τ"
        )));
    }
    let setup = files.read(global, &Terminal::new(global))?;
    if output.out.is_some() && !map.is_asked() && follow.way().is_none() {
        return Err(Failure::input(anyhow!("--out: tables are written by --map and --follow alone")));
    }
    if map.is_asked() {
        map::run(global, (files, &setup), map, output)
    } else if limits.is_asked() {
        limits::run(global, &setup, limits)
    } else if let Some(way) = follow.way() {
        follow::run(global, (files, &setup), (follow, output), way)
    } else if let Some(starts) = attractors.starts() {
        attractors::run(global, &setup, attractors, starts)
    } else {
        spectrum::run(global, &setup)
    }
}
