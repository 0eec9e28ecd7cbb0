//! The learning rules: what each needs of a chip, and what they learn beside each other over noise and
//! mismatch.

mod figures;
mod levels;
mod list;
mod rows;
mod words;
mod work;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::anyhow;
use clap::{Args, Command};
use serde::Serialize;
use serde_json::Value;

use super::builtin::{EXPERIMENTS, find};
use super::runs::Runs;
use super::text::share;
use super::train::Experiment;
use super::{Extent, Failure, Given, Observer, Receipt, Study, folder};
use crate::figure::{Figure, FigureError};
use crate::record::RecordError;
use crate::record::dictionary::{Table, table};
use crate::record::folder::Mode;
use crate::record::json::{read_json, write_json};
use crate::record::study::Kind;
use crate::record::table::{read_csv, write_table};
use dyadsim_core::file;

pub use list::list;
pub use rows::{RuleRow, RuleRunRow, RulesSummary};

/// Settings of `rules compare`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct RuleComparison {
    /// Experiment file, built-in experiment, or output folder of `run`
    #[arg(value_name = "EXPERIMENT")]
    pub source: PathBuf,
    /// Levels of thermal noise: deviation of a compartment on its own (V, rms), several
    #[arg(long, value_name = "V", value_delimiter = ',')]
    pub noise: Vec<f64>,
    /// Levels of mismatch: relative spread of time constants, gains, mixing, scales and synapses alike
    #[arg(long, value_name = "SHARE", value_delimiter = ',', value_parser = share)]
    pub mismatch: Vec<f64>,
    /// Test accuracy that time and energy are counted to
    #[arg(long, value_name = "SHARE", default_value_t = 0.9, value_parser = share)]
    pub target: f64,
    /// Folder of the runs, gone on with if it is there
    /// [default: results/NAME, with levels results/NAME-levels]
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
}

/// What is compared.
pub enum Subject {
    /// Runs that are there.
    There(Box<Runs>),
    /// Runs that are to be made or gone on with, and their folder.
    ToMake(Box<Experiment>, PathBuf),
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What figures read.
    pub tables: Tables,
    /// Every run.
    pub runs: Vec<RuleRunRow>,
}

/// What figures read of a comparison of rules.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Settings.
    pub summary: RulesSummary,
    /// Means over seeds and chips.
    pub rows: Vec<RuleRow>,
}

/// Tables.
const STEMS: [&str; 2] = ["rules", "rules_runs"];
/// Settings.
const SUMMARY: &str = "rules.json";

impl Study for RuleComparison {
    type Subject = Subject;
    type Answer = Answer;
    type Tables = Tables;

