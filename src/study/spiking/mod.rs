//! What a neuron that spikes learns without targets: by the Convallis rule, and by the timing of spikes in
//! pairs and triplets, in protocols of experimenters and from groups of inputs.

mod figures;
mod rows;
mod words;
mod work;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use super::builtin::find;
use super::{Failure, Given, Observer, Receipt, Study, folder};
use crate::figure::{Figure, FigureError};
use crate::record::RecordError;
use crate::record::dictionary::{Table, table};
use crate::record::json::{read_json, write_json};
use crate::record::study::Kind;
use crate::record::table::{read_csv, write_table};
use dyadsim_core::spec::{CIRCUITS, CircuitSpec};
use dyadsim_core::units;

pub use rows::{SpikingProtocolRow, SpikingRow, SpikingRule, SpikingSummary, SpikingWeightRow};

/// Settings of `spiking`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Spiking {
    /// Circuit file, or the name of a built-in circuit: its offsets and synapses are the neurons'
    #[arg(default_value = "ideal")]
    pub circuit: PathBuf,
    /// Rules, each beside the others [default: all]
    #[arg(long = "rule", value_name = "NAME", value_enum)]
    pub rules: Vec<SpikeRule>,
    /// Seeds, from 0 on: a neuron each; `--seed N` asks for one alone
    #[arg(
        long, value_name = "N", default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..=1000)
    )]
    pub seeds: u16,
    /// How long a neuron learns (s)
    #[arg(long, value_name = "S", default_value_t = 200.0, value_parser = seconds)]
    pub duration: f64,
    /// Groups of inputs
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(2..=64))]
    pub groups: u16,
    /// Inputs of a group
    #[arg(
        long, value_name = "N", default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..=1000)
    )]
    pub members: u16,
    /// Rate of the inputs of the loud group (Hz)
    #[arg(long, value_name = "HZ", default_value_t = 50.0, value_parser = hertz)]
    pub high: f64,
    /// Rate of the inputs of the other groups (Hz)
    #[arg(long, value_name = "HZ", default_value_t = 2.0, value_parser = hertz)]
    pub low: f64,
    /// How long a group is loud (s)
    #[arg(long, value_name = "S", default_value_t = 0.1, value_parser = seconds)]
    pub slot: f64,
    /// Rate that the neuron is held at (Hz)
    #[arg(long, value_name = "HZ", default_value_t = 10.0, value_parser = hertz)]
    pub target: f64,
    /// Learning rate (V/s)
    #[arg(long, value_name = "ETA", default_value_t = 2.5e-3)]
    pub rate: f64,
    /// Largest weight (V)
    #[arg(long, value_name = "V", default_value_t = 6e-3, value_parser = volts)]
    pub bound: f64,
    /// Capacitance of the membrane (F)
    #[arg(long, value_name = "F", default_value_t = 200e-12, value_parser = farads)]
    pub capacitance: f64,
    /// Leak of the membrane (S)
    #[arg(long, value_name = "S", default_value_t = 10e-9, value_parser = siemens)]
    pub leak: f64,
    /// Convallis: potential above rest where its valley begins (V)
    #[arg(long, value_name = "V", default_value_t = 8e-3, value_parser = volts)]
    pub valley_low: f64,
    /// Convallis: potential above rest where its valley ends (V)
    #[arg(long, value_name = "V", default_value_t = 20e-3, value_parser = volts)]
    pub valley_high: f64,
    /// Spike timing: time T that the learning rate is multiplied with (s)
    #[arg(long, value_name = "S", default_value_t = 8e-3, value_parser = seconds)]
    pub unit_time: f64,
}

/// Rules by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpikeRule {
    /// The Convallis rule.
    Convallis,
    /// Timing of spikes, in pairs.
    PairStdp,
    /// Timing of spikes, in triplets.
    TripletStdp,
}

impl SpikeRule {
    /// Every rule, in the order of tables.
    const ALL: [Self; 3] = [Self::Convallis, Self::PairStdp, Self::TripletStdp];

    /// Its name in tables.
    const fn name(self) -> &'static str {
        match self {
            Self::Convallis => "convallis",
            Self::PairStdp => "pair-stdp",
            Self::TripletStdp => "triplet-stdp",
        }
    }
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The circuit whose devices the neurons have.
    spec: CircuitSpec,
    /// Seed of the first neuron, and how many there are.
    seeds: (u64, usize),
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Settings and rules.
    pub summary: SpikingSummary,
    /// Neurons.
    pub rows: Vec<SpikingRow>,
    /// Synapses.
    pub weights: Vec<SpikingWeightRow>,
    /// Protocols.
    pub protocols: Vec<SpikingProtocolRow>,
}

/// Tables, and the file that says what they are.
const STEMS: [&str; 3] = ["spiking", "spiking_weights", "spiking_protocols"];
/// Settings.
const SUMMARY: &str = "spiking.json";

