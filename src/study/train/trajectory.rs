//! The way to equilibrium of one dyad, kept for the first sample of each outcome that a run meets.

use super::plan::RunPlan;
use super::rows::TrajectoryRow;
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{Dynamics, Layered};
use dyadsim_core::data::Dataset;
use dyadsim_core::learn::{circuit_of, nudged};
use dyadsim_core::matrix::Real;
use dyadsim_core::solve::settle_all;
use dyadsim_core::train::gather;

/// Points of a trajectory.
const POINTS: usize = 400;

/// Settles `sample` once more with these weights, under this nudge or that of the plan, and keeps the dyad
/// whose compartments end furthest apart.
///
/// Nothing for methods without time.
pub(super) fn example<T: Real>(
    (plan, beta): (&RunPlan, Option<f64>),
    dataset: &Dataset,
    weights: &Weights<T>,
    sample: usize,
    epoch: usize,
) -> Vec<TrajectoryRow> {
    let spec = circuit_of(plan.rule, &plan.resolved.circuit.nudged(beta));
    if !plan.rule.is_feed_forward_dyadic() || spec.solver.kind.is_timeless() {
        return Vec::new();
    }
    let chip = Chip::fabricate(&spec, &weights.network());
    let batch = gather(dataset, &[sample]);
    let circuit = nudged(&chip, weights, &batch, &spec);
    let settled = settle_all(&spec.solver, &circuit, true);
    let (Some(trace), Some(outcome)) = (settled.traces.first(), settled.outcomes.first()) else {
        return Vec::new();
    };
    let end = trace.at(trace.end());
    let layout = circuit.layout();
    let dyads = (0..layout.depth())
        .flat_map(|k| layout.plus(k).zip(layout.minus(k)).enumerate().map(move |(n, pair)| (k, n, pair)));
    let apart = |&(_, _, (p, q)): &(usize, usize, (usize, usize))| (end[p] - end[q]).abs();
    let Some((layer, neuron, (p, q))) = dyads.max_by(|a, b| apart(a).total_cmp(&apart(b))) else {
        return Vec::new();
    };
    (0..POINTS)
        .map(|i| {
            let time = trace.end() * i as f64 / (POINTS - 1) as f64;
            let state = trace.at(time);
            TrajectoryRow {
                outcome: outcome.name().into(),
                run: plan.name.clone(),
                epoch,
                sample,
                layer: layer + 1,
                neuron,
                t_tau: time / circuit.slowest(),
                v_plus: state[p],
                v_minus: state[q],
            }
        })
        .collect()
}
