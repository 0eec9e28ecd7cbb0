//! Checkpoints: one file per run, tensors (weights, moments) and a record (epoch, rows so far).
//!
//! A tensor file whose metadata hold the record. The record is CBOR in hexadecimal, not JSON: JSON has no
//! NaN and no infinity, and the rows of a run that left the numbers are full of them; TOML has no
//! nulls and no integers above 2⁶³. The file holds its own checksum, and the checkpoint before stays beside
//! it, so that damage costs an epoch and never a number. Adapter of `ciborium`.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::manifest::hexadecimal;
use super::tensors::{TensorFile, TensorWriter, read_unchecked};
use super::{RecordError, atomic};

/// Key of the record among the metadata.
const RECORD: &str = "record.cbor";

/// What was found where a checkpoint may be.
#[derive(Debug)]
pub enum Loaded<M> {
    /// A whole checkpoint.
    Found(TensorFile, M),
    /// None yet.
    Absent,
    /// One that cannot be used: start over, and warn with this message.
    Unusable(RecordError),
}

/// Writes a checkpoint, whole or not at all, and keeps the one before as [`previous`]; every number of
/// `record` and `tensors` is kept to the bit (of a NaN, only that it is one).
///
/// # Errors
/// [`RecordError::Io`], or [`RecordError::Document`] if `record` cannot be encoded.
pub fn save<M: Serialize>(path: &Path, mut tensors: TensorWriter, record: &M) -> Result<(), RecordError> {
    let mut bytes = Vec::new();
    ciborium::into_writer(record, &mut bytes).map_err(|error| wrong(path, error.to_string()))?;
    tensors.metadata(RECORD, &hexadecimal(&bytes));
    atomic::rotate(path, &previous(path), &tensors.to_bytes())
}

/// Where the checkpoint before the one at `path` is kept: `RUN.previous.ckpt`.
#[must_use]
pub fn previous(path: &Path) -> PathBuf {
    path.with_extension("previous.ckpt")
}

/// Reads the checkpoint at `path`, or, if that is damaged or not there, the one before; with the reason in
/// case of damage.
///
/// # Errors
/// Those of [`load`].
pub fn load_newest<M: DeserializeOwned>(
    path: &Path,
) -> Result<(Loaded<M>, Option<RecordError>), RecordError> {
    let reason = match load(path)? {
        Loaded::Unusable(reason) => reason,
        Loaded::Absent => return Ok((load(&previous(path))?, None)), // killed between two renames
        found @ Loaded::Found(..) => return Ok((found, None)),
    };
    match load(&previous(path))? {
        found @ Loaded::Found(..) => Ok((found, Some(reason))),
        _ => Ok((Loaded::Unusable(reason), None)),
    }
}

/// Reads the checkpoint at `path`; a damaged one or one of another version is no error but a warning.
///
/// # Errors
/// [`RecordError::Io`] if there is a file that cannot be read.
pub fn load<M: DeserializeOwned>(path: &Path) -> Result<Loaded<M>, RecordError> {
    let file = match read_unchecked(path) {
        Ok(file) => file,
        Err(RecordError::Io { reason, .. }) if reason.kind() == io::ErrorKind::NotFound => {
            return Ok(Loaded::Absent);
        }
        Err(error @ RecordError::Io { .. }) => return Err(error),
        Err(error) => return Ok(Loaded::Unusable(error)),
    };
    match decode(&file) {
        Ok(record) => Ok(Loaded::Found(file, record)),
        Err(reason) => Ok(Loaded::Unusable(wrong(path, reason))),
    }
}

fn decode<M: DeserializeOwned>(file: &TensorFile) -> Result<M, String> {
    if !file.is_sealed() {
        return Err("no checksum: damaged, or written by another version".to_owned());
    }
    let digits = file.metadata(RECORD).ok_or("a tensor file, but no checkpoint")?;
    let bytes = from_hexadecimal(digits).ok_or("the record of the checkpoint is damaged")?;
    ciborium::from_reader(&bytes[..]).map_err(|error| format!("the record of the checkpoint: {error}"))
}

