//! What a trajectory is between its steps and where it ends, under every adaptive integrator: against the
//! closed form of linear circuits, and the written equations integrated in small steps that find kinks, rails
//! and slew limits by themselves.

use dyadsim_core::circuit::{Dynamics, Layered};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::{Largest, larger};
use dyadsim_core::solve::{Outcome, Settled, settle_all};
use dyadsim_core::spec::*;
use nalgebra::DMatrix;

use crate::nets::{Net, ideal, kinds_that};
use crate::oracle::{Oracle, Vector};
use crate::traces::scatter;

/// Tolerances; the absolute one is a thousandth of each (V).
const TOLERANCES: [f64; 4] = [1e-4, 1e-6, 1e-8, 1e-10];
/// How many times `rtol max(1 V, ‖v‖∞) + atol` a trajectory may be wrong by.
const ALLOWED: f64 = 100.0;

fn settle(net: &Net, kind: SolverKind, rtol: f64, max_time: f64) -> Settled<f64> {
    let solver = SolverSpec { kind, rtol, atol: 1e-3 * rtol, max_time, ..net.spec.solver.clone() };
    settle_all(&solver, &net.circuit(), true)
}

/// Rates (V/s) as docs/model.md writes them, `|dv/dt|` limited to the slew rate.
fn rates(oracle: &Oracle, slew: Option<f64>, range: Option<f64>, v: &Vector) -> Vector {
    let pulls = oracle.drive(v) - v;
    let pulls = range.map_or(pulls.clone(), |range| pulls.map(|pull| range * (pull / range).tanh()));
    let rates = pulls.component_mul(&oracle.rates);
    slew.map_or(rates.clone(), |slew| rates.map(|rate| rate.clamp(-slew, slew)))
}

