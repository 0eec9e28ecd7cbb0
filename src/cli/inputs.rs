//! Circuit, weights, inputs and targets of `settle` and `stability`: read, and checked against each other.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;

use super::builtin::find;
use super::{Failure, Global, output};
use crate::chip::{Chip, Weights};
use crate::circuit::{TargetFault, check_targets};
use crate::learn::Batch;
use crate::matrix::Matrix;
use crate::record::RecordError;
use crate::record::weights::{read_batch, read_weights};
use crate::solve::steps;
use crate::spec::{CIRCUITS, CircuitSpec, FeedbackSynapses, MOST_PARTS, Variant};

/// Where the parts of a circuit come from.
#[derive(Clone, Debug, Args)]
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
}

impl Files {
    /// Reads everything.
    ///
    /// # Errors
    /// Whatever is wrong with a file, alone or beside the others.
    pub fn read(&self, global: &Global) -> Result<Setup, Failure> {
        let setup = self.read_graded(global)?;
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
    pub fn read_graded(&self, global: &Global) -> Result<Setup, Failure> {
        let mut spec = find(CIRCUITS, &self.circuit)?.circuit(&global.set)?;
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
        spec.mismatch.seed.get_or_insert(global.seed.unwrap_or(0).into());
        let chip = Chip::fabricate(&spec, &network);
        follows(&spec, &chip)?;
        Ok(Setup { spec, weights, chip, batch: Batch::new(inputs, targets), graded, nudged })
    }

    /// Reads the weights, with the shapes of the circuit's network if it has one.
    fn weights(&self, spec: &CircuitSpec) -> Result<Weights<f64>, Failure> {
        let wanted = spec
            .network
            .as_ref()
            .map(|network| format!("`network` of {} is {network:?}", self.circuit.display()));
        let weights = read_weights(&self.weights, spec.network.as_deref());
        let weights = weights.map_err(|error| explained(error, wanted.as_deref()))?;
        let file = self.weights.display();
        match (spec.feedback.synapses, &weights.feedback) {
            (FeedbackSynapses::Shared, Some(_)) => Err(Failure::input(anyhow!(
                "{file} holds feedback synapses `F.k`, but `feedback.synapses` is \"shared\": one crossbar is \
                 read both ways\n  accepted: --set feedback.synapses=separate, or a file without `F.k`"
            ))),
            (FeedbackSynapses::Separate, None) if weights.forward.len() > 1 => Err(Failure::input(anyhow!(
                "{file}: no tensor `F.2`, but `feedback.synapses` is \"separate\"\n  \
                 accepted: `F.k` with the shapes of `W.k`, or --set feedback.synapses=shared"
            ))),
            _ => Ok(weights),
        }
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
        let told = crate::machine::beyond(&parts)
            .map(|told| anyhow!("{flag}: {told}\n  accepted: a number that fits"));
        told.map_or(Ok(()), |told| Err(Failure::input(told)))
    }

    /// Circuit, network and nudge in a few words, without the settings of some keys.
    pub fn words(&self, without: &[String]) -> String {
        let network: Vec<String> = self.weights.network().iter().map(ToString::to_string).collect();
        let nudge = &self.spec.nudge;
        let variant = match nudge.variant {
            Variant::Dp => "DP".to_owned(),
            Variant::DpTranspose => "DPᵀ".to_owned(),
            Variant::Custom { plus, minus } => format!("a⁺ = {plus}, a⁻ = {minus}"),
        };
        let mut text = format!("{}: {}, {variant}", self.spec.name, network.join("-"));
        for (key, name, value) in [("nudge.alpha", "α", nudge.alpha), ("nudge.beta", "β", nudge.beta)] {
            if !without.iter().any(|k| k == key) {
                text += &format!(", {name} = {value}");
            }
        }
        text + &format!("; {} samples", self.batch.inputs.nrows())
    }

    /// One line on the circuit and one on the network, for people.
    pub fn headline(&self) -> String {
        let nudge = &self.spec.nudge;
        let gains = match (self.nudged, crate::chip::gains(nudge)) {
            (true, (plus, minus)) => {
                format!("a⁺ {plus}, a⁻ {minus}, α {}, β {}", nudge.alpha, nudge.beta)
            }
            (false, _) if self.graded => "free (β 0)".to_owned(),
            (false, _) => "free (no target)".to_owned(),
        };
        let network: Vec<String> = self.weights.network().iter().map(ToString::to_string).collect();
        format!(
            "circuit   {}: {gains}, τ = {}\nnetwork   {}, samples: {}\n",
            self.spec.name,
            output::rounded(self.chip.slowest, "s"),
            network.join("-"),
            self.batch.inputs.nrows()
        )
    }
}

/// Refuses a chip whose fastest compartment divides the steps of a stochastic solver into more parts than anybody would wait for.
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