fn from_hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

fn wrong(path: &Path, reason: String) -> RecordError {
    RecordError::Document { path: path.to_path_buf(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;
    use std::fs;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Progress {
        epoch: u64,
        losses: Vec<f64>,
        angles: Vec<Option<f64>>,
        settings: std::collections::BTreeMap<String, serde_json::Value>,
    }

    fn sample(losses: Vec<f64>) -> Progress {
        let settings = [("nudge.beta".to_owned(), serde_json::json!(0.1)), ("none".to_owned(), ().into())];
        Progress { epoch: u64::MAX, losses, angles: vec![None, Some(90.0)], settings: settings.into() }
    }

    fn moments() -> TensorWriter {
        let mut tensors = TensorWriter::new();
        tensors.vector("moment", &[1.0, f64::NAN]);
        tensors
    }

    #[test]
    fn nan_infinity_and_missing_values_survive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dp-s1.ckpt");
        let losses = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324, 0.1];
        save(&path, moments(), &sample(losses.clone())).unwrap();
        let Loaded::Found(file, found) = load::<Progress>(&path).unwrap() else { panic!("not found") };
        assert!(found.losses[0].is_nan() && file.array::<f64>("moment").unwrap()[1].is_nan());
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found.losses[1..]), bits(&losses[1..]));
        assert_eq!((found.epoch, &found.angles), (u64::MAX, &vec![None, Some(90.0)]));
        assert_eq!(found.settings, sample(losses).settings);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn every_number_comes_back_to_the_bit(losses in proptest::collection::vec(any::<f64>(), 0..20)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("run.ckpt");
            save(&path, TensorWriter::new(), &sample(losses.clone())).unwrap();
            let Loaded::Found(_, found) = load::<Progress>(&path).unwrap() else { panic!("not found") };
            for (found, saved) in found.losses.iter().zip(losses) {
                prop_assert_eq!(found.to_bits(), saved.to_bits());
            }
        }
    }

    #[test]
    fn a_checkpoint_cut_at_any_byte_is_unusable_and_no_checkpoint_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.ckpt");
        assert!(matches!(load::<Progress>(&path).unwrap(), Loaded::Absent));
        save(&path, moments(), &sample(vec![0.5])).unwrap();
        let bytes = fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            let Loaded::Unusable(warning) = load::<Progress>(&path).unwrap() else { panic!("{length}") };
            assert!(warning.to_string().contains("run.ckpt"));
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_gives_the_checkpoint_before_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.ckpt");
        save(&path, moments(), &Progress { epoch: 1, ..sample(vec![0.5]) }).unwrap();
        save(&path, moments(), &Progress { epoch: 2, ..sample(vec![0.25]) }).unwrap();
        let bytes = fs::read(&path).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, damaged).unwrap();
            let (Loaded::Found(_, found), Some(_)) = load_newest::<Progress>(&path).unwrap() else {
                panic!("bit {bit}")
            };
            assert_eq!((found.epoch, found.losses), (1, vec![0.5]), "bit {bit}");
        }
        fs::remove_file(&path).unwrap();
        assert!(matches!(load_newest::<Progress>(&path).unwrap(), (Loaded::Found(..), None)));
    }

    #[test]
    fn a_record_of_another_version_is_unusable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.ckpt");
        save(&path, moments(), &"only text").unwrap();
        assert!(matches!(load::<Progress>(&path).unwrap(), Loaded::Unusable(_)));
        moments().write(&path).unwrap(); // no record at all
        assert!(matches!(load::<Progress>(&path).unwrap(), Loaded::Unusable(_)));
    }

    #[test]
    fn the_same_state_gives_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a.ckpt", "b.ckpt"].map(|name| {
            let path = folder.path().join(name);
            save(&path, moments(), &sample(vec![0.1])).unwrap();
            fs::read(path).unwrap()
        });
        assert_eq!(a, b);
    }
}
