//! What the runs of an experiment will take, told before any of them.

use serde_json::{Value, json};

use super::{Experiment, Need, time_of_a_batch};
use crate::study::{Given, Precision};
use dyadsim_core::units::significant;

/// Memory, disk and time of an experiment.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// Names of the runs and controls.
    pub runs: Vec<String>,
    /// Updates of all runs together.
    pub updates: usize,
    /// Memory of states and weights (bytes).
    pub memory: usize,
    /// Weight files (bytes).
    pub disk: usize,
    /// Time (s), from one batch of each rule.
    pub seconds: f64,
    /// Threads that it is for.
    pub threads: usize,
}

impl Forecast {
    /// Of an experiment as it is asked for; measures a batch of each rule.
    #[must_use]
    pub fn of(experiment: &Experiment, given: &Given) -> Self {
        let Experiment { base, all, dataset, .. } = experiment;
        let synapses: usize = base.experiment.network.windows(2).map(|n| n[1] * (n[0] + 1)).sum();
        let need = Need::of(all, dataset, given.threads(), given.precision.bytes() as f64);
        let batches = |batch: usize| dataset.train.len().div_ceil(batch);
        let experiments = all.iter().map(|run| &run.resolved.experiment);
        let updates = experiments.map(|one| one.epochs * batches(one.batch)).sum();
        let seconds = match given.precision {
            Precision::F32 => time_of_a_batch::<f32>(all, dataset),
            Precision::F64 => time_of_a_batch::<f64>(all, dataset),
        };
        Self {
            runs: all.iter().map(|run| run.name.clone()).collect(),
            updates,
            memory: (need.weights + need.states) as usize,
            disk: all.len() * synapses * given.precision.bytes(),
            seconds: updates as f64 * seconds / given.threads().min(all.len()) as f64,
            threads: given.threads(),
        }
    }

    /// For people; `time` is the time as they read it.
    #[must_use]
    pub fn words(&self, time: &str) -> String {
        let mebi = |bytes: usize| format!("{} MiB", significant(bytes as f64 / f64::from(1 << 20), 3));
        let names: String = self.runs.iter().map(|name| format!("  {name}\n")).collect();
        format!(
            "runs      {} ({} updates in all)\n\
             memory    about {} for states and weights\n\
             disk      about {} of weights, as much again while running\n\
             time      about {time} on {} threads (from one batch of each rule)\n{names}",
            self.runs.len(),
            self.updates,
            mebi(self.memory),
            mebi(self.disk),
            self.threads
        )
    }

    /// For programs.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({
            "runs": self.runs,
            "updates": self.updates,
            "memory_bytes": self.memory,
            "disk_bytes": self.disk,
            "seconds": self.seconds,
            "threads": self.threads,
        })
    }
}
