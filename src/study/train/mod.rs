//! Experiments: a plan of runs, their training, and what is concluded from them.
//!
//! Runs are independent of each other but for the backpropagation runs, which come first because the others
//! are compared with them. Every epoch leaves a checkpoint, so an interrupted experiment goes on where it
//! was.

mod conclude;
mod cost;
mod expect;
mod experiment;
pub mod figures;
pub mod folder;
mod forecast;
mod heed;
pub mod identity;
mod keep;
mod labels;
mod need;
mod plan;
mod probe;
mod restore;
pub mod rows;
mod run;
mod setting_columns;
mod stored;
mod run_summary;
mod trajectory;
mod valley;
mod words;

pub use expect::{Verdict, check};
pub use experiment::Experiment;
pub use forecast::Forecast;
pub use need::Need;
pub use plan::{RunPlan, common, is_control_of, plan, plan_controls, replan};
pub use words::{expected, words};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use thiserror::Error;

use crate::figure::FigureError;
use crate::record::RecordError;
use crate::record::atomic;
use crate::record::dictionary::{Table, table};
use crate::record::folder::{Folder, Mode, Opening};
use crate::record::ledger::read_manifest;
use crate::record::manifest::{Manifest, sha256};
use crate::record::place::refuse_inputs_inside;
use crate::record::weights::{fit_feedback, fit_lateral, read_weights};
use crate::study::Observer;
use dyadsim_core::data::{DataError, Dataset};
use dyadsim_core::matrix::Real;
use dyadsim_core::spec::{InitSpec, Resolved, RuleKind, SpecError};
use rows::Summary;
use run::Setting;

/// Why an experiment could not be carried out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// The description is refused.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// An input file or the output folder cannot be used; found before any work.
    #[error(transparent)]
    Input(RecordError),
    /// Files could not be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The data set is missing or damaged.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A figure could not be drawn.
    #[error(transparent)]
    Figure(#[from] FigureError),
    /// The network does not fit the data.
    #[error(
        "`network` has {inputs} inputs and {outputs} outputs; data set `{dataset}` has {features} features and {classes} classes, so it wants network = [{features}, …, {classes}]"
    )]
    Network {
        /// Inputs of the network.
        inputs: usize,
        /// Outputs of the network.
        outputs: usize,
        /// Name of the data set.
        dataset: String,
        /// Its features.
        features: usize,
        /// Its classes.
        classes: usize,
    },
    /// Threads could not be started.
    #[error("no threads could be started: {0}")]
    Threads(String),
}

/// How to carry an experiment out.
#[derive(Debug)]
pub struct Options<'a> {
    /// Output folder.
    pub folder: PathBuf,
    /// What to do if it exists.
    pub mode: Mode,
    /// Files that were read to come to the plans, and that the folder must thus not hold if it is replaced.
    pub inputs: Vec<PathBuf>,
    /// Threads.
    pub threads: usize,
    /// `f32` or `f64`, for the manifest.
    pub precision: &'static str,
    /// Set from outside to end after the epochs under way.
    pub stop: &'a AtomicBool,
}

/// How an experiment ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// All runs are complete.
    Complete(Box<Summary>),
    /// The folder was complete before; nothing was changed.
    AlreadyComplete,
    /// Stopped from outside; what is finished is saved.
    Stopped,
}

/// The tables that runs leave, with the meaning of their columns.
#[must_use]
pub fn tables() -> Vec<Table> {
    vec![
        table::<rows::MetricsRow>("metrics"),
        table::<rows::LayersRow>("layers"),
        table::<rows::TrajectoryRow>("trajectories"),
        table::<rows::ValleyRow>("valley"),
        table::<rows::CostRow>("cost"),
    ]
}

/// Checks that data and network fit each other.
///
/// # Errors
///
/// [`ExperimentError::Network`].
pub fn check_network(network: &[usize], dataset: &Dataset) -> Result<(), ExperimentError> {
    let (inputs, outputs) = (network[0], network[network.len() - 1]);
    let (features, classes) = (dataset.train.features(), dataset.classes);
    if (inputs, outputs) == (features, classes) {
        return Ok(());
    }
    Err(ExperimentError::Network { inputs, outputs, dataset: dataset.name.clone(), features, classes })
}

/// Carries out every run of `plans` and writes the whole output folder.
///
/// `base` is what all runs have in common. Bytes of tables and weights depend on
/// neither threads nor interruptions; wall times do.
///
/// # Errors
///
/// Before any work: a folder that cannot be used, a data set that is missing or does not fit. Later: files
/// that cannot be written.
pub fn carry_out<T: Real>(
    base: &Resolved,
    plans: &[RunPlan],
    dataset: &Dataset,
    options: &Options<'_>,
    observer: &dyn Observer,
) -> Result<Ending, ExperimentError> {
    let initial = check_inputs::<T>(plans, dataset)?;
    if options.mode == Mode::Force {
        let inputs = options.inputs.iter().cloned().chain(plans.iter().flat_map(inputs));
        refuse_inputs_inside(&options.folder, inputs).map_err(ExperimentError::Input)?;
    }
    let text = base.to_toml();
    let hash = sha256(format!("{}\n{}\n{text}{initial}", options.precision, dataset.sha256).as_bytes());
    if options.mode == Mode::Resume {
        restore::restore(&options.folder, (&hash, &text), (base, plans), observer)?;
    }
    let mut manifest = Manifest::begin("run", &hash);
    manifest.seeds.clone_from(&base.experiment.seeds);
    manifest.data.insert(dataset.name.clone(), dataset.sha256.clone());
    manifest.threads = options.threads;
    manifest.precision = options.precision.into();
    let folder = match Folder::open(&options.folder, options.mode, &hash).map_err(ExperimentError::Input)? {
        Opening::Complete => return Ok(Ending::AlreadyComplete),
        Opening::Fresh(folder) => folder,
        Opening::Partial(folder) => {
            if let Ok(before) = read_manifest(folder.path()) {
                manifest.started = before.started;
            }
            folder
        }
    };
    folder.remarks().iter().for_each(|remark| observer.warn(remark));
    folder.write_manifest(&manifest)?;
    atomic::write(&folder.path().join("experiment.toml"), text.as_bytes())?;
    let setting = Setting { folder: &folder, dataset, stop: options.stop, observer };
    let first = plans.iter().take_while(|p| p.rule.is_reference()).count();
    let later = [&plans[first..], &plan_controls(plans)].concat();
    for phase in [&plans[..first], &later] {
        in_parallel(phase, options.threads, &|plan| run::train::<T>(&setting, plan))?;
    }
    if options.stop.load(Ordering::Relaxed) {
        return Ok(Ending::Stopped);
    }
    let summary = pool(options.threads)?.install(|| conclude::finish(&setting, base, plans))?;
    folder.finish(manifest)?;
    Ok(Ending::Complete(Box::new(summary)))
}

