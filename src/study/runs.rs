//! The output folder of `run` as the subject of a question: its runs, their plans and their data.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::train::figures::Tables;
use super::{Failure, Observer, folder};
use crate::data::{Dataset, Request, load};
use crate::spec::load_experiment;
use crate::study::train::{RunPlan, replan};

/// Files without which a folder is no output folder of `run`.
const TABLES: [&str; 4] = ["experiment.toml", "metrics.csv", "layers.csv", "summary.json"];

/// What `run` has left.
pub struct Runs {
    /// The folder.
    pub folder: PathBuf,
    /// Its tables.
    pub tables: Tables,
    /// The runs.
    pub plans: Vec<RunPlan>,
}

impl Runs {
    /// Reads a folder, whose results must be as they were written.
    ///
    /// # Errors
    /// A folder that is none, is not complete, or is damaged.
    pub fn read(path: &Path, watch: &dyn Observer) -> Result<Self, Failure> {
        let found = tables(path)?;
        folder::check(path, &is_result, watch)?;
        let loaded = load_experiment(&path.join("experiment.toml"), &[]).map_err(Failure::input)?;
        let plans = replan(&loaded).map_err(Failure::input)?;
        Ok(Self { folder: path.to_path_buf(), tables: found, plans })
    }

    /// Their data.
    ///
    /// # Errors
    /// Data that are not there; no run.
    pub fn dataset(&self) -> Result<Dataset, Failure> {
        let first = self.plans.first();
        let none = || Failure::input(anyhow!("{}: no runs", self.folder.display()));
        let experiment = &first.ok_or_else(none)?.resolved.experiment;
        load(&Request::from(&experiment.dataset)).map_err(Failure::input)
    }
}

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
