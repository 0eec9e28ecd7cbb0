//! Circuit, weights, inputs and targets of a question: read, and checked against each other.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::builtin::find;
use super::{Failure, Given, Observer};
use crate::record::RecordError;
use crate::record::trained::{Trained, chip, devices};
use crate::record::weights::{fit_feedback, fit_lateral, read_batch, read_weights};
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{TargetFault, check_targets};
use dyadsim_core::learn::Batch;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::steps;
use dyadsim_core::spec::{CIRCUITS, CircuitKind, CircuitSpec, MOST_PARTS, Override, Start};

/// Where the parts of a circuit come from.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Files {
    /// Circuit file, or the name of a built-in circuit
    pub circuit: PathBuf,
    /// Weights `W.1`, `b.1` … `W.L`, `b.L` (safetensors)
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,
    /// Inputs `x`, `[samples, n_0]` (safetensors, V)
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// Targets `y`, `[samples, n_L]` (safetensors, V)
    #[arg(long, value_name = "FILE")]
    pub target: Option<PathBuf>,
    /// Chip, a seed of [mismatch]
    /// [default: that of the circuit file, else the one that the weights were trained on, else --seed]
    #[allow(rustdoc::broken_intra_doc_links, reason = "the help names a table of TOML")]
    #[arg(long, value_name = "N")]
    pub chip: Option<u32>,
}

/// A circuit with weights and a batch that fit it and each other.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The circuit; its β is 0 without targets.
    pub spec: CircuitSpec,
    /// Weights.
    pub weights: Weights<f64>,
    /// The chip.
    pub chip: Chip<f64>,
    /// Inputs, and targets (zeros if there are none).
    pub batch: Batch<f64>,
    /// Whether there are targets to grade by.
    pub graded: bool,
    /// Whether the circuit is nudged towards them: β is above 0.
    pub nudged: bool,
    /// What the weights were trained on, if their file says so.
    pub trained: Option<Trained>,
}

impl Files {
    /// The settings of it that are paths.
    pub const PATHS: [&'static str; 4] = ["circuit", "weights", "input", "target"];

    /// Reads everything, of a circuit of dyads that are fed forward.
    ///
    /// # Errors
    /// Whatever is wrong with a file, alone or beside the others.
    pub fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Setup, Failure> {
        let setup = self.read_silently(given)?;
        self.warn(&setup, watch);
        Ok(setup)
    }

    /// Reads everything, of a circuit of any kind.
    ///
    /// # Errors
    /// Whatever is wrong with a file, alone or beside the others.
    pub fn read_any(&self, given: &Given, watch: &dyn Observer) -> Result<Setup, Failure> {
        let setup = self.read_any_silently(given)?;
        self.warn(&setup, watch);
        Ok(setup)
    }

    /// As [`Self::read`], without a word on chips.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub fn read_silently(&self, given: &Given) -> Result<Setup, Failure> {
        let setup = self.read_any_silently(given)?;
        self.want_dyads(&setup)?;
        Ok(setup)
    }

    /// Refuses circuits whose layers speak both ways.
    ///
    /// # Errors
    /// The kind, and what is asked of it.
    pub fn want_dyads(&self, setup: &Setup) -> Result<(), Failure> {
        let kind = setup.spec.kind();
        if kind == CircuitKind::Dyad {
            return Ok(());
        }
        Err(Failure::input(anyhow!(
            "{}: `kind` is \"{}\", and this question is asked of dyads\n  \
             accepted: \"dyad\", or no kind; `settle`, `stability`, `noise`, `gradient` and `spice` without further \
             forms are asked of any kind",
            self.circuit.display(),
            kind.name()
        )))
    }

    /// Refuses predictive coding, whose circuits are trained alone.
    fn refuse_predictive(&self, kind: CircuitKind) -> Result<(), Failure> {
        if kind != CircuitKind::PredictiveCoding {
            return Ok(());
        }
        Err(Failure::input(anyhow!(
            "{}: `kind` is \"{}\", whose circuits `run` and `rules compare` train, and of which no question is asked\n  \
             accepted: \"dyad\", \"hopfield\", \"recurrent-dyad\"",
            self.circuit.display(),
            kind.name()
        )))
    }

