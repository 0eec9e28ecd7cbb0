//! `dyadsim report`: the report of an output folder again, from its tables.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::progress::Terminal;
use super::{Failure, Global, folder, output};
use crate::figure::{self, FigureError, Tables};
use crate::record::atomic;
use crate::record::ledger::renew;
use crate::record::lock::Lock;
use crate::record::place::want_folder;

/// Files without which a folder is no output folder of `run`.
const TABLES: [&str; 4] = ["experiment.toml", "metrics.csv", "layers.csv", "summary.json"];

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dyadsim report results/two-tales-digits")]
pub struct Arguments {
    /// Output folder of `run`
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Carries the command out.
///
/// # Errors
/// No output folder, or a file that cannot be written.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.want_plain("report")?;
    let tables = tables(&arguments.folder)?;
    folder::check(&arguments.folder, &is_drawn_from, &Terminal::new(global))?;
    atomic::check_writable(&arguments.folder).map_err(Failure::input)?;
    let lock = Lock::take(&arguments.folder).map_err(Failure::input)?;
    let bar = super::progress::waiting(global, "drawing");
    let path = figure::report(&arguments.folder, &tables).map_err(classify)?;
    bar.finish_and_clear();
    renew(&arguments.folder, &lock, &|name| name == "report.html").map_err(Failure::running)?;
    lock.release().map_err(Failure::running)?;
    output::conclude(global, &format!("{}\n", path.display()), &json!({"report": path}))
}

/// Whether a file of an output folder is one that runs are judged by.
pub(super) fn is_result(name: &Path) -> bool {
    !name.starts_with("figures") && name != "report.html"
}

/// Whether a file is one that figures and reports are drawn from.
pub(super) fn is_drawn_from(name: &Path) -> bool {
    is_result(name) && name.components().count() < 3 // weights after single epochs are for `compare`
}

/// Refuses a folder inside an output folder that is a link, unless it was asked for by name.
///
/// # Errors
/// A link, or something that is no folder.
pub(super) fn want_own(folder: &Path, is_default: bool, inside: &Path) -> Result<(), Failure> {
    if is_default && inside.starts_with(folder) {
        want_folder(inside).map_err(Failure::input)
    } else {
        Ok(())
    }
}

/// Reads the tables of an output folder.
///
/// # Errors
/// A folder that is none, with what it lacks.
pub(super) fn tables(folder: &Path) -> Result<Tables, Failure> {
    let lacks: Vec<&str> = TABLES.into_iter().filter(|name| !folder.join(name).is_file()).collect();
    if lacks.is_empty() {
        return Tables::read(folder).map_err(Failure::input);
    }
    let shown = folder.display();
    Err(Failure::input(if !folder.is_dir() {
        anyhow!("{shown} is no folder; wanted is an output folder of `dyadsim run`")
    } else if folder.join("checkpoints").is_dir() {
        anyhow!(
            "{shown} is not complete (no {}); finish it with `dyadsim run … --resume`",
            lacks.join(", no ")
        )
    } else {
        anyhow!("{shown} is no output folder of `dyadsim run`: it has no {}", lacks.join(", no "))
    }))
}

/// What a file holds is bad input, the rest is a failure while drawing.
pub(super) fn classify(error: FigureError) -> Failure {
    match error {
        FigureError::Font
        | FigureError::Draw { .. }
        | FigureError::Write { .. }
        | FigureError::Template(_) => Failure::running(error),
        _ => Failure::input(error),
    }
}
