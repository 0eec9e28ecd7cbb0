//! Trajectories: the exponential integrator against Dormand–Prince 8(5,3), and both against a classical
//! Runge–Kutta integration of the equations as docs/model.md writes them.

use dyadsim_core::device::DeviceOffset;
use dyadsim_core::matrix::measure::{Largest, larger};
use dyadsim_core::random::{Key, Kind, stream};
use dyadsim_core::solve::{Outcome, Trace, settle_all};
use dyadsim_core::spec::*;
use rand_distr::{Distribution, StandardUniform};

use crate::nets::{Net, ideal, kinds_that};
use crate::oracle::{Oracle, Vector};

/// A net that starts far from equilibrium, at 0 V.
fn net(seed: u64, activation: ActivationKind, variant: Variant, alpha: f64) -> Net {
    let mut spec = ideal(activation, variant, alpha, 0.2);
    spec.solver.start = Start::Zero;
    Net::random(seed, &[6, 8, 7, 5], 1, 1.0, spec)
}

/// Gives every device of a chip a number of its own: τ within a factor 2 either way, gains, mixing and scales
/// within 10 %, 0.05 and 5 %, offsets within 20 mV.
pub fn scatter(net: &mut Net, seed: u64) {
    let mut source = stream(Key::new(seed, Kind::Mismatch));
    let mut spread = || -> f64 { 2.0 * Distribution::<f64>::sample(&StandardUniform, &mut source) - 1.0 };
    for devices in &mut net.chip.layers {
        for gain in devices.gain_plus.iter_mut().chain(&mut devices.gain_minus) {
            *gain *= 1.0 + 0.1 * spread();
        }
        devices.mixing.iter_mut().for_each(|alpha| *alpha += 0.05 * spread());
        for trim in devices.offset_plus.iter_mut().chain(&mut devices.offset_minus) {
            *trim = DeviceOffset::shift(0.02 * spread());
        }
    }
    net.chip.rates.iter_mut().for_each(|rate| *rate *= 2.0_f64.powf(spread()));
    for devices in &mut net.chip.layers {
        for trim in devices.offset_plus.iter_mut().chain(&mut devices.offset_minus) {
            trim.scale = 1.0 + 0.05 * spread();
        }
    }
    net.chip.refresh_slowest();
}

/// The trajectory of the only sample.
fn trace(net: &Net, kind: SolverKind, rtol: f64, atol: f64) -> Trace {
    let solver = SolverSpec { kind, rtol, atol, ..net.spec.solver.clone() };
    let mut settled = settle_all(&solver, &net.circuit(), true);
    assert_eq!(settled.outcomes[0], Outcome::Settled);
    settled.traces.remove(0)
}

/// Largest distance (V) between two traces at the times of the second, which are exact there, and the largest
/// potential (V). After its end a trace stands still, so the comparison stops there.
fn distance(one: &Trace, reference: &Trace) -> (f64, f64) {
    let (mut apart, mut size) = (0.0_f64, 0.0_f64);
    for (&time, state) in reference.times.iter().zip(&reference.states).filter(|(t, _)| **t <= one.end()) {
        for (a, b) in one.at(time).iter().zip(state) {
            apart = larger(apart, (a - b).abs());
            size = size.max(b.abs());
        }
    }
    (apart, size)
}

/// One step of the classical fourth-order method on the written equations; `step` in seconds.
fn runge_kutta(oracle: &Oracle, v: &Vector, step: f64) -> Vector {
    let rate = |v: &Vector| (oracle.drive(v) - v).component_mul(&oracle.rates);
    let k1 = rate(v);
    let k2 = rate(&(v + &k1 * (step / 2.0)));
    let k3 = rate(&(v + &k2 * (step / 2.0)));
    let k4 = rate(&(v + &k3 * step));
    v + (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (step / 6.0)
}

/// Least-squares slope of `y` over `x`.
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (xy, xx) =
        points.iter().fold((0.0, 0.0), |(a, b), p| (a + (p.0 - mx) * (p.1 - my), b + (p.0 - mx).powi(2)));
    xy / xx
}

