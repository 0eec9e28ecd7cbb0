//! The same noise for the same samples, however they are computed, and none where there is none.

use dyadsim_core::circuit::Dynamics;
use dyadsim_core::matrix::measure::Largest;
use dyadsim_core::matrix::{Matrix, select_rows};
use dyadsim_core::noise::SampleIds;
use dyadsim_core::solve::{run, settle_all};
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, kinds_that};

/// A net with every source at once.
fn loud(kind: SolverKind, samples: usize) -> Net {
    let mut spec = ideal(ActivationKind::Tanh, Variant::Dp, 0.6, 0.5);
    (spec.solver.kind, spec.solver.step) = (kind, 0.1);
    let (capture, emission) = (1e-6, 3e-6);
    spec.noise = NoiseSpec {
        thermal: Some(ThermalSpec::default()),
        shot: Some(ShotSpec { current: 1e-9 }),
        flicker: Some(FlickerSpec { corner: Some(1e4), ..FlickerSpec::default() }),
        telegraph: Some(TelegraphSpec { amplitude: 10e-12, capture, emission }),
        synapse_telegraph: Some(SynapseTelegraphSpec { amplitude: 0.01, capture, emission }),
        read: Some(ReadNoiseSpec { relative_psd: 1e-11 }),
        supply: Some(SupplyNoiseSpec { psd: 1e-14, bandwidth: 1e5, coupling: 1.0 }),
        input: Some(InputNoiseSpec { psd: 1e-14, bandwidth: 1e5 }),
        sampled: None,
    };
    Net::random(2, &[5, 6, 3], samples, 0.8, spec)
}

/// The last states of `rows` after 5 τ.
fn end(net: &Net, rows: &[usize]) -> Matrix<f64> {
    let circuit = net
        .circuit()
        .with_sample_ids(SampleIds { seed: 9, ids: (30..30 + net.batch.inputs.nrows() as u64).collect() });
    let part = circuit.subset(rows);
    let start = part.free_state();
    run(&net.spec.solver, &part, start, (0.0, 5.0 * circuit.slowest()), &mut |_, _| {})
}

#[test]
fn a_batch_may_be_split() {
    for kind in kinds_that(SolverKind::follows_continuous_noise) {
        let net = loud(kind, 64);
        let all: Vec<usize> = (0..64).collect();
        let whole = end(&net, &all);
        for rows in all.chunks(16).chain([&[63, 5, 17][..]]) {
            assert_eq!(select_rows(&whole, rows), end(&net, rows), "{kind:?}");
        }
        let free = net.circuit().free_state();
        assert!((whole - free).largest() > 1e-5, "{kind:?}: no noise");
    }
}

#[test]
fn threads_do_not_matter() {
    for kind in kinds_that(SolverKind::follows_continuous_noise) {
        let net = loud(kind, 150);
        let settle = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let settled = pool.install(|| settle_all(&net.spec.solver, &net.circuit(), false));
            (settled.state, settled.outcomes, settled.time)
        };
        assert_eq!(settle(1), settle(2), "{kind:?}");
    }
}

#[test]
fn a_path_may_be_followed_in_parts() {
    for kind in kinds_that(SolverKind::follows_continuous_noise) {
        let net = loud(kind, 20);
        let (circuit, spec) = (net.circuit(), &net.spec.solver);
        let tau = circuit.slowest();
        let still = &mut |_: f64, _: &Matrix<f64>| {};
        let whole = run(spec, &circuit, circuit.free_state(), (0.0, 20.0 * tau), still);
        let half = run(spec, &circuit, circuit.free_state(), (0.0, 7.3 * tau), still);
        assert_eq!(whole, run(spec, &circuit, half, (7.3 * tau, 12.7 * tau), still), "{kind:?}");
    }
}

#[test]
fn samples_that_leave_the_batch_take_nobodys_noise_along() {
    // Readings end at different times, so that the batch shrinks under way.
    let mut net = loud(SolverKind::ExponentialHeun, 64);
    net.spec.solver.max_time = 60.0;
    let whole = settle_all(&net.spec.solver, &net.circuit(), false);
    for sample in [0, 13, 40, 63] {
        let circuit = net.circuit();
        let one = settle_all(&net.spec.solver, &circuit.subset(&[sample]), false);
        assert_eq!(whole.state.row(sample), one.state.row(0), "sample {sample}");
        assert_eq!(whole.outcomes[sample], one.outcomes[0]);
    }
}

#[test]
fn circuits_that_differ_in_their_gains_meet_the_same_noise() {
    let net = |variant| {
        let mut net = loud(SolverKind::ExponentialHeun, 20);
        (net.spec.nudge.variant, net.spec.nudge.alpha) = (variant, 0.5);
        Net::random(2, &[5, 6, 3], 20, 0.8, net.spec)
    };
    let all: Vec<usize> = (0..20).collect();
    assert_eq!(end(&net(Variant::Dp), &all), end(&net(Variant::DpTranspose), &all));
}

#[test]
fn silent_sources_are_exactly_no_noise() {
    for kind in kinds_that(SolverKind::follows_continuous_noise) {
        let mut net = loud(kind, 20);
        let trap = |amplitude| TelegraphSpec { amplitude, capture: 1e-6, emission: 1e-6 };
        let silent = NoiseSpec {
            thermal: Some(ThermalSpec { excess: 0.0 }),
            shot: Some(ShotSpec { current: 0.0 }),
            flicker: Some(FlickerSpec { coefficient: Some(0.0), ..FlickerSpec::default() }),
            telegraph: Some(trap(0.0)),
            supply: Some(SupplyNoiseSpec { psd: 1.0, bandwidth: 1.0, coupling: 0.0 }),
            ..NoiseSpec::default()
        };
        let mut settle = |noise: NoiseSpec| {
            net.spec.noise = noise;
            let net = Net::random(2, &[5, 6, 3], 20, 0.8, net.spec.clone());
            let settled = net.settle();
            assert!(settled.outcomes.iter().all(|o| *o == dyadsim_core::solve::Outcome::Settled), "{kind:?}");
            settled.state
        };
        assert_eq!(settle(silent), settle(NoiseSpec::default()), "{kind:?}");
    }
}
