//! A batch that a network has settled, with all that is read of it.

use crate::chip::Weights;
use crate::circuit::Loss;
use crate::learn::{Batch, Gradient, Measurement};
use crate::matrix::Matrix;
use crate::solve::Outcome;
use crate::train::largest;

/// Results of a batch: outcomes, activities of the layers, and the gradient estimate of the synapses.
///
/// It carries the nudge under which it settled. Under a nudge, outcomes, activities and the gradient are
/// those of the nudged circuit; predictions and losses are always those of the free one.
#[derive(Clone, Debug)]
pub struct SettledBatch {
    batch: Batch<f64>,
    measured: Measurement<f64>,
    predictions: Vec<Option<usize>>,
    /// `ℓ/V_ref²` of every sample, where there are targets.
    losses: Option<Vec<f64>>,
}

impl SettledBatch {
    /// Of a free circuit without targets.
    pub(super) fn free(batch: Batch<f64>, measured: Measurement<f64>) -> Self {
        let predictions = compute_outputs(&measured).iter().map(|output| largest(output)).collect();
        Self { batch, measured, predictions, losses: None }
    }

    /// With targets: `free` is the circuit without its nudge, none if `measured` has no nudge.
    pub(super) fn graded(
        batch: Batch<f64>,
        measured: Measurement<f64>,
        free: Option<&Measurement<f64>>,
        loss: &Loss<f64>,
    ) -> Self {
        let outputs = compute_outputs(free.unwrap_or(&measured));
        let predictions = outputs.iter().map(|output| largest(output)).collect();
        let targets = batch.targets.row_iter().map(|target| target.iter().copied().collect::<Vec<_>>());
        let losses =
            outputs.iter().zip(targets).map(|(output, target)| loss.value(output, &target)).collect();
        Self { batch, measured, predictions, losses: Some(losses) }
    }

    /// Outcome of each sample.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.measured.settled.outcomes
    }

    /// Simulated time to equilibrium of each sample (s), or when it was given up; NaN for solvers without
    /// time.
    #[must_use]
    pub fn times(&self) -> &[f64] {
        &self.measured.settled.time
    }

    /// Nudge `β` under which the samples settled; 0 if they were free.
    #[must_use]
    pub fn beta(&self) -> f64 {
        self.measured.beta
    }

    /// Mean activity `s̄_k` of every layer of neurons, `[samples × n_k]` (V).
    #[must_use]
    pub fn activities(&self) -> &[Matrix<f64>] {
        &self.measured.means
    }

    /// Difference `δ_k` of the compartments in every layer of neurons, `[samples × n_k]` (V): the error,
    /// times `β`.
    #[must_use]
    pub fn differences(&self) -> &[Matrix<f64>] {
        &self.measured.differences
    }

    /// Estimate of the gradient of the mean loss, over the samples that settled: `−(1/β) δ_k s̄_{k−1}ᵀ`.
    ///
    /// None without a nudge, and where no sample has settled.
    #[must_use]
    pub fn gradient(&self) -> Option<Gradient<f64>> {
        let kept = self.measured.kept(false);
        if self.beta() == 0.0 || !kept.contains(&true) {
            return None;
        }
        let layers = std::iter::once(&self.batch.inputs).chain(&self.measured.means);
        let neurons: Vec<usize> = layers.map(Matrix::ncols).collect();
        let mut gradient = Gradient::zeros(&Weights::zeros(&neurons));
        self.measured.gradient(&self.batch, &kept, &mut gradient);
        Some(gradient)
    }

    /// Class of the largest output of the free circuit for each sample; none where an output is no number.
    #[must_use]
    pub fn predictions(&self) -> &[Option<usize>] {
        &self.predictions
    }

    /// Loss `ℓ/V_ref²` of the free circuit for each sample; none without targets.
    #[must_use]
    pub fn losses(&self) -> Option<&[f64]> {
        self.losses.as_deref()
    }

    /// Mean loss `ℓ/V_ref²` of the free circuit; none without targets.
    #[must_use]
    pub fn loss(&self) -> Option<f64> {
        self.losses().map(|losses| losses.iter().sum::<f64>() / losses.len() as f64)
    }

    /// Whole measurement: final states, residuals, work.
    #[must_use]
    pub fn measurement(&self) -> &Measurement<f64> {
        &self.measured
    }
}

/// Mean outputs of every sample (V).
fn compute_outputs(measured: &Measurement<f64>) -> Vec<Vec<f64>> {
    let rows = measured.means.last().map(Matrix::row_iter).into_iter().flatten();
    rows.map(|row| row.iter().copied().collect()).collect()
}
