//! The output folder of a study: the tables that commands write together, and their check before they are read.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::output::note;
use super::{Failure, inputs::Files};
use crate::record::RecordError;
use crate::record::ledger::verify;
use crate::record::study::{Kind, Study};

/// A kind of study with tables in CSV and Parquet, and its settings in `summary`.
pub const fn tables(
    command: &'static str,
    what: &'static str,
    stems: &'static [&'static str],
    summary: &'static str,
) -> Kind {
    Kind { command, what, stems, endings: &["csv", "parquet"], summary: Some(summary) }
}

/// Takes a folder for a study that reads `inputs`.
///
/// # Errors
/// A folder that holds something else, or an input that would be replaced, or cannot be made or written to; bad input.
pub fn claim(folder: &Path, force: bool, kind: Kind, inputs: &[PathBuf]) -> Result<Study, Failure> {
    Study::claim(folder, force, kind, inputs).map_err(Failure::input)
}

/// Makes the files of a study and puts them in their place together.
///
/// # Errors
/// Files that cannot be written; the folder then holds what it held before.
pub fn fill(
    study: Study,
    settings: &impl Serialize,
    make: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<PathBuf, Failure> {
    let root = study.root().to_path_buf();
    make(&study.path())?;
    let settings = serde_json::to_string(settings).map_err(Failure::running)?;
    study.finish(&settings).map_err(|error: RecordError| Failure::running(error))?;
    Ok(root)
}

/// Refuses a folder of which a file that `wanted` picks is not as it was written; tells what cannot be checked.
///
/// # Errors
/// Damaged files; a folder that is not complete.
pub fn check(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<(), Failure> {
    for remark in verify(folder, wanted).map_err(Failure::input)? {
        note(&format_args!("warning: {remark}"));
    }
    Ok(())
}

impl Files {
    /// The files themselves.
    pub fn paths(&self) -> Vec<PathBuf> {
        let all = [Some(&self.circuit), Some(&self.weights), Some(&self.input), self.target.as_ref()];
        all.into_iter().flatten().cloned().collect()
    }
}
