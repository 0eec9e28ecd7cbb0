//! Checksums of the files of a complete folder, kept in its manifest: what later commands read is what was
//! written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::RecordError;
use super::aside::holds_ours;
use super::json::{Sealed, read_sealed, write_sealed};
use super::lock::Lock;
use super::manifest::{Manifest, Status, sha256};
use super::place::{is_folder, is_plain, list_names, want_file};
use super::seal::Seal;

/// Name of the manifest.
pub const MANIFEST: &str = "manifest.json";

/// SHA-256 by path, relative to the folder and with slashes.
pub type Files = BTreeMap<String, String>;

/// Checksums of the plain files below `root` that `wanted` picks; links are not followed.
///
/// # Errors
/// [`RecordError::Io`].
pub(super) fn list(root: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<Files, RecordError> {
    let mut files = Files::new();
    collect(root, Path::new(""), wanted, &mut files)?;
    Ok(files)
}

fn collect(
    root: &Path,
    below: &Path,
    wanted: &dyn Fn(&Path) -> bool,
    files: &mut Files,
) -> Result<(), RecordError> {
    for name in list_names(&root.join(below))? {
        let name = below.join(name);
        let path = root.join(&name);
        if is_folder(&path) && holds_ours(&name, wanted) {
            collect(root, &name, wanted, files)?;
        } else if is_plain(&path) && wanted(&name) {
            let bytes = fs::read(&path).map_err(RecordError::io("read", &path))?;
            files.insert(slashed(&name), sha256(&bytes));
        }
    }
    Ok(())
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// Reads the manifest of a folder.
///
/// # Errors
/// [`RecordError::Changed`] if it is not as it was written; [`RecordError::Document`], [`RecordError::Io`].
pub fn read_manifest(root: &Path) -> Result<Manifest, RecordError> {
    let path = root.join(MANIFEST);
    want_file(&path)?;
    let Sealed { document, seal }: Sealed<Manifest> = read_sealed(&path)?;
    match seal {
        Seal::Wrong => Err(RecordError::Changed { path }),
        Seal::Absent if !document.versions.is_empty() => Err(RecordError::Changed { path }),
        _ => Ok(document),
    }
}

/// Holds the files of a complete folder that `wanted` picks against its manifest; gives what is worth a word.
///
/// # Errors
/// [`RecordError::FilesChanged`] if one is not as it was written, [`RecordError::Unfinished`], and those of
/// [`read_manifest`]. A file that is gone, and a folder without checksums, are worth a word and no more.
pub fn verify(root: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<String>, RecordError> {
    let shown = root.display();
    if !root.join(MANIFEST).exists() {
        return Ok(vec![format!("{shown} has no manifest.json; its files are read as they are, unchecked")]);
    }
    let manifest = read_manifest(root)?;
    if manifest.status != Status::Complete {
        return Err(RecordError::Unfinished { path: root.to_path_buf() });
    }
    if manifest.files.is_empty() {
        let version = &manifest.version;
        let text = format!(
            "{shown} was written by version {version}, without checksums; its files are read unchecked"
        );
        return Ok(vec![text]);
    }
    let Difference { changed, missing } = difference(root, &manifest.files, wanted);
    if !changed.is_empty() {
        return Err(RecordError::FilesChanged { path: root.to_path_buf(), files: some(&changed) });
    }
    let missing = Some(missing).filter(|missing| !missing.is_empty());
    Ok(missing
        .map(|missing| format!("{shown} lacks files that it was written with: {}", some(&missing)))
        .into_iter()
        .collect())
}

/// Enters files that were written again, such as figures, in the manifest of a complete folder, if it has
/// one.
///
/// # Errors
/// Those of [`read_manifest`]; [`RecordError::Io`].
pub fn renew(root: &Path, _lock: &Lock, wanted: &dyn Fn(&Path) -> bool) -> Result<(), RecordError> {
    if !root.join(MANIFEST).exists() {
        return Ok(());
    }
    let mut manifest = read_manifest(root)?;
    let before = manifest.files.clone();
    if before.is_empty() {
        return Ok(());
    }
    // What is gone is not asked for any more: a figure that has nothing to show is taken away.
    manifest.files.retain(|name, _| !wanted(Path::new(name)));
    manifest.files.extend(list(root, wanted)?);
    if manifest.files == before {
        return Ok(());
    }
    write_sealed(&root.join(MANIFEST), &manifest)
}

/// How the files of a folder differ from what the manifest says.
pub(super) struct Difference {
    pub changed: Vec<String>,
    pub missing: Vec<String>,
}

pub(super) fn difference(root: &Path, files: &Files, wanted: &dyn Fn(&Path) -> bool) -> Difference {
    let mut found = Difference { changed: Vec::new(), missing: Vec::new() };
    for (name, sum) in files.iter().filter(|(name, _)| wanted(Path::new(name))) {
        let path = root.join(name);
        match fs::symlink_metadata(&path) {
            Err(_) => found.missing.push(name.clone()),
            Ok(about) if !about.is_file() => found.changed.push(name.clone()),
            Ok(_) if fs::read(&path).is_ok_and(|bytes| sha256(&bytes) == *sum) => {}
            Ok(_) => found.changed.push(name.clone()),
        }
    }
    found
}

/// A few names in words.
pub(super) fn some(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
