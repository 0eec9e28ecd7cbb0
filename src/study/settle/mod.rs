//! What becomes of given networks and inputs: integrated to equilibrium, with or without a nudge, and graded.

mod grades;
mod state;
mod words;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, Command};
use serde::Serialize;
use serde_json::Value;

use super::inputs::{Files, Setup};
use super::{Extent, Failure, Given, Observer, Place, Receipt, Study};
use crate::figure::FigureError;
use crate::record::RecordError;
use crate::record::study::Kind;
use crate::record::tensors::TensorWriter;
use dyadsim_core::learn::{Measurement, count_relaxations, inference_with_progress, measure_with_progress};

pub use grades::{Grades, Sample};

/// Settings of `settle`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Settle {
    /// Circuit, weights, inputs and targets.
    #[command(flatten)]
    #[serde(flatten)]
    pub files: Files,
    /// Add N points of every trajectory, evenly spaced from 0 to the end of the longest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub trace: Option<u32>,
    /// Whether the state is going to be written.
    #[arg(skip)]
    #[serde(skip)]
    pub written: bool,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The relaxation asked for, with the nudge if there is one.
    pub measured: Measurement<f64>,
    /// What the free circuit says, held against the targets.
    pub grades: Option<Grades>,
    /// Final states, gradient estimate and trajectories, if they are going to be written.
    state: Option<TensorWriter>,
}

/// Its files.
const KIND: Kind =
    Kind { command: "settle", what: "settle", stems: &["state"], endings: &["safetensors"], summary: None };

impl Study for Settle {
    type Subject = Setup;
    type Answer = Answer;
    type Tables = ();

    const KIND: Kind = KIND;
    const ABOUT: &'static str = "Integrate given networks and inputs to equilibrium, with or without a nudge";
    const NOTES: &'static str = "Without --target the circuit is free (no nudge). With it the outcomes, \
        times and the state are those of the nudged circuit; losses and predictions are always those of the \
        free one, which is settled, too, with its noise if it has any. `--set nudge.beta=0` grades without \
        a nudge. --out writes DIR/state.safetensors: v_plus.k, v_minus.k and, with a nudge, \
        the gradient estimate grad.W.k, grad.b.k; of kind \"hopfield\" v.k. Where layers speak both ways a nudged \
        circuit starts where the free one has come to rest from 0 V, and `gradient` has the estimates.\n\n\
        Example:\n  dyadsim settle circuits/ideal.toml --weights w.safetensors --input x.safetensors \
        --target y.safetensors --out results/state --trace 200";
    const PATHS: &'static [&'static str] = &Files::PATHS;

    fn arranged(command: Command) -> Command {
        command
            .mut_arg("trace", |arg| arg.requires("out"))
            .mut_arg("out", |arg| arg.help("Folder for `state.safetensors` [default: none is written]"))
            .mut_arg("force", |arg| arg.help("Replace an existing state"))
    }

    fn placed(&mut self, place: &Place) {
        self.written = place.out.is_some();
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Setup, Failure> {
        let mut setup = self.files.read_graded(given)?;
        self.files.warn(&setup, watch);
        setup.batch.sample_ids.seed = given.seed.unwrap_or(0).into();
        self.want_traceable(&setup)?;
        Ok(setup)
    }

    fn ask(&self, setup: &Setup, _given: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        let Setup { chip, weights, batch, spec, .. } = setup;
        let again = setup.graded && setup.nudged;
        let each = count_relaxations(spec) + usize::from(again);
        watch.begin(Extent::Of(each * batch.inputs.nrows(), "relaxations"));
        let progress = |samples: usize| watch.done(samples);
        let measured = measure_with_progress(chip, weights, batch, spec, (self.trace.is_some(), &progress));
        let free = again.then(|| inference_with_progress(chip, weights, batch, spec, &progress));
        watch.end();
        let graded = setup.graded.then(|| free.as_ref().unwrap_or(&measured));
        let grades = graded.map(|free| Grades::new(setup, free));
        let state = self.written.then(|| state::tensors(setup, &measured, self.trace)).transpose();
        let state = state.map_err(Failure::running)?;
        let settled = &measured.settled.outcomes;
        if self.written && state::has_estimate(setup) && !settled.iter().any(|outcome| outcome.is_settled()) {
            watch.warn("no sample settled, so the state file has no gradient estimate");
        }
        Ok(Answer { measured, grades, state })
    }

    fn write(answer: &Answer, folder: &Path) -> Result<(), RecordError> {
        answer.state.as_ref().map_or(Ok(()), |state| state.write(&folder.join(state::NAME)))
    }

    fn open(_folder: &Path) -> Result<(), FigureError> {
        Ok(())
    }

    fn words(&self, setup: &Setup, answer: &Answer, receipt: &Receipt<'_>) -> String {
        let written = receipt.out.map(|out| out.join(state::NAME));
        words::summary(setup, &answer.measured.settled, answer.grades.as_ref(), written.as_deref())
    }

    fn document(&self, setup: &Setup, answer: &Answer, _receipt: &Receipt<'_>) -> Value {
        setup.named(words::document(setup, &answer.measured.settled, answer.grades.as_ref()))
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.paths()
    }
}

impl Settle {
    /// Refuses trajectories of a solver that has no time, and those that do not fit into memory.
    fn want_traceable(&self, setup: &Setup) -> Result<(), Failure> {
        let Some(points) = self.trace else { return Ok(()) };
        let kind = setup.spec.solver.kind;
        if kind.is_timeless() {
            return Err(Failure::input(anyhow!(
                "--trace: solver.kind is \"{}\", whose sweeps have no time\n  \
                 accepted: --set solver.kind=etd, or no --trace",
                kind.name()
            )));
        }
        // The steps of the solver are kept beside the points that are written.
        let states = 2.0 * f64::from(points) * setup.batch.inputs.nrows() as f64;
        setup.want_memory(&format!("--trace {points}"), states, 0.0)
    }
}
