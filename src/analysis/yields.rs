//! Yield: which share of chips meets a target, how sure that is, and how far devices may be spread.

use rayon::prelude::*;

use super::quality::{draw, quality};
use crate::chip::{Chip, Weights};
use crate::circuit::Dynamics;
use crate::learn::{Batch, nudged};
use crate::solve::stability;
use crate::spec::CircuitSpec;

/// Fixed points are found to this residual, in units of `1 V + ‖v_free‖∞`.
const TOLERANCE: f64 = 1e-9;
/// Halvings by which a probability is found, to the last digit.
const HALVINGS: usize = 60;

/// What a chip must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// At least this margin, −(largest real part of an eigenvalue) τ of the slowest compartment, for every sample.
    Margin(f64),
    /// All samples settle, and the angle of the whole estimate to backpropagation on the chip is at most this (degrees).
    Angle(f64),
}

/// Whether the chip of `spec` meets a target. A sample whose fixed point is not found, or on a rail where it is not without the nudge, or that
/// does not settle, fails it.
#[must_use]
pub fn meets(spec: &CircuitSpec, weights: &Weights<f64>, batch: &Batch<f64>, target: Target) -> bool {
    match target {
        Target::Margin(least) => {
            let chip = Chip::fabricate(spec, &weights.network());
            let circuit = nudged(&chip, weights, batch, spec);
            let free = circuit.free_state();
            let found = stability(&circuit, &spec.solver, &free, TOLERANCE * (1.0 + free.amax()));
            let worst = found.worst().map(|(_, spectrum)| -spectrum.abscissa() * circuit.slowest());
            let latched = found.on_rails.contains(&true);
            !latched
                && found.spectra.iter().all(Option::is_some)
                && worst.is_some_and(|margin| margin >= least)
        }
        Target::Angle(most) => {
            let drawn = draw(spec, weights, batch, (batch.presentations.seed, 0), false);
            let angle = quality(&[&drawn], None).map(|quality| quality.angle.value);
            drawn.unsettled == 0 && angle.is_some_and(|angle| angle <= most)
        }
    }
}

/// The chip whose number is added to the seed of the first.
fn chip(spec: &CircuitSpec, number: u32) -> CircuitSpec {
    let mut spec = spec.clone();
    spec.mismatch.seed = Some(spec.mismatch.seed.unwrap_or(0) + u64::from(number));
    spec
}

/// Chips, of `count`, that meet a target; `tick` is called after each.
pub fn passed(
    (spec, weights, batch): (&CircuitSpec, &Weights<f64>, &Batch<f64>),
    target: Target,
    count: u32,
    tick: &(dyn Fn() + Sync),
) -> usize {
    let one = |number| {
        let met = meets(&chip(spec, number), weights, batch, target);
        tick();
        met
    };
    (0..count).into_par_iter().filter(|&number| one(number)).count()
}

/// Spreads are first looked at in steps of 2, from the largest divided by this.
const STEPS: i32 = 8;
/// Halvings of the interval in which a chip first fails.
const FINE: usize = 7;

/// For every chip the spread at which it first fails, all its devices moving outward in proportion: infinite if it still
/// holds at `most`, 0 if it fails without any spread. `of` makes the circuit of a spread; the first failure is sought upward from
/// `most/2⁸` in steps of 2 and then by halving, so a chip that fails and recovers within a step counts as good there.
pub fn limits(
    of: &(dyn Fn(f64) -> CircuitSpec + Sync),
    (weights, batch): (&Weights<f64>, &Batch<f64>),
    target: Target,
    (count, most): (u32, f64),
    tick: &(dyn Fn() + Sync),
) -> Vec<f64> {
    let one = |number| {
        let holds = |spread: f64| meets(&chip(&of(spread), number), weights, batch, target);
        let coarse = || (0..=STEPS).map(|k| most * 2_f64.powi(k - STEPS));
        let found = if !holds(0.0) {
            0.0
        } else if let Some(fails) = coarse().find(|&spread| !holds(spread)) {
            let mut ends = (coarse().take_while(|&s| s < fails).last().unwrap_or(0.0), fails);
            for _ in 0..FINE {
                let middle = f64::midpoint(ends.0, ends.1);
                if holds(middle) { ends.0 = middle } else { ends.1 = middle }
            }
            f64::midpoint(ends.0, ends.1)
        } else {
            f64::INFINITY
        };
        tick();
        found
    };
    (0..count).into_par_iter().map(one).collect()
}

