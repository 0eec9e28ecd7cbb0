//! Tiles of a product, which stay in registers while the inner index runs, and the packing of what they read.
//!
//! The number of registers and columns is known when a tile is compiled, so that nothing of it goes through
//! memory.
#![allow(unsafe_code, reason = "registers and raw pointers; audited here, denied elsewhere")]

use super::Real;
use super::lanes::Lanes;

/// Columns of a tile; its registers along the rows are the processor's affair ([`Lanes::HEIGHT`]).
pub(super) const BREADTH: usize = 6;
/// Most registers along the rows.
pub(super) const HIGHEST: usize = 4;
/// Numbers of the largest tile: registers hold sixteen at most.
const SPARE: usize = HIGHEST * 16 * BREADTH;
/// Bytes of a cache line, at which packed operands start.
pub(super) const LINE: usize = 64;

/// One product as the kernels see it: `c (+)= scale · a · b`, with `a(i, k)` at `i · a_outer + k · a_inner`
/// and `b(k, j)` at `k · b_inner + j · b_outer`.
#[derive(Clone, Copy)]
pub struct Task<T> {
    pub(super) c: *mut T,
    pub(super) c_stride: usize,
    pub(super) a: *const T,
    pub(super) a_inner: usize,
    pub(super) a_outer: usize,
    pub(super) b: *const T,
    pub(super) b_inner: usize,
    pub(super) b_outer: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) depth: usize,
    pub(super) scale: T,
    pub(super) keep: bool,
}

/// Columns of the next tile; the last two share what is left: ten columns are five and five.
#[inline(always)]
pub(super) fn breadth(left: usize) -> usize {
    if left > BREADTH && left < 2 * BREADTH { left.div_ceil(2) } else { left.min(BREADTH) }
}

/// Some rows of the left operand, scaled, inner index by inner index, filled up with zeros to whole
/// registers.
#[inline(always)]
pub(super) unsafe fn pack_left<L: Lanes>(
    task: &Task<L::Number>,
    row: usize,
    rows: usize,
    to: *mut L::Number,
) {
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
        let line = LINE / size_of::<L::Number>();
        for first in (0..task.depth).step_by(line) {
            let end = task.depth.min(first + line);
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
pub(super) unsafe fn pack_right<N: Copy>(tile: &Task<N>, to: *mut N) {
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
pub(super) unsafe fn tile_beside<L: Lanes>(task: Task<L::Number>, packed: bool) {
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
pub(super) unsafe fn tile_of<L: Lanes>(task: Task<L::Number>, packed: bool) {
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

/// A full tile that packs the next, a whole breadth of columns, on its way.
#[inline(always)]
pub(super) unsafe fn tile_and_pack<L: Lanes>(
    task: Task<L::Number>,
    next: &Task<L::Number>,
    to: *mut L::Number,
) {
    // SAFETY: called for `k < depth` of columns of `b`, which lie side by side.
    let copy = |k: usize| unsafe {
        next.b.add(k * next.b_inner).copy_to_nonoverlapping(to.add(k * BREADTH), BREADTH);
    };
    // SAFETY: the caller's.
    unsafe {
        match L::HEIGHT {
            4 => tile::<L, 4, BREADTH>(task, true, copy),
            2 => tile::<L, 2, BREADTH>(task, true, copy),
            _ => tile::<L, 1, BREADTH>(task, true, copy),
        }
    }
}

/// `V` whole registers of rows by `N` columns of the result; the left operand, not packed, may have fewer
/// rows.
#[inline(always)]
unsafe fn tile<L: Lanes, const V: usize, const N: usize>(
    task: Task<L::Number>,
    packed: bool,
    each: impl Fn(usize),
) {
    // SAFETY: columns `k < depth` of `a` and `b`, rows below `task.rows` by the mask (a packed operand has
    // them all), columns `j < N` of `b` and `c`.
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
