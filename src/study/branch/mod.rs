//! The branch of equilibria that a sample's free state leads to while a setting moves, and what it
//! meets.

mod figure;
mod rows;
mod key_range;
mod words;
mod work;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::inputs::{Files, Setup};
use super::stability::{COMMAND, read};
use super::text::rounded;
use super::{Failure, Given, Observer, Receipt, Study, folder};
use crate::figure::{Figure, FigureError};
use crate::record::RecordError;
use crate::record::dictionary::{Table, table};
use crate::record::json::write_json;
use crate::record::study::Kind;
use crate::record::table::write_table;
use dyadsim_core::solve::DENSE;
use work::{Answer, carry_out, circuit_at};

pub use figure::Tables;
pub use key_range::KeyRange;
pub use rows::{BranchEventRow, BranchOutputRow, BranchRow, BranchSummary};

/// Settings of `stability --follow`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Branch {
    /// Circuit, weights, inputs and targets.
    #[command(flatten)]
    #[serde(flatten)]
    pub files: Files,
    /// Follow the equilibrium of the free start while KEY moves: any number of the circuit file, or
    /// weights.gain
    #[arg(long, value_name = "KEY=FROM:TO")]
    pub follow: KeyRange,
    /// Sample whose equilibrium is followed, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub sample: usize,
}

/// Tables.
const STEMS: [&str; 3] = ["branch", "branch_outputs", "branch_events"];
/// Settings.
const SUMMARY: &str = "branch.json";

impl Study for Branch {
    type Subject = Setup;
    type Answer = Answer;
    type Tables = Tables;

    const KIND: Kind = folder::tables(COMMAND, "a branch", &STEMS, SUMMARY);
    const NAME: &'static str = "branch";
    const ABOUT: &'static str =
        "What happens on the branch of equilibria that the free state leads to, while a setting moves";
    const FIGURES: &'static [Figure<Tables>] = figure::FIGURES;
    const PATHS: &'static [&'static str] = &Files::PATHS;

    fn tables() -> Vec<Table> {
        vec![
            table::<BranchRow>(STEMS[0]),
            table::<BranchOutputRow>(STEMS[1]),
            table::<BranchEventRow>(STEMS[2]),
        ]
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Setup, Failure> {
        let setup = read(&self.files, given, watch)?;
        check(self, &setup)?;
        for value in [self.follow.range.0, self.follow.range.1] {
            circuit_at(&setup, self, given, value)?;
        }
        Ok(setup)
    }

    fn ask(&self, setup: &Setup, given: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        carry_out(setup, self, given, watch)
    }

    fn write(answer: &Answer, folder: &Path) -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &answer.tables.points)?;
        write_table(folder, STEMS[1], &answer.tables.outputs)?;
        write_table(folder, STEMS[2], &answer.tables.events)?;
        write_json(&folder.join(SUMMARY), &answer.tables.summary)
    }

    fn open(folder: &Path) -> Result<Tables, FigureError> {
        Tables::open(folder)
    }

    fn words(&self, setup: &Setup, answer: &Answer, receipt: &Receipt<'_>) -> String {
        words::summary(setup, answer, receipt.out)
    }

    fn document(&self, setup: &Setup, answer: &Answer, _: &Receipt<'_>) -> Value {
        setup.named(words::document(answer))
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.paths()
    }
}

/// Refuses what cannot be followed.
fn check(settings: &Branch, setup: &Setup) -> Result<(), Failure> {
    let samples = setup.batch.inputs.nrows();
    if settings.sample >= samples {
        return Err(Failure::input(anyhow!(
            "--sample {}: the input has {samples} samples\n  accepted: 0 to {}",
            settings.sample,
            samples - 1
        )));
    }
    if let Some(frequency) = setup.chip.periphery.clock {
        return Err(Failure::input(anyhow!(
            "circuit `{}` has a clock ({}): branches are followed in continuous time\n  accepted: a \
             circuit without `[clock]`; --limits knows clocks",
            setup.spec.name,
            rounded(frequency, "Hz")
        )));
    }
    let width = setup.chip.layout.width();
    if width > DENSE {
        return Err(Failure::input(anyhow!(
            "--follow: the network has {width} compartments, and solves with the whole Jacobian\n  \
             accepted: at most {DENSE}"
        )));
    }
    Ok(())
}
