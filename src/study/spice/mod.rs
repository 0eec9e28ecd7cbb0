//! A netlist of one sample, and ngspice held against this simulator.

mod analyses;
mod deck;
mod words;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, Command, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use super::inputs::{Files, Setup};
use super::{Extent, Failure, Given, Observer, Place, Receipt, Study};
use crate::figure::FigureError;
use crate::record::RecordError;
use crate::record::atomic::write;
use crate::record::study::Kind;
use crate::spice::{
    Analyses, Dialect, Netlist, Report, SpiceError, Stage, Transistors, Wiring, bench, check_transistors,
    check_with_progress, exportable, version,
};
use deck::Deck;
use dyadsim_core::learn::{Batch, wired};
use dyadsim_core::matrix::select_rows;

pub use analyses::Wanted;

/// Settings of `spice`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Spice {
    /// Circuit, weights, inputs and targets.
    #[command(flatten)]
    #[serde(flatten)]
    pub files: Files,
    /// Sample that is exported, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub sample: usize,
    /// Put library, columns, network and noise into files beside the deck, which includes them
    #[arg(long)]
    pub split: bool,
    /// Simulator that the deck is for
    #[arg(long, value_enum, default_value_t = Simulator::Ngspice)]
    pub dialect: Simulator,
    /// What the deck does when it is run.
    #[command(flatten)]
    #[serde(flatten)]
    pub wanted: Wanted,
    /// A subcircuit for every compartment, with `drive`, `state`, `output` or a voltage for each of its ports
    #[arg(long, value_name = "FILE:SUBCKT:PORTS")]
    pub transistors: Option<Transistors>,
    /// Run ngspice on the sample and compare
    #[arg(long)]
    pub check: bool,
    /// Where the deck goes.
    #[arg(skip)]
    #[serde(skip)]
    pub place: Place,
}

/// A simulator's name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Simulator {
    /// ngspice, with a `.control` section
    Ngspice,
    /// Xyce; cards in the common subset
    Xyce,
}

/// A sample, and what is to be done with it.
#[derive(Clone, Debug)]
pub struct Subject {
    setup: Setup,
    /// The sample alone.
    batch: Batch<f64>,
    analyses: Analyses,
    /// Where the deck goes.
    deck: Option<Deck>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Elements of the netlist.
    pub elements: usize,
    /// Both simulators, compared, if that was asked for.
    pub report: Option<Report>,
    /// Names of its files, with their texts.
    files: Vec<(String, String)>,
}

impl From<Simulator> for Dialect {
    fn from(simulator: Simulator) -> Self {
        match simulator {
            Simulator::Ngspice => Self::Ngspice,
            Simulator::Xyce => Self::Xyce,
        }
    }
}

impl From<SpiceError> for Failure {
    fn from(error: SpiceError) -> Self {
        match error {
            SpiceError::NotExportable { .. } | SpiceError::Name { .. } | SpiceError::Missing { .. } => {
                Self::input(error)
            }
            SpiceError::Failed { .. } | SpiceError::Raw { .. } | SpiceError::Record(_) => {
                Self::running(error)
            }
        }
    }
}

impl Study for Spice {
    type Subject = Subject;
    type Answer = Answer;
    type Tables = ();

