//! Equilibria without time: Newton's method on `u(v) − v = 0`, stable or not.
//!
//! Used where the fixed point itself is asked for (spectra, tests of the integrators); a circuit need not be
//! able to reach it. The dense Jacobian comes from one batched tangent: as many copies of the sample as
//! there are compartments, each moved along its own.

use nalgebra::{DMatrix, DVector};

use crate::circuit::{Circuit, Scratch};
use crate::matrix::{Matrix, Real};

/// Most Newton steps.
const STEPS: usize = 60;
/// Shortest fraction of a step that is tried when a longer one does not reduce the residual.
const SHORTEST: f64 = 1.0 / 4096.0;

/// What Newton's method found for one sample.
#[derive(Clone, Debug)]
pub struct FixedPoint {
    /// Potentials of all compartments (V), in the columns of the layout.
    pub state: Vec<f64>,
    /// `‖u − v‖∞` there (V).
    pub residual: f64,
    /// Whether the residual fell below the tolerance asked for.
    pub converged: bool,
}

/// `∂u/∂v` of one sample at `state` (`width` potentials, V); rows are drives, columns potentials.
#[must_use]
pub fn drive_jacobian<T: Real>(circuit: &dyn Circuit<T>, sample: usize, state: &[f64]) -> DMatrix<f64> {
    let width = state.len();
    along(circuit, sample, state, &Matrix::identity(width, width))
}

/// `∂u/∂v · d` for many directions `d`, the rows of `directions`; the images are the columns of the result.
#[must_use]
pub fn along<T: Real>(
    circuit: &dyn Circuit<T>,
    sample: usize,
    state: &[f64],
    directions: &Matrix<T>,
) -> DMatrix<f64> {
    let (count, width) = directions.shape();
    let copies = circuit.subset(&vec![sample; count]);
    let at = Matrix::from_fn(count, width, |_, j| T::of(state[j]));
    let mut image = Matrix::zeros(count, width);
    let mut scratch = Scratch::new(circuit.layout(), count);
    copies.tangent(&at, directions, &mut image, &mut scratch);
    DMatrix::from_fn(width, count, |i, j| image[(j, i)].to_f64())
}

/// The fixed point of one sample, from `start` (`width` potentials, V), to a residual of `tolerance` (V).
///
/// Damped Newton with the exact Jacobian: quadratic near the solution, and for piecewise-linear activations
/// exact once the right piece is found. Not every circuit has a fixed point.
#[must_use]
pub fn fixed_point<T: Real>(
    circuit: &dyn Circuit<T>,
    sample: usize,
    start: &[f64],
    tolerance: f64,
) -> FixedPoint {
    let one = circuit.subset(&[sample]);
    let mut scratch = Scratch::new(circuit.layout(), 1);
    let mut residual_of = |state: &DVector<f64>| {
        let at = Matrix::from_fn(1, state.len(), |_, j| T::of(state[j]));
        let mut drive = Matrix::zeros(1, state.len());
        one.drive(&at, &mut drive, &mut scratch);
        DVector::from_fn(state.len(), |j, _| (drive[j] - at[j]).to_f64())
    };
    let mut state = DVector::from_column_slice(start);
    let mut residual = residual_of(&state);
    for _ in 0..STEPS {
        // A last step below the tolerance costs little and gains many digits.
        let before = residual.amax();
        let identity = DMatrix::identity(state.len(), state.len());
        let matrix = identity - drive_jacobian(circuit, sample, state.as_slice());
        let Some(step) = matrix.lu().solve(&residual) else { break };
        let (next, moved) = search(&state, &step, before, &mut residual_of);
        let better = moved.amax() < before;
        if better {
            (state, residual) = (next, moved);
        }
        if before <= tolerance || !better {
            break;
        }
    }
    let residual = residual.amax();
    FixedPoint { state: state.as_slice().to_vec(), residual, converged: residual <= tolerance }
}

/// Halves a step until the residual falls.
fn search(
    state: &DVector<f64>,
    step: &DVector<f64>,
    before: f64,
    residual_of: &mut impl FnMut(&DVector<f64>) -> DVector<f64>,
) -> (DVector<f64>, DVector<f64>) {
    let mut length = 1.0;
    loop {
        let next = state + step * length;
        let residual = residual_of(&next);
        if residual.amax() < before || length < SHORTEST {
            return (next, residual);
        }
        length *= 0.5;
    }
}
