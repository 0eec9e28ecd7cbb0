//! Tensor files: named arrays of `f32` or `f64` in the safetensors format, C order.
//!
//! Adapter of `safetensors`, which reads; the header is written here. What bites: nalgebra's matrices
//! are column-major and the files row-major, so every matrix is transposed on its way; the crate's own
//! writer puts metadata in the order of a hash map, so its bytes differ from run to run.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use nalgebra::{DMatrix, DVector, RealField};
use safetensors::tensor::TensorInfo;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde_json::{Map, Value, json};

use super::seal::{BLANK, Seal, check, seal};
use super::{RecordError, atomic};
use dyadsim_core::file;
use dyadsim_core::spec::{nearest, signature};

/// Bytes before the header: its length, as a little-endian `u64`.
const PREFIX: usize = 8;
/// Name of the checksum among the metadata.
const CHECKSUM: &str = "sha256";
/// What stands before its digits.
const SEAL: &str = "\"sha256\":\"";

/// A tensor file in memory: its layout is checked, a tensor's elements are decoded and checked when it is
/// asked for.
#[derive(Clone, Debug)]
pub struct TensorFile {
    path: PathBuf,
    /// Whether NaN and infinities are let through.
    unchecked: bool,
    bytes: Vec<u8>,
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
    seal: Seal,
}

/// Where a tensor stands in the file.
#[derive(Clone, Debug)]
struct Entry {
    element: Dtype,
    shape: Vec<usize>,
    place: Range<usize>,
}

/// Reads a tensor file; every tensor that is asked for must be finite, what is not asked for may be anything.
///
/// # Errors
/// [`RecordError::Io`] if it cannot be read, [`RecordError::Damaged`] if it is truncated or no safetensors
/// file, [`RecordError::Changed`] if it holds a checksum that does not fit.
pub fn read(path: &Path) -> Result<TensorFile, RecordError> {
    Ok(TensorFile { unchecked: false, ..read_unchecked(path)? })
}

/// As [`read`], but NaN and infinities are let through: a checkpoint may hold a run that became infinite or
/// NaN.
///
/// # Errors
/// Those of [`read`].
pub fn read_unchecked(path: &Path) -> Result<TensorFile, RecordError> {
    let bytes = file::read(path, file::TENSORS).map_err(RecordError::io("read", path))?;
    let damaged = |error| RecordError::Damaged { path: path.to_path_buf(), reason: explain(&error, &bytes) };
    let (header, layout) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
    let seal = check(&bytes, PREFIX + header, SEAL);
    if seal == Seal::Wrong {
        return Err(RecordError::Changed { path: path.to_path_buf() });
    }
    let entry = |info: &TensorInfo| {
        let (start, end) = info.data_offsets;
        let place = PREFIX + header + start..PREFIX + header + end;
        Entry { element: info.dtype, shape: info.shape.clone(), place }
    };
    let entries = layout.tensors().into_iter().map(|(name, info)| (name, entry(info))).collect();
    let metadata =
        layout.metadata().iter().flatten().map(|(key, text)| (key.clone(), text.clone())).collect();
    Ok(TensorFile { path: path.to_path_buf(), unchecked: true, bytes, entries, metadata, seal })
}

