//! What of a network is compared: read and computed once for all its pairs.

use super::Comparator;
use crate::record::RecordError;
use crate::record::folder::{last_weights, snapshot};
use crate::record::weights::read_weights_unchecked;
use crate::study::train::RunPlan;
use dyadsim_core::analysis::representation::{Centred, Leading};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::learn::circuit_of;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::train::{activities, classes_of};

/// A network after some epochs.
pub struct RunSnapshot {
    /// Weights of every layer.
    pub forward: Vec<Matrix<f64>>,
    /// What training has added to them; `None` without the weights of the start, and at the start.
    pub moved: Option<Vec<Matrix<f64>>>,
    /// What every layer says to the test set.
    pub activities: Vec<Centred>,
    /// Leading singular subspaces of every layer.
    pub leading: Vec<Option<Leading>>,
    /// Predicted class of every test sample.
    pub classes: Vec<usize>,
    /// Share of them that is right.
    pub accuracy: f64,
}

/// Weights of a run after `epoch` epochs; those of a run that diverged may hold anything.
///
/// # Errors
/// Those of [`read_weights_unchecked`].
pub fn weights_after(
    study: &Comparator<'_>,
    plan: &RunPlan,
    epoch: usize,
) -> Result<Weights<f64>, RecordError> {
    let experiment = &plan.resolved.experiment;
    let path = if experiment.snapshots {
        snapshot(study.folder, &plan.name, epoch)
    } else {
        last_weights(study.folder, &plan.name)
    };
    read_weights_unchecked(&path, Some(&experiment.network))
}

impl RunSnapshot {
    /// Of a run after `epoch` epochs.
    ///
    /// # Errors
    /// Those of [`weights_after`].
    pub fn take(study: &Comparator<'_>, plan: &RunPlan, epoch: usize) -> Result<Self, RecordError> {
        let experiment = &plan.resolved.experiment;
        let network = &experiment.network;
        let read = |epoch| weights_after(study, plan, epoch);
        let weights = read(epoch)?;
        let start = if experiment.snapshots && epoch > 0 { Some(read(0)?) } else { None };
        let moved =
            start.map(|start| weights.forward.iter().zip(&start.forward).map(|(w, s)| w - s).collect());
        let chip = Chip::fabricate(&circuit_of(plan.rule, &plan.resolved.circuit), network);
        let test = &study.dataset.test;
        let said = activities(&chip, &weights, test);
        let classes: Vec<usize> = classes_of(&said[said.len() - 1]).collect();
        let right =
            classes.iter().zip(test.labels()).filter(|(class, label)| **class == usize::from(**label));
        Ok(Self {
            moved,
            leading: weights.forward.iter().map(|w| Leading::of(w, study.leading)).collect(),
            accuracy: right.count() as f64 / test.len().max(1) as f64,
            forward: weights.forward,
            activities: said.into_iter().map(Centred::new).collect(),
            classes,
        })
    }
}
