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
            known: vec![None; batch],
        }
    }

    /// Takes the image of the source in; the source becomes the next one. Tells which samples were
    /// extrapolated.
    pub fn advance(&mut self, image: &Matrix<T>) -> Vec<bool> {
        let rest = image - &self.source;
        if self.rest.is_empty() {
            self.image = Matrix::zeros(image.nrows(), image.ncols());
        } else {
            self.changes.insert(0, (image - &self.image, &rest - &self.rest));
            self.changes.truncate(DEPTH);
        }
        self.image.copy_from(image);
        self.rest = rest;
        self.source.copy_from(image);
        for known in &mut self.known {
            *known = Some(known.map_or(0, |n| (n + 1).min(DEPTH)));
        }
        let equations = self.equations();
        let mut mixed = vec![false; self.known.len()];
        for (i, equations) in equations.into_iter().enumerate() {
            let gamma = solve(equations, self.known[i].unwrap_or(0));
            mixed[i] = gamma.iter().any(|g| *g != 0.0);
            if !gamma.iter().all(|g| g.abs() < LARGEST) {
                (mixed[i], self.known[i]) = (false, Some(0));
            }
            if mixed[i] {
                self.extrapolate(i, gamma);
            }
        }
        mixed
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
        self.known = rows.iter().map(|&row| self.known[row]).collect();
    }

    /// The normal equations of every sample, summed column by column.
    fn equations(&self) -> Vec<Equations> {
        let batch = self.rest.nrows();
        let mut all = vec![[[0.0; DEPTH + 1]; DEPTH]; batch];
        for (a, (_, one)) in self.changes.iter().enumerate() {
            for (b, (_, other)) in self.changes.iter().enumerate().skip(a) {
                let sums = products(one, other);
                for (equations, sum) in all.iter_mut().zip(sums) {
                    (equations[a][b], equations[b][a]) = (sum, sum);
                }
            }
            for (equations, sum) in all.iter_mut().zip(products(one, &self.rest)) {
                equations[a][DEPTH] = sum;
            }
        }
        all
    }

    fn extrapolate(&mut self, row: usize, gamma: [f64; DEPTH]) {
        for ((image, _), g) in self.changes.iter().zip(gamma).filter(|(_, g)| *g != 0.0) {
            let g = T::of(g);
            for (z, change) in self.source.row_mut(row).iter_mut().zip(image.row(row).iter()) {
                *z -= g * *change;
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