impl TensorFile {
    /// The file it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file holds its own checksum; if it does, it fits.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.seal == Seal::Right
    }

    /// Names of the tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Whether there is a tensor of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Text stored beside the tensors.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// Shape of a tensor, slowest index first.
    ///
    /// # Errors
    /// [`RecordError::MissingTensor`] with the names that exist and the nearest.
    pub fn shape(&self, name: &str) -> Result<&[usize], RecordError> {
        Ok(&self.entry(name)?.shape)
    }

    /// The matrix `name`, which must be `expected` (rows, columns).
    ///
    /// # Errors
    /// [`RecordError::MissingTensor`], [`RecordError::Shape`] with both shapes, [`RecordError::OutOfRange`].
    pub fn matrix<T: RealField + Copy>(
        &self,
        name: &str,
        expected: (usize, usize),
    ) -> Result<DMatrix<T>, RecordError> {
        let (rows, columns) = expected;
        self.expect_shape(name, &[rows, columns])?;
        Ok(DMatrix::from_row_slice(rows, columns, &self.array::<T>(name)?))
    }

    /// The vector `name`, which must have `expected` elements.
    ///
    /// # Errors
    /// Those of [`TensorFile::matrix`].
    pub fn vector<T: RealField + Copy>(
        &self,
        name: &str,
        expected: usize,
    ) -> Result<DVector<T>, RecordError> {
        self.expect_shape(name, &[expected])?;
        Ok(DVector::from_vec(self.array(name)?))
    }

    /// All elements of a tensor of any shape, in C order.
    ///
    /// # Errors
    /// [`RecordError::MissingTensor`], [`RecordError::ElementType`] for elements other than `f32` and `f64`,
    /// [`RecordError::NotFinite`] with the position of the first NaN or infinity, [`RecordError::OutOfRange`]
    /// for a double beyond the range of `f32`.
    pub fn array<T: RealField + Copy>(&self, name: &str) -> Result<Vec<T>, RecordError> {
        let entry = self.entry(name)?;
        let mut elements = Vec::with_capacity(entry.shape.iter().product());
        for (flat, value) in self.decode(name, entry)?.enumerate() {
            if !self.unchecked && !value.is_finite() {
                let (path, index) = (self.path.clone(), unravel(flat, &entry.shape));
                return Err(RecordError::NotFinite { path, tensor: name.to_owned(), index, value });
            }
            let element: T = nalgebra::convert(value);
            if value.is_finite() && !element.is_finite() {
                let (path, tensor) = (self.path.clone(), name.to_owned());
                return Err(RecordError::OutOfRange { path, tensor, value });
            }
            elements.push(element);
        }
        Ok(elements)
    }

    /// The error that names `name`, its shape and the right one.
    pub(crate) fn misshapen(&self, name: &str, expected: String) -> RecordError {
        let found = self.entries.get(name).map(|entry| entry.shape.clone()).unwrap_or_default();
        RecordError::Shape { path: self.path.clone(), tensor: name.to_owned(), found, expected }
    }

    fn expect_shape(&self, name: &str, expected: &[usize]) -> Result<(), RecordError> {
        let found = self.shape(name)?;
        if found == expected {
            return Ok(());
        }
        let transposed = found.len() == 2 && found.iter().eq(expected.iter().rev());
        let hint = if transposed { ": transposed?" } else { "" };
        Err(self.misshapen(name, format!("{expected:?}{hint}")))
    }

    fn entry(&self, name: &str) -> Result<&Entry, RecordError> {
        self.entries.get(name).ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &str) -> RecordError {
        let names: Vec<_> = self.names().collect();
        let near = nearest(name, names.iter().copied()).map(|near| format!("; the nearest is `{near}`"));
        let advice = match names.as_slice() {
            [] => "the file holds none".to_owned(),
            names => format!("the file holds {}{}", names.join(", "), near.unwrap_or_default()),
        };
        RecordError::MissingTensor { path: self.path.clone(), tensor: name.to_owned(), advice }
    }

    /// The elements in C order; a single is exact as a double.
    fn decode(&self, name: &str, entry: &Entry) -> Result<Box<dyn Iterator<Item = f64> + '_>, RecordError> {
        let bytes = &self.bytes[entry.place.clone()]; // in range: the layout was checked against the file
        match entry.element {
            Dtype::F64 => Ok(Box::new(bytes.as_chunks().0.iter().map(|chunk| f64::from_le_bytes(*chunk)))),
            Dtype::F32 => {
                Ok(Box::new(bytes.as_chunks().0.iter().map(|chunk| f64::from(f32::from_le_bytes(*chunk)))))
            }
            other => {
                let (path, dtype) = (self.path.clone(), other.to_string());
                Err(RecordError::ElementType { path, tensor: name.to_owned(), dtype })
            }
        }
    }
}

/// Tensors and text on their way into a file; the bytes do not depend on the order of adding.
///
/// A second tensor of the same name replaces the first. `__metadata__` is no name for a tensor.
#[derive(Clone, Debug, Default)]
pub struct TensorWriter {
    tensors: BTreeMap<String, Pending>,
    metadata: BTreeMap<String, String>,
}

