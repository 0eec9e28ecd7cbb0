//! The product kernel: a tile of the result stays in registers while the inner index runs.
//!
//! Rows of the result lie along the registers, columns are broadcast. The left operand goes in blocks of rows and inner
//! indices, packed so that a tile reads it in one stream; the right one is read as it lies where its columns lie along
//! the inner index, and packed column by tile where they do not. Operands that are read only once or twice are not packed. Every
//! element is one chain of multiply-adds along the inner index, through memory from block to block, the same for every batch,
//! tile and processor with fused multiply-adds. Block and tile as in Goto & van de Geijn, ACM TOMS 34, 12 (2008).
//!
//! All unsafe code of this crate is here and in [`super::lanes`]: pointers come from borrowed views, after their
//! shapes are checked, and instructions are used only where the processor was asked for them.
#![allow(unsafe_code, reason = "registers and raw pointers; audited here, denied elsewhere")]

use std::cell::RefCell;

use super::lanes::{Lanes, Plain};
use super::{Real, View, ViewMut};

/// Columns of a tile; its registers along the rows are the processor's affair ([`Lanes::HEIGHT`]).
const BREADTH: usize = 6;
/// Inner indices of a block, in bytes. A right operand that is packed shares the first cache with a strip of the left one.
const INNER: usize = 2048;
const INNER_PACKED: usize = 1024;
/// Rows of a block: packed, it stays in the second cache.
const ROWS: usize = 128;
/// Columns for which packing the left operand does not pay.
const FEW: usize = 2 * BREADTH;
/// Numbers of the largest tile.
const SPARE: usize = 4 * 16 * BREADTH;
/// Bytes of a cache line, at which packed operands start.
const LINE: usize = 64;

/// How an operand is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// As it lies.
    Plain,
    /// Rows for columns.
    Transposed,
}

