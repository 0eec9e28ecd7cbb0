//! What different rules learn from the same start: every two of them, layer by layer, along training.
//!
//! Two runs are a pair if seed, chip and every setting that both heed agree. Their weights, what training
//! added to them, and what their layers say to the test set are compared after every epoch that has left its
//! weights.

mod conclude;
mod pairs;
mod run_snapshot;

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;

use super::rows::{CompareRow, CompareSummary, DepartureRow, GroupRow, PredictionRow};
use crate::record::RecordError;
use crate::study::train::{RunPlan, is_control_of, plan_controls};
use conclude::{average_groups, conclusions, find_departures};
use dyadsim_core::analysis::representation::principal_angles;
use dyadsim_core::analysis::{agreement, relative_distance};
use dyadsim_core::data::Dataset;
use dyadsim_core::matrix::measure::cosine;
use pairs::{Pair, find_pairs};
use run_snapshot::{RunSnapshot, weights_after};

/// What to compare, and how.
#[derive(Clone, Copy, Debug)]
pub struct Comparator<'a> {
    /// Output folder of `run`.
    pub folder: &'a Path,
    /// Its runs.
    pub plans: &'a [RunPlan],
    /// Its data.
    pub dataset: &'a Dataset,
    /// Relative distance above which a layer has parted.
    pub threshold: f64,
    /// Singular vectors that span the leading subspaces.
    pub leading: usize,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Settings and conclusions, a pair each.
    pub summary: CompareSummary,
    /// Layers.
    pub layers: Vec<CompareRow>,
    /// Whole networks.
    pub predictions: Vec<PredictionRow>,
    /// When layers part.
    pub departures: Vec<DepartureRow>,
    /// All of it over seeds and chips.
    pub groups: Vec<GroupRow>,
}

/// The runs of one seed and chip that some pair has, after one epoch.
struct Task<'a> {
    runs: Vec<usize>,
    members: Vec<(usize, &'a Pair, (usize, usize))>,
    epoch: usize,
}

