//! Equilibria without time: Newton's method on `u(v) − v = 0`, stable or not.
//!
//! Used where the fixed point itself is asked for (spectra, tests of the integrators); a circuit need not be
//! able to reach it. The dense Jacobian comes from one batched tangent: as many copies of the sample as
//! there are compartments, each moved along its own.

use nalgebra::{DMatrix, DVector};

use crate::circuit::{Dynamics, Scratch};
use crate::matrix::measure::Largest;
use crate::matrix::{Matrix, Real, compiled_once};

/// Most Newton steps.
const STEPS: usize = 60;
/// Shortest fraction of a step that is tried when a longer one does not reduce the residual.
const SHORTEST: f64 = 1.0 / 4096.0;
/// Most whole steps at one point of a branch.
const FOLLOWING: usize = 12;
/// Shortest stride along a branch, as a share of it.
const FINEST: f64 = 1e-3;

/// Result of Newton's method for one sample.
#[derive(Clone, Debug)]
pub struct FixedPoint {
    /// Potentials of all compartments (V), in the columns of the layout.
    pub state: Vec<f64>,
    /// `‖u − v‖∞` there (V).
    pub residual: f64,
    /// True if the residual fell below the tolerance asked for.
    pub converged: bool,
}

/// `∂u/∂v` of one sample at `state` (`width` potentials, V); rows are drives, columns potentials.
#[must_use]
pub fn drive_jacobian<T: Real>(circuit: &dyn Dynamics<T>, sample: usize, state: &[f64]) -> DMatrix<f64> {
    let width = state.len();
    along(circuit, sample, state, &Matrix::identity(width, width))
}

/// `∂u/∂v · d` for many directions `d`, the rows of `directions`; the images are the columns of the result.
#[must_use]
pub fn along<T: Real>(
    circuit: &dyn Dynamics<T>,
    sample: usize,
    state: &[f64],
    directions: &Matrix<T>,
) -> DMatrix<f64> {
    let (count, width) = directions.shape();
    if count == 0 {
        return DMatrix::zeros(width, 0);
    }
    let copies = circuit.subset(&vec![sample; count]);
    let at = Matrix::from_fn(count, width, |_, j| T::of(state[j]));
    let mut image = Matrix::zeros(count, width);
    let mut scratch = copies.scratch(count);
    copies.tangent(&at, directions, &mut image, &mut scratch);
    DMatrix::from_fn(width, count, |i, j| image[(j, i)].to_f64())
}

/// The fixed point of one sample, from `start` (`width` potentials, V), to a residual of `tolerance` (V).
///
/// Damped Newton with the exact Jacobian: quadratic near the solution, and for piecewise-linear activations
/// exact once the right piece is found. Not every circuit has a fixed point.
#[must_use]
pub fn fixed_point<T: Real>(
    circuit: &dyn Dynamics<T>,
    sample: usize,
    start: &[f64],
    tolerance: f64,
) -> FixedPoint {
    newton(circuit, sample, start, tolerance, STEPS)
}

/// Newton's method from a nearby fixed point, in at most `max_steps` steps: a dozen suffice, or the branch
/// has ended.
#[must_use]
pub fn continued_point<T: Real>(
    circuit: &dyn Dynamics<T>,
    sample: usize,
    start: &[f64],
    tolerance: f64,
    max_steps: usize,
) -> FixedPoint {
    newton(circuit, sample, start, tolerance, max_steps)
}

/// Damped Newton of at most `max_steps` steps.
fn newton<T: Real>(
    circuit: &dyn Dynamics<T>,
    sample: usize,
    start: &[f64],
    tolerance: f64,
    max_steps: usize,
) -> FixedPoint {
    compiled_once!(T, Newton, newton_from)(circuit, sample, start, tolerance, max_steps)
}

/// [`newton`].
type Newton<T> = fn(&dyn Dynamics<T>, usize, &[f64], f64, usize) -> FixedPoint;