/// Errors of an exponential integrator at tolerances from 1e-4 to 1e-8, in units of `rtol ‖v‖ + atol`, and
/// the slope of `log error` over `log rtol`.
fn errors_over_tolerances(net: &Net, kind: SolverKind) -> (Vec<f64>, f64) {
    let reference = trace(net, SolverKind::Dop853, 1e-11, 1e-14);
    let (mut ratios, mut points) = (Vec::new(), Vec::new());
    for rtol in [1e-4_f64, 1e-5, 1e-6, 1e-7, 1e-8] {
        let atol = 1e-3 * rtol;
        let (error, size) = distance(&trace(net, kind, rtol, atol), &reference);
        ratios.push(error / (rtol * size + atol));
        points.push((rtol.log10(), error.log10()));
    }
    (ratios, slope(&points))
}

/// The same for both variants, on ideal and on mismatched chips.
fn for_each_chip(kind: SolverKind, cases: &[(u64, ActivationKind, f64)], judge: impl Fn(&[f64], f64, &str)) {
    for &(seed, activation, alpha) in cases {
        for variant in [Variant::Dp, Variant::DpTranspose] {
            for mismatched in [false, true] {
                let mut net = net(seed, activation, variant, alpha);
                if mismatched {
                    scatter(&mut net, seed);
                }
                let (ratios, slope) = errors_over_tolerances(&net, kind);
                let what = format!(
                    "{kind:?} {activation:?} {alpha} {variant:?} mismatched {mismatched}: {ratios:.2?} {slope:.2}"
                );
                println!("{what}");
                judge(&ratios, slope, &what);
            }
        }
    }
}

#[test]
fn the_exponential_integrator_keeps_its_tolerance_over_four_decades() {
    let smooth = [
        (1, ActivationKind::Tanh, 0.0),
        (2, ActivationKind::Softplus, 0.25),
        (3, ActivationKind::Sigmoid, 0.5),
        (4, ActivationKind::Linear, 1.0),
    ];
    for_each_chip(SolverKind::Etd, &smooth, |ratios, slope, what| {
        // Errors of some five time constants add up; they do not grow, the circuits being stable.
        assert!(ratios.iter().all(|r| *r < 20.0), "{what}");
        // The estimate is O(h⁴), or O(h⁵) where the third stage is good, and equals the tolerance; the error
        // of the fourth-order solution is O(h⁴). So it goes as rtol to the power 4/5 to 1, fitted over four
        // decades.
        assert!(slope > 0.8 - 0.02 && slope < 1.05, "{what}");
    });
}

#[test]
fn kinks_do_not_cost_a_traced_relaxation_its_tolerance() {
    let kinked = [
        (5, ActivationKind::Relu, 0.75),
        (6, ActivationKind::HardSigmoid, 0.5),
        (7, ActivationKind::Relu, 0.0),
    ];
    for_each_chip(SolverKind::Etd, &kinked, |ratios, slope, what| {
        // Every step keeps the tolerance, those across a kink by the bound on the quadrature's error there;
        // some ten kinks are passed on the way.
        assert!(ratios.iter().all(|r| *r < 20.0), "{what}");
        // Between kinks the error goes as rtol to the power 4/5 to 1, across them as rtol: fitted over four
        // decades, with the scatter of where in its step a kink falls.
        assert!(slope > 0.7 && slope < 1.15, "{what}");
    });
}

#[test]
fn the_multistep_integrator_keeps_its_tolerance_over_four_decades_kinks_or_not() {
    let cases = [
        (1, ActivationKind::Tanh, 0.0),
        (2, ActivationKind::Softplus, 0.25),
        (3, ActivationKind::Sigmoid, 0.5),
        (4, ActivationKind::Linear, 1.0),
        (5, ActivationKind::Relu, 0.75),
        (6, ActivationKind::HardSigmoid, 0.5),
        (7, ActivationKind::Relu, 0.0),
    ];
    for_each_chip(SolverKind::Eam, &cases, |ratios, slope, what| {
        assert!(ratios.iter().all(|r| *r < 20.0), "{what}");
        assert!(slope > 0.7 && slope < 1.15, "{what}");
    });
}