    /// As [`Self::read_any`], without a word on chips.
    ///
    /// # Errors
    /// Those of [`Self::read_any`].
    pub fn read_any_silently(&self, given: &Given) -> Result<Setup, Failure> {
        let setup = self.read_graded(given)?;
        if setup.graded && !setup.nudged {
            return Err(Failure::input(anyhow!(
                "{}: `nudge.beta` is 0, so that a target does nothing\n  \
                 accepted: a number above 0 (--set nudge.beta=0.5), or no --target",
                self.circuit.display()
            )));
        }
        Ok(setup)
    }

    /// Reads everything; targets may be there for grading alone, with `nudge.beta` 0.
    ///
    /// # Errors
    /// Whatever is wrong with a file, alone or beside the others.
    pub fn read_graded(&self, given: &Given) -> Result<Setup, Failure> {
        let mut spec = find(CIRCUITS, &self.circuit)?.circuit(&self.settings(given))?;
        refuse_stale(&spec, &self.circuit)?;
        self.refuse_predictive(spec.kind())?;
        let graded = self.target.is_some();
        let nudged = graded && spec.nudge.beta > 0.0;
        let weights = self.weights(&spec)?;
        let network = weights.network();
        let why = format!("the network of {} is {network:?}", self.weights.display());
        let (inputs, outputs) = (network[0], network[network.len() - 1]);
        let inputs = batch(&self.input, "x", inputs, &why)?;
        let targets = if let Some(path) = &self.target {
            let targets = batch(path, "y", outputs, &why)?;
            pair(path, &targets, &self.input, inputs.nrows())?;
            check_targets(spec.nudge.loss, &targets).map_err(|fault| no_target(path, fault))?;
            targets
        } else {
            spec.nudge.beta = 0.0;
            Matrix::zeros(inputs.nrows(), outputs)
        };
        let trained = Trained::read(&self.weights).map_err(Failure::input)?;
        let own = trained.as_ref().and_then(|trained| trained.chip);
        spec.mismatch.seed.get_or_insert(own.unwrap_or(given.seed.unwrap_or(0).into()));
        let fabricated = Chip::fabricate(&spec, &network);
        follows(&spec, &fabricated)?;
        Ok(Setup {
            spec,
            weights,
            chip: fabricated,
            batch: Batch::new(inputs, targets),
            graded,
            nudged,
            trained,
        })
    }

    /// Settings of the command line, the chip among them.
    pub fn settings(&self, given: &Given) -> Vec<Override> {
        let chip = self.chip.map(|chip| Override::new("mismatch.seed", i64::from(chip)).by("--chip"));
        given.set.iter().cloned().chain(chip).collect()
    }

    /// Warns if the weights were trained on other devices than these.
    pub fn warn(&self, setup: &Setup, watch: &dyn Observer) {
        let Some(trained) = setup.trained.as_ref().filter(|trained| trained.chip.is_some()) else { return };
        let (file, own) = (self.weights.display(), trained.chip.unwrap_or(0));
        let here = setup.chip_number();
        if devices(&setup.spec) != trained.devices {
            watch.warn(&format!(
                "{file} was trained on chip {own} of circuit `{}`, whose devices are not those of this circuit: other spreads \
                 or other nominal values",
                trained.circuit
            ));
        } else if here.is_some_and(|here| here != own) {
            watch.warn(&format!(
                "{file} was trained on chip {own}; this is chip {} (--chip {own} is the other)",
                here.unwrap_or(0)
            ));
        }
    }

    /// Reads the weights, with the shapes of the circuit's network if it has one.
    fn weights(&self, spec: &CircuitSpec) -> Result<Weights<f64>, Failure> {
        let wanted = spec
            .network
            .as_ref()
            .map(|network| format!("`network` of {} is {network:?}", self.circuit.display()));
        let weights = read_weights(&self.weights, spec.network.as_deref());
        let weights = weights.map_err(|error| explained(error, wanted.as_deref()))?;
        fit_feedback(&self.weights, &weights, spec.feedback.synapses).map_err(Failure::input)?;
        fit_lateral(&self.weights, &weights, spec).map_err(Failure::input)?;
        Ok(weights)
    }
}

/// Refuses to start from what a batch before has left: there is none.
fn refuse_stale(spec: &CircuitSpec, file: &Path) -> Result<(), Failure> {
    if spec.solver.start != Start::Stale {
        return Ok(());
    }
    Err(Failure::input(anyhow!(
        "{}: `solver.start`: found \"stale\"\n  \
         accepted: \"free\" or \"zero\": a batch that is settled alone has none before it (--set solver.start=free)",
        file.display()
    )))
}

