//! What temperature, shot noise, flicker and traps leave on an isolated compartment.

use dyadsim_core::matrix::measure::larger;
use std::f64::consts::TAU;

use dyadsim_core::solve::SHARD;
use dyadsim_core::spec::*;

use crate::noise::{Alone, BOLTZMANN, CHARGE, SAMPLES, mean_of, mean_square, periodogram, spec};

fn thermal(kind: SolverKind, step: f64, excess: f64) -> CircuitSpec {
    let mut spec = spec(kind, step);
    spec.noise.thermal = Some(ThermalSpec { excess });
    spec
}

#[test]
fn temperature_leaves_kt_over_c_whatever_the_leak_and_the_step() {
    let (capacitances, temperatures) = ([1e-15, 10e-15, 1e-12], [250.0, 300.0, 400.0]);
    let (leaks, steps) = ([1e-9, 100e-9, 10e-6], [0.01, 0.5, 2.0]);
    let kinds = [SolverKind::ExponentialEm, SolverKind::ExponentialHeun];
    let (mut worst, mut farthest, mut case) = (0.0_f64, 0.0_f64, 0);
    for capacitance in capacitances {
        for temperature in temperatures {
            for (i, step) in steps.into_iter().enumerate() {
                case += 1;
                let excess = if case % 2 == 0 { 1.0 } else { 2.8 };
                let mut spec = thermal(kinds[case % 2], step, excess);
                spec.temperature = temperature;
                // Every step meets every leak.
                (spec.neuron.capacitance, spec.neuron.leak) = (capacitance, leaks[(case / 3 + i) % 3]);
                let every = (1.0 / step).ceil() as usize;
                let alone = Alone::new(spec, 128, case as u64);
                let (variance, error) = mean_square(&alone.series(24, every));
                let exact = excess * BOLTZMANN * temperature / capacitance;
                let (ratio, error) = (variance / exact, error / exact);
                worst = larger(worst, (ratio - 1.0).abs());
                farthest = farthest.max((ratio - 1.0).abs() / error);
                // 16,384 compartments at 24 times, 1 or 2 τ apart: 0.26 % or less.
                assert!(error < 0.003, "{error}");
                assert!(
                    (ratio - 1.0).abs() < 3.0 * error,
                    "{capacitance} {temperature} {step}: {ratio} ± {error}"
                );
                assert!((ratio - 1.0).abs() < 0.01, "{capacitance} {temperature} {step}: {ratio}");
            }
        }
    }
    println!("variance/(kT/C): worst off by {worst:.4}, {farthest:.2} standard errors, of {case} cases");
}

#[test]
fn the_spectrum_of_thermal_noise_is_a_lorentzian_of_4ktr() {
    let spec = thermal(SolverKind::ExponentialEm, 0.25, 1.0);
    let (g, c) = (spec.neuron.leak, spec.neuron.capacitance);
    let (tau, dt) = (c / g, 0.25 * c / g);
    let (mut psd, mut variances, count) = (vec![0.0; 512], Vec::new(), 3.0);
    for seed in 0..3 {
        let series = Alone::new(spec.clone(), 128, 50 + seed).series(1024, 1);
        for one in &series {
            psd.iter_mut()
                .zip(periodogram(one, dt))
                .for_each(|(sum, p)| *sum += p / series.len() as f64 / count);
        }
        variances.push(mean_square(&series).0);
    }
    let width = 1.0 / (1024.0 * dt);
    let exact = |f: f64| 4.0 * BOLTZMANN * 300.0 / g / (1.0 + (TAU * f * tau).powi(2));
    // Below fc/5 = 0.032/τ; the first two bins of a Hann window hold the mean.
    let bins: Vec<usize> = (2..512).take_while(|&k| k as f64 * width < 0.2 / (TAU * tau)).collect();
    assert!(bins.len() >= 5, "{bins:?}");
    let mut worst = 0.0_f64;
    for k in bins {
        // 49,152 periodograms: 0.45 % each; sampling every τ/4 folds another 0.5 % in.
        let ratio = psd[k] / exact(k as f64 * width);
        worst = larger(worst, (ratio - 1.0).abs());
        assert!((ratio - 1.0).abs() < 0.02, "bin {k}: {ratio}");
    }
    // Its integral is the variance: of 49,152 compartments for 256 τ, known to 0.06 %.
    let whole = psd.iter().sum::<f64>() * width;
    let variance = variances.iter().sum::<f64>() / count;
    println!(
        "PSD off by {worst:.4}; integral/variance {:.5}, integral/(kT/C) {:.5}",
        whole / variance,
        whole * c / (BOLTZMANN * 300.0)
    );
    assert!((whole / variance - 1.0).abs() < 0.005, "{whole} {variance}");
    assert!((whole * c / (BOLTZMANN * 300.0) - 1.0).abs() < 0.005, "{whole}");
}

