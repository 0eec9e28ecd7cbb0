//! Steps of processes, against their law.

use super::*;
use crate::noise::SampleIds;

/// Integrals over `count` steps of `step` τ with τ = 1.
fn integrals(step: f64, count: usize, leak: f64) -> Vec<Vec<f64>> {
    let mut clock = Clock::new(step, 1.0);
    let lanes = Lanes::new(&SampleIds::first(64));
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
    // 2048 processes for 200 τ, correlated over 1/λ: 140 independent times each, so 0.26 % standard error;
    // four of it.
    assert!((of(0) / size - 1.0).abs() < 0.0105, "{} {size}", of(0));
    assert!((of(1) / memory - 1.0).abs() < 0.0105, "{} {memory}", of(1));
}
