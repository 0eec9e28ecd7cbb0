//! Tests of the tensor files; the reader of the safetensors crate is the reference for our writer.

use super::*;
use nalgebra::{dmatrix, dvector};
use safetensors::tensor::{TensorView, serialize};
use std::collections::HashMap;
use std::fs;

fn file_of(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.safetensors");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn sample() -> TensorWriter {
    let mut writer = TensorWriter::new();
    writer.vector("b.1", &[0.5_f32, -0.25, 3e38]);
    writer.matrix("W.1", &dmatrix![1.0, 2.0; 3.0, 4.0; 5.0, 6.0]);
    writer.metadata("zeta", "ä \"quoted\"");
    writer.metadata("alpha", "1");
    writer
}

/// The bytes that the safetensors crate makes of one tensor.
fn foreign(name: &str, dtype: Dtype, shape: Vec<usize>, bytes: &[u8]) -> Vec<u8> {
    serialize(HashMap::from([(name, TensorView::new(dtype, shape, bytes).unwrap())]), None).unwrap()
}

#[test]
fn the_safetensors_crate_reads_our_files_in_c_order() {
    let bytes = sample().to_bytes();
    let theirs = SafeTensors::deserialize(&bytes).unwrap();
    let matrix = theirs.tensor("W.1").unwrap();
    assert_eq!((matrix.dtype(), matrix.shape()), (Dtype::F64, &[3, 2][..]));
    let numbers = matrix.data().as_chunks().0.iter().map(|chunk| f64::from_le_bytes(*chunk));
    assert_eq!(numbers.collect::<Vec<_>>(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]); // rows one after the other
    assert_eq!(theirs.tensor("b.1").unwrap().dtype(), Dtype::F32);
}

#[test]
fn our_bytes_are_those_of_the_safetensors_crate() {
    let mut writer = TensorWriter::new();
    writer.vector("v", &[1.5_f64, -2.0]);
    let data: Vec<u8> = [1.5_f64, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let ours = writer.to_bytes();
    let (_folder, path) = file_of(&ours);
    let sum = read(&path).unwrap().metadata("sha256").unwrap().to_owned();
    let view = safetensors::tensor::TensorView::new(Dtype::F64, vec![2], &data).unwrap();
    let metadata = std::collections::HashMap::from([("sha256".to_owned(), sum)]);
    assert_eq!(ours, safetensors::serialize([("v", view)], Some(metadata)).unwrap());
}

#[test]
fn a_flipped_bit_is_an_error_or_changes_no_number() {
    let bytes = sample().to_bytes();
    let (_folder, path) = file_of(&bytes);
    let numbers = |file: &TensorFile| {
        let names: Vec<_> = file.names().map(str::to_owned).collect();
        names.iter().map(|name| (name.clone(), file.array::<f64>(name).unwrap())).collect::<Vec<_>>()
    };
    let whole = read(&path).unwrap();
    assert!(whole.is_sealed());
    for bit in 0..8 * bytes.len() {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, damaged).unwrap();
        if let Ok(file) = read(&path) {
            assert!(!file.is_sealed() && numbers(&file) == numbers(&whole), "bit {bit}");
        }
    }
}

#[test]
fn tensors_and_text_come_back() {
    let (_folder, path) = file_of(&sample().to_bytes());
    let file = read(&path).unwrap();
    assert_eq!(file.names().collect::<Vec<_>>(), ["W.1", "b.1"]);
    assert_eq!(file.shape("W.1").unwrap(), [3, 2]);
    assert_eq!(file.matrix::<f64>("W.1", (3, 2)).unwrap(), dmatrix![1.0, 2.0; 3.0, 4.0; 5.0, 6.0]);
    assert_eq!(file.vector::<f32>("b.1", 3).unwrap(), dvector![0.5, -0.25, 3e38]);
    assert_eq!(file.metadata("zeta"), Some("ä \"quoted\""));
    assert_eq!(file.metadata("eta"), None);
}

#[test]
fn the_order_of_adding_does_not_change_the_bytes() {
    let mut other = TensorWriter::new();
    other.metadata("alpha", "1");
    other.matrix("W.1", &dmatrix![1.0, 2.0; 3.0, 4.0; 5.0, 6.0]);
    other.vector("b.1", &[0.5_f32, -0.25, 3e38]);
    other.metadata("zeta", "ä \"quoted\"");
    assert_eq!(sample().to_bytes(), other.to_bytes());
}

