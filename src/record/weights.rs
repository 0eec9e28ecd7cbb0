//! Weight files and batches: which tensors a network has, and their shapes.
//!
//! `W.k` is `[n_k, n_{k-1}]`, `b.k` is `[n_k]`, `F.k` as `W.k` where the feedback synapses are their own,
//! and `L.k` `[n_k, n_k]` where neurons of a layer speak to each other. What bites: `F.1` would lead into
//! the input, which nothing drives; files may leave it out.

use std::path::Path;

use nalgebra::DMatrix;

use super::RecordError;
use super::layer_names::check_names;
use super::tensors::{self, TensorFile, TensorWriter};
use super::trained::Trained;
use dyadsim_core::chip::{Weights, close_lateral};
use dyadsim_core::matrix::Real;
use dyadsim_core::spec::{CircuitSpec, FeedbackSynapses, LARGEST_LAYER};

/// Reads a weight file; `network` (neurons per layer, input first) is taken from the file if `None`.
///
/// A file with any `F.k` must have all from `F.2` on; a missing `F.1` is read as zeros. One with any `L.k`
/// must have all.
///
/// # Errors
/// Those of [`tensors::read`] and [`TensorFile::array`]; [`RecordError::CountedFromZero`] and
/// [`RecordError::LayerName`] for names that only look like a layer's; [`RecordError::MissingTensor`],
/// [`RecordError::Shape`] where a shape does not follow from the layer before or from `network`,
/// [`RecordError::ExtraTensor`] beyond the last layer, [`RecordError::LayerSize`] before any shape if the
/// file decides on the network.
pub fn read_weights<T: Real>(path: &Path, network: Option<&[usize]>) -> Result<Weights<T>, RecordError> {
    assemble(&tensors::read(path)?, network)
}

/// As [`read_weights`], but NaN and infinities are let through: what a run that diverged has learned.
///
/// # Errors
/// Those of [`read_weights`] but [`RecordError::NotFinite`].
pub fn read_weights_unchecked<T: Real>(
    path: &Path,
    network: Option<&[usize]>,
) -> Result<Weights<T>, RecordError> {
    assemble(&tensors::read_unchecked(path)?, network)
}

/// The weights of an opened file.
fn assemble<T: Real>(file: &TensorFile, network: Option<&[usize]>) -> Result<Weights<T>, RecordError> {
    check_names(file)?;
    let network = match network {
        Some(network) => network.to_vec(),
        None => infer_network(file)?,
    };
    refuse_extra_layers(file, network.len().saturating_sub(1))?;
    let mut weights = Weights { forward: Vec::new(), biases: Vec::new(), feedback: None, lateral: None };
    for (layer, pair) in (1..).zip(network.windows(2)) {
        weights.forward.push(file.matrix(&format!("W.{layer}"), (pair[1], pair[0]))?);
        weights.biases.push(file.vector::<T>(&format!("b.{layer}"), pair[1])?.as_slice().to_vec());
    }
    if file.names().any(|name| layer_of(name, "F.").is_some()) {
        weights.feedback = Some(read_feedback(file, &network)?);
    }
    if file.names().any(|name| layer_of(name, "L.").is_some()) {
        let layers = (1..).zip(&network[1..]);
        let read = layers.map(|(layer, &n)| file.matrix(&format!("L.{layer}"), (n, n)));
        weights.lateral = Some(read.collect::<Result<_, _>>()?);
    }
    Ok(weights)
}

/// Writes a weight file, whole or not at all, in the width of `T`.
///
/// # Errors
/// [`RecordError::Io`].
pub fn write_weights<T: Real>(path: &Path, weights: &Weights<T>) -> Result<(), RecordError> {
    let mut writer = TensorWriter::new();
    add_weights(&mut writer, weights);
    writer.write(path)
}

