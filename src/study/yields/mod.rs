//! `dyadsim yield`: which share of chips meets a target, and how far devices may be spread for a wanted share.

mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use serde_json::Value as Json;

use super::axis::Axis;
use super::gradient::{Point, points};
use super::inputs::Files;
use super::output::conclude;
use super::{Failure, Global, folder, progress};
use crate::analysis::yields::{Target, chips_needed, clopper_pearson, limits, passed, tolerance};
use crate::figure::yields::{Tables, draw_all};
use crate::record::RecordError;
use crate::record::json::{read_json, write_json};
use crate::record::rows::{RunSummary, Summary};
use crate::record::study::Kind;
use crate::record::table::write_table;
use crate::record::yield_rows::{ToleranceRow, YieldRow, YieldSummary};
use crate::spec::{CircuitSpec, LARGEST_OFFSET, MismatchSpec, nearest};
use crate::units::significant;

/// Arguments of `yield`.
#[derive(Debug, Args)]
#[command(
    after_help = "A chip is a seed of [mismatch]; chips count on from mismatch.seed. For given weights the target is --margin or \
    --angle, without training; for trained chips give the output folder of `run` of an experiment with `chips = N`, and --accuracy. \
    --tolerance finds, with all else as the circuit has it whatever --vary says, the largest spread of one parameter that keeps \
    the wanted share: the same chips, their devices moved outward in proportion.\n\n\
    Example:\n  dyadsim yield circuits/ideal.toml --weights w.safetensors --input x.safetensors --target y.safetensors \
    --margin 0.1 --tolerance all --chips 400 --out results/yield"
)]
pub struct Arguments {
    /// Circuit file, name of a built-in circuit, or output folder of `run`
    source: PathBuf,
    /// Weights `W.1`, `b.1` … (safetensors)
    #[arg(long, value_name = "FILE", requires = "input")]
    weights: Option<PathBuf>,
    /// Inputs `x`, `[samples, n_0]` (safetensors, V)
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<PathBuf>,
    /// Targets `y`, `[samples, n_L]` (safetensors, V)
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// Target: this margin, −(largest real part of an eigenvalue) in units of 1/τ, for every sample
    #[arg(long, value_name = "M", conflicts_with_all = ["angle", "accuracy"], allow_negative_numbers = true)]
    margin: Option<f64>,
    /// Target: this angle of the whole estimate to backpropagation on the chip (degrees), all samples settled
    #[arg(long, value_name = "DEG", conflicts_with = "accuracy")]
    angle: Option<f64>,
    /// Target: this test accuracy after the last epoch
    #[arg(long, value_name = "SHARE")]
    accuracy: Option<f64>,
    /// An axis `KEY=FROM:TO:N` or `KEY=FROM:TO:N:log` (at most two)
    #[arg(long, value_name = "AXIS")]
    vary: Vec<Axis>,
    /// Find the tolerance of a key of `[mismatch]`, such as `gain_dtod`, or of `all` (repeatable)
    #[arg(long, value_name = "KEY")]
    tolerance: Vec<String>,
    /// Largest spread that is looked at (offsets: V) [default: what a circuit file may say, 0.3 or, if lognormal, 2; offsets 0.5 V]
    #[arg(long, value_name = "SPREAD", requires = "tolerance")]
    most: Option<f64>,
    /// First chip, a seed of [mismatch] [default: that of the circuit file, else the one that the weights were trained on, else --seed]
    #[arg(long, value_name = "N", requires = "weights")]
    chip: Option<u32>,
    /// Chips
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    chips: u32,
    /// Wanted share of chips
    #[arg(long = "yield", value_name = "SHARE", default_value_t = 0.99)]
    wanted: f64,
    /// Confidence of intervals
    #[arg(long, value_name = "P", default_value_t = 0.95)]
    confidence: f64,
    /// Folder for tables and figures [default: none is written]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace tables of an earlier `yield`
    #[arg(long, requires = "out")]
    force: bool,
}

