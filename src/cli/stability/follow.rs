//! `stability --follow`: a branch of equilibria in one setting, and what happens on it.

use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::super::builtin::find;
use super::super::inputs::{Files, Setup};
use super::super::output::{conclude, rounded, some_lines};
use super::super::progress;
use super::super::{Failure, Global, folder};
use super::Output;
use crate::analysis::continuation::{
    Branch, CircuitFamily, Event, EventKind, Plan, Setting, first_on_rail, follow,
};
use crate::figure::branch as figure;
use crate::learn::Batch;
use crate::matrix::select_rows;
use crate::record::RecordError;
use crate::record::json::write_json;
use crate::record::stability_rows::{BranchEventRow, BranchOutputRow, BranchRow, BranchSummary};
use crate::record::table::write_table;
use crate::solve::DENSE;
use crate::spec::{CIRCUITS, CircuitSpec, Override};
use crate::units::significant;

/// Key of the factor of all weights, which no circuit file has.
const GAIN: &str = "weights.gain";
/// Events that the summary shows.
const SHOWN: usize = 40;
/// Settings of a branch.
const SUMMARY: &str = "branch.json";
/// Files of a branch.
const STEMS: [&str; 3] = ["branch", "branch_outputs", "branch_events"];

/// Flags of this mode.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Flags {
    /// Follow the equilibrium of the free start while KEY moves: any number of the circuit file, or weights.gain
    #[arg(long, value_name = "KEY=FROM:TO", group = "mode")]
    follow: Option<Way>,
    /// Sample whose equilibrium is followed, from 0
    #[arg(long, value_name = "N", requires = "follow", default_value_t = 0)]
    sample: usize,
}

impl Flags {
    /// What is to be followed, if this mode is asked for.
    pub fn way(&self) -> Option<&Way> {
        self.follow.as_ref()
    }
}

/// A setting and its range.
#[derive(Clone, Debug)]
pub struct Way {
    key: String,
    range: (f64, f64),
}

impl FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "accepted: KEY=FROM:TO with two different numbers, such as nudge.beta=0:2".to_owned();
        let (key, range) = text.split_once('=').ok_or_else(wrong)?;
        let (from, to) = range.split_once(':').ok_or_else(wrong)?;
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(wrong);
        let range = (number(from)?, number(to)?);
        if range.0 == range.1 {
            return Err(wrong());
        }
        if key.trim() == GAIN && range.0.min(range.1) < 0.0 {
            return Err(format!("`{GAIN}` is a factor of all weights; accepted: 0 or more"));
        }
        Ok(Self { key: key.trim().to_owned(), range })
    }
}

/// Carries the mode out.
///
/// # Errors
/// A key that does not take the numbers, a sample that is not there, a folder that is taken; no equilibrium to begin with.
pub fn run(
    global: &Global,
    (files, setup): (&Files, &Setup),
    (flags, output): (&Flags, &Output),
    way: &Way,
) -> Result<ExitCode, Failure> {
    check(flags, setup)?;
    for value in [way.range.0, way.range.1] {
        circuit_at(global, files, setup, &way.key, value)?;
    }
    let kind = folder::tables("stability", "a branch", &STEMS, SUMMARY);
    let (study, out) = (output.claim(kind, files)?, output.out.as_deref());
    let bar = progress::bar_along(global, "the range");
    let setting = |value: f64| -> Option<Setting> {
        let way_done = (value - way.range.0) / (way.range.1 - way.range.0);
        bar.set_position(bar.position().max((100.0 * way_done.clamp(0.0, 1.0)) as u64));
        let gain = if way.key == GAIN { value } else { 1.0 };
        Some(Setting { spec: circuit_at(global, files, setup, &way.key, value).ok()?, gain })
    };
    let some = |matrix| select_rows(matrix, &[flags.sample]);
    let batch = Batch::new(some(&setup.batch.inputs), some(&setup.batch.targets));
    let nowhere = || {
        Failure::running(anyhow!(
            "sample {}: no equilibrium was found at {} = {}; begin where the circuit is stable, such as nudge.beta=0:…",
            flags.sample,
            way.key,
            way.range.0
        ))
    };
    let family = CircuitFamily::new(&setting, way.range, &setup.weights, batch).ok_or_else(nowhere)?;
    let plan = Plan::new(way.range, family.free_state());
    let branch = global.on_threads(|| follow(&family, &plan))?.ok_or_else(nowhere)?;
    bar.finish_and_clear();
    let events: Vec<BranchEventRow> = branch.events.iter().map(|event| event_row(&family, event)).collect();
    let summary = BranchSummary {
        circuit: setup.spec.name.clone(),
        settings: settings(setup, &way.key),
        key: way.key.clone(),
        range: way.range,
        sample: flags.sample,
        end: branch.end.name().to_owned(),
    };
    let rail = first_on_rail(&family, &branch);
    let document = document((&branch, rail), &events, &summary);
    let text = text(setup, (&branch, rail), &events, &summary, out);
    if let Some(study) = study {
        let (points, outputs) = point_rows(&family, &branch);
        let tables = figure::Tables { summary, points, outputs, events };
        folder::fill_plainly(study, &tables.summary, |out| write(out, &tables))?;
    }
    conclude(global, &text, &setup.named(document))
}

