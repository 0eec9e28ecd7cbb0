//! The product kernel: a tile of the result stays in registers while the inner index runs.
//!
//! Rows of the result lie along the registers, columns are broadcast. The left operand goes in blocks of rows
//! and inner indices, packed so that a tile reads it in one stream; the right one is read as it lies where
//! its columns lie along the inner index, and packed column by tile where they do not. Operands that are read
//! only once or twice are not packed. Every element is one chain of multiply-adds along the inner index,
//! through memory from block to block, the same for every batch, tile and processor with fused multiply-adds.
//! Block and tile as in Goto & van de Geijn, ACM TOMS 34, 12 (2008).
//!
//! All unsafe code of this crate is here, in [`super::tile`] and in [`super::lanes`]: pointers come from
//! borrowed views, after their shapes are checked, and instructions are used only where the processor was
//! asked for them.
#![allow(unsafe_code, reason = "registers and raw pointers; audited here, denied elsewhere")]

use std::cell::RefCell;

use super::lanes::{Lanes, Plain};
use super::tile::{
    BREADTH, HIGHEST, LINE, Task, breadth, pack_left, pack_right, tile_and_pack, tile_beside, tile_of,
};
use super::{Real, View, ViewMut};

/// Inner indices of a block, in bytes. A right operand that is packed shares the first cache with a strip of
/// the left one.
const INNER: usize = 2048;
const INNER_PACKED: usize = 1024;
/// Rows of a block: packed, it stays in the second cache.
const ROWS: usize = 128;
/// Columns for which packing the left operand does not pay.
const FEW: usize = 2 * BREADTH;

/// How an operand is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// As it lies.
    Plain,
    /// Rows for columns.
    Transposed,
}

