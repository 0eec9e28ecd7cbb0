//! `dyadsim report`: the report of an output folder again, from its tables.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::progress::Terminal;
use super::{Failure, Global, folder, output};
use crate::record::atomic;
use crate::record::ledger::renew;
use crate::record::lock::Lock;
use crate::record::place::want_folder;
use crate::study::of_folder;
use crate::study::train::folder::{ENTRY, is_drawn_from, write_report};

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
    global.reject_settings("report")?;
    let found = of_folder(&arguments.folder).and_then(|study| Some((study, study.report?)));
    // A folder that has no report is told what it lacks of runs.
    let (study, report) = found.unwrap_or((&ENTRY, write_report));
    (study.want)(&arguments.folder, &[])?;
    folder::check(&arguments.folder, &is_drawn_from, &Terminal::new(global))?;
    atomic::check_writable(&arguments.folder).map_err(Failure::input)?;
    let lock = Lock::take(&arguments.folder).map_err(Failure::input)?;
    let bar = super::progress::waiting(global, "drawing");
    let path = report(&arguments.folder)?;
    bar.finish_and_clear();
    renew(&arguments.folder, &lock, &|name| name == "report.html").map_err(Failure::running)?;
    lock.release().map_err(Failure::running)?;
    output::finish(global, &format!("{}\n", path.display()), &json!({"report": path}))
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
