//! `dyadsim plot`: the figures of an output folder again, from its tables.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::progress::Terminal;
use super::report::{classify, want_own};
use super::{Failure, Global, folder, output};
use crate::figure::{Drawn, FigureError, Tables, catalogue, draw_into, forget, want};
use crate::record::ledger::renew;
use crate::record::lock::Lock;
use crate::record::study::Study;
use crate::record::{RecordError, atomic};
use crate::spec::nearest;
use crate::study::runs::{is_drawn_from, tables};
use crate::study::{Entry, of_folder};

/// Arguments of `plot`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dyadsim plot results/two-tales-digits --only accuracy --out figures")]
pub struct Arguments {
    /// Output folder of `run`, `noise`, `gradient`, `yield`, `robustness`, `compare`, `stability --follow` or
    /// `stability --map`
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Draw this figure alone (repeatable); status 2 and the reason if it has nothing to show
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
    let known = known(&arguments.folder);
    let names = chosen(&arguments.only, &known)?;
    let source = Source::read(&arguments.folder)?;
    source.want(&names).map_err(classify)?;
    folder::check(&arguments.folder, &is_drawn_from, &Terminal::new(global))?;
    let out = arguments.out.clone().unwrap_or_else(|| arguments.folder.join("figures"));
    want_own(&arguments.folder, arguments.out.is_none(), &out)?;
    std::fs::create_dir_all(&out)
        .map_err(|reason| Failure::input(RecordError::Io { action: "create", path: out.clone(), reason }))?;
    atomic::check_writable(&out).map_err(Failure::input)?;
    let own = arguments.out.is_none();
    let lock = own.then(|| Lock::take(&arguments.folder)).transpose().map_err(Failure::input)?;
    let bar = super::progress::waiting(global, "drawing");
    let drawn = source.draw(&out, &names).map_err(classify)?;
    bar.finish_and_clear();
    if own && names.is_empty() {
        forget(&out, known.into_iter(), &drawn).map_err(classify)?;
    }
    if let Some(lock) = lock {
        renew(&arguments.folder, &lock, &|name| name.starts_with("figures")).map_err(Failure::running)?;
        lock.release().map_err(Failure::running)?;
    }
    let text: String = drawn.iter().map(|d| format!("{}\n{}\n", d.svg.display(), d.png.display())).collect();
    let document: Vec<_> =
        drawn.iter().map(|d| json!({"name": d.name, "svg": d.svg, "png": d.png})).collect();
    output::conclude(global, &text, &json!({"figures": document}))
}

/// Names of the figures of a folder of any kind.
fn known(folder: &Path) -> Vec<&'static str> {
    match of_folder(folder) {
        Some(study) => (study.figures)(),
        None => catalogue().iter().map(|figure| figure.name).collect(),
    }
}

/// Tables of any kind of folder.
enum Source {
    Run(Box<Tables>),
    Study(&'static Entry, PathBuf),
}

impl Source {
    fn read(folder: &Path) -> Result<Self, Failure> {
        let Some(study) = of_folder(folder) else {
            return tables(folder).map(|tables| Self::Run(Box::new(tables)));
        };
        (study.want)(folder, &[]).map_err(classify)?;
        Ok(Self::Study(study, folder.to_path_buf()))
    }

    /// Whether the figures of these names have something to show.
    fn want(&self, names: &[&str]) -> Result<(), FigureError> {
        match self {
            Self::Study(study, folder) => (study.want)(folder, names),
            Self::Run(tables) => want(catalogue().iter().map(|f| (f.name, f.draw)), tables, names),
        }
    }

    /// Draws the figures of these names, without any all that have something to show.
    fn draw(&self, out: &Path, names: &[&str]) -> Result<Vec<Drawn>, FigureError> {
        match self {
            Self::Study(study, folder) => (study.draw)(folder, out, names),
            Self::Run(tables) => draw_into(out, tables, names),
        }
    }
}

/// The names asked for, as figures are called.
fn chosen(names: &[String], known: &[&'static str]) -> Result<Vec<&'static str>, Failure> {
    let find = |name: &String| {
        known.iter().find(|figure| **figure == name).copied().ok_or_else(|| {
            let near = nearest(name, known.iter().copied());
            let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Failure::input(anyhow!("no figure is called `{name}`; there are {}{meant}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}
