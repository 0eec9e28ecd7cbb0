//! What an output folder holds, by its marks: nothing, something foreign, a result begun or complete.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::json::read_sealed;
use super::ledger::MANIFEST;
use super::lock::LOCK;
use super::manifest::Status;
use super::place::{is_folder, is_plain, list_names};
use super::seal::Seal;
use super::{RecordError, aside, atomic};

/// Where `settings.json` and the checkpoints lie.
pub const CHECKPOINTS: &str = "checkpoints";
/// The first file of a folder.
pub const SETTINGS: &str = "settings.json";

/// The fields of `settings.json` and `manifest.json` by which a folder is known as ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    pub settings_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    #[serde(default)]
    pub versions: Vec<String>,
}

/// What is found where a mark may be.
#[derive(Debug, PartialEq)]
pub enum Found {
    Nothing,
    /// A mark, perhaps of an older version that gave none a checksum.
    Right(Mark),
    /// One that is not as it was written, and what can be read of it.
    Wrong(Option<Mark>),
}

/// What a folder holds.
#[derive(Debug, PartialEq)]
pub enum State {
    Empty,
    Foreign,
    Partial(Mark),
    Complete(Mark),
    /// Ours, but this file of it is not as it was written.
    Damaged(PathBuf),
}

/// Whether a process was killed while it replaced the folder: not all of it is aside, or nothing has been
/// begun since.
pub fn was_left_halfway(root: &Path) -> bool {
    aside::is_halfway(root) || aside::kept(root).is_some() && marks(root) == (Found::Nothing, Found::Nothing)
}

/// Whether a complete folder still holds what its process was to remove.
pub fn has_leavings(root: &Path) -> bool {
    is_folder(&root.join(CHECKPOINTS)) || aside::NAMES.iter().any(|name| is_folder(&root.join(name)))
}

/// What `manifest.json` and `checkpoints/settings.json` say.
pub fn marks(root: &Path) -> (Found, Found) {
    let found = |path: PathBuf| {
        if !is_plain(&path) {
            return Found::Nothing;
        }
        match read_sealed::<Mark>(&path) {
            Err(_) => Found::Wrong(None),
            Ok(read) if read.seal == Seal::Right => Found::Right(read.document),
            Ok(read) if read.seal == Seal::Absent && read.document.versions.is_empty() => {
                Found::Right(read.document)
            }
            Ok(read) => Found::Wrong(Some(read.document)),
        }
    };
    let checkpoints = root.join(CHECKPOINTS);
    let settings = if is_folder(&checkpoints) { found(checkpoints.join(SETTINGS)) } else { Found::Nothing };
    (found(root.join(MANIFEST)), settings)
}

/// What a folder holds.
pub fn survey(root: &Path) -> Result<State, RecordError> {
    let (manifest, settings) = marks(root);
    Ok(match (manifest, settings) {
        (Found::Right(mark), _) if mark.status == Some(Status::Complete) => State::Complete(mark),
        (_, Found::Right(mark)) | (Found::Right(mark), _) => State::Partial(mark),
        (Found::Wrong(Some(_)), _) => State::Damaged(root.join(MANIFEST)),
        (_, Found::Wrong(Some(_))) => State::Damaged(root.join(CHECKPOINTS).join(SETTINGS)),
        // What cannot be read at all does not say that the folder is ours.
        (Found::Wrong(None), _) | (_, Found::Wrong(None)) => State::Foreign,
        (Found::Nothing, Found::Nothing) => {
            let (here, left) = (root.join(CHECKPOINTS), [LOCK, CHECKPOINTS]);
            let is_bare =
                is_vacant(root, &left)? && (!here.exists() || is_folder(&here) && is_vacant(&here, &[])?);
            if is_bare { State::Empty } else { State::Foreign }
        }
    })
}

/// Whether a folder is missing, or holds nothing but temporary files and the names allowed.
fn is_vacant(folder: &Path, allowed: &[&str]) -> Result<bool, RecordError> {
    let mut names = list_names(folder)?.into_iter();
    Ok(names
        .all(|name| atomic::is_temporary(Path::new(&name)) || allowed.iter().any(|allowed| name == *allowed)))
}
