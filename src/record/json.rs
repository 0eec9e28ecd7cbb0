//! JSON documents (`summary.json`, `manifest.json`): indented, one newline at the end.
//!
//! What bites: JSON has no NaN and no infinity, both become `null`; what must keep them goes into a
//! table or a checkpoint. Any other number reads back to the bit (`float_roundtrip` of `serde_json`).

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::seal::{BLANK, Seal, check, seal};
use super::{RecordError, atomic};
use dyadsim_core::file;

/// What stands before the digits of the checksum, the last entry of a sealed document.
const LABEL: &str = "\"sha256\": \"";

/// A document, and what its checksum says.
#[derive(Clone, Debug)]
pub struct Sealed<D> {
    /// What was read.
    pub document: D,
    /// Whether it is as it was written.
    pub seal: Seal,
}

/// A document with a place for its checksum.
#[derive(Serialize)]
struct Open<'a, D> {
    #[serde(flatten)]
    document: &'a D,
    sha256: &'static str,
}

/// Writes `document` to `path`, whole or not at all; keys stand in the order of the fields.
///
/// # Errors
/// [`RecordError::Io`], or [`RecordError::Document`] for a map whose keys are not text.
pub fn write_json<D: Serialize>(path: &Path, document: &D) -> Result<(), RecordError> {
    let mut bytes = serde_json::to_vec_pretty(document).map_err(|error| wrong(path, &error))?;
    bytes.push(b'\n');
    atomic::write(path, &bytes)
}

/// Writes `document`, which must be a map, with its own checksum as the last entry `sha256`.
///
/// # Errors
/// Those of [`write_json`].
pub fn write_sealed<D: Serialize>(path: &Path, document: &D) -> Result<(), RecordError> {
    let open = Open { document, sha256: BLANK };
    let mut bytes = serde_json::to_vec_pretty(&open).map_err(|error| wrong(path, &error))?;
    bytes.push(b'\n');
    let length = bytes.len();
    seal(&mut bytes, length, LABEL);
    atomic::write(path, &bytes)
}

/// Reads a document that [`write_sealed`] wrote; one without a checksum is read, too.
///
/// # Errors
/// Those of [`read_json`].
pub fn read_sealed<D: DeserializeOwned>(path: &Path) -> Result<Sealed<D>, RecordError> {
    let bytes = file::read(path, file::TABLE).map_err(RecordError::io("read", path))?;
    let document = serde_json::from_slice(&bytes).map_err(|error| wrong(path, &error))?;
    Ok(Sealed { document, seal: check(&bytes, bytes.len(), LABEL) })
}

/// Reads a document that [`write_json`] wrote.
///
/// # Errors
/// [`RecordError::Io`], or [`RecordError::Document`] with line, column and what was expected there.
pub fn read_json<D: DeserializeOwned>(path: &Path) -> Result<D, RecordError> {
    let bytes = file::read(path, file::TABLE).map_err(RecordError::io("read", path))?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(path, &error))
}

fn wrong(path: &Path, error: &serde_json::Error) -> RecordError {
    RecordError::Document { path: path.to_path_buf(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    #[test]
    fn documents_are_indented_end_in_a_newline_and_have_null_for_nan() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.json");
        write_json(&path, &serde_json::json!({"name": "x", "loss": [0.1, f64::NAN]})).unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(text, "{\n  \"name\": \"x\",\n  \"loss\": [\n    0.1,\n    null\n  ]\n}\n");
    }

    #[test]
    fn a_broken_document_is_named_with_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.json");
        fs::write(&path, "{\n  \"name\": }").unwrap();
        let text = read_json::<serde_json::Value>(&path).unwrap_err().to_string();
        assert!(text.contains("summary.json") && text.contains("line 2"), "{text}");
    }

    proptest! {
        #[test]
        fn finite_numbers_read_back_to_the_bit(value in any::<f64>()) {
            let text = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), value.to_bits());
        }
    }
}
