//! `dyadsim plot`: the figures of an output folder again, from its tables.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::report::{classify, is_drawn_from, tables, want_own};
use super::{Failure, Global, folder, output};
use crate::figure::{
    Drawn, FigureError, Tables, branch, catalogue, comparison, draw_into, drawn_from, gradient, map, noise,
    robustness, yields,
};
use crate::record::ledger::renew;
use crate::record::lock::Lock;
use crate::record::study::Study;
use crate::record::{RecordError, atomic};
use crate::spec::nearest;

/// Arguments of `plot`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dyadsim plot results/two-tales-digits --only accuracy --out figures")]
pub struct Arguments {
    /// Output folder of `run`, `noise`, `gradient`, `yield`, `robustness`, `compare`, `stability --follow` or
    /// `stability --map`
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Draw this figure alone (repeatable)
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Where the files go; figures of the same name are replaced [default: DIR/figures]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Carries the command out.
///
/// # Errors
/// No output folder, an unknown figure, or a file that cannot be written.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.want_plain("plot")?;
    Study::recover(&arguments.folder).map_err(Failure::input)?;
    let source = if noise::is_study(&arguments.folder) {
        let names = chosen(&arguments.only, noise::catalogue().iter().map(|figure| figure.name).collect())?;
        Source::Noise(noise::Tables::read(&arguments.folder).map_err(classify)?, names)
    } else if branch::is_branch(&arguments.folder) {
        chosen(&arguments.only, vec![branch::NAME])?;
        Source::Branch(branch::Tables::read(&arguments.folder).map_err(classify)?)
    } else if map::is_study(&arguments.folder) {
        chosen(&arguments.only, map::NAMES.to_vec())?;
        Source::Map(map::Tables::read(&arguments.folder).map_err(classify)?)
    } else if gradient::is_study(&arguments.folder) {
        let known = gradient::catalogue().iter().map(|figure| figure.name).collect();
        let names = chosen(&arguments.only, known)?;
        Source::Gradient(gradient::Tables::read(&arguments.folder).map_err(classify)?, names)
    } else if yields::is_study(&arguments.folder) {
        let names = chosen(&arguments.only, yields::catalogue().iter().map(|figure| figure.name).collect())?;
        Source::Yields(yields::Tables::read(&arguments.folder).map_err(classify)?, names)
    } else if robustness::is_study(&arguments.folder) {
        let known = robustness::catalogue().iter().map(|figure| figure.name).collect();
        let names = chosen(&arguments.only, known)?;
        Source::Robustness(robustness::Tables::read(&arguments.folder).map_err(classify)?, names)
    } else if comparison::is_study(&arguments.folder) {
        let known = comparison::catalogue().iter().map(|figure| figure.name).collect();
        let names = chosen(&arguments.only, known)?;
        Source::Comparison(comparison::Tables::read(&arguments.folder).map_err(classify)?, names)
    } else {
        let names = chosen(&arguments.only, catalogue().iter().map(|figure| figure.name).collect())?;
        Source::Run(tables(&arguments.folder)?, names)
    };
    folder::check(&arguments.folder, &is_drawn_from)?;
    let out = arguments.out.clone().unwrap_or_else(|| arguments.folder.join("figures"));
    want_own(&arguments.folder, arguments.out.is_none(), &out)?;
    std::fs::create_dir_all(&out)
        .map_err(|reason| Failure::input(RecordError::Io { action: "create", path: out.clone(), reason }))?;
    atomic::check_writable(&out).map_err(Failure::input)?;
    let own = arguments.out.is_none();
    let lock = own.then(|| Lock::take(&arguments.folder)).transpose().map_err(Failure::input)?;
    let bar = super::progress::waiting(global, "drawing");
    let drawn = source.draw(&out).map_err(classify)?;
    bar.finish_and_clear();
    if let Some(lock) = lock {
        renew(&arguments.folder, &lock, &|name| name.starts_with("figures")).map_err(Failure::running)?;
        lock.release().map_err(Failure::running)?;
    }
    let text: String = drawn.iter().map(|d| format!("{}\n{}\n", d.svg.display(), d.png.display())).collect();
    let document: Vec<_> =
        drawn.iter().map(|d| json!({"name": d.name, "svg": d.svg, "png": d.png})).collect();
    output::conclude(global, &text, &json!({"figures": document}))
}

/// Tables of any kind of folder, and the names of the figures wanted.
enum Source {
    Run(Tables, Vec<&'static str>),
    Noise(noise::Tables, Vec<&'static str>),
    Branch(branch::Tables),
    Map(map::Tables),
    Gradient(gradient::Tables, Vec<&'static str>),
    Yields(yields::Tables, Vec<&'static str>),
    Robustness(robustness::Tables, Vec<&'static str>),
    Comparison(comparison::Tables, Vec<&'static str>),
}

impl Source {
    fn draw(&self, out: &Path) -> Result<Vec<Drawn>, FigureError> {
        match self {
            Self::Noise(tables, names) => noise::draw_all(out, tables, names),
            Self::Branch(tables) => branch::draw_into(out, tables).map(|drawn| vec![drawn]),
            Self::Map(tables) => map::draw_all(out, tables, &[]),
            Self::Gradient(tables, names) => gradient::draw_all(out, tables, names),
            Self::Yields(tables, names) => yields::draw_all(out, tables, names),
            Self::Robustness(tables, names) => robustness::draw_all(out, tables, names),
            Self::Comparison(tables, names) => comparison::draw_all(out, tables, names),
            Self::Run(tables, names) => {
                // What is asked for by name is drawn, if only to say that there is nothing.
                let all: Vec<_> = if names.len() == catalogue().len() {
                    drawn_from(tables).collect()
                } else {
                    catalogue().iter().collect()
                };
                let figures = all.into_iter().filter(|figure| names.contains(&figure.name));
                figures.map(|figure| draw_into(out, figure, tables)).collect()
            }
        }
    }
}

/// The names asked for, all that are known without any.
fn chosen(names: &[String], known: Vec<&'static str>) -> Result<Vec<&'static str>, Failure> {
    if names.is_empty() {
        return Ok(known);
    }
    let find = |name: &String| {
        known.iter().find(|figure| **figure == name).copied().ok_or_else(|| {
            let near = nearest(name, known.iter().copied());
            let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Failure::input(anyhow!("no figure is called `{name}`; there are {}{meant}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}
