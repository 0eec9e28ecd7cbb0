//! Covariances against closed forms, the Kronecker system, and quadrature.

use super::*;
use crate::random::{Key, Kind, stream};
use rand_distr::{Distribution, StandardNormal};

fn normal(rows: usize, columns: usize, seed: u64) -> Matrix<f64> {
    let mut source = stream(Key::new(seed, Kind::Data));
    Matrix::from_fn(rows, columns, |_, _| StandardNormal.sample(&mut source))
}

/// A random matrix, shifted until its rightmost eigenvalue is at −`margin`.
fn stable(n: usize, margin: f64, seed: u64) -> Matrix<f64> {
    let random = normal(n, n, seed) / (n as f64).sqrt();
    let rightmost = random.complex_eigenvalues().iter().map(|e| e.re).fold(f64::MIN, f64::max);
    random - Matrix::identity(n, n) * (rightmost + margin)
}

fn one(a: &Matrix<f64>, q: &Matrix<f64>) -> Matrix<f64> {
    lyapunov(a, std::slice::from_ref(q)).unwrap().covariances.remove(0)
}

/// The same equation as `n²` linear ones, by LU: for small `n` alone.
fn by_kronecker(a: &Matrix<f64>, q: &Matrix<f64>) -> Matrix<f64> {
    let n = a.nrows();
    let identity = Matrix::identity(n, n);
    let system = identity.kronecker(a) + a.kronecker(&identity);
    let right = nalgebra::DVector::from_column_slice((-q).as_slice());
    Matrix::from_column_slice(n, n, system.lu().solve(&right).unwrap().as_slice())
}

#[test]
fn one_rate_gives_the_variance_of_an_ornstein_uhlenbeck_process() {
    let p = one(&Matrix::from_element(1, 1, -2e6), &Matrix::from_element(1, 1, 6.0));
    assert!((p[0] - 1.5e-6).abs() < 1e-21); // Q/2r
}

#[test]
fn random_stable_matrices_agree_with_the_kronecker_system() {
    for seed in 0..20 {
        let n = 2 + seed as usize % 14;
        let a = stable(n, 0.02 + 0.1 * seed as f64, seed);
        let half = normal(n, n, 100 + seed);
        let q = &half * half.transpose();
        let (found, exact) = (one(&a, &q), by_kronecker(&a, &q));
        // The Kronecker LU errs by ε n² times its condition, at most ‖A‖·2/σ, σ no less than some 1e-4 here.
        let error = (&found - &exact).norm() / exact.norm();
        assert!(error < 1e-9, "{seed}: {error:.1e}");
        assert!(found.clone().symmetric_eigenvalues().min() > 0.0, "a covariance is positive");
    }
}

#[test]
fn a_defective_chain_has_the_covariance_of_its_binomial_sums() {
    // dx₁ = −x₁ + noise, dxₖ = −xₖ + g xₖ₋₁: impulse responses g^{k−1} t^{k−1} e^{−t}/(k−1)!, whose overlaps
    // are ∫ tⁱ tʲ e^{−2t}/(i! j!) dt = C(i+j, i)/2^{i+j+1}.
    let (n, gain, tau) = (12, 3.0_f64, 1e-6);
    let a = Matrix::from_fn(n, n, |i, j| {
        if i == j {
            -1.0 / tau
        } else if i == j + 1 {
            gain / tau
        } else {
            0.0
        }
    });
    let mut q = Matrix::zeros(n, n);
    q[(0, 0)] = 1.0;
    let found = lyapunov(&a, &[q]).unwrap();
    let mut binomial = 1.0;
    for i in 0..n {
        let exact = (gain * gain / 4.0).powf(i as f64) * binomial / 2.0 * tau;
        let error = (found.covariances[0][(i, i)] / exact - 1.0).abs();
        assert!(error < 1e-12, "{i}: {error:.1e}"); // a dozen doublings of rounding, no cancellation
        binomial *= ((2 * i + 1) * (2 * i + 2)) as f64 / ((i + 1) * (i + 1)) as f64;
    }
    assert!(found.residual < 1e-14, "{:.1e}", found.residual);
}

#[test]
fn the_covariance_is_the_integral_of_the_impulse_response() {
    let n = 6;
    let a = stable(n, 0.3, 7);
    let half = normal(n, 2, 8);
    let q = &half * half.transpose();
    // Simpson's rule to t = 80: e^{−2·0.3·80} = 1e-21; step 0.05: h⁴/180·‖A‖⁴·16 = 1e-6 at ‖A‖ = 3.
    let (step, steps) = (0.02, 4000);
    let flow = (&a * step).exp();
    let (mut response, mut sum) = (half.clone(), Matrix::zeros(n, n));
    for k in 0..=steps {
        let weight = if k == 0 || k == steps { 1.0 } else { 2.0 + 2.0 * f64::from(k % 2) };
        sum += &response * response.transpose() * (weight * step / 3.0);
        response = &flow * response;
    }
    let error = (one(&a, &q) - &sum).norm() / sum.norm();
    assert!(error < 1e-6, "{error:.1e}");
}

#[test]
fn rates_spread_over_six_decades_are_solved() {
    let n = 30;
    let rate = |i: usize| 10_f64.powf(6.0 * i as f64 / (n - 1) as f64);
    let coupling = normal(n, n, 9) * 0.02;
    let a = Matrix::from_fn(n, n, |i, j| rate(i) * (coupling[(i, j)] - f64::from(u8::from(i == j))));
    let q = Matrix::from_diagonal(&nalgebra::DVector::from_fn(n, |i, _| 2.0 * rate(i)));
    let found = lyapunov(&a, &[q]).unwrap();
    assert!(found.residual < 1e-12, "{:.1e}", found.residual);
    // Coupled weakly, each is nearly alone: variance 1 + O(coupling), by Gershgorin some 30 · 0.02.
    assert!(found.covariances[0].diagonal().iter().all(|p| (p - 1.0).abs() < 0.6));
}

#[test]
fn an_unstable_matrix_has_no_covariance() {
    for (a, b) in [(0.1, 0.0), (1e-3, 5.0), (0.0, 0.0)] {
        // Eigenvalues a ± ib, and −1.
        let matrix = Matrix::from_row_slice(3, 3, &[a, b, 0.0, -b, a, 0.0, 0.5, 0.0, -1.0]);
        let found = lyapunov(&matrix, &[Matrix::identity(3, 3)]);
        assert_eq!(found.unwrap_err(), LinearError::Unstable, "{a} {b}");
    }
}

#[test]
fn no_noise_is_no_covariance() {
    let found = lyapunov(&stable(5, 0.1, 3), &[Matrix::zeros(5, 5)]).unwrap();
    assert_eq!(found.covariances[0], Matrix::zeros(5, 5));
}