/// One step of the classical fourth-order method.
fn runge_kutta(rate: &impl Fn(&Vector) -> Vector, v: &Vector, step: f64) -> Vector {
    let k1 = rate(v);
    let k2 = rate(&(v + &k1 * (step / 2.0)));
    let k3 = rate(&(v + &k2 * (step / 2.0)));
    let k4 = rate(&(v + &k3 * step));
    v + (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (step / 6.0)
}

/// States at `times` (ascending, in the slowest τ) from 0 V: every step is done once whole and once in
/// halves, and cut until both agree within `tolerance` (V), which also makes steps across kinks as short as
/// they need to be.
fn followed(rate: &impl Fn(&Vector) -> Vector, width: usize, times: &[f64], tolerance: f64) -> Vec<Vector> {
    let (mut v, mut now, mut step) = (Vector::zeros(width), 0.0, 1e-3);
    let mut states = Vec::new();
    for &time in times {
        while now < time {
            let (h, lands) = if now + step >= time { (time - now, true) } else { (step, false) };
            let whole = runge_kutta(rate, &v, h);
            let halves = runge_kutta(rate, &runge_kutta(rate, &v, h / 2.0), h / 2.0);
            let apart = (&halves - &whole).amax();
            if apart <= 15.0 * tolerance || h < 1e-9 {
                v = &halves + (&halves - &whole) / 15.0;
                now = if lands { time } else { now + h };
            }
            step = h * (0.9 * (15.0 * tolerance / apart.max(1e-18)).powf(0.2)).clamp(0.1, 3.0);
        }
        states.push(v.clone());
    }
    states
}

/// A circuit with what limits its compartments beside activations and rails.
struct Case {
    name: &'static str,
    net: Net,
    /// Slew rate (V per slowest τ of ideal devices) and range of the transconductor (V).
    slew: Option<f64>,
    range: Option<f64>,
}

/// What a circuit of the twelve is made of.
struct Parts {
    name: &'static str,
    activation: ActivationKind,
    variant: Variant,
    rails: Option<(f64, f64)>,
    slew: Option<f64>,
    range: Option<f64>,
    unequal: bool,
}

fn case(seed: u64, parts: Parts) -> Case {
    let Parts { name, activation, variant, rails, slew, range, unequal } = parts;
    let mut spec = ideal(activation, variant, 0.7, 0.3);
    spec.solver.start = Start::Zero;
    spec.supply = rails.map(|(low, high)| SupplySpec { low, high });
    spec.transconductor = range.map(|range| TransconductorSpec { range });
    let tau = spec.neuron.capacitance / spec.neuron.leak;
    spec.amplifier = slew.map(|slew| AmplifierSpec { slew: Some(slew / tau), ..AmplifierSpec::default() });
    let mut net = Net::random(seed, &[3, 5, 4, 3], 1, 2.0, spec);
    if unequal {
        scatter(&mut net, seed);
    }
    Case { name, net, slew: slew.map(|slew| slew / tau), range }
}

/// Twelve circuits with kinks, rails, slew and unequal devices.
fn twelve() -> Vec<Case> {
    use ActivationKind::*;
    use Variant::{Dp, DpTranspose};
    let plain = |name, activation, variant| Parts {
        name,
        activation,
        variant,
        rails: None,
        slew: None,
        range: None,
        unequal: false,
    };
    let rails = Some((-0.3, 0.4));
    let all = [
        plain("relu, dp", Relu, Dp),
        plain("relu, transposed", Relu, DpTranspose),
        plain("hard sigmoid, dp", HardSigmoid, Dp),
        Parts { unequal: true, ..plain("unequal hard sigmoids", HardSigmoid, DpTranspose) },
        Parts { unequal: true, ..plain("unequal relus", Relu, Dp) },
        Parts { rails, ..plain("linear, rails", Linear, DpTranspose) },
        Parts { rails, ..plain("relu, rails", Relu, Dp) },
        Parts { rails, unequal: true, ..plain("unequal tanh, rails", Tanh, Dp) },
        Parts { slew: Some(0.3), ..plain("relu, slew", Relu, DpTranspose) },
        Parts { slew: Some(0.2), unequal: true, ..plain("unequal hard sigmoids, slew", HardSigmoid, Dp) },
        Parts { slew: Some(0.25), rails, ..plain("softplus, slew, rails", Softplus, DpTranspose) },
        Parts { range: Some(0.2), rails, unequal: true, ..plain("all but slew", Relu, DpTranspose) },
    ];
    (600..).zip(all).map(|(seed, parts)| case(seed, parts)).collect()
}

#[test]
fn trajectories_are_within_their_tolerance_at_every_time_whatever_devices_do() {
    const END: f64 = 12.0;
    let times: Vec<f64> = (1..=240).map(|i| END * (f64::from(i) / 240.0).powf(1.5)).collect();
    let mut wrong = Vec::new();
    for Case { name, net, slew, range } in twelve() {
        let (tau, width) = (net.chip.slowest, net.chip.rates.len());
        let mut oracle = net.oracle(0);
        oracle.take_devices(&net.chip);
        let rate = |v: &Vector| rates(&oracle, slew, range, v) * tau;
        let [exact, finer] = [1e-12, 1e-13].map(|tolerance| followed(&rate, width, &times, tolerance));
        let doubt = exact.iter().zip(&finer).map(|(a, b)| (a - b).largest()).fold(0.0, larger);
        // A tenth of what the tightest tolerance allows.
        assert!(doubt < 1e-9, "{name}: reference in doubt by {doubt:.1e} V");
        for kind in kinds_that(SolverKind::is_adaptive) {
            let ratio = |rtol: f64| {
                let trace = settle(&net, kind, rtol, END).traces.remove(0);
                let size = finer.iter().map(Largest::largest).fold(1.0, larger);
                let inside = times.iter().zip(&finer).filter(|(t, _)| **t * tau <= trace.end());
                let apart = inside.map(|(t, v)| (Vector::from_vec(trace.at(t * tau)) - v).largest());
                apart.fold(0.0, larger) / (rtol * size + 1e-3 * rtol)
            };
            let ratios = TOLERANCES.map(ratio);
            println!("{name}: {kind:?} {ratios:.2?}, doubt {doubt:.0e} V");
            if !ratios.iter().all(|ratio| *ratio < ALLOWED) {
                wrong.push(format!("{name}, {kind:?}: {ratios:.1?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The linear chain of one input, one hidden and one output neuron, from 0 V, for two inputs.
fn chain() -> Net {
    let mut spec = ideal(ActivationKind::Linear, Variant::Dp, 0.8, 0.4);
    spec.solver.start = Start::Zero;
    let mut net = Net::random(1, &[1, 1, 1], 2, 1.0, spec);
    (net.weights.forward[0][(0, 0)], net.weights.forward[1][(0, 0)]) = (1.0, 2.0);
    (net.weights.biases[0][0], net.weights.biases[1][0]) = (0.2, -0.1);
    net.batch.inputs = Matrix::from_column_slice(2, 1, &[0.5, 1.5]);
    net.batch.targets = Matrix::from_column_slice(2, 1, &[0.0, 1.0]);
    net
}

/// `v(t) = v* + e^{J t} (v(0) − v*)` of a linear circuit from 0 V, `t` in τ.
fn closed_form(net: &Net, sample: usize, time: f64) -> Vector {
    let oracle = net.oracle(sample);
    let width = net.chip.rates.len();
    let base = oracle.drive(&Vector::zeros(width));
    let unit = |j: usize| Vector::from_fn(width, |i, _| f64::from(u8::from(i == j)));
    let columns: Vec<Vector> = (0..width).map(|j| oracle.drive(&unit(j)) - &base - unit(j)).collect();
    let jacobian = DMatrix::from_columns(&columns);
    let fixed = -jacobian.clone().try_inverse().unwrap() * &base;
    &fixed - (jacobian * time).exp() * &fixed
}

#[test]
fn a_linear_circuit_follows_its_closed_form_between_steps() {
    let net = chain();
    for kind in kinds_that(SolverKind::is_adaptive) {
        for rtol in [1e-4, 1e-6, 1e-8, 1e-10, 1e-12] {
            let settled = settle(&net, kind, rtol, 100.0);
            assert_eq!(settled.outcomes, [Outcome::Settled; 2]);
            let mut worst = 0.0_f64;
            for (sample, trace) in settled.traces.iter().enumerate() {
                for i in 0..=400 {
                    let time = trace.end() * f64::from(i) / 400.0;
                    let exact = closed_form(&net, sample, time / net.chip.slowest);
                    worst = larger(worst, (Vector::from_vec(trace.at(time)) - exact).largest());
                }
            }
            println!("{kind:?} {rtol:.0e}: {:.2} tolerances", worst / rtol);
            assert!(worst < ALLOWED * rtol * 4.0, "{kind:?} {rtol:.0e}: {worst:.1e} V"); // potentials reach 4 V
        }
    }
}

#[test]
fn the_state_handed_out_is_that_of_the_time_limit_and_no_step_ends_beyond_it() {
    let net = chain();
    let tau = net.chip.slowest;
    for kind in kinds_that(SolverKind::is_adaptive) {
        for limit in [0.37, 1.0, 1.58, 3.0, 4.21] {
            for traced in [true, false] {
                let solver =
                    SolverSpec { kind, rtol: 1e-8, atol: 1e-11, max_time: limit, ..net.spec.solver.clone() };
                let settled = settle_all(&solver, &net.circuit(), traced);
                assert_eq!(settled.outcomes, [Outcome::Timeout; 2], "{kind:?} {limit}");
                for sample in 0..2 {
                    let what = format!("{kind:?}, {limit} τ, traced {traced}, sample {sample}");
                    assert_eq!(settled.time[sample], limit * tau, "{what}");
                    let exact = closed_form(&net, sample, limit);
                    let state = settled.state.row(sample).transpose();
                    assert!((&state - &exact).largest() < ALLOWED * 1e-8 * 4.0, "{what}");
                    let mut drive = Matrix::zeros(2, state.len());
                    let mut scratch =
                        dyadsim_core::circuit::Scratch::new(net.circuit().layout(), net.circuit().samples());
                    net.circuit().drive(&settled.state, &mut drive, &mut scratch);
                    let residual = (drive.row(sample).transpose() - &state).largest();
                    // The multistep integrator takes its last drive from a sweep, right to the tolerance.
                    let apart = (residual - settled.residual[sample]).abs();
                    assert!(apart < ALLOWED * 1e-8 * 4.0, "{what}: {apart:.1e} V");
                    if traced {
                        let trace = &settled.traces[sample];
                        assert_eq!(trace.end(), limit * tau, "{what}");
                        assert_eq!(trace.at(trace.end()), state.as_slice(), "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_sample_that_settles_as_the_limit_strikes_gets_its_hold_and_not_more() {
    let net = chain();
    let tau = net.chip.slowest;
    let (rtol, hold) = (1e-6, net.spec.solver.hold);
    for kind in kinds_that(SolverKind::is_adaptive) {
        let free = settle(&net, kind, rtol, 100.0);
        for part in [0.2, 0.5, 0.9] {
            for sample in 0..2 {
                // The limit falls into the sample's hold.
                let limit = free.time[sample] / tau + part * hold;
                let settled = settle(&net, kind, rtol, limit);
                let what = format!("{kind:?}, sample {sample}, limit {limit} τ");
                assert_eq!(settled.outcomes[sample], Outcome::Settled, "{what}");
                assert!(settled.time[sample] <= limit * tau, "{what}");
                for (trace, state) in settled.traces.iter().zip(settled.state.row_iter()) {
                    assert!(
                        trace.end() <= (limit + hold) * tau * (1.0 + 1e-15),
                        "{what}: {}",
                        trace.end() / tau
                    );
                    assert_eq!(trace.at(trace.end()), state.transpose().as_slice(), "{what}");
                }
            }
        }
    }
}