impl Comparator<'_> {
    /// Whether the runs have left the weights of every epoch.
    #[must_use]
    pub fn snapshots(&self) -> bool {
        self.plans.iter().all(|plan| plan.resolved.experiment.snapshots)
    }

    /// How many steps of [`Comparator::compare`] there are: seeds and chips times epochs. None if no two runs
    /// are a pair.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.tasks(&find_pairs(self.plans)).len()
    }

    /// Compares every pair; `at_rest` gives the share of a run's nudged samples that came to rest, `tick`
    /// hears of every step.
    ///
    /// The result depends on the files alone, not on threads.
    ///
    /// # Errors
    /// [`RecordError`] names the weight file that is missing or does not fit.
    pub fn compare(
        &self,
        at_rest: &dyn Fn(&str) -> Option<f64>,
        tick: &(dyn Fn() + Sync),
    ) -> Result<Comparison, RecordError> {
        let pairs = find_pairs(self.plans);
        let each = self.tasks(&pairs).into_par_iter().map(|task| {
            let found = self.one(&task);
            tick();
            found
        });
        let found = each.collect::<Result<Vec<_>, _>>()?;
        let (mut layers, mut predictions) = (Vec::new(), Vec::new());
        for (rows, networks) in found {
            layers.extend(rows);
            predictions.extend(networks);
        }
        layers.sort_by_key(|row: &CompareRow| (row.pair, row.seed, row.chip, row.epoch, row.layer));
        predictions.sort_by_key(|row: &PredictionRow| (row.pair, row.seed, row.chip, row.epoch));
        let departures = find_departures(&layers, self.threshold, self.snapshots());
        let groups = average_groups(&layers, &predictions);
        let told = conclusions(self, &pairs, (&layers, &departures, &groups), at_rest);
        let epochs = self.plans.iter().map(|plan| plan.resolved.experiment.epochs);
        let summary = CompareSummary {
            settings: self.settings(),
            threshold: self.threshold,
            leading: self.leading,
            layers: layers.iter().map(|row| row.layer).max().unwrap_or(0),
            snapshots: self.snapshots(),
            last: epochs.max().unwrap_or(0),
            pairs: told,
        };
        Ok(Comparison { summary, layers, predictions, departures, groups })
    }

    fn settings(&self) -> String {
        let Some(plan) = self.plans.first() else { return String::new() };
        let experiment = &plan.resolved.experiment;
        let network: Vec<String> = experiment.network.iter().map(ToString::to_string).collect();
        let seeds = self.plans.iter().map(|plan| plan.seed).collect::<BTreeSet<_>>().len();
        let (name, epochs) = (&experiment.name, experiment.epochs);
        let data = &self.dataset.name;
        format!("{name}: {data}, {}, {epochs} epochs, {seeds} seeds", network.join("-"))
    }

    fn tasks<'p>(&self, pairs: &'p [Pair]) -> Vec<Task<'p>> {
        let mut starts: Vec<_> = self.plans.iter().map(|plan| (plan.seed, plan.chip)).collect();
        starts.sort_unstable();
        starts.dedup();
        let last = self.plans.iter().map(|plan| plan.resolved.experiment.epochs).max().unwrap_or(0);
        let task = |start: (u64, Option<u32>), epoch: usize| {
            let here = |run: usize| {
                let plan = &self.plans[run];
                let end = plan.resolved.experiment.epochs;
                (plan.seed, plan.chip) == start && if self.snapshots() { epoch <= end } else { epoch == end }
            };
            let all = pairs.iter().enumerate();
            let members: Vec<_> = all
                .flat_map(|(k, pair)| pair.members.iter().map(move |runs| (k, pair, *runs)))
                .filter(|(_, _, (a, _))| here(*a))
                .collect();
            let mut runs: Vec<usize> = members.iter().flat_map(|(_, _, (a, b))| [*a, *b]).collect();
            runs.sort_unstable();
            runs.dedup();
            Task { runs, members, epoch }
        };
        let all = starts.iter().flat_map(|start| (0..=last).map(|epoch| task(*start, epoch)));
        all.filter(|task| !task.members.is_empty()).collect()
    }

    fn one(&self, task: &Task<'_>) -> Result<(Vec<CompareRow>, Vec<PredictionRow>), RecordError> {
        let take = |run: &usize| RunSnapshot::take(self, &self.plans[*run], task.epoch);
        let portraits = task.runs.par_iter().map(take).collect::<Result<Vec<_>, _>>()?;
        let drift =
            |(run, portrait): (&usize, &RunSnapshot)| self.drift(&self.plans[*run], portrait, task.epoch);
        let drifts = task.runs.par_iter().zip(&portraits).map(drift).collect::<Result<Vec<_>, _>>()?;
        // Every run of a member is among the runs of its task.
        let of = |run: usize| task.runs.binary_search(&run).ok().map(|at| &portraits[at]);
        let (mut rows, mut networks) = (Vec::new(), Vec::new());
        for &(pair, _, (a, b)) in &task.members {
            let (Some(one), Some(other)) = (of(a), of(b)) else { continue };
            let drift =
                [b, a].into_iter().find_map(|run| drifts[task.runs.binary_search(&run).ok()?].as_ref());
            let plans = (&self.plans[a], &self.plans[b]);
            rows.extend((0..one.forward.len()).map(|k| CompareRow {
                control_distance: drift.map(|distances| distances[k]),
                ..layer((pair, task.epoch, k), plans, (one, other))
            }));
            networks.push(PredictionRow {
                pair,
                run_a: plans.0.name.clone(),
                run_b: plans.1.name.clone(),
                seed: plans.0.seed,
                chip: plans.0.chip,
                epoch: task.epoch,
                agreement: agreement(&one.classes, &other.classes),
                accuracy_a: one.accuracy,
                accuracy_b: other.accuracy,
            });
        }
        Ok((rows, networks))
    }

    /// Relative distance of every layer of a run to its control's, if it has one.
    fn drift(
        &self,
        plan: &RunPlan,
        run: &RunSnapshot,
        epoch: usize,
    ) -> Result<Option<Vec<f64>>, RecordError> {
        let mut all = plan_controls(self.plans).into_iter();
        let Some(control) = all.find(|control| is_control_of(control, plan)) else { return Ok(None) };
        let moved = weights_after(self, &control, epoch)?.forward;
        Ok(Some(moved.iter().zip(&run.forward).map(|(moved, own)| relative_distance(moved, own)).collect()))
    }
}

/// One layer of two networks.
fn layer(
    (pair, epoch, k): (usize, usize, usize),
    (a, b): (&RunPlan, &RunPlan),
    (one, other): (&RunSnapshot, &RunSnapshot),
) -> CompareRow {
    let finite = |value: f64| Some(value).filter(|v| v.is_finite());
    let moved = one.moved.as_ref().zip(other.moved.as_ref());
    let leading = one.leading[k].as_ref().zip(other.leading[k].as_ref());
    let left = leading.map(|(one, other)| principal_angles(&one.left, &other.left));
    let right = leading.map(|(one, other)| principal_angles(&one.right, &other.right));
    let largest = |angles: &Option<Vec<f64>>| angles.as_ref().and_then(|angles| angles.last().copied());
    let mean = |angles: &Option<Vec<f64>>| {
        angles.as_ref().map(|angles| angles.iter().sum::<f64>() / angles.len() as f64)
    };
    CompareRow {
        pair,
        run_a: a.name.clone(),
        run_b: b.name.clone(),
        seed: a.seed,
        chip: a.chip,
        epoch,
        layer: k + 1,
        distance: relative_distance(&one.forward[k], &other.forward[k]),
        control_distance: None,
        cosine: cosine(&one.forward[k], &other.forward[k]),
        update_cosine: moved.and_then(|(one, other)| finite(cosine(&one[k], &other[k]))),
        cka: finite(one.activities[k].alignment(&other.activities[k])),
        left_deg: largest(&left),
        left_mean_deg: mean(&left),
        right_deg: largest(&right),
        right_mean_deg: mean(&right),
    }
}