/// The same with what they were trained on.
///
/// # Errors
/// [`RecordError::Io`].
pub fn write_trained<T: Real>(
    path: &Path,
    weights: &Weights<T>,
    trained: &Trained,
) -> Result<(), RecordError> {
    let mut writer = TensorWriter::new();
    add_weights(&mut writer, weights);
    trained.add_to(&mut writer);
    writer.write(path)
}

/// Adds `W.k`, `b.k` and, if there are any, `F.k` and `L.k` to a file being made.
pub fn add_weights<T: Real>(writer: &mut TensorWriter, weights: &Weights<T>) {
    for (layer, matrix) in (1..).zip(&weights.forward) {
        writer.matrix(&format!("W.{layer}"), matrix);
    }
    for (layer, bias) in (1..).zip(&weights.biases) {
        writer.vector(&format!("b.{layer}"), bias);
    }
    for (layer, matrix) in (1..).zip(weights.feedback.iter().flatten()) {
        writer.matrix(&format!("F.{layer}"), matrix);
    }
    for (layer, matrix) in (1..).zip(weights.lateral.iter().flatten()) {
        writer.matrix(&format!("L.{layer}"), matrix);
    }
}

/// Reads the tensor `name` (`x`: inputs, `y`: targets; V) as `[samples × width]`; any width if `None`.
///
/// # Errors
/// Those of [`tensors::read`], [`RecordError::MissingTensor`], [`RecordError::Shape`] with both shapes.
pub fn read_batch(path: &Path, name: &str, width: Option<usize>) -> Result<DMatrix<f64>, RecordError> {
    let file = tensors::read(path)?;
    match (file.shape(name)?, width) {
        (&[samples, found], width) if width.is_none_or(|width| width == found) => {
            file.matrix(name, (samples, found))
        }
        (_, Some(width)) => Err(file.misshapen(name, format!("[samples, {width}]"))),
        (_, None) => Err(file.misshapen(name, "[samples, width]".to_owned())),
    }
}

/// The network that the shapes of `W.1` to the last `W.k` describe.
fn infer_network(file: &TensorFile) -> Result<Vec<usize>, RecordError> {
    let last = file.names().filter_map(|name| layer_of(name, "W.")).max().unwrap_or(1);
    let mut network = Vec::new();
    for layer in 1..=last {
        let name = format!("W.{layer}");
        let &[rows, columns] = file.shape(&name)? else {
            return Err(file.misshapen(&name, format!("[n_{layer}, n_{}]", layer - 1)));
        };
        if layer == 1 {
            network.push(columns);
        }
        network.push(rows); // whether `columns` fits the layer before is checked when the matrix is read
    }
    let refused = |(_, neurons): &(usize, &usize)| !(1..=LARGEST_LAYER).contains(*neurons);
    match network.iter().enumerate().find(refused) {
        None => Ok(network),
        Some((layer, &neurons)) => {
            Err(RecordError::LayerSize { path: file.path().to_path_buf(), layer, neurons })
        }
    }
}

fn refuse_extra_layers(file: &TensorFile, layers: usize) -> Result<(), RecordError> {
    let layer = |name: &str| ["W.", "b.", "F.", "L."].iter().find_map(|kind| layer_of(name, kind));
    match file.names().find(|name| layer(name).is_some_and(|layer| layer > layers)) {
        None => Ok(()),
        Some(name) => {
            Err(RecordError::ExtraTensor { path: file.path().to_path_buf(), tensor: name.to_owned(), layers })
        }
    }
}

/// Refuses weights of a file whose feedback synapses are not those that the circuit has.
///
/// # Errors
/// [`RecordError::StrayFeedback`], [`RecordError::MissingFeedback`].
pub fn fit_feedback<T: Real>(
    path: &Path,
    weights: &Weights<T>,
    synapses: FeedbackSynapses,
) -> Result<(), RecordError> {
    let path = || path.to_path_buf();
    match (synapses, &weights.feedback) {
        (FeedbackSynapses::Shared, Some(_)) => Err(RecordError::StrayFeedback { path: path() }),
        (FeedbackSynapses::Separate, None) if weights.forward.len() > 1 => {
            Err(RecordError::MissingFeedback { path: path() })
        }
        _ => Ok(()),
    }
}

