//! The best nudge against the least value of a fine grid, of the same draws and of the prediction, from any
//! range that holds it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use dyadsim_core::analysis::gradient_error::{Draw, draw, gradient_error, predicted};
use dyadsim_core::analysis::limits::{Search, find_limits};
use dyadsim_core::analysis::nudge::{Best, Location, Observation, best};
use dyadsim_core::analysis::small_signal::{NudgeSweep, exact_gradient};
use dyadsim_core::random::{Key, Kind, stream};
use dyadsim_core::spec::*;
use rand_distr::{Distribution, StandardUniform};
use rayon::prelude::*;

use crate::nets::{Net, ideal};

const DRAWS: u64 = 4;
/// Nudges that are looked at by the fine grid.
const RANGE: (f64, f64) = (0.004, 2.0);
/// Kinds of activation, and nets of each.
const KINDS: [ActivationKind; 4] =
    [ActivationKind::Tanh, ActivationKind::Relu, ActivationKind::Softplus, ActivationKind::Sigmoid];
const NETS: u64 = 5;

/// A noisy net whose circuit and mixing are drawn from its seed.
fn noisy(kind: ActivationKind, seed: u64) -> Net {
    let mut source = stream(Key::new(seed, Kind::Data).trial(15));
    let mut uniform = |low: f64, high: f64| -> f64 {
        let part: f64 = StandardUniform.sample(&mut source);
        low + (high - low) * part
    };
    let alpha = if seed.is_multiple_of(2) { 0.5 } else { uniform(0.3, 0.8) };
    let mut spec = ideal(kind, Variant::DpTranspose, alpha, 0.5);
    spec.noise =
        NoiseSpec { thermal: Some(ThermalSpec { excess: uniform(3.0, 30.0) }), ..NoiseSpec::default() };
    spec.solver = SolverSpec { kind: SolverKind::ExponentialEm, step: 0.1, ..SolverSpec::default() };
    Net::random(seed, &[3, 6, 5, 2], 2, uniform(1.0, 2.0), spec)
}

/// A curve that remembers what was looked at.
struct Curve<'a> {
    known: RefCell<BTreeMap<u64, Observation>>,
    of: &'a dyn Fn(f64) -> Observation,
}

impl<'a> Curve<'a> {
    fn new(of: &'a dyn Fn(f64) -> Observation) -> Self {
        Self { known: RefCell::default(), of }
    }

    fn at(&self, beta: f64) -> Observation {
        self.known.borrow_mut().entry(beta.to_bits()).or_insert_with(|| (self.of)(beta)).clone()
    }

    fn value(&self, beta: f64) -> f64 {
        let seen = self.at(beta);
        if seen.settled < 1.0 {
            return f64::INFINITY;
        }
        seen.values.iter().sum::<f64>() / seen.values.len() as f64
    }

    /// The least value of a fine grid: every tenth of `ln β`, and every hundredth around the least of these.
    fn least(&self, (low, high): (f64, f64)) -> f64 {
        let lowest = |betas: Vec<f64>| {
            betas.into_iter().min_by(|a, b| self.value(*a).total_cmp(&self.value(*b))).unwrap()
        };
        let steps = ((high / low).ln() / 0.1).ceil();
        let coarse =
            lowest((0..=steps as i32).map(|k| low * (high / low).powf(f64::from(k) / steps)).collect());
        let fine = (-12..=12).map(|k| coarse * (0.01 * f64::from(k)).exp());
        lowest(fine.filter(|beta| (low..=high).contains(beta)).collect())
    }

    fn best(&self, grid: &[f64], safe: Option<f64>) -> Best {
        let seen: Vec<Observation> = grid.iter().map(|&beta| self.at(beta)).collect();
        let mut look = |more: &[f64]| more.iter().map(|&beta| self.at(beta)).collect::<Vec<_>>();
        best(&seen, safe, Some(&mut look)).unwrap()
    }
}

fn grid(from: f64, to: f64, count: i32) -> Vec<f64> {
    (0..count).map(|k| from * (to / from).powf(f64::from(k) / f64::from(count - 1))).collect()
}

