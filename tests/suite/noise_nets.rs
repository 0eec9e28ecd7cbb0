//! Noise in circuits: input drivers, reading synapses, traps in synapses; outcomes and readings.

use std::f64::consts::TAU;

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{DyadCircuit, Dynamics};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::{self, Outcome, settle_all};
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, kinds_that};
use crate::noise::{mean_of, mean_square};

/// A free chain of single dyads with these gains on 0.4 V, in 4096 samples; potentials at `count` times 5 τ
/// apart.
fn chain(spec: &CircuitSpec, gains: [f64; 2], count: usize) -> Vec<Vec<f64>> {
    let network = [1, 1, 1];
    let chip = Chip::fabricate(spec, &network);
    let mut weights = Weights::<f64>::zeros(&network);
    weights.forward.iter_mut().zip(gains).for_each(|(w, gain)| w[(0, 0)] = gain);
    let circuit = DyadCircuit::free(&chip, &weights, &Matrix::from_element(4096, 1, 0.4));
    let every = (5.0 / spec.solver.step).ceil() as usize;
    let mut series = vec![Vec::new(); 4096 * 4];
    let (start, mut steps) = (circuit.free_state(), 0_usize);
    let time = (count + 2) as f64 * every as f64 * spec.solver.step * chip.slowest;
    solve::run(&spec.solver, &circuit, start, (0.0, time), &mut |_, state| {
        steps += 1;
        if steps.is_multiple_of(every) && steps > 2 * every {
            series.iter_mut().zip(state.iter()).for_each(|(series, &v)| series.push(v));
        }
    });
    series
}

fn linear(kind: SolverKind, step: f64) -> CircuitSpec {
    let mut spec = ideal(ActivationKind::Linear, Variant::Dp, 0.5, 0.5);
    (spec.solver.kind, spec.solver.step) = (kind, step);
    spec
}

/// Variances of the first and of the second dyad's plus compartments, with standard errors.
fn variances(series: &[Vec<f64>], means: [f64; 2]) -> [(f64, f64); 2] {
    [0, 2].map(|column| {
        let less = |one: &Vec<f64>| one.iter().map(|v| v - means[column / 2]).collect();
        let block: Vec<Vec<f64>> = series[column * 4096..(column + 1) * 4096].iter().map(less).collect();
        mean_square(&block)
    })
}

#[test]
fn reading_noise_of_conductances_has_its_closed_form() {
    // With S/(4τ) = 0.05: Var v₁ = (w₁x)² S/4τ; Cov = w₂ Var v₁/2; Var v₂ = w₂ Cov + w₂² E v₁² S/4τ.
    let (gains, share) = ([1.2, -0.8], 0.05);
    for (kind, step) in
        [(SolverKind::ExponentialEm, 0.02), (SolverKind::Heun, 0.05), (SolverKind::ExponentialHeun, 0.05)]
    {
        let mut spec = linear(kind, step);
        let tau = spec.neuron.capacitance / spec.neuron.leak;
        spec.noise.read = Some(ReadNoiseSpec { relative_psd: 4.0 * tau * share });
        let mean = gains[0] * 0.4;
        let first = mean * mean * share;
        let cross = gains[1] * first / 2.0;
        let second = gains[1] * cross + gains[1] * gains[1] * (mean * mean + first) * share;
        let series = chain(&spec, gains, 40);
        let found = variances(&series, [mean, gains[1] * mean]);
        for ((found, error), exact) in found.into_iter().zip([first, second]) {
            // What the step adds: `exponential-em` errs by step/4 in the covariance, the others by its
            // square.
            let bias = if kind == SolverKind::ExponentialEm { step / 2.0 } else { step * step };
            assert!(
                (found - exact).abs() < 3.0 * error + bias * exact,
                "{kind:?}: {} ± {}",
                found / exact,
                error / exact
            );
            assert!(error < 0.01 * exact);
        }
        // Nobody feels the difference of two compartments that hear the same.
        assert!((0..4096).all(|i| series[i] == series[4096 + i]));
    }
}