#[test]
fn shot_noise_is_2qi() {
    let (current, step) = (1e-9, 0.125);
    let mut spec = spec(SolverKind::ExponentialEm, step);
    spec.noise.shot = Some(ShotSpec { current });
    let (g, c) = (spec.neuron.leak, spec.neuron.capacitance);
    let dt = step * c / g;
    let series = Alone::new(spec, 64, 6).series(2048, 1);
    // The PSD of the current from that of the voltage: times (g² + (2πfC)²), below fc/5.
    let width = 1.0 / (2048.0 * dt);
    let bins = 2..8;
    let levels = series.iter().map(|one| {
        let psd = periodogram(one, dt);
        let of = |k: usize| psd[k] * (g * g + (TAU * k as f64 * width * c).powi(2));
        bins.clone().map(of).sum::<f64>() / bins.len() as f64
    });
    let (level, error) = mean_of(levels.collect::<Vec<_>>().into_iter());
    let exact = 2.0 * CHARGE * current;
    println!("shot: {} ± {}", level / exact, error / exact);
    assert!(
        (level / exact - 1.0).abs() < 0.02 && error / exact < 0.01,
        "{} ± {}",
        level / exact,
        error / exact
    );
    // And the variance that it leaves, qI/(2gC).
    let (variance, _) = mean_square(&series);
    assert!((variance / (CHARGE * current / (2.0 * g * c)) - 1.0).abs() < 0.02, "{variance}");
}

#[test]
fn flicker_falls_as_one_over_f_at_its_level_over_three_decades() {
    let (step, length) = (1.0, 1 << 17);
    let mut spec = spec(SolverKind::ExponentialEm, step);
    // τ = 1 µs; the band reaches a decade beyond what is looked at: 61 Hz to 61 kHz.
    let coefficient = 1e-20;
    spec.noise.flicker = Some(FlickerSpec {
        coefficient: Some(coefficient),
        low: 5.0,
        high: 1e6,
        per_decade: 2,
        corner: None,
    });
    let (g, c) = (spec.neuron.leak, spec.neuron.capacitance);
    let dt = step * c / g;
    let series = Alone::new(spec, 1, 7).series(length, 1);
    assert_eq!(series.len(), 2 * SAMPLES);
    let mut psd = vec![0.0; length / 2];
    for one in &series {
        psd.iter_mut().zip(periodogram(one, dt)).for_each(|(sum, p)| *sum += p / series.len() as f64);
    }
    let width = 1.0 / (length as f64 * dt);
    // Ten octaves from bin 8, each of at least 8 bins of 128 series: 3 % or better (a Hann window's bins are
    // not quite independent: 4 %).
    let (mut points, mut worst) = (Vec::new(), 0.0_f64);
    for octave in 0..10 {
        let bins = (8 << octave)..(16 << octave);
        let level = bins.clone().map(|k| {
            let f = k as f64 * width;
            psd[k] * (g * g + (TAU * f * c).powi(2)) * f / coefficient
        });
        let level = level.sum::<f64>() / bins.len() as f64;
        worst = larger(worst, (level - 1.0).abs());
        assert!((level - 1.0).abs() < 0.1, "octave {octave}: {level}");
        points.push(((f64::from(12 << octave) * width).ln(), level.ln()));
    }
    let count = points.len() as f64;
    let (x, y) =
        (points.iter().map(|p| p.0).sum::<f64>() / count, points.iter().map(|p| p.1).sum::<f64>() / count);
    let slope = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>()
        / points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>();
    println!("flicker: slope {:.4}, level off by {worst:.3} at most", slope - 1.0);
    assert!(slope.abs() < 0.05, "{slope}");
}

#[test]
fn a_flicker_corner_is_where_it_equals_the_white_noise() {
    let mut spec = thermal(SolverKind::ExponentialEm, 0.5, 2.0);
    spec.noise.shot = Some(ShotSpec { current: 1e-9 });
    let (low, high) = (100.0, 1e5_f64);
    spec.noise.flicker = Some(FlickerSpec { corner: Some(3e3), coefficient: None, low, high, per_decade: 3 });
    let chip = dyadsim_core::chip::Chip::<f64>::fabricate(&spec, &[1, 1]);
    let leak = spec.neuron.leak;
    let white = 4.0 * BOLTZMANN * 300.0 * leak * 2.0 + 2.0 * CHARGE * 1e-9;
    assert!((chip.noise.white[0] * leak * leak / white - 1.0).abs() < 1e-12);
    let all: f64 = chip.noise.poles.iter().map(|pole| pole.variance[0]).sum();
    assert!((all * leak * leak / (3e3 * white * (high / low).ln()) - 1.0).abs() < 1e-12);
}

