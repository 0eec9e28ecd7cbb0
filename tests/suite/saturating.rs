//! Transconductors that saturate and amplifiers that slew: against closed forms, a classical Runge–Kutta
//! integration of the equations as written here, and the ideal circuit where they must not matter.

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::DyadCircuit;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::{Largest, larger};
use dyadsim_core::solve::{Outcome, Trace, settle_all, stability};
use dyadsim_core::spec::*;

use crate::nets::{Net, ideal, kinds_that};
use crate::oracle::{Oracle, Vector};
use crate::traces::scatter;

/// Solvers that integrate time to second order or better, those of fixed step without noise.
fn kinds() -> Vec<SolverKind> {
    kinds_that(|kind| kind.is_adaptive() || kind.orders().is_some_and(|(_, weak)| weak >= 2.0))
}

/// Limits of a compartment: range (V) and slew rate (V/s).
type Limits = (Option<f64>, Option<f64>);

fn limited(mut spec: CircuitSpec, (range, slew): Limits) -> CircuitSpec {
    spec.transconductor = range.map(|range| TransconductorSpec { range });
    spec.amplifier = slew.map(|slew| AmplifierSpec { slew: Some(slew), ..AmplifierSpec::default() });
    spec
}

/// The trajectory from 0 V of one compartment whose drive is 1 V.
fn charged(kind: SolverKind, limits: Limits) -> Trace {
    let mut spec = limited(ideal(ActivationKind::Linear, Variant::DpTranspose, 0.5, 0.0), limits);
    (spec.solver.kind, spec.solver.step, spec.solver.start) = (kind, 0.002, Start::Zero);
    (spec.solver.rtol, spec.solver.atol) = (1e-7, 1e-9);
    let (chip, mut weights) = (Chip::fabricate(&spec, &[1, 1]), Weights::zeros(&[1, 1]));
    weights.biases[0][0] = 1.0;
    let circuit = DyadCircuit::free(&chip, &weights, &Matrix::zeros(1, 1));
    let mut settled = settle_all(&spec.solver, &circuit, true);
    assert_eq!(settled.outcomes[0], Outcome::Settled, "{kind:?}");
    settled.traces.remove(0)
}

/// Largest distance (V) of a trace from `exact`, a function of time in τ, at its own points.
fn error(trace: &Trace, exact: impl Fn(f64) -> f64) -> f64 {
    let apart = trace.times.iter().zip(&trace.states).map(|(t, v)| (v[0] - exact(t / 1e-6)).abs());
    apart.fold(0.0, larger)
}

#[test]
fn one_compartment_with_a_saturating_transconductor_charges_as_the_closed_form_says() {
    // τ dv/dt = V_s tanh((u − v)/V_s) has sinh((u − v)/V_s) = sinh((u − v₀)/V_s) e^{−t/τ}.
    for range in [0.065, 0.5] {
        for kind in kinds() {
            let exact = |t: f64| 1.0 - range * ((1.0_f64 / range).sinh() * (-t).exp()).asinh();
            let found = error(&charged(kind, (Some(range), None)), exact);
            // Adaptive: 1e-7 V a step and its neighbours; fixed: h²/12 (h = 0.002 τ) times the third
            // derivative in τ, which reaches 1/range² per volt of range.
            let allowed = if kind.is_stochastic() { 4e-7 / range } else { 2e-6 };
            println!("{kind:?} {range}: {found:.1e}");
            assert!(found < allowed, "{kind:?} {range}: {found:.1e} V");
        }
    }
}

#[test]
fn one_compartment_that_slews_rises_on_a_line_and_then_settles() {
    // |dv/dt| ≤ R: a line until 1 − v = R τ, the drive's exponential afterwards.
    let slew = 0.2; // V/τ
    let kink = (1.0 - slew) / slew;
    let exact = |t: f64| if t < kink { slew * t } else { 1.0 - slew * (kink - t).exp() };
    for kind in kinds() {
        let found = error(&charged(kind, (None, Some(slew / 1e-6))), exact);
        // The kink is met within one step: explicit pairs see their error estimate jump, etd watches kinks
        // when traced; a step of fixed length h across it errs by h² slew/2 at most.
        let allowed = if kind.is_stochastic() { 1e-6 } else { 3e-6 };
        println!("{kind:?}: {found:.1e}");
        assert!(found < allowed, "{kind:?}: {found:.1e} V");
    }
}

/// The rates of all compartments (V/s), written out.
fn motion(oracle: &Oracle, v: &Vector, (range, slew): Limits) -> Vector {
    let mut rates = Vector::zeros(v.len());
    let drive = oracle.drive(v);
    for j in 0..v.len() {
        let pull = drive[j] - v[j];
        let pull = range.map_or(pull, |range| range * (pull / range).tanh());
        let rate = oracle.rates[j] * pull;
        rates[j] = slew.map_or(rate, |slew| rate.clamp(-slew, slew));
    }
    rates
}

