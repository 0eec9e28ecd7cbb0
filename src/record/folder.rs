//! The life of an output folder: begun, gone on with, replaced, complete.
//!
//! `checkpoints/settings.json` is the first file written and says which settings the folder belongs
//! to; a complete `manifest.json` is the last. In between the [`Lock`] keeps a second process out. What
//! bites: a folder is only ever replaced if one of the two files says that it is ours; an `experiment.toml`
//! does not, since people write those themselves. What `--force` replaces lies in `.replaced` until the new
//! result is complete (`aside`); files in the folder that are not ours stay.

use std::fs;
use std::path::{Path, PathBuf};

use super::json::write_sealed;
use super::ledger::{MANIFEST, difference, list, read_manifest, some};
use super::lock::Lock;
use super::manifest::{Manifest, version};
use super::place::{make, remove, want_folder};
use super::survey::{
    CHECKPOINTS, Found, Mark, SETTINGS, State, has_leavings, marks, survey, was_left_halfway,
};
use super::{RecordError, aside, atomic};

const WEIGHTS: &str = "weights";
const FIGURES: &str = "figures";
/// Folders of ours, those of studies of the runs included.
const FOLDERS: [&str; 5] = [CHECKPOINTS, WEIGHTS, FIGURES, "compare", "robustness"];
/// Endings of what lies in them.
const ENDINGS: [&str; 8] = ["safetensors", "ckpt", "json", "csv", "parquet", "svg", "png", "unfinished"];
/// Documents of ours beside the tables.
const DOCUMENTS: [&str; 4] = [MANIFEST, "experiment.toml", "summary.json", "report.html"];
/// Tables of ours, without their endings.
const TABLES: [&str; 5] = ["metrics", "layers", "trajectories", "valley", "cost"];

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
    lock: Lock,
    /// Versions of this program that have worked here, this one last.
    versions: Vec<String>,
    /// What is worth a word.
    remarks: Vec<String>,
}

/// What is to be done with it.
#[derive(Debug, PartialEq)]
enum Step {
    Start,
    Replace,
    Continue(Mark),
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
        let halfway = was_left_halfway(root);
        if halfway && mode == Mode::New {
            return Err(RecordError::FolderExists { path: root.to_path_buf() });
        }
        if !halfway && decide(root, mode, settings_sha256)? == Step::Nothing && !has_leavings(root) {
            return Ok(Opening::Complete);
        }
        fs::create_dir_all(root).map_err(RecordError::io("create", root))?;
        let (root, lock) = (root.to_path_buf(), Lock::take(root)?);
        let mut folder = Self { root, lock, versions: vec![version()], remarks: Vec::new() };
        folder.recover()?;
        // Asked again, since another process may have worked here before the lock was ours.
        match decide(&folder.root, mode, settings_sha256)? {
            Step::Start => folder.start(settings_sha256),
            Step::Replace => folder.replace()?.start(settings_sha256),
            Step::Continue(mark) => {
                folder.read_marks(&mark);
                folder.go_on(settings_sha256)
            }
            Step::Nothing => folder.clear_away().map(|()| Opening::Complete), // killed while finishing
        }
    }

    /// What is worth a word: another version, damage that was mended.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
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
        make_swept(&self.root.join(WEIGHTS).join(run))
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
        let manifest = Manifest { versions: self.versions.clone(), ..manifest.clone() };
        write_sealed(&self.root.join(MANIFEST), &manifest)
    }

    /// Writes `manifest.json` as complete, the last of all files, with the checksums of the others; then
    /// removes the checkpoints, and what this result replaces.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn finish(self, mut manifest: Manifest) -> Result<(), RecordError> {
        manifest.files = list(&self.root, &is_result)?;
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

    fn go_on(self, settings: &str) -> Result<Opening, RecordError> {
        self.prepare()?;
        self.mark(settings)?; // with the versions; and somebody may have deleted the checkpoints
        Ok(Opening::Partial(self))
    }

    /// Takes over the versions that have worked here, and tells of another one and of damage.
    fn read_marks(&mut self, mark: &Mark) {
        let now = version();
        match mark.versions.last() {
            Some(last) if *last == now => self.versions.clone_from(&mark.versions),
            last => {
                let before = last.cloned().unwrap_or_else(|| "an older version".to_owned());
                self.versions = mark.versions.iter().cloned().chain([now.clone()]).collect();
                self.remarks.push(format!(
                    "{} was begun by {before} and goes on with {now}: numbers of the two may differ",
                    self.root.display()
                ));
            }
        }
        let (manifest, settings) = marks(&self.root);
        for (found, name) in
            [(manifest, MANIFEST.to_owned()), (settings, format!("{CHECKPOINTS}/{SETTINGS}"))]
        {
            if matches!(found, Found::Wrong(_)) {
                let path = self.root.join(name);
                self.remarks.push(format!("{}; it is written anew", RecordError::Changed { path }));
            }
        }
    }

    fn prepare(&self) -> Result<(), RecordError> {
        atomic::sweep(&self.root)?;
        for name in [CHECKPOINTS, WEIGHTS, FIGURES] {
            make_swept(&self.root.join(name))?;
        }
        Ok(())
    }

    fn mark(&self, settings: &str) -> Result<(), RecordError> {
        let path = self.root.join(CHECKPOINTS);
        make(&path)?;
        let versions = self.versions.clone();
        write_sealed(
            &path.join(SETTINGS),
            &Mark { settings_sha256: settings.to_owned(), status: None, versions },
        )
    }

    /// Undoes what a process left that was killed while it replaced the folder.
    fn recover(&self) -> Result<(), RecordError> {
        if !was_left_halfway(&self.root) {
            return Ok(());
        }
        if !aside::is_halfway(&self.root) {
            aside::clear(&self.root, &is_ours)?; // begun anew and given up
        }
        aside::restore(&self.root)
    }

    /// Moves a complete or begun result aside. One that was itself to replace another, and is not complete,
    /// goes at once.
    fn replace(self) -> Result<Self, RecordError> {
        for name in FOLDERS {
            let path = self.root.join(name);
            if !path.is_symlink() {
                want_folder(&path)?;
            }
        }
        if matches!(survey(&self.root)?, State::Complete(_)) {
            aside::discard(&self.root)?;
        }
        match aside::kept(&self.root) {
            Some(_) => aside::clear(&self.root, &is_ours)?,
            None => aside::set_aside(&self.root, MANIFEST, &is_ours)?,
        }
        Ok(self)
    }

    /// Removes what a complete folder does not need.
    fn clear_away(self) -> Result<(), RecordError> {
        aside::discard(&self.root)?;
        remove(&self.root.join(CHECKPOINTS))?;
        self.lock.release()
    }
}

