//! Equilibria from random starts, against a dyad whose equilibria are the roots of a scalar equation.

use dyadsim_core::analysis::attractors::{Multistart, Starts, multistart};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::learn::{Batch, nudged};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::*;

/// DP at α = 0 of one tanh dyad: `v⁻ = u + β (tanh v⁻ − y)`, `v⁺ = u` (tests/suite/continuation.rs).
const BIAS: f64 = 1.806;
const TARGET: f64 = 1.1;

fn count(beta: f64, starts: usize) -> Multistart {
    let mut spec = CircuitSpec::default();
    spec.neuron.output_activation = ActivationKind::Tanh.into();
    (spec.nudge.variant, spec.nudge.alpha, spec.nudge.beta) = (Variant::Dp, 0.0, beta);
    let mut weights = Weights::zeros(&[1, 1]);
    weights.biases[0][0] = BIAS;
    let chip = Chip::fabricate(&spec, &[1, 1]);
    let batch = Batch::new(Matrix::from_element(1, 1, 0.0), Matrix::from_element(1, 1, TARGET));
    let circuit = nudged(&chip, &weights, &batch, &spec);
    let starts = Starts { count: starts, spread: 2.0, seed: 5 };
    multistart(&spec.solver, &circuit, &starts, &|| {}).remove(0)
}

/// Roots of the scalar equation, by its changes of sign on a fine grid.
fn roots(beta: f64) -> Vec<f64> {
    let rest = |v: f64| BIAS + beta * (v.tanh() - TARGET) - v;
    let grid = |i: i32| -8.0 + 1e-4 * f64::from(i);
    (0..160_000).filter(|&i| (rest(grid(i)) > 0.0) != (rest(grid(i + 1)) > 0.0)).map(grid).collect()
}

#[test]
fn a_dyad_between_its_folds_has_two_equilibria_and_each_start_finds_the_one_of_its_side() {
    let beta = 2.2;
    let roots = roots(beta);
    assert_eq!(roots.len(), 3, "two that attract and one between them");
    let found = count(beta, 200);
    assert_eq!(found.attractors.len(), 2);
    assert!(found.attractors[0].of_free && !found.attractors[1].of_free);
    for (attractor, root) in found.attractors.iter().zip([roots[2], roots[0]]) {
        assert!((attractor.state[1] - root).abs() < 2e-4, "{attractor:?} {root}"); // the grid and the solver's tolerance
    }
    assert!((found.attractors[1].distance.unwrap() - (roots[2] - roots[0])).abs() < 3e-4);
    // Starts are uniform in ±2 (1 V + 1.806 V), the middle root is the border: a share with a binomial error
    // of 0.035.
    let reach = 2.0 * (1.0 + BIAS);
    let expected = (reach - roots[1]) / (2.0 * reach);
    let share = found.attractors[0].starts as f64 / 200.0;
    assert!((share - expected).abs() < 4.0 * 0.036, "{share} {expected}"); // four standard errors; a fixed seed
}

#[test]
fn beyond_the_fold_one_equilibrium_is_left() {
    let found = count(3.0, 40);
    assert_eq!((found.attractors.len(), found.attractors[0].starts), (1, 40));
    assert!(!found.is_multistable());
}
