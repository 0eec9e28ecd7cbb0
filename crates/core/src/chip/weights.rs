//! Synapses: forward gains `W`, biases `b`, and feedback gains `F` where they are devices of their own.

use rand_distr::{Distribution, Normal, StandardNormal};

use super::lateral;
use crate::matrix::{Matrix, Real};
use crate::random::{Key, Kind, stream};
use crate::spec::{CircuitSpec, FeedbackInit, FeedbackSynapses, InitSpec};

/// Synaptic gains of a network; index 0 is docs/model.md's `k = 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights<T> {
    /// `W_k`, `[n_k × n_{k−1}]`.
    pub forward: Vec<Matrix<T>>,
    /// `b_k` (V), `n_k` entries.
    pub biases: Vec<Vec<T>>,
    /// `F_k`, `[n_k × n_{k−1}]`; `None` when one crossbar is read both ways.
    pub feedback: Option<Vec<Matrix<T>>>,
    /// `L_k`, `[n_k × n_k]`, from a neuron of the layer (column) to another (row), zero on the diagonal;
    /// `None` where neurons of a layer do not speak to each other.
    pub lateral: Option<Vec<Matrix<T>>>,
}

impl<T: Real> Weights<T> {
    /// All zero, with the shapes of `network` (neurons per layer, input first) and shared feedback.
    #[must_use]
    pub fn zeros(network: &[usize]) -> Self {
        Self {
            forward: network.windows(2).map(|n| Matrix::zeros(n[1], n[0])).collect(),
            biases: network[1..].iter().map(|&n| vec![T::zero(); n]).collect(),
            feedback: None,
            lateral: None,
        }
    }

    /// Draws initial weights (biases zero) and, if the circuit has them, feedback synapses.
    ///
    /// [`InitSpec::Weights`] cannot be drawn and gives zeros: the caller reads that file.
    #[must_use]
    pub fn draw(init: &InitSpec, circuit: &CircuitSpec, network: &[usize], seed: u64) -> Self {
        let mut weights = Self::zeros(network);
        fill(&mut weights.forward, init, Kind::Weights, seed);
        if circuit.feedback.synapses == FeedbackSynapses::Separate {
            let mut feedback = weights.forward.clone();
            if circuit.feedback.init == FeedbackInit::Random {
                fill(&mut feedback, init, Kind::Feedback, seed);
            }
            weights.feedback = Some(feedback);
        }
        weights.lateral = lateral::draw(init, circuit, network, seed);
        weights
    }

    /// Copies the synapses, each forward gain changed by a normal share of itself, of standard deviation
    /// `size`.
    ///
    /// Feedback synapses are moved with the forward ones where they began as their copies, and stay
    /// otherwise. Lateral ones move, too, a number each.
    #[must_use]
    pub fn moved(&self, size: f64, seed: u64) -> Self {
        let mut moved = self.clone();
        for (k, w) in self.forward.iter().enumerate() {
            let mut source = stream(Key::new(seed, Kind::Move).layer(k as u16 + 1));
            for row in 0..w.nrows() {
                for column in 0..w.ncols() {
                    let normal: f64 = StandardNormal.sample(&mut source);
                    moved.forward[k][(row, column)] *= T::of(1.0 + size * normal);
                }
            }
            if let Some(feedback) = moved.feedback.as_mut().filter(|feedback| feedback[k] == *w) {
                feedback[k].clone_from(&moved.forward[k]);
            }
        }
        for (k, l) in moved.lateral.iter_mut().flatten().enumerate() {
            let mut source = stream(Key::new(seed, Kind::Move).layer(k as u16 + 1).trial(1));
            let factor = |_row: usize| -> f64 {
                1.0 + size * Distribution::<f64>::sample(&StandardNormal, &mut source)
            };
            l.component_mul_assign(&lateral::filled(l.nrows(), self.are_shared(), factor));
        }
        moved
    }

    /// Synapses through which layer `layer` sends its error down.
    #[must_use]
    pub fn feedback(&self, layer: usize) -> &Matrix<T> {
        self.feedback.as_ref().map_or(&self.forward[layer], |feedback| &feedback[layer])
    }

