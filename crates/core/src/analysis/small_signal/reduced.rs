//! One read-out of a large system, through the Krylov space of its dual.
//!
//! All that noise does to `c·x` passes through `y(t) = e^{Aᵀt} c`. Arnoldi's method on `Aᵀ` and `c` gives an
//! orthonormal `V` with `Aᵀ V = V H + h v eₘᵀ`; then `y ≈ ‖c‖ V e^{Ht} e₁`, and the small system `(Hᵀ, Vᵀ b)`
//! with the read-out `‖c‖ e₁` stands in for the large one (Saad, SIAM J. Numer. Anal. 29, 209 (1992)). Only
//! products with `Aᵀ` are needed. What the approximation leaves of the dual equation is known:
//! `h v eₘᵀ e^{Ht} e₁`, whose norm in time a small Lyapunov equation gives, so the space is enlarged until it
//! is small. What bites: rates spread over many decades want a large space.

use nalgebra::DVector;

use super::lyapunov::{LinearError, lyapunov};
use super::system::{Covariance, NoiseForcing, System};
use crate::matrix::Matrix;

/// First dimension that is tried; each further one is twice as large.
const FIRST: usize = 16;
/// Largest dimension.
const MOST: usize = 512;
/// Share of the dual's norm in time that may be left, its decay taken at the geometric mean of the rates.
const LEFT: f64 = 1e-7;

/// A small system that stands in for a large one, for one read-out.
#[derive(Clone, Debug)]
pub struct Reduced {
    /// The small system.
    pub system: System,
    /// The read-out's length: it reads the first state of the small system, times this.
    pub length: f64,
    /// Residual of the dual equation: an estimate of the relative error of a standard deviation.
    pub error: f64,
}

/// The Krylov space as it grows.
struct Space {
    basis: Vec<DVector<f64>>,
    /// Columns of `H`, each with the entry below the diagonal.
    columns: Vec<Vec<f64>>,
}

impl Reduced {
    /// Reduces the system with `Aᵀ·` given as `adjoint`, for the read-out `c`.
    ///
    /// # Errors
    /// [`LinearError::Unstable`] if the small system is not stable (the large one is not, then, either, or
    /// the space is too small to tell).
    pub fn new(
        adjoint: &mut dyn FnMut(&DVector<f64>) -> DVector<f64>,
        forcings: &[NoiseForcing],
        readout: &DVector<f64>,
    ) -> Result<Self, LinearError> {
        let length = readout.norm();
        // A read-out of nothing reads nothing, whatever the small system is.
        let start = if length > 0.0 { readout / length } else { readout.map(|_| 1.0).normalize() };
        let mut space = Space { basis: vec![start], columns: Vec::new() };
        let mut dimension = FIRST;
        loop {
            let closed = space.grow(adjoint, dimension.min(readout.len()));
            let last = closed || dimension >= MOST;
            match space.left() {
                Ok(error) if error <= LEFT || last => {
                    let system = space.system(forcings);
                    return Ok(Self { system, length, error });
                }
                Err(error) if last => return Err(error),
                // A small space of a stable system need not be stable.
                Ok(_) | Err(_) => dimension *= 2,
            }
        }
    }

    /// Covariance of the read-out, cause by cause (`1 × 1`), averaged over `time` (s).
    ///
    /// # Errors
    /// Those of [`System::covariance`].
    pub fn variance(&self, time: f64) -> Result<Covariance, LinearError> {
        let mut first = Matrix::zeros(1, self.system.size());
        first[0] = self.length;
        Ok(self.system.covariance()?.averaged(&self.system.drift, time).read(&first))
    }

    /// One-sided PSD of the read-out (V²/Hz) at a frequency (Hz), one entry per cause.
    #[must_use]
    pub fn density(&self, frequency: f64) -> Option<Vec<f64>> {
        let mut first = DVector::zeros(self.system.size());
        first[0] = self.length;
        self.system.density(&first, frequency)
    }
}

impl Space {
    /// Grows the space to a dimension; `true` if it is closed under `Aᵀ`.
    fn grow(&mut self, adjoint: &mut dyn FnMut(&DVector<f64>) -> DVector<f64>, dimension: usize) -> bool {
        let full = self.basis[0].len();
        while self.columns.len() < dimension {
            let mut next = adjoint(&self.basis[self.columns.len()]);
            let scale = next.norm();
            let mut column = vec![0.0; self.basis.len()];
            // Orthogonalised twice, which is enough (Giraud et al. 2005).
            for _ in 0..2 {
                for (h, q) in column.iter_mut().zip(&self.basis) {
                    let along = q.dot(&next);
                    *h += along;
                    next.axpy(-along, q, 1.0);
                }
            }
            let rest = next.norm();
            column.push(rest);
            self.columns.push(column);
            if rest <= 1e-13 * scale || self.columns.len() == full {
                if let Some(below) = self.columns.last_mut().and_then(|column| column.last_mut()) {
                    *below = 0.0;
                }
                return true;
            }
            self.basis.push(next / rest);
        }
        false
    }

    /// `Hᵀ`, the drift of the small system.
    fn drift(&self) -> Matrix<f64> {
        let m = self.columns.len();
        Matrix::from_fn(m, m, |i, j| self.columns[i].get(j).copied().unwrap_or(0.0))
    }

    /// Norm in time of the residual of the dual relative to that of the dual, through the mean decay.
    fn left(&self) -> Result<f64, LinearError> {
        let m = self.columns.len();
        let below = self.columns[m - 1].last().copied().unwrap_or(0.0);
        let small = self.drift();
        let mut start = Matrix::zeros(m, m);
        start[(0, 0)] = 1.0;
        let overlap = lyapunov(&small.transpose(), &[start])?.covariances.remove(0);
        let rate = (-small.trace() / m as f64).max(f64::MIN_POSITIVE);
        Ok(below * (overlap[(m - 1, m - 1)].max(0.0) / overlap.trace()).sqrt() / rate)
    }

    /// The small system, its disturbances as seen through the basis.
    fn system(&self, forcings: &[NoiseForcing]) -> System {
        let m = self.columns.len();
        let seen = |pattern: &Vec<(usize, f64)>| {
            (0..m).map(|k| (k, pattern.iter().map(|&(i, b)| self.basis[k][i] * b).sum())).collect()
        };
        let forcings = forcings
            .iter()
            .map(|d| NoiseForcing { columns: d.columns.iter().map(seen).collect(), ..d.clone() });
        System { drift: self.drift(), forcings: forcings.collect() }
    }
}
