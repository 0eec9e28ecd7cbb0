//! The folder of a study (`noise`, `yield`, …): all of it is written aside, checked, and then put in place at
//! once.
//!
//! While the study computes, the [`Lock`] keeps other processes out and nothing in the folder changes. The
//! files are made in `.new`; then what was there moves into `.replaced` (`aside`), the new files follow, and
//! `manifest.json`, with the checksums of the others, comes last. So a folder with a manifest is whole; one
//! that a process left half-way has none, and [`Study::recover`] gives it back what it held.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::json::write_sealed;
use super::ledger::{MANIFEST, list, read_manifest};
use super::lock::{LOCK, Lock};
use super::manifest::{Manifest, sha256};
use super::place::{is_folder, list_names, make, refuse_inputs_inside, remove};
use super::{RecordError, aside, atomic};

/// What was asked, in the folder of the answer.
pub const SETTINGS: &str = "study.toml";

/// A kind of study, known by the names of its files.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Command that makes it.
    pub command: &'static str,
    /// What its tables are called in messages (`yield`, `a map`).
    pub what: &'static str,
    /// Names of its files without their endings.
    pub stems: &'static [&'static str],
    /// Endings of these files.
    pub endings: &'static [&'static str],
    /// The document with its settings, if it has one.
    pub summary: Option<&'static str>,
}

/// A folder that belongs to this process until dropped, and the place where its new files are made.
#[derive(Debug)]
pub struct Study {
    root: PathBuf,
    kind: Kind,
    lock: Option<Lock>,
}

impl Kind {
    /// Whether a path, relative to the folder, has a name that such a study gives.
    fn is_ours(&self, path: &Path) -> bool {
        let text = path.to_string_lossy();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.starts_with("figures") {
            return ["", "svg", "png", "unfinished"].contains(&ending) || atomic::is_temporary(path);
        }
        let is_table = path.file_stem().is_some_and(|stem| self.stems.iter().any(|ours| stem == *ours));
        path.components().count() == 1
            && (text == MANIFEST
                || text == SETTINGS
                || Some(&*text) == self.summary
                || is_table && self.endings.contains(&ending)
                || atomic::is_temporary(path))
    }
}

impl Study {
    /// Takes `folder`, made if need be; an earlier study of the same kind is replaced if `force` says so,
    /// when this one is finished and not before.
    ///
    /// # Errors
    /// [`RecordError::FolderHolds`] if it holds anything else, [`RecordError::FolderStands`] without `force`,
    /// [`RecordError::InputInside`] if one of the `inputs` would be replaced, [`RecordError::FolderBusy`];
    /// [`RecordError::Io`] if it cannot be made or written to.
    pub fn claim(folder: &Path, force: bool, kind: Kind, inputs: &[PathBuf]) -> Result<Self, RecordError> {
        check(folder, force, kind)?;
        if force {
            refuse_inputs_inside(folder, inputs)?;
        }
        std::fs::create_dir_all(folder).map_err(RecordError::io("create", folder))?;
        atomic::check_writable(folder)?;
        let lock = Some(Lock::take(folder)?);
        let study = Self { root: folder.to_path_buf(), kind, lock };
        put_back(folder)?;
        check(folder, force, kind)?; // another process may have worked here before the lock was ours
        make(&study.path())?;
        Ok(study)
    }

    /// Gives a folder back what it held before a process was killed while it replaced it; does nothing to any
    /// other.
    ///
    /// # Errors
    /// [`RecordError::FolderBusy`] if a process is at it now; [`RecordError::Io`].
    pub fn recover(folder: &Path) -> Result<(), RecordError> {
        if !is_folder(&folder.join(aside::NEW)) || !aside::is_pending(folder) {
            return Ok(());
        }
        let lock = Lock::take(folder)?;
        put_back(folder)?;
        lock.release()
    }