/// Refuses weights of a file whose lateral synapses are not such as the circuit has.
///
/// # Errors
/// [`RecordError::StrayLateral`], [`RecordError::MissingLateral`], [`RecordError::LateralForm`].
pub(crate) fn fit_lateral<T: Real>(
    path: &Path,
    weights: &Weights<T>,
    circuit: &CircuitSpec,
) -> Result<(), RecordError> {
    let path = || path.to_path_buf();
    let Some(lateral) = &weights.lateral else {
        return if circuit.lateral { Err(RecordError::MissingLateral { path: path() }) } else { Ok(()) };
    };
    if !circuit.lateral {
        return Err(RecordError::StrayLateral { path: path() });
    }
    let shared = circuit.feedback.synapses == FeedbackSynapses::Shared;
    for (layer, found) in (1..).zip(lateral) {
        let mut closed = found.clone();
        close_lateral(&mut closed, shared);
        if closed != *found {
            let wanted =
                if shared { "symmetric, with zeros on the diagonal" } else { "zeros on the diagonal" };
            return Err(RecordError::LateralForm { path: path(), tensor: format!("L.{layer}"), wanted });
        }
    }
    Ok(())
}

fn read_feedback<T: Real>(file: &TensorFile, network: &[usize]) -> Result<Vec<DMatrix<T>>, RecordError> {
    let mut feedback = Vec::new();
    for (layer, pair) in (1..).zip(network.windows(2)) {
        let (name, shape) = (format!("F.{layer}"), (pair[1], pair[0]));
        let absent = layer == 1 && !file.contains(&name);
        feedback.push(if absent { DMatrix::zeros(shape.0, shape.1) } else { file.matrix(&name, shape)? });
    }
    Ok(feedback)
}

