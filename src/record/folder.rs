//! The life of an output folder: begun, gone on with, replaced, complete.
//!
//! `checkpoints/settings.json` is the first file written and says which settings the folder belongs
//! to; a complete `manifest.json` is the last. In between `.lock` keeps a second process out; the lock
//! is the operating system's and dies with the process, the file alone means nothing. What bites: a
//! folder is only ever emptied if one of the two files says that it is ours; an `experiment.toml`
//! does not, since people write those themselves.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::json::{read_json, write_json};
use super::manifest::{Manifest, Status};
use super::{RecordError, atomic};

const LOCK: &str = ".lock";
const MANIFEST: &str = "manifest.json";
const CHECKPOINTS: &str = "checkpoints";
const SETTINGS: &str = "settings.json";
const WEIGHTS: &str = "weights";
const FIGURES: &str = "figures";

/// What to do with a folder that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: it is an error unless the folder is empty.
    New,
    /// Go on with it (`--resume`).
    Resume,
    /// Replace it (`--force`).
    Force,
}

/// How a folder was found.
#[derive(Debug)]
pub enum Opening {
    /// Empty or emptied: everything is to do.
    Fresh(Folder),
    /// Begun with the same settings: finished work and checkpoints are there.
    Partial(Folder),
    /// Complete with the same settings: nothing is to do, nothing was changed.
    Complete,
}

/// An output folder that belongs to this process until dropped.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Held, never read: the lock goes when the file is closed.
    _lock: File,
}

/// The fields of `settings.json` and `manifest.json` by which a folder is known as ours.
#[derive(Serialize, Deserialize)]
struct Mark {
    settings_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

/// What a folder holds.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Empty,
    Foreign,
    Partial { settings: String },
    Complete { settings: String },
}

/// What is to be done with it.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Start,
    Replace,
    Continue,
    Nothing,
}

impl Folder {
    /// Opens the output folder `root` for settings of this hash, making it (and those above) if need be.
    ///
    /// `settings_sha256` covers all that decides the results, thus not the thread count. Temporary files
    /// of a killed process are removed.
    ///
    /// # Errors
    /// [`RecordError::FolderExists`], [`RecordError::FolderForeign`], [`RecordError::OtherSettings`] (also
    /// for a complete folder), [`RecordError::FolderBusy`]; [`RecordError::Io`] if it cannot be written to.
    pub fn open(root: &Path, mode: Mode, settings_sha256: &str) -> Result<Opening, RecordError> {
        let step = decide(root, mode, settings_sha256)?;
        if step == Step::Nothing && !root.join(CHECKPOINTS).exists() {
            return Ok(Opening::Complete);
        }
        fs::create_dir_all(root).map_err(RecordError::io("create", root))?;
        let folder = Self { root: root.to_path_buf(), _lock: lock(root)? };
        // Asked again, since another process may have worked here before the lock was ours.
        match decide(root, mode, settings_sha256)? {
            Step::Start => folder.start(settings_sha256),
            Step::Replace => folder.empty().and_then(|folder| folder.start(settings_sha256)),
            Step::Continue => folder.go_on(),
            Step::Nothing => folder.clear_away().map(|()| Opening::Complete), // killed while finishing
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Where the checkpoint of a run is or will be, `checkpoints/RUN.ckpt`.
    #[must_use]
    pub fn checkpoint(&self, run: &str) -> PathBuf {
        self.root.join(CHECKPOINTS).join(format!("{run}.ckpt"))
    }

    /// Where the weights of a run are or will be, `weights/RUN.safetensors`.
    #[must_use]
    pub fn weights(&self, run: &str) -> PathBuf {
        last_weights(&self.root, run)
    }

    /// Where the weights of a run after so many epochs are or will be, `weights/RUN/epoch-K.safetensors`.
    #[must_use]
    pub fn epoch_weights(&self, run: &str, epoch: usize) -> PathBuf {
        snapshot(&self.root, run, epoch)
    }

    /// Makes the folder of [`Self::epoch_weights`], free of temporary files of a killed process.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn keep_epochs(&self, run: &str) -> Result<(), RecordError> {
        make(&self.root.join(WEIGHTS).join(run))
    }

    /// The folder of the figures.
    #[must_use]
    pub fn figures(&self) -> PathBuf {
        self.root.join(FIGURES)
    }

    /// Writes `manifest.json` as it stands, for work that goes on.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<(), RecordError> {
        write_json(&self.root.join(MANIFEST), manifest)
    }

