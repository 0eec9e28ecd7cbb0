//! Least squares by the method of Levenberg and Marquardt, for few parameters.

use nalgebra::{SMatrix, SVector};

/// Steps at most.
const STEPS: usize = 100;
/// Relative gain of a step below which the search ends.
const GAIN: f64 = 1e-10;

/// Half the normal equations of a point: `Jᵀ J`, `Jᵀ r`, `‖r‖²` of the residuals `r` and their derivatives
/// `J` by the parameters.
pub(super) struct Normal<const P: usize> {
    /// `Jᵀ J`.
    pub(super) square: SMatrix<f64, P, P>,
    /// `Jᵀ r`.
    pub(super) slope: SVector<f64, P>,
    /// `‖r‖²`.
    pub(super) error: f64,
}

impl<const P: usize> Normal<P> {
    /// Sums over residuals with their derivatives.
    pub(super) fn of(rows: impl Iterator<Item = (f64, SVector<f64, P>)>) -> Self {
        let mut sum = Self { square: SMatrix::zeros(), slope: SVector::zeros(), error: 0.0 };
        for (residual, row) in rows {
            sum.square.ger(1.0, &row, &row, 1.0);
            sum.slope += row * residual;
            sum.error += residual * residual;
        }
        sum
    }
}

/// Descends from `start` to a local least of `‖r‖²`; `bounded` brings parameters back to where they make
/// sense. Returns the parameters and `‖r‖²`.
pub(super) fn least_squares<const P: usize>(
    start: SVector<f64, P>,
    normal: impl Fn(&SVector<f64, P>) -> Normal<P>,
    bounded: impl Fn(SVector<f64, P>) -> SVector<f64, P>,
) -> (SVector<f64, P>, f64) {
    let mut at = bounded(start);
    let mut here = normal(&at);
    let mut damping = 1e-2;
    for _ in 0..STEPS {
        let mut damped = here.square;
        for k in 0..P {
            // Marquardt's scaling; a parameter that moves nothing is held by the small constant.
            damped[(k, k)] += damping * here.square[(k, k)] + 1e-12;
        }
        let Some(factor) = damped.cholesky() else { break };
        let next = bounded(at - factor.solve(&here.slope));
        let there = normal(&next);
        if there.error < here.error {
            let gain = 1.0 - there.error / here.error;
            (at, here, damping) = (next, there, damping / 5.0);
            if gain < GAIN {
                break;
            }
        } else if damping > 1e10 {
            break;
        } else {
            damping *= 4.0;
        }
    }
    (at, here.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_valley_of_rosenbrock_is_followed_to_its_end() {
        // r = (10 (y − x²), 1 − x), from the classical start: the least is 0 at (1, 1).
        let normal = |p: &SVector<f64, 2>| {
            let (x, y) = (p[0], p[1]);
            let rows = [
                (10.0 * (y - x * x), SVector::from([-20.0 * x, 10.0])),
                (1.0 - x, SVector::from([-1.0, 0.0])),
            ];
            Normal::of(rows.into_iter())
        };
        let (found, error) = least_squares(SVector::from([-1.2, 1.0]), normal, |p| p);
        assert!((found - SVector::from([1.0, 1.0])).norm() < 1e-6 && error < 1e-12, "{found} {error}");
    }

    #[test]
    fn a_bound_is_kept() {
        let normal = |p: &SVector<f64, 1>| Normal::of(std::iter::once((p[0] - 3.0, SVector::from([1.0]))));
        let (found, error) = least_squares(SVector::from([0.0]), normal, |p| p.map(|x| x.min(2.0)));
        assert_eq!((found[0], error), (2.0, 1.0));
    }
}
