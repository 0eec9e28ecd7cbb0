//! The folder of `noise`: tables, `noise.json` last of them, and the figures drawn from these.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::super::Failure;
use super::study::Study;
use crate::figure::noise;
use crate::record::json::write_json;
use crate::record::table::write_table;
use crate::record::{RecordError, atomic};

/// Tables, and the file that says that they are a study of noise.
const STEMS: [&str; 5] = ["noise", "noise_layers", "noise_causes", "noise_psd", "noise_angle"];
/// Settings and verdict.
const SUMMARY: &str = "noise.json";

/// Takes a folder, made if need be; tables of an earlier study are replaced if `force` says so.
///
/// # Errors
/// A folder that holds something else, or cannot be made or written to.
pub fn claim(folder: &Path, force: bool) -> Result<PathBuf, Failure> {
    let shown = folder.display();
    let refused =
        |action| move |reason| Failure::input(RecordError::Io { action, path: folder.to_path_buf(), reason });
    if folder.exists() {
        let names =
            fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(refused("use"))?;
        let ours = |name: &str| {
            name == "figures"
                || name == SUMMARY
                || Path::new(name).file_stem().is_some_and(|s| STEMS.iter().any(|stem| s == *stem))
        };
        let others = names.iter().any(|entry| {
            let name = entry.file_name();
            !ours(&name.to_string_lossy()) && !atomic::is_temporary(Path::new(&name))
        });
        if others {
            return Err(Failure::input(anyhow!(
                "{shown} exists and holds other files than tables of noise; choose another --out"
            )));
        }
        if !names.is_empty() && !force {
            return Err(Failure::input(anyhow!("{shown} exists; --force replaces its tables of noise")));
        }
    }
    fs::create_dir_all(folder).map_err(refused("create"))?;
    atomic::check_writable(folder).map_err(Failure::input)?;
    Ok(folder.to_path_buf())
}

/// Writes everything.
///
/// # Errors
/// A file that cannot be written.
pub fn write(folder: &Path, study: &Study) -> Result<(), Failure> {
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
