//! Lateral synapses: between the neurons of a layer, none from a neuron to itself.
//!
//! Where a crossbar is read both ways (`feedback.synapses = "shared"`) two neurons have one synapse, and the
//! matrix is symmetric; else each direction has a device of its own.

use rand_distr::{Distribution, Normal};

use super::weights::initial_deviation;
use crate::matrix::{Matrix, Real};
use crate::random::{Key, Kind, stream};
use crate::spec::{CircuitSpec, FeedbackInit, FeedbackSynapses, InitSpec};

/// Draws the initial synapses of every layer, if the circuit has them, as those that come from below are
/// drawn. Directions have numbers of their own where feedback synapses do (`feedback.init`).
pub(super) fn draw<T: Real>(
    init: &InitSpec,
    circuit: &CircuitSpec,
    network: &[usize],
    seed: u64,
) -> Option<Vec<Matrix<T>>> {
    let feedback = &circuit.feedback;
    let apart = feedback.synapses == FeedbackSynapses::Separate && feedback.init == FeedbackInit::Random;
    let depth = network.len() - 1;
    let layer = |(layer, &neurons): (usize, &usize)| {
        let deviation = initial_deviation(init, layer, depth, neurons);
        let Ok(normal) = Normal::new(0.0, deviation) else { return Matrix::zeros(neurons, neurons) };
        let mut source = stream(Key::new(seed, Kind::Lateral).layer(layer as u16 + 1));
        filled(neurons, !apart, |_| normal.sample(&mut source))
    };
    circuit.lateral.then(|| network[1..].iter().enumerate().map(layer).collect())
}

/// Synapses between so many neurons, a number each, row by row; `next` is told the row.
pub(super) fn filled<T: Real>(
    neurons: usize,
    symmetric: bool,
    mut next: impl FnMut(usize) -> f64,
) -> Matrix<T> {
    let mut matrix = Matrix::zeros(neurons, neurons);
    for row in 0..neurons {
        let end = if symmetric { row } else { neurons };
        for column in (0..end).filter(|&column| column != row) {
            matrix[(row, column)] = T::of(next(row));
        }
    }
    close_lateral(&mut matrix, symmetric);
    matrix
}

/// Makes a matrix one of lateral synapses: nothing from a neuron to itself and, if it is to be symmetric,
/// above the diagonal what stands below it.
pub fn close_lateral<T: Real>(matrix: &mut Matrix<T>, symmetric: bool) {
    matrix.fill_diagonal(T::ZERO);
    if symmetric {
        matrix.fill_upper_triangle_with_lower_triangle();
    }
}