#[test]
fn networks_follow_the_written_equations_under_every_solver() {
    for (seed, limits) in [(0.08, None), (0.3, None), (0.0, Some(0.15e6)), (0.3, Some(0.1e6))]
        .into_iter()
        .map(|(range, slew)| ((range > 0.0).then_some(range), slew))
        .enumerate()
    {
        let mut spec = limited(ideal(ActivationKind::Tanh, Variant::DpTranspose, 0.3, 0.3), limits);
        (spec.solver.start, spec.solver.rtol, spec.solver.atol) = (Start::Zero, 1e-7, 1e-9);
        spec.solver.step = 0.002;
        let mut net = Net::random(60 + seed as u64, &[6, 8, 7, 5], 1, 1.0, spec);
        scatter(&mut net, 60);
        let mut oracle = net.oracle(0);
        oracle.take_devices(&net.chip);
        // Points of the reference, some ten time constants: its own error is (h/τ)⁴ ~ 1e-12, at kinks (h/τ)²
        // ~ 4e-7.
        let step = 1e-9;
        let mut reference = vec![Vector::zeros(oracle.rates.len())];
        for _ in 0..10_000 {
            let v = reference.last().unwrap();
            let k1 = motion(&oracle, v, limits);
            let k2 = motion(&oracle, &(v + &k1 * (step / 2.0)), limits);
            let k3 = motion(&oracle, &(v + &k2 * (step / 2.0)), limits);
            let k4 = motion(&oracle, &(v + &k3 * step), limits);
            reference.push(v + (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (step / 6.0));
        }
        for kind in kinds() {
            let solver = SolverSpec { kind, ..net.spec.solver.clone() };
            let trace = settle_all(&solver, &net.circuit(), true).traces.remove(0);
            let points = trace.times.iter().zip(&trace.states);
            let apart = points.filter(|(t, _)| **t < 9.9e-6).map(|(&t, state)| {
                let (at, part) = ((t / step) as usize, (t / step).fract());
                // Between points of the reference: a line, wrong by (h/τ)² v''/8 ~ 1e-7 at most.
                let v = &reference[at] * (1.0 - part) + &reference[at + 1] * part;
                (Vector::from_column_slice(state) - v).largest()
            });
            let found = apart.fold(0.0, larger);
            println!("{limits:?} {kind:?}: {found:.1e}");
            // Fixed steps: h²/12 (h = 0.002 τ) times third derivatives of up to 1 V/range² in τ, and as much
            // from layers below. Explicit pairs do not watch kinks: one that a step of some 0.1 τ passes
            // unseen moves a potential by up to h²/8 times the jump of the drive's slope, 0.1 V/τ. The
            // others: tolerances of 1e-7.
            let allowed = match kind {
                kind if kind.has_fixed_step() => 5e-5,
                kind if kind.is_one_by_one() && limits.1.is_some() => 1.2e-4,
                _ => 1e-5,
            };
            assert!(found < allowed, "{limits:?} {kind:?}: {found:.1e} V");
        }
    }
}

#[test]
fn equilibria_and_their_spectra_are_those_of_the_ideal_circuit() {
    let plain = ideal(ActivationKind::Relu, Variant::Dp, 0.3, 0.2);
    let reference = Net::random(71, &[6, 8, 7, 5], 8, 1.0, plain.clone());
    for limits in [(Some(0.065), None), (None, Some(0.1e6)), (Some(0.2), Some(0.1e6))] {
        let net = Net::random(71, &[6, 8, 7, 5], 8, 1.0, limited(plain.clone(), limits));
        // Fixed points are sought without time: not a bit differs.
        let dc = SolverSpec { kind: SolverKind::Dc, ..plain.solver.clone() };
        let found = settle_all(&dc, &net.circuit(), false);
        let ideal = settle_all(&dc, &reference.circuit(), false);
        assert_eq!(found.state, ideal.state);
        let spectra = |net: &Net| {
            let found = stability(&net.circuit(), &SolverSpec::default(), &ideal.state, 1e-9);
            found.spectra.into_iter().map(|s| s.unwrap().eigenvalues).collect::<Vec<_>>()
        };
        assert_eq!(spectra(&net), spectra(&reference));
        for kind in kinds() {
            let solver = SolverSpec { kind, ..plain.solver.clone() };
            let settled = settle_all(&solver, &net.circuit(), false);
            assert!(
                settled.outcomes.iter().all(|o| *o == Outcome::Settled),
                "{kind:?} {:?}",
                settled.outcomes
            );
            // Residuals of 1e-10 V, times the gain of the loops, a few.
            assert!((settled.state - &ideal.state).largest() < 3e-9, "{kind:?}");
        }
    }
}

#[test]
fn what_is_switched_off_leaves_every_byte_as_it_was() {
    let plain = ideal(ActivationKind::Softplus, Variant::DpTranspose, 0.4, 0.5);
    let mut off = plain.clone();
    off.amplifier = Some(AmplifierSpec { pair_minimum: 1e-9, ..AmplifierSpec::default() });
    off.leakage = Some(LeakageSpec { current: 0.0, hold: 1e-6 });
    let both = [plain, off].map(|spec| Net::random(72, &[6, 8, 7, 5], 5, 1.0, spec));
    for kind in kinds().into_iter().chain(kinds_that(SolverKind::is_timeless)) {
        let [ideal, same] = [&both[0], &both[1]]
            .map(|net| settle_all(&SolverSpec { kind, ..net.spec.solver.clone() }, &net.circuit(), false));
        assert_eq!(ideal.state, same.state, "{kind:?}");
        assert_eq!(ideal.counts, same.counts, "{kind:?}");
    }
}
