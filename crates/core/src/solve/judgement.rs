//! What every solver and every look at an equilibrium goes by when it tells an outcome (docs/model.md §5).
//!
//! A sample is settled by its residual ([`Criteria`](super::criteria::Criteria)) and by the differences of
//! its dyads ([`Steadiness`]); it runs away beyond a [`bound`]; it latches up at a rail as [`super::rails`]
//! has it.

use crate::circuit::Dynamics;
use crate::matrix::elementwise::{max_abs_rows, max_rows_of};
use crate::matrix::{Matrix, Real};

/// Growth beyond this multiple of `1 V + ‖v_free‖∞` is a runaway.
const RUNAWAY: f64 = 1e3;
/// Beyond this share of the runaway bound a sample is on its way out, and followed less closely.
pub(super) const LEAVING: f64 = 3e-3;
/// A layer's δ is steady when it moves by less than this fraction of itself per τ.
const STEADY: f64 = 1e-3;

/// Potential (V) beyond which a sample whose free state is `free` (V) at most runs away.
pub(super) fn bound(free: f64) -> f64 {
    RUNAWAY * (1.0 + free)
}

/// The bounds of a batch with these free states.
pub(super) fn compute_bounds<T: Real>(free: &Matrix<T>) -> Vec<f64> {
    let mut largest = vec![T::ZERO; free.nrows()];
    max_abs_rows(free.as_slice(), &mut largest);
    largest.into_iter().map(|largest| bound(largest.to_f64())).collect()
}

/// Tells how much faster differences move than those of a settled sample may.
#[derive(Clone, Debug)]
pub(super) struct Steadiness<T: Real> {
    slopes: Matrix<T>,
    outputs: Matrix<T>,
}

impl<T: Real> Steadiness<T> {
    pub fn new() -> Self {
        Self { slopes: Matrix::zeros(0, 0), outputs: Matrix::zeros(0, 0) }
    }

    /// Largest `‖τ dδ_k/dt‖∞ − 10⁻³ ‖δ_k‖∞` (V) of any layer, per row; 0 without a nudge.
    pub fn excess(&mut self, circuit: &dyn Dynamics<T>, state: &Matrix<T>, drive: &Matrix<T>) -> Vec<f64> {
        let (batch, width) = state.shape();
        let Some(circuit) = circuit.layered().filter(|circuit| circuit.nudged()) else {
            return vec![0.0; batch];
        };
        if self.slopes.shape() != (batch, width) {
            self.slopes = Matrix::zeros(batch, width);
            self.outputs = Matrix::zeros(batch, width);
        }
        circuit.slopes(state, &mut self.slopes);
        circuit.outputs(state, &mut self.outputs);
        let layout = circuit.layout();
        let mut worst = vec![0.0_f64; batch];
        let (mut moved, mut size) = (vec![T::ZERO; batch], vec![T::ZERO; batch]);
        for layer in 0..layout.depth() {
            moved.fill(T::ZERO);
            size.fill(T::ZERO);
            let sides = [layout.plus(layer), layout.minus(layer)];
            let [plus, minus] = sides.map(|side| {
                [&self.slopes, drive, state, &self.outputs]
                    .map(|matrix| &matrix.as_slice()[side.start * batch..side.end * batch])
            });
            let [p, q] = [plus, minus];
            max_rows_of(
                [p[0], p[1], p[2], p[3], q[0], q[1], q[2], q[3]],
                [&mut moved, &mut size],
                |[f, u, v, s, g, w, x, t]| [f * (u - v) - g * (w - x), s - t],
            );
            for ((worst, moved), size) in worst.iter_mut().zip(&moved).zip(&size) {
                *worst = worst.max(moved.to_f64() - STEADY * size.to_f64());
            }
        }
        worst
    }
}
