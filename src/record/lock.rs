//! The lock of a folder: one process writes in it at a time.
//!
//! The lock is the operating system's and dies with the process; the file `.lock` alone means nothing.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::RecordError;
use super::place::{remove, want_file};

/// Name of the file that is locked.
pub(super) const LOCK: &str = ".lock";

/// A folder in which no other process writes while this lives.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    /// Held, never read: the lock goes when the file is closed.
    _file: File,
}

impl Lock {
    /// Takes the lock of `folder`, which must exist; that a file system knows no locks is no reason not to
    /// work on it.
    ///
    /// # Errors
    /// [`RecordError::FolderBusy`] if another process has it, [`RecordError::NotPlain`] if `.lock` is a link
    /// or the like, [`RecordError::Io`].
    pub fn take(folder: &Path) -> Result<Self, RecordError> {
        Self::named(folder, LOCK)
    }

    /// Takes the lock of a group of files in a folder that is not all ours, by the file `name`.
    ///
    /// # Errors
    /// Those of [`Lock::take`].
    pub fn named(folder: &Path, name: &str) -> Result<Self, RecordError> {
        let path = folder.join(name);
        loop {
            want_file(&path)?;
            let file = File::options().create(true).truncate(false).write(true).open(&path);
            let file = file.map_err(RecordError::io("write to", folder))?;
            match file.try_lock() {
                Ok(()) if path.exists() => return Ok(Self { path, _file: file }),
                Ok(()) => {} // its owner finished and removed it since we opened it
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(Self { path, _file: file });
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(RecordError::FolderBusy { path: folder.to_path_buf() });
                }
                Err(TryLockError::Error(error)) => return Err(RecordError::io("lock", folder)(error)),
            }
        }
    }

    /// Gives the lock back and removes its file.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn release(self) -> Result<(), RecordError> {
        remove(&self.path)
    }
}
