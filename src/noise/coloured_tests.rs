//! A process and its leaky integral, against closed forms.

use super::*;
use crate::noise::Presentations;

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
        let found = Pair { rate, r: 1.5, leak }.covariance(h);
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
    let found = Pair { rate, r: 1.0, leak: 0.0 }.covariance(h);
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
        let pair = Pair { rate, r: 1.0, leak };
        let half: Move<f64> = pair.half(h);
        let (step, one, two) = (pair.transition(h), pair.covariance(h), pair.covariance(2.0 * h));
        let bridge = Matrix2::from_fn(|i, j| half.end[i][j]);
        let noise = Matrix2::new(half.noise[0], 0.0, half.noise[1], half.noise[2]);
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

/// Integrals over `count` steps of `step` τ with τ = 1.
fn integrals(step: f64, count: usize, leak: f64) -> Vec<Vec<f64>> {
    let mut clock = Clock::new(step, 1.0);
    let lanes = Lanes::new(&Presentations::first(64));
    let mut process = Coloured::new(Channel::Input, &clock, 64, 0.7, &vec![(2.0, 1.0, leak); 32]);
    let each = (0..count).map(|_| {
        process.advance(&clock, &lanes);
        clock.done += 1;
        process.step().to_vec()
    });
    each.collect()
}

#[test]
fn halving_the_step_refines_the_same_path() {
    for leak in [0.0, 1.0] {
        let (coarse, fine) = (integrals(0.5, 40, leak), integrals(0.25, 80, leak));
        let decay = (-0.25 * leak).exp();
        for (whole, halves) in coarse.iter().zip(fine.chunks(2)) {
            for i in 0..whole.len() {
                let sum = decay * halves[0][i] + halves[1][i];
                assert!((whole[i] - sum).abs() < 1e-12, "{leak}: {} {sum}", whole[i]); // rounding
            }
        }
    }
}

#[test]
fn steps_have_the_variance_and_the_memory_of_the_process() {
    let (h, rate, variance) = (0.25_f64, 0.7, 2.0);
    let steps = integrals(h, 800, 0.0);
    let size = variance * 2.0 / (rate * rate) * (rate * h - 1.0 + (-rate * h).exp());
    let memory = variance * ((-rate * h).exp_m1() / rate).powi(2);
    let mean = |pairs: &dyn Fn(usize) -> f64, count: usize| (0..count).map(pairs).sum::<f64>() / count as f64;
    let of = |lag: usize| {
        let each = |i: usize| {
            let products = steps[i].iter().zip(&steps[i + lag]).map(|(a, b)| a * b);
            products.sum::<f64>() / steps[i].len() as f64
        };
        mean(&each, steps.len() - lag)
    };
    // 2048 processes for 200 τ, correlated over 1/λ: 140 independent times each, so 0.26 % standard error; four of it.
    assert!((of(0) / size - 1.0).abs() < 0.0105, "{} {size}", of(0));
    assert!((of(1) / memory - 1.0).abs() < 0.0105, "{} {memory}", of(1));
}
