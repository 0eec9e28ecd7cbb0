//! `dyadsim run`: the main job.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;

use super::epochs::Epochs;
use super::output::{answer, note, print, print_json, show};
use super::progress::Terminal;
use super::{Failure, Global};
use crate::record::folder::{Mode, replaced};
use crate::study::settings::Written;
use crate::study::train::figures::summary_of;
use crate::study::train::rows::Summary;
use crate::study::train::{Ending, Experiment, Forecast, expected, words};
use crate::study::{Place, ask_again};

/// Arguments of `run`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(
    after_help = "Example:\n  dyadsim run experiments/two_tales.toml --set epochs=5 --out results/short"
)]
pub struct Arguments {
    /// Experiment file, built-in experiment (`dyadsim experiments`), or `study.toml` of an earlier answer
    #[arg(value_name = "NAME_OR_FILE")]
    experiment: PathBuf,
    /// Output folder [default: results/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with an interrupted run in the same folder
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Replace an existing output folder
    #[arg(long)]
    force: bool,
    /// Print runs, memory, disk and an estimated time, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Fail (status 1) if the experiment's `[expect]` does not hold
    #[arg(long)]
    check: bool,
}

/// Exit status after Ctrl-C: 128 and the number of the signal, as shells have it.
const INTERRUPTED: u8 = 130;

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// Carries the command out.
///
/// # Errors
///
/// Bad input, or a failure while running.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    if Written::is_one(&arguments.experiment) {
        return ask(global, arguments);
    }
    let experiment = Experiment::read(&arguments.experiment, global)?;
    if arguments.dry_run {
        let forecast = Forecast::of(&experiment, global);
        let time = indicatif::HumanDuration(Duration::from_secs_f64(forecast.seconds)).to_string();
        return show(global, &forecast.words(&time), &forecast.document());
    }
    let folder = arguments.out.clone().unwrap_or_else(|| experiment.home());
    let mode = match (arguments.resume, arguments.force) {
        (true, _) => Mode::Resume,
        (_, true) => Mode::Force,
        _ => Mode::New,
    };
    heed_interrupts();
    if !global.quiet {
        let controls = experiment.all.len() - experiment.plans.len();
        let controls = if controls > 0 { format!(" and {controls} controls") } else { String::new() };
        let (runs, epochs) = (experiment.plans.len(), experiment.epochs());
        note(&format_args!("runs: {runs}{controls}, epochs: {epochs}, threads: {}", global.threads()));
    }
    let bar = Epochs::new(experiment.epochs(), global.quiet);
    let ending = experiment.carry_out(global, (&folder, mode), &STOP, &bar);
    bar.finish();
    if !matches!(ending, Ok(Ending::Complete(_)))
        && let Some(kept) = replaced(&folder)
    {
        note(&format_args!("what was to be replaced is still there, in {}", kept.display()));
    }
    let summary = match ending? {
        Ending::AlreadyComplete => {
            note(&format_args!("{} is complete; nothing was changed", folder.display()));
            summary_of(&folder).map_err(Failure::running)?
        }
        Ending::Stopped => {
            note(&"stopped; what is finished is saved: go on with --resume");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Ending::Complete(summary) => *summary,
    };
    finish(global, arguments, (&experiment, &summary), &folder)
}

/// Lets Ctrl-C end the runs after the epochs under way, and a second one end at once.
fn heed_interrupts() {
    // Setting the handler can fail only if there is one already.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
        note(&"stopping after the epochs under way (Ctrl-C again to end at once)");
    });
}

/// Asks the question of a file, `study.toml` of an earlier answer or one like it.
fn ask(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    for (flag, given) in
        [("--resume", arguments.resume), ("--dry-run", arguments.dry_run), ("--check", arguments.check)]
    {
        if given {
            return Err(Failure::input(anyhow!(
                "{flag}: {} is a question, not an experiment\n  accepted: --out and --force",
                arguments.experiment.display()
            )));
        }
    }
    let place = Place { out: arguments.out.clone(), force: arguments.force };
    let done = ask_again(&arguments.experiment, &place, global, &Terminal::new(global))?;
    answer(global, &done)
}

/// Reports a complete experiment.
fn finish(
    global: &Global,
    arguments: &Arguments,
    (experiment, summary): (&Experiment, &Summary),
    folder: &Path,
) -> Result<ExitCode, Failure> {
    let verdicts = experiment.check(summary);
    let to_read = !global.json && !global.quiet;
    if global.json {
        print_json(summary)?;
    } else if to_read {
        let place = folder.display();
        print(&format!("{}\ntables, weights, figures and report.html are in {place}\n", words(summary)))?;
    }
    for verdict in &verdicts {
        match (to_read, verdict.holds) {
            (true, _) => print(&format!("{}\n", expected(verdict)))?,
            (_, false) => note(&expected(verdict)), // a warning to whoever does not read the rest
            _ => {}
        }
    }
    let held = verdicts.iter().all(|verdict| verdict.holds);
    Ok(if arguments.check && !held { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
