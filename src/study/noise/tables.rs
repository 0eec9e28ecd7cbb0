//! The folder of `noise`: tables, `noise.json` last of them, and the figures drawn from these.

use std::path::{Path, PathBuf};

use super::super::{Failure, folder};
use super::study::Study;
use crate::figure::noise;
use crate::record::json::write_json;
use crate::record::table::write_table;
use crate::record::{self, RecordError};

/// Tables, and the file that says that they are a study of noise.
const STEMS: [&str; 5] = ["noise", "noise_layers", "noise_causes", "noise_psd", "noise_angle"];
/// Settings and verdict.
const SUMMARY: &str = "noise.json";

/// Takes a folder, made if need be; tables of an earlier study are replaced if `force` says so.
///
/// # Errors
/// A folder that holds something else, or cannot be made or written to.
pub fn claim(folder: &Path, force: bool, inputs: &[PathBuf]) -> Result<record::study::Study, Failure> {
    folder::claim(folder, force, folder::tables("noise", "noise", &STEMS, SUMMARY), inputs)
}

/// Writes everything.
///
/// # Errors
/// A file that cannot be written.
pub fn write(to: record::study::Study, study: &Study) -> Result<(), Failure> {
    folder::fill_plainly(to, &study.tables.summary, |folder| write_into(folder, study)).map(|_| ())
}

fn write_into(folder: &Path, study: &Study) -> Result<(), Failure> {
    let written = || -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &study.tables.nodes)?;
        write_table(folder, STEMS[1], &study.tables.layers)?;
        write_table(folder, STEMS[2], &study.tables.causes)?;
        write_table(folder, STEMS[3], &study.tables.psd)?;
        write_table(folder, STEMS[4], &study.tables.angles)?;
        write_json(&folder.join(SUMMARY), &study.tables.summary)
    };
    written().map_err(Failure::running)?;
    let figures = folder.join("figures");
    let tables = noise::Tables::read(folder).map_err(Failure::running)?;
    noise::draw_all(&figures, &tables, &[]).map(|_| ()).map_err(Failure::running)
}
