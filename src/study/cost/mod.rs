//! What a circuit takes: area, power, time and energy, estimated or on a simulated batch.

mod words;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::builtin::find;
use super::inputs::{Files, Setup};
use super::{Extent, Failure, Given, Observer, Receipt, Study};
use crate::figure::FigureError;
use crate::record::RecordError;
use crate::record::study::Kind;
use dyadsim_core::cost::{Cost, Work};
use dyadsim_core::spec::{CIRCUITS, CircuitSpec, CostSpec, Override};

/// Settings of `circuits cost`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Costs {
    /// A file or a built-in circuit
    pub circuit: PathBuf,
    /// Neurons per layer, input first [default: the circuit's, or that of --weights]
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', conflicts_with = "weights")]
    pub network: Option<Vec<usize>>,
    /// Weights to simulate with (safetensors)
    #[arg(long, value_name = "FILE", requires = "input")]
    pub weights: Option<PathBuf>,
    /// Inputs `x`, `[samples, n_0]` (safetensors, V)
    #[arg(long, value_name = "FILE", requires = "weights")]
    pub input: Option<PathBuf>,
    /// Targets `y`, `[samples, n_L]` (safetensors, V)
    #[arg(long, value_name = "FILE", requires = "weights")]
    pub target: Option<PathBuf>,
    /// Chip, a seed of [mismatch] [default: that of the circuit file, else the one that the weights were
    /// trained on, else --seed]
    #[allow(rustdoc::broken_intra_doc_links, reason = "the help names a table of TOML")]
    #[arg(long, value_name = "N", requires = "weights")]
    pub chip: Option<u32>,
}

/// What is priced.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The circuit.
    spec: CircuitSpec,
    /// Its prices.
    prices: CostSpec,
    /// What it does.
    does: Does,
}

/// What a circuit does.
#[derive(Clone, Debug)]
enum Does {
    /// By the description alone, a network of these sizes.
    Estimated(Vec<usize>),
    /// On a batch.
    Simulated(Box<Setup>),
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What the circuit does.
    pub work: Work,
    /// What that takes.
    pub cost: Cost,
}

impl Study for Costs {
    type Subject = Subject;
    type Answer = Answer;
    type Tables = ();

    const KIND: Kind = Kind { command: "cost", what: "cost", stems: &[], endings: &[], summary: None };
    const ABOUT: &'static str =
        "Area, power, time and energy of a circuit, estimated or on a simulated batch";
    const NOTES: &'static str = "The circuit needs a section [cost] (docs/cost.md). With --weights and \
        --input, and --target for the nudge, times and signals are simulated.\n\n\
        Example:\n  dyadsim circuits cost mine.toml --network 784,128,10";
    const BELOW: Option<&'static str> = Some("circuits");
    const PATHS: &'static [&'static str] = &Files::PATHS;
    const WRITES: bool = false;

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Subject, Failure> {
        let (spec, does) = match (&self.weights, &self.input) {
            (Some(weights), Some(input)) => self.simulated(given, watch, (weights, input))?,
            _ => self.estimated(given)?,
        };
        let prices = spec.cost.clone().ok_or_else(|| self.unpriced())?;
        Ok(Subject { spec, prices, does })
    }

    fn ask(&self, subject: &Subject, _given: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        let work = match &subject.does {
            Does::Estimated(network) => Work::estimated(&subject.spec, &subject.prices, network),
            Does::Simulated(setup) => simulate(setup, watch)?,
        };
        let cost = Cost::new(&subject.spec, &subject.prices, &work).ok_or_else(|| self.unpriced())?;
        Ok(Answer { work, cost })
    }

    fn write(_answer: &Answer, _folder: &Path) -> Result<(), RecordError> {
        Ok(())
    }

    fn open(_folder: &Path) -> Result<(), FigureError> {
        Ok(())
    }

    fn words(&self, subject: &Subject, answer: &Answer, _receipt: &Receipt<'_>) -> String {
        words::table(&subject.spec, &answer.work, &answer.cost)
    }

    fn document(&self, subject: &Subject, answer: &Answer, _receipt: &Receipt<'_>) -> Value {
        words::document(&subject.spec, &answer.work, &answer.cost)
    }

    fn files(&self) -> Vec<PathBuf> {
        let others = [&self.weights, &self.input, &self.target].into_iter().flatten();
        std::iter::once(&self.circuit).chain(others).cloned().collect()
    }
}

impl Costs {
    fn unpriced(&self) -> Failure {
        Failure::input(anyhow!(
            "{}: no section `cost`, which says what currents, conductances and areas the parts have\n  \
             accepted: [cost] with at least `technology` (`dyadsim circuits show --defaults` lists its keys)",
            self.circuit.display()
        ))
    }

    /// By the description alone.
    fn estimated(&self, given: &Given) -> Result<(CircuitSpec, Does), Failure> {
        let mut settings = given.set.clone();
        if let Some(network) = &self.network {
            let sizes =
                network.iter().map(|&n| toml::Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))).collect();
            settings.push(Override::new("network", toml::Value::Array(sizes)).by("--network"));
        }
        let spec = find(CIRCUITS, &self.circuit)?.circuit(&settings)?;
        if spec.cost.is_none() {
            return Err(self.unpriced());
        }
        let network = spec.network.clone().ok_or_else(|| {
            Failure::input(anyhow!(
                "{}: no `network`\n  accepted: --network 784,128,10, or `network` in the circuit, \
                 or --weights and --input",
                self.circuit.display()
            ))
        })?;
        Ok((spec, Does::Estimated(network)))
    }

    /// On a batch.
    fn simulated(
        &self,
        given: &Given,
        watch: &dyn Observer,
        (weights, input): (&Path, &Path),
    ) -> Result<(CircuitSpec, Does), Failure> {
        let files = Files {
            circuit: self.circuit.clone(),
            weights: weights.to_owned(),
            input: input.to_owned(),
            target: self.target.clone(),
            chip: self.chip,
        };
        let mut setup = files.read(given, watch)?;
        setup.batch.sample_ids.seed = given.seed.unwrap_or(0).into();
        Ok((setup.spec.clone(), Does::Simulated(Box::new(setup))))
    }
}

/// Settles the batch.
fn simulate(setup: &Setup, watch: &dyn Observer) -> Result<Work, Failure> {
    watch.begin(Extent::Unknown("settling"));
    let work = Work::simulated(&setup.spec, &setup.weights, &setup.batch);
    work.ok_or_else(|| {
        let kind = setup.spec.solver.kind.name();
        Failure::running(anyhow!(
            "no sample came to rest with a time (solver \"{kind}\"; \"layerwise\" and \"dc\" have none); \
             `dyadsim settle` tells what became of them"
        ))
    })
}
