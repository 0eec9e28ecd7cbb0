//! An experiment as it is asked for: its runs, its data and the files that say so, read and checked before
//! any work.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::rows::Summary;
use super::{
    Ending, ExperimentError, Need, Options, RunPlan, Verdict, carry_out, check, check_network, common, plan,
    plan_controls,
};
use crate::record::folder::Mode;
use crate::study::builtin::{EXPERIMENTS, find};
use crate::study::{Failure, Given, Observer, Precision};
use dyadsim_core::data::{Dataset, Request, load};
use dyadsim_core::spec::{Override, Resolved};

/// An experiment that can be carried out.
#[derive(Debug)]
pub struct Experiment {
    /// What all runs share.
    pub base: Resolved,
    /// The runs.
    pub plans: Vec<RunPlan>,
    /// The runs, and behind them their controls.
    pub all: Vec<RunPlan>,
    /// Their data.
    pub dataset: Dataset,
    /// Files that the settings were read from.
    inputs: Vec<PathBuf>,
}

impl Experiment {
    /// Reads a file or a built-in experiment with all that it names, and checks that it fits together.
    ///
    /// # Errors
    /// Bad input; a need of memory that this machine does not meet.
    pub fn read(name: &Path, given: &Given) -> Result<Self, Failure> {
        let mut overrides = given.set.clone();
        if let Some(seed) = given.seed {
            let seeds = toml::Value::Array(vec![toml::Value::Integer(seed.into())]);
            overrides.push(Override::new("seeds", seeds).by("--seed"));
        }
        let source = find(EXPERIMENTS, name)?;
        let loaded = source.experiment(&overrides)?;
        let base = common(&loaded).map_err(Failure::input)?;
        let plans = plan(&loaded).map_err(Failure::input)?;
        let dataset = load(&Request::from(&base.experiment.dataset)).map_err(Failure::input)?;
        for plan in &plans {
            check_network(&plan.resolved.experiment.network, &dataset).map_err(Failure::input)?;
        }
        let (threads, bytes) = (given.threads(), given.precision.bytes() as f64);
        if let Some((key, told)) = Need::of(&plans, &dataset, threads, bytes).beyond() {
            let accepted = format!("what fits: {told} on {threads} threads");
            return Err(Failure::input(loaded.refused(key, &accepted)));
        }
        let file = source.path().map(PathBuf::from);
        let inputs = file.into_iter().chain(loaded.circuit_files()).collect();
        let all = [&plans[..], &plan_controls(&plans)].concat();
        Ok(Self { base, plans, all, dataset, inputs })
    }

    /// The folder that the results go to if nobody names one.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        PathBuf::from("results").join(&self.base.experiment.name)
    }

    /// Epochs of all runs and controls.
    #[must_use]
    pub fn epochs(&self) -> usize {
        self.all.iter().map(|plan| plan.resolved.experiment.epochs).sum()
    }

    /// Trains every run and writes the output folder; `stop` is set from outside to end after the epochs
    /// under way.
    ///
    /// # Errors
    /// A folder that cannot be used, before any work; files that cannot be written, later.
    pub fn carry_out(
        &self,
        given: &Given,
        (folder, mode): (&Path, Mode),
        stop: &AtomicBool,
        watch: &dyn Observer,
    ) -> Result<Ending, Failure> {
        let (threads, precision, inputs) = (given.threads(), given.precision.name(), self.inputs.clone());
        let options = Options { folder: folder.to_path_buf(), mode, inputs, threads, precision, stop };
        let ending = match given.precision {
            Precision::F32 => carry_out::<f32>(&self.base, &self.plans, &self.dataset, &options, watch),
            Precision::F64 => carry_out::<f64>(&self.base, &self.plans, &self.dataset, &options, watch),
        };
        ending.map_err(classify)
    }

    /// What came of every expectation of the experiment.
    #[must_use]
    pub fn check(&self, summary: &Summary) -> Vec<Verdict> {
        check(&self.base.experiment.expect, summary)
    }
}

/// Folder and data errors come before any work; the rest is a failure while running.
fn classify(error: ExperimentError) -> Failure {
    match error {
        ExperimentError::Record(_) | ExperimentError::Figure(_) | ExperimentError::Threads(_) => {
            Failure::running(error)
        }
        _ => Failure::input(error),
    }
}
