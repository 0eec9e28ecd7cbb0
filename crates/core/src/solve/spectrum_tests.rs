//! Tests of spectra: eigenvalues that are known beforehand, dense and through a Krylov space.

use super::*;

#[test]
fn eigenvalues_of_a_companion_matrix_are_the_roots_it_was_made_of() {
    // (x − 1)(x + 2)(x² + 9): roots 1, −2, ±3i. Coefficients of x³, x², x, 1: 1, 7, 9, −18.
    let companion = DMatrix::from_row_slice(
        4,
        4,
        &[-1.0, -7.0, -9.0, 18.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    );
    let found = dense(&companion, f64::EPSILON, &of_block);
    for root in [(1.0, 0.0), (-2.0, 0.0), (0.0, 3.0), (0.0, -3.0)] {
        let root = Complex::new(root.0, root.1);
        assert!(found.iter().any(|e| (e - root).norm() < 1e-12), "{root} in {found:?}");
    }
}

#[test]
fn a_long_defective_chain_keeps_its_only_eigenvalue() {
    let chain = DMatrix::from_fn(60, 60, |i, j| {
        if i == j {
            -1.0
        } else if j == i + 1 {
            5.0
        } else {
            0.0
        }
    });
    assert!(dense(&chain, f64::EPSILON, &of_block).iter().all(|e| (e.re + 1.0).abs() < 1e-15 && e.im == 0.0));
}

#[test]
fn all_but_defective_spectra_are_found() {
    use crate::chip::{Chip, Weights};
    use crate::circuit::DyadCircuit;
    use crate::spec::{CircuitSpec, InitSpec, MismatchSpec, NudgeSpec, Variant};
    let network = [64, 48, 32, 10];
    for seed in 0..60 {
        let mut spec = CircuitSpec::default();
        spec.nudge = NudgeSpec { variant: Variant::DpTranspose, alpha: 0.4, beta: 0.5, ..spec.nudge };
        let spread = 10_f64.powi(-3 - (seed % 6) as i32);
        spec.mismatch = MismatchSpec { seed: Some(seed), mixing_dtod: spread, ..MismatchSpec::default() };
        let chip = Chip::<f64>::fabricate(&spec, &network);
        let weights = Weights::<f64>::draw(&InitSpec::FanIn, &spec, &network, seed);
        let input = Matrix::from_fn(1, 64, |_, j| (j as f64 + seed as f64).sin().abs());
        let circuit = DyadCircuit::free(&chip, &weights, &input).nudged(&spec.nudge, Matrix::zeros(1, 10));
        let state: Vec<f64> = circuit.free_state().iter().copied().collect();
        let state = homotopy(&circuit, 0, &state, 1e-9).state;
        // Arnoldi's iteration on products with the Jacobian knows nothing of the Schur form.
        let (all, other) = (spectrum(&circuit, 0, &state), sorted(rightmost(&circuit, 0, &state)));
        assert_eq!(all.eigenvalues.len(), state.len());
        let error = (all.abscissa() - other.abscissa()).abs() * chip.slowest;
        assert!(error < 1e-6, "seed {seed}, spread {spread:e}: {} {}", all.abscissa(), other.abscissa());
    }
}

#[test]
fn the_leading_eigenvalue_is_the_first_of_all() {
    use crate::chip::{Chip, Weights};
    use crate::circuit::DyadCircuit;
    use crate::spec::{ActivationKind, CircuitSpec, InitSpec, MismatchSpec, NudgeSpec, Variant};
    let network = [12, 30, 24, 8];
    let kinds = [ActivationKind::Relu, ActivationKind::Tanh, ActivationKind::HardSigmoid];
    let mut blocks = 0;
    for seed in 0..24 {
        let variant = if seed % 4 == 3 { Variant::DpTranspose } else { Variant::Dp };
        let mut spec = CircuitSpec::default();
        spec.neuron.activation = kinds[seed as usize % 3].into();
        let (alpha, beta) = (0.13 * (seed % 8) as f64, 0.1 + 0.05 * seed as f64);
        spec.nudge = NudgeSpec { variant, alpha, beta, ..spec.nudge };
        if seed % 2 == 0 {
            spec.mismatch = MismatchSpec {
                seed: Some(seed),
                gain_dtod: 0.1,
                time_constant_dtod: 0.1,
                offset_dtod: 0.05,
                ..MismatchSpec::default()
            };
        }
        let chip = Chip::<f64>::fabricate(&spec, &network);
        let weights = Weights::<f64>::draw(&InitSpec::He, &spec, &network, seed);
        let input = Matrix::from_fn(1, 12, |_, j| (j as f64 + seed as f64).sin().abs());
        let circuit = DyadCircuit::free(&chip, &weights, &input).nudged(&spec.nudge, Matrix::zeros(1, 8));
        let state: Vec<f64> = circuit.free_state().iter().copied().collect();
        let (all, first) = (spectrum(&circuit, 0, &state), leading(&circuit, 0, &state));
        blocks += usize::from(first.eigenvalues.len() < all.eigenvalues.len());
        assert_eq!(all.verdict(), first.verdict(), "seed {seed}");
        // Residuals of 1e-9 of the matrix's size; the rightmost of these is apart from the next, so well
        // conditioned.
        let error = (all.abscissa() - first.abscissa()).abs() * chip.slowest;
        assert!(error < 1e-6, "seed {seed}: {error:.1e}/τ");
    }
    assert!(blocks >= 8, "iteration was used for {blocks} of 24");
}
