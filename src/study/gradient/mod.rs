//! `dyadsim gradient`: how far the gradient estimate of given networks is from backpropagation, and the nudge that brings it nearest.

mod line;
mod study;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use toml::Value;

use super::axis::{self, Axis};
use super::inputs::{Files, Setup};
use super::output::conclude;
use super::{Failure, Global, folder};
use crate::figure::gradient;
use crate::record::RecordError;
use crate::record::json::write_json;
use crate::record::study::Kind;
use crate::record::table::write_table;
use crate::spec::Override;

/// Arguments of `gradient`.
#[derive(Debug, Args)]
#[command(
    after_help = "Every draw settles the batch anew, with noise of its own and, if [mismatch] spreads devices, on another chip \
    (seeds count on from mismatch.seed). Bias and variance are those of the draws around backpropagation on their chip, in units of \
    its squared norm; samples that do not settle are counted and left out. With nudge.beta among the axes the best nudge is told, \
    that of the least mean squared error up to the largest safe nudge; more nudges than those asked for are looked at around it. \
    --out writes DIR/gradient.csv and further tables, and figures that `dyadsim plot DIR` draws again.\n\n\
    Example:\n  dyadsim gradient circuits/noisy.toml --weights w.safetensors --input x.safetensors \
    --target y.safetensors --vary nudge.beta=0.01:3:13:log --vary nudge.alpha=0:1:5 --draws 16 --out results/gradient"
)]
pub struct Arguments {
    #[command(flatten)]
    files: Files,
    /// An axis KEY=FROM:TO:N or KEY=FROM:TO:N:log; with two of them every pair of values is looked at
    #[arg(long, value_name = "AXIS", required = true)]
    vary: Vec<Axis>,
    /// Estimates at every point
    #[arg(long, value_name = "R", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=65536))]
    draws: u32,
    /// Keep to one chip: draws differ by noise alone
    #[arg(long)]
    one_chip: bool,
    /// Look at the points of the axes alone: the best nudge is then no better known than they are apart
    #[arg(long)]
    no_refine: bool,
    /// Folder for tables and figures [default: none is written]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace tables of an earlier `gradient`
    #[arg(long, requires = "out")]
    force: bool,
}

/// Tables, and the file that says what they are.
const STEMS: [&str; 2] = ["gradient", "gradient_best"];
/// The study.
const KIND: Kind = folder::tables("gradient", "gradient", &STEMS, SUMMARY);
/// Settings.
const SUMMARY: &str = "gradient.json";

/// Carries the command out.
///
/// # Errors
/// Bad input; tables that cannot be written.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.want_double("gradient")?;
    if arguments.files.target.is_none() {
        return Err(Failure::input(anyhow!(
            "gradient needs --target FILE (`y`, [samples, n_L]): without a target there is no gradient"
        )));
    }
    let points = points(global, &arguments.files, &arguments.vary)?;
    arguments.files.warn(spoken_of(&points));
    let out = arguments.out.as_deref();
    let inputs = arguments.files.paths();
    let study = out.map(|out| folder::claim(out, arguments.force, KIND, &inputs)).transpose()?;
    let tables = global.on_threads(|| study::carry_out(global, arguments, &points))?;
    if let Some(study) = study {
        folder::fill(study, &tables.summary, |out| write(out, &tables))?;
    }
    let setup = spoken_of(&points);
    conclude(global, &text::summary(setup, &tables, out), &setup.named(text::document(&tables)))
}

/// The setup that is told: one whose devices differ, if any does.
fn spoken_of(points: &[Point]) -> &Setup {
    let spread = points.iter().find(|point| point.setup.chip_number().is_some());
    &spread.unwrap_or(&points[0]).setup
}

/// Writes everything.
fn write(out: &Path, tables: &gradient::Tables) -> Result<(), Failure> {
    let written = || -> Result<(), RecordError> {
        write_table(out, STEMS[0], &tables.rows)?;
        write_table(out, STEMS[1], &tables.best)?;
        write_json(&out.join(SUMMARY), &tables.summary)
    };
    written().map_err(Failure::running)?;
    let tables = gradient::Tables::read(out).map_err(Failure::running)?;
    gradient::draw_all(&out.join("figures"), &tables, &[]).map(|_| ()).map_err(Failure::running)
}

/// A point of a grid.
pub struct Point {
    /// Values along the axes.
    pub values: Vec<f64>,
    /// Everything that is settled there.
    pub setup: Setup,
}

/// All points of at most two axes, the first running fastest; every one is read and checked before any work.
///
/// # Errors
/// Bad input at any point.
pub fn points(global: &Global, files: &Files, axes: &[Axis]) -> Result<Vec<Point>, Failure> {
    if let Some(third) = axes.get(2) {
        return Err(Failure::input(anyhow!(
            "--vary {}: a grid has at most two axes\n  accepted: one or two --vary",
            third.key
        )));
    }
    axis::refuse_same("--vary", axes)?;
    let lists: Vec<Vec<f64>> = axes.iter().map(Axis::values).collect();
    let mut grid: Vec<Vec<f64>> = vec![vec![]];
    for list in lists.iter().rev() {
        grid = grid.iter().flat_map(|rest| list.iter().map(|v| [vec![*v], rest.clone()].concat())).collect();
    }
    let one = |values: Vec<f64>| {
        let mut global = global.clone();
        let keys = axes.iter().zip(&values);
        global.set.extend(keys.map(|(axis, v)| Override::new(&axis.key, Value::Float(*v)).by("--vary")));
        Ok(Point { setup: files.read_silently(&global)?, values })
    };
    grid.into_iter().map(one).collect()
}
