//! `dyadsim plot`: the figures of an output folder again, from its tables.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::report::{classify, tables};
use super::{Failure, Global, output};
use crate::figure::{Drawn, Figure, catalogue, draw_into};
use crate::record::{RecordError, atomic};
use crate::spec::nearest;

/// Arguments of `plot`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dyadsim plot results/two-tales-digits --only accuracy --out figures")]
pub struct Arguments {
    /// Output folder of `run`
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
    let figures = chosen(&arguments.only)?;
    let tables = tables(&arguments.folder)?;
    let out = arguments.out.clone().unwrap_or_else(|| arguments.folder.join("figures"));
    std::fs::create_dir_all(&out)
        .map_err(|reason| Failure::input(RecordError::Io { action: "create", path: out.clone(), reason }))?;
    atomic::check_writable(&out).map_err(Failure::input)?;
    let drawn = figures.into_iter().map(|figure| draw_into(&out, figure, &tables).map_err(classify));
    let drawn = drawn.collect::<Result<Vec<Drawn>, _>>()?;
    let text: String = drawn.iter().map(|d| format!("{}\n{}\n", d.svg.display(), d.png.display())).collect();
    let document: Vec<_> =
        drawn.iter().map(|d| json!({"name": d.name, "svg": d.svg, "png": d.png})).collect();
    output::conclude(global, &text, &json!({"figures": document}))
}

/// The figures of these names, all without any.
fn chosen(names: &[String]) -> Result<Vec<&'static Figure>, Failure> {
    if names.is_empty() {
        return Ok(catalogue().iter().collect());
    }
    let known: Vec<&str> = catalogue().iter().map(|figure| figure.name).collect();
    let find = |name: &String| {
        catalogue().iter().find(|figure| figure.name == name).ok_or_else(|| {
            let near = nearest(name, known.iter().copied());
            let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Failure::input(anyhow!("no figure is called `{name}`; there are {}{meant}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}
