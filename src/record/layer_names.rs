//! Names of a weight file's tensors: those that look like a layer's and are none are told, not passed over.
//!
//! Layers count from 1. What bites: a file that counts from 0 is a whole network of one layer less wherever
//! shapes happen to fit, and one of another program has other names for the same arrays.

use super::RecordError;
use super::tensors::TensorFile;

/// Kinds of tensors that a layer has.
const KINDS: [char; 4] = ['W', 'b', 'F', 'L'];

/// Refuses files that count layers from 0, that spell a layer's name another way, or that have another
/// program's names.
///
/// # Errors
/// [`RecordError::CountedFromZero`], [`RecordError::LayerName`], [`RecordError::MissingTensor`] with the
/// names to give.
pub(super) fn check_names(file: &TensorFile) -> Result<(), RecordError> {
    let path = || file.path().to_path_buf();
    let layers: Vec<_> = file.names().filter_map(|name| Some((name, layer(name)?))).collect();
    if layers.iter().any(|(_, (_, digits))| digits.trim_start_matches('0').is_empty()) {
        let names = layers.iter().map(|(name, _)| (*name).to_owned()).collect();
        return Err(RecordError::CountedFromZero { path: path(), names });
    }
    for (name, (kind, digits)) in layers {
        let meant = format!("{kind}.{}", digits.trim_start_matches('0'));
        if name != meant {
            return Err(RecordError::LayerName { path: path(), tensor: name.to_owned(), meant });
        }
    }
    if file.names().any(|name| name.starts_with("W.")) {
        return Ok(());
    }
    let foreign =
        |ending: &str| file.names().find(|name| name.rsplit('.').next() == Some(ending)).map(str::to_owned);
    let advice = match (foreign("weight"), foreign("kernel")) {
        (Some(first), _) => renamed(&first, "weight", "shapes are the same, [outputs, inputs]"),
        (_, Some(first)) => renamed(&first, "kernel", "transposed: `W.k` is [outputs, inputs]"),
        _ => return Ok(()),
    };
    Err(RecordError::MissingTensor { path: path(), tensor: "W.1".into(), advice })
}

/// What to call the tensors of another program.
fn renamed(first: &str, weight: &str, shapes: &str) -> String {
    let layer = first.strip_suffix(weight).unwrap_or_default();
    format!(
        "the file has names of another program such as `{first}`: save the first layer's `{layer}{weight}` and \
         `{layer}bias` as `W.1` and `b.1`, the next layer's as `W.2` and `b.2`, and so on ({shapes})"
    )
}

/// Kind and number of what looks like a layer's tensor: `W.1`, `w1`, `b_02`, `F-3`.
fn layer(name: &str) -> Option<(char, &str)> {
    let mut rest = name.chars();
    let first = rest.next()?;
    let kind = KINDS.into_iter().find(|kind| kind.eq_ignore_ascii_case(&first))?;
    let digits = rest.as_str().trim_start_matches(['.', '_', '-']);
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.then_some((kind, digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tensors::{TensorWriter, read};

    fn message(names: &[&str]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let mut writer = TensorWriter::new();
        names.iter().for_each(|name| writer.vector(name, &[1.0]));
        writer.write(&path).unwrap();
        check_names(&read(&path).unwrap()).err().map(|error| error.to_string())
    }

    #[test]
    fn layers_counted_from_zero_are_told_so() {
        for names in
            [&["W.0", "b.0", "W.1", "b.1"][..], &["W.1", "b.0"], &["W.1", "b.1", "F.0"], &["W0", "W1"]]
        {
            let text = message(names).unwrap();
            assert!(text.contains("from 0") && text.contains("from 1") && text.contains("`W.1`"), "{text}");
            names.iter().for_each(|name| assert!(text.contains(name), "{text}"));
        }
    }

    #[test]
    fn a_name_spelt_another_way_is_told_with_the_right_one() {
        for (name, right) in
            [("w.2", "W.2"), ("W2", "W.2"), ("b_1", "b.1"), ("W.02", "W.2"), ("f-10", "F.10")]
        {
            let text = message(&["W.1", name]).unwrap();
            assert!(text.contains(&format!("`{name}`")) && text.contains(&format!("`{right}`")), "{text}");
        }
    }

    #[test]
    fn names_of_other_programs_are_answered_with_those_to_give() {
        for (name, hint) in
            [("fc1.weight", "`fc1.bias`"), ("0.weight", "`0.bias`"), ("dense.kernel", "transposed")]
        {
            let text = message(&[name]).unwrap();
            for part in ["no tensor `W.1`", name, hint, "`b.1`", "[outputs, inputs]"] {
                assert!(text.contains(part), "`{part}` in {text}");
            }
        }
    }

    #[test]
    fn other_tensors_beside_the_weights_are_nobodys_business() {
        assert_eq!(
            message(&["W.1", "b.1", "grad.W.0", "x", "y", "epoch", "fc.weight", "W", "b", "bias"]),
            None
        );
    }
}