impl Study for Spiking {
    type Subject = Subject;
    type Answer = Answer;
    type Tables = Answer;

    const KIND: Kind = folder::tables("spiking", "spiking", &STEMS, SUMMARY);
    const ABOUT: &'static str =
        "What neurons that spike learn without targets: the Convallis rule beside the timing of spikes";
    const NOTES: &'static str = "\
        Leaky integrate-and-fire neurons with exponential synapses. The Convallis rule (Yger & Harris 2013) is \
        dw/dt = η f(V) (K∗x), with f negative in a valley of the potential and positive above; pair-stdp (Song, \
        Miller & Abbott 2000) and triplet-stdp (Pfister & Gerstner 2006) are told spikes alone. One synapse goes \
        through protocols of experimenters; neurons, a seed each, learn from Poisson inputs of which one group \
        at a time is loud, with the same constraint on their rate whatever the rule. Of a circuit the offsets \
        and synapses of its first layer count. With --out everything is drawn.\n\n\
        Example:\n  dyadsim spiking --out results/spiking";
    const FIGURES: &'static [Figure<Answer>] = figures::FIGURES;
    const PATHS: &'static [&'static str] = &["circuit"];

    fn tables() -> Vec<Table> {
        vec![
            table::<SpikingRow>(STEMS[0]),
            table::<SpikingWeightRow>(STEMS[1]),
            table::<SpikingProtocolRow>(STEMS[2]),
        ]
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Subject, Failure> {
        self.check().map_err(Failure::input)?;
        let spec = find(CIRCUITS, &self.circuit)?.circuit(&given.set)?;
        if let Some(remark) = super::unheeded::remark(&spec, false) {
            watch.warn(&remark);
        }
        let seeds = given.seed.map_or((0, self.seeds.into()), |seed| (seed.into(), 1));
        work::check_offsets(self, &Subject { spec, seeds })
    }

    fn ask(&self, subject: &Subject, _: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        Ok(work::carry_out(self, subject, watch))
    }

    fn write(answer: &Answer, folder: &Path) -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &answer.rows)?;
        write_table(folder, STEMS[1], &answer.weights)?;
        write_table(folder, STEMS[2], &answer.protocols)?;
        write_json(&folder.join(SUMMARY), &answer.summary)
    }

    fn open(folder: &Path) -> Result<Answer, FigureError> {
        Ok(Answer {
            summary: read_json(&folder.join(SUMMARY))?,
            rows: read_csv(&folder.join("spiking.csv"))?,
            weights: read_csv(&folder.join("spiking_weights.csv"))?,
            protocols: read_csv(&folder.join("spiking_protocols.csv"))?,
        })
    }

    fn words(&self, _: &Subject, answer: &Answer, receipt: &Receipt<'_>) -> String {
        words::summary(answer, receipt.out)
    }

    fn document(&self, _: &Subject, answer: &Answer, _: &Receipt<'_>) -> Value {
        words::document(answer)
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.circuit.clone()]
    }
}

impl Spiking {
    /// The rules that are asked for, in the order of tables.
    fn asked(&self) -> impl Iterator<Item = SpikeRule> {
        let all = self.rules.is_empty();
        SpikeRule::ALL.into_iter().filter(move |rule| all || self.rules.contains(rule))
    }

    /// Refuses what no neuron has.
    fn check(&self) -> anyhow::Result<()> {
        let positive = [
            ("--duration", self.duration),
            ("--high", self.high),
            ("--low", self.low),
            ("--slot", self.slot),
            ("--target", self.target),
            ("--rate", self.rate),
            ("--bound", self.bound),
            ("--capacitance", self.capacitance),
            ("--leak", self.leak),
            ("--valley-low", self.valley_low),
            ("--unit-time", self.unit_time),
        ];
        for (name, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return Err(anyhow!("{name} {value}\n  accepted: a finite number above 0"));
            }
        }
        let (low, high) = (self.valley_low, self.valley_high);
        if !(high.is_finite() && high > low) {
            return Err(anyhow!(
                "--valley-high {high}\n  accepted: a finite potential above --valley-low, {low} V"
            ));
        }
        work::check_times(self)
    }
}

/// A quantity: a number, or text with its unit.
fn quantity(text: &str, kind: units::Kind) -> Result<f64, String> {
    match text.parse() {
        Ok(plain) => Ok(plain),
        Err(_) => units::parse(text, kind).map_err(|error| error.to_string()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    quantity(text, units::Kind::Time)
}

fn hertz(text: &str) -> Result<f64, String> {
    quantity(text, units::Kind::Frequency)
}

fn volts(text: &str) -> Result<f64, String> {
    quantity(text, units::Kind::Voltage)
}

fn farads(text: &str) -> Result<f64, String> {
    quantity(text, units::Kind::Capacitance)
}

fn siemens(text: &str) -> Result<f64, String> {
    quantity(text, units::Kind::Conductance)
}