/// Tables, and the file that says what they are.
const STEMS: [&str; 2] = ["yield", "yield_tolerance"];
/// Settings.
const SUMMARY: &str = "yield.json";
/// The study.
const KIND: Kind = folder::tables("yield", "yield", &STEMS, SUMMARY);
/// Largest pair offset that is looked at (V), unless told otherwise.
const OFFSET: f64 = 0.5;
/// Keys of spreads.
const KEYS: [&str; 6] =
    ["offset_dtod", "time_constant_dtod", "gain_dtod", "mixing_dtod", "scale_dtod", "synapse_dtod"];

/// Carries the command out.
///
/// # Errors
/// Bad input; tables that cannot be written.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.want_double("yield")?;
    check_targets(arguments)?;
    let out = arguments.out.as_deref();
    let inputs = [
        Some(&arguments.source),
        arguments.weights.as_ref(),
        arguments.input.as_ref(),
        arguments.target.as_ref(),
    ];
    let inputs: Vec<PathBuf> = inputs.into_iter().flatten().cloned().collect();
    let claim = || out.map(|out| folder::claim(out, arguments.force, KIND, &inputs)).transpose();
    let mut first = None;
    let (tables, study) = if let Some(least) = arguments.accuracy {
        let runs = trained(arguments)?;
        (of_runs(arguments, &runs, least), claim()?)
    } else {
        let asked = prepare(global, arguments)?;
        let study = claim()?;
        first = asked.base.setup.spec.mismatch.seed;
        (global.on_threads(|| of_chips(global, arguments, &asked))?, study)
    };
    if let Some(study) = study {
        folder::fill(study, &tables.summary, |out| write(out, &tables))?;
    }
    conclude(global, &text::summary(&tables, out), &text::document(&tables, first))
}

/// Refuses targets and shares that no chip, or every chip, would meet; a percentage is answered with its share.
fn check_targets(arguments: &Arguments) -> Result<(), Failure> {
    let refused = |option: &str, found: f64, accepted: &str| {
        let share = found / 100.0;
        let meant = option != "angle" && found > 1.0 && share <= 1.0;
        let meant = if meant { format!("; did you mean {}?", significant(share, 6)) } else { String::new() };
        Err(Failure::input(anyhow!("--{option} {found}\n  accepted: {accepted}{meant}")))
    };
    for (option, share) in [("yield", arguments.wanted), ("confidence", arguments.confidence)] {
        if !(share > 0.0 && share < 1.0) {
            return refused(option, share, "a share above 0 and below 1");
        }
    }
    match (arguments.accuracy, arguments.angle, arguments.margin) {
        (Some(share), ..) if !(0.0..=1.0).contains(&share) => {
            refused("accuracy", share, "a share from 0 to 1")
        }
        (_, Some(angle), _) if !(0.0..=180.0).contains(&angle) => {
            refused("angle", angle, "an angle from 0 to 180 degrees")
        }
        (.., Some(margin)) if !margin.is_finite() => refused("margin", margin, "a finite number"),
        _ => Ok(()),
    }
}

