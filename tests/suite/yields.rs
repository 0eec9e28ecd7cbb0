//! Yield of a circuit whose margin is known in closed form.

use dyadsim_core::analysis::yields::{Target, clopper_pearson, limits, passed, tolerance};
use dyadsim_core::chip::Weights;
use dyadsim_core::learn::Batch;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::*;

use crate::nets::ideal;

const ALPHA: f64 = 0.25;
const BETA: f64 = 1.0;
const LEAST: f64 = 0.4;
const CHIPS: u32 = 2000;

fn net(sigma: f64) -> (CircuitSpec, Weights<f64>, Batch<f64>) {
    let mut spec = ideal(ActivationKind::Linear, Variant::Dp, ALPHA, BETA);
    spec.mismatch = MismatchSpec { seed: Some(11), gain_dtod: sigma, ..MismatchSpec::default() };
    let one = |value| Matrix::from_element(1, 1, value);
    let weights = Weights { forward: vec![one(0.8)], biases: vec![vec![0.1]], feedback: None, lateral: None };
    (spec, weights, Batch::new(one(0.5), one(1.0)))
}

/// Slack `1 − M + β(α² − ᾱ²)` and deviation per unit of spread `β √(α⁴ + ᾱ⁴)` of the margin `1 + κβ`,
/// `κ = α² f₁ − ᾱ² f₂` with normal factors `f` (docs/model.md §3.3 and §3.6 with gains of its own).
fn slack() -> (f64, f64) {
    let other: f64 = 1.0 - ALPHA;
    (1.0 - LEAST + BETA * (ALPHA.powi(2) - other.powi(2)), BETA * (ALPHA.powi(4) + other.powi(4)).sqrt())
}

/// The normal distribution function (tables).
const PHI: [(f64, f64); 3] = [(0.5, 0.691462), (1.0, 0.841345), (2.0, 0.977250)];

#[test]
fn the_share_of_chips_is_that_of_a_normal_distribution() {
    let (slack, per_unit) = slack();
    for (z, share) in PHI {
        let (spec, weights, batch) = net(slack / (per_unit * z));
        let found = passed((&spec, &weights, &batch), Target::Margin(LEAST), CHIPS, &|| {});
        let (low, high) = clopper_pearson(found, CHIPS as usize, 0.999);
        assert!((low..=high).contains(&share), "z = {z}: {found} of {CHIPS}, expected {share}");
    }
}

#[test]
fn the_tolerance_is_the_spread_at_the_quantile() {
    let (slack, per_unit) = slack();
    // Φ(1.281552) = 0.9.
    let exact = slack / (per_unit * 1.281552);
    let of = |spread: f64| net(spread).0;
    let (_, weights, batch) = net(0.0);
    let found = limits(&of, (&weights, &batch), Target::Margin(LEAST), (CHIPS, 0.4), &|| {});
    let (value, low, high) = tolerance(&found, 0.9, 0.999);
    let (low, high) = (low.unwrap(), high.unwrap());
    // Limits are found to 0.4/2/2⁷ = 0.0016 where steps of two are widest.
    assert!(low - 0.0016 < exact && exact < high + 0.0016, "{low} {exact} {high}");
    assert!((low..=high).contains(&value));
    // Without rounds of chance: every chip holds below its limit and fails above.
    let (k, limit) = found.iter().enumerate().find(|(_, limit)| limit.is_finite()).unwrap();
    for (factor, holds) in [(0.98, 1), (1.02, 0)] {
        let mut spec = of(limit * factor);
        spec.mismatch.seed = Some(11 + k as u64);
        assert_eq!(passed((&spec, &weights, &batch), Target::Margin(LEAST), 1, &|| {}), holds);
    }
}