/// Follows the written equations along the times of a trace; the largest distance (V) on the way.
fn astray(oracle: &Oracle, trace: &Trace, tau: f64) -> f64 {
    let mut v = Vector::from_column_slice(&trace.states[0]);
    let mut worst = 0.0_f64;
    for (times, state) in trace.times.windows(2).zip(&trace.states[1..]).take_while(|(t, _)| t[1] < 8.0 * tau)
    {
        // The classical method with steps of τ/100 errs by (h/τ)⁴/120 = 1e-10 of each derivative's scale.
        let parts = ((times[1] - times[0]) / (0.01 * tau)).ceil().max(1.0);
        let step = (times[1] - times[0]) / parts;
        v = (0..parts as usize).fold(v, |v, _| runge_kutta(oracle, &v, step));
        worst = larger(worst, (&v - Vector::from_column_slice(state)).largest());
    }
    worst
}

#[test]
fn trajectories_of_mismatched_chips_follow_the_written_equations() {
    let nudges = [
        (NudgePoint::Mean, LossKind::Mse),
        (NudgePoint::Own, LossKind::Mse),
        (NudgePoint::Drive, LossKind::Mse),
        (NudgePoint::Mean, LossKind::CrossEntropy),
        (NudgePoint::Own, LossKind::CrossEntropy),
    ];
    for (seed, (at, loss)) in (10..).zip(nudges) {
        for variant in [Variant::Dp, Variant::DpTranspose] {
            let mut net = net(seed, ActivationKind::Tanh, variant, 0.3);
            (net.spec.nudge.at, net.spec.nudge.loss, net.spec.nudge.reference) = (at, loss, 0.8);
            scatter(&mut net, seed);
            let mut oracle = net.oracle(0);
            oracle.take_devices(&net.chip);
            for kind in kinds_that(SolverKind::is_adaptive) {
                let error = astray(
                    &oracle,
                    &trace(&net, kind, 1e-8, 1e-11),
                    net.spec.neuron.capacitance / net.spec.neuron.leak,
                );
                println!("{at:?} {loss:?} {variant:?} {kind:?} {error:.1e}");
                assert!(error < 20.0 * 1e-8, "{at:?} {loss:?} {variant:?} {kind:?}: {error:.1e} V"); // potentials are ≤ 1 V
            }
        }
    }
}

#[test]
fn feed_forward_errors_keep_the_tolerance_and_arrive_in_time() {
    // `DPᵀ` with one hidden layer: the output's difference decays alone and the hidden one follows, so that
    // all stages of a step of the exponential integrator agree, however long it is.
    for alpha in [0.0, 0.25, 1.0] {
        for start in [Start::Free, Start::Zero] {
            let mut spec = ideal(ActivationKind::Linear, Variant::DpTranspose, alpha, 0.2);
            spec.solver.start = start;
            let net = Net::random(5, &[6, 8, 5], 1, 1.0, spec);
            for rtol in [1e-4_f64, 1e-6, 1e-8] {
                let atol = 1e-3 * rtol;
                let reference = trace(&net, SolverKind::Dop853, 1e-11, 1e-14);
                let (error, size) = distance(&trace(&net, SolverKind::Etd, rtol, atol), &reference);
                let ratio = error / (rtol * size + atol);
                // Errors of some five time constants add up.
                assert!(ratio < 20.0, "{alpha} {start:?} {rtol}: {ratio}");
                let arrival = |kind| {
                    let solver = SolverSpec { kind, rtol, atol, ..net.spec.solver.clone() };
                    settle_all(&solver, &net.circuit(), false).time[0]
                };
                let (found, exact) = (arrival(SolverKind::Etd), arrival(SolverKind::Dop853));
                println!(
                    "{alpha} {start:?} {rtol}: error {ratio:.2} tolerances, arrival {:.3}",
                    found / exact
                );
                assert!((found / exact - 1.0).abs() < 0.1, "{alpha} {start:?} {rtol}: {found} {exact}");
            }
        }
    }
}
