//! `dyadsim plot`: the figures of an output folder again, from its tables.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::progress::Terminal;
use super::report::want_own;
use super::{Failure, Global, folder, output};
use crate::figure::forget;
use crate::record::ledger::renew;
use crate::record::lock::Lock;
use crate::record::study::Study;
use crate::record::{RecordError, atomic};
use crate::study::of_folder;
use crate::study::train::folder::{ENTRY, is_drawn_from};
use dyadsim_core::spec::nearest;

/// Arguments of `plot`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dyadsim plot results/two-tales-digits --only accuracy --out figures")]
pub struct Arguments {
    /// Output folder of `run` or of a question
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
    global.reject_settings("plot")?;
    Study::recover(&arguments.folder).map_err(Failure::input)?;
    // A folder that is of no study is told what it lacks of runs.
    let study = of_folder(&arguments.folder).unwrap_or(&ENTRY);
    let known = (study.figures)();
    let names = chosen(&arguments.only, &known)?;
    (study.want)(&arguments.folder, &names)?;
    folder::check(&arguments.folder, &is_drawn_from, &Terminal::new(global))?;
    let out = arguments.out.clone().unwrap_or_else(|| arguments.folder.join("figures"));
    want_own(&arguments.folder, arguments.out.is_none(), &out)?;
    std::fs::create_dir_all(&out)
        .map_err(|reason| Failure::input(RecordError::Io { action: "create", path: out.clone(), reason }))?;
    atomic::check_writable(&out).map_err(Failure::input)?;
    let own = arguments.out.is_none();
    let lock = own.then(|| Lock::take(&arguments.folder)).transpose().map_err(Failure::input)?;
    let bar = super::progress::waiting(global, "drawing");
    let drawn = (study.draw)(&arguments.folder, &out, &names)?;
    bar.finish_and_clear();
    if own && names.is_empty() {
        forget(&out, known.into_iter(), &drawn).map_err(Failure::drawing)?;
    }
    if let Some(lock) = lock {
        renew(&arguments.folder, &lock, &|name| name.starts_with("figures")).map_err(Failure::running)?;
        lock.release().map_err(Failure::running)?;
    }
    let text: String = drawn.iter().map(|d| format!("{}\n{}\n", d.svg.display(), d.png.display())).collect();
    let document: Vec<_> =
        drawn.iter().map(|d| json!({"name": d.name, "svg": d.svg, "png": d.png})).collect();
    output::finish(global, &text, &json!({"figures": document}))
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
