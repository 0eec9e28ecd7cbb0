//! The product kernel: a tile of the result stays in registers while the inner index runs.
//!
//! Rows of the result lie along the registers, columns are broadcast, and nothing is packed: a state matrix is
//! `[batch × n]`, so its columns are what a register wants. Every element is one chain of multiply-adds along the
//! inner index, the same for every batch, tile and processor with fused multiply-adds. Against crate `gemm`,
//! which packs its operands: equal on large squares, faster on the small and narrow layers of these networks.
//!
//! All unsafe code of this crate is here and in [`super::lanes`]: pointers come from borrowed views, after their
//! shapes are checked, and instructions are used only where the processor was asked for them.
#![allow(unsafe_code, reason = "registers and raw pointers; audited here, denied elsewhere")]

use super::lanes::{Lanes, Plain};
use super::{Real, View, ViewMut};

/// Registers along the rows and columns of a tile: 24 sums, of 32 registers.
const HEIGHT: usize = 4;
const BREADTH: usize = 6;

/// How the right operand is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// As it lies.
    Plain,
    /// Rows for columns.
    Transposed,
}

/// One product as the kernels see it: `c (+)= a · b`, with `b(k, j)` at `k · inner + j · outer`.
#[derive(Clone, Copy)]
pub struct Task<T> {
    c: *mut T,
    c_stride: usize,
    a: *const T,
    a_stride: usize,
    b: *const T,
    inner: usize,
    outer: usize,
    rows: usize,
    columns: usize,
    depth: usize,
    keep: bool,
}

/// `out ← (out) + left · right` on the calling thread.
///
/// # Panics
///
/// If the shapes do not fit: a bug of the caller, never a matter of data.
pub(super) fn multiply<T: Real>(
    mut out: ViewMut<'_, T>,
    keep: bool,
    left: View<'_, T>,
    (right, read): (View<'_, T>, Read),
) {
    let stride = right.strides().1;
    let (depth, columns, inner, outer) = match read {
        Read::Plain => (right.nrows(), right.ncols(), 1, stride),
        Read::Transposed => (right.ncols(), right.nrows(), stride, 1),
    };
    assert_eq!(left.ncols(), depth, "inner sizes of a product differ");
    assert_eq!(out.shape(), (left.nrows(), columns), "the product does not fit where it goes");
    let task = Task {
        c_stride: out.strides().1,
        c: out.as_mut_ptr(),
        a: left.as_ptr(),
        a_stride: left.strides().1,
        b: right.as_ptr(),
        inner,
        outer,
        rows: left.nrows(),
        columns,
        depth,
        keep,
    };
    // SAFETY: a view of shape (r, c) with strides (1, s) vouches for its elements i + j s, i < r, j < c, while it is
    // borrowed. By the shapes above the kernels touch `c` at (i < rows, j < columns), `a` at (i < rows, k < depth)
    // and `b` at (k < depth, j < columns), a transposed operand with its strides swapped, and nothing else: a
    // register that stands over the last row is masked. `out` is borrowed mutably, so it overlaps neither operand.
    // The product of a single row is that of a column with its operands exchanged, element for element.
    unsafe {
        T::product(if task.rows == 1 && task.c_stride == 1 && outer == 1 { task.turned() } else { task })
    }
}

impl<T> Task<T> {
    /// `cᵀ (+)= bᵀ · aᵀ` of a single row, where neurons can lie along the registers.
    fn turned(self) -> Self {
        let (rows, columns) = (self.columns, self.rows);
        Self {
            a: self.b,
            a_stride: self.inner,
            b: self.a,
            inner: self.a_stride,
            outer: 1,
            rows,
            columns,
            ..self
        }
    }
}

/// A number with product kernels of its own. It cannot be named outside, so [`Real`] has no other types.
pub trait Multiply: Sized {
    /// Carries a task out.
    ///
    /// # Safety
    ///
    /// The task's pointers are valid for its shape.
    unsafe fn product(task: Task<Self>);
}

/// Runs a task with the widest registers of this processor.
macro_rules! widest {
    ($number:ty, $wide:ident, $half:ident) => {
        impl Multiply for $number {
            unsafe fn product(task: Task<$number>) {
                #[cfg(target_arch = "x86_64")]
                {
                    use std::arch::x86_64::{$half, $wide};

                    #[target_feature(enable = "avx512f")]
                    unsafe fn wide(task: Task<$number>) {
                        // SAFETY: as the caller promises.
                        unsafe { product::<$wide>(task) }
                    }

                    #[target_feature(enable = "avx2,fma")]
                    unsafe fn half(task: Task<$number>) {
                        // SAFETY: as the caller promises.
                        unsafe { product::<$half>(task) }
                    }

                    if is_x86_feature_detected!("avx512f") {
                        // SAFETY: the processor was asked; the pointers are the caller's promise.
                        return unsafe { wide(task) };
                    }
                    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                        // SAFETY: as above.
                        return unsafe { half(task) };
                    }
                }
                // SAFETY: as the caller promises; plain numbers need no instructions of their own.
                unsafe { product::<Plain<$number>>(task) }
            }
        }
    };
}

widest!(f32, __m512, __m256);
widest!(f64, __m512d, __m256d);

/// Strips of rows, each as high as a tile.
#[inline(always)]
unsafe fn product<L: Lanes>(task: Task<L::Number>) {
    let mut row = 0;
    while row < task.rows {
        let rows = (task.rows - row).min(HEIGHT * L::WIDTH);
        // SAFETY: `row < rows` of `a` and `c`.
        let strip = unsafe { Task { c: task.c.add(row), a: task.a.add(row), rows, ..task } };
        // SAFETY: the strip lies within the task.
        unsafe {
            match rows.div_ceil(L::WIDTH) {
                4 => strip_of::<L, 4>(strip),
                3 => strip_of::<L, 3>(strip),
                2 => strip_of::<L, 2>(strip),
                _ => strip_of::<L, 1>(strip),
            }
        }
        row += rows;
    }
}

