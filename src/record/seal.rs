//! Checksums inside files: the SHA-256 of a file's bytes, with zeros where its own digits stand.
//!
//! So a file can be told from a damaged one without any other. What bites: a file whose checksum is gone
//! altogether looks like one that never had any; who must know asks for [`Seal::Right`].

use sha2::{Digest, Sha256};

use super::manifest::hexadecimal;

/// What stands where the digits will be.
pub(super) const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What the checksum of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// There is none: the file is of another program or an older version.
    Absent,
    /// Every bit is as it was written.
    Right,
    /// The file was damaged or changed since it was written.
    Wrong,
}

/// Puts the checksum in the place of [`BLANK`] after the last `label` in the first `head` bytes.
pub(super) fn seal(bytes: &mut [u8], head: usize, label: &str) {
    let digits = digest(bytes, None);
    if let Some(start) = place(&bytes[..head.min(bytes.len())], label) {
        bytes[start..start + BLANK.len()].copy_from_slice(digits.as_bytes());
    }
}

/// Holds the bytes against the checksum after the last `label` in the first `head` of them.
pub(super) fn check(bytes: &[u8], head: usize, label: &str) -> Seal {
    let head = &bytes[..head.min(bytes.len())];
    match place(head, label) {
        Some(start) if digest(bytes, Some(start)).as_bytes() == &head[start..start + BLANK.len()] => {
            Seal::Right
        }
        Some(_) => Seal::Wrong,
        None if last(head, label).is_some() => Seal::Wrong,
        None => Seal::Absent,
    }
}

/// SHA-256 with zeros at `start`.
fn digest(bytes: &[u8], start: Option<usize>) -> String {
    let mut hash = Sha256::new();
    match start {
        None => hash.update(bytes),
        Some(start) => {
            hash.update(&bytes[..start]);
            hash.update(BLANK);
            hash.update(&bytes[start + BLANK.len()..]);
        }
    }
    hexadecimal(&hash.finalize())
}

/// Where the digits stand.
fn place(head: &[u8], label: &str) -> Option<usize> {
    let start = last(head, label)? + label.len();
    (start + BLANK.len() <= head.len()).then_some(start)
}

fn last(head: &[u8], label: &str) -> Option<usize> {
    head.windows(label.len()).rposition(|window| window == label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_sealed_text_shows() {
        let mut bytes = format!("{{\n  \"loss\": 0.5,\n  \"sha256\": \"{BLANK}\"\n}}\n").into_bytes();
        let length = bytes.len();
        seal(&mut bytes, length, "\"sha256\": \"");
        let found = |bytes: &[u8]| check(bytes, bytes.len(), "\"sha256\": \"");
        assert_eq!(found(&bytes), Seal::Right);
        for bit in 0..8 * length {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(found(&damaged), Seal::Right, "bit {bit}");
        }
        for cut in 0..length {
            assert_ne!(found(&bytes[..cut]), Seal::Right, "cut at {cut}");
        }
    }
}
