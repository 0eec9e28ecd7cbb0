//! What a run leaves while it trains, and how it goes on from there: checkpoints, and its weights after every
//! epoch.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ExperimentError;
use super::plan::RunPlan;
use super::rows::{LayersRow, MetricsRow, TrajectoryRow};
use super::run::Setting;
use crate::record::RecordError;
use crate::record::checkpoint::{self, Loaded};
use crate::record::folder::Folder;
use crate::record::tensors::{TensorFile, read_unchecked};
use dyadsim_core::chip::Weights;
use dyadsim_core::learn::{Gradient, Moments};
use dyadsim_core::matrix::Real;

/// Everything that a run has produced so far; what a checkpoint holds beside the tensors.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// Epochs trained.
    pub epochs: usize,
    /// Updates of the optimiser.
    pub updates: u64,
    pub metrics: Vec<MetricsRow>,
    pub layers: Vec<LayersRow>,
    pub trajectories: Vec<TrajectoryRow>,
    /// Samples per outcome over all epochs.
    pub tally: [u64; 6],
    /// Why the run ended before its last epoch.
    pub stopped: Option<String>,
}

impl Record {
    /// Nudge of the next epoch, where a margin is kept.
    pub(super) fn kept_beta(&self) -> Option<f64> {
        self.metrics.last().and_then(|row| row.kept_beta)
    }
}

/// The record of a run that is complete.
pub(super) fn finished(setting: &Setting<'_>, plan: &RunPlan) -> Result<Record, ExperimentError> {
    let path = setting.folder.checkpoint(&plan.name);
    match checkpoint::load::<Record>(&path)? {
        Loaded::Found(_, record)
            if record.epochs == plan.resolved.experiment.epochs || record.stopped.is_some() =>
        {
            Ok(record)
        }
        Loaded::Unusable(reason) => Err(reason.into()),
        _ => Err(RecordError::Changed { path }.into()), // it was whole when the run ended
    }
}

/// The newest checkpoint of a run that can be gone on with; what cannot is told.
pub(super) fn stored(
    setting: &Setting<'_>,
    plan: &RunPlan,
) -> Result<Option<(TensorFile, Record)>, ExperimentError> {
    let (loaded, damage) = checkpoint::load_newest::<Record>(&setting.folder.checkpoint(&plan.name))?;
    let tell = |reason: &RecordError, then: &str| {
        setting.observer.warn(&format!("{}: {reason}; {then}", plan.name));
    };
    match loaded {
        Loaded::Found(file, record) => {
            if let Some(reason) = damage {
                tell(&reason, &format!("going on from the checkpoint before, epoch {}", record.epochs));
            }
            if let Some(reason) = damaged_history(setting, plan, record.epochs) {
                tell(&reason, "starting anew");
                return Ok(None);
            }
            Ok(Some((file, record)))
        }
        Loaded::Unusable(reason) => {
            tell(&reason, "starting anew");
            Ok(None)
        }
        Loaded::Absent => Ok(None),
    }
}

/// What is wrong with the first of the weights that a run has left after its epochs and that is not as it was
/// written.
fn damaged_history(setting: &Setting<'_>, plan: &RunPlan, epochs: usize) -> Option<RecordError> {
    if !leaves_history(plan) {
        return None;
    }
    (0..=epochs).find_map(|epoch| {
        let path = history(setting.folder, plan, &plan.name, epoch);
        match read_unchecked(&path) {
            Ok(file) if file.is_sealed() => None,
            Ok(_) => Some(RecordError::Changed { path }),
            Err(reason) => Some(reason),
        }
    })
}

/// Whether a run leaves its weights after every epoch.
pub(super) fn leaves_history(plan: &RunPlan) -> bool {
    plan.reference.as_ref() == Some(&plan.name) || plan.resolved.experiment.snapshots
}

/// Where a run of an experiment keeps its weights after so many epochs: for good, or until the experiment is
/// complete.
pub(super) fn history(folder: &Folder, plan: &RunPlan, run: &str, epochs: usize) -> PathBuf {
    if plan.resolved.experiment.snapshots {
        return folder.epoch_weights(run, epochs);
    }
    folder.checkpoint(run).with_file_name(format!("{run}.epoch-{epochs}.safetensors"))
}

/// Weights from a checkpoint, shaped like `like`.
pub(super) fn restore<T: Real>(
    file: &TensorFile,
    prefix: &str,
    like: &Weights<T>,
) -> Result<Weights<T>, ExperimentError> {
    let mut weights = like.clone();
    for (k, w) in weights.forward.iter_mut().enumerate() {
        *w = file.matrix(&format!("{prefix}W.{}", k + 1), w.shape())?;
    }
    for (k, b) in weights.biases.iter_mut().enumerate() {
        *b = file.vector(&format!("{prefix}b.{}", k + 1), b.len())?.as_slice().to_vec();
    }
    for (k, l) in weights.lateral.iter_mut().flatten().enumerate() {
        *l = file.matrix(&format!("{prefix}L.{}", k + 1), l.shape())?;
    }
    for (k, f) in weights.feedback.iter_mut().flatten().enumerate() {
        *f = file.matrix(&format!("F.{}", k + 1), f.shape())?;
    }
    Ok(weights)
}

/// The optimiser's moments from a checkpoint, shaped like `like`.
pub(super) fn moments<T: Real>(
    file: &TensorFile,
    like: &Moments<T>,
    updates: u64,
) -> Result<Moments<T>, ExperimentError> {
    let read = |prefix: &str, like: &Gradient<T>| -> Result<Gradient<T>, ExperimentError> {
        let mut moment = like.clone();
        let Gradient { forward, biases, lateral, .. } = like.clone();
        let own = restore(file, prefix, &Weights { forward, biases, feedback: None, lateral })?;
        Weights { forward: moment.forward, biases: moment.biases, lateral: moment.lateral, .. } = own;
        for (k, f) in moment.feedback.iter_mut().flatten().enumerate().skip(1) {
            *f = file.matrix(&format!("{prefix}F.{}", k + 1), f.shape())?;
        }
        Ok(moment)
    };
    Ok(Moments { first: read("m.", &like.first)?, second: read("v.", &like.second)?, updates })
}