    /// Writes `manifest.json` as complete, the last of all files, and removes the checkpoints.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn finish(self, mut manifest: Manifest) -> Result<(), RecordError> {
        manifest.complete();
        self.write_manifest(&manifest)?;
        self.clear_away()
    }

    /// Makes the subfolders, and marks the folder as ours before any other file.
    fn start(self, settings: &str) -> Result<Opening, RecordError> {
        self.mark(settings)?;
        self.prepare()?;
        Ok(Opening::Fresh(self))
    }

    fn go_on(self) -> Result<Opening, RecordError> {
        self.prepare()?;
        if !self.root.join(CHECKPOINTS).join(SETTINGS).exists() {
            // Somebody deleted the checkpoints: the manifest has agreed to the settings.
            let mark: Mark = read_json(&self.root.join(MANIFEST))?;
            self.mark(&mark.settings_sha256)?;
        }
        Ok(Opening::Partial(self))
    }

    fn prepare(&self) -> Result<(), RecordError> {
        atomic::sweep(&self.root)?;
        for name in [CHECKPOINTS, WEIGHTS, FIGURES] {
            make(&self.root.join(name))?;
        }
        Ok(())
    }

    fn mark(&self, settings: &str) -> Result<(), RecordError> {
        let path = self.root.join(CHECKPOINTS);
        fs::create_dir_all(&path).map_err(RecordError::io("create", &path))?;
        write_json(&path.join(SETTINGS), &Mark { settings_sha256: settings.to_owned(), status: None })
    }

    /// Removes everything but the lock and a mark that fits no settings: killed half-way, the folder
    /// is still ours to replace, but can be neither resumed nor taken for complete.
    fn empty(self) -> Result<Self, RecordError> {
        self.mark("")?;
        remove(&self.root.join(MANIFEST))?;
        remove_all_but(&self.root, &[LOCK, CHECKPOINTS])?;
        remove_all_but(&self.root.join(CHECKPOINTS), &[SETTINGS])?;
        Ok(self)
    }

    /// Removes what a complete folder does not need.
    fn clear_away(self) -> Result<(), RecordError> {
        remove(&self.root.join(CHECKPOINTS))?;
        remove(&self.root.join(LOCK))
    }
}

/// `ROOT/weights/RUN.safetensors`: what a run has learned.
#[must_use]
pub fn last_weights(root: &Path, run: &str) -> PathBuf {
    root.join(WEIGHTS).join(format!("{run}.safetensors"))
}

/// `ROOT/weights/RUN/epoch-K.safetensors`: the weights of a run after so many epochs, of an experiment with `snapshots`.
#[must_use]
pub fn snapshot(root: &Path, run: &str, epoch: usize) -> PathBuf {
    root.join(WEIGHTS).join(run).join(format!("epoch-{epoch}.safetensors"))
}

/// Makes a folder if it is not there, and removes the temporary files in it.
fn make(path: &Path) -> Result<(), RecordError> {
    fs::create_dir_all(path).map_err(RecordError::io("create", path))?;
    atomic::sweep(path).map(|_| ())
}

/// The step that `mode` asks for in the state that `root` is in.
fn decide(root: &Path, mode: Mode, given: &str) -> Result<Step, RecordError> {
    let path = root.to_path_buf();
    match (mode, survey(root)?) {
        (_, State::Empty) => Ok(Step::Start),
        (Mode::New, _) => Err(RecordError::FolderExists { path }),
        (_, State::Foreign) => Err(RecordError::FolderForeign { path }),
        (Mode::Force, _) => Ok(Step::Replace),
        (Mode::Resume, State::Partial { settings }) if settings == given => Ok(Step::Continue),
        (Mode::Resume, State::Complete { settings }) if settings == given => Ok(Step::Nothing),
        (Mode::Resume, State::Partial { settings } | State::Complete { settings }) => {
            let short = |hash: &str| hash.chars().take(12).collect();
            Err(RecordError::OtherSettings { path, stored: short(&settings), given: short(given) })
        }
    }
}

fn survey(root: &Path) -> Result<State, RecordError> {
    let manifest: Option<Mark> = read_json(&root.join(MANIFEST)).ok();
    let settings: Option<Mark> = read_json(&root.join(CHECKPOINTS).join(SETTINGS)).ok();
    match (manifest, settings) {
        (Some(Mark { settings_sha256: settings, status: Some(Status::Complete) }), _) => {
            Ok(State::Complete { settings })
        }
        (_, Some(mark)) | (Some(mark), None) => Ok(State::Partial { settings: mark.settings_sha256 }),
        (None, None)
            if is_vacant(root, &[LOCK, CHECKPOINTS])? && is_vacant(&root.join(CHECKPOINTS), &[])? =>
        {
            Ok(State::Empty)
        }
        (None, None) => Ok(State::Foreign),
    }
}

/// Whether a folder is missing, or holds nothing but temporary files and the names allowed.
fn is_vacant(folder: &Path, allowed: &[&str]) -> Result<bool, RecordError> {
    let names = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        listing => listing.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let mut names = names.map_err(RecordError::io("use", folder))?.into_iter().map(|entry| entry.file_name());
    Ok(names
        .all(|name| atomic::is_temporary(Path::new(&name)) || allowed.iter().any(|allowed| name == *allowed)))
}

/// Takes the lock of a folder; that a file system knows no locks is no reason not to work on it.
fn lock(root: &Path) -> Result<File, RecordError> {
    let path = root.join(LOCK);
    loop {
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(RecordError::io("write to", root))?;
        match file.try_lock() {
            Ok(()) if path.exists() => return Ok(file),
            Ok(()) => {} // its owner finished and removed it since we opened it
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                return Err(RecordError::FolderBusy { path: root.to_path_buf() });
            }
            Err(TryLockError::Error(error)) => return Err(RecordError::io("lock", root)(error)),
        }
    }
}

fn remove_all_but(folder: &Path, kept: &[&str]) -> Result<(), RecordError> {
    for entry in fs::read_dir(folder).map_err(RecordError::io("read", folder))? {
        let entry = entry.map_err(RecordError::io("read", folder))?;
        if !kept.iter().any(|kept| entry.file_name() == *kept) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a file, a folder or a link (not what it points to); nothing there is fine.
fn remove(path: &Path) -> Result<(), RecordError> {
    let is_folder = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    match if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) } {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(RecordError::io("remove", path)),
    }
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