/// What is asked of given weights.
struct Study {
    /// Where yields are wanted.
    points: Vec<Point>,
    /// The circuit as it is.
    base: Point,
    target: Target,
    /// Spreads whose tolerance is wanted, and the largest that is looked at.
    keys: Vec<(&'static str, f64)>,
}

/// Reads and checks what given weights need.
fn prepare(global: &Global, arguments: &Arguments) -> Result<Study, Failure> {
    let (Some(weights), Some(input), Some(_)) = (&arguments.weights, &arguments.input, &arguments.target)
    else {
        return Err(Failure::input(anyhow!(
            "yield of a circuit needs --weights, --input and --target; of trained chips a folder of `run` and --accuracy"
        )));
    };
    let target = match (arguments.margin, arguments.angle) {
        (Some(margin), _) => Target::Margin(margin),
        (_, Some(angle)) => Target::Angle(angle),
        _ => {
            return Err(Failure::input(anyhow!(
                "no target\n  accepted: --margin M, --angle DEG or --accuracy SHARE"
            )));
        }
    };
    let files = Files {
        circuit: arguments.source.clone(),
        weights: weights.clone(),
        input: input.clone(),
        target: arguments.target.clone(),
        chip: arguments.chip,
    };
    let base = points(global, &files, &[])?.remove(0);
    files.warn(&base.setup);
    let points = points(global, &files, &arguments.vary)?;
    let mut keys = Vec::new();
    for key in &arguments.tolerance {
        let short = key.trim_start_matches("mismatch.");
        match KEYS.iter().find(|known| **known == short) {
            Some(known) => keys.push(*known),
            None if short == "all" => keys.extend(KEYS),
            None => {
                let meant =
                    nearest(short, KEYS).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
                let known = KEYS.join(", ");
                return Err(Failure::input(anyhow!(
                    "--tolerance {key}: no such spread{meant}\n  accepted: all, {known}"
                )));
            }
        }
    }
    if let Some(twice) = keys.iter().enumerate().find_map(|(at, key)| keys[..at].contains(key).then_some(key))
    {
        return Err(Failure::input(anyhow!(
            "--tolerance {twice} is asked for twice\n  accepted: each spread once"
        )));
    }
    let mismatch = &base.setup.spec.mismatch;
    let keys = keys.into_iter().map(|key| Ok((key, most(arguments.most, key, mismatch)?)));
    let keys = keys.collect::<Result<_, Failure>>()?;
    Ok(Study { points, base, target, keys })
}

/// Largest spread of a key that is looked at: none that a circuit file could not say.
fn most(asked: Option<f64>, key: &str, mismatch: &MismatchSpec) -> Result<f64, Failure> {
    let (usual, widest) = match key {
        "offset_dtod" => (OFFSET, LARGEST_OFFSET),
        _ => (mismatch.widest(), mismatch.widest()),
    };
    let most = asked.unwrap_or(usual);
    if most > 0.0 && most <= widest {
        return Ok(most);
    }
    let hint = if widest < 1.0 { "; wider spreads want mismatch.distribution = \"lognormal\"" } else { "" };
    let accepted = format!("above 0, at most {widest}{hint}");
    Err(Failure::input(anyhow!("--most {most} for {key}\n  accepted: {accepted}")))
}

/// Yields of given weights, and tolerances.
fn of_chips(global: &Global, arguments: &Arguments, study: &Study) -> Tables {
    let Study { points, base, target, keys } = study;
    let target = *target;
    let chips = arguments.chips;
    let bar = progress::bar(global, chips as usize * (points.len() + keys.len()), "chips");
    let tick = || bar.inc(1);
    let yields = points.iter().map(|point| {
        let setup = &point.setup;
        let found = passed((&setup.spec, &setup.weights, &setup.batch), target, chips, &tick);
        let at = (point.values.first().copied(), point.values.get(1).copied());
        row(arguments, at, None, (found, chips as usize))
    });
    let yields = yields.collect();
    let setup = &base.setup;
    let tolerances = keys.iter().map(|&(key, most)| {
        let of = |spread: f64| {
            let mut spec: CircuitSpec = setup.spec.clone();
            *spread_of(&mut spec.mismatch, key) = spread;
            spec
        };
        let found = limits(&of, (&setup.weights, &setup.batch), target, (chips, most), &tick);
        let (value, low, high) = tolerance(&found, arguments.wanted, arguments.confidence);
        let finite = |v: f64| Some(v).filter(|v| v.is_finite());
        ToleranceRow {
            key: format!("mismatch.{key}"),
            chips: chips as usize,
            failed_without: found.iter().filter(|&&limit| limit == 0.0).count(),
            most,
            tolerance: finite(value),
            low: low.map(|low| low.min(most)),
            high: high.and_then(finite),
        }
    });
    let tolerances = tolerances.collect();
    bar.finish_and_clear();
    let words = match target {
        Target::Margin(margin) => format!("margin of at least {margin}/τ"),
        Target::Angle(angle) => format!("angle to backpropagation of at most {angle}°"),
    };
    let varied: Vec<String> = arguments.vary.iter().map(|axis| axis.key.clone()).collect();
    let settings = format!("{}, {chips} chips", setup.words_from(&varied));
    Tables { summary: summary(arguments, settings, words), yields, tolerances }
}

/// The spread of a key.
fn spread_of<'m>(mismatch: &'m mut MismatchSpec, key: &str) -> &'m mut f64 {
    match key {
        "offset_dtod" => &mut mismatch.offset_dtod,
        "time_constant_dtod" => &mut mismatch.time_constant_dtod,
        "gain_dtod" => &mut mismatch.gain_dtod,
        "mixing_dtod" => &mut mismatch.mixing_dtod,
        "scale_dtod" => &mut mismatch.scale_dtod,
        _ => &mut mismatch.synapse_dtod,
    }
}

