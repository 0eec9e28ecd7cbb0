//! The one door to crate `gemm`, and the only unsafe code of this crate.
//!
//! `gemm` takes raw pointers and strides. Here they come from borrowed views only, after their shapes are
//! checked. Traps of the crate: AVX-512 needs its feature `x86-v4`; it sums in another order along four side
//! paths (one row, one column, tiny outputs of dot products, depth blocks that depend on the output's
//! shape), so `product` never asks for those; it allocates its packing buffers itself.
#![allow(unsafe_code, reason = "gemm's interface is raw pointers; audited here, denied elsewhere")]

use gemm::Parallelism;

use super::{Real, View, ViewMut};

/// How an operand is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// As it lies.
    Plain,
    /// Rows for columns.
    Transposed,
}

/// A matrix operand and how it is read.
#[derive(Clone, Copy)]
pub(super) struct Operand<'a, T: Real>(pub View<'a, T>, pub Read);

impl<T: Real> Operand<'_, T> {
    /// A block of whole rows, as read.
    pub fn rows(&self, start: usize, length: usize) -> Operand<'_, T> {
        match self.1 {
            Read::Plain => Operand(self.0.rows(start, length), self.1),
            Read::Transposed => Operand(self.0.columns(start, length), self.1),
        }
    }

    /// A block of whole columns, as read.
    pub fn columns(&self, start: usize, length: usize) -> Operand<'_, T> {
        match self.1 {
            Read::Plain => Operand(self.0.columns(start, length), self.1),
            Read::Transposed => Operand(self.0.rows(start, length), self.1),
        }
    }

    /// Rows and columns as read.
    pub fn shape(&self) -> (usize, usize) {
        match self.1 {
            Read::Plain => self.0.shape(),
            Read::Transposed => (self.0.ncols(), self.0.nrows()),
        }
    }

    /// Distance between rows and between columns as read (elements).
    fn strides(&self) -> (isize, isize) {
        let columns = self.0.strides().1.cast_signed();
        match self.1 {
            Read::Plain => (1, columns),
            Read::Transposed => (columns, 1),
        }
    }
}

/// `out ← keep · out + scale · left · right`, with `keep` 0 or 1, on the calling thread.
///
/// # Panics
///
/// If the shapes do not fit: a bug of the caller, never a matter of data.
pub(super) fn multiply<T: Real>(
    mut out: ViewMut<'_, T>,
    keep: bool,
    scale: T,
    left: Operand<'_, T>,
    right: Operand<'_, T>,
) {
    let (rows, depth) = left.shape();
    let columns = right.shape().1;
    assert_eq!(right.shape().0, depth, "inner sizes of a product differ");
    assert_eq!(out.shape(), (rows, columns), "the product does not fit where it goes");
    let stride = out.strides().1.cast_signed();
    let ((left_row, left_column), (right_row, right_column)) = (left.strides(), right.strides());
    let kept = if keep { T::ONE } else { T::ZERO };
    // SAFETY: a view of shape (r, c) with strides (1, s) vouches for its elements i + j s, i < r, j < c, while
    // it is borrowed. The shapes above make gemm touch `out` at (i < rows, j < columns), `left` at
    // (i < rows, l < depth) and `right` at (l < depth, j < columns) and nothing else; a transposed operand
    // swaps both shape and strides. `out` is borrowed mutably, so it overlaps neither operand. `T` is f32 or
    // f64 (`Real` is sealed), for which gemm has kernels, and it checks by itself what the processor can do.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            out.as_mut_ptr(),
            stride,
            1,
            keep,
            left.0.as_ptr(),
            left_column,
            left_row,
            right.0.as_ptr(),
            right_column,
            right_row,
            kept,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