/// Where the result is kept that the work in `root` is to replace, if there is one.
#[must_use]
pub fn replaced(root: &Path) -> Option<PathBuf> {
    aside::kept(root)
}

/// Whether a path, relative to an output folder, has a name that this program gives.
fn is_ours(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let (stem, ending) = (path.file_stem(), path.extension().and_then(|ending| ending.to_str()));
    if atomic::is_temporary(path) || FOLDERS.contains(&&*text) {
        return true;
    }
    if path.components().count() == 1 {
        let is_table = TABLES.iter().any(|table| stem.is_some_and(|stem| stem == *table));
        return DOCUMENTS.contains(&&*text) || is_table && matches!(ending, Some("csv" | "parquet"));
    }
    let inside = FOLDERS.iter().any(|folder| path.starts_with(folder));
    inside && ending.is_none_or(|ending| ENDINGS.contains(&ending))
}

/// Whether a path is that of a file, or of a folder of files, whose checksum the manifest holds.
fn is_result(path: &Path) -> bool {
    let temporary =
        atomic::is_temporary(path) || path.extension().is_some_and(|ending| ending == "unfinished");
    let others = [MANIFEST, CHECKPOINTS, "compare", "robustness"];
    is_ours(path) && !temporary && !others.iter().any(|other| path.starts_with(other))
}

/// `ROOT/weights/RUN.safetensors`: what a run has learned.
#[must_use]
pub fn last_weights(root: &Path, run: &str) -> PathBuf {
    root.join(WEIGHTS).join(format!("{run}.safetensors"))
}

/// `ROOT/weights/RUN/epoch-K.safetensors`: the weights of a run after so many epochs, of an experiment with
/// `snapshots`.
#[must_use]
pub fn snapshot(root: &Path, run: &str, epoch: usize) -> PathBuf {
    root.join(WEIGHTS).join(run).join(format!("epoch-{epoch}.safetensors"))
}

/// Makes a folder if it is not there, and removes the temporary files in it.
fn make_swept(path: &Path) -> Result<(), RecordError> {
    make(path)?;
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
        (Mode::Resume, State::Partial(mark)) if mark.settings_sha256 == given => Ok(Step::Continue(mark)),
        (Mode::Resume, State::Complete(mark)) if mark.settings_sha256 == given => {
            check_complete(root).map(|()| Step::Nothing)
        }
        (Mode::Resume, State::Partial(mark) | State::Complete(mark)) => {
            let short = |hash: &str| hash.chars().take(12).collect();
            let (stored, given) = (short(&mark.settings_sha256), short(given));
            Err(RecordError::OtherSettings { path, stored, given })
        }
        (Mode::Resume, State::Damaged(path)) => Err(RecordError::Changed { path }),
    }
}

/// Refuses a complete folder of which a file is not as it was written, or gone.
fn check_complete(root: &Path) -> Result<(), RecordError> {
    let found = difference(root, &read_manifest(root)?.files, &|_| true);
    let path = root.to_path_buf();
    if !found.changed.is_empty() {
        return Err(RecordError::FilesChanged { path, files: some(&found.changed) });
    }
    if !found.missing.is_empty() {
        return Err(RecordError::FilesGone { path, files: some(&found.missing) });
    }
    Ok(())
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
