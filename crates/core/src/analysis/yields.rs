//! Yield: which share of chips meets a target, how sure that is, and how far devices may be spread.

use rayon::prelude::*;

use super::gradient_error::{draw, gradient_error};
use crate::chip::{Chip, Weights};
use crate::circuit::Dynamics;
use crate::learn::{Batch, nudged};
use crate::solve::stability;
use crate::spec::CircuitSpec;

pub use crate::statistics::{chips_needed, clopper_pearson, tolerance};

/// Fixed points are found to this residual, in units of `1 V + ‖v_free‖∞`.
const TOLERANCE: f64 = 1e-9;

/// Requirement that a chip must meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// At least this margin, −(largest real part of an eigenvalue) τ of the slowest compartment, for every
    /// sample.
    Margin(f64),
    /// All samples settle, and the angle of the whole estimate to backpropagation on the chip is at most this
    /// (degrees).
    Angle(f64),
}

/// Returns whether the chip of `spec` meets a target. A sample whose fixed point is not found, or on a rail
/// where it is not without the nudge, or that does not settle, fails it.
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
            let drawn = draw(spec, weights, batch, (batch.sample_ids.seed, 0), false);
            let angle = gradient_error(&[&drawn], None).map(|quality| quality.angle.value);
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

/// For every chip the spread at which it first fails, all its devices moving outward in proportion: infinite
/// if it still holds at `most`, 0 if it fails without any spread. `of` makes the circuit of a spread; the
/// first failure is sought upward from `most/2⁸` in steps of 2 and then by halving, so a chip that fails and
/// recovers within a step counts as good there.
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
