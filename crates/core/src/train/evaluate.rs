//! Loss and accuracy of the free circuit.

use crate::chip::{Chip, Weights};
use crate::circuit::{DyadCircuit, Loss, free_circuit};
use crate::data::Split;
use crate::matrix::{Matrix, Real};
use crate::solve::{operating_point, settle_any_from};
use crate::spec::{CircuitKind, SolverSpec};

/// Samples evaluated at once.
const CHUNK: usize = 500;

/// Loss and accuracy over a set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean `ℓ/V_ref²`.
    pub loss: f64,
    /// Fraction of samples whose largest output is that of their class.
    pub accuracy: f64,
}

/// Evaluates the free circuit on a whole split.
#[must_use]
pub fn evaluate<T: Real>(
    chip: &Chip<T>,
    weights: &Weights<T>,
    loss: &Loss<T>,
    split: &Split,
    classes: usize,
) -> Evaluation {
    let (mut total, mut correct) = (0.0, 0_usize);
    means(chip, weights, split, &mut |first, layers| {
        let outputs = &layers[layers.len() - 1];
        for (i, row) in outputs.row_iter().enumerate() {
            let label = usize::from(split.labels()[first + i]);
            let at: Vec<f64> = row.iter().map(|v| v.to_f64()).collect();
            let target: Vec<f64> = (0..classes).map(|c| f64::from(u8::from(c == label))).collect();
            total += loss.value(&at, &target);
            correct += usize::from(largest(&at) == Some(label));
        }
    });
    let count = split.len().max(1) as f64;
    Evaluation { loss: total / count, accuracy: correct as f64 / count }
}

/// The class that the free circuit predicts for every sample; a sample whose outputs are not numbers
/// has class `usize::MAX`.
#[must_use]
pub fn predict_classes<T: Real>(chip: &Chip<T>, weights: &Weights<T>, split: &Split) -> Vec<usize> {
    let mut classes = Vec::with_capacity(split.len());
    means(chip, weights, split, &mut |_, layers| classes.extend(classes_of(&layers[layers.len() - 1])));
    classes
}

/// The class of the largest entry of every row; `usize::MAX` where one is not a number.
pub fn classes_of<T: Real>(outputs: &Matrix<T>) -> impl Iterator<Item = usize> + use<'_, T> {
    outputs
        .row_iter()
        .map(|row| largest(&row.iter().map(|v| v.to_f64()).collect::<Vec<_>>()).unwrap_or(usize::MAX))
}

/// Means `s̄_k` of the free circuit for a whole split, `[samples × n_k]` of every layer (V).
#[must_use]
pub fn activities<T: Real>(chip: &Chip<T>, weights: &Weights<T>, split: &Split) -> Vec<Matrix<T>> {
    let mut all: Vec<Matrix<T>> =
        weights.forward.iter().map(|w| Matrix::zeros(split.len(), w.nrows())).collect();
    means(chip, weights, split, &mut |first, layers| {
        for (whole, part) in all.iter_mut().zip(layers) {
            whole.rows_mut(first, part.nrows()).copy_from(part);
        }
    });
    all
}

/// Shows `take` the means `s̄_k` of every layer of the free circuit, chunk by chunk, with the first sample's
/// number.
fn means<T: Real>(
    chip: &Chip<T>,
    weights: &Weights<T>,
    split: &Split,
    take: &mut dyn FnMut(usize, &[Matrix<T>]),
) {
    let samples: Vec<usize> = (0..split.len()).collect();
    for chunk in samples.chunks(CHUNK) {
        let mut inputs = Matrix::zeros(chunk.len(), split.features());
        split.gather(chunk, &mut inputs);
        take(chunk[0], &free_outputs(chip, weights, &inputs));
    }
}

/// Outputs of every layer of the free circuit at rest without noise, `[samples × n_k]` each (V): means `s̄_k`
/// of dyads at their operating point; where neurons have one compartment, `s_k` where the circuit goes from 0
/// V.
#[must_use]
pub fn free_outputs<T: Real>(chip: &Chip<T>, weights: &Weights<T>, inputs: &Matrix<T>) -> Vec<Matrix<T>> {
    if chip.layout.kind() == CircuitKind::Dyad {
        let circuit = DyadCircuit::free(chip, weights, inputs);
        return circuit.means(&operating_point(&circuit));
    }
    let circuit = free_circuit(chip, weights, inputs);
    if chip.layout.kind() == CircuitKind::PredictiveCoding {
        return circuit.all_said(&circuit.free_state()).into_iter().map(|said| said.activity).collect();
    }
    // A coupling that closes loops may have several fixed points: the circuit itself says which.
    let settled = settle_any_from(&SolverSpec::default(), circuit.as_ref(), None, (false, &|_| {}));
    let state = settled.map_or_else(|| circuit.free_state(), |settled| settled.state);
    circuit.all_said(&state).into_iter().map(|said| said.activity).collect()
}

/// Index of the largest entry, the first of equals; `None` if any is NaN.
#[must_use]
pub fn largest(values: &[f64]) -> Option<usize> {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if value.is_nan() {
            return None;
        }
        if *value > values[best] {
            best = i;
        }
    }
    (!values.is_empty()).then_some(best)
}