fn newton_from<T: Real>(
    circuit: &dyn Dynamics<T>,
    sample: usize,
    start: &[f64],
    tolerance: f64,
    max_steps: usize,
) -> FixedPoint {
    let one = circuit.subset(&[sample]);
    let mut scratch = one.scratch(1);
    let mut residual_of = |state: &DVector<f64>| residual(one.as_ref(), state, &mut scratch);
    let mut state = DVector::from_column_slice(start);
    let mut residual = residual_of(&state);
    for _ in 0..max_steps {
        // A last step below the tolerance costs little and gains many digits.
        let before = residual.largest();
        let Some(step) = newton_step(circuit, sample, &state, &residual) else { break };
        let (next, moved) = search(&state, &step, before, &mut residual_of);
        let better = moved.largest() < before;
        if better {
            (state, residual) = (next, moved);
        }
        if before <= tolerance || !better {
            break;
        }
    }
    let residual = residual.largest();
    FixedPoint { state: state.as_slice().to_vec(), residual, converged: residual <= tolerance }
}

/// Fixed point by Newton's method, or by homotopy from `start` where Newton's method gets stuck.
///
/// Kinked activations can trap a damped step far from any solution. The fixed points of
/// `u(v) − v = (1 − t) (u(start) − start)` are then followed from `t = 0`, where `start` is one, to `t = 1`:
/// from the free state this is nearly a nudge that is turned up. The branch may end before, as that of a
/// linear circuit does at its threshold. Costs up to some hundred Newton steps more.
#[must_use]
pub fn homotopy<T: Real>(
    circuit: &dyn Dynamics<T>,
    sample: usize,
    start: &[f64],
    tolerance: f64,
) -> FixedPoint {
    let direct = fixed_point(circuit, sample, start, tolerance);
    if direct.converged {
        return direct;
    }
    let one = circuit.subset(&[sample]);
    let mut scratch = one.scratch(1);
    let mut residual_of = |state: &DVector<f64>| residual(one.as_ref(), state, &mut scratch);
    let mut state = DVector::from_column_slice(start);
    let force = residual_of(&state);
    let (mut done, mut stride) = (0.0, 0.25);
    while done < 1.0 && stride > FINEST {
        let next = f64::min(done + stride, 1.0);
        let mut shifted = |state: &DVector<f64>| residual_of(state) - &force * (1.0 - next);
        match undamped(circuit, sample, &state, tolerance, &mut shifted) {
            Some(found) => (state, done, stride) = (found, next, 2.0 * stride),
            None => stride *= 0.5,
        }
    }
    if done < 1.0 { direct } else { fixed_point(circuit, sample, state.as_slice(), tolerance) }
}

/// Newton's method with whole steps, which jump from one linear piece to the next; `None` if it does not
/// arrive.
fn undamped<T: Real>(
    circuit: &dyn Dynamics<T>,
    sample: usize,
    start: &DVector<f64>,
    tolerance: f64,
    residual_of: &mut impl FnMut(&DVector<f64>) -> DVector<f64>,
) -> Option<DVector<f64>> {
    let mut state = start.clone();
    for _ in 0..FOLLOWING {
        let residual = residual_of(&state);
        if residual.largest() <= tolerance {
            return Some(state);
        }
        state += newton_step(circuit, sample, &state, &residual)?;
    }
    None
}

/// Slopes `f'` of the activation devices of one sample: what a compartment passes on of its deviation.
pub(super) fn compute_slopes<T: Real>(circuit: &dyn Dynamics<T>, state: &[f64]) -> Vec<f64> {
    let at = Matrix::from_fn(1, state.len(), |_, j| T::of(state[j]));
    let mut slopes = at.clone();
    circuit.slopes(&at, &mut slopes);
    slopes.iter().map(|slope| slope.to_f64()).collect()
}