    const KIND: Kind = folder::tables("compare", "a comparison of rules", &STEMS, SUMMARY);
    const NAME: &'static str = "rules";
    const ABOUT: &'static str = "Train all rules of an experiment and compare them over noise and mismatch";
    const NOTES: &'static str = "The runs are those of `run`, byte by byte: begun, gone on with or, from a folder, taken as they are. Without \
    levels the experiment's own grid says what noise and mismatch there are. Rules meet the same seeds, samples, chips and noise. Of every \
    rule, over the runs that differ by seed and chip alone: test accuracy, angle of the estimate to the exact gradient of the rule's \
    circuit, samples at rest, and the time and energy on the chip up to the epoch of the target accuracy (docs/cost.md; the circuit needs \
    [cost], and a solver that knows time).\n\n\
    Example:\n  dyadsim rules compare rules --noise 0,0.02 --mismatch 0,5% --target 0.9";
    const BELOW: Option<&'static str> = Some("rules");
    const FIGURES: &'static [Figure<Tables>] = figures::FIGURES;
    const PATHS: &'static [&'static str] = &["source", "runs"];
    const SINGLE: bool = true;
    const AT_HOME: bool = true;

    fn tables() -> Vec<Table> {
        vec![table::<RuleRow>(STEMS[0]), table::<RuleRunRow>(STEMS[1])]
    }

    fn arranged(command: Command) -> Command {
        let home =
            "Folder for tables and figures [default: the folder of the runs with -rules behind its name]";
        command.mut_arg("out", |arg| arg.help(home))
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Subject, Failure> {
        if !(self.target > 0.0 && self.target <= 1.0) {
            let accepted = "accepted: a share above 0, at most 1";
            return Err(Failure::input(anyhow!("--target {}\n  {accepted}", self.target)));
        }
        if self.source.is_dir() {
            return self.read_runs(given, watch).map(|runs| Subject::There(Box::new(runs)));
        }
        let set = levels::overrides(&self.source, given, &self.noise, &self.mismatch)?;
        let given = Given { set: [given.set.clone(), set].concat(), ..given.clone() };
        let (experiment, folder) = (Experiment::read(&self.source, &given)?, self.folder()?);
        // Told before anything is written.
        let written = file::read_text(&folder.join("experiment.toml"), file::DESCRIPTION);
        if written.is_ok_and(|written| written != experiment.base.to_toml()) {
            return Err(Failure::input(anyhow!(
                "{}: has runs of other settings\n  accepted: another --runs, or this folder in the place of the experiment",
                folder.display()
            )));
        }
        Ok(Subject::ToMake(Box::new(experiment), folder))
    }

    fn ask(&self, subject: &Subject, given: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        let compared = |runs: &Runs| work::compared(runs, self.target, given.precision);
        match subject {
            Subject::There(runs) => Ok(compared(runs)),
            Subject::ToMake(experiment, folder) => {
                watch.begin(Extent::Of(experiment.epochs(), "epochs"));
                let never = AtomicBool::new(false);
                experiment.carry_out(given, (folder, Mode::Resume), &never, watch)?;
                watch.end();
                Ok(compared(&Runs::read(folder, watch)?))
            }
        }
    }

    fn write(answer: &Answer, folder: &Path) -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &answer.tables.rows)?;
        write_table(folder, STEMS[1], &answer.runs)?;
        write_json(&folder.join(SUMMARY), &answer.tables.summary)
    }

    fn open(folder: &Path) -> Result<Tables, FigureError> {
        Ok(Tables { summary: read_json(&folder.join(SUMMARY))?, rows: read_csv(&folder.join("rules.csv"))? })
    }

    fn words(&self, _: &Subject, answer: &Answer, receipt: &Receipt<'_>) -> String {
        words::summary(&answer.tables, receipt.out)
    }

    fn document(&self, _: &Subject, answer: &Answer, _: &Receipt<'_>) -> Value {
        words::document(&answer.tables, &answer.runs)
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.source.clone()]
    }

    fn home(&self) -> Option<PathBuf> {
        let runs = self.folder().ok()?;
        let name = runs.file_name()?.to_string_lossy().into_owned();
        Some(runs.with_file_name(name + "-rules"))
    }
}

impl RuleComparison {
    /// The runs of a folder, as they were made.
    fn read_runs(&self, given: &Given, watch: &dyn Observer) -> Result<Runs, Failure> {
        let shown = self.source.display();
        let told = [("--noise", self.noise.is_empty()), ("--mismatch", self.mismatch.is_empty())];
        let told = told.into_iter().find(|(_, silent)| !silent).map(|(option, _)| option);
        let told = told.or(self.runs.is_some().then_some("--runs")).map(str::to_owned);
        let set = given.set.first().map(|setting| format!("--set {setting}"));
        if let Some(option) = told.or(set) {
            return Err(Failure::input(anyhow!(
                "{option}: {shown} is a folder of runs, which are taken as they were made\n  \
                 accepted: an experiment in its place, or neither"
            )));
        }
        let mut runs = Runs::read(&self.source, watch)?;
        if let Some(seed) = given.seed {
            runs.plans.retain(|plan| plan.seed == u64::from(seed));
        }
        if runs.plans.is_empty() {
            return Err(Failure::input(anyhow!("{shown}: no run has this --seed")));
        }
        Ok(runs)
    }

    /// The folder of the runs.
    fn folder(&self) -> Result<PathBuf, Failure> {
        if self.source.is_dir() {
            return Ok(self.source.clone());
        }
        if let Some(folder) = &self.runs {
            return Ok(folder.clone());
        }
        let loaded = find(EXPERIMENTS, &self.source)?.experiment(&[])?;
        let name = loaded.resolve(&[]).map_err(Failure::input)?.experiment.name;
        let levels = if self.noise.is_empty() && self.mismatch.is_empty() { "" } else { "-levels" };
        Ok(PathBuf::from("results").join(name + levels))
    }
}