    const KIND: Kind = deck::KIND;
    const ABOUT: &'static str = "Write a SPICE netlist of a sample, and hold ngspice against this simulator";
    const NOTES: &'static str = "Nodes: p1_0 and m1_0 are the two potentials of neuron 0 of layer 1, s1_0 \
        its mean, d1_0 its difference; FILE.json maps them. Without --tran, --op or --noise the deck has a \
        transient of 40 τ. A folder in place of FILE.cir gets deck.cir and study.toml. --check runs ngspice \
        on the sample and compares equilibria, waveforms and outcomes; status 1 if they disagree. \
        docs/spice.md tells the rest.\n\n\
        Example:\n  dyadsim spice circuits/ideal.toml --weights w.safetensors --input x.safetensors \
        --target y.safetensors --out deck.cir --check";
    const PATHS: &'static [&'static str] = &Files::PATHS;

    fn arranged(command: Command) -> Command {
        let out = "Deck to write, its folder made if need be, or a folder for one; beside it FILE.json \
                   maps its nodes [default: none with --check]";
        command
            .mut_arg("split", |arg| arg.requires("out"))
            .mut_arg("out", |arg| arg.value_name("FILE.cir").help(out).required_unless_present("check"))
            .mut_arg("force", |arg| arg.help("Replace existing files"))
    }

    fn placed(&mut self, place: &Place) {
        self.place = place.clone();
    }

    fn is_its_own_writer(&self) -> bool {
        self.place.out.as_deref().is_some_and(deck::is_file)
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Subject, Failure> {
        let setup = self.files.read_any(given, watch)?;
        self.sample_exists(&setup)?;
        let analyses = self.wanted.analyses(&setup, given.seed)?;
        exportable(&setup.spec, !analyses.noise.is_empty() || self.wanted.trnoise)?;
        let deck = self.place.out.as_deref().map(Deck::new).transpose()?;
        if deck.is_none() && !self.check {
            return Err(Failure::input(anyhow!("nothing to do\n  accepted: --out FILE.cir, or `check`")));
        }
        if self.check {
            version()?;
        }
        let batch = alone(&setup.batch, self.sample);
        Ok(Subject { setup, batch, analyses, deck })
    }

    fn ask(&self, subject: &Subject, _given: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        let Subject { setup, batch, analyses, deck } = subject;
        let circuit = wired(&setup.chip, &setup.weights, batch, &setup.spec);
        let wiring = Wiring {
            spec: &setup.spec,
            chip: &setup.chip,
            circuit: circuit.as_ref(),
            input: batch.inputs.as_slice(),
            target: batch.targets.as_slice(),
        };
        let mut netlist = match &self.transistors {
            Some(transistors) => Netlist::of_transistors(&wiring, transistors),
            None => Netlist::new(&wiring),
        };
        netlist.title += &deck::origin(&self.files, self.sample, setup);
        let name = deck.clone().unwrap_or_default();
        let mut bench = bench(&wiring, analyses, self.dialect.into(), name.stem())?;
        if self.transistors.is_some() {
            // Nodes inside them follow from an operating point around `.ic`.
            bench = bench.replace(" uic", "");
        }
        let files = match deck {
            Some(deck) => deck.texts(&netlist, &bench, &setup.chip.layout, self.split)?,
            None => Vec::new(),
        };
        if let Some(deck) = deck {
            deck.write(&files, &self.files.paths(), self.place.force)?;
        }
        let told = |stage: Stage| tell(stage, watch);
        let check = if self.transistors.is_some() { check_transistors } else { check_with_progress };
        let report = if self.check { Some(check(&wiring, &netlist, &told)?) } else { None };
        Ok(Answer { elements: netlist.elements(), report, files })
    }

    fn write(answer: &Answer, folder: &Path) -> Result<(), RecordError> {
        let put = |(name, text): &(String, String)| write(&folder.join(name), text.as_bytes());
        answer.files.iter().try_for_each(put)
    }

    fn open(_folder: &Path) -> Result<(), FigureError> {
        Ok(())
    }

    fn words(&self, subject: &Subject, answer: &Answer, _receipt: &Receipt<'_>) -> String {
        words::summary(&subject.setup, self.sample, &subject.paths(answer), answer)
    }

    fn holds(&self, answer: &Answer) -> bool {
        answer.report.as_ref().is_none_or(Report::agrees)
    }

    fn document(&self, subject: &Subject, answer: &Answer, _receipt: &Receipt<'_>) -> Value {
        let written = subject.paths(answer);
        subject.setup.named(words::document(&subject.setup, self.sample, &written, answer))
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.paths()
    }
}

impl Subject {
    /// Where the files of an answer are.
    fn paths(&self, answer: &Answer) -> Vec<PathBuf> {
        let names = answer.files.iter().map(|(name, _)| name);
        self.deck.iter().flat_map(|deck| names.clone().map(|name| deck.path(name))).collect()
    }
}

impl Spice {
    /// Refuses a sample that the input does not have.
    fn sample_exists(&self, setup: &Setup) -> Result<(), Failure> {
        let samples = setup.batch.inputs.nrows();
        if self.sample < samples {
            return Ok(());
        }
        Err(Failure::input(anyhow!(
            "--sample {}: the input has {samples} samples\n  accepted: 0 to {}",
            self.sample,
            samples - 1
        )))
    }
}

/// The batch of one of its samples.
fn alone(batch: &Batch<f64>, sample: usize) -> Batch<f64> {
    Batch {
        inputs: select_rows(&batch.inputs, &[sample]),
        targets: select_rows(&batch.targets, &[sample]),
        sample_ids: batch.sample_ids.subset(&[sample]),
    }
}

/// Tells how far the check is.
fn tell(stage: Stage, watch: &dyn Observer) {
    match stage {
        Stage::Ours => watch.begin(Extent::Unknown("this simulator")),
        Stage::Run(number) => watch.begin(Extent::Along(&format!("run {number} of ngspice"))),
        Stage::Share(share) => watch.at((100.0 * share) as usize),
    }
}
