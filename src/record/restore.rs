//! A complete folder that lost files: what can be made again, to the byte, from the files that are left.
//!
//! A CSV table is made from its Parquet twin, the weights at the end from the last snapshot and the other way
//! round. What bites: nothing is believed but the checksum of the manifest: bytes that do not have it are not
//! written.

use std::fs;
use std::path::{Path, PathBuf};

use super::folder::{last_weights, snapshot};
use super::ledger::{Files, difference, read_manifest};
use super::lock::Lock;
use super::manifest::{Status, sha256};
use super::place::list_names;
use super::{RecordError, atomic, parquet};

/// Files that a complete folder lost, and its lock until all is done.
#[derive(Debug)]
pub struct Lost {
    root: PathBuf,
    files: Files,
    lock: Lock,
    /// Names of the files that are gone.
    pub missing: Vec<String>,
}

impl Lost {
    /// What is gone from the folder `root`, if it is a complete one of these settings.
    ///
    /// # Errors
    /// [`RecordError::FolderBusy`], [`RecordError::Io`].
    pub fn of(root: &Path, settings_sha256: &str) -> Result<Option<Self>, RecordError> {
        let Ok(manifest) = read_manifest(root) else { return Ok(None) };
        if manifest.status != Status::Complete || manifest.settings_sha256 != settings_sha256 {
            return Ok(None);
        }
        let missing = difference(root, &manifest.files, &|_| true).missing;
        if missing.is_empty() {
            return Ok(None);
        }
        let (root, lock) = (root.to_path_buf(), Lock::take(root)?);
        Ok(Some(Self { root, files: manifest.files, lock, missing }))
    }

    /// Makes again what twins hold, and the experiment's `text`.
    ///
    /// # Errors
    /// [`RecordError::Io`] if a file cannot be written.
    pub fn from_twins(&mut self, text: &str) -> Result<Vec<String>, RecordError> {
        let root = self.root.clone();
        self.make(&|name| match name {
            "experiment.toml" => Some(text.as_bytes().to_vec()),
            _ => twin(&root, name),
        })
    }

    /// Writes the missing files that `made` has the right bytes of; gives their names, and forgets them as
    /// missing.
    ///
    /// # Errors
    /// [`RecordError::Io`] if a file cannot be written.
    pub fn make(&mut self, made: &dyn Fn(&str) -> Option<Vec<u8>>) -> Result<Vec<String>, RecordError> {
        let mut done = Vec::new();
        for name in &self.missing {
            let Some(bytes) = made(name).filter(|bytes| self.files.get(name) == Some(&sha256(bytes))) else {
                continue;
            };
            let path = self.root.join(name);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(RecordError::io("create", folder))?;
            }
            atomic::write(&path, &bytes)?;
            done.push(name.clone());
        }
        self.missing.retain(|name| !done.contains(name));
        Ok(done)
    }

    /// Lets go of the folder.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn release(self) -> Result<(), RecordError> {
        self.lock.release()
    }
}

/// The bytes of a file as the file that holds the same says.
fn twin(root: &Path, name: &str) -> Option<Vec<u8>> {
    let path = root.join(name);
    match path.extension()?.to_str()? {
        "csv" => parquet::decode(&path.with_extension("parquet")),
        "safetensors" => weights(root, name),
        _ => None,
    }
}

/// Weights at the end of a run, which snapshots have once more under the last epoch; which one that is the
/// checksum tells.
fn weights(root: &Path, name: &str) -> Option<Vec<u8>> {
    let inside = name.strip_prefix("weights/")?.strip_suffix(".safetensors")?;
    if let Some((run, _)) = inside.rsplit_once("/epoch-") {
        return fs::read(last_weights(root, run)).ok();
    }
    let names = list_names(&root.join("weights").join(inside)).ok()?;
    let epoch = |name: &std::ffi::OsString| {
        name.to_str()?.strip_prefix("epoch-")?.strip_suffix(".safetensors")?.parse::<usize>().ok()
    };
    let last = names.iter().filter_map(epoch).max()?;
    fs::read(snapshot(root, inside, last)).ok()
}
