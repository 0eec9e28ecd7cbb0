//! What a file is by its first bytes, where it is not what was asked for; and text files that are not UTF-8.
//!
//! What bites: UTF-16 without its mark is valid UTF-8 as long as every character is ASCII: each comes with a
//! NUL.

use std::io;
use std::path::Path;

use crate::file;

/// First bytes of formats that are handed over by mistake, and what they are.
const FORMATS: [(&[u8], &str); 9] = [
    (b"\x1f\x8b", "gzip data (`gunzip` unpacks it)"),
    (b"PK\x03\x04", "a zip archive (so are .npz and PyTorch's .pt)"),
    (b"\xfd7zXZ\x00", "xz data (`unxz` unpacks it)"),
    (b"BZh", "bzip2 data (`bunzip2` unpacks it)"),
    (b"\x28\xb5\x2f\xfd", "zstd data (`unzstd` unpacks it)"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"\x80\x02", "a Python pickle"),
    (b"%PDF", "a PDF document"),
];

/// Bytes of a text that are looked at to tell UTF-16 without a mark.
const PROBE: usize = 64;

/// What bytes are, if they begin like one of the formats that are handed over by mistake.
#[must_use]
pub fn signature(bytes: &[u8]) -> Option<&'static str> {
    FORMATS.iter().find(|(first, _)| bytes.starts_with(first)).map(|(_, what)| *what)
}

/// Whether bytes are packed by gzip.
#[must_use]
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(FORMATS[0].0)
}

/// Reads a text file, which must be UTF-8.
///
/// # Errors
/// The system's; of kind [`io::ErrorKind::InvalidData`], with what the file is and how to mend it, if it is
/// no UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    decode(file::read(path, file::DESCRIPTION)?)
        .map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))
}

/// Bytes as UTF-8, or what they are instead.
fn decode(bytes: Vec<u8>) -> Result<String, String> {
    if let Some(order) = utf_16(&bytes) {
        return Err(format!(
            "it is UTF-16 text, {order}, as a Windows shell writes it; wanted is UTF-8: save it as UTF-8, or \
             `iconv -f UTF-16 -t UTF-8`"
        ));
    }
    if let Some(what) = signature(&bytes) {
        return Err(format!("it is {what}; wanted is text, UTF-8"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let (before, after) = error.as_bytes().split_at(valid);
        let line = 1 + String::from_utf8_lossy(before).matches('\n').count();
        let found = after.first().copied().unwrap_or_default();
        format!(
            "line {line}: byte 0x{found:02x} is no UTF-8; wanted is UTF-8: is it Latin-1? Save it as UTF-8, or \
             `iconv -f LATIN1 -t UTF-8`"
        )
    })
}

/// The byte order of UTF-16 (or UTF-32, which no one tells apart by eye), by its mark or by the zeros of its
/// ASCII.
fn utf_16(bytes: &[u8]) -> Option<&'static str> {
    const LITTLE: &str = "little-endian";
    const BIG: &str = "big-endian";
    match bytes {
        [0xff, 0xfe, ..] => return Some(LITTLE),
        [0xfe, 0xff, ..] | [0, 0, 0xfe, 0xff, ..] => return Some(BIG),
        _ => {}
    }
    let pairs = bytes[..bytes.len().min(PROBE)].chunks_exact(2);
    let (count, zeros) = (pairs.len(), |at: usize| pairs.clone().filter(|pair| pair[at] == 0).count());
    let (high_last, high_first) = (zeros(1), zeros(0));
    // Text in another script may have few characters of ASCII, but its keys and signs are; no text has both
    // kinds of zeros.
    let mostly = |zeros: usize, others: usize| count >= 2 && 2 * zeros > count && others == 0;
    if mostly(high_last, high_first) {
        Some(LITTLE)
    } else if mostly(high_first, high_last) {
        Some(BIG)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name = \"µ\"\n[nudge]\nbeta = 0.5\n";

    fn wide(text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(bytes).collect()
    }

    #[test]
    fn utf_16_of_both_orders_with_and_without_its_mark_is_told_from_utf_8() {
        for (bytes, order) in [(u16::to_le_bytes as fn(u16) -> [u8; 2], "little"), (u16::to_be_bytes, "big")]
        {
            for mark in [true, false] {
                let reason = decode(wide(TEXT, mark, bytes)).unwrap_err();
                assert!(reason.contains("UTF-16") && reason.contains(order), "{reason}");
                assert!(reason.contains("wanted is UTF-8"), "{reason}");
            }
        }
        assert_eq!(decode(TEXT.into()).unwrap(), TEXT);
        assert_eq!(decode(Vec::new()).unwrap(), "");
    }

    #[test]
    fn other_encodings_and_packed_files_are_told_by_what_they_are() {
        let reason = decode(b"name = \"a\"\n# caf\xe9\n".to_vec()).unwrap_err();
        assert!(reason.contains("line 2") && reason.contains("0xe9") && reason.contains("UTF-8"), "{reason}");
        let reason = decode(b"\x1f\x8b\x08\x00\x00\x00".to_vec()).unwrap_err();
        assert!(reason.contains("gzip"), "{reason}");
    }
}