#[test]
fn a_trap_is_full_for_its_share_of_the_time_and_forgets_at_its_rate() {
    let (amplitude, capture, emission) = (10e-12, 1e-6, 3e-6);
    let step = 0.05e-6;
    // A membrane of 1 ns follows the trap: 50 time constants in a step.
    let mut spec = spec(SolverKind::ExponentialEm, 50.0);
    spec.neuron.capacitance = 1e-9 * spec.neuron.leak;
    spec.noise.telegraph = Some(TelegraphSpec { amplitude, capture, emission });
    let height = amplitude / spec.neuron.leak;
    let series = Alone::new(spec, 64, 8).series(400, 1);
    let p = emission / (capture + emission);
    let full = |v: f64| v / height > 0.5 - p; // halfway between the levels −p and 1 − p
    let occupancy =
        series.iter().map(|one| one.iter().filter(|v| full(**v)).count() as f64 / one.len() as f64);
    let (occupancy, error) = mean_of(occupancy.collect::<Vec<_>>().into_iter());
    println!("occupancy {occupancy:.5} ± {error:.5} of {p}");
    assert!((occupancy - p).abs() < 3.0 * error && error < 0.002, "{occupancy} ± {error}");
    // ρ = e^{−λ lag}: the covariance over the variance, compartment by compartment.
    let rate = 1.0 / capture + 1.0 / emission;
    for lag in [4, 10, 20] {
        let pairs = series.iter().map(|one| {
            let products = one.iter().zip(&one[lag..]).map(|(a, b)| a * b / (height * height));
            products.sum::<f64>() / (one.len() - lag) as f64
        });
        let (covariance, error) = mean_of(pairs.collect::<Vec<_>>().into_iter());
        let exact = p * (1.0 - p) * (-rate * step * lag as f64).exp();
        let corner = -(covariance / (p * (1.0 - p))).ln() / (step * lag as f64) / TAU;
        println!("lag {lag}: corner {corner:.0} Hz of {:.0}", rate / TAU);
        assert!((covariance - exact).abs() < 3.0 * error, "lag {lag}: {covariance} ± {error}, {exact}");
    }
}

#[test]
fn a_trap_leaves_the_variance_of_a_filtered_lorentzian() {
    let (amplitude, capture, emission) = (10e-12, 1e-6, 3e-6);
    for (kind, step) in [(SolverKind::ExponentialEm, 2.0), (SolverKind::ExponentialHeun, 0.3)] {
        let mut spec = spec(kind, step);
        spec.noise.telegraph = Some(TelegraphSpec { amplitude, capture, emission });
        let (p, rate) = (emission / (capture + emission), 1.0 / capture + 1.0 / emission);
        let tau = spec.neuron.capacitance / spec.neuron.leak;
        let exact = (amplitude / spec.neuron.leak).powi(2) * p * (1.0 - p) / (1.0 + rate * tau);
        let (variance, error) =
            mean_square(&Alone::new(spec, 64, 9).series(60, (3.0 / step).ceil() as usize));
        assert!(
            (variance - exact).abs() < 3.0 * error && error < 0.01 * exact,
            "{} ± {}",
            variance / exact,
            error / exact
        );
    }
}

#[test]
fn supply_noise_is_common_to_all_compartments_and_filtered_by_them() {
    let mut spec = spec(SolverKind::ExponentialHeun, 1.0);
    let (psd, bandwidth, coupling) = (1e-14, 1e5, -0.5);
    spec.noise.supply = Some(SupplyNoiseSpec { psd, bandwidth, coupling });
    let tau = spec.neuron.capacitance / spec.neuron.leak;
    let rate = TAU * bandwidth;
    let exact = coupling * coupling * psd * rate / 4.0 / (1.0 + rate * tau);
    let series = Alone::new(spec, 2, 10).series(2000, 8);
    for (sample, one) in series[..SHARD].iter().enumerate() {
        assert!((1..4).all(|column| series[column * SAMPLES + sample] == *one));
    }
    let (variance, error) = mean_square(&series[..SAMPLES]);
    assert!(
        (variance - exact).abs() < 3.0 * error && error < 0.01 * exact,
        "{} ± {}",
        variance / exact,
        error / exact
    );
}
