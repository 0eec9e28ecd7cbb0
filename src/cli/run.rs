//! `dyadsim run`: the main job.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::builtin::{EXPERIMENTS, find};
use super::output::{answer, note, print, print_json, show};
use super::progress::Terminal;
use super::{Failure, Global, Precision};
use crate::data::{Dataset, Request, load};
use crate::experiment::{
    Ending, ExperimentError, Need, Observer, Options, RunPlan, Verdict, carry_out, check, check_network,
    common, controls, plan, time_of_a_batch,
};
use crate::figure::{findings, summary_of};
use crate::record::folder::{Mode, replaced};
use crate::record::identity::RunKey;
use crate::record::rows::{RunSummary, Summary};
use crate::spec::{Override, Resolved};
use crate::statistics::{grouped, mean, range};
use crate::study::settings::Written;
use crate::study::{Place, ask_again};
use crate::units::{percent, significant};

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
    let Prepared { base, plans, dataset, inputs } = prepare(global, arguments)?;
    let folder =
        arguments.out.clone().unwrap_or_else(|| PathBuf::from("results").join(&base.experiment.name));
    let all = [&plans[..], &controls(&plans)].concat();
    if arguments.dry_run {
        return dry_run(global, &base, &all, &dataset);
    }
    let mode = match (arguments.resume, arguments.force) {
        (true, _) => Mode::Resume,
        (_, true) => Mode::Force,
        _ => Mode::New,
    };
    // A second Ctrl-C ends at once; setting the handler can fail only if there is one already.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
        note(&"stopping after the epochs under way (Ctrl-C again to end at once)");
    });
    let total = all.iter().map(|p| p.resolved.experiment.epochs).sum::<usize>();
    if !global.quiet {
        let moved = all.len() - plans.len();
        let moved = if moved > 0 { format!(" and {moved} controls") } else { String::new() };
        note(&format_args!("runs: {}{moved}, epochs: {total}, threads: {}", plans.len(), global.threads()));
    }
    let bar = Bar::new(total, global.quiet);
    let precision = match global.precision {
        Precision::F32 => "f32",
        Precision::F64 => "f64",
    };
    let (threads, stop) = (global.threads(), &STOP);
    let options = Options { folder: folder.clone(), mode, inputs, threads, precision, stop };
    let ending = match global.precision {
        Precision::F32 => carry_out::<f32>(&base, &plans, &dataset, &options, &bar),
        Precision::F64 => carry_out::<f64>(&base, &plans, &dataset, &options, &bar),
    };
    bar.bar.finish_and_clear();
    if !matches!(ending, Ok(Ending::Complete(_)))
        && let Some(kept) = replaced(&folder)
    {
        note(&format_args!("what was to be replaced is still there, in {}", kept.display()));
    }
    match ending.map_err(classify)? {
        Ending::AlreadyComplete => {
            note(&format_args!("{} is complete; nothing was changed", folder.display()));
            let summary = summary_of(&folder).map_err(Failure::running)?;
            finish(global, arguments, &base, &summary, &folder)
        }
        Ending::Stopped => {
            note(&"stopped; what is finished is saved: go on with --resume");
            Ok(ExitCode::from(INTERRUPTED))
        }
        Ending::Complete(summary) => finish(global, arguments, &base, &summary, &folder),
    }
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

/// What the command line names.
struct Prepared {
    base: Resolved,
    plans: Vec<RunPlan>,
    dataset: Dataset,
    /// Files that the settings were read from.
    inputs: Vec<PathBuf>,
}

/// Reads everything that the command line names and checks that it fits together.
fn prepare(global: &Global, arguments: &Arguments) -> Result<Prepared, Failure> {
    let mut overrides = global.set.clone();
    if let Some(seed) = global.seed {
        let seeds = toml::Value::Array(vec![toml::Value::Integer(seed.into())]);
        overrides.push(Override::new("seeds", seeds).by("--seed"));
    }
    let source = find(EXPERIMENTS, &arguments.experiment)?;
    let loaded = source.experiment(&overrides)?;
    let base = common(&loaded).map_err(Failure::input)?;
    let plans = plan(&loaded).map_err(Failure::input)?;
    let dataset = load(&Request::from(&base.experiment.dataset)).map_err(Failure::input)?;
    for plan in &plans {
        check_network(&plan.resolved.experiment.network, &dataset).map_err(Failure::input)?;
    }
    if let Some((key, told)) = need(global, &plans, &dataset).beyond() {
        return Err(Failure::input(
            loaded.refused(key, &format!("what fits: {told} on {} threads", global.threads())),
        ));
    }
    let file = source.path().map(PathBuf::from);
    let inputs = file.into_iter().chain(loaded.circuit_files()).collect();
    Ok(Prepared { base, plans, dataset, inputs })
}