/// Checks that data and initial weights fit the networks; gives the hash of every weight file, a line each.
fn check_inputs<T: Real>(plans: &[RunPlan], dataset: &Dataset) -> Result<String, ExperimentError> {
    let mut hashes = BTreeMap::new();
    for plan in plans {
        let experiment = &plan.resolved.experiment;
        check_network(&experiment.network, dataset)?;
        check_start::<T>(plan).map_err(ExperimentError::Input)?;
        if let InitSpec::Weights(file) = &experiment.init {
            let path: &Path = file.as_ref();
            let bytes = dyadsim_core::file::read(path, dyadsim_core::file::TENSORS).map_err(|reason| {
                ExperimentError::Input(RecordError::Io { action: "read", path: path.to_owned(), reason })
            })?;
            hashes.insert(path.to_owned(), sha256(&bytes));
        }
    }
    Ok(hashes.values().map(|hash| format!("{hash}\n")).collect())
}

/// Checks that the weights that a run begins with, if they are a file's, fit its network, and its circuit
/// unless the rule sends nothing back or the feedback synapses are programmed.
///
/// # Errors
/// Those of [`read_weights`] and [`fit_feedback`], and lateral synapses that do not fit.
pub fn check_start<T: Real>(plan: &RunPlan) -> Result<(), RecordError> {
    let Resolved { experiment, circuit } = &plan.resolved;
    let InitSpec::Weights(file) = &experiment.init else { return Ok(()) };
    let weights = read_weights::<T>(file.as_ref(), Some(&experiment.network))?;
    if plan.rule.has_feedback() && !circuit.feedback.learning.programs() {
        fit_feedback(file.as_ref(), &weights, circuit.feedback.synapses)?;
    }
    fit_lateral(file.as_ref(), &weights, circuit)
}

/// Files and folders that the settings of a run name.
fn inputs(plan: &RunPlan) -> Vec<PathBuf> {
    let experiment = &plan.resolved.experiment;
    let weights = match &experiment.init {
        InitSpec::Weights(file) => Some(PathBuf::from(file)),
        _ => None,
    };
    experiment.dataset.path.iter().map(PathBuf::from).chain(weights).collect()
}

/// Threads of our own: the global ones would not heed the number asked for.
fn pool(threads: usize) -> Result<rayon::ThreadPool, ExperimentError> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1));
    builder.build().map_err(|error| ExperimentError::Threads(error.to_string()))
}

/// Works through a list on several threads, the first first; ends early with the first error.
fn in_parallel(
    plans: &[RunPlan],
    threads: usize,
    work: &(dyn Fn(&RunPlan) -> Result<(), ExperimentError> + Sync),
) -> Result<(), ExperimentError> {
    let workers = threads.min(plans.len()).max(1);
    let (next, failure) = (AtomicUsize::new(0), Mutex::new(None));
    let pools = (0..workers).map(|_| pool(threads / workers)).collect::<Result<Vec<_>, _>>()?;
    std::thread::scope(|scope| {
        for pool in &pools {
            scope.spawn(|| {
                while let Some(plan) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = pool.install(|| work(plan)) {
                        next.store(plans.len(), Ordering::Relaxed);
                        if let Ok(mut slot) = failure.lock() {
                            slot.get_or_insert(error);
                        }
                    }
                }
            });
        }
    });
    match failure.into_inner() {
        Ok(Some(error)) => Err(error),
        _ => Ok(()),
    }
}

/// Mean time (s) of one training batch, measured on the first run of each rule and circuit with its initial
/// weights.
#[must_use]
pub fn time_of_a_batch<T: Real>(plans: &[RunPlan], dataset: &Dataset) -> f64 {
    let mut rules: BTreeMap<(RuleKind, &str), (&RunPlan, usize)> = BTreeMap::new();
    for plan in plans {
        rules.entry((plan.rule, &plan.resolved.circuit.name)).or_insert((plan, 0)).1 += 1;
    }
    let times = rules.values().map(|(plan, runs)| run::time_batch::<T>(plan, dataset) * *runs as f64);
    times.sum::<f64>() / plans.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_has_the_threads_asked_for_and_at_least_one() {
        for (asked, given) in [(0, 1), (1, 1), (3, 3)] {
            assert_eq!(pool(asked).unwrap().install(rayon::current_num_threads), given);
        }
    }
}
