//! What is replaced is moved aside, inside the folder, until what replaces it stands.
//!
//! `.replacing` holds it while it is being moved, `.replaced` when all of it has been. A process killed
//! at any moment leaves one or the other, and [`restore`] moves everything back. Entries are renamed, so a
//! link is moved as a link and nothing that it points to is touched.

use std::fs;
use std::path::{Path, PathBuf};

use super::RecordError;
use super::place::{is_folder, list_names, make, remove, rename};

/// While things are being moved.
const REPLACING: &str = ".replacing";
/// When they have been.
pub(super) const REPLACED: &str = ".replaced";

/// Says of a path, relative to the folder, whether it is the program's own.
pub(super) type Ours<'a> = &'a dyn Fn(&Path) -> bool;

/// Where new files are made that are put in place together.
pub(super) const NEW: &str = ".new";

/// Names that this module uses.
pub(super) const NAMES: [&str; 3] = [REPLACING, REPLACED, NEW];

/// Where the replaced result is kept.
pub(super) fn kept(root: &Path) -> Option<PathBuf> {
    Some(root.join(REPLACED)).filter(|path| is_folder(path))
}

/// Whether a process was killed while it moved things.
pub(super) fn is_halfway(root: &Path) -> bool {
    is_folder(&root.join(REPLACING))
}

/// Whether something lies aside.
pub(super) fn is_pending(root: &Path) -> bool {
    is_halfway(root) || kept(root).is_some()
}

/// Moves everything of [`NEW`] into the folder, `last` at the end.
pub(super) fn bring_in(root: &Path, last: &str) -> Result<(), RecordError> {
    let from = root.join(NEW);
    let mut all = list_names(&from)?;
    all.sort_by_key(|name| name == last);
    all.iter().try_for_each(|name| shift(&from, root, Path::new(name), &|_| true))
}

/// Moves `first` (a name, so that the folder is no longer taken for complete), then everything that is ours,
/// aside.
///
/// What is not ours stays where it is.
pub(super) fn set_aside(root: &Path, first: &str, ours: Ours<'_>) -> Result<(), RecordError> {
    let to = root.join(REPLACING);
    remove(&to)?; // restored before, if it held anything
    make(&to)?;
    let mut all = list_names(root)?;
    all.sort_by_key(|name| name != first);
    for name in all.into_iter().filter(|name| !NAMES.iter().any(|kept| name == *kept)) {
        shift(root, &to, Path::new(&name), ours)?;
    }
    rename(&to, &root.join(REPLACED))
}

/// Removes everything that is ours, but neither links' targets nor what was set aside.
pub(super) fn clear(root: &Path, ours: Ours<'_>) -> Result<(), RecordError> {
    for name in list_names(root)?.into_iter().filter(|name| !NAMES.iter().any(|kept| name == *kept)) {
        wipe(root, Path::new(&name), ours)?;
    }
    Ok(())
}

/// Moves everything back that was set aside.
pub(super) fn restore(root: &Path) -> Result<(), RecordError> {
    let from = root.join(REPLACING);
    if let Some(whole) = kept(root).filter(|_| !is_halfway(root)) {
        rename(&whole, &from)?;
    }
    for name in list_names(&from)? {
        shift(&from, root, Path::new(&name), &|_| true)?;
    }
    remove(&from)
}

/// Removes for good what was set aside.
pub(super) fn discard(root: &Path) -> Result<(), RecordError> {
    NAMES.iter().try_for_each(|name| remove(&root.join(name)))
}

/// Moves `name` from one folder to another; a folder of ours goes piece by piece, and stays if it keeps
/// something.
fn shift(from: &Path, to: &Path, name: &Path, ours: Ours<'_>) -> Result<(), RecordError> {
    let (old, new) = (from.join(name), to.join(name));
    if !is_folder(&old) {
        return if is_link(&old) || ours(name) { rename(&old, &new) } else { Ok(()) };
    }
    if !holds_ours(name, ours) {
        return Ok(());
    }
    make(&new)?;
    for below in list_names(&old)? {
        shift(from, to, &name.join(below), ours)?;
    }
    prune(&old);
    prune(&new); // if nothing came
    Ok(())
}

fn wipe(root: &Path, name: &Path, ours: Ours<'_>) -> Result<(), RecordError> {
    let path = root.join(name);
    if !is_folder(&path) {
        return if is_link(&path) || ours(name) { remove(&path) } else { Ok(()) };
    }
    if !holds_ours(name, ours) {
        return Ok(());
    }
    for below in list_names(&path)? {
        wipe(root, &name.join(below), ours)?;
    }
    prune(&path);
    Ok(())
}

/// Whether a folder is ours or one that keeps weights of ours: the name of a run may hold dots and looks like
/// any file's.
pub(super) fn holds_ours(folder: &Path, ours: Ours<'_>) -> bool {
    ours(folder) || ours(&folder.join("epoch-0.safetensors"))
}

/// Removes a folder that is empty.
fn prune(path: &Path) {
    let _ = fs::remove_dir(path); // fails if something is left, which is meant
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}