/// The largest spread at which a share `wanted` of chips still holds, and its confidence interval.
///
/// It is the quantile `1 − wanted` of the chips' limits; the ends are order statistics, whose confidence is binomial whatever
/// the distribution (Clopper–Pearson turned round). An end that so few chips cannot give is `None`.
#[must_use]
pub fn tolerance(limits: &[f64], wanted: f64, confidence: f64) -> (f64, Option<f64>, Option<f64>) {
    let mut sorted = limits.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (n, part) = (sorted.len(), 1.0 - wanted);
    let tail = 0.5 * (1.0 - confidence);
    // As many chips may fail, counted below a true quantile, as leave the wanted share whole.
    let allowed = (part * n as f64 + 1e-9).floor() as usize;
    let value = sorted[allowed.min(n - 1)];
    // At most r chips below the quantile: probability of X ≤ r, X binomial (n, part).
    let below = |r: usize| 1.0 - upper_tail(r + 1, n, part);
    let low = (0..n).rev().find(|&r| below(r) <= tail).map(|r| sorted[r]);
    let high = (0..n).find(|&r| 1.0 - below(r) <= tail).map(|r| sorted[r]);
    (value, low, high)
}

/// The confidence interval of a share of which `k` of `n` were found (Clopper & Pearson 1934): exact, so never too narrow.
#[must_use]
pub fn clopper_pearson(k: usize, n: usize, confidence: f64) -> (f64, f64) {
    let tail = 0.5 * (1.0 - confidence);
    let low = if k == 0 { 0.0 } else { rising(|p| upper_tail(k, n, p), tail) };
    let high = if k == n { 1.0 } else { rising(|p| upper_tail(k + 1, n, p), 1.0 - tail) };
    (low, high)
}

/// Chips that must all pass before a yield can be claimed with a (one-sided) confidence: `ln(1 − c)/ln y`, the rule of three.
#[must_use]
pub fn chips_needed(wanted: f64, confidence: f64) -> usize {
    ((1.0 - confidence).ln() / wanted.ln()).ceil() as usize
}

/// Where a rising function of a probability has a value.
fn rising(function: impl Fn(f64) -> f64, value: f64) -> f64 {
    let mut ends = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(ends.0, ends.1);
        if function(middle) < value { ends.0 = middle } else { ends.1 = middle }
    }
    f64::midpoint(ends.0, ends.1)
}

/// Probability of at least `k` of `n`, each with probability `p`: the sum of the terms.
fn upper_tail(k: usize, n: usize, p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 || k == 0 || k > n {
        return f64::from(u8::from(k == 0 || (p >= 1.0 && k <= n)));
    }
    let (mut term, mut sum) = (n as f64 * (-p).ln_1p(), 0.0);
    for i in 0..=n {
        if i >= k {
            sum += term.exp();
        }
        term += ((n - i) as f64 / (i + 1) as f64).ln() + p.ln() - (-p).ln_1p();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_the_published_ones() {
        // No failure: 1 − (α/2)^{1/n} in closed form; 5 of 10 and 1 of 20 from tables of the exact interval at 95 %.
        for (k, n, low, high) in [
            (0, 10, 0.0, 1.0 - 0.025_f64.powf(0.1)),
            (10, 10, 0.025_f64.powf(0.1), 1.0),
            (5, 10, 0.187086, 0.812914),
            (1, 20, 0.001265, 0.248733),
        ] {
            let found = clopper_pearson(k, n, 0.95);
            assert!((found.0 - low).abs() < 1e-6 && (found.1 - high).abs() < 1e-6, "{k} of {n}: {found:?}");
        }
        assert_eq!(chips_needed(0.99, 0.95), 299);
    }

    #[test]
    fn the_interval_of_a_quantile_is_made_of_order_statistics() {
        let limits: Vec<f64> = (1..=100).map(f64::from).collect();
        // Median of 100: the order statistics 40 and 61 (Hahn & Meeker 1991, table A.15a).
        let (value, low, high) = tolerance(&limits, 0.5, 0.95);
        assert_eq!((value, low, high), (51.0, Some(40.0), Some(61.0)));
        // 0.99¹⁰⁰ = 0.37: a hundred chips give no lower end for 99 %.
        assert_eq!(tolerance(&limits, 0.99, 0.95).1, None);
    }
}
