//! How far the gradient estimate of given networks is from backpropagation, and the nudge that brings it
//! nearest.

mod figures;
mod line;
mod rows;
mod rule;
mod words;
mod work;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::axis::Axis;
use super::grid::{Point, expand_grid};
use super::inputs::{Files, Setup};
use super::{Failure, Given, Observer, Receipt, Study, folder};
use crate::figure::{Figure, FigureError};
use crate::record::RecordError;
use crate::record::dictionary::{Table, table};
use crate::record::json::write_json;
use crate::record::study::Kind;
use crate::record::table::write_table;

pub use rows::{BestRow, GradientRow, GradientSummary};

/// Settings of `gradient`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Gradient {
    /// Circuit, weights, inputs and targets.
    #[command(flatten)]
    #[serde(flatten)]
    pub files: Files,
    /// An axis KEY=FROM:TO:N or KEY=FROM:TO:N:log; with two of them every pair of values is looked at
    #[arg(long, value_name = "AXIS", required = true)]
    pub vary: Vec<Axis>,
    /// Learning rule whose estimate it is, where layers speak both ways
    /// [default: `ep-centred` of kind "hopfield", `dyadic-ep` of "recurrent-dyad"]
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// Estimates at every point
    #[arg(
        long, value_name = "R", default_value_t = 16,
        value_parser = clap::value_parser!(u32).range(1..=65536)
    )]
    pub draws: u32,
    /// Keep to one chip: draws differ by noise alone
    #[arg(long)]
    pub one_chip: bool,
    /// Look at the points of the axes alone: the best nudge is then no better known than they are apart
    #[arg(long)]
    pub no_refine: bool,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Settings.
    pub summary: GradientSummary,
    /// Points.
    pub rows: Vec<GradientRow>,
    /// Best nudges, if the nudge was varied.
    pub best: Vec<BestRow>,
}

/// Tables, and the file that says what they are.
const STEMS: [&str; 2] = ["gradient", "gradient_best"];
/// Settings.
const SUMMARY: &str = "gradient.json";

impl Study for Gradient {
    type Subject = Vec<Point>;
    type Answer = Answer;
    type Tables = Answer;

    const KIND: Kind = folder::tables("gradient", "gradient", &STEMS, SUMMARY);
    const ABOUT: &'static str =
        "Bias and variance of the gradient estimate of given networks, and the best nudge between them";
    const NOTES: &'static str = "Every draw settles the batch anew, with noise of its own and, if [mismatch] spreads devices, on another chip \
        (seeds count on from mismatch.seed). Bias and variance are those of the draws around backpropagation on their chip, in units of \
        its squared norm; samples that do not settle are counted and left out. With nudge.beta among the axes the best nudge is told, \
        that of the least mean squared error up to the largest safe nudge; more nudges than those asked for are looked at around it. \
        Where layers speak both ways the estimate is that of --rule, held against recurrent backpropagation, and nothing is predicted. \
        --out writes DIR/gradient.csv and further tables, and figures that `dyadsim plot DIR` draws again.\n\n\
        Example:\n  dyadsim gradient circuits/noisy.toml --weights w.safetensors --input x.safetensors \
        --target y.safetensors --vary nudge.beta=0.01:3:13:log --vary nudge.alpha=0:1:5 --draws 16 --out results/gradient";
    const FIGURES: &'static [Figure<Answer>] = figures::FIGURES;
    const PATHS: &'static [&'static str] = &Files::PATHS;

    fn tables() -> Vec<Table> {
        vec![table::<GradientRow>(STEMS[0]), table::<BestRow>(STEMS[1])]
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Vec<Point>, Failure> {
        if self.files.target.is_none() {
            return Err(Failure::input(anyhow!(
                "gradient needs --target FILE (`y`, [samples, n_L]): without a target there is no gradient"
            )));
        }
        let points = expand_grid(given, &self.files, &self.vary)?;
        points.iter().try_for_each(|point| rule::check(self, &point.setup))?;
        self.files.warn(spoken_of(&points), watch);
        Ok(points)
    }

    fn ask(&self, points: &Vec<Point>, given: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        Ok(work::carry_out(self, given.seed.unwrap_or(0).into(), points, watch))
    }

    fn write(answer: &Answer, folder: &Path) -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &answer.rows)?;
        write_table(folder, STEMS[1], &answer.best)?;
        write_json(&folder.join(SUMMARY), &answer.summary)
    }

    fn open(folder: &Path) -> Result<Answer, FigureError> {
        Answer::open(folder)
    }

    fn words(&self, points: &Vec<Point>, answer: &Answer, receipt: &Receipt<'_>) -> String {
        words::summary(spoken_of(points), answer, receipt.out)
    }

    fn document(&self, points: &Vec<Point>, answer: &Answer, _: &Receipt<'_>) -> Value {
        spoken_of(points).named(words::document(answer))
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.paths()
    }
}

/// The setup that is told: one whose devices differ, if any does.
fn spoken_of(points: &[Point]) -> &Setup {
    let spread = points.iter().find(|point| point.setup.chip_number().is_some());
    &spread.unwrap_or(&points[0]).setup
}