/// One product as the kernels see it: `c (+)= scale · a · b`, with `a(i, k)` at `i · a_outer + k · a_inner` and `b(k, j)` at
/// `k · b_inner + j · b_outer`.
#[derive(Clone, Copy)]
pub struct Task<T> {
    c: *mut T,
    c_stride: usize,
    a: *const T,
    a_inner: usize,
    a_outer: usize,
    b: *const T,
    b_inner: usize,
    b_outer: usize,
    rows: usize,
    columns: usize,
    depth: usize,
    scale: T,
    keep: bool,
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
    // SAFETY: a view of shape (r, c) with strides (1, s) vouches for its elements i + j s, i < r, j < c, while it is
    // borrowed. By the shapes above the kernels touch `c` at (i < rows, j < columns), `a` at (i < rows, k < depth)
    // and `b` at (k < depth, j < columns), a transposed operand with its strides swapped, and nothing else: a
    // register that stands over the last row is masked. `out` is borrowed mutably, so it overlaps neither operand.
    // The product of a single row is that of a column with its operands exchanged, element for element.
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

/// One block: tiles down its rows, for one breadth of columns after the other.
#[inline(always)]
unsafe fn block_of<L: Lanes>(task: Task<L::Number>, packed: *mut L::Number) {
    let packs_left = task.a_outer != 1 || task.columns > FEW || !(task.scale == L::Number::ONE);
    let height = if packs_left || task.columns > 2 { L::HEIGHT } else { 4 };
    let tall = height * L::WIDTH;
    let packs_right = task.b_inner != 1 && task.rows > tall;
    // SAFETY: within the room of `packed`, here and below.
    let mut packed_right = unsafe { packed.add(ROWS * (INNER / size_of::<L::Number>())) };
    let mut packed_other = unsafe { packed_right.add(BREADTH * (INNER / size_of::<L::Number>())) };
    let mut c = task.c;
    if packs_left {
        for row in (0..task.rows).step_by(tall) {
            // SAFETY: rows of `a`; a strip takes `tall` times the depth.
            unsafe { pack_left::<L>(&task, row, tall.min(task.rows - row), packed.add(row * task.depth)) }
        }
    }
    let mut first = 0;
    let mut is_packed = false;
    while first < task.columns {
        let columns = breadth(task.columns - first);
        let mut tile = Task { b: task.b.wrapping_add(first * task.b_outer), columns, ..task };
        first += columns;
        let next = task.b.wrapping_add(first * task.b_outer);
        // While one breadth is multiplied the next is packed, which hides its way from far memory.
        let mut packs_next = packs_right && task.b_outer == 1 && breadth(task.columns - first) == BREADTH;
        packs_next &= packs_left && columns == BREADTH;
        if packs_right {
            // SAFETY: columns of `b`; room for two breadths of them.
            unsafe {
                if !is_packed {
                    pack_right(&tile, packed_right)
                }
            }
            (tile.b, tile.b_inner, tile.b_outer) = (packed_right, columns, 1);
        }
        is_packed = packs_next;
        for row in (0..task.rows).step_by(tall) {
            tile.rows = tall.min(task.rows - row);
            // SAFETY: the tile lies within the task; a packed strip begins where it was put.
            unsafe {
                tile.c = c.add(row);
                if packs_left {
                    tile.a = packed.add(row * task.depth);
                    tile.a_inner = tile.rows.next_multiple_of(L::WIDTH);
                } else {
                    tile.a = task.a.wrapping_add(row);
                }
                if row == 0 && packs_next {
                    tile_and_pack::<L>(tile, next, task.b_inner, packed_other);
                } else if tile.rows % L::WIDTH == 0 {
                    tile_of::<L>(tile, packs_left);
                } else {
                    tile_beside::<L>(tile, packs_left);
                }
            }
        }
        if packs_next {
            (packed_right, packed_other) = (packed_other, packed_right);
        }
        c = c.wrapping_add(columns * task.c_stride);
    }
}

/// Columns of the next tile; the last two share what is left: ten columns are five and five.
#[inline(always)]
fn breadth(left: usize) -> usize {
    if left > BREADTH && left < 2 * BREADTH { left.div_ceil(2) } else { left.min(BREADTH) }
}

/// Some rows of the left operand, scaled, inner index by inner index, filled up with zeros to whole registers.
#[inline(always)]
unsafe fn pack_left<L: Lanes>(task: &Task<L::Number>, row: usize, rows: usize, to: *mut L::Number) {
    let step = rows.next_multiple_of(L::WIDTH);
    let last = L::first(rows - (step - L::WIDTH));
    // SAFETY: `a` at rows below `row + rows` by the mask, `to` at `step · depth` places.
    unsafe {
        let factor = L::splat(task.scale);
        if task.a_outer == 1 {
            for k in 0..task.depth {
                let (from, to) = (task.a.add(row + k * task.a_inner), to.add(k * step));
                for i in (0..step).step_by(L::WIDTH) {
                    let some = i + L::WIDTH > rows;
                    let lanes = if some { L::load_some(from.add(i), last) } else { L::load(from.add(i)) };
                    lanes.times(factor).store(to.add(i));
                }
            }
            return;
        }
        // Turned, a cache line of inner indices at a time.
        for first in (0..task.depth).step_by(16) {
            let end = task.depth.min(first + 16);
            for i in 0..step {
                let from = task.a.wrapping_add((row + i) * task.a_outer);
                for k in first..end {
                    let number =
                        if i < rows { task.scale * *from.add(k * task.a_inner) } else { L::Number::ZERO };
                    *to.add(k * step + i) = number;
                }
            }
        }
    }
}

/// The columns of a tile of the right operand, inner index by inner index.
#[inline(always)]
unsafe fn pack_right<N: Copy>(tile: &Task<N>, to: *mut N) {
    if tile.columns == BREADTH && tile.b_outer == 1 {
        for k in 0..tile.depth {
            // SAFETY: row `k` of `b` has six numbers here, and so has its place.
            unsafe { tile.b.add(k * tile.b_inner).copy_to_nonoverlapping(to.add(k * BREADTH), BREADTH) }
        }
        return;
    }
    for k in 0..tile.depth {
        for j in 0..tile.columns {
            // SAFETY: as above, number by number.
            unsafe { *to.add(k * tile.columns + j) = *tile.b.add(k * tile.b_inner + j * tile.b_outer) }
        }
    }
}

/// A tile whose last register stands over the edge: made beside the result, and copied.
#[inline(always)]
unsafe fn tile_beside<L: Lanes>(task: Task<L::Number>, packed: bool) {
    let mut spare = [L::Number::ZERO; SPARE];
    let c_stride = task.rows.next_multiple_of(L::WIDTH);
    // SAFETY: rows and columns of `c`; `spare` has room for any tile.
    unsafe {
        if task.keep {
            for j in 0..task.columns {
                let from = task.c.add(j * task.c_stride);
                from.copy_to_nonoverlapping(spare.as_mut_ptr().add(j * c_stride), task.rows);
            }
        }
        tile_of::<L>(Task { c: spare.as_mut_ptr(), c_stride, ..task }, packed);
        for j in 0..task.columns {
            let from = spare.as_ptr().add(j * c_stride);
            from.copy_to_nonoverlapping(task.c.add(j * task.c_stride), task.rows);
        }
    }
}

/// The tile by its number of registers and columns.
#[inline(always)]
unsafe fn tile_of<L: Lanes>(task: Task<L::Number>, packed: bool) {
    // SAFETY: the caller's.
    unsafe {
        match task.rows.div_ceil(L::WIDTH) {
            4 => tile_across::<L, 4>(task, packed),
            3 => tile_across::<L, 3>(task, packed),
            2 => tile_across::<L, 2>(task, packed),
            _ => tile_across::<L, 1>(task, packed),
        }
    }
}

#[inline(always)]
unsafe fn tile_across<L: Lanes, const V: usize>(task: Task<L::Number>, packed: bool) {
    // SAFETY: the caller's.
    unsafe {
        match task.columns {
            6 => tile::<L, V, 6>(task, packed, |_| ()),
            5 => tile::<L, V, 5>(task, packed, |_| ()),
            4 => tile::<L, V, 4>(task, packed, |_| ()),
            3 => tile::<L, V, 3>(task, packed, |_| ()),
            2 => tile::<L, V, 2>(task, packed, |_| ()),
            _ => tile::<L, V, 1>(task, packed, |_| ()),
        }
    }
}

/// A full tile that packs the next six columns of the right operand on its way.
#[inline(always)]
unsafe fn tile_and_pack<L: Lanes>(
    task: Task<L::Number>,
    from: *const L::Number,
    step: usize,
    to: *mut L::Number,
) {
    let copy = |k: usize| unsafe {
        from.add(k * step).copy_to_nonoverlapping(to.add(k * BREADTH), BREADTH);
    };
    unsafe {
        match L::HEIGHT {
            4 => tile::<L, 4, 6>(task, true, copy),
            2 => tile::<L, 2, 6>(task, true, copy),
            _ => tile::<L, 1, 6>(task, true, copy),
        }
    }
}

/// `V` whole registers of rows by `N` columns of the result; the left operand, not packed, may have fewer rows.
#[inline(always)]
unsafe fn tile<L: Lanes, const V: usize, const N: usize>(
    task: Task<L::Number>,
    packed: bool,
    each: impl Fn(usize),
) {
    // SAFETY: columns `k < depth` of `a` and `b`, rows below `task.rows` by the mask (a packed operand has them all), columns
    // `j < N` of `b` and `c`.
    unsafe {
        let mut sums = [[L::zero(); V]; N];
        if task.keep {
            for (j, sums) in sums.iter_mut().enumerate() {
                for (i, sum) in sums.iter_mut().enumerate() {
                    *sum = L::load(task.c.add(j * task.c_stride + i * L::WIDTH));
                }
            }
        }
        let sums = if packed || task.rows == V * L::WIDTH {
            sums_of::<L, V, N>(task, sums, |from| L::load(from), each)
        } else {
            let last = L::first(task.rows - (V - 1) * L::WIDTH);
            sums_of::<L, V, N>(task, sums, |from| L::load_some(from, last), each)
        };
        for (j, sums) in sums.into_iter().enumerate() {
            for (i, sum) in sums.into_iter().enumerate() {
                sum.store(task.c.add(j * task.c_stride + i * L::WIDTH));
            }
        }
    }
}

/// The multiply-adds of a tile, its last register loaded by `load_last`.
#[inline(always)]
unsafe fn sums_of<L: Lanes, const V: usize, const N: usize>(
    task: Task<L::Number>,
    mut sums: [[L; V]; N],
    load_last: impl Fn(*const L::Number) -> L,
    each: impl Fn(usize),
) -> [[L; V]; N] {
    let (mut a, mut b) = (task.a, task.b);
    for k in 0..task.depth {
        each(k);
        // SAFETY: the caller's; both pointers move on `depth` times and are not read then (`wrapping_add`).
        unsafe {
            let mut column = [L::zero(); V];
            for (i, lanes) in column.iter_mut().enumerate() {
                let from = a.add(i * L::WIDTH);
                *lanes = if i + 1 == V { load_last(from) } else { L::load(from) };
            }
            for (j, sums) in sums.iter_mut().enumerate() {
                let factor = L::splat(*b.add(j * task.b_outer));
                for (sum, lanes) in sums.iter_mut().zip(column) {
                    *sum = lanes.multiply_add(factor, *sum);
                }
            }
            a = a.wrapping_add(task.a_inner);
            b = b.wrapping_add(task.b_inner);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    /// One product through registers of kind `L`; this processor must have them.
    #[allow(clippy::extra_unused_type_parameters)]
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