/// Runs of an output folder, which must be of several chips.
fn trained(arguments: &Arguments) -> Result<Vec<RunSummary>, Failure> {
    let path = arguments.source.join("summary.json");
    let summary: Summary = read_json(&path).map_err(Failure::input)?;
    folder::check(&arguments.source, &|name| name == "summary.json")?;
    if !arguments.vary.is_empty() || !arguments.tolerance.is_empty() {
        return Err(Failure::input(anyhow!(
            "--vary and --tolerance are for given weights; vary trained chips in the experiment's [grid]"
        )));
    }
    if summary.runs.iter().all(|run| run.chip.is_none()) {
        return Err(Failure::input(anyhow!(
            "{}: the experiment has no several chips\n  accepted: a folder of `run` with `chips = N` in the experiment",
            path.display()
        )));
    }
    Ok(summary.runs)
}

/// Yields of trained chips, in groups of equal rule and settings.
fn of_runs(arguments: &Arguments, runs: &[RunSummary], least: f64) -> Tables {
    let name = |run: &RunSummary| {
        let settings = run.settings.iter().map(|(key, value): (&String, &Json)| format!(" {key}={value}"));
        let number = |name, v: Option<f64>| v.map(|v| format!(" {name}={v}")).unwrap_or_default();
        run.rule.clone() + &number("α", run.alpha) + &number("β", run.beta) + &settings.collect::<String>()
    };
    let mut groups: Vec<String> = Vec::new();
    for run in runs {
        let name = name(run);
        if !groups.contains(&name) {
            groups.push(name);
        }
    }
    let yields = groups.iter().map(|group| {
        let members: Vec<&RunSummary> = runs.iter().filter(|run| name(run) == *group).collect();
        // A run that did not end well, or whose accuracy is NaN, is no chip that passes.
        let found =
            members.iter().filter(|run| run.status == "complete" && run.test_accuracy >= least).count();
        row(arguments, (None, None), Some(group.clone()), (found, members.len()))
    });
    let settings = format!("{}: {} runs", arguments.source.display(), runs.len());
    let words = format!("test accuracy of at least {least}");
    Tables { yields: yields.collect(), summary: summary(arguments, settings, words), tolerances: Vec::new() }
}

fn row(
    arguments: &Arguments,
    (x, y): (Option<f64>, Option<f64>),
    group: Option<String>,
    (passed, chips): (usize, usize),
) -> YieldRow {
    let (low, high) = clopper_pearson(passed, chips, arguments.confidence);
    YieldRow { x, y, group, chips, passed, share: passed as f64 / chips as f64, low, high }
}

fn summary(arguments: &Arguments, settings: String, target: String) -> YieldSummary {
    YieldSummary {
        settings,
        target,
        keys: arguments.vary.iter().map(|axis| axis.key.clone()).collect(),
        wanted: arguments.wanted,
        confidence: arguments.confidence,
        chips_needed: chips_needed(arguments.wanted, arguments.confidence),
    }
}

/// Writes everything.
fn write(out: &Path, tables: &Tables) -> Result<(), Failure> {
    let written = || -> Result<(), RecordError> {
        write_table(out, STEMS[0], &tables.yields)?;
        write_table(out, STEMS[1], &tables.tolerances)?;
        write_json(&out.join(SUMMARY), &tables.summary)
    };
    written().map_err(Failure::running)?;
    let tables = Tables::read(out).map_err(Failure::running)?;
    draw_all(&out.join("figures"), &tables, &[]).map(|_| ()).map_err(Failure::running)
}
