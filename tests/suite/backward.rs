//! The backward pass of a feed-forward net, in plain loops: one sample, one neuron, one synapse after the other.

use dyadsim_core::learn::Gradient;
use dyadsim_core::matrix::Matrix;

use crate::nets::Net;

/// A shape of hidden neurons with its slope; outputs are linear.
pub type Shape = (fn(f64) -> f64, fn(f64) -> f64);

pub const TANH: Shape = (f64::tanh, |v| 1.0 - v.tanh().powi(2));
pub const LINEAR: Shape = (|v| v, |_| 1.0);

/// Products of errors and states of the mean squared error, with errors sent back through `back`; the gradient
/// if these are the forward synapses.
pub fn through(net: &Net, back: &[Matrix<f64>], (value, slope): Shape) -> Gradient<f64> {
    let mut gradient = Gradient::zeros(&net.weights);
    let (depth, samples) = (net.weights.forward.len(), net.batch.inputs.nrows());
    for sample in 0..samples {
        let mut states: Vec<Vec<f64>> = vec![net.batch.inputs.row(sample).iter().copied().collect()];
        let mut slopes: Vec<Vec<f64>> = Vec::new();
        for k in 0..depth {
            let (mut state, mut steep) = (Vec::new(), Vec::new());
            for i in 0..net.network[k + 1] {
                let mut v = net.weights.biases[k][i];
                for (j, below) in states[k].iter().enumerate() {
                    v += net.weights.forward[k][(i, j)] * below;
                }
                let top = k + 1 == depth;
                state.push(if top { v } else { value(v) });
                steep.push(if top { 1.0 } else { slope(v) });
            }
            states.push(state);
            slopes.push(steep);
        }
        let mut error: Vec<f64> =
            (0..net.network[depth]).map(|i| states[depth][i] - net.batch.targets[(sample, i)]).collect();
        for k in (0..depth).rev() {
            let mut below = vec![0.0; net.network[k]];
            for i in 0..net.network[k + 1] {
                let own = error[i] * slopes[k][i];
                gradient.biases[k][i] += own / samples as f64;
                for j in 0..net.network[k] {
                    gradient.forward[k][(i, j)] += own * states[k][j] / samples as f64;
                    below[j] += back[k][(i, j)] * own;
                }
            }
            error = below;
        }
    }
    gradient
}