/// Largest deviations of a net, as measured and as predicted; and whether a range reached beyond the safe
/// limit.
fn deviation(kind: ActivationKind, seed: u64) -> (f64, f64, bool) {
    let net = noisy(kind, seed);
    let with = |beta: f64| {
        let mut spec = net.spec.clone();
        spec.nudge.beta = beta;
        spec
    };
    let safe =
        find_limits(&net.spec, &net.weights, &net.batch, &Search { highest: 4.0, ..Search::default() })
            .limit();
    let measured = |beta: f64| {
        let spec = with(beta);
        let drawn: Vec<Draw> =
            (0..DRAWS).map(|n| draw(&spec, &net.weights, &net.batch, (seed, n), false)).collect();
        let lost: usize = drawn.iter().map(|draw| draw.unsettled).sum();
        let values = gradient_error(&drawn.iter().collect::<Vec<_>>(), None).unwrap().errors;
        Observation { beta, values, settled: 1.0 - lost as f64 / (DRAWS as f64 * 2.0) }
    };
    let theory = |beta: f64| {
        let valley =
            NudgeSweep::predict(&net.spec, &net.chip, &net.weights, &net.batch, &[beta], net.chip.readout);
        let truth = exact_gradient(&net.spec, &net.chip, &net.weights, &net.batch);
        let value = valley[0].estimate.as_ref().map(|estimate| predicted(estimate, &truth, None));
        let values: Vec<f64> = value.map(|(bias, variance)| bias + variance).into_iter().collect();
        Observation { beta, settled: if values.is_empty() { 0.0 } else { 1.0 }, values }
    };
    let mut largest = [0.0_f64; 2];
    for (curve, largest) in [Curve::new(&measured), Curve::new(&theory)].iter().zip(&mut largest) {
        let high = safe.map_or(RANGE.1, |safe| safe.min(RANGE.1));
        let least = curve.least((RANGE.0, high));
        assert!(
            least > 1.1 * RANGE.0 && least < high / 1.05,
            "{kind:?} {seed}: {least} {safe:?} is no valley"
        );
        let ranges = [
            grid(0.004, 3.0, 3),
            grid(0.006, 2.0, 7),
            grid(0.01, 4.0, 9),
            grid(0.7 * least, 1.4 * least, 3),
            grid(0.92 * least, 5.0 * least, 5),
        ];
        for range in ranges {
            let found = curve.best(&range, safe);
            let apart = found.beta / least - 1.0;
            assert!(
                found.place == Location::Inside && apart.abs() < 0.03,
                "{kind:?} {seed} {range:?}: {found:?}, fine grid {least}, safe {safe:?}"
            );
            // The fit's own error, the hundredths of the fine grid, and what a flat valley leaves of them.
            assert!(
                (found.beta - least).abs() < 3.0 * found.fit.unwrap() + 0.015 * least,
                "{found:?} {least}"
            );
            *largest = largest.max(apart.abs());
        }
    }
    (largest[0], largest[1], safe.is_some_and(|safe| safe < 3.0))
}

#[test]
fn the_best_nudge_is_that_of_a_fine_grid_from_any_range_that_holds_it() {
    let nets: Vec<(ActivationKind, u64)> =
        (0..NETS * KINDS.len() as u64).map(|n| (KINDS[n as usize % KINDS.len()], 1500 + n)).collect();
    let found: Vec<(f64, f64, bool)> = nets.par_iter().map(|(kind, seed)| deviation(*kind, *seed)).collect();
    for ((kind, seed), (measured, predicted, beyond)) in nets.iter().zip(&found) {
        println!("{kind:?} {seed}: {measured:.4} measured, {predicted:.4} predicted, beyond {beyond}");
    }
    let largest = |of: fn(&(f64, f64, bool)) -> f64| found.iter().map(of).fold(0.0, f64::max);
    println!("largest deviations: {:.4} measured, {:.4} predicted", largest(|f| f.0), largest(|f| f.1));
    // Some of the ranges reach beyond what is safe, or they would show nothing of it.
    assert!(found.iter().filter(|found| found.2).count() >= 3);
}
