//! Anderson acceleration of `z ← G(z)`, sample by sample.
//!
//! With `r = G(z) − z` and the changes `ΔG`, `Δr` of the last rounds, `z ← G(z) − ΔG γ` where `γ` minimises
//! `‖r − Δr γ‖₂` (Walker & Ni, SIAM J. Numer. Anal. 49, 1715 (2011)). On a linear map it is GMRES, so that it
//! finds fixed points that the plain rounds run away from. The normal equations, in double precision, serve
//! every sample at the cost of a few passes over the columns; a direction that they cannot resolve is left
//! out.

use crate::matrix::{Matrix, Real, select_rows};

/// Rounds that are remembered.
pub(super) const DEPTH: usize = 5;
/// Share of a direction that must be new for it to count.
const NEW: f64 = 1e-12;
/// Largest coefficient that is believed.
const LARGEST: f64 = 1e4;

/// Normal equations of one sample, `[Δrᵀ Δr | Δrᵀ r]`, newest round first.
type Equations = [[f64; DEPTH + 1]; DEPTH];

/// What is remembered of a batch.
pub(super) struct Anderson<T: Real> {
    /// `z` of the round under way, `[batch × n]`.
    pub source: Matrix<T>,
    image: Matrix<T>,
    rest: Matrix<T>,
    /// `ΔG` and `Δr`, newest first.
    changes: Vec<(Matrix<T>, Matrix<T>)>,
    /// The equations of every sample; their last column is that of the last round.
    equations: Vec<Equations>,
    /// Remembered rounds that a sample may use; `None` before its first.
    known: Vec<Option<usize>>,
}

impl<T: Real> Anderson<T> {
    pub fn new(batch: usize, width: usize) -> Self {
        let none = || Matrix::zeros(0, 0);
        Self {
            source: Matrix::zeros(batch, width),
            image: none(),
            rest: none(),
            changes: Vec::new(),
            equations: vec![[[0.0; DEPTH + 1]; DEPTH]; batch],
            known: vec![None; batch],
        }
    }

    /// Takes the image of the source in; the source becomes the next one. Tells which samples were
    /// extrapolated.
    pub fn advance(&mut self, image: &Matrix<T>) -> Vec<bool> {
        self.remember(image);
        self.source.copy_from(image);
        let mut gammas = vec![[0.0; DEPTH]; self.known.len()];
        for ((known, gamma), equations) in self.known.iter_mut().zip(&mut gammas).zip(&self.equations) {
            let rounds = known.map_or(0, |n| (n + 1).min(DEPTH));
            *known = Some(rounds);
            *gamma = solve(*equations, rounds);
            if !gamma.iter().all(|g| g.abs() < LARGEST) {
                (*gamma, *known) = ([0.0; DEPTH], Some(0));
            }
        }
        self.extrapolate(&gammas);
        gammas.iter().map(|gamma| gamma.iter().any(|g| *g != 0.0)).collect()
    }

    /// Remembers what a round has changed. Only products of the newest change are new, and those of `r`.
    fn remember(&mut self, image: &Matrix<T>) {
        if self.rest.is_empty() {
            self.rest = image - &self.source;
            self.image.clone_from(image);
            return;
        }
        let (mut moved, mut turned) = if self.changes.len() < DEPTH {
            (Matrix::zeros(image.nrows(), image.ncols()), Matrix::zeros(image.nrows(), image.ncols()))
        } else {
            self.changes.remove(DEPTH - 1)
        };
        moved.copy_from(image);
        moved -= &self.image;
        self.image.copy_from(image);
        turned.copy_from(image);
        turned -= &self.source;
        std::mem::swap(&mut turned, &mut self.rest); // `turned` is the rest before
        turned.zip_apply(&self.rest, |before, rest| *before = rest - *before);
        self.changes.insert(0, (moved, turned));
        for equations in &mut self.equations {
            for a in (1..DEPTH).rev() {
                for b in (1..DEPTH).rev() {
                    equations[a][b] = equations[a - 1][b - 1];
                }
            }
        }
        for (a, (_, change)) in self.changes.iter().enumerate() {
            let sums = products(&self.changes[0].1, change).into_iter().zip(products(change, &self.rest));
            for (equations, (newest, rest)) in self.equations.iter_mut().zip(sums) {
                (equations[0][a], equations[a][0], equations[a][DEPTH]) = (newest, newest, rest);
            }
        }
    }

