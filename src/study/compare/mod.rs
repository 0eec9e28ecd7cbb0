//! `dyadsim compare`: what different rules learn from the same start, layer by layer, along training.

mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;

use super::progress::Terminal;
use super::output::conclude;
use super::report::{is_result, tables, want_own};
use super::{Failure, Global, folder, progress};
use crate::data::{Request, load};
use crate::experiment::compare::{Comparison, Study};
use crate::experiment::replan;
use crate::figure::comparison::{Tables, draw_all};
use crate::record::RecordError;
use crate::record::json::write_json;
use crate::record::study::Kind;
use crate::record::table::write_table;
use crate::spec::load_experiment;

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(
    after_help = "Compared are every two rules at the same seed, chip and settings (backpropagation has no α and no β and pairs with \
    all): relative distance and cosine of the weights, cosine of what training has added to them, linear CKA of what the layers of \
    the free circuit say to the test set, principal angles between the leading singular subspaces, agreement of predictions; and \
    which layer parts first. Along training if the experiment has `snapshots = true`, else at the end.\n\n\
    Example:\n  dyadsim compare results/digits-comparison --threshold 0.1"
)]
pub struct Arguments {
    /// Output folder of `run`
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Relative distance `‖W_a − W_b‖_F / ‖W_b‖_F` above which a layer has parted
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    threshold: f64,
    /// Singular vectors that span the leading subspaces, or as many as a layer has
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    leading: u16,
    /// Folder for tables and figures [default: DIR/compare]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace tables of an earlier `compare`
    #[arg(long)]
    force: bool,
}

/// Tables, and the file that says what they are.
const STEMS: [&str; 4] = ["compare", "compare_predictions", "compare_departure", "compare_groups"];
/// Settings and conclusions.
const SUMMARY: &str = "compare.json";
/// The study.
const KIND: Kind = folder::tables("compare", "compare", &STEMS, SUMMARY);

/// Carries the command out.
///
/// # Errors
/// Bad input; tables that cannot be written.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.want_plain("compare")?;
    if !(arguments.threshold > 0.0 && arguments.threshold.is_finite()) {
        return Err(Failure::input(anyhow!(
            "--threshold {}\n  accepted: a number above 0",
            arguments.threshold
        )));
    }
    let runs = tables(&arguments.folder)?;
    folder::check(&arguments.folder, &is_result, &Terminal::new(global))?;
    let loaded = load_experiment(&arguments.folder.join("experiment.toml"), &[]).map_err(Failure::input)?;
    let plans = replan(&loaded).map_err(Failure::input)?;
    let base = loaded.resolve(&[]).map_err(Failure::input)?;
    let dataset = load(&Request::from(&base.experiment.dataset)).map_err(Failure::input)?;
    let study = Study {
        folder: &arguments.folder,
        plans: &plans,
        dataset: &dataset,
        threshold: arguments.threshold,
        leading: arguments.leading.into(),
    };
    if study.steps() == 0 {
        return Err(Failure::input(anyhow!(
            "{}: no two runs differ in their rule alone\n  accepted: an experiment with two rules or more",
            arguments.folder.display()
        )));
    }
    let out = arguments.out.clone().unwrap_or_else(|| arguments.folder.join("compare"));
    want_own(&arguments.folder, arguments.out.is_none(), &out)?;
    let to = folder::claim(&out, arguments.force, KIND, &[])?;
    let bar = progress::bar(global, study.steps(), "epochs of a seed");
    let at_rest = |name: &str| {
        let run = runs.runs.iter().find(|run| run.name == name)?;
        run.summary.as_ref().and_then(crate::record::rows::RunSummary::at_rest)
    };
    let found = global.on_threads(|| study.compare(&at_rest, &|| bar.inc(1)))?.map_err(Failure::input)?;
    bar.finish_and_clear();
    folder::fill_plainly(to, &found.summary, |out| write(out, &found))?;
    conclude(global, &text::summary(&found, &out), &text::document(&found))
}

/// Writes everything.
fn write(out: &Path, found: &Comparison) -> Result<(), Failure> {
    let written = || -> Result<(), RecordError> {
        write_table(out, STEMS[0], &found.layers)?;
        write_table(out, STEMS[1], &found.predictions)?;
        write_table(out, STEMS[2], &found.departures)?;
        write_table(out, STEMS[3], &found.groups)?;
        write_json(&out.join(SUMMARY), &found.summary)
    };
    written().map_err(Failure::running)?;
    let tables = Tables::read(out).map_err(Failure::running)?;
    draw_all(&out.join("figures"), &tables, &[]).map(|_| ()).map_err(Failure::running)
}
