//! Norms, local Lipschitz constants and adversarial accuracy of what the runs of a folder learned.

mod figures;
mod rows;
mod words;
mod work;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use super::runs::Runs;
use super::{Failure, Given, Observer, Precision, Receipt, Study, folder};
use crate::figure::{Figure, FigureError};
use crate::record::RecordError;
use crate::record::dictionary::{Table, table};
use crate::record::json::{read_json, write_json};
use crate::record::study::Kind;
use crate::record::table::{read_rows, write_table};
use dyadsim_core::analysis::robustness::Objective;
use work::{Sizes, Subject};

pub use rows::{RobustRow, RobustRunRow, RobustSummary};

/// Settings of `robustness`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Robustness {
    /// Output folder of `run`
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Test samples attacked, the first ones
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub samples: u32,
    /// Test samples whose Jacobian is looked at, the first ones
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub lipschitz: u32,
    /// Largest change of an input (V), several sizes
    #[arg(long, value_name = "EPS", value_delimiter = ',', default_values_t = [0.02, 0.05, 0.1, 0.2])]
    pub linf: Vec<f64>,
    /// Euclidean length of the change (V), several sizes
    #[arg(long, value_name = "EPS", value_delimiter = ',', default_values_t = [0.25, 0.5, 1.0, 2.0])]
    pub l2: Vec<f64>,
    /// Steps of PGD
    #[arg(
        long, value_name = "N", default_value_t = 20,
        value_parser = clap::value_parser!(u16).range(2..=10_000)
    )]
    pub steps: u16,
    /// What attacks climb
    #[arg(long, value_enum, default_value_t = Climbed::Classes)]
    pub climb: Climbed,
    /// Climbs of PGD: the first from the sample itself, the others from random points
    #[arg(
        long, value_name = "N", default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    pub starts: u32,
}

/// What attacks climb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Climbed {
    /// The loss of the experiment.
    Loss,
    /// The largest wrong output less the right one.
    Margin,
    /// Each wrong output in turn, less the right one: the strongest, and as many times slower.
    Classes,
}

impl Climbed {
    /// Name in tables.
    fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Margin => "margin",
            Self::Classes => "classes",
        }
    }

    /// What is climbed, one after the other.
    fn aims(self, classes: usize) -> Vec<Objective> {
        match self {
            Self::Loss => vec![Objective::Loss],
            Self::Margin => vec![Objective::Margin],
            Self::Classes => (1..classes).map(Objective::Class).collect(),
        }
    }
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What figures read.
    pub tables: Tables,
    /// Every measure of every run.
    pub runs: Vec<RobustRunRow>,
}

/// What figures read of a study of robustness.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Settings.
    pub summary: RobustSummary,
    /// Means over seeds.
    pub rows: Vec<RobustRow>,
}

/// Tables.
const STEMS: [&str; 2] = ["robustness", "robustness_runs"];
/// Settings.
const SUMMARY: &str = "robustness.json";

impl Study for Robustness {
    type Subject = Subject;
    type Answer = Answer;
    type Tables = Tables;

    const KIND: Kind = folder::tables("robustness", "robustness", &STEMS, SUMMARY);
    const ABOUT: &'static str =
        "Norms, Lipschitz constants and adversarial accuracy of what the runs of a folder learned";
    const NOTES: &'static str = "For every run of the folder, of its free circuit, which is a feed-forward network: the spectral norm of each layer \
    and of their product, the largest singular value of the Jacobian at test samples, and the accuracy that is left under FGSM (one \
    step) and PGD (steps of 2.5 epsilon/steps; a sample is lost if any point on the way of any climb is classified wrongly), inputs \
    kept in [0, 1] V. One climb up the loss often gets stuck: accuracies are upper bounds, and those of `--climb loss --starts 1` \
    can mislead. Means and standard errors are over runs that differ by seed and chip alone; `dyadsim plot` draws the figures \
    again.\n\n\
    Example:\n  dyadsim robustness results/mnist-robustness --samples 2000 --linf 0.05,0.1 --starts 3 --precision f32";
    const FIGURES: &'static [Figure<Tables>] = figures::FIGURES;
    const PATHS: &'static [&'static str] = &["folder"];
    const SINGLE: bool = true;
    const DESCRIBED: bool = false;
    const AT_HOME: bool = true;

    fn tables() -> Vec<Table> {
        vec![table::<RobustRow>(STEMS[0]), table::<RobustRunRow>(STEMS[1])]
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Subject, Failure> {
        let sizes = Sizes { linf: sorted("linf", &self.linf)?, l2: sorted("l2", &self.l2)? };
        if let Some(setting) = given.set.first() {
            return Err(Failure::input(anyhow!(
                "--set {setting}: `robustness` takes runs as they were made; leave --set out"
            )));
        }
        let mut runs = Runs::read(&self.folder, watch)?;
        if let Some(seed) = given.seed {
            runs.plans.retain(|plan| plan.seed == u64::from(seed));
        }
        if runs.plans.is_empty() {
            return Err(Failure::input(anyhow!("{}: no run has this --seed", self.folder.display())));
        }
        if let Some(plan) = runs.plans.iter().find(|plan| plan.rule.circuit_kind().is_recurrent()) {
            return Err(Failure::input(anyhow!(
                "{}: layers of run `{}` speak both ways, and attacks go through networks that are fed forward\n  \
                 accepted: experiments without such rules",
                self.folder.display(),
                plan.name
            )));
        }
        let dataset = runs.dataset()?;
        let aims = self.climb.aims(dataset.classes);
        Ok(Subject { runs, dataset, sizes, aims })
    }

    fn ask(&self, subject: &Subject, given: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        let rows = match given.precision {
            Precision::F32 => subject.rows::<f32>(self, watch),
            Precision::F64 => subject.rows::<f64>(self, watch),
        }?;
        let tables =
            Tables { rows: work::means(&rows, &subject.broken()), summary: subject.summary(self, given) };
        Ok(Answer { tables, runs: rows })
    }

    fn write(answer: &Answer, folder: &Path) -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &answer.tables.rows)?;
        write_table(folder, STEMS[1], &answer.runs)?;
        write_json(&folder.join(SUMMARY), &answer.tables.summary)
    }

    fn open(folder: &Path) -> Result<Tables, FigureError> {
        Ok(Tables {
            summary: read_json(&folder.join(SUMMARY))?,
            rows: read_rows(&folder.join("robustness.csv"))?,
        })
    }

    fn words(&self, _: &Subject, answer: &Answer, receipt: &Receipt<'_>) -> String {
        words::summary(&answer.tables, receipt.out)
    }

    fn document(&self, _: &Subject, answer: &Answer, _: &Receipt<'_>) -> Value {
        words::document(&answer.tables, &answer.runs)
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.folder.clone()]
    }

    fn home(&self) -> Option<PathBuf> {
        Some(self.folder.join("robustness"))
    }
}

/// Sizes in ascending order, checked.
fn sorted(name: &str, sizes: &[f64]) -> Result<Vec<f64>, Failure> {
    if let Some(bad) = sizes.iter().find(|size| !(**size > 0.0 && size.is_finite())) {
        return Err(Failure::input(anyhow!(
            "--{name} {bad}\n  accepted: numbers above 0, separated by commas"
        )));
    }
    let mut sizes = sizes.to_vec();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    Ok(sizes)
}
