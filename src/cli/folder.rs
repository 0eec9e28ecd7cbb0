//! The output folder of a study: made, or taken over if it holds nothing but an earlier study of that kind.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::Failure;
use crate::record::{RecordError, atomic};

/// Takes a folder for `what`, made if need be; its tables have the file stems `stems`, settings stand in the file `summary`.
/// Tables of an earlier study are replaced if `force` says so.
///
/// # Errors
/// A folder that holds something else, or cannot be made or written to.
pub fn claim(
    folder: &Path,
    force: bool,
    what: &str,
    stems: &[&str],
    summary: &str,
) -> Result<PathBuf, Failure> {
    let shown = folder.display();
    let refused =
        |action| move |reason| Failure::input(RecordError::Io { action, path: folder.to_path_buf(), reason });
    if folder.exists() {
        let names =
            fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(refused("use"))?;
        let ours = |name: &str| {
            name == "figures"
                || name == summary
                || Path::new(name).file_stem().is_some_and(|s| stems.iter().any(|stem| s == *stem))
        };
        let others = names.iter().any(|entry| {
            let name = entry.file_name();
            !ours(&name.to_string_lossy()) && !atomic::is_temporary(Path::new(&name))
        });
        if others {
            return Err(Failure::input(anyhow!(
                "{shown} exists and holds other files than tables of {what}; choose another --out"
            )));
        }
        if !names.is_empty() && !force {
            return Err(Failure::input(anyhow!("{shown} exists; --force replaces its tables of {what}")));
        }
    }
    fs::create_dir_all(folder).map_err(refused("create"))?;
    atomic::check_writable(folder).map_err(Failure::input)?;
    Ok(folder.to_path_buf())
}
