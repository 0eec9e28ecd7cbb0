//! Forward products of states that have moved a little: what few neurons change is added, not computed anew.
//!
//! Whether a row is added to or computed anew depends on that row alone, so its bits do not depend on the
//! batch.

use super::dispatch::{Kernel, multiply_add, run};
use super::elementwise::differ;
use super::product::{Onto, forward};
use super::{Matrix, Real, copy_rows, select_rows};

/// A row is computed anew if more than one in so many of its neurons have moved: each costs some four times
/// what it costs in a product.
const FEW: usize = 16;
/// Rows that are put in place together: a cache line of them.
const TOGETHER: usize = 16;

/// Brings `out = before · weightsᵀ` to `after · weightsᵀ`: `[B × n]`, `[B × m]`, `[n × m]`.
///
/// What has moved in a row is added to it in the order of the neurons; a row in which much has moved is the
/// product of [`forward`].
///
/// # Panics
///
/// If the shapes do not fit.
pub fn forward_moved<T: Real>(
    out: &mut Matrix<T>,
    before: &Matrix<T>,
    after: &Matrix<T>,
    weights: &Matrix<T>,
) {
    assert_eq!(before.shape(), after.shape(), "states differ in shape");
    assert_eq!(out.shape(), (after.nrows(), weights.nrows()), "the product does not fit where it goes");
    assert_eq!(after.ncols(), weights.ncols(), "inner sizes of a product differ");
    let mut counts = vec![0; after.nrows()];
    run(Count { before: before.as_slice(), after: after.as_slice(), counts: &mut counts });
    let few = |row: usize| counts[row] as usize * FEW <= after.ncols();
    let anew: Vec<usize> = (0..counts.len()).filter(|&row| !few(row)).collect();
    if anew.len() == counts.len() {
        forward(out.as_view_mut(), Onto::Nothing, after.as_view(), weights.as_view());
        return;
    }
    if !anew.is_empty() {
        let mut product = Matrix::zeros(anew.len(), out.ncols());
        let states = select_rows(after, &anew);
        forward(product.as_view_mut(), Onto::Nothing, states.as_view(), weights.as_view());
        let places: Vec<(usize, usize)> = anew.into_iter().enumerate().collect();
        copy_rows(&product, out, &places);
    }
    add_moved(out, before, after, weights, |row| counts[row] > 0 && few(row));
}

/// Adds what has moved in some rows.
fn add_moved<T: Real>(
    out: &mut Matrix<T>,
    before: &Matrix<T>,
    after: &Matrix<T>,
    weights: &Matrix<T>,
    row: impl Fn(usize) -> bool,
) {
    let (height, width) = (out.nrows(), out.ncols());
    let mut moves: Vec<Vec<(usize, T)>> = vec![Vec::new(); height];
    let columns = before.as_slice().chunks_exact(height).zip(after.as_slice().chunks_exact(height));
    for (j, (before, after)) in columns.enumerate() {
        if differ(before, after) {
            for (i, (&before, &after)) in before.iter().zip(after).enumerate() {
                if before != after && row(i) {
                    moves[i].push((j, after - before));
                }
            }
        }
    }
    // A sum for each of some rows, contiguous, and then in its place.
    let mut sums = vec![T::ZERO; TOGETHER * width];
    for first in (0..height).step_by(TOGETHER) {
        let rows = first..(first + TOGETHER).min(height);
        if rows.clone().all(|i| moves[i].is_empty()) {
            continue;
        }
        sums.fill(T::ZERO);
        for (sums, i) in sums.chunks_exact_mut(width).zip(rows.clone()) {
            for &(j, by) in &moves[i] {
                run(Add { sums, by, column: &weights.as_slice()[j * width..(j + 1) * width] });
            }
        }
        for (j, column) in out.as_mut_slice().chunks_exact_mut(height).enumerate() {
            for (i, value) in column[rows.clone()].iter_mut().enumerate() {
                *value += sums[i * width + j];
            }
        }
    }
}

/// How many values differ in each row.
struct Count<'a, T> {
    before: &'a [T],
    after: &'a [T],
    counts: &'a mut [u32],
}

impl<T: Real> Kernel for Count<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let rows = self.counts.len().max(1);
        for (before, after) in self.before.chunks_exact(rows).zip(self.after.chunks_exact(rows)) {
            for ((count, before), after) in self.counts.iter_mut().zip(before).zip(after) {
                *count += u32::from(before != after);
            }
        }
    }
}

/// `sums += by · column`.
struct Add<'a, T> {
    sums: &'a mut [T],
    by: T,
    column: &'a [T],
}

impl<T: Real> Kernel for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (sum, &value) in self.sums.iter_mut().zip(self.column) {
            *sum = multiply_add::<T, FUSED>(self.by, value, *sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, StandardUniform};

    use super::*;
    use crate::random::{Key, Kind, stream};

    /// Uniform numbers in [−1, 1).
    fn random(rows: usize, columns: usize, seed: u64) -> Matrix<f64> {
        let mut stream = stream(Key::new(seed, Kind::Data));
        Matrix::from_fn(rows, columns, |_, _| {
            2.0 * <StandardUniform as Distribution<f64>>::sample(&StandardUniform, &mut stream) - 1.0
        })
    }

    fn product(states: &Matrix<f64>, weights: &Matrix<f64>) -> Matrix<f64> {
        let mut out = Matrix::zeros(states.nrows(), weights.nrows());
        forward(out.as_view_mut(), Onto::Nothing, states.as_view(), weights.as_view());
        out
    }

    /// States of which row `i` moves in `i % 7` or, every fifth row, in all neurons.
    fn moved(before: &Matrix<f64>) -> Matrix<f64> {
        let by = random(before.nrows(), before.ncols(), 9);
        Matrix::from_fn(before.nrows(), before.ncols(), |i, j| {
            let moves = i % 5 == 4 || (j * 11 + i) % before.ncols() < i % 7;
            before[(i, j)] + if moves { by[(i, j)] } else { 0.0 }
        })
    }

    #[test]
    fn what_has_moved_is_added_to_rounding() {
        for (rows, n, m) in [(1, 3, 200), (37, 20, 160), (64, 1, 33)] {
            let (before, weights) = (random(rows, m, 1), random(n, m, 2));
            let after = moved(&before);
            let mut out = product(&before, &weights);
            forward_moved(&mut out, &before, &after, &weights);
            // Two sums of m products below 2 in size, each rounded m times at most, and one of seven
            // products.
            let bound = (2 * m + 8) as f64 * f64::EPSILON * 2.0 * m as f64;
            assert!((out - product(&after, &weights)).amax() <= bound);
        }
    }

    #[test]
    fn a_row_has_the_same_bits_in_any_batch_and_moves_only_if_it_moved() {
        let (before, weights) = (random(40, 150, 3), random(25, 150, 4));
        let after = moved(&before);
        let old = product(&before, &weights);
        let mut whole = old.clone();
        forward_moved(&mut whole, &before, &after, &weights);
        for i in 0..40 {
            let mut alone = select_rows(&old, &[i]);
            forward_moved(&mut alone, &select_rows(&before, &[i]), &select_rows(&after, &[i]), &weights);
            assert_eq!(alone, select_rows(&whole, &[i]), "row {i}");
            if before.row(i) == after.row(i) {
                assert_eq!(alone, select_rows(&old, &[i]));
            }
            if i % 5 == 4 {
                assert_eq!(alone, product(&select_rows(&after, &[i]), &weights));
            }
        }
    }
}