/// One line of settings, without the one that moves.
fn settings(setup: &Setup, key: &str) -> String {
    let moving = match key {
        "nudge.beta" => "β ",
        "nudge.alpha" => "α ",
        _ => "",
    };
    let headline = setup
        .headline()
        .replace("circuit   ", "")
        .replace("\nnetwork   ", ", ")
        .replace("\nchip      ", ", chip ");
    let parts = headline.trim_end().split(", ");
    parts.filter(|part| moving.is_empty() || !part.starts_with(moving)).collect::<Vec<_>>().join(", ")
}

fn check(flags: &Flags, setup: &Setup) -> Result<(), Failure> {
    let samples = setup.batch.inputs.nrows();
    if flags.sample >= samples {
        return Err(Failure::input(anyhow!(
            "--sample {}: the input has {samples} samples\n  accepted: 0 to {}",
            flags.sample,
            samples - 1
        )));
    }
    if let Some(frequency) = setup.chip.periphery.clock {
        return Err(Failure::input(anyhow!(
            "circuit `{}` has a clock ({}): branches are followed in continuous time\n  accepted: a circuit without \
             `[clock]`; --limits knows clocks",
            setup.spec.name,
            rounded(frequency, "Hz")
        )));
    }
    let width = setup.chip.layout.width();
    if width > DENSE {
        return Err(Failure::input(anyhow!(
            "--follow: the network has {width} compartments, and solves with the whole Jacobian\n  accepted: at most {DENSE}"
        )));
    }
    Ok(())
}

/// The circuit with a key at a value.
fn circuit_at(
    global: &Global,
    files: &Files,
    setup: &Setup,
    key: &str,
    value: f64,
) -> Result<CircuitSpec, Failure> {
    if key == GAIN {
        return Ok(setup.spec.clone());
    }
    let mut settings = files.settings(global);
    settings.push(Override::new(key, value).by("--follow"));
    let mut spec = find(CIRCUITS, &files.circuit)?.circuit(&settings)?;
    spec.mismatch.seed = spec.mismatch.seed.or(setup.spec.mismatch.seed);
    Ok(spec)
}

fn event_row(family: &CircuitFamily<'_>, event: &Event) -> BranchEventRow {
    let border = family.border(event);
    let (period_s, lyapunov) = match event.kind {
        EventKind::Hopf { omega, lyapunov } => {
            (Some(std::f64::consts::TAU / omega * family.unit()), lyapunov)
        }
        _ => (None, None),
    };
    BranchEventRow {
        event: event.kind.name().to_owned(),
        arc: event.arc,
        parameter: event.parameter,
        unstable_before: event.unstable.0,
        unstable_after: event.unstable.1,
        period_s,
        lyapunov,
        layer: border.map(|border| border.layer),
        neuron: border.map(|border| border.neuron),
        compartment: border.map(|border| border.compartment.to_owned()),
        direction: border.map(|border| if border.upwards { "up" } else { "down" }.to_owned()),
        straddles: border.map(|border| usize::from(border.straddles)),
    }
}

