//! The largest safe nudge beside a best one.

use dyadsim_core::analysis::limits::{Search, find_limits};
use dyadsim_core::chip::{Layout, Weights};
use dyadsim_core::learn::Batch;
use dyadsim_core::spec::{CircuitSpec, NoiseSpec, ReadoutSpec};

/// Compartments up to which it is looked for; the work grows with the third power.
const SMALL: usize = 400;

/// Why it is not looked for, if so.
pub fn unlimited(layout: &Layout) -> Option<&'static str> {
    if layout.kind().is_recurrent() {
        return Some("the largest safe nudge is looked for where dyads are fed forward");
    }
    (layout.width() > SMALL)
        .then_some("the largest safe nudge is looked for in circuits of up to 400 compartments")
}

/// The largest nudge up to `highest` that is safe for every sample on the chip of `spec` and the following
/// ones, `chips` in all; `None` if none fails.
pub fn largest_safe(
    spec: &CircuitSpec,
    weights: &Weights<f64>,
    batch: &Batch<f64>,
    highest: f64,
    chips: u64,
) -> Option<f64> {
    let search = Search { highest, ..Search::default() };
    let of = |chip: u64| {
        let mut spec = spec.clone();
        spec.mismatch.seed = Some(spec.mismatch.seed.unwrap_or(0) + chip);
        find_limits(&spec, weights, batch, &search).limit()
    };
    (0..chips).filter_map(of).min_by(f64::total_cmp)
}

/// What a limit depends on: the circuit without its noise, its reading and its nudge's strength.
pub fn still(spec: &CircuitSpec) -> CircuitSpec {
    let mut spec =
        CircuitSpec { noise: NoiseSpec::default(), readout: ReadoutSpec::default(), ..spec.clone() };
    spec.nudge.beta = 0.0;
    spec
}
