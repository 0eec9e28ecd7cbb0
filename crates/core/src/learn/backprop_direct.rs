//! Direct feedback alignment: the error of the outputs reaches every hidden layer at once.

use rand_distr::{Distribution, Normal};

use super::feed_forward::Way;
use super::{Backprop, Batch, Gradient, Limit, Needs, Registered, Report, Rule, Transport};
use crate::chip::{Chip, Weights};
use crate::matrix::{Matrix, Real};
use crate::random::{Key, Kind, stream};
use crate::spec::{CircuitSpec, NudgeSpec, RuleKind, RuleSpec};

/// Direct feedback alignment: `ε_L = f′(u_L) ∇ℓ`, `ε_k = f′(u_k) B_kᵀ ε_L` with a fixed matrix `B_k`
/// `[n_L × n_k]` of every hidden layer, and the estimate `ε_k s̄_{k−1}ᵀ`, of the feed-forward states.
///
/// # Limit
///
/// The gradient of no loss; exact where `B_k` is the product of the forward synapses above layer `k` and the
/// layers between are linear, and so in a network of one hidden layer with `B = W_2`. With one hidden layer
/// it is feedback alignment ([`BackpropFeedback`](super::BackpropFeedback)) with `F_2 = B`.
///
/// # Requires
///
/// A crossbar from the outputs to every hidden layer, which nothing moves.
///
/// # Reference
///
/// Nøkland, *Direct Feedback Alignment Provides Learning in Deep Neural Networks*, NIPS 2016.
#[derive(Debug)]
pub struct BackpropDirect<T: Real> {
    backprop: Backprop<T>,
    direct: Vec<Matrix<T>>,
}

impl<T: Real> BackpropDirect<T> {
    /// For a chip, the loss of a nudge, and `B_k` of every hidden layer, lowest first.
    #[must_use]
    pub fn new(chip: Chip<T>, nudge: &NudgeSpec, direct: Vec<Matrix<T>>) -> Self {
        Self { backprop: Backprop::new(chip, nudge), direct }
    }
}

/// Draws `B_k` of every hidden layer of `network`: normal numbers of standard deviation `√(1/n_{L−1})`, that
/// of the last synapses when they are drawn; a layer in sequence, of the stream `Direct` of a seed.
#[must_use]
pub fn direct_matrices<T: Real>(network: &[usize], seed: u64) -> Vec<Matrix<T>> {
    let [.., fan_in, outputs] = *network else { return Vec::new() };
    let Ok(normal) = Normal::new(0.0, (fan_in as f64).sqrt().recip()) else { return Vec::new() };
    let hidden = network[1..network.len() - 1].iter().enumerate();
    let drawn = hidden.map(|(layer, &neurons)| {
        let mut source = stream(Key::new(seed, Kind::Direct).layer(layer as u16 + 1));
        let numbers: Vec<T> = (0..outputs * neurons).map(|_| T::of(normal.sample(&mut source))).collect();
        Matrix::from_row_slice(outputs, neurons, &numbers)
    });
    drawn.collect()
}

impl<T: Real> Registered<T> for BackpropDirect<T> {
    fn needs(_: RuleKind) -> Needs {
        Needs { transport: Transport::Nothing, limit: Limit::Other, ..Needs::DIFFERENTIATION }
    }

    /// The matrices are devices of the chip, named by its seed.
    fn registered(_: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        let direct = direct_matrices(network, circuit.mismatch.seed.unwrap_or(0));
        Self::new(Chip::fabricate(&circuit, network), &circuit.nudge, direct)
    }
}

impl<T: Real> Rule<T> for BackpropDirect<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        self.backprop.estimate_through(Way::Direct(&self.direct), weights, batch, gradient)
    }
}