#[test]
fn noise_of_the_input_drivers_passes_the_first_synapses() {
    let (psd, bandwidth, gains) = (1e-12, 2e5, [1.5, 0.0]);
    for kind in kinds_that(SolverKind::follows_continuous_noise) {
        let mut spec = linear(kind, 0.05);
        spec.noise.input = Some(InputNoiseSpec { psd, bandwidth });
        let tau = spec.neuron.capacitance / spec.neuron.leak;
        let rate = TAU * bandwidth;
        let exact = gains[0] * gains[0] * psd * rate / 4.0 / (1.0 + rate * tau);
        let [(found, error), _] = variances(&chain(&spec, gains, 40), [gains[0] * 0.4, 0.0]);
        let bias = if kind == SolverKind::Heun { 0.05 * 0.05 } else { 0.0 };
        assert!(
            (found - exact).abs() < 3.0 * error + bias * exact,
            "{kind:?}: {} ± {}",
            found / exact,
            error / exact
        );
    }
}

#[test]
fn a_trap_in_a_synapse_modulates_what_it_passes() {
    let (amplitude, capture, emission, gains) = (0.3, 2e-6, 1e-6, [1.5, 0.0]);
    let mut spec = linear(SolverKind::ExponentialHeun, 0.05);
    spec.noise.synapse_telegraph = Some(SynapseTelegraphSpec { amplitude, capture, emission });
    let tau = spec.neuron.capacitance / spec.neuron.leak;
    let (p, rate) = (emission / (capture + emission), 1.0 / capture + 1.0 / emission);
    let exact = (gains[0] * 0.4 * amplitude).powi(2) * p * (1.0 - p) / (1.0 + rate * tau);
    let [(found, error), _] = variances(&chain(&spec, gains, 60), [gains[0] * 0.4, 0.0]);
    // The mean level over a step stands for what the leak makes of it: second order in the step.
    assert!((found - exact).abs() < 3.0 * error + 0.0025 * exact, "{} ± {}", found / exact, error / exact);
    assert!(error < 0.01 * exact);
}

fn noisy(kind: SolverKind) -> CircuitSpec {
    let mut spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.5, 0.5);
    (spec.solver.kind, spec.solver.step) = (kind, 0.1);
    spec.noise.thermal = Some(ThermalSpec { excess: 1.0 });
    spec
}

#[test]
fn a_noisy_circuit_becomes_stationary_around_its_equilibrium() {
    for kind in kinds_that(SolverKind::follows_continuous_noise) {
        let mut net = Net::random(3, &[8, 12, 6, 4], 96, 0.9, noisy(kind));
        let settled = net.settle();
        let noisy = settled.outcomes.iter().filter(|o| **o == Outcome::NoisySettled).count();
        assert!(noisy == 96, "{kind:?}: {:?}", Outcome::tally(&settled.outcomes));
        net.spec.readout.time = 100e-6; // 100 τ
        net.chip = Chip::fabricate(&net.spec, &net.network);
        let (points, read) = (net.fixed_points(), net.settle());
        let rms = |state: &Matrix<f64>| ((state - &points.state).norm_squared() / state.len() as f64).sqrt();
        // kT/C of 100 fF is (204 µV)², and loops of gain below one leave it within a factor of two.
        let (instant, averaged) = (rms(&settled.state), rms(&read.state));
        assert!((1e-4..4e-4).contains(&instant), "{kind:?}: {instant}");
        // An average over T of a process that forgets in τ has 2τ/T of its variance: 14 % of its deviation.
        assert!((0.08..0.25).contains(&(averaged / instant)), "{kind:?}: {}", averaged / instant);
    }
}

#[test]
fn a_drift_is_not_called_stationary_and_a_runaway_is_latch_up() {
    // A loop close to its threshold creeps: time constants of 25 τ and a window of 12 τ.
    let mut spec = linear(SolverKind::ExponentialHeun, 0.1);
    (spec.nudge.alpha, spec.nudge.variant) = (0.0, Variant::Dp);
    spec.noise.thermal = Some(ThermalSpec { excess: 1.0 });
    let mut net = Net::random(4, &[1, 1, 1], 64, 1.0, spec);
    net.weights.forward[1][(0, 0)] = 1.0;
    let threshold = 1.0 / 2.0; // β* = 1/((1 − 2α)(1 + w²))
    // It grows by a factor of e in a time constant, in a seventh of one, in a thirtieth.
    for share in [2.0, 8.0, 31.0] {
        net.spec.nudge.beta = share * threshold;
        let settled = settle_all(&net.spec.solver, &net.circuit(), false);
        let tally = Outcome::tally(&settled.outcomes);
        assert!(settled.outcomes.iter().all(|o| *o == Outcome::LatchUp), "{share}: {tally:?}");
    }
    net.spec.nudge.beta = 0.96 * threshold;
    net.spec.solver.start = Start::Zero;
    let settled = settle_all(&net.spec.solver, &net.circuit(), false);
    let stationary = settled.outcomes.iter().filter(|o| **o == Outcome::NoisySettled).count();
    assert!(stationary == 64, "{:?}", Outcome::tally(&settled.outcomes));
    let (time, _) = mean_of(settled.time.clone().into_iter());
    assert!(time > 60.0 * net.chip.slowest, "{time}"); // far more than its first windows, 24 τ
}

