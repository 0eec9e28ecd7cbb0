//! The output folder of a study: the tables that commands write together, and their check before they are
//! read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Failure, Observer};
use crate::record::RecordError;
use crate::record::ledger::{MANIFEST, verify};
use crate::record::manifest::sha256_of;
use crate::record::study::{Kind, Study};

/// A kind of study with tables in CSV and Parquet, and its settings in `summary`.
#[must_use]
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
/// A folder that holds something else, or an input that would be replaced, or cannot be made or written to;
/// bad input.
pub fn claim(folder: &Path, force: bool, kind: Kind, inputs: &[PathBuf]) -> Result<Study, Failure> {
    Study::claim(folder, force, kind, inputs).map_err(Failure::input)
}

/// Checksums of files, by their names, for the manifest: of a folder that of its own manifest, which has
/// those of its files. Files of one name in several folders are numbered; what cannot be read (a built-in
/// name) has none.
#[must_use]
pub fn hashes(files: &[PathBuf]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for path in files {
        let (file, below) = if path.is_dir() { (path.join(MANIFEST), true) } else { (path.clone(), false) };
        let (Some(name), Ok(hash)) = (path.file_name(), sha256_of(&file)) else { continue };
        let name = name.to_string_lossy().into_owned() + if below { "/manifest.json" } else { "" };
        let numbered = (2..).map(|n| format!("{name} ({n})"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !all.contains_key(name));
        all.extend(free.map(|name| (name, hash)));
    }
    all
}

/// Makes the files of a study and puts them in their place together; `settings` says what was asked, `inputs`
/// of what files.
///
/// # Errors
/// Files that cannot be written; the folder then holds what it held before.
pub fn fill(
    study: Study,
    settings: &str,
    inputs: BTreeMap<String, String>,
    make: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<PathBuf, Failure> {
    let root = study.root().to_path_buf();
    make(&study.path())?;
    study.finish_from(settings, inputs).map_err(|error: RecordError| Failure::running(error))?;
    Ok(root)
}

/// Refuses a folder of which a file that `wanted` picks is not as it was written; tells what cannot be
/// checked.
///
/// # Errors
/// Damaged files; a folder that is not complete.
pub fn check(folder: &Path, wanted: &dyn Fn(&Path) -> bool, watch: &dyn Observer) -> Result<(), Failure> {
    for remark in verify(folder, wanted).map_err(Failure::input)? {
        watch.warn(&remark);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_has_its_hash_whatever_it_is_called() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for (folder, file, text) in [("a", "w", "one"), ("b", "w", "two"), ("runs", MANIFEST, "three")] {
            std::fs::create_dir(at(folder)).unwrap();
            std::fs::write(at(folder).join(file), text).unwrap();
        }
        let found = hashes(&[at("a/w"), at("b/w"), at("runs"), PathBuf::from("ideal")]);
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["runs/manifest.json", "w", "w (2)"]);
        let hash = |text: &str| crate::record::manifest::sha256(text.as_bytes());
        assert_eq!(found.values().cloned().collect::<Vec<_>>(), [hash("three"), hash("one"), hash("two")]);
    }
}
