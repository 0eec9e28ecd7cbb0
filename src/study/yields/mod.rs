//! Which share of chips meets a target, and how far devices may be spread for a wanted share.

mod figures;
mod rows;
mod words;
mod work;

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::axis::Axis;
use super::text::share;
use super::{Failure, Given, Observer, Receipt, Study, folder};
use crate::figure::{Figure, FigureError};
use crate::record::RecordError;
use crate::record::dictionary::{Table, table};
use crate::record::json::{read_json, write_json};
use crate::record::study::Kind;
use crate::record::table::{read_csv, write_table};
use work::Subject;

pub use rows::{ToleranceRow, YieldRow, YieldSummary};

/// Settings of `yield`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Yield {
    /// Circuit file, name of a built-in circuit, or output folder of `run`
    pub source: PathBuf,
    /// Weights `W.1`, `b.1` … (safetensors)
    #[arg(long, value_name = "FILE", requires = "input")]
    pub weights: Option<PathBuf>,
    /// Inputs `x`, `[samples, n_0]` (safetensors, V)
    #[arg(long, value_name = "FILE", requires = "target")]
    pub input: Option<PathBuf>,
    /// Targets `y`, `[samples, n_L]` (safetensors, V)
    #[arg(long, value_name = "FILE")]
    pub target: Option<PathBuf>,
    /// Target: this margin, −(largest real part of an eigenvalue) in units of 1/τ, for every sample
    #[arg(long, value_name = "M", conflicts_with_all = ["angle", "accuracy"], allow_negative_numbers = true)]
    pub margin: Option<f64>,
    /// Target: this angle of the whole estimate to backpropagation on the chip (degrees), all samples settled
    #[arg(long, value_name = "DEG", conflicts_with = "accuracy")]
    pub angle: Option<f64>,
    /// Target: this test accuracy after the last epoch
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub accuracy: Option<f64>,
    /// An axis `KEY=FROM:TO:N` or `KEY=FROM:TO:N:log` (at most two)
    #[arg(long, value_name = "AXIS")]
    pub vary: Vec<Axis>,
    /// Find the tolerance of a key of `[mismatch]`, such as `gain_dtod`, or of `all` (repeatable)
    #[arg(long, value_name = "KEY")]
    pub tolerance: Vec<String>,
    /// Largest spread that is looked at (offsets: V)
    /// [default: what a circuit file may say, 0.3 or, if lognormal, 2; offsets 0.5 V]
    #[arg(long, value_name = "SPREAD", requires = "tolerance")]
    pub most: Option<f64>,
    /// First chip, a seed of [mismatch]
    /// [default: that of the circuit file, else the one that the weights were trained on, else --seed]
    #[allow(rustdoc::broken_intra_doc_links, reason = "the help names a table of TOML")]
    #[arg(long, value_name = "N", requires = "weights")]
    pub chip: Option<u32>,
    /// Chips
    #[arg(
        long, value_name = "N", default_value_t = 400,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub chips: u32,
    /// Wanted share of chips
    #[arg(long = "yield", value_name = "SHARE", default_value_t = 0.99, value_parser = share)]
    pub wanted: f64,
    /// Confidence of intervals
    #[arg(long, value_name = "P", default_value_t = 0.95, value_parser = share)]
    pub confidence: f64,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Settings.
    pub summary: YieldSummary,
    /// Yields.
    pub yields: Vec<YieldRow>,
    /// Tolerances.
    pub tolerances: Vec<ToleranceRow>,
}

/// Tables, and the file that says what they are.
const STEMS: [&str; 2] = ["yield", "yield_tolerance"];
/// Settings.
const SUMMARY: &str = "yield.json";

impl Study for Yield {
    type Subject = Subject;
    type Answer = Answer;
    type Tables = Answer;

    const KIND: Kind = folder::tables("yield", "yield", &STEMS, SUMMARY);
    const ABOUT: &'static str = "Share of chips that meet a target, and the spreads that devices may have";
    const NOTES: &'static str = "A chip is a seed of [mismatch]; chips count on from mismatch.seed. For given weights the target is --margin or \
    --angle, without training; for trained chips give the output folder of `run` of an experiment with `chips = N`, and --accuracy. \
    --tolerance finds, with all else as the circuit has it whatever --vary says, the largest spread of one parameter that keeps \
    the wanted share: the same chips, their devices moved outward in proportion.\n\n\
    Example:\n  dyadsim yield circuits/ideal.toml --weights w.safetensors --input x.safetensors --target y.safetensors \
    --margin 0.1 --tolerance all --chips 400 --out results/yield";
    const FIGURES: &'static [Figure<Answer>] = figures::FIGURES;
    const PATHS: &'static [&'static str] = &["source", "weights", "input", "target"];

    fn tables() -> Vec<Table> {
        vec![table::<YieldRow>(STEMS[0]), table::<ToleranceRow>(STEMS[1])]
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Subject, Failure> {
        work::read(self, given, watch)
    }

    fn ask(&self, subject: &Subject, _: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        Ok(work::carry_out(self, subject, watch))
    }

    fn write(answer: &Answer, folder: &Path) -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &answer.yields)?;
        write_table(folder, STEMS[1], &answer.tolerances)?;
        write_json(&folder.join(SUMMARY), &answer.summary)
    }

    fn open(folder: &Path) -> Result<Answer, FigureError> {
        Ok(Answer {
            summary: read_json(&folder.join(SUMMARY))?,
            yields: read_csv(&folder.join("yield.csv"))?,
            tolerances: read_csv(&folder.join("yield_tolerance.csv"))?,
        })
    }

    fn words(&self, _: &Subject, answer: &Answer, receipt: &Receipt<'_>) -> String {
        words::summary(answer, receipt.out)
    }

    fn document(&self, subject: &Subject, answer: &Answer, _: &Receipt<'_>) -> Value {
        words::document(answer, subject.first_chip())
    }

    fn files(&self) -> Vec<PathBuf> {
        let all = [Some(&self.source), self.weights.as_ref(), self.input.as_ref(), self.target.as_ref()];
        all.into_iter().flatten().cloned().collect()
    }
}
