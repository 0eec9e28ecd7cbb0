//! `dyadsim robustness`: norms, local Lipschitz constants and adversarial accuracy of what the runs of a folder learned.

mod study;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, ValueEnum};

use super::progress::Terminal;
use super::output::conclude;
use super::report::{is_result, tables, want_own};
use super::{Failure, Global, Precision, folder};
use crate::analysis::robustness::Aim;
use crate::data::{Request, load};
use crate::experiment::replan;
use crate::figure::robustness::{Tables, draw_all};
use crate::record::RecordError;
use crate::record::json::write_json;
use crate::record::robustness_rows::{RobustRunRow, RobustSummary};
use crate::record::study::Kind;
use crate::record::table::write_table;
use crate::spec::load_experiment;
use study::{Sizes, Study};

/// Arguments of `robustness`.
#[derive(Debug, Args)]
#[command(
    after_help = "For every run of the folder, of its free circuit, which is a feed-forward network: the spectral norm of each layer \
    and of their product, the largest singular value of the Jacobian at test samples, and the accuracy that is left under FGSM (one \
    step) and PGD (steps of 2.5 epsilon/steps; a sample is lost if any point on the way of any climb is classified wrongly), inputs \
    kept in [0, 1] V. One climb up the loss often gets stuck: accuracies are upper bounds, and those of `--climb loss --starts 1` \
    can mislead. Means and standard errors are over runs that differ by seed and chip alone; `dyadsim plot` draws the figures \
    again.\n\n\
    Example:\n  dyadsim robustness results/mnist-robustness --samples 2000 --linf 0.05,0.1 --starts 3 --precision f32"
)]
pub struct Arguments {
    /// Output folder of `run`
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Test samples attacked, the first ones
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// Test samples whose Jacobian is looked at, the first ones
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    lipschitz: u32,
    /// Largest change of an input (V), several sizes
    #[arg(long, value_name = "EPS", value_delimiter = ',', default_values_t = [0.02, 0.05, 0.1, 0.2])]
    linf: Vec<f64>,
    /// Euclidean length of the change (V), several sizes
    #[arg(long, value_name = "EPS", value_delimiter = ',', default_values_t = [0.25, 0.5, 1.0, 2.0])]
    l2: Vec<f64>,
    /// Steps of PGD
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..=10_000))]
    steps: u16,
    /// What attacks climb
    #[arg(long, value_enum, default_value_t = Climbed::Classes)]
    climb: Climbed,
    /// Climbs of PGD: the first from the sample itself, the others from random points
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    starts: u32,
    /// Folder for tables and figures [default: DIR/robustness]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace tables of an earlier `robustness`
    #[arg(long)]
    force: bool,
}

/// What attacks climb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Climbed {
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
    fn aims(self, classes: usize) -> Vec<Aim> {
        match self {
            Self::Loss => vec![Aim::Loss],
            Self::Margin => vec![Aim::Margin],
            Self::Classes => (1..classes).map(Aim::Class).collect(),
        }
    }
}

/// Tables.
const STEMS: [&str; 2] = ["robustness", "robustness_runs"];
/// Settings.
const SUMMARY: &str = "robustness.json";
/// The study.
const KIND: Kind = folder::tables("robustness", "robustness", &STEMS, SUMMARY);

/// Carries the command out.
///
/// # Errors
/// Bad input; tables that cannot be written.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let sizes = Sizes { linf: sorted("linf", &arguments.linf)?, l2: sorted("l2", &arguments.l2)? };
    let (study, settings) = prepare(global, arguments, sizes)?;
    let out = arguments.out.clone().unwrap_or_else(|| arguments.folder.join("robustness"));
    want_own(&arguments.folder, arguments.out.is_none(), &out)?;
    let to = folder::claim(&out, arguments.force, KIND, &[])?;
    let rows = match global.precision {
        Precision::F32 => global.on_threads(|| study.rows::<f32>(global))?,
        Precision::F64 => global.on_threads(|| study.rows::<f64>(global))?,
    }?;
    let summary = RobustSummary {
        name: study.name.clone(),
        settings,
        samples: study.samples.min(study.dataset.test.len()),
        lipschitz_samples: study.lipschitz.min(study.dataset.test.len()),
        steps: study.steps,
        climbed: arguments.climb.name().into(),
        starts: study.starts,
        linf: study.sizes.linf.clone(),
        l2: study.sizes.l2.clone(),
        precision: if global.precision == Precision::F32 { "f32".into() } else { "f64".into() },
    };
    let tables = Tables { rows: study::means(&rows, &study.broken), summary };
    folder::fill_plainly(to, &tables.summary, |out| {
        write(out, &tables, &rows).map_err(Failure::running)?;
        draw_all(&out.join("figures"), &tables, &[]).map(|_| ()).map_err(Failure::running)
    })?;
    conclude(global, &text::summary(&tables, &out), &text::document(&tables, &rows))
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

/// Reads everything that the folder names, and its settings in a line.
fn prepare(global: &Global, arguments: &Arguments, sizes: Sizes) -> Result<(Study, String), Failure> {
    if let Some(setting) = global.set.first() {
        return Err(Failure::input(anyhow!(
            "--set {setting}: `robustness` takes runs as they were made; leave --set out"
        )));
    }
    let found = tables(&arguments.folder)?;
    folder::check(&arguments.folder, &is_result, &Terminal::new(global))?;
    let loaded = load_experiment(&arguments.folder.join("experiment.toml"), &[]).map_err(Failure::input)?;
    let mut plans = replan(&loaded).map_err(Failure::input)?;
    if let Some(seed) = global.seed {
        plans.retain(|plan| plan.seed == u64::from(seed));
    }
    let Some(first) = plans.first() else {
        return Err(Failure::input(anyhow!("{}: no run has this --seed", arguments.folder.display())));
    };
    let dataset = load(&Request::from(&first.resolved.experiment.dataset)).map_err(Failure::input)?;
    let aims = arguments.climb.aims(dataset.classes);
    let broken = found.runs.iter().filter(|run| !run.complete()).map(|run| run.name.clone()).collect();
    let study = Study {
        name: found.name.clone(),
        folder: arguments.folder.clone(),
        plans,
        dataset,
        broken,
        samples: arguments.samples as usize,
        lipschitz: arguments.lipschitz as usize,
        steps: arguments.steps.into(),
        sizes,
        aims,
        starts: arguments.starts,
    };
    Ok((study, found.settings_line("mean ± standard error")))
}

/// Writes the tables.
fn write(out: &Path, tables: &Tables, rows: &[RobustRunRow]) -> Result<(), RecordError> {
    write_table(out, STEMS[0], &tables.rows)?;
    write_table(out, STEMS[1], rows)?;
    write_json(&out.join(SUMMARY), &tables.summary)
}
