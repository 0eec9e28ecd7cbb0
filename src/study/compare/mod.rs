//! What different rules learn from the same start, layer by layer, along training.

mod figures;
mod rows;
mod words;
mod work;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::runs::Runs;
use super::{Extent, Failure, Given, Observer, Receipt, Study, folder};
use crate::figure::{Figure, FigureError};
use crate::record::RecordError;
use crate::record::dictionary::{Table, table};
use crate::record::json::write_json;
use crate::record::study::Kind;
use crate::record::table::write_table;
use crate::study::train::rows::RunSummary;
use dyadsim_core::data::Dataset;

pub use figures::Tables;
pub use rows::{CompareRow, CompareSummary, DepartureRow, GroupRow, PredictionRow, RulePair};
pub use work::{Comparator, Comparison};

/// Settings of `compare`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Compare {
    /// Output folder of `run`
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Relative distance `‖W_a − W_b‖_F / ‖W_b‖_F` above which a layer has parted
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub threshold: f64,
    /// Singular vectors that span the leading subspaces, or as many as a layer has
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub leading: u16,
}

/// Runs and their data.
pub struct Subject {
    runs: Runs,
    dataset: Dataset,
}

/// Tables, and the file that says what they are.
const STEMS: [&str; 4] = ["compare", "compare_predictions", "compare_departure", "compare_groups"];
/// Settings and conclusions.
const SUMMARY: &str = "compare.json";

impl Compare {
    fn comparator<'a>(&self, subject: &'a Subject) -> Comparator<'a> {
        Comparator {
            folder: &subject.runs.folder,
            plans: &subject.runs.plans,
            dataset: &subject.dataset,
            threshold: self.threshold,
            leading: self.leading.into(),
        }
    }
}

impl Study for Compare {
    type Subject = Subject;
    type Answer = Comparison;
    type Tables = Tables;

    const KIND: Kind = folder::tables("compare", "compare", &STEMS, SUMMARY);
    const ABOUT: &'static str =
        "What different rules learn from the same start, layer by layer, and which layer parts first";
    const NOTES: &'static str = "Compared are every two rules at the same seed, chip and settings (backpropagation has no α and no β and pairs with \
    all): relative distance and cosine of the weights, cosine of what training has added to them, linear CKA of what the layers of \
    the free circuit say to the test set, principal angles between the leading singular subspaces, agreement of predictions; and \
    which layer parts first. Along training if the experiment has `snapshots = true`, else at the end.\n\n\
    Example:\n  dyadsim compare results/digits-comparison --threshold 0.1";
    const FIGURES: &'static [Figure<Tables>] = figures::FIGURES;
    const PATHS: &'static [&'static str] = &["folder"];
    const DESCRIBED: bool = false;
    const AT_HOME: bool = true;

    fn tables() -> Vec<Table> {
        vec![
            table::<CompareRow>(STEMS[0]),
            table::<PredictionRow>(STEMS[1]),
            table::<DepartureRow>(STEMS[2]),
            table::<GroupRow>(STEMS[3]),
        ]
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Subject, Failure> {
        given.reject_settings("compare")?;
        if !(self.threshold > 0.0 && self.threshold.is_finite()) {
            return Err(Failure::input(anyhow!(
                "--threshold {}\n  accepted: a number above 0",
                self.threshold
            )));
        }
        let runs = Runs::read(&self.folder, watch)?;
        let dataset = runs.dataset()?;
        let subject = Subject { runs, dataset };
        if self.comparator(&subject).steps() == 0 {
            return Err(Failure::input(anyhow!(
                "{}: no two runs differ in their rule alone\n  accepted: an experiment with two rules or more",
                self.folder.display()
            )));
        }
        Ok(subject)
    }

    fn ask(&self, subject: &Subject, _: &Given, watch: &dyn Observer) -> Result<Comparison, Failure> {
        let comparator = self.comparator(subject);
        watch.begin(Extent::Of(comparator.steps(), "epochs of a seed"));
        let at_rest = |name: &str| {
            let run = subject.runs.tables.runs.iter().find(|run| run.name == name)?;
            run.summary.as_ref().and_then(RunSummary::at_rest)
        };
        comparator.compare(&at_rest, &|| watch.done(1)).map_err(Failure::input)
    }

    fn write(answer: &Comparison, folder: &Path) -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &answer.layers)?;
        write_table(folder, STEMS[1], &answer.predictions)?;
        write_table(folder, STEMS[2], &answer.departures)?;
        write_table(folder, STEMS[3], &answer.groups)?;
        write_json(&folder.join(SUMMARY), &answer.summary)
    }

    fn open(folder: &Path) -> Result<Tables, FigureError> {
        Tables::open(folder)
    }

    fn words(&self, _: &Subject, answer: &Comparison, receipt: &Receipt<'_>) -> String {
        words::summary(answer, receipt.out)
    }

    fn document(&self, _: &Subject, answer: &Comparison, _: &Receipt<'_>) -> Value {
        words::document(answer)
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.folder.clone()]
    }

    fn home(&self) -> Option<PathBuf> {
        Some(self.folder.join("compare"))
    }
}