    /// Forgets a sample's past: its next round is a plain one.
    pub fn forget(&mut self, row: usize) {
        self.known[row] = None;
    }

    /// Keeps only some rows.
    pub fn keep(&mut self, rows: &[usize]) {
        let own = [&mut self.source, &mut self.image, &mut self.rest];
        for matrix in own.into_iter().filter(|matrix| !matrix.is_empty()) {
            *matrix = select_rows(matrix, rows);
        }
        for (image, rest) in &mut self.changes {
            (*image, *rest) = (select_rows(image, rows), select_rows(rest, rows));
        }
        self.equations = rows.iter().map(|&row| self.equations[row]).collect();
        self.known = rows.iter().map(|&row| self.known[row]).collect();
    }

    /// Takes `γ` times its changes off every source, column by column.
    fn extrapolate(&mut self, gammas: &[[f64; DEPTH]]) {
        for (age, (moved, _)) in self.changes.iter().enumerate() {
            let factors: Vec<T> = gammas.iter().map(|gamma| T::of(gamma[age])).collect();
            if factors.iter().all(|factor| *factor == T::ZERO) {
                continue;
            }
            let columns = self.source.as_mut_slice().chunks_exact_mut(factors.len());
            for (column, moved) in columns.zip(moved.as_slice().chunks_exact(factors.len())) {
                for ((z, &moved), &factor) in column.iter_mut().zip(moved).zip(&factors) {
                    // What a row does not use may be infinite.
                    *z = if factor == T::ZERO { *z } else { *z - factor * moved };
                }
            }
        }
    }
}

/// Products of the rows of two matrices, each with its namesake.
fn products<T: Real>(one: &Matrix<T>, other: &Matrix<T>) -> Vec<f64> {
    let batch = one.nrows();
    let mut sums = vec![0.0; batch];
    for (a, b) in one.as_slice().chunks_exact(batch).zip(other.as_slice().chunks_exact(batch)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a.to_f64() * b.to_f64();
        }
    }
    sums
}

/// Coefficients of the newest `known` directions by elimination; those that add nothing new get 0.
fn solve(mut equations: Equations, known: usize) -> [f64; DEPTH] {
    let mut gamma = [0.0; DEPTH];
    let sizes: [f64; DEPTH] = std::array::from_fn(|a| equations[a][a]);
    // The matrix is symmetric and positive, so that its diagonal will do for pivots.
    let fresh: [bool; DEPTH] = std::array::from_fn(|a| {
        let fresh = a < known && equations[a][a] > NEW * sizes[a];
        if fresh {
            let pivot = equations[a];
            for row in equations.iter_mut().skip(a + 1) {
                let factor = row[a] / pivot[a];
                row.iter_mut().zip(pivot).for_each(|(x, p)| *x -= factor * p);
            }
        }
        fresh
    });
    for a in (0..DEPTH).rev().filter(|&a| fresh[a]) {
        let later: f64 = (a + 1..DEPTH).map(|b| equations[a][b] * gamma[b]).sum();
        gamma[a] = (equations[a][DEPTH] - later) / equations[a][a];
    }
    gamma
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_map_of_three_modes_is_solved_in_four_rounds_though_it_expands() {
        // G(z) = M z + c with eigenvalues 1.5, −2, 0.9: the fixed point is c/(1 − m), mode by mode.
        let modes = [1.5, -2.0, 0.9];
        let map = |z: &Matrix<f64>| Matrix::from_fn(2, 3, |i, j| modes[j] * z[(i, j)] + 1.0 + i as f64);
        let mut anderson = Anderson::new(2, 3);
        for _ in 0..4 {
            let image = map(&anderson.source);
            anderson.advance(&image);
        }
        let fixed = Matrix::from_fn(2, 3, |i, j| (1.0 + i as f64) / (1.0 - modes[j]));
        let error = (&anderson.source - fixed).amax();
        assert!(error < 1e-9, "{error:.1e}"); // the normal equations square a condition of some 1e3
    }
}
