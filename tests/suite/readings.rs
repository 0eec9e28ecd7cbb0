//! Noise of the readings alone (REFERENCES.md R9): once it dominates, only its ratio to the nudge counts.

use dyadsim::analysis::layer_angles;
use dyadsim::noise::thermal::BOLTZMANN;
use dyadsim::spec::*;

use crate::nets::{Net, ideal};

/// Tangent of the angle to backpropagation, per layer, where every compartment is read with a deviation of `sigma` (V).
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
            // The same numbers are drawn, so only the bias, of tangent `clean` per 0.005 of β, and products of two
            // deviations tell the ratios apart: relative to one of them by σ against potentials of order 1 V.
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
