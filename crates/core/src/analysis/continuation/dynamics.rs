//! Equilibria of one sample of any dynamical system as a family in a parameter.

use nalgebra::{Complex, DMatrix};

use super::{Family, Vector};
use crate::circuit::Dynamics;
use crate::matrix::Matrix;
use crate::solve::{drive_jacobian, spectrum};

/// Equilibria of the only sample of a smooth system, `F = (u − v) τ₀/τ` (V), in units of the slowest time
/// constant `τ₀` at the first value of the parameter.
///
/// Beyond its range the parameter is extrapolated in a straight line, so that no system is ever asked for
/// that could not be.
pub struct DynamicsFamily<'a> {
    system: &'a (dyn Fn(f64) -> Box<dyn Dynamics<f64> + 'a> + Sync),
    range: (f64, f64),
    unit: f64,
    width: usize,
}

impl<'a> DynamicsFamily<'a> {
    /// The family of the systems that `system` makes for every value in `range`, all of the same width.
    #[must_use]
    pub fn new(system: &'a (dyn Fn(f64) -> Box<dyn Dynamics<f64> + 'a> + Sync), range: (f64, f64)) -> Self {
        let first = system(range.0);
        Self { system, range, unit: first.slowest(), width: first.width() }
    }

    /// `F` at a value in the range.
    fn force(&self, x: &Vector, p: f64) -> Vector {
        force((self.system)(p).as_ref(), x, self.unit)
    }
}

impl Family for DynamicsFamily<'_> {
    fn dimension(&self) -> usize {
        self.width
    }

    fn residual(&self, x: &Vector, p: f64) -> Vector {
        let inside = inside(self.range, p);
        let force = self.force(x, inside);
        if inside == p { force } else { force + self.slope(x, inside) * (p - inside) }
    }

    fn jacobian(&self, x: &Vector, p: f64) -> DMatrix<f64> {
        jacobian((self.system)(inside(self.range, p)).as_ref(), x, self.unit)
    }

    fn slope(&self, x: &Vector, p: f64) -> Vector {
        slope(self.range, p, |p| self.force(x, p))
    }

    fn eigenvalues(&self, x: &Vector, p: f64) -> Vec<Complex<f64>> {
        eigenvalues((self.system)(inside(self.range, p)).as_ref(), x, self.unit)
    }
}

/// The nearest value in a range.
pub(super) fn inside(range: (f64, f64), p: f64) -> f64 {
    p.clamp(range.0.min(range.1), range.0.max(range.1))
}

/// `∂F/∂p` in a range, by a central difference, a one-sided one at its ends.
pub(super) fn slope(range: (f64, f64), p: f64, force: impl Fn(f64) -> Vector) -> Vector {
    // A share of the range at which the difference of a smooth function keeps two thirds of its digits; β
    // enters linearly.
    let step = 1e-5 * (range.1 - range.0).abs();
    let (low, high) = (inside(range, p - step), inside(range, p + step));
    (force(high) - force(low)) / (high - low)
}

/// `F` of a circuit in units of `unit` (s).
pub(super) fn force(circuit: &dyn Dynamics<f64>, x: &Vector, unit: f64) -> Vector {
    let at = Matrix::from_row_slice(1, x.len(), x.as_slice());
    let (mut drive, mut scratch) = (at.clone(), circuit.scratch(1));
    circuit.drive(&at, &mut drive, &mut scratch);
    let rates = circuit.rates();
    Vector::from_fn(x.len(), |j, _| (drive[j] - x[j]) * rates[j] * unit)
}

/// `∂F/∂x` of a circuit in units of `unit` (s).
pub(super) fn jacobian(circuit: &dyn Dynamics<f64>, x: &Vector, unit: f64) -> DMatrix<f64> {
    let mut matrix = drive_jacobian(circuit, 0, x.as_slice());
    matrix -= DMatrix::identity(x.len(), x.len());
    for (mut row, rate) in matrix.row_iter_mut().zip(circuit.rates()) {
        row *= rate * unit;
    }
    matrix
}

/// Eigenvalues of that, the rightmost first.
pub(super) fn eigenvalues(circuit: &dyn Dynamics<f64>, x: &Vector, unit: f64) -> Vec<Complex<f64>> {
    let found = spectrum(circuit, 0, x.as_slice()).eigenvalues;
    found.into_iter().map(|eigenvalue| eigenvalue * unit).collect()
}