/// `out ← (out) + scale · left · right` on the calling thread.
///
/// # Panics
///
/// If the shapes do not fit: a bug of the caller, never a matter of data.
pub(super) fn multiply<T: Real>(
    mut out: ViewMut<'_, T>,
    keep: bool,
    scale: T,
    left: (View<'_, T>, Read),
    right: (View<'_, T>, Read),
) {
    let (rows, depth, a_outer, a_inner) = read(left);
    let (inner, columns, b_inner, b_outer) = read(right);
    assert_eq!(inner, depth, "inner sizes of a product differ");
    assert_eq!(out.shape(), (rows, columns), "the product does not fit where it goes");
    let c_stride = out.strides().1;
    let (c, a, b) = (out.as_mut_ptr(), left.0.as_ptr(), right.0.as_ptr());
    let task =
        Task { c, c_stride, a, a_inner, a_outer, b, b_inner, b_outer, rows, columns, depth, scale, keep };
    // SAFETY: a view of shape (r, c) with strides (1, s) vouches for its elements i + j s, i < r, j < c,
    // while it is borrowed. By the shapes above the kernels touch `c` at (i < rows, j < columns), `a` at (i <
    // rows, k < depth) and `b` at (k < depth, j < columns), a transposed operand with its strides swapped,
    // and nothing else: a register that stands over the last row is masked. `out` is borrowed mutably, so it
    // overlaps neither operand. The product of a single row is that of a column with its operands exchanged,
    // element for element.
    unsafe { T::product(if task.can_turn() { task.turned() } else { task }) }
}

/// Rows and columns of an operand, and the steps from one of each to the next.
fn read<T: Real>((view, read): (View<'_, T>, Read)) -> (usize, usize, usize, usize) {
    let ((rows, columns), stride) = (view.shape(), view.strides().1);
    match read {
        Read::Plain => (rows, columns, 1, stride),
        Read::Transposed => (columns, rows, stride, 1),
    }
}

impl<T: Real> Task<T> {
    /// Some of its columns.
    fn columns_from(&self, first: usize, columns: usize) -> Self {
        let (c, b) = (self.c.wrapping_add(first * self.c_stride), self.b.wrapping_add(first * self.b_outer));
        Self { c, b, columns, ..*self }
    }

    /// Whether this is a single row whose neurons can lie along the registers instead.
    fn can_turn(&self) -> bool {
        self.rows == 1 && self.c_stride == 1 && self.b_outer == 1 && self.scale == T::ONE
    }

    /// `cᵀ (+)= bᵀ · aᵀ` of a single row.
    fn turned(self) -> Self {
        Self {
            a: self.b,
            a_inner: self.b_inner,
            a_outer: self.b_outer,
            b: self.a,
            b_inner: self.a_inner,
            b_outer: self.a_outer,
            rows: self.columns,
            columns: 1,
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
                thread_local! {
                    /// Operands as packed by this thread's products, used again by each.
                    static PACKED: RefCell<Vec<$number>> = const { RefCell::new(Vec::new()) };
                }
                #[cfg(target_arch = "x86_64")]
                {
                    use std::arch::x86_64::{$half, $wide};

                    #[target_feature(enable = "avx512f")]
                    unsafe fn wide(task: Task<$number>, packed: &mut Vec<$number>) {
                        // SAFETY: as the caller promises.
                        unsafe { product::<$wide>(task, packed) }
                    }

                    #[target_feature(enable = "avx2,fma")]
                    unsafe fn half(task: Task<$number>, packed: &mut Vec<$number>) {
                        // SAFETY: as the caller promises.
                        unsafe { product::<$half>(task, packed) }
                    }

                    if is_x86_feature_detected!("avx512f") {
                        // SAFETY: the processor was asked; the pointers are the caller's promise.
                        return PACKED.with_borrow_mut(|packed| unsafe { wide(task, packed) });
                    }
                    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                        // SAFETY: as above.
                        return PACKED.with_borrow_mut(|packed| unsafe { half(task, packed) });
                    }
                }
                // SAFETY: as the caller promises; plain numbers need no instructions of their own.
                PACKED.with_borrow_mut(|packed| unsafe { product::<Plain<$number>>(task, packed) });
            }
        }
    };
}

widest!(f32, __m512, __m256);
widest!(f64, __m512d, __m256d);

/// Blocks of rows, and within them of inner indices, each of which goes on with the sums of the one before.
#[inline(always)]
unsafe fn product<L: Lanes>(task: Task<L::Number>, packed: &mut Vec<L::Number>) {
    let inner = INNER / size_of::<L::Number>();
    let room = (ROWS + 2 * BREADTH) * inner + LINE;
    if packed.len() < room {
        packed.resize(room, L::Number::ZERO);
    }
    let aligned = packed.as_mut_ptr().align_offset(LINE);
    // SAFETY: `room` has a line to spare, and `align_offset` of numbers in memory of numbers is below a line.
    let packed = unsafe { packed.as_mut_ptr().add(aligned) };
    let longest = if task.b_inner == 1 { INNER } else { INNER_PACKED } / size_of::<L::Number>();
    let blocks = task.depth.div_ceil(longest).max(1);
    for row in (0..task.rows).step_by(ROWS) {
        for block in 0..blocks {
            let first = block * task.depth / blocks;
            // SAFETY: `row < rows`, `first < depth` (or the operands are empty and never read).
            let part = unsafe {
                Task {
                    c: task.c.add(row),
                    a: task.a.wrapping_add(row * task.a_outer + first * task.a_inner),
                    b: task.b.wrapping_add(first * task.b_inner),
                    rows: ROWS.min(task.rows - row),
                    depth: (block + 1) * task.depth / blocks - first,
                    keep: task.keep || block > 0,
                    ..task
                }
            };
            // SAFETY: the part lies within the task; `packed` has room for both operands of a block.
            unsafe { block_of::<L>(part, packed) }
        }
    }
}

/// One block: one breadth of columns after the other.
#[inline(always)]
unsafe fn block_of<L: Lanes>(task: Task<L::Number>, packed: *mut L::Number) {
    let packs_left = task.a_outer != 1 || task.columns > FEW || task.scale != L::Number::ONE;
    let height = if packs_left || task.columns > 2 { L::HEIGHT } else { HIGHEST };
    let left = Left { tall: height * L::WIDTH, packed: packs_left.then_some(packed) };
    let packs_right = task.b_inner != 1 && task.rows > left.tall;
    let inner = INNER / size_of::<L::Number>();
    // SAFETY: within the room of `packed`; a strip of rows takes `tall` times the depth.
    let (mut here, mut other) = unsafe {
        if packs_left {
            for row in (0..task.rows).step_by(left.tall) {
                pack_left::<L>(&task, row, left.tall.min(task.rows - row), packed.add(row * task.depth));
            }
        }
        (packed.add(ROWS * inner), packed.add((ROWS + BREADTH) * inner))
    };
    let (mut first, mut is_packed) = (0, false);
    while first < task.columns {
        let columns = breadth(task.columns - first);
        let mut part = task.columns_from(first, columns);
        first += columns;
        // While one breadth is multiplied the next is packed, which hides its way from far memory.
        let next = task.columns_from(first, breadth(task.columns - first));
        let full = columns == BREADTH && next.columns == BREADTH && packs_left;
        let ahead = (packs_right && full && task.b_outer == 1).then_some((next, other));
        // SAFETY: columns of the task; room for two breadths of them.
        unsafe {
            if packs_right {
                if !is_packed {
                    pack_right(&part, here);
                }
                (part.b, part.b_inner, part.b_outer) = (here, columns, 1);
            }
            strips_of::<L>(part, &left, ahead);
        }
        is_packed = ahead.is_some();
        if is_packed {
            (here, other) = (other, here);
        }
    }
}

/// How the left operand of a block is read: strips of `tall` rows, packed or not.
struct Left<T> {
    tall: usize,
    packed: Option<*mut T>,
}

/// One breadth of columns, tile by tile down the rows; the first packs the columns of `ahead` on its way.
#[inline(always)]
unsafe fn strips_of<L: Lanes>(
    task: Task<L::Number>,
    left: &Left<L::Number>,
    mut ahead: Option<(Task<L::Number>, *mut L::Number)>,
) {
    for row in (0..task.rows).step_by(left.tall) {
        let rows = left.tall.min(task.rows - row);
        let mut tile = Task { c: task.c.wrapping_add(row), rows, ..task };
        if let Some(packed) = left.packed {
            tile.a = packed.wrapping_add(row * task.depth);
            tile.a_inner = rows.next_multiple_of(L::WIDTH);
        } else {
            tile.a = task.a.wrapping_add(row);
        }
        // SAFETY: the tile lies within the task; a packed strip begins where it was put.
        unsafe {
            match ahead.take() {
                Some((next, to)) => tile_and_pack::<L>(tile, &next, to),
                None if rows % L::WIDTH == 0 => tile_of::<L>(tile, left.packed.is_some()),
                None => tile_beside::<L>(tile, left.packed.is_some()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    /// One product through registers of kind `L`; this processor must have them.
    #[allow(clippy::extra_unused_type_parameters, reason = "it names the registers that `run` is for")]
    fn through<L: Lanes>(
        run: unsafe fn(Task<L::Number>, &mut Vec<L::Number>),
        rows: usize,
        columns: usize,
    ) -> Matrix<L::Number>
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
            a_inner: rows,
            a_outer: 1,
            b: right.as_slice().as_ptr(),
            b_inner: 1,
            b_outer: depth,
            rows,
            columns,
            depth,
            scale: L::Number::ONE,
            keep: false,
        };
        // SAFETY: pointers, strides and shape are those of the three matrices.
        unsafe { run(task, &mut Vec::new()) };
        out
    }

    #[test]
    fn every_kind_of_register_gives_the_same_sums_and_fused_ones_the_same_bits() {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

            #[target_feature(enable = "avx512f")]
            unsafe fn wide<L: Lanes>(task: Task<L::Number>, packed: &mut Vec<L::Number>) {
                // SAFETY: the caller's.
                unsafe { product::<L>(task, packed) }
            }
            #[target_feature(enable = "avx2,fma")]
            unsafe fn half<L: Lanes>(task: Task<L::Number>, packed: &mut Vec<L::Number>) {
                // SAFETY: the caller's.
                unsafe { product::<L>(task, packed) }
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
