//! The work: chips are drawn and held against the target.

use anyhow::anyhow;
use serde_json::Value as Json;

use super::super::grid::{Point, expand_grid};
use super::super::inputs::Files;
use super::super::{Extent, Failure, Given, Observer, folder};
use super::{Answer, ToleranceRow, Yield, YieldRow, YieldSummary};
use crate::record::json::read_json;
use crate::study::train::rows::{RunSummary, Summary};
use dyadsim_core::analysis::yields::{Target, chips_needed, clopper_pearson, limits, passed, tolerance};
use dyadsim_core::spec::{CircuitSpec, LARGEST_OFFSET, MismatchSpec, nearest};
use dyadsim_core::units::significant;

/// Largest pair offset that is looked at (V), unless told otherwise.
const OFFSET: f64 = 0.5;
/// Keys of spreads.
const KEYS: [&str; 6] =
    ["offset_dtod", "time_constant_dtod", "gain_dtod", "mixing_dtod", "scale_dtod", "synapse_dtod"];

/// Refuses targets and shares that no chip, or every chip, would meet; a percentage is answered with its
/// share.
fn check_targets(settings: &Yield) -> Result<(), Failure> {
    let refused = |option: &str, found: f64, accepted: &str| {
        let share = found / 100.0;
        let meant = option != "angle" && found > 1.0 && share <= 1.0;
        let meant = if meant { format!("; did you mean {}?", significant(share, 6)) } else { String::new() };
        Err(Failure::input(anyhow!("--{option} {found}\n  accepted: {accepted}{meant}")))
    };
    for (option, share) in [("yield", settings.wanted), ("confidence", settings.confidence)] {
        if !(share > 0.0 && share < 1.0) {
            return refused(option, share, "a share above 0 and below 1");
        }
    }
    match (settings.accuracy, settings.angle, settings.margin) {
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

/// What the question is about.
pub enum Subject {
    /// Chips with given weights.
    Chips(Box<Chips>),
    /// Runs of trained chips.
    Runs(Vec<RunSummary>, f64),
}

impl Subject {
    /// The first chip of given weights.
    pub fn first_chip(&self) -> Option<u64> {
        match self {
            Self::Chips(chips) => chips.base.setup.spec.mismatch.seed,
            Self::Runs(..) => None,
        }
    }
}

/// Reads and checks everything.
pub fn read(settings: &Yield, given: &Given, watch: &dyn Observer) -> Result<Subject, Failure> {
    check_targets(settings)?;
    match settings.accuracy {
        Some(least) => Ok(Subject::Runs(trained(settings, watch)?, least)),
        None => Ok(Subject::Chips(Box::new(prepare(given, settings, watch)?))),
    }
}

/// Counts the chips that meet the target.
pub fn carry_out(settings: &Yield, subject: &Subject, watch: &dyn Observer) -> Answer {
    match subject {
        Subject::Chips(chips) => of_chips(settings, chips, watch),
        Subject::Runs(runs, least) => of_runs(settings, runs, *least),
    }
}

/// What is asked of given weights.
pub struct Chips {
    /// Where yields are wanted.
    points: Vec<Point>,
    /// The circuit as it is.
    base: Point,
    target: Target,
    /// Spreads whose tolerance is wanted, and the largest that is looked at.
    keys: Vec<(&'static str, f64)>,
}

/// Reads and checks what given weights need.
fn prepare(given: &Given, settings: &Yield, watch: &dyn Observer) -> Result<Chips, Failure> {
    let (Some(weights), Some(input), Some(_)) = (&settings.weights, &settings.input, &settings.target) else {
        return Err(Failure::input(anyhow!(
            "yield of a circuit needs --weights, --input and --target; of trained chips a folder of `run` and --accuracy"
        )));
    };
    let target = match (settings.margin, settings.angle) {
        (Some(margin), _) => Target::Margin(margin),
        (_, Some(angle)) => Target::Angle(angle),
        _ => {
            return Err(Failure::input(anyhow!(
                "no target\n  accepted: --margin M, --angle DEG or --accuracy SHARE"
            )));
        }
    };
    let files = Files {
        circuit: settings.source.clone(),
        weights: weights.clone(),
        input: input.clone(),
        target: settings.target.clone(),
        chip: settings.chip,
    };
    let base = expand_grid(given, &files, &[])?.remove(0);
    files.want_dyads(&base.setup)?;
    files.warn(&base.setup, watch);
    let points = expand_grid(given, &files, &settings.vary)?;
    let mismatch = &base.setup.spec.mismatch;
    let keys = spreads(settings)?.into_iter().map(|key| Ok((key, most(settings.most, key, mismatch)?)));
    let keys = keys.collect::<Result<_, Failure>>()?;
    Ok(Chips { points, base, target, keys })
}

/// The spreads whose tolerance is asked for, each once.
fn spreads(settings: &Yield) -> Result<Vec<&'static str>, Failure> {
    let mut keys = Vec::new();
    for key in &settings.tolerance {
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
    Ok(keys)
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
fn of_chips(settings: &Yield, subject: &Chips, watch: &dyn Observer) -> Answer {
    let Chips { points, base, target, keys } = subject;
    let target = *target;
    let chips = settings.chips;
    watch.begin(Extent::Of(chips as usize * (points.len() + keys.len()), "chips"));
    let tick = || watch.done(1);
    let yields = points.iter().map(|point| {
        let setup = &point.setup;
        let found = passed((&setup.spec, &setup.weights, &setup.batch), target, chips, &tick);
        let at = (point.values.first().copied(), point.values.get(1).copied());
        row(settings, at, None, (found, chips as usize))
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
        let (value, low, high) = tolerance(&found, settings.wanted, settings.confidence);
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
    let words = match target {
        Target::Margin(margin) => format!("margin of at least {margin}/τ"),
        Target::Angle(angle) => format!("angle to backpropagation of at most {angle}°"),
    };
    let varied: Vec<String> = settings.vary.iter().map(|axis| axis.key.clone()).collect();
    let line = format!("{}, {chips} chips", setup.words_from(&varied));
    Answer { summary: summary(settings, line, words), yields, tolerances }
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
fn trained(settings: &Yield, watch: &dyn Observer) -> Result<Vec<RunSummary>, Failure> {
    let path = settings.source.join("summary.json");
    let summary: Summary = read_json(&path).map_err(Failure::input)?;
    folder::check(&settings.source, &|name| name == "summary.json", watch)?;
    if !settings.vary.is_empty() || !settings.tolerance.is_empty() {
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
fn of_runs(settings: &Yield, runs: &[RunSummary], least: f64) -> Answer {
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
        row(settings, (None, None), Some(group.clone()), (found, members.len()))
    });
    let line = format!("{}: {} runs", settings.source.display(), runs.len());
    let words = format!("test accuracy of at least {least}");
    Answer { yields: yields.collect(), summary: summary(settings, line, words), tolerances: Vec::new() }
}

fn row(
    settings: &Yield,
    (x, y): (Option<f64>, Option<f64>),
    group: Option<String>,
    (passed, chips): (usize, usize),
) -> YieldRow {
    let (low, high) = clopper_pearson(passed, chips, settings.confidence);
    YieldRow { x, y, group, chips, passed, share: passed as f64 / chips as f64, low, high }
}

fn summary(settings: &Yield, line: String, target: String) -> YieldSummary {
    YieldSummary {
        settings: line,
        target,
        keys: settings.vary.iter().map(|axis| axis.key.clone()).collect(),
        wanted: settings.wanted,
        confidence: settings.confidence,
        chips_needed: chips_needed(settings.wanted, settings.confidence),
    }
}
