//! Files that are whole or absent: written under a temporary name, synced, then renamed.
//!
//! Adapter of `tempfile`. What bites: its files are private (mode 0600) unless told otherwise, and a
//! killed process leaves them behind; they are called `.NAME.XXXXXX.tmp` so that [`sweep`] knows them.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::RecordError;

/// Random characters in a temporary name.
const RANDOM: usize = 6;
const SUFFIX: &str = ".tmp";

/// A folder to work in.
#[derive(Debug)]
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Writes `bytes` to `path`, replacing what is there; a reader sees the old file or the new one.
///
/// The folder must exist. The data are on the disk when this returns.
///
/// # Errors
/// [`RecordError::Io`] with the operating system's reason; the old file is then untouched.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    put(stage(path, bytes)?, path)
}

/// As [`write()`], but what was at `path` goes on as `before`, which it replaces.
///
/// # Errors
/// Those of [`write()`].
pub fn rotate(path: &Path, before: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    let staged = stage(path, bytes)?;
    match fs::rename(path, before) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(RecordError::io("move", path)(error))
        }
        _ => put(staged, path),
    }
}

/// Writes several files; none is replaced before all lie on the disk.
///
/// Those that are replaced go before the first new one comes, so that a process killed in between leaves
/// some of the new files and none of the old.
///
/// # Errors
/// Those of [`write()`].
pub fn write_together(files: &[(PathBuf, Vec<u8>)]) -> Result<(), RecordError> {
    let staged = files.iter().map(|(path, bytes)| stage(path, bytes)).collect::<Result<Vec<_>, _>>()?;
    for (path, _) in files {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(RecordError::io("replace", path)(error));
            }
            _ => {}
        }
    }
    staged.into_iter().zip(files).try_for_each(|(staged, (path, _))| put(staged, path))
}

/// Gives a staged file its name.
fn put(staged: NamedTempFile, path: &Path) -> Result<(), RecordError> {
    staged.persist(path).map_err(|error| RecordError::io("write", path)(error.error))?;
    // The rename is durable once the folder is; where folders cannot be opened it is up to the system.
    if let Ok(folder) = fs::File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Checks that files can be made in `folder`, which must exist; leaves no trace.
///
/// # Errors
/// [`RecordError::Io`] with the operating system's reason.
pub fn check_writable(folder: &Path) -> Result<(), RecordError> {
    tempfile::tempfile_in(folder).map(drop).map_err(RecordError::io("write to", folder))
}

/// A new empty folder among the system's temporary ones; it goes, with all in it, when this is dropped.
///
/// # Errors
/// [`RecordError::Io`] with the operating system's reason.
pub fn scratch() -> Result<Scratch, RecordError> {
    let made = tempfile::Builder::new().prefix("dyadsim-").tempdir();
    made.map(Scratch).map_err(RecordError::io("create a folder in", &std::env::temp_dir()))
}

/// Removes the temporary files that a killed process left in `folder` (not below it); gives their number.
///
/// Only for a folder that nobody else writes to. A missing folder is clean.
///
/// # Errors
/// [`RecordError::Io`] if the folder cannot be read or a file not removed.
pub fn sweep(folder: &Path) -> Result<usize, RecordError> {
    if !folder.exists() {
        return Ok(0);
    }
    let mut removed = 0;
    for entry in fs::read_dir(folder).map_err(RecordError::io("read", folder))? {
        let path = entry.map_err(RecordError::io("read", folder))?.path();
        if is_temporary(&path) {
            fs::remove_file(&path).map_err(RecordError::io("remove", &path))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether `path` has a name that only [`write()`] gives: `.NAME.XXXXXX.tmp`.
#[must_use]
pub fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(stem) = name.strip_prefix('.').and_then(|name| name.strip_suffix(SUFFIX)) else { return false };
    stem.rsplit_once('.').is_some_and(|(name, random)| {
        !name.is_empty() && random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// A synced temporary file beside `path`; dropped, it leaves no trace.
fn stage(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, RecordError> {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(SUFFIX).rand_bytes(RANDOM);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    let mut file = builder.tempfile_in(folder_of(path)).map_err(RecordError::io("write", path))?;
    file.write_all(bytes).map_err(RecordError::io("write", path))?;
    file.as_file().sync_all().map_err(RecordError::io("write", path))?;
    Ok(file)
}

/// The folder of a file; a bare name lies in the current one.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        write(&path, b"old").unwrap();
        drop(stage(&path, b"new").unwrap()); // everything but the rename
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_killed_write_is_swept_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        let (_, stray) = stage(&path, b"half").unwrap().keep().unwrap(); // as kill -9 leaves it
        assert!(stray.file_name().unwrap().to_str().unwrap().starts_with(".metrics.csv."));
        for name in ["metrics.csv", ".hidden", ".notes.tmp", "a.ABCDEF.tmp"] {
            fs::write(folder.path().join(name), "kept").unwrap();
        }
        assert_eq!(sweep(folder.path()).unwrap(), 1);
        assert!(!stray.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
        assert_eq!(sweep(&folder.path().join("missing")).unwrap(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn written_files_have_the_permissions_of_any_other_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
        write(&ours, b"x").unwrap();
        fs::write(&theirs, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&theirs));
    }

    #[test]
    fn a_folder_that_is_a_file_is_an_error_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let message = write(&file.join("metrics.csv"), b"x").unwrap_err().to_string();
        assert!(message.contains("metrics.csv") && message.contains("Not a directory"), "{message}");
    }
}
