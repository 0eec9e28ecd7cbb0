//! A process and its leaky integral, against closed forms.

use super::*;

/// `Q(h)` of a process that starts at 0, by integrating products of exponentials by hand.
fn closed(rate: f64, r: f64, leak: f64, h: f64) -> [f64; 3] {
    let one = |a: f64| -(-a * h).exp_m1() / a;
    let (l, m) = (rate, leak);
    let scale = 2.0 * l;
    let cross = (one(2.0 * l) - one(l + m)) / (m - l);
    let own = (one(2.0 * l) - 2.0 * one(l + m) + one(2.0 * m)) / (m - l).powi(2);
    [scale * one(2.0 * l), scale * r * cross, scale * r * r * own]
}

#[test]
fn covariances_are_those_of_the_closed_form() {
    for (rate, leak, h) in [(0.3, 1.0, 0.7), (5.0, 1.0, 8.0), (1.0, 40.0, 3.0), (0.01, 1.0, 8.0)] {
        let found = OuIntegral { rate, r: 1.5, leak }.covariance(h);
        let wanted = closed(rate, 1.5, leak, h);
        for (found, wanted) in [found[(0, 0)], found[(0, 1)], found[(1, 1)]].into_iter().zip(wanted) {
            // The closed form loses digits by (λ/ℓ)² or (λh)²: at most 1e-4 of them here.
            assert!((found / wanted - 1.0).abs() < 1e-10, "{rate} {leak} {h}: {found} {wanted}");
        }
    }
}

#[test]
fn without_leak_a_slow_process_integrates_as_brownian_motion_does() {
    let (rate, h) = (1e-9, 2.0);
    let found = OuIntegral { rate, r: 1.0, leak: 0.0 }.covariance(h);
    // x = √(2λ) W: variances h, h²/2, h³/3 to first order in λh.
    for (found, wanted) in
        [(found[(0, 0)], h), (found[(0, 1)], h * h / 2.0), (found[(1, 1)], h.powi(3) / 3.0)]
    {
        assert!((found / (2.0 * rate * wanted) - 1.0).abs() < 1e-8);
    }
}

#[test]
fn two_halves_have_the_law_of_the_whole() {
    // Middle given both ends, then the second half: the joint covariance must be that of two steps in a row.
    for (rate, leak, h) in
        [(0.5, 1.0, 0.3), (1e-6, 1.0, 4.0), (30.0, 1.0, 1.0), (1.0, 0.0, 0.5), (1.0, 1.0, 0.1)]
    {
        let pair = OuIntegral { rate, r: 1.0, leak };
        let half: Move<f64> = pair.half(h);
        let (step, one, two) = (pair.transition(h), pair.covariance(h), pair.covariance(2.0 * h));
        let bridge = Matrix2::from_fn(|i, j| half.end[i][j]);
        let noise = Matrix2::new(half.noise[1], half.noise[2], half.noise[0], 0.0);
        // Cov(middle) and Cov(middle, end) of the construction, from a start at 0.
        let middle = bridge * two * bridge.transpose() + noise * noise.transpose();
        let cross = bridge * two;
        let wanted = one * step.transpose();
        for k in 0..4 {
            let scale = (one[(k / 2, k / 2)] * one[(k % 2, k % 2)]).sqrt();
            assert!((middle[k] - one[k]).abs() < 1e-9 * scale, "{rate} {leak} {h}: {middle} {one}");
            assert!((cross[k] - wanted[k]).abs() < 1e-8 * scale, "{rate} {leak} {h}: {cross} {wanted}");
        }
    }
}
