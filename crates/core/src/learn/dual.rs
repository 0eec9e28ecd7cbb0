//! Dual propagation: a relaxation, then each synapse multiplies its neuron's difference by its input's mean.

use super::{Batch, Gradient, Left, Limit, Measurement, Needs, Registered, Report, Rule, measure_from};
use crate::chip::{Chip, Weights};
use crate::circuit::DyadCircuit;
use crate::matrix::Real;
use crate::solve::operating_point;
use crate::spec::{CircuitSpec, Damping, NudgePoint, RuleKind, RuleSpec, Start};

/// Dual propagation: the Hebbian rule `ĝ_k = −(1/β) δ_k s̄_{k−1}ᵀ` on a settled circuit (docs/model.md §2).
///
/// One nudged relaxation, then each synapse multiplies its neuron's difference by its input's mean. DP, `DPᵀ`
/// and custom gains are this one rule on circuits with different gains. As `β → 0` all of them give the
/// gradient of backpropagation; the error is of order `β`, and of order `β²` at `α = ½`.
///
/// # Requires
///
/// A nudge `β > 0`. Samples that do not settle are left out unless they are to be kept.
///
/// # Reference
///
/// Høier, Staudt & Zach, *Dual Propagation*, ICML 2023 (DP); Høier & Zach, *Two Tales of Single-Phase
/// Contrastive Hebbian Learning*, ICML 2024 (`DPᵀ`).
#[derive(Clone, Debug)]
pub struct DualPropagation<T: Real> {
    chip: Chip<T>,
    spec: CircuitSpec,
    keep_unsettled: bool,
    updates: usize,
    left: Left<T>,
}

impl<T: Real> DualPropagation<T> {
    /// For the circuit of `spec` with `network` neurons per layer; `keep_unsettled` reads every sample's
    /// state, settled or not, as hardware would.
    #[must_use]
    pub fn new(spec: CircuitSpec, network: &[usize], keep_unsettled: bool) -> Self {
        let left = Left::carried_if(spec.solver.start == Start::Stale);
        Self { chip: Chip::fabricate(&spec, network), spec, keep_unsettled, updates: 1, left }
    }

    /// Sets how many updates a presentation has: each estimate but its first goes on from the state that the
    /// one before has left.
    #[must_use]
    pub fn with_updates(self, updates: usize) -> Self {
        let left = Left::carried_if(updates > 1 || self.spec.solver.start == Start::Stale);
        Self { updates, left, ..self }
    }
}

impl<T: Real> Registered<T> for DualPropagation<T> {
    fn needs(kind: RuleKind) -> Needs {
        // Of gains that may be any it is not known: they make the gradient where they add up to 1.
        let limit = if kind.own_variant().is_some() { Needs::DYADS.limit } else { Limit::Other };
        Needs { limit, ..Needs::DYADS }
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self::new(circuit, network, settings.keep_unsettled).with_updates(settings.updates)
    }
}

impl<T: Real> Rule<T> for DualPropagation<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let measured = measure_from(&self.chip, weights, batch, &self.spec, &self.left);
        let used = measured.gradient(batch, &measured.kept(self.keep_unsettled), gradient);
        let Measurement { settled, relaxations, .. } = measured;
        Report { outcomes: settled.outcomes, times: settled.time, relaxations, used, counts: settled.counts }
    }

    fn updates(&self) -> usize {
        self.updates
    }

    fn present(&self, first: bool) {
        if first || self.spec.solver.start != Start::Stale {
            self.left.forget();
        }
    }
}

/// The nudged circuit of a description on a batch, with what its solver needs to know.
#[must_use]
pub fn nudged<'a, T: Real>(
    chip: &'a Chip<T>,
    weights: &'a Weights<T>,
    batch: &Batch<T>,
    spec: &CircuitSpec,
) -> DyadCircuit<'a, T> {
    let free = DyadCircuit::free(chip, weights, &batch.inputs).with_sample_ids(batch.sample_ids.clone());
    // Dyads of equal compartments are at rest in the feed-forward state, which the circuit holds by itself.
    let held = (spec.nudge.at == NudgePoint::Free && chip.has_device_offsets())
        .then(|| free.means(&operating_point(&free)).pop())
        .flatten();
    let mut circuit = free.nudged(&spec.nudge, batch.targets.clone());
    if let Some(held) = held {
        circuit = circuit.with_held_output(held);
    }
    if spec.solver.damping == Damping::Lipschitz { circuit.with_damping(&spec.nudge) } else { circuit }
}
