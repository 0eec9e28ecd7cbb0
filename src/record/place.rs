//! What lies at a path, asked without following links; and what would be lost if a folder were replaced.
//!
//! The output folder itself may be a link, since people put results on other disks. Everything inside it
//! is ours or nobody's: a link there would lead the program to files that it never made.

use std::fs::{self, FileType};
use std::io;
use std::path::Path;

use super::RecordError;

/// Refuses anything but a plain file, or nothing, at `path`.
///
/// # Errors
/// [`RecordError::NotPlain`].
pub fn want_file(path: &Path) -> Result<(), RecordError> {
    match kind(path) {
        Some(kind) if !kind.is_file() => Err(not_plain(path, kind, "a plain file")),
        _ => Ok(()),
    }
}

/// Refuses anything but a folder, or nothing, at `path`.
///
/// # Errors
/// [`RecordError::NotPlain`].
pub fn want_folder(path: &Path) -> Result<(), RecordError> {
    match kind(path) {
        Some(kind) if !kind.is_dir() => Err(not_plain(path, kind, "a folder")),
        _ => Ok(()),
    }
}

/// Refuses inputs that lie in a folder which is about to be replaced, however their paths are written.
///
/// # Errors
/// [`RecordError::InputInside`] with the first of them.
pub fn refuse_inputs_inside<P: AsRef<Path>>(
    folder: &Path,
    inputs: impl IntoIterator<Item = P>,
) -> Result<(), RecordError> {
    let Ok(root) = folder.canonicalize() else { return Ok(()) }; // nothing there, nothing to lose
    for input in inputs {
        let input = input.as_ref();
        let real = input.canonicalize();
        // The path as written counts, too: a link in the folder that leads out of it would be lost.
        let written = input.parent().and_then(|parent| parent.canonicalize().ok());
        if real.is_ok_and(|path| path.starts_with(&root))
            || written.is_some_and(|path| path.starts_with(&root))
        {
            let (input, folder) = (input.to_path_buf(), folder.to_path_buf());
            return Err(RecordError::InputInside { input, folder });
        }
    }
    Ok(())
}

/// Whether there is a folder, not a link to one.
pub(super) fn is_folder(path: &Path) -> bool {
    kind(path).is_some_and(|kind| kind.is_dir())
}

/// Whether there is a plain file, not a link to one.
pub(super) fn is_plain(path: &Path) -> bool {
    kind(path).is_some_and(|kind| kind.is_file())
}

/// Removes a file, a folder or a link (not what it points to); nothing there is fine.
pub(super) fn remove(path: &Path) -> Result<(), RecordError> {
    match if is_folder(path) { fs::remove_dir_all(path) } else { fs::remove_file(path) } {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(RecordError::io("remove", path)),
    }
}

/// Names in a folder, sorted; none if it is not there.
pub(super) fn list_names(folder: &Path) -> Result<Vec<std::ffi::OsString>, RecordError> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let listing = listing.map_err(RecordError::io("use", folder))?;
    let mut names: Vec<_> = listing.into_iter().map(|entry| entry.file_name()).collect();
    names.sort();
    Ok(names)
}

/// Makes a folder if it is not there.
pub(super) fn make(path: &Path) -> Result<(), RecordError> {
    want_folder(path)?;
    fs::create_dir_all(path).map_err(RecordError::io("create", path))
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<(), RecordError> {
    #[cfg(test)]
    tests::count_down(from)?;
    fs::rename(from, to).map_err(RecordError::io("move", from))
}

fn kind(path: &Path) -> Option<FileType> {
    fs::symlink_metadata(path).ok().map(|metadata| metadata.file_type())
}

fn not_plain(path: &Path, kind: FileType, wanted: &'static str) -> RecordError {
    let found = match () {
        () if kind.is_symlink() => "a link, which is never followed",
        () if kind.is_dir() => "a folder",
        () if kind.is_file() => "a file",
        () => "a pipe, socket or device",
    };
    RecordError::NotPlain { path: path.to_path_buf(), found, wanted }
}

#[cfg(test)]
pub(super) use tests::ending_after;

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// Renames that are still carried out, as if the process were killed after them.
        static RENAMES: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Does `work`, which ends with an error instead of its next rename after so many.
    pub(in crate::record) fn ending_after<R>(renames: usize, work: impl FnOnce() -> R) -> R {
        RENAMES.set(Some(renames));
        let done = work();
        RENAMES.set(None);
        done
    }

    pub(super) fn count_down(path: &Path) -> Result<(), RecordError> {
        match RENAMES.get() {
            Some(0) => Err(RecordError::io("move", path)(io::Error::other("killed"))),
            left => {
                RENAMES.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }

    #[test]
    fn an_input_is_found_inside_however_its_path_is_written() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("out");
        fs::create_dir_all(root.join("weights")).unwrap();
        let file = root.join("weights/w");
        fs::write(&file, "x").unwrap();
        let around = place.path().join("out/../out/weights/../weights/w");
        let outside = place.path().join("w");
        fs::write(&outside, "x").unwrap();
        for input in [&file, &around] {
            let text = refuse_inputs_inside(&root, [input]).unwrap_err().to_string();
            assert!(text.contains("weights") && text.contains("--force"), "{text}");
        }
        assert!(refuse_inputs_inside(&root, [&outside]).is_ok());
        assert!(refuse_inputs_inside(&root.join("none"), [&file]).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn an_input_is_found_inside_through_links_either_way() {
        use std::os::unix::fs::symlink;
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("out");
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("w"), "x").unwrap();
        fs::write(place.path().join("v"), "x").unwrap();
        symlink(root.join("w"), place.path().join("link-in")).unwrap();
        symlink(place.path().join("v"), root.join("link-out")).unwrap();
        symlink(&root, place.path().join("alias")).unwrap();
        for input in [place.path().join("link-in"), root.join("link-out"), place.path().join("alias/w")] {
            assert!(refuse_inputs_inside(&root, [&input]).is_err(), "{}", input.display());
        }
        assert!(refuse_inputs_inside(&place.path().join("alias"), [root.join("w")]).is_err());
    }
}
