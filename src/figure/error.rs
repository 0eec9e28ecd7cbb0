//! What can go wrong between an output folder and its figures.

use std::path::PathBuf;

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
    /// A table has a row that is not one.
    #[error("table {path} has a malformed row: {source}")]
    Csv {
        /// The table.
        path: PathBuf,
        /// Which row, and why.
        source: csv::Error,
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