    /// Whether synapses between two neurons that speak both ways are one device, read both ways.
    #[must_use]
    pub fn are_shared(&self) -> bool {
        self.feedback.is_none()
    }

    /// Neurons per layer, input first.
    #[must_use]
    pub fn network(&self) -> Vec<usize> {
        let inputs = self.forward.first().map_or(0, Matrix::ncols);
        std::iter::once(inputs).chain(self.forward.iter().map(Matrix::nrows)).collect()
    }

    /// Copies the synapses, each gain (not the biases) times `factor`.
    #[must_use]
    pub fn scaled(&self, factor: T) -> Self {
        let matrices = |list: &[Matrix<T>]| list.iter().map(|m| m.map(|w| w * factor)).collect();
        Self {
            forward: matrices(&self.forward),
            biases: self.biases.clone(),
            feedback: self.feedback.as_deref().map(matrices),
            lateral: self.lateral.as_deref().map(matrices),
        }
    }

    /// Copies the synapses into a network of `depth` layers, in which the last layer below the outputs that
    /// has as many inputs as neurons is repeated.
    ///
    /// `None` if no layer is square, or `depth` is below that of these weights.
    #[must_use]
    pub fn deepened(&self, depth: usize) -> Option<Self> {
        let more = depth.checked_sub(self.forward.len())?;
        let square = |m: &Matrix<T>| m.nrows() == m.ncols();
        let layer = self.forward.split_last()?.1.iter().rposition(square)?;
        let again = |list: &[Matrix<T>]| {
            let mut list = list.to_vec();
            list.splice(layer..layer, vec![list[layer].clone(); more]);
            list
        };
        let mut biases = self.biases.clone();
        biases.splice(layer..layer, vec![biases[layer].clone(); more]);
        Some(Self {
            forward: again(&self.forward),
            biases,
            feedback: self.feedback.as_deref().map(again),
            lateral: self.lateral.as_deref().map(again),
        })
    }

    /// Converts the synapses to another precision.
    #[must_use]
    pub fn cast<U: Real>(&self) -> Weights<U> {
        let matrices = |list: &[Matrix<T>]| list.iter().map(|m| m.map(|w| U::of(w.to_f64()))).collect();
        Weights {
            forward: matrices(&self.forward),
            biases: self.biases.iter().map(|b| b.iter().map(|v| U::of(v.to_f64())).collect()).collect(),
            feedback: self.feedback.as_deref().map(matrices),
            lateral: self.lateral.as_deref().map(matrices),
        }
    }
}

/// Draws every matrix of a stack; the standard deviation of layer `k` is that of the initialisation.
fn fill<T: Real>(matrices: &mut [Matrix<T>], init: &InitSpec, kind: Kind, seed: u64) {
    let depth = matrices.len();
    for (layer, matrix) in matrices.iter_mut().enumerate() {
        let deviation = initial_deviation(init, layer, depth, matrix.ncols());
        let mut source = stream(Key::new(seed, kind).layer(layer as u16 + 1));
        let Ok(normal) = Normal::new(0.0, deviation) else { continue };
        // Row by row, so that a draw belongs to its synapse whatever the storage order is.
        for row in 0..matrix.nrows() {
            for column in 0..matrix.ncols() {
                matrix[(row, column)] = T::of(normal.sample(&mut source));
            }
        }
    }
}

/// Standard deviation of the initial weights of a layer (counted from 0).
pub(super) fn initial_deviation(init: &InitSpec, layer: usize, depth: usize, fan_in: usize) -> f64 {
    let fan_in = fan_in as f64;
    match init {
        InitSpec::He if layer + 1 < depth => (2.0 / fan_in).sqrt(),
        InitSpec::He | InitSpec::FanIn => (1.0 / fan_in).sqrt(),
        InitSpec::Std(list) => list.get(layer).copied().unwrap_or(0.0),
        InitSpec::Weights(_) => 0.0,
    }
}
