//! Self-contrastive forward-forward learning: every hidden layer by a goodness of its own, a read-out above.

use super::feed_forward::{Layer, Work};
use super::{Backprop, Batch, Gradient, Limit, Needs, Registered, Report, Rule, Transport};
use crate::chip::{Chip, Weights};
use crate::matrix::elementwise::column_sums;
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real, select_rows};
use crate::random::{Key, Kind, permutation, stream};
use crate::solve::Counts;
use crate::spec::{CircuitSpec, ContrastSpec, NudgeSpec, RuleKind, RuleSpec};

/// Self-contrastive forward-forward: no error comes back to any hidden layer.
///
/// A layer that reads `x` of a sample and `x′` of another answers their sum with
/// `y = f(W (x + x′) + 2 b)`, and its goodness is `G = ⟨y²⟩`, the mean over its neurons. A sample with itself
/// is a positive pair, with another one of the batch a negative one; the layer descends, averaged over the
/// samples,
///
/// `ln(1 + e^{θ₊ − G⁺}) + ln(1 + e^{G⁻ − θ₋}) + λ G⁺`,
///
/// with what it reads held fixed. The last layer descends the loss of the task as a read-out of the layer
/// below it. All layers learn at once, of the feed-forward states of single samples; potentials and goodness
/// in V and V².
///
/// Partners are the next samples in an order drawn for each batch by the stream `Partner`, named by its first
/// sample. A batch of one sample has none and is not used.
///
/// # Limit
///
/// The gradient of no loss of the task, but in the last layer, where it is exact.
///
/// # Reference
///
/// Chen, Liu, Laydevant & Grollier, *Self-Contrastive Forward-Forward Algorithm*, Nat.
/// Commun. 16 (2025), doi 10.1038/s41467-025-61037-0; Hinton, *The Forward-Forward Algorithm*, arXiv
/// 2212.13345.
#[derive(Debug)]
pub struct ForwardForward<T: Real> {
    /// Feed-forward states, and the last layer's gradient.
    backprop: Backprop<T>,
    contrast: ContrastSpec,
}

/// Whether a pair is of a sample with itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pair {
    Positive,
    Negative,
}

impl<T: Real> ForwardForward<T> {
    /// For a chip, the loss of a nudge, and thresholds.
    #[must_use]
    pub fn new(chip: Chip<T>, nudge: &NudgeSpec, contrast: ContrastSpec) -> Self {
        Self { backprop: Backprop::new(chip, nudge), contrast }
    }

    /// The partner of every sample: another one of the batch.
    #[must_use]
    pub fn partners(batch: &Batch<T>) -> Vec<usize> {
        let ids = &batch.sample_ids;
        let first = ids.ids.first().copied().unwrap_or(0);
        let key = Key::new(ids.seed, Kind::Partner).device(first as u32).step((first >> 32) as u32);
        let order = permutation(batch.inputs.nrows(), &mut stream(key));
        let mut partners = vec![0; order.len()];
        for (sample, next) in order.iter().zip(order.iter().cycle().skip(1)) {
            partners[*sample] = *next;
        }
        partners
    }

    /// Slope of the layer's loss along the goodness of a pair.
    fn slope(&self, pair: Pair, goodness: f64) -> f64 {
        let ContrastSpec { positive, negative, penalty } = self.contrast;
        let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
        match pair {
            Pair::Positive => penalty - logistic(positive - goodness),
            Pair::Negative => logistic(goodness - negative),
        }
    }

    /// Adds to the gradient of hidden layer `k` what pairs, whose sums it reads, are to it.
    fn contrast(
        &self,
        (weights, k): (&Weights<T>, usize),
        (pair, sums): (Pair, &Matrix<T>),
        gradient: &mut Gradient<T>,
    ) {
        let (samples, neurons) = (sums.nrows(), weights.forward[k].nrows());
        let two = T::of(2.0);
        let mut layer = Layer::new(samples, neurons);
        layer.read(self.backprop.chip(), weights, (k, two), sums);
        let squares =
            |sample: usize| -> f64 { layer.means.row(sample).iter().map(|y| y.to_f64().powi(2)).sum() };
        let slopes: Vec<T> = (0..samples)
            .map(|sample| T::of(self.slope(pair, squares(sample) / neurons as f64) * 2.0 / neurons as f64))
            .collect();
        let mut errors = layer.means.component_mul(&layer.slopes);
        for mut column in errors.column_iter_mut() {
            column.iter_mut().zip(&slopes).for_each(|(error, slope)| *error *= *slope);
        }
        let scale = T::of(1.0 / samples as f64);
        let out = gradient.forward[k].as_view_mut();
        product::correlate(out, Onto::Sum, scale, errors.as_view(), sums.as_view());
        let mut own = vec![T::ZERO; neurons];
        column_sums(errors.as_slice(), samples, two * scale, &mut own);
        gradient.biases[k].iter_mut().zip(own).for_each(|(sum, one)| *sum += one);
    }

    /// The gradient of every hidden layer.
    fn learn_hidden(
        &self,
        weights: &Weights<T>,
        (work, batch): (&Work<T>, &Batch<T>),
        gradient: &mut Gradient<T>,
    ) {
        let partners = Self::partners(batch);
        for k in 0..work.layers.len() - 1 {
            gradient.forward[k].fill(T::ZERO);
            gradient.biases[k].fill(T::ZERO);
            let read = work.read_by(k, &batch.inputs);
            let layer = (weights, k);
            self.contrast(layer, (Pair::Positive, &(read + read)), gradient);
            self.contrast(layer, (Pair::Negative, &(read + select_rows(read, &partners))), gradient);
        }
    }
}

impl<T: Real> Registered<T> for ForwardForward<T> {
    fn needs(_: RuleKind) -> Needs {
        Needs {
            neuron_memories: 1, // what it was in the other pair
            transport: Transport::Nothing,
            synapse_knows: "output of its neuron, goodness of its layer, sum below, in two pairs",
            limit: Limit::Other,
            ..Needs::DIFFERENTIATION
        }
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self::new(Chip::fabricate(&circuit, network), &circuit.nudge, settings.contrast)
    }
}

impl<T: Real> Rule<T> for ForwardForward<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let samples = batch.inputs.nrows();
        let effective = self.backprop.chip().effective_weights(weights);
        let mut work = self.backprop.take(samples);
        work.up(self.backprop.chip(), &effective, &batch.inputs);
        self.learn_hidden(&effective, (&work, batch), gradient);
        work.top(|outputs, error| self.backprop.output_slopes(outputs, &batch.targets, error));
        work.learn(work.layers.len() - 1, &batch.inputs, Some(gradient));
        self.backprop.keep(work);
        // A sample alone has no partner but itself.
        let used = if samples > 1 { samples } else { 0 };
        Report { used, counts: Counts { rhs_evals: 3, ..Counts::default() }, ..Report::default() }
    }
}
