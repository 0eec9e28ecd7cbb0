//! Noise of readings: of a sample-and-hold (R9: once it dominates, only its ratio to the nudge counts), and
//! what averaging leaves.

use dyadsim_core::analysis::layer_angles;
use dyadsim_core::analysis::small_signal::{OperatingPoint, Reading};
use dyadsim_core::circuit::Dynamics;
use dyadsim_core::learn::Batch;
use dyadsim_core::matrix::measure::larger;
use dyadsim_core::matrix::{Matrix, select_rows};
use dyadsim_core::noise::thermal::BOLTZMANN;
use dyadsim_core::solve::{Outcome, fixed_point};
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, row};

/// Tangent of the angle to backpropagation, per layer, where every compartment is read with a deviation of
/// `sigma` (V).
fn tangents(sigma: f64, beta: f64, variant: Variant, alpha: f64) -> Vec<f64> {
    let mut spec = ideal(ActivationKind::Softplus, variant, alpha, beta);
    spec.solver.kind = SolverKind::Dc;
    let capacitance = BOLTZMANN * spec.temperature / (sigma * sigma);
    spec.noise.sampled = Some(SampledNoiseSpec { capacitance });
    let net = Net::random(61, &[64, 32, 10], 64, 1.0, spec);
    let (estimate, report) = net.estimate();
    assert_eq!(report.used, 64);
    let angles = layer_angles(&estimate, &net.backprop());
    angles.into_iter().map(|angle| angle.to_radians().tan()).collect()
}

#[test]
fn once_read_noise_dominates_the_angle_depends_on_its_ratio_to_the_nudge_alone() {
    for (variant, alpha) in [(Variant::DpTranspose, 0.0), (Variant::DpTranspose, 1.0), (Variant::Dp, 0.5)] {
        let at = |sigma: f64, beta: f64| tangents(sigma, beta, variant, alpha);
        let (one, weaker, stronger) = (at(0.01, 0.005), at(0.0025, 0.00125), at(0.02, 0.01));
        let (half, twice, clean) = (at(0.005, 0.005), at(0.02, 0.005), at(1e-9, 0.005));
        println!(
            "{variant:?} {alpha}: {one:.3?} {weaker:.3?} {stronger:.3?}, half {half:.3?}, twice {twice:.3?}, clean {clean:.4?}"
        );
        for layer in 0..2 {
            assert!(one[layer] > 0.25 && clean[layer] < 0.05, "noise dominates: {one:?} {clean:?}");
            // The same numbers are drawn, so only the bias, of tangent `clean` per 0.005 of β, and products
            // of two deviations tell the ratios apart: relative to one of them by σ against potentials of
            // order 1 V.
            let slack = 4.0 * clean[layer] + 0.02 * one[layer];
            assert!((weaker[layer] - one[layer]).abs() < slack, "{weaker:?} {one:?}");
            assert!((stronger[layer] - one[layer]).abs() < slack, "{stronger:?} {one:?}");
            // g + r n has the cotangent (|g| + r n∥)/(r n⊥): affine in 1/r, however much of n lies along g.
            let cot = |tangents: &[f64]| 1.0 / tangents[layer];
            let ratio = (cot(&half) - cot(&one)) / (cot(&one) - cot(&twice));
            assert!((ratio - 2.0).abs() < 0.1, "layer {layer}: {ratio}");
        }
    }
}

/// Readings of the only sample of a net, many times over, less their mean.
fn readings(net: &mut Net, count: usize) -> Matrix<f64> {
    let rows = vec![0; count];
    net.batch = Batch::new(select_rows(&net.batch.inputs, &rows), select_rows(&net.batch.targets, &rows));
    let settled = net.settle();
    assert!(
        settled.outcomes.iter().all(|outcome| outcome.is_settled()),
        "{:?}",
        Outcome::tally(&settled.outcomes)
    );
    let mut state = settled.state;
    for mut column in state.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
    }
    state
}

/// Asserts that a covariance found in `count` independent readings is the expected one: a family-wise error
/// of 1 %.
fn assert_covariance(found: &Matrix<f64>, expected: &Matrix<f64>, count: usize, bias: f64, what: &str) {
    let n = expected.nrows();
    let entries = n * (n + 1) / 2;
    let limit = dyadsim_core::analysis::ensemble::limit(0.01, entries, count);
    let mut worst = 0.0_f64;
    for i in 0..n {
        for j in 0..=i {
            let scale = expected[(i, i)] * expected[(j, j)];
            // Wick: Var(xy) = ⟨x²⟩⟨y²⟩ + ⟨xy⟩².
            let error = ((scale + expected[(i, j)].powi(2)) / count as f64).sqrt();
            let apart = ((found[(i, j)] - expected[(i, j)]).abs() - bias * scale.sqrt()).max(0.0);
            worst = larger(worst, apart / error);
        }
    }
    println!("{what}: {entries} entries, worst {worst:.2} of {limit:.2} standard errors");
    assert!(worst < limit, "{what}: {worst} standard errors, {limit} allowed");
}

#[test]
fn an_averaged_reading_has_the_covariance_that_is_predicted() {
    let count = 8192;
    for (variant, alpha) in [(Variant::Dp, 0.5), (Variant::DpTranspose, 0.0)] {
        for time in [0.0, 2e-6, 10e-6] {
            let mut spec = ideal(ActivationKind::Tanh, variant, alpha, 0.5);
            spec.noise.thermal = Some(ThermalSpec::default());
            spec.noise.flicker =
                Some(FlickerSpec { corner: Some(2e5), low: 2e4, high: 1e6, ..FlickerSpec::default() });
            (spec.solver.kind, spec.solver.step) = (SolverKind::ExponentialHeun, 0.1);
            spec.readout.time = time;
            let mut net = Net::random(62, &[4, 5, 3], 1, 1.0, spec);
            let predicted = {
                let circuit = net.circuit();
                let start = row(&circuit.free_state(), 0);
                let state = fixed_point(&circuit, 0, start.as_slice(), 1e-12).state;
                let point = OperatingPoint::new(&circuit, &net.batch.inputs, 0, &state);
                Reading::of(&point, time).unwrap().covariance().total.clone()
            };
            let found = readings(&mut net, count);
            let found = found.transpose() * &found / (count - 1) as f64;
            // A step of τ/10 errs by less than its square, in the covariance as in the rectangles of an
            // average.
            assert_covariance(&found, &predicted, count, 0.01, &format!("{variant:?} {alpha} {time}"));
        }
    }
}

#[test]
fn a_sample_and_hold_adds_its_kt_over_c_to_every_compartment_alone() {
    let count = 16_384;
    for (kelvin, capacitance) in [(300.0, 10e-15), (400.0, 1e-15)] {
        let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, 0.5, 0.5);
        spec.solver.kind = SolverKind::Dc;
        spec.temperature = kelvin;
        spec.noise.sampled = Some(SampledNoiseSpec { capacitance });
        let mut net = Net::random(63, &[4, 5, 3], 1, 1.0, spec);
        let found = readings(&mut net, count);
        let found = found.transpose() * &found / (count - 1) as f64;
        let expected = Matrix::identity(16, 16) * (BOLTZMANN * kelvin / capacitance);
        assert_covariance(&found, &expected, count, 0.0, &format!("{kelvin} K, {capacitance} F"));
    }
}
