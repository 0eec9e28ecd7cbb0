//! Noise of unequal devices: every source under spreads of every device against the Lyapunov equation, and
//! closed forms.

use dyadsim_core::analysis::ensemble::limit;
use dyadsim_core::analysis::small_signal::OperatingPoint;
use dyadsim_core::analysis::stationary::{Plan, nodes, predicted, simulate, values};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{Dynamics, Layered};
use dyadsim_core::learn::{Batch, nudged};
use dyadsim_core::matrix::{Matrix, select_rows};
use dyadsim_core::noise::SampleIds;
use dyadsim_core::solve::fixed_point;
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, kinds_that, row};

/// Replicas, whose spread is the standard error.
const REPLICAS: usize = 64;
/// Probability that one of all comparisons of a test fails although all agree.
const FAMILY: f64 = 0.01;

/// Every source alone, of sizes at which circuits are linear.
fn sources() -> Vec<(&'static str, NoiseSpec)> {
    let none = NoiseSpec::default;
    let times = (2e-6, 1e-6);
    vec![
        (
            "thermal and shot",
            NoiseSpec {
                thermal: Some(ThermalSpec { excess: 1.5 }),
                shot: Some(ShotSpec { current: 1e-9 }),
                ..none()
            },
        ),
        (
            "flicker",
            NoiseSpec {
                flicker: Some(FlickerSpec {
                    coefficient: Some(1e-24),
                    low: 1e4,
                    high: 1e6,
                    ..FlickerSpec::default()
                }),
                ..none()
            },
        ),
        (
            "telegraph",
            NoiseSpec {
                telegraph: Some(TelegraphSpec { amplitude: 3e-11, capture: times.0, emission: times.1 }),
                ..none()
            },
        ),
        (
            "synapse telegraph",
            NoiseSpec {
                synapse_telegraph: Some(SynapseTelegraphSpec {
                    amplitude: 1e-3,
                    capture: times.0,
                    emission: times.1,
                }),
                ..none()
            },
        ),
        ("read", NoiseSpec { read: Some(ReadNoiseSpec { relative_psd: 1e-12 }), ..none() }),
        (
            "supply",
            NoiseSpec {
                supply: Some(SupplyNoiseSpec { psd: 1e-13, bandwidth: 3e5, coupling: 0.5 }),
                ..none()
            },
        ),
        ("input", NoiseSpec { input: Some(InputNoiseSpec { psd: 1e-13, bandwidth: 1e6 }), ..none() }),
    ]
}

/// Every spread of devices alone, normal and lognormal, and all together.
fn spreads() -> Vec<(String, MismatchSpec)> {
    let mut found = Vec::new();
    let keys = ["time_constant", "gain", "mixing", "scale", "synapse", "offset", "all"];
    for (distribution, size) in [(SpreadKind::Normal, 0.3), (SpreadKind::Lognormal, 0.6)] {
        for key in keys {
            let of = |name: &str, size: f64| if key == name || key == "all" { size } else { 0.0 };
            let spread = MismatchSpec {
                seed: Some(3),
                distribution,
                offset_dtod: of("offset", 0.1),
                time_constant_dtod: of("time_constant", size),
                gain_dtod: of("gain", size),
                mixing_dtod: of("mixing", size),
                scale_dtod: of("scale", size),
                synapse_dtod: of("synapse", size),
                process: None,
                faults: FaultSpec::default(),
            };
            found.push((format!("{key} {distribution:?}"), spread));
        }
    }
    found
}

/// A net of one sample with these sources and spreads.
fn net(network: &[usize], kind: SolverKind, step: f64, noise: &NoiseSpec, mismatch: &MismatchSpec) -> Net {
    let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, 0.3, 0.5);
    (spec.solver.kind, spec.solver.step) = (kind, step);
    (spec.noise, spec.mismatch) = (noise.clone(), mismatch.clone());
    Net::random(940, network, 1, 1.0, spec)
}

/// Largest deviation of all read-outs' variances from the prediction, and the limit (standard errors). `bias`
/// is what a step may add, relative to a variance.
fn deviation(net: &Net, time: f64, seed: u64, bias: f64, comparisons: usize) -> (f64, f64) {
    let single = net.circuit();
    let found = fixed_point(&single, 0, row(&single.free_state(), 0).as_slice(), 1e-12);
    assert!(found.converged, "{:.1e}", found.residual);
    let point = OperatingPoint::new(&single, &net.batch.inputs, 0, &found.state);
    let variances = predicted(&point, &point.system().covariance().unwrap());
    let rows = vec![0; REPLICAS];
    let some = |m: &Matrix<f64>| select_rows(m, &rows);
    let batch = Batch {
        sample_ids: SampleIds { seed, ids: (0..REPLICAS as u64).collect() },
        ..Batch::new(some(&net.batch.inputs), some(&net.batch.targets))
    };
    let circuit = nudged(&net.chip, &net.weights, &batch, &net.spec);
    let steps = |time: f64| (time / net.spec.solver.step).ceil() as usize;
    let every = steps(0.5);
    let plan = Plan { before: steps(20.0), readings: steps(time) / every, every, traced: None };
    let measured = simulate(&net.spec.solver, &circuit, &found.state, &values(&point), &plan).unwrap();
    let allowed = limit(FAMILY, comparisons, REPLICAS);
    let mut worst = 0.0_f64;
    for node in nodes(circuit.layout()) {
        let place = node.place(circuit.layout());
        let (found, exact) = (measured.replicas.variance(&[place]), variances[place]);
        if exact == 0.0 {
            assert!(found.value < 1e-24, "{}: {found:?}", node.name()); // rounding of some volts
            continue;
        }
        let off = ((found.value - exact).abs() - bias * exact).max(0.0) / found.error;
        worst = worst.max(off);
    }
    (worst, allowed)
}

