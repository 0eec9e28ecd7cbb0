//! The branch itself: the circuit at every value of the setting, the equilibria followed, and their rows.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::anyhow;

use super::super::builtin::find;
use super::super::inputs::Setup;
use super::super::{Extent, Failure, Given, Observer};
use super::Branch as Settings;
use super::figure::Tables;
use super::key_range::GAIN;
use super::rows::{BranchEventRow, BranchOutputRow, BranchRow, BranchSummary};
use dyadsim_core::analysis::continuation::{
    Branch, CircuitFamily, CircuitSetting, Event, EventKind, Plan, first_on_rail, follow,
};
use dyadsim_core::learn::Batch;
use dyadsim_core::matrix::select_rows;
use dyadsim_core::spec::{CIRCUITS, CircuitSpec, Override};

/// What was found.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What is written and drawn.
    pub tables: Tables,
    /// Last value of the setting up to which every equilibrium is stable.
    pub stable_until: f64,
    /// What ends the stable stretch, if it is known.
    pub stable_until_event: Option<&'static str>,
    /// The value from which on the equilibrium lies on a rail that the free one does not touch, if there is
    /// one.
    pub on_rail_from: Option<f64>,
}

/// Follows the branch.
///
/// # Errors
/// No equilibrium to begin with.
pub fn carry_out(
    setup: &Setup,
    settings: &Settings,
    given: &Given,
    watch: &dyn Observer,
) -> Result<Answer, Failure> {
    let (key, range) = (&settings.follow.key, settings.follow.range);
    watch.begin(Extent::Along("the range"));
    let furthest = AtomicUsize::new(0);
    let setting = |value: f64| -> Option<CircuitSetting> {
        let way_done = (value - range.0) / (range.1 - range.0);
        let hundredths = (100.0 * way_done.clamp(0.0, 1.0)) as usize;
        watch.at(furthest.fetch_max(hundredths, Ordering::Relaxed).max(hundredths));
        let gain = if key == GAIN { value } else { 1.0 };
        Some(CircuitSetting { spec: circuit_at(setup, settings, given, value).ok()?, gain })
    };
    let some = |matrix| select_rows(matrix, &[settings.sample]);
    let batch = Batch::new(some(&setup.batch.inputs), some(&setup.batch.targets));
    let nowhere = || {
        Failure::running(anyhow!(
            "sample {}: no equilibrium was found at {key} = {}; begin where the circuit is stable, such \
             as nudge.beta=0:…",
            settings.sample,
            range.0
        ))
    };
    let family = CircuitFamily::new(&setting, range, &setup.weights, batch).ok_or_else(nowhere)?;
    let plan = Plan::new(range, family.free_state());
    let branch = follow(&family, &plan).ok_or_else(nowhere)?;
    let (stable_until, event) = branch.stable_until();
    let (points, outputs) = point_rows(&family, &branch);
    let summary = BranchSummary {
        circuit: setup.spec.name.clone(),
        settings: one_line(setup, key),
        key: key.clone(),
        range,
        sample: settings.sample,
        end: branch.end.name().to_owned(),
    };
    let events = branch.events.iter().map(|event| event_row(&family, event)).collect();
    Ok(Answer {
        tables: Tables { summary, points, outputs, events },
        stable_until,
        stable_until_event: event.map(|event| event.kind.name()),
        on_rail_from: first_on_rail(&family, &branch),
    })
}

/// One line of settings, without the one that moves.
fn one_line(setup: &Setup, key: &str) -> String {
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

/// The circuit with the setting at a value.
///
/// # Errors
/// A key that is none, or does not take the value.
pub fn circuit_at(
    setup: &Setup,
    settings: &Settings,
    given: &Given,
    value: f64,
) -> Result<CircuitSpec, Failure> {
    let (files, key) = (&settings.files, &settings.follow.key);
    if key == GAIN {
        return Ok(setup.spec.clone());
    }
    let mut overrides = files.settings(given);
    overrides.push(Override::new(key, value).by("--follow"));
    let mut spec = find(CIRCUITS, &files.circuit)?.circuit(&overrides)?;
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