    /// Where the new files are to be made.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.root.join(aside::NEW)
    }

    /// Where they will be.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Puts the new files in place of the old, all or none; `settings` says what they are of.
    ///
    /// # Errors
    /// [`RecordError::Io`]; the folder then holds what it held before.
    pub fn finish(self, settings: &str) -> Result<(), RecordError> {
        self.finish_from(settings, BTreeMap::new())
    }

    /// As [`Self::finish`]; `inputs` are the checksums of the files that it was made from, by name.
    ///
    /// # Errors
    /// Those of [`Self::finish`].
    pub fn finish_from(self, settings: &str, inputs: BTreeMap<String, String>) -> Result<(), RecordError> {
        let mut manifest = Manifest::begin(self.kind.command, &sha256(settings.as_bytes()));
        manifest.data = inputs;
        manifest.files = list(&self.path(), &|path| self.kind.is_ours(path))?;
        manifest.complete();
        write_sealed(&self.path().join(MANIFEST), &manifest)?;
        if let Err(error) = self.commit() {
            put_back(&self.root)?;
            return Err(error);
        }
        aside::discard(&self.root)
    }

    /// From here on a process that is killed leaves either a folder without manifest, or the new files.
    fn commit(&self) -> Result<(), RecordError> {
        aside::set_aside(&self.root, MANIFEST, &|path| self.kind.is_ours(path))?;
        aside::bring_in(&self.root, MANIFEST)?;
        // Durable once the folder is; where folders cannot be opened it is up to the system.
        if let Ok(folder) = File::open(&self.root) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for Study {
    /// Whatever was not finished leaves no trace.
    fn drop(&mut self) {
        let _ = remove(&self.path());
        let _ = self.lock.take().map(Lock::release);
    }
}

/// Undoes what was begun and not committed, and removes what is of no more use.
fn put_back(root: &Path) -> Result<(), RecordError> {
    let halfway = aside::is_halfway(root);
    if halfway || aside::kept(root).is_some() && !root.join(MANIFEST).exists() {
        if !halfway && let Ok(new) = read_manifest(&root.join(aside::NEW)) {
            new.files.keys().try_for_each(|name| remove(&root.join(name)))?; // those that had come
        }
        aside::restore(root)?;
    }
    aside::discard(root)
}

/// Refuses a folder that holds something else, or without `force` anything.
fn check(folder: &Path, force: bool, kind: Kind) -> Result<(), RecordError> {
    let path = folder.to_path_buf();
    let found: Vec<_> =
        list_names(folder)?.into_iter().filter(|name| name != LOCK && name != aside::NEW).collect();
    let ours = |name: &Path| kind.is_ours(name) || aside::NAMES.iter().any(|ours| name.as_os_str() == *ours);
    // A folder named like a table is not ours, nor is a link named like a folder; one named like a table goes
    // as a link.
    let other = found.iter().find(|name| {
        let (name, at) = (Path::new(name), folder.join(name));
        !ours(name) || is_folder(&at) != (name.extension().is_none())
    });
    match other {
        Some(name) => {
            let name = name.to_string_lossy().into_owned();
            Err(RecordError::FolderHolds { path, name, what: kind.what })
        }
        None if !force && !found.iter().all(|name| atomic::is_temporary(Path::new(name))) => {
            Err(RecordError::FolderStands { path, what: kind.what })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const KIND: Kind = Kind {
        command: "yield",
        what: "yield",
        stems: &["yield", "yield_tolerance"],
        endings: &["csv"],
        summary: Some("yield.json"),
    };
    const FILES: [&str; 4] = ["yield.csv", "yield_tolerance.csv", "yield.json", "figures/yield.svg"];

    fn claim(root: &Path, force: bool) -> Result<Study, RecordError> {
        Study::claim(root, force, KIND, &[])
    }

    /// Writes every file of a study with the same text.
    fn fill(study: &Study, text: &str) {
        fs::create_dir_all(study.path().join("figures")).unwrap();
        FILES.iter().for_each(|name| fs::write(study.path().join(name), text).unwrap());
    }

    fn made(root: &Path, text: &str) {
        let study = claim(root, true).unwrap();
        fill(&study, text);
        study.finish(text).unwrap();
    }

    /// What the files say, those that are there.
    fn said(root: &Path) -> BTreeMap<&'static str, String> {
        FILES.iter().filter_map(|name| Some((*name, fs::read_to_string(root.join(name)).ok()?))).collect()
    }

    #[test]
    fn killed_between_any_two_renames_it_holds_files_of_one_study_and_gives_back_the_old() {
        for old in [false, true] {
            for renames in 0.. {
                let place = tempfile::tempdir().unwrap();
                let root = place.path().join("y");
                if old {
                    made(&root, "old");
                }
                let before = if old { said(&root) } else { BTreeMap::new() };
                let study = claim(&root, true).unwrap();
                fill(&study, "new");
                let manifest = Manifest {
                    files: list(&study.path(), &|path| KIND.is_ours(path)).unwrap(),
                    ..Manifest::begin("yield", "new")
                };
                write_sealed(&study.path().join(MANIFEST), &manifest).unwrap();
                let ended = super::super::place::ending_after(renames, || study.commit());
                // As kill leaves it: nobody clears away.
                let mut study = std::mem::ManuallyDrop::new(study);
                drop(study.lock.take());
                let kinds: std::collections::BTreeSet<_> = said(&root).into_values().collect();
                assert!(kinds.len() <= 1, "{renames}: {kinds:?}");
                if ended.is_ok() {
                    assert!(renames > 3 && said(&root).values().all(|text| text == "new"));
                    break;
                }
                Study::recover(&root).unwrap();
                assert_eq!(said(&root), before, "{renames}");
                drop(claim(&root, true).unwrap());
                assert_eq!(said(&root), before, "{renames}, claimed and given up");
            }
        }
    }

    #[test]
    fn what_is_not_finished_leaves_no_trace_and_what_is_leaves_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("y");
        made(&root, "old");
        let names = || list_names(&root).unwrap();
        assert_eq!(names(), ["figures", "manifest.json", "yield.csv", "yield.json", "yield_tolerance.csv"]);
        let study = claim(&root, true).unwrap();
        fill(&study, "new");
        drop(study);
        assert!(said(&root).values().all(|text| text == "old") && names().len() == 5);
        assert!(super::super::ledger::verify(&root, &|_| true).unwrap().is_empty());
    }

    #[test]
    fn a_second_process_is_busy_and_others_folders_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("y");
        let first = claim(&root, false).unwrap();
        assert!(matches!(claim(&root, true), Err(RecordError::FolderBusy { .. })));
        fill(&first, "first");
        first.finish("").unwrap();
        assert!(matches!(claim(&root, false), Err(RecordError::FolderStands { .. })));
        fs::write(root.join("notes.txt"), "mine").unwrap();
        let text = claim(&root, true).unwrap_err().to_string();
        assert!(text.contains("notes.txt"), "{text}");
    }
}