/// The layer (from 1) of a name like `W.3`, written as this room writes it.
fn layer_of(name: &str, kind: &str) -> Option<usize> {
    let digits = name.strip_prefix(kind)?;
    digits.parse().ok().filter(|layer: &usize| *layer > 0 && layer.to_string() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::dmatrix;
    use std::path::PathBuf;

    fn sample() -> Weights<f64> {
        Weights {
            forward: vec![dmatrix![1.0, 2.0; 3.0, 4.0; 5.0, 6.0], dmatrix![7.0, 8.0, 9.0]],
            biases: vec![vec![0.1, 0.2, 0.3], vec![0.4]],
            feedback: None,
            lateral: None,
        }
    }

    /// Writes a weight file after `change` and gives its folder and path.
    fn file(change: impl FnOnce(&mut TensorWriter)) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let mut writer = TensorWriter::new();
        add_weights(&mut writer, &sample());
        change(&mut writer);
        writer.write(&path).unwrap();
        (folder, path)
    }

    fn message(change: impl FnOnce(&mut TensorWriter), network: Option<&[usize]>) -> String {
        let (_folder, path) = file(change);
        read_weights::<f64>(&path, network).unwrap_err().to_string()
    }

    #[test]
    fn weights_come_back_as_they_were_written_with_or_without_the_network() {
        let (_folder, path) = file(|_| ());
        assert_eq!(read_weights(&path, None).unwrap(), sample());
        assert_eq!(read_weights(&path, Some(&[2, 3, 1])).unwrap(), sample());
        let single: Weights<f32> = read_weights(&path, None).unwrap();
        assert_eq!(single.biases[1][0], 0.4_f32);
    }

    #[test]
    fn only_the_unchecked_reader_takes_what_is_not_finite() {
        let (_folder, path) = file(|writer| writer.vector("b.2", &[f64::NAN]));
        let text = read_weights::<f64>(&path, None).unwrap_err().to_string();
        assert!(text.contains("`b.2` holds NaN"), "{text}");
        let weights: Weights<f64> = read_weights_unchecked(&path, None).unwrap();
        assert!(weights.biases[1][0].is_nan());
        assert_eq!(weights.forward, sample().forward);
    }

    #[test]
    fn a_wrong_shape_is_named_with_both_shapes() {
        let text = message(|_| (), Some(&[2, 4, 1]));
        assert!(text.contains("`W.1` has shape [3, 2], expected [4, 2]"), "{text}");
        let text = message(|writer| writer.matrix("W.1", &sample().forward[0].transpose()), Some(&[2, 3, 1]));
        assert!(text.contains("`W.1` has shape [2, 3], expected [3, 2]: transposed?"), "{text}");
        let text = message(|writer| writer.matrix("W.2", &dmatrix![1.0, 2.0]), None);
        assert!(text.contains("`W.2` has shape [1, 2], expected [1, 3]"), "{text}");
        let text = message(|writer| writer.vector("b.2", &[1.0, 2.0]), None);
        assert!(text.contains("`b.2` has shape [2], expected [1]"), "{text}");
        let text = message(|writer| writer.vector("W.2", &[1.0]), None);
        assert!(text.contains("`W.2` has shape [1], expected [n_2, n_1]"), "{text}");
    }

    #[test]
    fn a_layer_too_many_or_a_gap_is_named() {
        let text = message(|_| (), Some(&[2, 3]));
        assert!(text.contains("`W.2` is beyond the last of 1 layers"), "{text}");
        let text = message(|writer| writer.vector("b.3", &[1.0]), None);
        assert!(text.contains("`b.3` is beyond the last of 2 layers"), "{text}");
        let text = message(|writer| writer.matrix("W.4", &dmatrix![1.0]), None);
        assert!(text.contains("no tensor `W.3`"), "{text}");
        let text = message(|_| (), Some(&[2, 3, 1, 1]));
        assert!(
            text.contains("no tensor `W.3`; the file holds W.1, W.2, b.1, b.2; the nearest is `W."),
            "{text}"
        );
    }

    #[test]
    fn an_empty_or_giant_layer_is_named_before_other_shapes() {
        let text = message(|writer| writer.matrix("W.1", &DMatrix::<f64>::zeros(3, 0)), None);
        assert!(text.contains("layer 0 of the network has 0 neurons; accepted: 1 to 1000000"), "{text}");
        let giant = DMatrix::<f32>::zeros(1_000_001, 1);
        let text = message(|writer| writer.matrix("W.2", &giant), None);
        assert!(text.contains("layer 2 of the network has 1000001 neurons"), "{text}");
    }

    #[test]
    fn feedback_may_lack_its_first_layer_only() {
        let (_folder, path) = file(|writer| writer.matrix("F.2", &dmatrix![1.0, -1.0, 2.0]));
        let feedback = read_weights::<f64>(&path, None).unwrap().feedback.unwrap();
        assert_eq!(feedback, [DMatrix::zeros(3, 2), dmatrix![1.0, -1.0, 2.0]]);
        let text = message(|writer| writer.matrix("F.1", &sample().forward[0]), None);
        assert!(text.contains("no tensor `F.2`"), "{text}");
    }

    #[test]
    fn a_batch_has_one_sample_per_row() {
        let (_folder, path) =
            file(|writer| writer.array("x", &[2, 3], &[1.0_f32, 2., 3., 4., 5., 6.]).unwrap());
        assert_eq!(read_batch(&path, "x", Some(3)).unwrap(), dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0]);
        assert_eq!(read_batch(&path, "x", None).unwrap().shape(), (2, 3));
        let text = read_batch(&path, "x", Some(4)).unwrap_err().to_string();
        assert!(text.contains("`x` has shape [2, 3], expected [samples, 4]"), "{text}");
        assert!(read_batch(&path, "b.1", None).unwrap_err().to_string().contains("[samples, width]"));
        assert!(read_batch(&path, "y", None).unwrap_err().to_string().contains("no tensor `y`"));
    }
}
