//! Noise goes on from one relaxation of a sample to the next: auto-zero and chopping take out what is slow.

use dyadsim_core::learn::{Measurement, measure};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal};

/// Samples, each with a noise of its own.
const SAMPLES: usize = 4096;
/// A nudge that is felt by nobody but the verdict.
const BETA: f64 = 1e-3;

/// One linear dyad at α = ½ with this noise.
fn dyad(noise: NoiseSpec) -> Net {
    let mut spec = ideal(ActivationKind::Linear, Variant::DpTranspose, 0.5, BETA);
    spec.solver.kind = SolverKind::ExponentialHeun;
    spec.solver.step = 0.05;
    // Far more than any noise dies out before a reading, so that the shortest time is enough for every sample
    // alike: those that noise itself makes wait are not the average.
    spec.solver.start = Start::Zero;
    spec.noise = noise;
    Net::random(77, &[1, 1], SAMPLES, 1.0, spec)
}

fn measured(net: &mut Net, auto_zero: bool, chopping: bool) -> Measurement<f64> {
    (net.spec.readout.auto_zero, net.spec.readout.chopping) = (auto_zero, chopping);
    net.batch.inputs.fill(0.5);
    net.batch.targets.fill(0.5);
    measure(&net.chip, &net.weights, &net.batch, &net.spec, false)
}

/// Variance of δ over the samples that took the shortest time that two relaxations can take, 24 τ each; and
/// how many those are.
fn variance(measured: &Measurement<f64>, shortest: f64) -> (f64, usize) {
    let times = &measured.settled.time;
    let kept: Vec<f64> = (0..SAMPLES)
        .filter(|&i| measured.settled.outcomes[i].is_settled() && times[i] < shortest)
        .map(|i| measured.differences[0][i])
        .collect();
    let mean = kept.iter().sum::<f64>() / kept.len() as f64;
    (kept.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / kept.len() as f64, kept.len())
}

#[test]
fn slow_flicker_cancels_under_auto_zero_and_chopping_as_it_does_in_hardware() {
    let band = FlickerSpec { coefficient: Some(1e-24), low: 10.0, high: 1e3, ..FlickerSpec::default() };
    let mut net = dyad(NoiseSpec { flicker: Some(band), ..NoiseSpec::default() });
    let tau = net.chip.slowest;
    // A relaxation is read after 24 τ at the earliest; the next begins at a multiple of the base interval of
    // 6.4 τ, and is read 24 τ later: 25.6 τ lie between two readings. Times are told from the middle, 12 τ
    // before a reading.
    let (lag, shortest) = (25.6 * tau, 24.5 * tau);
    let (mut all, mut moved) = (0.0, 0.0);
    for pole in &net.chip.noise.poles {
        all += pole.variance[0];
        moved += pole.variance[0] * -(-pole.rate * lag).exp_m1();
    }
    let plain = variance(&measured(&mut net, false, false), f64::INFINITY);
    let zeroed = variance(&measured(&mut net, true, false), shortest);
    let chopped = variance(&measured(&mut net, false, true), shortest);
    println!("plain {plain:?}, zeroed {zeroed:?}, chopped {chopped:?}; {:e} {:e}", 2.0 * all, 4.0 * moved);
    // Of x⁺ − x⁻ twice σ²; of its change over a lag 2 · 2σ²(1 − ρ); of half the difference of A − B and of A'
    // − B' a quarter.
    for (name, (found, count), exact) in
        [("plain", plain, 2.0 * all), ("auto-zero", zeroed, 4.0 * moved), ("chopping", chopped, moved)]
    {
        assert!(count > SAMPLES / 2, "{name}: {count}");
        // Four standard errors of a Gaussian variance. What leaks let through of a slow process, and its mean
        // over a step, is within λτ, 1 %, and the nudge's reaction within β.
        let slack = 4.0 * (2.0 / count as f64).sqrt() + 0.02;
        assert!((found / exact - 1.0).abs() < slack, "{name}: {} of {count}", found / exact);
    }
    assert!(zeroed.0 < 0.2 * plain.0, "suppressed: {zeroed:?} {plain:?}");
}

#[test]
fn white_noise_still_doubles_under_auto_zero_and_keeps_its_numbers() {
    let mut net = dyad(NoiseSpec { thermal: Some(ThermalSpec::default()), ..NoiseSpec::default() });
    let plain = variance(&measured(&mut net, false, false), f64::INFINITY);
    let zeroed = variance(&measured(&mut net, true, false), f64::INFINITY);
    // Eight per cent: four standard errors of a ratio of two variances of 4096 numbers, √(2 · 2/4096) = 3 %,
    // half of it shared.
    assert!((zeroed.0 / plain.0 - 2.0).abs() < 0.25, "{zeroed:?} {plain:?}");
}

#[test]
fn a_slow_trap_is_where_it_was() {
    let trap = TelegraphSpec { amplitude: 1e-9, capture: 1.0, emission: 2.0 };
    let mut net = dyad(NoiseSpec { telegraph: Some(trap), ..NoiseSpec::default() });
    let plain = measured(&mut net, false, false).differences;
    let zeroed = measured(&mut net, true, false).differences;
    let moved = |differences: &[Matrix<f64>]| {
        let last = differences[0].iter().map(|d| d.abs());
        last.filter(|d| *d > 5e-3).count()
    };
    // Levels of 10 mV apart: of two traps full with p = 2/3 four in nine differ; in some 50 µs a trap of 1 s
    // jumps once in 20,000.
    let differ = moved(&plain) as f64 / SAMPLES as f64;
    assert!((differ - 4.0 / 9.0).abs() < 4.0 * (4.0 / 9.0 * 5.0 / 9.0 / SAMPLES as f64).sqrt(), "{differ}");
    assert!(moved(&zeroed) <= 4, "{}", moved(&zeroed));
}