/// The solution of `(1 − ∂u/∂v) step = residual`; `None` if there is none.
///
/// Compartments without slope pass nothing on, so their columns of `∂u/∂v` are zero and the system is one of
/// the others.
fn newton_step<T: Real>(
    circuit: &dyn Dynamics<T>,
    sample: usize,
    state: &DVector<f64>,
    residual: &DVector<f64>,
) -> Option<DVector<f64>> {
    let slopes = compute_slopes(circuit, state.as_slice());
    let active: Vec<usize> = (0..state.len()).filter(|&j| slopes[j] != 0.0).collect();
    if active.is_empty() {
        return Some(residual.clone()); // no drive moves: one round arrives
    }
    let mut directions = Matrix::zeros(active.len(), state.len());
    for (row, &column) in active.iter().enumerate() {
        directions[(row, column)] = T::ONE;
    }
    let images = along(circuit, sample, state.as_slice(), &directions);
    let n = active.len();
    let matrix = DMatrix::from_fn(n, n, |i, j| f64::from(i == j) - images[(active[i], j)]);
    let step = matrix.lu().solve(&DVector::from_fn(n, |i, _| residual[active[i]]))?;
    Some(residual + images * step)
}

/// `u(v) − v` of a circuit with one sample.
pub(super) fn residual<T: Real>(
    one: &dyn Dynamics<T>,
    state: &DVector<f64>,
    scratch: &mut Scratch<T>,
) -> DVector<f64> {
    let at = Matrix::from_fn(1, state.len(), |_, j| T::of(state[j]));
    let mut drive = Matrix::zeros(1, state.len());
    one.drive(&at, &mut drive, scratch);
    DVector::from_fn(state.len(), |j, _| (drive[j] - at[j]).to_f64())
}

/// Halves a step until the residual falls.
pub(super) fn search(
    state: &DVector<f64>,
    step: &DVector<f64>,
    before: f64,
    residual_of: &mut impl FnMut(&DVector<f64>) -> DVector<f64>,
) -> (DVector<f64>, DVector<f64>) {
    let mut length = 1.0;
    loop {
        let next = state + step * length;
        let residual = residual_of(&next);
        if residual.largest() < before || length < SHORTEST {
            return (next, residual);
        }
        length *= 0.5;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::{Chip, Weights};
    use crate::circuit::DyadCircuit;
    use crate::spec::{ActivationKind, CircuitSpec, InitSpec, NudgeSpec, Variant};

    #[test]
    fn a_branch_leads_to_fixed_points_that_newton_alone_does_not_find() {
        let mut spec = CircuitSpec::default();
        spec.neuron.activation = ActivationKind::Tanh.into();
        spec.nudge = NudgeSpec { variant: Variant::Dp, alpha: 0.1, beta: 0.5, ..spec.nudge };
        let network = [6, 12, 12, 4];
        let chip = Chip::fabricate(&spec, &network);
        let inputs = Matrix::from_fn(1, 6, |_, j| (j as f64).sin().abs());
        let targets = Matrix::from_row_slice(1, 4, &[1.0, 0.0, 0.0, 0.0]);
        let (mut stuck, mut freed) = (0, 0);
        for seed in 0..30 {
            let weights = Weights::<f64>::draw(&InitSpec::He, &spec, &network, seed);
            let circuit = DyadCircuit::free(&chip, &weights, &inputs).nudged(&spec.nudge, targets.clone());
            let free: Vec<f64> = circuit.free_state().iter().copied().collect();
            let alone = fixed_point(&circuit, 0, &free, 1e-9);
            let followed = homotopy(&circuit, 0, &free, 1e-9);
            assert!(followed.converged || !alone.converged, "nothing is lost");
            stuck += usize::from(!alone.converged);
            freed += usize::from(followed.converged && !alone.converged);
            if followed.converged {
                let at = Matrix::from_row_slice(1, followed.state.len(), &followed.state);
                let (mut drive, mut scratch) = (at.clone(), circuit.scratch(1));
                circuit.drive(&at, &mut drive, &mut scratch);
                assert!((drive - at).amax() <= 1e-9, "a fixed point is one");
            }
        }
        assert!(freed >= 5, "{freed} of {stuck}"); // 7 were seen
    }
}
