//! Switched capacitors: charge that is counted, clock by clock, and what follows from it in closed form.

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{DyadCircuit, Dynamics};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::{Largest, larger};
use dyadsim_core::solve::{Outcome, Verdict, settle_all, stability};
use dyadsim_core::spec::*;
use nalgebra::Complex;

use crate::nets::{Net, ideal, row};
use crate::noise::{Alone, BOLTZMANN, SAMPLES, mean_square};

const CAPACITANCE: f64 = 100e-15;

/// A circuit of 100 fF with a switched capacitor (F) at a clock (Hz).
fn clocked(mut spec: CircuitSpec, switched: f64, frequency: f64) -> CircuitSpec {
    spec.neuron.capacitance = CAPACITANCE;
    spec.neuron.leak = switched * frequency;
    spec.clock = Some(ClockSpec { frequency, injection: 0.0 });
    spec.solver.kind = SolverKind::Clocked;
    spec
}

#[test]
fn a_network_moves_as_its_charges_are_shared() {
    for (seed, switched) in [(80, 5e-15), (81, 50e-15), (82, 400e-15)] {
        let (frequency, leakage, injection) = (10e6, 3e-12, 2e-18);
        let mut spec = clocked(ideal(ActivationKind::Tanh, Variant::Dp, 0.7, 0.3), switched, frequency);
        spec.solver.start = Start::Zero;
        spec.clock = Some(ClockSpec { frequency, injection });
        spec.leakage = Some(LeakageSpec { current: leakage, hold: 0.0 });
        let net = Net::random(seed, &[6, 8, 7, 5], 2, 1.0, spec);
        let settled = settle_all(&net.spec.solver, &net.circuit(), true);
        for sample in 0..2 {
            assert_eq!(settled.outcomes[sample], Outcome::Settled);
            let (trace, oracle) = (&settled.traces[sample], net.oracle(sample));
            let mut v = row(&settled.state, sample) * 0.0;
            for (n, (&time, state)) in trace.times.iter().zip(&trace.states).enumerate() {
                assert!((time * frequency - n as f64).abs() < 1e-9 * (1.0 + n as f64));
                let apart = (row(&Matrix::from_row_slice(1, state.len(), state), 0) - &v).largest();
                assert!(apart < 1e-12, "{switched:e} period {n}: {apart:.1e} V"); // rounding of contracting sums
                // Held for a period, C loses charge; then C_s, charged to the drive, is joined to it and
                // parted again.
                let held = v.map(|v| CAPACITANCE * v - leakage / frequency);
                let shared = (held + oracle.drive(&v) * switched) / (CAPACITANCE + switched);
                v = shared.map(|v| v + injection / CAPACITANCE);
            }
        }
    }
}

#[test]
fn a_fast_clock_is_continuous_time_to_first_order() {
    let leak = 100e-9;
    let error = |frequency: f64| {
        let mut spec =
            clocked(ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.5), leak / frequency, frequency);
        spec.solver.start = Start::Zero;
        let net = Net::random(83, &[4, 5, 3], 1, 1.0, spec);
        let mut continuous =
            Net::random(83, &[4, 5, 3], 1, 1.0, ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.5));
        continuous.spec.solver.start = Start::Zero;
        let [one, other] = [&net, &continuous]
            .map(|net| settle_all(&net.spec.solver, &net.circuit(), true).traces.remove(0));
        let points = one.times.iter().zip(&one.states).filter(|(t, _)| **t < 5e-6);
        let apart = points
            .map(|(&t, state)| other.at(t).iter().zip(state).map(|(a, b)| (a - b).abs()).fold(0.0, larger));
        apart.fold(0.0, larger)
    };
    let errors = [1e8, 2e8, 4e8].map(error);
    println!("{errors:?}");
    for two in errors.windows(2) {
        // Half the period, half the error, but for a share of a few periods per τ, 1 %.
        assert!((two[0] / two[1] - 2.0).abs() < 0.1, "{errors:?}");
    }
}

