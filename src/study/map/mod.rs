//! What becomes of a batch over any two settings, looked at near borders alone.

mod evaluator;
mod check;
mod figure;
mod rows;
mod tables;
mod words;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use super::axis::{Axis, refuse_same};
use super::inputs::{Files, Setup};
use super::stability::{COMMAND, read};
use super::{Extent, Failure, Given, Observer, Receipt, Study, folder};
use crate::figure::{Figure, FigureError};
use crate::record::RecordError;
use crate::record::dictionary::{Table, table};
use crate::record::json::write_json;
use crate::record::study::Kind;
use crate::record::table::write_table;
use dyadsim_core::analysis::map::{Criterion, RefinedGrid};
use evaluator::{GAIN, MapEvaluator};

pub use figure::Tables;
pub use rows::{MapAxis, MapCheck, MapLineRow, MapRow, MapSummary};

/// Lines of coarse points along an axis, about.
const COARSE: usize = 16;

/// What a map is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judge {
    /// Eigenvalues at the equilibrium, continued along the map
    Eigenvalues,
    /// Integration by the circuit's solver, from its start
    Integration,
    /// Both
    Both,
}

impl From<Judge> for Criterion {
    fn from(judge: Judge) -> Self {
        match judge {
            Judge::Eigenvalues => Self::Eigenvalues,
            Judge::Integration => Self::Integration,
            Judge::Both => Self::Both,
        }
    }
}

/// Settings of `stability --map`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Map {
    /// Circuit, weights, inputs and targets.
    #[command(flatten)]
    #[serde(flatten)]
    pub files: Files,
    /// An axis of a map, given twice: any number of the circuit file, `weights.gain`, a factor of all
    /// weights, or `weights.depth`, layers in all, the last square layer below the outputs being there
    /// again and again
    #[arg(long, value_name = "KEY=FROM:TO:N[:log]", num_args = 1, required = true)]
    pub map: Vec<Axis>,
    /// What the map is judged by
    #[arg(long, value_enum, default_value_t = Judge::Both)]
    pub by: Judge,
    /// Integrate a random share of the points, too, and say how many the map has right
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub verify: Option<f64>,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "accepted: a number above 0, at most 1".into())
}

/// Tables.
const STEMS: [&str; 2] = ["map", "map_lines"];
/// Settings and work.
const SUMMARY: &str = "map.json";

impl Map {
    /// The two axes.
    fn axes(&self) -> Result<(&Axis, &Axis), Failure> {
        let [x, y] = &self.map[..] else {
            return Err(Failure::input(anyhow!(
                "--map was given once or more than twice\n  accepted: two axes, --map nudge.alpha=0:1:100 \
                 --map nudge.beta=0.05:5:100:log"
            )));
        };
        refuse_same("--map", &self.map)?;
        if let Some(gain) = self.map.iter().find(|axis| axis.key == GAIN && axis.at(0.0) < 0.0) {
            return Err(Failure::input(anyhow!(
                "--map {GAIN}: found {}\n  accepted: a factor of all weights, 0 or more",
                gain.at(0.0)
            )));
        }
        Ok((x, y))
    }
}

impl Study for Map {
    type Subject = Setup;
    type Answer = Tables;
    type Tables = Tables;

    const KIND: Kind = folder::tables(COMMAND, "a map", &STEMS, SUMMARY);
    const NAME: &'static str = "map";
    const ABOUT: &'static str = "What becomes of the batch over two settings, looking near borders alone";
    const FIGURES: &'static [Figure<Tables>] = figure::FIGURES;
    const PATHS: &'static [&'static str] = &Files::PATHS;

    fn tables() -> Vec<Table> {
        vec![table::<MapRow>(STEMS[0]), table::<MapLineRow>(STEMS[1])]
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Setup, Failure> {
        let setup = read(&self.files, given, watch)?;
        MapEvaluator::new(self, self.axes()?, &setup, (given, watch)).check()?;
        Ok(setup)
    }

    fn ask(&self, setup: &Setup, given: &Given, watch: &dyn Observer) -> Result<Tables, Failure> {
        let evaluator = MapEvaluator::new(self, self.axes()?, setup, (given, watch));
        let shape = (evaluator.xs.len(), evaluator.ys.len());
        watch.begin(Extent::AtMost(shape.0 * shape.1, "points"));
        let stride = shape.0.max(shape.1).div_ceil(COARSE).max(1);
        let plane = RefinedGrid::refine(shape, stride, &evaluator)?;
        let seed = given.seed.unwrap_or(0).into();
        let check = self.verify.map(|share| check::verify(&evaluator, &plane, share, seed)).transpose()?;
        Ok(tables::tables(&evaluator, &plane, check))
    }

    fn write(answer: &Tables, folder: &Path) -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &answer.points)?;
        write_table(folder, STEMS[1], &answer.lines)?;
        write_json(&folder.join(SUMMARY), &answer.summary)
    }

    fn open(folder: &Path) -> Result<Tables, FigureError> {
        Tables::open(folder)
    }

    fn words(&self, setup: &Setup, answer: &Tables, receipt: &Receipt<'_>) -> String {
        words::summary(setup, &answer.summary, receipt)
    }

    fn document(&self, setup: &Setup, answer: &Tables, receipt: &Receipt<'_>) -> Value {
        setup.named(words::document(&answer.summary, receipt))
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.paths()
    }
}
