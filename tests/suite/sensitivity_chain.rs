//! Derivatives by the parameters of devices against the closed form of a linear 1-1-1 chain.

use dyadsim::study::Silent;
use dyadsim::study::sensitivity::{DeviceParameter, Group, Side, sensitivities};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::learn::Batch;
use dyadsim_core::spec::*;
use nalgebra::{Complex, dmatrix};

use crate::nets::ideal;

/// What of a layer is which parameter; a synapse is a factor of its weight.
const PARAMETERS: [(usize, DeviceParameter, Option<Side>); 7] = [
    (0, DeviceParameter::Synapse, None),
    (1, DeviceParameter::Bias, None),
    (2, DeviceParameter::Offset, Some(Side::Plus)),
    (3, DeviceParameter::Offset, Some(Side::Minus)),
    (4, DeviceParameter::Gain, Some(Side::Plus)),
    (5, DeviceParameter::Gain, Some(Side::Minus)),
    (6, DeviceParameter::Mixing, None),
];

/// The parameters of a linear 1-1-1 chain: two layers' synapse, bias, offsets, gains and mixing.
type Chain = [[Complex<f64>; 7]; 2];

const X: f64 = 0.5;
const Y: f64 = 1.0;
const BETA: f64 = 0.5;

/// The estimates `(ĝ_1, ∂b_1, ĝ_2, ∂b_2)` of the chain (docs/model.md §2), solved by hand.
fn chain(p: &Chain) -> [Complex<f64>; 4] {
    let [[w1, b1, o1p, o1m, a1p, a1m, m1], [w2, b2, o2p, o2m, a2p, a2m, m2]] = *p;
    let (one, x) = (Complex::new(1.0, 0.0), Complex::new(X, 0.0));
    let (loop1, loop2) = (m1 * a1p - (one - m1) * a1m, m2 * a2p - (one - m2) * a2m);
    let (sum1, sum2) = (a1p + a1m, a2p + a2m);
    let (offset1, apart1) = (m1 * o1p + (one - m1) * o1m, o1p - o1m);
    let (offset2, apart2) = (m2 * o2p + (one - m2) * o2m, o2p - o2m);
    let heard = w1 * x + b1;
    // With the nudge T: δ_2 = S_2 T − D_2, s̄_1 = h + κ_1 w_2 δ_2 − O_1, s̄_2 = w_2 s̄_1 + b_2 + κ_2 T − O_2.
    let start = w2 * (heard - loop1 * w2 * apart2 - offset1) + b2 - offset2;
    let slope = loop1 * w2 * w2 * sum2 + loop2;
    let nudge = (start - Y) * -BETA / (one + slope * BETA);
    let delta2 = sum2 * nudge - apart2;
    let mean1 = heard + loop1 * w2 * delta2 - offset1;
    let delta1 = sum1 * w2 * delta2 - apart1;
    [delta1 * x, delta1, delta2 * mean1, delta2].map(|g| g / -BETA)
}

/// The derivative of μ, the root of `μ³ + κ_2 β μ² + κ_1 S_2 β w_2² = 0` (docs/model.md §3.4 with gains of
/// their own), by a parameter.
fn root_by(p: &Chain, mu: Complex<f64>, layer: usize, which: usize) -> Complex<f64> {
    let step = Complex::new(0.0, 1e-30);
    let loops = |p: &Chain| {
        let of = |q: [Complex<f64>; 7]| q[6] * q[4] - (Complex::new(1.0, 0.0) - q[6]) * q[5];
        (of(p[1]) * BETA, of(p[0]) * (p[1][4] + p[1][5]) * p[1][0] * p[1][0] * BETA)
    };
    let mut other = *p;
    other[layer][which] += step;
    // The coefficients are real at real parameters, so that their imaginary parts are the derivatives.
    let (square, constant) = loops(&other);
    let (by_square, by_constant) = (square.im / 1e-30, constant.im / 1e-30);
    -(mu * mu * by_square + by_constant) / (mu * mu * 3.0 + mu * loops(p).0 * 2.0)
}

#[test]
fn a_linear_chain_has_the_derivatives_of_its_closed_form() {
    for (variant, alpha, w2, mu) in [
        // μ³ − 0.25 μ² − 0.25 = 0, and at α = 1 a pair of μ³ + 0.5 μ² + 4.5 = 0; roots by Newton's method.
        (Variant::Dp, 0.25, 1.0, Complex::new(0.73, 0.0)),
        (Variant::Dp, 1.0, 3.0, Complex::new(0.7, 1.4)),
    ] {
        let spec = ideal(ActivationKind::Linear, variant, alpha, BETA);
        let mut weights = Weights::zeros(&[1, 1, 1]);
        weights.forward = vec![dmatrix![0.8], dmatrix![w2]];
        weights.biases = vec![vec![0.1], vec![0.2]];
        let batch = Batch::new(dmatrix![X], dmatrix![Y]);
        let chip = Chip::fabricate(&spec, &[1, 1, 1]);
        let found = sensitivities(&spec, &chip, &weights, &batch, &Silent).unwrap();
        let real = |x: f64| Complex::new(x, 0.0);
        let of = |w: f64, b: f64| [w, b, 0.0, 0.0, alpha, 1.0 - alpha, alpha].map(real);
        let p = [of(0.8, 0.1), of(w2, 0.2)];
        let (square, constant) = ((2.0 * alpha - 1.0) * BETA, (2.0 * alpha - 1.0) * BETA * w2 * w2);
        let mu = (0..50).fold(mu, |mu, _| {
            mu - (mu * mu * mu + mu * mu * square + constant) / (mu * mu * 3.0 + mu * 2.0 * square)
        });
        assert!((found.margin.0 - (1.0 - mu.re)).abs() < 1e-12, "{}", found.margin.0);
        for layer in 0..2 {
            for (which, quantity, side) in PARAMETERS {
                let unit = if which == 0 { [0.8, w2][layer] } else { 1.0 };
                let group = Group { quantity, side, layer };
                let own = found.groups.iter().find(|g| g.group == group).unwrap();
                let mut stepped = p;
                stepped[layer][which] += Complex::new(0.0, 1e-30);
                let exact = chain(&stepped).map(|g| unit * g.im / 1e-30);
                for k in 0..2 {
                    let size = exact[2 * k].hypot(exact[2 * k + 1]);
                    let found = own.gradient[0][k].sqrt();
                    assert!((found - size).abs() < 1e-12 * (1.0 + size), "{group:?} {k}: {found} {size}");
                }
                let exact = unit * root_by(&p, mu, layer, which).re;
                assert!((own.margin[0] + exact).abs() < 1e-10 * (1.0 + exact.abs()), "{group:?}: {exact}");
            }
        }
        // All time constants together are the unit of time.
        let times = found.groups.iter().filter(|g| g.group.quantity == DeviceParameter::TimeConstant);
        let sum: f64 = times.flat_map(|g| g.margin.iter()).sum();
        assert!((sum + found.margin.0).abs() < 1e-10, "{sum}");
    }
}
