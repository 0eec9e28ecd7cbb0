//! The output folder of `run`: what it holds, and its line in the registry of studies.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::figures::{FIGURES, Tables, report};
use crate::figure::{Drawn, draw_figures, want};
use crate::study::{Entry, Failure};

/// The registry line. An experiment file is its settings, and `run` its command.
pub const ENTRY: Entry = Entry {
    name: "train",
    typed: "run",
    below: None,
    single: true,
    described: true,
    asked: None,
    tables: super::tables,
    summary: Some("summary.json"),
    figures: || FIGURES.iter().map(|figure| figure.name).collect(),
    want: |from, names| {
        let figures = FIGURES.iter().map(|figure| (figure.name, figure.draw));
        want(figures, &tables(from)?, names).map_err(Failure::drawing)
    },
    draw,
    report: Some(write_report),
};

fn draw(from: &Path, to: &Path, names: &[&str]) -> Result<Vec<Drawn>, Failure> {
    draw_figures(FIGURES, to, &tables(from)?, names).map_err(Failure::drawing)
}

/// Writes the report of a folder and returns its path.
///
/// # Errors
/// A folder that is none of `run`; what cannot be drawn or written.
pub fn write_report(folder: &Path) -> Result<PathBuf, Failure> {
    report(folder, &tables(folder)?).map_err(Failure::drawing)
}

/// Files without which a folder is no output folder of `run`.
const TABLES: [&str; 4] = ["experiment.toml", "metrics.csv", "layers.csv", "summary.json"];

/// Whether a file of an output folder is one that runs are judged by.
#[must_use]
pub fn is_result(name: &Path) -> bool {
    !name.starts_with("figures") && name != "report.html"
}

/// Whether a file is one that figures and reports are drawn from.
#[must_use]
pub fn is_drawn_from(name: &Path) -> bool {
    is_result(name) && name.components().count() < 3 // weights after single epochs are for `compare`
}

/// Reads the tables of an output folder.
///
/// # Errors
/// A folder that is none, with what it lacks.
pub fn tables(folder: &Path) -> Result<Tables, Failure> {
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
