//! Dual propagation: one relaxation, then each synapse multiplies its neuron's difference by its input's mean.
//!
//! DP, `DPᵀ` and custom gains are this one rule on circuits with different gains (Høier, Staudt & Zach 2023;
//! Høier & Zach 2024).

use std::borrow::Cow;

use super::{Batch, Gradient, Report, Rule};
use crate::chip::{Chip, Weights};
use crate::circuit::DyadCircuit;
use crate::matrix::elementwise::column_sums;
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real};
use crate::solve::{Settled, settle_all};
use crate::spec::{CircuitSpec, Damping};

/// The Hebbian rule `ĝ_k = −(1/β) δ_k s̄_{k−1}ᵀ` on a settled circuit (MODEL.md §2).
#[derive(Clone, Debug)]
pub struct DualPropagation<T: Real> {
    chip: Chip<T>,
    spec: CircuitSpec,
    keep_unsettled: bool,
}

impl<T: Real> DualPropagation<T> {
    /// For the circuit of `spec` with `network` neurons per layer; `keep_unsettled` reads every sample's state,
    /// settled or not, as hardware would.
    #[must_use]
    pub fn new(spec: CircuitSpec, network: &[usize], keep_unsettled: bool) -> Self {
        Self { chip: Chip::fabricate(&spec, network), spec, keep_unsettled }
    }

    /// The nudged circuit on a batch.
    #[must_use]
    pub fn circuit<'a>(&'a self, weights: &'a Weights<T>, batch: &Batch<T>) -> DyadCircuit<'a, T> {
        nudged(&self.chip, weights, batch, &self.spec)
    }

    /// Reads the gradient from a settled batch; samples that may not be read are left out.
    pub fn read(
        &self,
        circuit: &DyadCircuit<'_, T>,
        batch: &Batch<T>,
        settled: &Settled<T>,
        gradient: &mut Gradient<T>,
    ) -> usize {
        let keep: Vec<bool> =
            settled.outcomes.iter().map(|outcome| self.keep_unsettled || outcome.is_settled()).collect();
        read_gradient(circuit, batch, settled, &keep, self.spec.nudge.beta, gradient)
    }
}

impl<T: Real> Rule<T> for DualPropagation<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let circuit = self.circuit(weights, batch);
        let settled = settle_all(&self.spec.solver, &circuit, false);
        let used = self.read(&circuit, batch, &settled, gradient);
        Report { outcomes: settled.outcomes, times: settled.time, used, counts: settled.counts }
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
    let circuit = DyadCircuit::free(chip, weights, &batch.inputs)
        .presented(batch.presentations.clone())
        .nudged(&spec.nudge, batch.targets.clone());
    if spec.solver.damping == Damping::Lipschitz { circuit.with_damping(spec.nudge.alpha) } else { circuit }
}

/// `ĝ_k` averaged over the kept samples; returns how many those are. With none kept the gradient is zero.
pub fn read_gradient<T: Real>(
    circuit: &DyadCircuit<'_, T>,
    batch: &Batch<T>,
    settled: &Settled<T>,
    keep: &[bool],
    beta: f64,
    gradient: &mut Gradient<T>,
) -> usize {
    let used = keep.iter().filter(|&&k| k).count();
    let (means, mut differences) = circuit.mixed(&settled.state);
    let scale = T::of(-1.0 / (beta * used.max(1) as f64));
    for (layer, difference) in differences.iter_mut().enumerate() {
        let below = if layer == 0 { &batch.inputs } else { &means[layer - 1] };
        // A sample left out must not leak: zero times its perhaps infinite mean would be NaN.
        let below = mask(below, keep);
        if let Cow::Owned(masked) = mask(difference, keep) {
            *difference = masked;
        }
        let out = gradient.forward[layer].as_view_mut();
        product::correlate(out, Onto::Nothing, scale, difference.as_view(), below.as_view());
        column_sums(difference.as_slice(), keep.len(), scale, &mut gradient.biases[layer]);
    }
    used
}

/// The matrix with the rows that are not kept set to zero.
fn mask<'a, T: Real>(matrix: &'a Matrix<T>, keep: &[bool]) -> Cow<'a, Matrix<T>> {
    if keep.iter().all(|&k| k) {
        return Cow::Borrowed(matrix);
    }
    let mut masked = matrix.clone();
    for mut column in masked.column_iter_mut() {
        for (value, _) in column.iter_mut().zip(keep).filter(|(_, keep)| !**keep) {
            *value = T::ZERO;
        }
    }
    Cow::Owned(masked)
}