fn point_rows(family: &CircuitFamily<'_>, branch: &Branch) -> (Vec<BranchRow>, Vec<BranchOutputRow>) {
    let mut outputs = Vec::new();
    let mut points = Vec::with_capacity(branch.points.len());
    for point in &branch.points {
        points.push(BranchRow {
            arc: point.arc,
            parameter: point.parameter,
            abscissa_tau: point.rightmost.re,
            frequency_hz: point.rightmost.im.abs() / (std::f64::consts::TAU * family.unit()),
            unstable: point.unstable,
            largest_v: point.state.amax(),
        });
        let read = family.outputs(&point.state, point.parameter);
        outputs.extend(read.into_iter().enumerate().map(|(neuron, (activity_v, error_v))| BranchOutputRow {
            arc: point.arc,
            parameter: point.parameter,
            neuron,
            activity_v,
            error_v,
        }));
    }
    (points, outputs)
}

/// An event for people.
fn line(event: &BranchEventRow) -> String {
    let mut text = format!(
        "  {:<12} {:>14}  {} → {}",
        event.event,
        significant(event.parameter, 10),
        event.unstable_before,
        event.unstable_after
    );
    if let Some(period) = event.period_s {
        text += &format!("  period {}", rounded(period, "s"));
        text += &match event.lyapunov {
            Some(l) if l < 0.0 => format!(", supercritical (l₁ {l:.3e}): a small stable cycle"),
            Some(l) => format!(", subcritical (l₁ {l:.3e}): the state jumps away"),
            None => ", criticality unknown: the field is not smooth or not curved".to_owned(),
        };
    }
    if let (Some(layer), Some(neuron), Some(compartment)) = (event.layer, event.neuron, &event.compartment) {
        text += &format!(
            "  v_{compartment}.{layer}.{neuron} {}{}",
            event.direction.as_deref().unwrap_or_default(),
            if event.straddles == Some(1) { ", its dyad straddles the kink" } else { "" }
        );
    }
    text
}

fn text(
    setup: &Setup,
    (branch, rail): (&Branch, Option<f64>),
    events: &[BranchEventRow],
    summary: &BranchSummary,
    out: Option<&Path>,
) -> String {
    let (until, _) = branch.stable_until();
    let stable = if branch.points.first().is_some_and(|point| point.unstable > 0) {
        "not stable at its start".to_owned()
    } else {
        format!("stable up to {} = {}", summary.key, significant(until, 10))
    };
    let mut text = setup.headline();
    text += &format!(
        "\nbranch    sample {}, {} from {} to {}: {stable}; {} points, {}\n\n",
        summary.sample,
        summary.key,
        summary.range.0,
        summary.range.1,
        branch.points.len(),
        summary.end
    );
    if let Some(rail) = rail {
        let key = &summary.key;
        text += &format!(
            "latch-up from {key} = {rail:.9} on: on a rail that the free equilibrium does not touch\n\n"
        );
    }
    if events.is_empty() {
        text += "nothing happens on it\n";
    } else {
        text += &format!("  event        {:>14}  unstable eigenvalues before → after\n", summary.key);
        text += &some_lines(events.iter().map(line), SHOWN);
    }
    if let Some(out) = out {
        text += &format!("\ntables and figure in {}\n", out.display());
    }
    text
}

fn document(
    (branch, rail): (&Branch, Option<f64>),
    events: &[BranchEventRow],
    summary: &BranchSummary,
) -> Value {
    let (until, event) = branch.stable_until();
    json!({
        "key": summary.key,
        "range": summary.range,
        "sample": summary.sample,
        "end": summary.end,
        "points": branch.points.len(),
        "stable_until": until,
        "on_rail_from": rail,
        "stable_until_event": event.map(|event| event.kind.name()),
        "events": events,
    })
}

fn write(folder: &Path, tables: &figure::Tables) -> Result<(), Failure> {
    let written = || -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &tables.points)?;
        write_table(folder, STEMS[1], &tables.outputs)?;
        write_table(folder, STEMS[2], &tables.events)?;
        write_json(&folder.join(SUMMARY), &tables.summary)
    };
    written().map_err(Failure::running)?;
    figure::draw_into(&folder.join("figures"), tables).map(|_| ()).map_err(Failure::running)
}