/// A linear 1-1-1 chain under DP with `c = 2α − 1`; its continuous eigenvalues are `(m − 1)/τ` with
/// `m³ + cβ m² + cβ w² = 0` or `m = 0` (docs/model.md §3.4).
fn chain(switched: f64, alpha: f64, beta: f64, weight: f64) -> (Net, Vec<Complex<f64>>) {
    let mut spec = clocked(ideal(ActivationKind::Linear, Variant::Dp, alpha, beta), switched, 10e6);
    spec.solver.max_time = 1e5; // some of these circuits are close to ringing
    let mut net = Net::random(84, &[1, 1, 1], 1, 1.0, spec);
    net.weights.forward[1][(0, 0)] = weight;
    let k = (2.0 * alpha - 1.0) * beta;
    let companion = nalgebra::matrix![0.0, 0.0, -k * weight * weight; 1.0, 0.0, 0.0; 0.0, 1.0, -k];
    let mut roots: Vec<_> = companion.complex_eigenvalues().iter().copied().collect();
    roots.push(Complex::new(0.0, 0.0));
    (net, roots)
}

#[test]
fn stability_from_clock_to_clock_is_that_of_the_closed_form_and_of_the_trajectory() {
    let mut seen = [0, 0, 0];
    for switched in [20e-15, 100e-15, 400e-15, 2e-12] {
        let r = switched / (CAPACITANCE + switched);
        for (alpha, beta, weight) in [
            (1.0, 1.0, 1.5),
            (1.0, 0.5, 1.2),
            (1.0, 2.0, 1.5),
            (0.9, 1.5, 2.0),
            (0.3, 0.4, 1.0),
            (0.3, 1.5, 1.0),
        ] {
            let (net, roots) = chain(switched, alpha, beta, weight);
            let mut exact: Vec<Complex<f64>> = roots.iter().map(|m| (m - 1.0) * r + 1.0).collect();
            exact.sort_by(|a, b| b.norm().total_cmp(&a.norm()));
            let largest = exact[0].norm();
            let circuit = net.circuit();
            let found = stability(&circuit, &SolverSpec::default(), &circuit.free_state(), 1e-9);
            let spectrum = found.spectra[0].as_ref().unwrap();
            let multiplier = (spectrum.abscissa() / 10e6).exp();
            // The root of a cubic, once as a matrix of 3 and once as one of 4.
            assert!(
                (multiplier - largest).abs() < 1e-9,
                "{switched:e} {alpha} {beta}: {multiplier} {largest}"
            );
            let verdict = if largest < 1.0 {
                Verdict::Stable
            } else if exact[0].im == 0.0 && exact[0].re > 0.0 {
                Verdict::LatchUp
            } else {
                Verdict::Oscillation
            };
            assert_eq!(spectrum.verdict(), verdict, "{switched:e} {alpha} {beta} {exact:?}");
            let outcome = net.settle().outcomes[0];
            let expected = match verdict {
                Verdict::Stable => Outcome::Settled,
                Verdict::LatchUp => Outcome::LatchUp,
                Verdict::Oscillation => Outcome::Oscillation,
            };
            assert_eq!(outcome, expected, "{switched:e} {alpha} {beta}: |μ| = {largest}");
            // The clock makes circuits ring that would be at rest in continuous time.
            let rests = roots.iter().all(|m| m.re < 1.0);
            seen[0] += usize::from(verdict == Verdict::Stable);
            seen[1] += usize::from(verdict == Verdict::LatchUp);
            seen[2] += usize::from(verdict == Verdict::Oscillation && rests);
        }
    }
    assert!(seen.iter().all(|&count| count >= 2), "{seen:?}");
}