/// Tiles side by side.
#[inline(always)]
unsafe fn strip_of<L: Lanes, const V: usize>(task: Task<L::Number>) {
    let mut column = 0;
    while column < task.columns {
        let columns = (task.columns - column).min(BREADTH);
        // SAFETY: `column < columns` of `b` and `c`.
        let here = unsafe {
            Task {
                c: task.c.add(column * task.c_stride),
                b: task.b.add(column * task.outer),
                columns,
                ..task
            }
        };
        // SAFETY: the tile lies within the strip.
        unsafe {
            match columns {
                6 => tile::<L, V, 6>(here),
                5 => tile::<L, V, 5>(here),
                4 => tile::<L, V, 4>(here),
                3 => tile::<L, V, 3>(here),
                2 => tile::<L, V, 2>(here),
                _ => tile::<L, V, 1>(here),
            }
        }
        column += columns;
    }
}

/// `V` registers of rows by `N` columns; the last register may stand over the edge.
#[inline(always)]
unsafe fn tile<L: Lanes, const V: usize, const N: usize>(task: Task<L::Number>) {
    let last = L::first(task.rows - (V - 1) * L::WIDTH);
    let (mut a, mut b) = (task.a, task.b);
    // SAFETY: columns `k < depth` of `a` and `b`, rows below `task.rows` by the mask, columns `j < N` of `b` and `c`;
    // both pointers move on `depth` times and are not read then (`wrapping_add`).
    unsafe {
        let mut sums = [[L::zero(); V]; N];
        for _ in 0..task.depth {
            let mut column = [L::zero(); V];
            for (i, lanes) in column.iter_mut().enumerate() {
                let from = a.add(i * L::WIDTH);
                *lanes = if i + 1 == V { L::load_some(from, last) } else { L::load(from) };
            }
            for (j, sums) in sums.iter_mut().enumerate() {
                let factor = L::splat(*b.add(j * task.outer));
                for (sum, lanes) in sums.iter_mut().zip(column) {
                    *sum = lanes.multiply_add(factor, *sum);
                }
            }
            a = a.wrapping_add(task.a_stride);
            b = b.wrapping_add(task.inner);
        }
        for (j, sums) in sums.iter().enumerate() {
            for (i, &sum) in sums.iter().enumerate() {
                let to = task.c.add(j * task.c_stride + i * L::WIDTH);
                let mask = if i + 1 == V { last } else { L::first(L::WIDTH) };
                let sum = if task.keep { sum.add(L::load_some(to, mask)) } else { sum };
                sum.store_some(to, mask);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    /// One product through registers of kind `L`; this processor must have them.
    #[allow(clippy::extra_unused_type_parameters)]
    fn through<L: Lanes>(run: unsafe fn(Task<L::Number>), rows: usize, columns: usize) -> Matrix<L::Number>
    where
        L::Number: Real,
    {
        let depth = 37;
        let number = |i: usize, j: usize| L::Number::of(((7 * i + 13 * j) % 29) as f64 / 7.0 - 2.0);
        let (left, right) = (Matrix::from_fn(rows, depth, number), Matrix::from_fn(depth, columns, number));
        let mut out = Matrix::zeros(rows, columns);
        let task = Task {
            c: out.as_mut_slice().as_mut_ptr(),
            c_stride: rows,
            a: left.as_slice().as_ptr(),
            a_stride: rows,
            b: right.as_slice().as_ptr(),
            inner: 1,
            outer: depth,
            rows,
            columns,
            depth,
            keep: false,
        };
        // SAFETY: pointers, strides and shape are those of the three matrices.
        unsafe { run(task) };
        out
    }

    #[test]
    fn every_kind_of_register_gives_the_same_sums_and_fused_ones_the_same_bits() {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

            #[target_feature(enable = "avx512f")]
            unsafe fn wide<L: Lanes>(task: Task<L::Number>) {
                // SAFETY: the caller's.
                unsafe { product::<L>(task) }
            }
            #[target_feature(enable = "avx2,fma")]
            unsafe fn half<L: Lanes>(task: Task<L::Number>) {
                // SAFETY: the caller's.
                unsafe { product::<L>(task) }
            }
            for (rows, columns) in [(1, 1), (3, 7), (8, 6), (15, 2), (17, 13), (64, 5), (65, 6), (130, 12)] {
                let plain = (
                    through::<Plain<f32>>(product::<Plain<f32>>, rows, columns),
                    through::<Plain<f64>>(product::<Plain<f64>>, rows, columns),
                );
                if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
                    continue;
                }
                let halves = (
                    through::<__m256>(half::<__m256>, rows, columns),
                    through::<__m256d>(half::<__m256d>, rows, columns),
                );
                // 37 terms below 4.7 in size, rounded once or twice each: 37 · 37 · 4.7 ε at most.
                assert!((&plain.0 - &halves.0).amax() <= 6500.0 * f32::EPSILON);
                assert!((&plain.1 - &halves.1).amax() <= 6500.0 * f64::EPSILON);
                if is_x86_feature_detected!("avx512f") {
                    assert_eq!(through::<__m512>(wide::<__m512>, rows, columns), halves.0);
                    assert_eq!(through::<__m512d>(wide::<__m512d>, rows, columns), halves.1);
                }
            }
        }
    }
}
