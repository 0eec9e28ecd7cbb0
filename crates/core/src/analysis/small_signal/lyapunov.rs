//! Stationary covariances: the Lyapunov equation `A P + P Aᵀ + Q = 0`, by doubling.
//!
//! The Cayley transform `M = (A − p)⁻¹ (A + p)` turns it into `P = M P Mᵀ + 2p (A − p)⁻¹ Q (A − p)⁻ᵀ`, whose
//! sum is taken by squaring `M` (Smith, SIAM J. Appl. Math. 16, 198 (1968)). The cost is one inverse and some
//! ten products, however far apart the rates of `A` lie, and no eigenvalue is computed: the defective spectra
//! of `DPᵀ` are no harder than others. What bites: `M` of a strongly non-normal `A` grows before it falls,
//! and digits are lost; so the residual is formed afresh, the solution refined by it, and what is left of it
//! reported.

use super::dense::{congruence, inverse, symmetric, times, times_transposed};
use crate::matrix::Matrix;
use crate::matrix::measure::{frobenius, larger};

/// Squarings after which a transform that still has not died out never will: the margin is then below 2⁻⁵⁰ of
/// the rates.
const DOUBLINGS: usize = 56;
/// Norm of the transform's power below which what it would add is rounding (its square enters).
const SPENT: f64 = 1e-9;
/// Residual, relative to its terms, at which refinement ends.
const REFINED: f64 = 1e-15;
/// Residual, relative to its terms, above which there is no answer.
const ACCEPTED: f64 = 1e-8;
/// Most refinements.
const REFINEMENTS: usize = 3;

/// Why there is no covariance.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum LinearError {
    /// A deviation grows, so that nothing becomes stationary.
    #[error("the circuit is not stable at its fixed point, so its noise has no stationary covariance")]
    Unstable,
    /// Rounding won.
    #[error("the covariance is not known: its equation is left with a relative residual of {residual:.1e}")]
    Inaccurate {
        /// `‖A P + P Aᵀ + Q‖ / (2 ‖A‖ ‖P‖ + ‖Q‖)`.
        residual: f64,
    },
}

/// Solutions, and how well they solve.
#[derive(Clone, Debug)]
pub struct Solutions {
    /// `P` of every right-hand side.
    pub covariances: Vec<Matrix<f64>>,
    /// Largest `‖A P + P Aᵀ + Q‖ / (2 ‖A‖ ‖P‖ + ‖Q‖)`, Frobenius norms.
    pub residual: f64,
}

/// Solves `A P + P Aᵀ + Q = 0` for several symmetric `Q` of one `A`.
///
/// # Errors
/// [`LinearError::Unstable`] if an eigenvalue of `A` is not in the left half-plane.
pub fn lyapunov(a: &Matrix<f64>, right: &[Matrix<f64>]) -> Result<Solutions, LinearError> {
    let cayley = Cayley::of(a).ok_or(LinearError::Unstable)?;
    let mut covariances = cayley.sum(right).ok_or(LinearError::Unstable)?;
    let mut residual = worst(a, right, &covariances);
    for _ in 0..REFINEMENTS {
        if residual <= REFINED * a.nrows() as f64 {
            break;
        }
        let left: Vec<_> = right.iter().zip(&covariances).map(|(q, p)| defect(a, q, p)).collect();
        let Some(corrections) = cayley.sum(&left) else { break };
        let refined: Vec<_> = covariances.iter().zip(corrections).map(|(p, c)| p + c).collect();
        let now = worst(a, right, &refined);
        // Written so that NaN is no progress.
        let better = now < residual;
        if !better {
            break;
        }
        (covariances, residual) = (refined, now);
    }
    if residual <= ACCEPTED {
        Ok(Solutions { covariances, residual })
    } else {
        Err(LinearError::Inaccurate { residual })
    }
}

/// `A P + P Aᵀ + Q`.
fn defect(a: &Matrix<f64>, q: &Matrix<f64>, p: &Matrix<f64>) -> Matrix<f64> {
    let half = times(a, p);
    symmetric(&half) * 2.0 + q
}

/// Largest relative residual; 0 where everything is 0.
fn worst(a: &Matrix<f64>, right: &[Matrix<f64>], solutions: &[Matrix<f64>]) -> f64 {
    let one = |(q, p): (&Matrix<f64>, &Matrix<f64>)| {
        let size = 2.0 * frobenius(a) * frobenius(p) + frobenius(q);
        if size == 0.0 { 0.0 } else { frobenius(&defect(a, q, p)) / size }
    };
    // NaN must win.
    right.iter().zip(solutions).map(one).fold(0.0, larger)
}

/// The transform of a drift matrix.
struct Cayley {
    shift: f64,
    /// `(A − p)⁻¹`.
    resolvent: Matrix<f64>,
    /// `M = 1 + 2p (A − p)⁻¹`.
    transform: Matrix<f64>,
}

impl Cayley {
    /// `None` if `p > 0` is an eigenvalue of `A`.
    fn of(a: &Matrix<f64>) -> Option<Self> {
        let n = a.nrows();
        let shift = choose_shift(a);
        let resolvent = inverse(&(a - Matrix::identity(n, n) * shift))?;
        let transform = Matrix::identity(n, n) + &resolvent * (2.0 * shift);
        Some(Self { shift, resolvent, transform })
    }

    /// `Σ_k M^k R (Mᵀ)^k` with `R = 2p (A − p)⁻¹ Q (A − p)⁻ᵀ`; `None` if the powers do not die out.
    fn sum(&self, right: &[Matrix<f64>]) -> Option<Vec<Matrix<f64>>> {
        let start = |q: &Matrix<f64>| congruence(&self.resolvent, q) * (2.0 * self.shift);
        let mut sums: Vec<_> = right.iter().map(start).collect();
        let mut power = self.transform.clone();
        for _ in 0..DOUBLINGS {
            let size = frobenius(&power);
            if !size.is_finite() {
                return None;
            }
            for sum in &mut sums {
                *sum += congruence(&power, sum);
            }
            if size <= SPENT {
                return Some(sums);
            }
            power = times(&power, &power);
        }
        None
    }
}

/// The shift: the geometric mean of the rates, between the slowest and the fastest of them. Any `p > 0` is
/// right; this one leaves `|M| ≤ 1 − 2/√κ` for rates that are spread by `κ`.
fn choose_shift(a: &Matrix<f64>) -> f64 {
    let n = a.nrows() as f64;
    let rates = a.diagonal().map(|rate| -rate);
    if rates.iter().all(|&rate| rate > 0.0) {
        (rates.map(f64::ln).sum() / n).exp()
    } else {
        (frobenius(a) / n.sqrt()).max(f64::MIN_POSITIVE)
    }
}

/// `(r − A)⁻¹ K`: the covariance of the state with an Ornstein–Uhlenbeck forcing of rate `r` and covariance
/// `K`.
///
/// # Errors
/// [`LinearError::Unstable`] if `r` is an eigenvalue of `A`.
pub fn beside(a: &Matrix<f64>, rate: f64, forcing: &Matrix<f64>) -> Result<Matrix<f64>, LinearError> {
    let n = a.nrows();
    let resolvent = inverse(&(Matrix::identity(n, n) * rate - a)).ok_or(LinearError::Unstable)?;
    // The forcing is symmetric, and A Bᵀ is the product with the best-packed operands.
    Ok(times_transposed(&resolvent, forcing))
}

#[cfg(test)]
#[path = "lyapunov_tests.rs"]
mod tests;
