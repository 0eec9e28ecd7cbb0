//! The output folder of `run` as the subject of a question: its runs, their plans and their data.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::train::figures::Tables;
use super::train::folder::{is_result, tables};
use super::train::{RunPlan, replan};
use super::{Failure, Observer, folder};
use dyadsim_core::data::{Dataset, Request, load};
use dyadsim_core::spec::load_experiment;

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
