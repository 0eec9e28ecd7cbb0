//! What units find in inputs by nonlinear Hebbian learning, without targets: a sparse source, or receptive
//! fields in patches of pictures.

mod figures;
mod inputs;
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
use dyadsim_core::unsupervised::Nonlinearity;

pub use inputs::Inputs;
pub use rows::{HebbianCourseRow, HebbianFieldRow, HebbianRow, HebbianSummary};

/// Settings of `hebbian`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Hebbian {
    /// Circuit file, or the name of a built-in circuit: its devices read the units
    #[arg(default_value = "ideal")]
    pub circuit: PathBuf,
    /// Inputs: `sparse`, white numbers with one sparse source, or a data set of square pictures
    #[arg(long, value_name = "NAME", default_value = "dead-leaves")]
    pub data: String,
    /// Folder of the data set's files
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
    /// Function of a unit's potential that its inputs are correlated with
    #[arg(long, value_enum, default_value_t = Effective::QuadraticRectifier)]
    pub nonlinearity: Effective,
    /// Threshold of the rectifiers, in units of the rms of an input
    #[arg(long, value_name = "U", default_value_t = 1.0)]
    pub threshold: f64,
    /// Units [default: 64, and 8 without decorrelation for `sparse`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub units: Option<u16>,
    /// Principal components of pictures that are kept
    #[arg(
        long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u16).range(1..=4096)
    )]
    pub components: u16,
    /// Updates
    #[arg(
        long, value_name = "N", default_value_t = 300,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub batches: u32,
    /// Inputs of an update
    #[arg(
        long, value_name = "N", default_value_t = 3000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub batch: u32,
    /// Learning rate
    #[arg(long, value_name = "ETA", default_value_t = 1.0)]
    pub rate: f64,
    /// Learn from Gaussian noise with the spectrum of the pictures, too
    #[arg(long)]
    pub control: bool,
    /// What the rms of an input is on the chip (V)
    #[arg(long, value_name = "V", default_value_t = 0.1, value_parser = volts)]
    pub signal: f64,
}

/// Effective nonlinearities by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effective {
    /// `max(u − θ, 0)²`.
    QuadraticRectifier,
    /// `max(u − θ, 0)`.
    Rectifier,
    /// `u³`.
    Cube,
    /// `u − tanh u`.
    LinearLessTanh,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The circuit whose devices read the units.
    spec: CircuitSpec,
    /// What is learned from.
    inputs: Inputs,
    /// Seed of everything that is drawn.
    seed: u64,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Settings, inputs, and what the units are like.
    pub summary: HebbianSummary,
    /// Units.
    pub rows: Vec<HebbianRow>,
    /// Pixels of their receptive fields.
    pub fields: Vec<HebbianFieldRow>,
    /// Along learning.
    pub course: Vec<HebbianCourseRow>,
}

/// Tables, and the file that says what they are.
const STEMS: [&str; 3] = ["hebbian", "hebbian_fields", "hebbian_course"];
/// Settings.
const SUMMARY: &str = "hebbian.json";

impl Study for Hebbian {
    type Subject = Subject;
    type Answer = Answer;
    type Tables = Answer;

    const KIND: Kind = folder::tables("hebbian", "hebbian", &STEMS, SUMMARY);
    const ABOUT: &'static str =
        "What units find in inputs without targets: receptive fields by nonlinear Hebbian learning";
    const NOTES: &'static str = "\
        The rule is Δw = η ⟨x f(w·x)⟩ with ‖w‖ = 1 (Brito & Gerstner 2016); many units are kept apart by \
        symmetric decorrelation. Pictures are adapted to light (logarithm), lose their means and the fifth \
        of them that is flattest, are whitened and scaled to equal norm; receptive fields are fitted with \
        Gabor functions. Of a circuit the offsets and synapses of its first layer count, and the noise of \
        its sample-and-hold. With --out the fields are drawn.\n\n\
        Example:\n  dyadsim hebbian --data photos --control --out results/hebbian";
    const FIGURES: &'static [Figure<Answer>] = figures::FIGURES;
    const PATHS: &'static [&'static str] = &["circuit", "path"];

    fn tables() -> Vec<Table> {
        vec![
            table::<HebbianRow>(STEMS[0]),
            table::<HebbianFieldRow>(STEMS[1]),
            table::<HebbianCourseRow>(STEMS[2]),
        ]
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Subject, Failure> {
        for (name, value) in [("--rate", self.rate), ("--signal", self.signal)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Failure::input(anyhow!("{name} {value}\n  accepted: a finite number above 0")));
            }
        }
        if !self.threshold.is_finite() {
            let threshold = self.threshold;
            return Err(Failure::input(anyhow!("--threshold {threshold}\n  accepted: a finite number")));
        }
        let spec = find(CIRCUITS, &self.circuit)?.circuit(&given.set)?;
        if let Some(remark) = super::unheeded::remark(&spec, true) {
            watch.warn(&remark);
        }
        let seed = given.seed.unwrap_or(0).into();
        Ok(Subject { spec, inputs: Inputs::read(self, seed)?, seed })
    }

    fn ask(&self, subject: &Subject, _: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        work::carry_out(self, subject, watch)
    }

    fn write(answer: &Answer, folder: &Path) -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &answer.rows)?;
        write_table(folder, STEMS[1], &answer.fields)?;
        write_table(folder, STEMS[2], &answer.course)?;
        write_json(&folder.join(SUMMARY), &answer.summary)
    }

    fn open(folder: &Path) -> Result<Answer, FigureError> {
        Ok(Answer {
            summary: read_json(&folder.join(SUMMARY))?,
            rows: read_csv(&folder.join("hebbian.csv"))?,
            fields: read_csv(&folder.join("hebbian_fields.csv"))?,
            course: read_csv(&folder.join("hebbian_course.csv"))?,
        })
    }

    fn words(&self, _: &Subject, answer: &Answer, receipt: &Receipt<'_>) -> String {
        words::summary(answer, receipt.out)
    }

    fn document(&self, _: &Subject, answer: &Answer, _: &Receipt<'_>) -> Value {
        words::document(answer)
    }

    fn files(&self) -> Vec<PathBuf> {
        std::iter::once(&self.circuit).chain(&self.path).cloned().collect()
    }
}

impl Hebbian {
    /// The function that inputs are correlated with.
    fn effective(&self) -> Nonlinearity {
        match self.nonlinearity {
            Effective::QuadraticRectifier => Nonlinearity::QuadraticRectifier(self.threshold),
            Effective::Rectifier => Nonlinearity::Rectifier(self.threshold),
            Effective::Cube => Nonlinearity::Cube,
            Effective::LinearLessTanh => Nonlinearity::LinearLessTanh,
        }
    }
}

/// Volts: a number, or text with its unit.
fn volts(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(plain) => Ok(plain),
        Err(_) => units::parse(text, units::Kind::Voltage).map_err(|error| error.to_string()),
    }
}