#[test]
fn a_limit_cycle_blurred_by_noise_is_no_stationary_state() {
    // The 1-1-1 chain at α = 1, β = 1 is stable for w₂ = 1.5 and rings for w₂ = 10 (docs/model.md §3.4); tanh
    // bounds it.
    for (second, expected) in [(1.5, Outcome::NoisySettled), (10.0, Outcome::Oscillation)] {
        for excess in [1e-4, 1.0, 1e4] {
            let mut spec = noisy(SolverKind::ExponentialHeun);
            spec.nudge = NudgeSpec { variant: Variant::Dp, alpha: 1.0, beta: 1.0, ..spec.nudge };
            spec.noise.thermal = Some(ThermalSpec { excess }); // up to 20 mV rms
            let mut net = Net::random(6, &[1, 1, 1], 64, 1.0, spec);
            net.weights.forward[1][(0, 0)] = second;
            (net.weights.biases[0][0], net.weights.biases[1][0]) = (0.0, 0.0);
            net.batch.inputs.fill(0.0);
            net.batch.targets.fill(0.1);
            let settled = net.settle();
            assert!(
                settled.outcomes.iter().all(|o| *o == expected),
                "{second} {excess}: {:?}",
                Outcome::tally(&settled.outcomes)
            );
        }
    }
}

#[test]
fn under_noise_what_rings_and_grows_is_no_latch_up() {
    // The same chain without a bound: at w₂ = 10, μ³ + μ² + 100 = 0 has μ = 2.0 ± 4.0i, a growth of e per
    // time constant.
    let mut spec = linear(SolverKind::ExponentialHeun, 0.02);
    spec.nudge = NudgeSpec { variant: Variant::Dp, alpha: 1.0, beta: 1.0, ..spec.nudge };
    spec.noise.thermal = Some(ThermalSpec { excess: 1.0 });
    let mut net = Net::random(6, &[1, 1, 1], 64, 1.0, spec);
    net.weights.forward[1][(0, 0)] = 10.0;
    let settled = net.settle();
    let tally = Outcome::tally(&settled.outcomes);
    assert!(settled.outcomes.iter().all(|o| *o == Outcome::Oscillation), "{tally:?}");
}

#[test]
fn under_noise_a_rail_that_only_the_nudge_reaches_is_latch_up() {
    let fate = |share: f64, bias: f64| {
        let mut spec = linear(SolverKind::ExponentialHeun, 0.1);
        (spec.nudge.alpha, spec.nudge.variant) = (0.0, Variant::Dp);
        spec.supply = Some(SupplySpec { low: -2.0, high: 2.0 });
        spec.noise.thermal = Some(ThermalSpec { excess: 100.0 }); // 2 mV rms
        let mut net = Net::random(7, &[1, 1, 1], 64, 1.0, spec);
        net.weights.forward.iter_mut().for_each(|w| w[(0, 0)] = 1.0);
        (net.weights.biases[0][0], net.weights.biases[1][0]) = (bias, 0.0);
        net.batch.inputs.fill(0.3);
        net.spec.nudge.beta = share * 0.5; // β* = 1/((1 − 2α)(1 + w²))
        let settled = net.settle();
        assert!(settled.outcomes.iter().all(|o| *o == settled.outcomes[0]), "{share} {bias}");
        settled.outcomes[0]
    };
    assert_eq!(fate(1.5, 0.0), Outcome::LatchUp);
    assert_eq!(fate(0.5, 0.0), Outcome::NoisySettled);
    // The first dyad sits at the upper rail, nudged or not.
    assert_eq!(fate(0.5, 10.0), Outcome::NoisySettled);
}
