//! What can go wrong between an output folder and its figures.

use std::path::{Path, PathBuf};

use crate::record::RecordError;

/// Errors of reading tables, drawing figures and writing them.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// A file of the output folder cannot be read.
    #[error("cannot read {path}; a complete output folder of `dyadsim run` has it")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A number in a file that does not fit the rest of the folder.
    #[error("{path}: `{key}`: found {found}; accepted: {accepted}")]
    Unfit {
        /// The file.
        path: PathBuf,
        /// The key or column.
        key: String,
        /// What stands there.
        found: String,
        /// What would fit.
        accepted: String,
    },
    /// `summary.json` is not a summary.
    #[error("{path} is not a summary of runs: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        source: serde_json::Error,
    },
    /// `experiment.toml` is not TOML.
    #[error("{path} is not TOML: {source}")]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        source: Box<toml::de::Error>,
    },
    /// A weight file or table is missing, damaged, or of a type that nobody writes here.
    #[error(transparent)]
    Weights(#[from] RecordError),
    /// The embedded font does not load.
    #[error("the embedded font was refused by the plotting library")]
    Font,
    /// The plotting library refused to draw.
    #[error("drawing failed: {message}")]
    Draw {
        /// Its words.
        message: String,
    },
    /// A page of more panels than anybody reads, or a machine holds.
    #[error("the figure would have {panels} panels; accepted: at most {most}, so name fewer runs or groups")]
    Panels {
        /// Panels of the page.
        panels: usize,
        /// Most that are drawn.
        most: usize,
    },
    /// The tables hold nothing that the figure shows.
    #[error("there is nothing to draw: {why}")]
    Nothing {
        /// Why, a clause.
        why: String,
    },
    /// A figure that was asked for by its name, and has nothing to show.
    #[error("the figure `{name}` has nothing to show: {why}")]
    Empty {
        /// Its name.
        name: &'static str,
        /// Why, a clause.
        why: String,
    },
    /// A figure or the report cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The report's template failed.
    #[error("the report cannot be put together: {0}")]
    Template(#[from] minijinja::Error),
}

impl FigureError {
    /// The answer of a figure whose tables hold nothing that it shows.
    pub(crate) fn nothing(why: impl Into<String>) -> Self {
        Self::Nothing { why: why.into() }
    }
}

/// Refuses a number that does not fit the rest of the folder.
///
/// # Errors
/// [`FigureError::Unfit`] unless `well`.
pub(crate) fn fits(
    well: bool,
    path: &Path,
    key: &str,
    found: impl std::fmt::Debug,
    accepted: &str,
) -> Result<(), FigureError> {
    if well {
        return Ok(());
    }
    let (path, key) = (path.to_path_buf(), key.to_owned());
    Err(FigureError::Unfit { path, key, found: format!("{found:?}"), accepted: accepted.to_owned() })
}