#[test]
fn every_source_under_spreads_of_every_device_has_the_variances_of_the_lyapunov_equation() {
    let network = [2, 3, 2];
    let comparisons = sources().len() * spreads().len() * 2 * 2 * 5;
    for (source, noise) in sources() {
        for (spread, mismatch) in spreads() {
            let net = net(&network, SolverKind::ExponentialHeun, 0.05, &noise, &mismatch);
            // Of second order in twice the step over the fastest time constant, with loops of gain one or
            // two.
            let (worst, allowed) = deviation(&net, 120.0, 11, 0.01, comparisons);
            assert!(worst < allowed, "{source} under {spread}: {worst:.2} of {allowed:.2} s.e.");
        }
    }
}

#[test]
fn every_solver_lets_shared_noise_in_at_each_compartments_own_rate() {
    let mismatch = |distribution, time_constant_dtod| MismatchSpec {
        seed: Some(4),
        distribution,
        time_constant_dtod,
        ..MismatchSpec::default()
    };
    let wide = [mismatch(SpreadKind::Normal, 0.3), mismatch(SpreadKind::Lognormal, 0.6)];
    let comparisons = 3 * 4 * wide.len() * 2 * 2 * 5;
    // `exponential-em` is of first order: half the step over the fastest time constant, times the loop's
    // gain.
    for (kind, step, bias) in [
        (SolverKind::ExponentialEm, 0.02, 0.02),
        (SolverKind::Heun, 0.05, 0.005),
        (SolverKind::ExponentialHeun, 0.05, 0.01),
    ] {
        for (source, noise) in sources().into_iter().skip(3) {
            for mismatch in &wide {
                let net = net(&[2, 3, 2], kind, step, &noise, mismatch);
                let (worst, allowed) = deviation(&net, 60.0, 12, bias, comparisons);
                assert!(worst < allowed, "{source}, {kind:?}: {worst:.2} of {allowed:.2} s.e.");
            }
        }
    }
}

#[test]
fn compartments_four_decades_apart_have_their_variances_in_every_solver() {
    let noise = NoiseSpec {
        thermal: Some(ThermalSpec::default()),
        read: Some(ReadNoiseSpec { relative_psd: 1e-12 }),
        ..NoiseSpec::default()
    };
    for (kind, bias) in
        [(SolverKind::ExponentialEm, 0.1), (SolverKind::Heun, 0.01), (SolverKind::ExponentialHeun, 0.02)]
    {
        let mut net = net(&[1, 1], kind, 0.1, &noise, &MismatchSpec::default());
        net.chip.rates[1] *= 1e4;
        net.chip.refresh_slowest();
        // A tenth of the fastest time constant (of `exponential-heun` two): a tenth of the loop's gain of ½
        // to first order, its square to second.
        let (worst, allowed) = deviation(&net, 10.0, 13, bias, 3 * 4);
        assert!(worst < allowed, "{kind:?}: {worst:.2} of {allowed:.2} s.e.");
    }
}

#[test]
fn read_noise_of_two_unequal_compartments_has_its_closed_form() {
    // n = W x ε of one-sided density S W²x² drives both: Var v = S W²x²/4τ, Cov = S W²x²/2(τ⁺ + τ⁻).
    let mut spec = ideal(ActivationKind::Linear, Variant::Dp, 0.5, 0.0);
    (spec.solver.kind, spec.solver.step) = (SolverKind::ExponentialHeun, 0.05);
    let density = 1e-10;
    spec.noise.read = Some(ReadNoiseSpec { relative_psd: density });
    spec.mismatch = MismatchSpec { seed: Some(4), time_constant_dtod: 0.3, ..MismatchSpec::default() };
    let network = [1, 3];
    for kind in kinds_that(SolverKind::follows_continuous_noise) {
        spec.solver.kind = kind;
        let chip = Chip::<f64>::fabricate(&spec, &network);
        let mut weights = Weights::<f64>::zeros(&network);
        weights.forward[0].copy_from_slice(&[1.0, 0.7, -1.3]);
        let inputs = Matrix::from_element(4096, 1, 0.8);
        let batch = Batch::new(inputs, Matrix::zeros(4096, 3));
        let circuit = nudged(&chip, &weights, &batch, &spec);
        let (start, mut sums, mut times) = (circuit.free_state(), vec![[0.0; 3]; 3], 0.0);
        let about = start.row(0).into_owned();
        let mut steps = 0;
        dyadsim_core::solve::run(
            &spec.solver,
            &circuit,
            start,
            (0.0, 60.0 * chip.slowest),
            &mut |_, state| {
                steps += 1;
                if steps > 300 && steps % 60 == 0 {
                    times += 4096.0;
                    for (j, sums) in sums.iter_mut().enumerate() {
                        for row in state.row_iter() {
                            let (plus, minus) = (row[j] - about[j], row[3 + j] - about[3 + j]);
                            sums[0] += plus * plus;
                            sums[1] += minus * minus;
                            sums[2] += plus * minus;
                        }
                    }
                }
            },
        );
        for (j, sums) in sums.iter().enumerate() {
            let (one, other) = (1.0 / chip.rates[j], 1.0 / chip.rates[3 + j]);
            let power = density * (weights.forward[0][j] * 0.8).powi(2);
            let exact = [power / (4.0 * one), power / (4.0 * other), power / (2.0 * (one + other))];
            for (sum, exact) in sums.iter().zip(exact) {
                // Gaussian: √2 of a variance per independent number, at most; four standard errors, and
                // heun's square of a step.
                let gap = (sum / times / exact - 1.0).abs();
                assert!(gap < 4.0 * (2.0 / times).sqrt() + 0.0025, "{kind:?} {j}: {gap}");
            }
        }
    }
}