#[test]
fn a_capacitor_keeps_the_noise_of_its_temperature_whatever_the_switched_one() {
    for (number, (switched, temperature, excess)) in
        [(5e-15, 300.0, 1.0), (100e-15, 300.0, 1.0), (1e-12, 77.0, 1.0), (50e-15, 300.0, 2.5)]
            .into_iter()
            .enumerate()
    {
        let frequency = 10e6;
        let mut spec = clocked(CircuitSpec::default(), switched, frequency);
        spec.temperature = temperature;
        spec.noise.thermal = Some(ThermalSpec { excess });
        let alone = Alone::new(spec, 8, 900 + number as u64);
        let tau = alone.circuit().slowest();
        let mut series = vec![Vec::new(); SAMPLES * 16];
        let (burn, count) = (10.0, 400.0);
        alone.run(burn + count, &mut |time, state| {
            if time > burn * tau {
                series.iter_mut().zip(state.iter()).for_each(|(one, &v)| one.push(v));
            }
        });
        let (found, error) = mean_square(&series);
        let exact = excess * BOLTZMANN * temperature / CAPACITANCE;
        println!("C_s {switched:e} F: {:.4} ± {:.4} of γkT/C", found / exact, error / exact);
        assert!(error < 0.005 * exact && (found - exact).abs() < 3.0 * error, "{}", found / exact);
    }
}

#[test]
fn noisy_clocked_networks_become_stationary() {
    let mut spec = clocked(ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.5, 0.5), 50e-15, 10e6);
    spec.noise.thermal = Some(ThermalSpec { excess: 1.0 });
    let net = Net::random(85, &[8, 12, 6, 4], 96, 0.9, spec);
    let settled = net.settle();
    assert!(
        settled.outcomes.iter().all(|o| *o == Outcome::NoisySettled),
        "{:?}",
        Outcome::tally(&settled.outcomes)
    );
    let apart = settled.state - net.fixed_points().state;
    let rms = (apart.norm_squared() / apart.len() as f64).sqrt();
    // kT/C of 100 fF is (204 µV)², and loops of gain below one leave it within a factor of two.
    assert!((1e-4..4e-4).contains(&rms), "{rms}");
}

#[test]
fn operating_points_are_verified_from_clock_to_clock() {
    // Settles in continuous time, rings with a large switched capacitor.
    let (net, _) = chain(2e-12, 1.0, 1.0, 1.5);
    for (verify, expected) in [
        (Verify::None, Outcome::Settled),
        (Verify::Eigen, Outcome::Oscillation),
        (Verify::Transient, Outcome::Oscillation),
    ] {
        let solver = SolverSpec { kind: SolverKind::Dc, verify, ..net.spec.solver.clone() };
        let settled = settle_all(&solver, &net.circuit(), false);
        assert_eq!(settled.outcomes[0], expected, "{verify:?}");
    }
}

#[test]
fn leakage_lowers_what_is_held_and_what_is_read() {
    let mut spec = ideal(ActivationKind::Linear, Variant::DpTranspose, 0.5, 0.0);
    spec.leakage = Some(LeakageSpec { current: 10e-12, hold: 5e-6 });
    for clock in [None, Some(20e6)] {
        let mut spec = spec.clone();
        if let Some(frequency) = clock {
            spec = clocked(spec, 100e-9 / frequency, frequency);
        }
        let (chip, mut weights) = (Chip::<f64>::fabricate(&spec, &[1, 1]), Weights::zeros(&[1, 1]));
        weights.biases[0][0] = 0.5;
        let circuit = DyadCircuit::free(&chip, &weights, &Matrix::zeros(1, 1));
        let settled = settle_all(&spec.solver, &circuit, false);
        // −I/g = −0.1 mV while driven, then 0.1 mV/µs.
        let exact = 0.5 - 10e-12 / 100e-9 - 10e-12 * 5e-6 / 100e-15;
        assert!((settled.state[(0, 0)] - exact).abs() < 1e-10, "{clock:?}: {}", settled.state[(0, 0)]);
    }
}
