//! One right-hand side, and the matrix products in it alone.

use dyadsim_core::circuit::{Dynamics, Scratch};
use dyadsim_core::matrix::product::{Onto, backward, forward};
use dyadsim_core::matrix::{Matrix, Real};
use dyadsim_core::spec::{CircuitSpec, NudgeSpec, Variant};

use super::nets::Net;

/// The networks that are measured, with their batch.
pub const LARGE: (&[usize], usize) = (&[784, 512, 512, 10], 128);
pub const MIDDLE: (&[usize], usize) = (&[784, 128, 128, 10], 128);
pub const SMALL: (&[usize], usize) = (&[64, 48, 32, 10], 50);

/// `DPᵀ`, `α = 0.5`, nudge `mean`, relu, and weights of 0.7 times He's deviation.
pub fn net<T: Real>((network, batch): (&[usize], usize)) -> Net<T> {
    let nudge = NudgeSpec { variant: Variant::DpTranspose, alpha: 0.5, beta: 0.1, ..NudgeSpec::default() };
    Net::new(&CircuitSpec { nudge, ..CircuitSpec::default() }, network, batch, 0.7)
}

/// Buffers of a right-hand side at a state where dyads differ.
pub struct Drive<T> {
    state: Matrix<T>,
    drive: Matrix<T>,
    scratch: Scratch<T>,
}

impl<T: Real> Drive<T> {
    /// At the first drive seen from the free state.
    pub fn new(circuit: &dyn Dynamics<T>) -> Self {
        let free = circuit.free_state();
        let mut scratch = circuit.scratch(circuit.samples());
        let (mut state, drive) = (free.clone(), free.clone());
        circuit.drive(&free, &mut state, &mut scratch);
        Self { state, drive, scratch }
    }

    /// One right-hand side.
    pub fn run(&mut self, circuit: &dyn Dynamics<T>) {
        circuit.drive(&self.state, &mut self.drive, &mut self.scratch);
    }
}

/// Operands of the products of one right-hand side; the first layer's drive is constant and has none.
pub struct Products<'a, T> {
    weights: &'a [Matrix<T>],
    means: Vec<Matrix<T>>,
    differences: Vec<Matrix<T>>,
    drives: Vec<Matrix<T>>,
    feedback: Vec<Matrix<T>>,
}

impl<'a, T: Real> Products<'a, T> {
    /// For a net's weights and a batch.
    pub fn new(net: &'a Net<T>, batch: usize) -> Self {
        let weights = &net.weights.forward[1..];
        let number = |i: usize, j: usize| T::of(((i * 31 + j * 17) % 101) as f64 * 0.02 - 1.0);
        let below = || weights.iter().map(|w| Matrix::from_fn(batch, w.ncols(), number)).collect();
        let above = || weights.iter().map(|w| Matrix::from_fn(batch, w.nrows(), number)).collect();
        Self { weights, means: below(), differences: above(), drives: above(), feedback: below() }
    }

    /// All of them, in the order of a right-hand side.
    pub fn run(&mut self) {
        for (k, weights) in self.weights.iter().enumerate() {
            forward(self.drives[k].as_view_mut(), Onto::Nothing, self.means[k].as_view(), weights.as_view());
        }
        for (k, weights) in self.weights.iter().enumerate().rev() {
            backward(
                self.feedback[k].as_view_mut(),
                Onto::Nothing,
                self.differences[k].as_view(),
                weights.as_view(),
            );
        }
    }
}