/// A tensor in the bytes of the file.
#[derive(Clone, Debug)]
struct Pending {
    double: bool,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl TensorWriter {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a matrix, `[rows, columns]` in the file, with elements of `T`'s own width.
    pub fn matrix<T: RealField + Copy>(&mut self, name: &str, matrix: &DMatrix<T>) {
        let shape = vec![matrix.nrows(), matrix.ncols()];
        self.add(name, shape, matrix.transpose().iter().copied());
    }

    /// Adds a vector.
    pub fn vector<T: RealField + Copy>(&mut self, name: &str, vector: &[T]) {
        self.add(name, vec![vector.len()], vector.iter().copied());
    }

    /// Adds an array of any shape, given in C order.
    ///
    /// # Errors
    /// [`RecordError::ElementCount`] if `shape` has not as many elements as are given.
    pub fn array<T: RealField + Copy>(
        &mut self,
        name: &str,
        shape: &[usize],
        elements: &[T],
    ) -> Result<(), RecordError> {
        if shape.iter().product::<usize>() != elements.len() {
            let (tensor, shape, found) = (name.to_owned(), shape.to_vec(), elements.len());
            return Err(RecordError::ElementCount { tensor, shape, found });
        }
        self.add(name, shape.to_vec(), elements.iter().copied());
        Ok(())
    }

    /// Stores text beside the tensors.
    pub fn metadata(&mut self, key: &str, text: &str) {
        self.metadata.insert(key.to_owned(), text.to_owned());
    }

    /// The bytes of the file, its checksum among the metadata: doubles before singles (so that all stay
    /// aligned), then by name.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut tensors: Vec<_> = self.tensors.iter().collect();
        tensors.sort_by_key(|(_, tensor)| !tensor.double); // stable: the names stay sorted
        let mut metadata = self.metadata.clone();
        metadata.insert(CHECKSUM.to_owned(), BLANK.to_owned());
        let mut header = Map::new();
        header.insert("__metadata__".to_owned(), json!(metadata));
        let mut end = 0;
        for (name, tensor) in &tensors {
            let (start, dtype) = (end, if tensor.double { "F64" } else { "F32" });
            end += tensor.bytes.len();
            let entry = json!({"dtype": dtype, "shape": tensor.shape, "data_offsets": [start, end]});
            header.insert((*name).clone(), entry);
        }
        let mut header = Value::Object(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(PREFIX), b' ');
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        let head = PREFIX + header.len();
        bytes.append(&mut header);
        for (_, tensor) in tensors {
            bytes.extend_from_slice(&tensor.bytes);
        }
        seal(&mut bytes, head, SEAL);
        bytes
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), RecordError> {
        atomic::write(path, &self.to_bytes())
    }

    fn add<T: RealField + Copy>(&mut self, name: &str, shape: Vec<usize>, elements: impl Iterator<Item = T>) {
        let double = size_of::<T>() == size_of::<f64>(); // the only other real field here is f32
        let mut bytes = Vec::new();
        for element in elements {
            let value: f64 = nalgebra::convert_unchecked(element);
            if double {
                bytes.extend_from_slice(&value.to_le_bytes());
            } else {
                bytes.extend_from_slice(&(value as f32).to_le_bytes()); // exact: it came from an f32
            }
        }
        self.tensors.insert(name.to_owned(), Pending { double, shape, bytes });
    }
}

/// Position of element number `flat` (C order) in an array of this shape.
fn unravel(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (place, &size) in index.iter_mut().zip(shape).rev() {
        (*place, flat) = (flat % size, flat / size);
    }
    index
}

/// What is wrong with a file, in words that help its owner.
fn explain(error: &SafeTensorError, bytes: &[u8]) -> String {
    let size = bytes.len();
    let promised = bytes.first_chunk().map_or(0, |prefix| u64::from_le_bytes(*prefix));
    if let Some(what) = signature(bytes) {
        return format!("it is {what}, not a safetensors file");
    }
    match error {
        SafeTensorError::HeaderTooSmall => format!("{size} bytes are too few; it is empty or truncated"),
        SafeTensorError::HeaderTooLarge => format!("a header of {promised} bytes: not a safetensors file"),
        SafeTensorError::InvalidHeaderLength => {
            format!(
                "{size} bytes do not hold the header of {promised} bytes; it is truncated or not safetensors"
            )
        }
        SafeTensorError::MetadataIncompleteBuffer => {
            format!("its {size} bytes are not as many as its header says; it is truncated or damaged")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "tensors_tests.rs"]
mod tests;