/// What the runs take.
fn need(global: &Global, plans: &[RunPlan], dataset: &Dataset) -> Need {
    Need::of(plans, dataset, global.threads(), if global.precision == Precision::F32 { 4.0 } else { 8.0 })
}

/// Folder and data errors come before any work; the rest is a failure while running.
fn classify(error: ExperimentError) -> Failure {
    match error {
        ExperimentError::Record(_) | ExperimentError::Figure(_) | ExperimentError::Threads(_) => {
            Failure::running(error)
        }
        _ => Failure::input(error),
    }
}

/// Reports a complete experiment.
fn finish(
    global: &Global,
    arguments: &Arguments,
    base: &Resolved,
    summary: &Summary,
    folder: &std::path::Path,
) -> Result<ExitCode, Failure> {
    let verdicts = check(&base.experiment.expect, summary);
    let to_read = !global.json && !global.quiet;
    if global.json {
        print_json(summary)?;
    } else if to_read {
        let place = folder.display();
        let told: String = findings(summary).iter().map(|line| wrapped(line)).collect();
        print(&format!(
            "{}\n{told}\ntables, weights, figures and report.html are in {place}\n",
            table(summary)
        ))?;
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

/// A sentence in lines of at most 100 letters, those behind the first indented.
fn wrapped(sentence: &str) -> String {
    let mut lines = vec![String::from("-")];
    for word in sentence.split(' ') {
        if lines.last().is_some_and(|line| line.chars().count() + word.chars().count() >= 100) {
            lines.push(String::from(" "));
        }
        if let Some(line) = lines.last_mut() {
            *line += " ";
            *line += word;
        }
    }
    lines.join("\n") + "\n"
}

/// What came of an expectation.
fn expected(verdict: &Verdict) -> String {
    let bound = |name, value: Option<f64>| value.map(|v| format!(" {name} {v}")).unwrap_or_default();
    let wanted = bound("at least", verdict.wanted.at_least) + &bound("at most", verdict.wanted.at_most);
    let (low, high) = (significant(verdict.found.0, 5), significant(verdict.found.1, 5));
    let word = if verdict.holds { "holds" } else { "FAILS" };
    format!("expected {}{wanted}: found {low} to {high}, {word}", verdict.key)
}

/// Test accuracy by rule and gains: mean and range over the seeds, with the outcomes.
fn table(summary: &Summary) -> String {
    let mut lines = vec![format!(
        "{:<14} {:>6} {:>6} {:>22} {:>9} {:>9} {:>9} {:>9}",
        "rule", "α", "β", "test accuracy (range)", "at rest", "latch-up", "oscill.", "other"
    )];
    for (_, runs) in grouped(&summary.runs, RunKey::of) {
        let accuracy: Vec<f64> = runs.iter().map(|r| r.test_accuracy).collect();
        let (low, high) = range(accuracy.iter().copied());
        let bare = |share: f64| percent(share, 2).replace(" %", "");
        let cell = |value: Option<f64>| value.map(|v| format!("{v}")).unwrap_or_default();
        let share = |pick: &dyn Fn(&RunSummary) -> Option<f64>| {
            let values: Vec<f64> = runs.iter().filter_map(|r| pick(r)).collect();
            if values.is_empty() { String::new() } else { percent(mean(&values), 2) }
        };
        let settings = runs[0]
            .settings
            .iter()
            .map(|(path, value)| format!("  {} = {value}", path.rsplit('.').next().unwrap_or(path)));
        let other = share(&|r| Some(r.timeout? + r.not_finite?));
        lines.push(format!(
            "{:<14} {:>6} {:>6} {:>22} {:>9} {:>9} {:>9} {:>9}",
            runs[0].rule,
            cell(runs[0].alpha),
            cell(runs[0].beta),
            format!("{} ({}–{})", percent(mean(&accuracy), 2), bare(low), bare(high)),
            share(&|r| r.at_rest()),
            share(&|r| r.latch_up),
            share(&|r| r.oscillation),
            other + &settings.collect::<String>()
        ));
    }
    lines.join("\n") + "\n"
}

/// What a run would take. The time is measured on one batch of the first dyadic run.
fn dry_run(
    global: &Global,
    base: &Resolved,
    plans: &[RunPlan],
    dataset: &Dataset,
) -> Result<ExitCode, Failure> {
    let network = &base.experiment.network;
    let synapses: usize = network.windows(2).map(|n| n[1] * (n[0] + 1)).sum();
    let bytes = if global.precision == Precision::F32 { 4 } else { 8 };
    let need = need(global, plans, dataset);
    let memory = (need.weights + need.states) as usize;
    let disk = plans.len() * synapses * bytes;
    let updates: usize = plans
        .iter()
        .map(|p| p.resolved.experiment.epochs * dataset.train.len().div_ceil(p.resolved.experiment.batch))
        .sum();
    let seconds = match global.precision {
        Precision::F32 => time_of_a_batch::<f32>(plans, dataset),
        Precision::F64 => time_of_a_batch::<f64>(plans, dataset),
    };
    let estimate = updates as f64 * seconds / global.threads().min(plans.len()) as f64;
    let mebi = |b: usize| format!("{} MiB", significant(b as f64 / f64::from(1 << 20), 3));
    let mut text = format!(
        "runs      {} ({updates} updates in all)\n\
         memory    about {} for states and weights\n\
         disk      about {} of weights, as much again while running\n\
         time      about {} on {} threads (from one batch of each rule)\n",
        plans.len(),
        mebi(memory),
        mebi(disk),
        clock(estimate),
        global.threads()
    );
    let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
    for name in &names {
        text += &format!("  {name}\n");
    }
    let document = json!({
        "runs": names,
        "updates": updates,
        "memory_bytes": memory,
        "disk_bytes": disk,
        "seconds": estimate,
        "threads": global.threads(),
    });
    show(global, &text, &document)
}

/// Seconds as hours, minutes, seconds.
fn clock(seconds: f64) -> String {
    indicatif::HumanDuration(Duration::from_secs_f64(seconds)).to_string()
}

/// Least time between lines where no bar can be drawn.
const SILENCE: Duration = Duration::from_secs(10);

/// A progress bar over the epochs of all runs; where standard error is no terminal, a line now and then.
struct Bar {
    bar: ProgressBar,
    /// When the last line was written, if there are lines.
    lines: Option<Mutex<Instant>>,
}

impl Bar {
    fn new(total: usize, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} epochs, {eta} left  {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        let lines = (!quiet && !io::stderr().is_terminal()).then(|| Mutex::new(Instant::now()));
        Self { bar, lines }
    }

    /// Whether a line is due at `now`; then the next is due a while later.
    fn is_due(&self, now: Instant) -> bool {
        let Some(Ok(mut last)) = self.lines.as_ref().map(Mutex::lock) else { return false };
        let due = now.duration_since(*last) >= SILENCE;
        if due {
            *last = now;
        }
        due
    }
}

impl Observer for Bar {
    fn epochs_done(&self, run: &str, count: usize, _of: usize) {
        self.bar.set_message(run.to_owned());
        self.bar.inc(count as u64);
        if self.is_due(Instant::now()) {
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or_default());
            note(&format_args!("{done}/{all} epochs  {run}"));
        }
    }

    fn warn(&self, message: &str) {
        self.bar.suspend(|| note(&format_args!("warning: {message}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ten_seconds_apart_and_none_come_when_quiet() {
        let start = Instant::now();
        let bar = Bar { lines: Some(Mutex::new(start)), ..Bar::new(3, true) };
        let due = [5, 10, 15, 21].map(|seconds| bar.is_due(start + Duration::from_secs(seconds)));
        assert_eq!(due, [false, true, false, true]);
        assert!(!Bar::new(3, true).is_due(start + SILENCE));
    }
}