impl Files {
    /// The files themselves.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        let all = [Some(&self.circuit), Some(&self.weights), Some(&self.input), self.target.as_ref()];
        all.into_iter().flatten().cloned().collect()
    }
}

impl Setup {
    /// Refuses a count whose states and weights do not fit into memory: so many arrays of each.
    ///
    /// # Errors
    /// `flag` with the sum and what is free.
    pub fn want_memory(&self, flag: &str, states: f64, weights: f64) -> Result<(), Failure> {
        let synapses: f64 = self.weights.forward.iter().map(|w| w.len() as f64).sum();
        let width = self.chip.layout.width() as f64;
        let parts = [("states", 8.0 * states * width), ("gradients", 8.0 * weights * synapses)];
        let told = dyadsim_core::machine::beyond(&parts)
            .map(|told| anyhow!("{flag}: {told}\n  accepted: a number that fits"));
        told.map_or(Ok(()), |told| Err(Failure::input(told)))
    }

    /// The chip, a seed of `[mismatch]`; `None` if all devices are alike.
    pub fn chip_number(&self) -> Option<u64> {
        chip(&self.spec)
    }

    /// A document of this setup, its chip named.
    pub fn named(&self, mut document: Value) -> Value {
        if let Value::Object(keys) = &mut document {
            keys.insert("chip".to_owned(), json!(self.chip_number()));
        }
        document
    }
}

/// Refuses a chip whose fastest compartment divides the steps of a stochastic solver into more parts than
/// anybody would wait for.
fn follows(spec: &CircuitSpec, chip: &Chip<f64>) -> Result<(), Failure> {
    let solver = &spec.solver;
    if !solver.kind.is_stochastic() || spec.clock.is_some() {
        return Ok(());
    }
    let taken = steps(solver, &chip.rates, solver.max_time);
    if taken <= MOST_PARTS {
        return Ok(());
    }
    let most = solver.max_time * MOST_PARTS / taken;
    Err(Failure::input(anyhow!(
        "`solver.max_time` = {}: {taken:.1e} steps, which follow the fastest compartment, are more than {MOST_PARTS:e}\n  \
         accepted: {most:.1e} or less, a longer `solver.step`, or a smaller `mismatch.time_constant_dtod`",
        solver.max_time
    )))
}

/// Reads inputs or targets, at least one sample; `why` explains the width wanted.
fn batch(path: &Path, name: &str, width: usize, why: &str) -> Result<Matrix<f64>, Failure> {
    let batch = read_batch(path, name, Some(width)).map_err(|error| explained(error, Some(why)))?;
    if batch.nrows() == 0 {
        return Err(Failure::input(anyhow!(
            "{}: tensor `{name}` has shape [0, {width}]; at least one sample is wanted",
            path.display()
        )));
    }
    Ok(batch)
}

/// Refuses targets of another number of samples than the inputs.
fn pair(path: &Path, targets: &Matrix<f64>, input: &Path, samples: usize) -> Result<(), Failure> {
    if targets.nrows() == samples {
        return Ok(());
    }
    let (path, found) = (path.to_path_buf(), vec![targets.nrows(), targets.ncols()]);
    let expected = format!("[{samples}, {}]", targets.ncols());
    let error = RecordError::Shape { path, tensor: "y".into(), found, expected };
    Err(explained(error, Some(&format!("`x` of {} has {samples} samples", input.display()))))
}

/// A target of the cross-entropy that is no distribution.
fn no_target(path: &Path, fault: TargetFault) -> Failure {
    Failure::input(anyhow!(
        "{}: tensor `y`, {fault}, but `nudge.loss` is \"cross-entropy\"\n  \
         accepted: targets of 0 or more that add up to 1 in every sample, such as one-hot ones; or --set nudge.loss=mse",
        path.display()
    ))
}

/// A wrong shape is told with the reason for the right one.
fn explained(error: RecordError, why: Option<&str>) -> Failure {
    match (&error, why) {
        (
            RecordError::Shape { .. } | RecordError::ExtraTensor { .. } | RecordError::MissingTensor { .. },
            Some(why),
        ) => Failure::input(anyhow!("{error}\n  {why}")),
        _ => Failure::input(error),
    }
}
