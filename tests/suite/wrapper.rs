//! Traps of `ode_solvers` that its wrapper has to keep out (each was met once, outside this crate): a last
//! row that is extrapolated or missing, a start away from 0, single precision, chatter above equilibrium,
//! stiffness, NaN.

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::DyadCircuit;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::Largest;
use dyadsim_core::solve::{Outcome, Settled, settle_all};
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, kinds_that};

/// Those that the crate steps.
fn kinds() -> Vec<SolverKind> {
    kinds_that(SolverKind::is_one_by_one)
}

/// One free layer from 0 V: `v(t) = u (1 − e^{−t/τ})` with `u = w x + b`, whatever else is on the chip.
fn charging(samples: usize) -> Net {
    let mut spec = ideal(ActivationKind::Linear, Variant::DpTranspose, 0.5, 0.0);
    spec.solver.start = Start::Zero;
    Net::random(501, &[3, 4], samples, 1.0, spec)
}

fn settle(net: &Net, kind: SolverKind, rtol: f64, atol: f64) -> Settled<f64> {
    let solver = SolverSpec { kind, rtol, atol, ..net.spec.solver.clone() };
    settle_all(&solver, &net.circuit(), true)
}

#[test]
fn every_row_of_a_trajectory_is_right_the_last_of_each_segment_too() {
    for kind in kinds() {
        for rtol in [1e-4, 1e-6, 1e-9] {
            let net = charging(2);
            let settled = settle(&net, kind, rtol, 1e-12);
            for (i, trace) in settled.traces.iter().enumerate() {
                let drive = net.oracle(i).free();
                for (time, state) in trace.times.iter().zip(&trace.states) {
                    let exact = -(-time / net.chip.slowest).exp_m1();
                    for (v, u) in state.iter().zip(&drive) {
                        // Errors of a step decay with the leak; a few steps' worth add up.
                        let allowed = 5.0 * (rtol * u.abs().max(1.0) + 1e-12);
                        assert!(
                            (v - u * exact).abs() < allowed,
                            "{kind:?} {rtol} at {time:e} s: {v} {}",
                            u * exact
                        );
                    }
                }
                let last = trace.states.last().unwrap();
                assert_eq!(
                    *last,
                    settled.state.row(i).iter().copied().collect::<Vec<_>>(),
                    "{kind:?} {rtol}"
                );
            }
        }
    }
}

#[test]
fn no_segment_loses_its_last_row_and_time_runs_on() {
    for kind in kinds() {
        for rtol in [1e-3, 1e-5, 1e-7, 1e-9, 1e-11] {
            let net = charging(1);
            let times = settle(&net, kind, rtol, 1e-13).traces[0].times.clone();
            assert_eq!(times[0], 0.0, "{kind:?} {rtol}");
            assert!(times.windows(2).all(|t| t[1] > t[0]), "{kind:?} {rtol}");
            // A segment ends at every whole τ, to the rounding of a sum of segments.
            for whole in 1..(times.last().unwrap() / net.chip.slowest) as usize {
                let there =
                    times.iter().any(|t| (t / net.chip.slowest - whole as f64).abs() < 1e-12 * whole as f64);
                assert!(there, "{kind:?} {rtol}: no row at {whole} τ");
            }
        }
    }
}

#[test]
fn single_precision_circuits_settle_though_the_crate_cannot_see_their_rounding() {
    for kind in kinds() {
        // From what is easy to what single precision cannot hold; the latter may not hang or fail either.
        for rtol in [1e-4, 1e-6, 1e-9] {
            let mut spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.5);
            spec.solver = SolverSpec { kind, rtol, atol: 1e-3 * rtol, ..spec.solver };
            let net = Net::random(502, &[6, 8, 4], 3, 1.0, spec);
            let chip = Chip::<f32>::fabricate(&net.spec, &net.network);
            let weights: Weights<f32> = net.weights.cast();
            let single = |m: &Matrix<f64>| m.map(|x| x as f32);
            let circuit = DyadCircuit::free(&chip, &weights, &single(&net.batch.inputs))
                .nudged(&net.spec.nudge, single(&net.batch.targets));
            let settled = settle_all(&net.spec.solver, &circuit, false);
            assert_eq!(settled.outcomes, [Outcome::Settled; 3], "{kind:?} {rtol}");
        }
    }
}

#[test]
fn no_chatter_above_equilibrium_with_spread_rates() {
    // A hundred rates from 0.5/τ to 5/τ and a loose tolerance: without a tolerance that follows the residual
    // down, the method sits at ten times its tolerance for ever.
    for kind in kinds() {
        let mut spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.5);
        spec.solver =
            SolverSpec { kind, rtol: 1e-5, atol: 1e-8, max_time: 100.0, start: Start::Zero, ..spec.solver };
        let mut net = Net::random(503, &[10, 30, 20], 2, 1.0, spec);
        let width = net.chip.rates.len() as f64;
        for (j, rate) in net.chip.rates.iter_mut().enumerate() {
            *rate *= 0.5 * 10_f64.powf(j as f64 / (width - 1.0));
        }
        net.chip.refresh_slowest();
        let settled = settle(&net, kind, 1e-5, 1e-8);
        assert_eq!(settled.outcomes, [Outcome::Settled; 2], "{kind:?}");
        // ln 1e5 = 12 and some more for the loop, of the slowest τ.
        assert!(settled.time.iter().all(|t| *t < 25.0 * net.chip.slowest), "{kind:?}: {:?}", settled.time);
    }
}

#[test]
fn stiff_chips_take_long_but_settle() {
    for kind in kinds_that(SolverKind::is_adaptive) {
        let mut spec = ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.5);
        spec.solver = SolverSpec { kind, ..SolverSpec::default() };
        let mut net = Net::random(504, &[2, 2, 1], 1, 1.0, spec);
        net.chip.rates[1] *= 1e4;
        net.chip.refresh_slowest();
        let settled = settle(&net, kind, 1e-6, 1e-9);
        assert_eq!(settled.outcomes, [Outcome::Settled], "{kind:?}");
        let fixed = net.oracle(0).fixed_point();
        let error = (settled.state.row(0).transpose() - fixed).largest();
        println!("{kind:?}: {:?}, {error:.1e} V", settled.counts);
        assert!(error < 1e-5, "{kind:?}: {error:.1e} V"); // ten times the residual's tolerance
    }
}