#[test]
fn a_file_cut_at_any_byte_is_an_error_that_names_it() {
    let bytes = sample().to_bytes();
    for length in 0..bytes.len() {
        let (_folder, path) = file_of(&bytes[..length]);
        let text = read(&path).unwrap_err().to_string();
        assert!(text.contains("some.safetensors") && text.contains("truncated"), "{length} bytes: {text}");
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_header_never_panics() {
    let bytes = sample().to_bytes();
    let (_folder, path) = file_of(&bytes);
    let header = bytes.len() - 60; // the data are six doubles and three singles
    for bit in 0..8 * header {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bytes).unwrap();
        if let Ok(file) = read(&path) {
            for name in file.names() {
                let read = file.array::<f64>(name); // a changed name, text or element type
                assert!(matches!(read, Ok(_) | Err(RecordError::ElementType { .. })), "{name}: {read:?}");
            }
        }
    }
}

#[test]
fn a_file_of_another_kind_is_an_error() {
    let (_folder, path) = file_of(b"\x89PNG\r\n\x1a\n and so on");
    assert!(read(&path).unwrap_err().to_string().contains("not a safetensors file"));
    let missing = path.with_file_name("missing");
    assert!(matches!(read(&missing), Err(RecordError::Io { action: "read", .. })));
}

#[test]
fn other_element_types_are_named_with_those_accepted() {
    for (dtype, width) in [(Dtype::F16, 2), (Dtype::BF16, 2), (Dtype::I64, 8), (Dtype::BOOL, 1)] {
        let (_folder, path) = file_of(&foreign("W.1", dtype, vec![3], &vec![0; 3 * width]));
        let text = read(&path).unwrap().array::<f64>("W.1").unwrap_err().to_string();
        assert!(text.ends_with(&format!("`W.1` holds {dtype}; F32 and F64 are accepted")), "{text}");
    }
}

#[test]
fn a_packed_file_or_one_of_another_program_is_told_by_what_it_is() {
    for (bytes, what) in [(&b"\x1f\x8b\x08\x00 and so on"[..], "gzip"), (b"PK\x03\x04 and so on", "PyTorch")]
    {
        let (_folder, path) = file_of(bytes);
        let text = read(&path).unwrap_err().to_string();
        assert!(text.contains(what) && text.contains("not a safetensors file"), "{text}");
    }
}

#[test]
fn a_tensor_that_is_not_asked_for_may_hold_anything() {
    let views = [("x", Dtype::F64, 8), ("labels", Dtype::I64, 8), ("mask", Dtype::BOOL, 1)];
    let (data, nan) = ([0; 16], [f64::NAN.to_le_bytes(), 0.5_f64.to_le_bytes()].concat());
    let view = |dtype, width: usize| TensorView::new(dtype, vec![2], &data[..2 * width]).unwrap();
    let mut tensors: HashMap<_, _> =
        views.into_iter().map(|(name, dtype, width)| (name, view(dtype, width))).collect();
    tensors.insert("state", TensorView::new(Dtype::F64, vec![2], &nan).unwrap());
    let (_folder, path) = file_of(&serialize(tensors, None).unwrap());
    let file = read(&path).unwrap();
    assert_eq!(file.array::<f64>("x").unwrap(), [0.0, 0.0]);
    assert!(matches!(file.array::<f64>("labels"), Err(RecordError::ElementType { .. })));
    assert!(matches!(file.array::<f64>("state"), Err(RecordError::NotFinite { .. })));
}

#[test]
fn a_number_that_is_not_finite_is_named_with_its_place() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut writer = sample();
        let mut elements = [0.0; 24];
        elements[17] = bad; // 17 = (1·3 + 1)·4 + 1
        writer.array("t", &[2, 3, 4], &elements).unwrap();
        let (_folder, path) = file_of(&writer.to_bytes());
        let text = read(&path).unwrap().array::<f64>("t").unwrap_err().to_string();
        assert!(text.contains(&format!("`t` holds {bad} at [1, 1, 1]")), "{text}");
        let kept = read_unchecked(&path).unwrap().array::<f64>("t").unwrap();
        assert_eq!(kept[17].to_bits(), bad.to_bits());
    }
}

#[test]
fn a_wrong_shape_is_named_with_both() {
    let (_folder, path) = file_of(&sample().to_bytes());
    let file = read(&path).unwrap();
    let text = file.matrix::<f64>("W.1", (2, 3)).unwrap_err().to_string();
    assert!(text.contains("`W.1` has shape [3, 2], expected [2, 3]"), "{text}");
    let text = file.vector::<f64>("W.1", 6).unwrap_err().to_string();
    assert!(text.contains("`W.1` has shape [3, 2], expected [6]"), "{text}");
    assert!(TensorWriter::new().array("t", &[2, 2], &[1.0]).is_err());
}

#[test]
fn a_missing_tensor_is_named_with_those_there_are_and_the_nearest() {
    let (_folder, path) = file_of(&sample().to_bytes());
    let text = read(&path).unwrap().vector::<f64>("b1", 3).unwrap_err().to_string();
    assert!(text.ends_with("no tensor `b1`; the file holds W.1, b.1; the nearest is `b.1`"), "{text}");
    let text = read(&path).unwrap().shape("targets").unwrap_err().to_string();
    assert!(text.ends_with("no tensor `targets`; the file holds W.1, b.1"), "a far name is no help: {text}");
}

#[test]
fn a_double_beyond_single_range_is_an_error_not_an_infinity() {
    let mut writer = TensorWriter::new();
    writer.vector("b.1", &[1e39]);
    let (_folder, path) = file_of(&writer.to_bytes());
    let file = read(&path).unwrap();
    assert!(file.vector::<f32>("b.1", 1).unwrap_err().to_string().contains("1e39, too large for f32"));
    assert_eq!(file.vector::<f64>("b.1", 1).unwrap()[0], 1e39);
}
