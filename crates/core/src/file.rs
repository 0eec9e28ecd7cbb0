//! Files from outside: plain ones of a sane size, or a reason why not.
//!
//! A named pipe, a terminal or `/dev/zero` is never opened: reading it would wait for ever, or not end. A
//! symbolic link counts as what it leads to. A file is measured before it is read, and no more is read than
//! was accepted should it grow meanwhile.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Largest description: a circuit or an experiment (bytes).
pub const DESCRIPTION: u64 = 16 << 20;
/// Largest document or table (bytes): it stands in memory as text and as rows.
pub const TABLE: u64 = 1 << 30;
/// Largest file of tensors or of a data set, also after unpacking (bytes).
pub const TENSORS: u64 = 16 << 30;

/// Reads a plain file of at most `most` bytes.
///
/// # Errors
/// The system's; of kind [`io::ErrorKind::InvalidInput`], with what was found and what is accepted, for
/// anything but a plain file and for one that is too large.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// let error = dyadsim::file::read("/dev/null".as_ref(), 100).unwrap_err();
/// assert!(error.to_string().contains("a plain file"));
/// ```
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    if found.is_dir() {
        return Err(refused("it is a folder; wanted is a plain file".into()));
    }
    if !found.is_file() {
        return Err(refused("it is a pipe or a device; wanted is a plain file".into()));
    }
    let too_large = |bytes: u64| {
        let mebi = most >> 20;
        refused(format!(
            "it has {bytes} bytes; accepted are at most {most} ({mebi} MiB) in a file of this kind"
        ))
    };
    if found.len() > most {
        return Err(too_large(found.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    let length = bytes.len() as u64;
    if length > most { Err(too_large(length)) } else { Ok(bytes) }
}

/// [`read`] for text, which must be UTF-8.
///
/// # Errors
/// Those of [`read`]; of kind [`io::ErrorKind::InvalidData`], with the line, for what is no UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..valid]);
        let line = before.matches('\n').count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is no UTF-8 text"))
    })
}

fn refused(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_of_a_sane_size_are_read_and_links_lead_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "twelve bytes").unwrap();
        assert_eq!(read(&path, 12).unwrap(), b"twelve bytes");
        let message = read(&path, 11).unwrap_err().to_string();
        assert!(message.contains("12 bytes") && message.contains("at most 11"), "{message}");
        assert!(read(folder.path(), 11).unwrap_err().to_string().contains("a folder"));
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            assert_eq!(read(&link, 12).unwrap().len(), 12);
            assert!(read("/dev/zero".as_ref(), 12).unwrap_err().to_string().contains("a device"));
        }
    }

    #[test]
    fn text_that_is_none_is_told_with_its_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"one\ntwo \xff").unwrap();
        assert_eq!(read_text(file.path(), 100).unwrap_err().to_string(), "line 2 is no UTF-8 text");
    }
}
