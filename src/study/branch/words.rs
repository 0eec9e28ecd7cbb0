//! What `stability --follow` tells people and programs.

use std::path::Path;

use serde_json::{Value, json};

use super::super::inputs::Setup;
use super::super::text::{rounded, some_lines};
use super::rows::BranchEventRow;
use super::work::Answer;
use dyadsim_core::units::significant;

/// Events that the summary shows.
const SHOWN: usize = 40;

/// Everything that was found.
pub fn document(answer: &Answer) -> Value {
    let summary = &answer.tables.summary;
    json!({
        "key": summary.key,
        "range": summary.range,
        "sample": summary.sample,
        "end": summary.end,
        "points": answer.tables.points.len(),
        "stable_until": answer.stable_until,
        "on_rail_from": answer.on_rail_from,
        "stable_until_event": answer.stable_until_event,
        "events": answer.tables.events,
    })
}

/// The result for people.
pub fn summary(setup: &Setup, answer: &Answer, out: Option<&Path>) -> String {
    let (summary, points) = (&answer.tables.summary, &answer.tables.points);
    let stable = if points.first().is_some_and(|point| point.unstable > 0) {
        "not stable at its start".to_owned()
    } else {
        format!("stable up to {} = {}", summary.key, significant(answer.stable_until, 10))
    };
    let mut text = setup.headline();
    text += &format!(
        "\nbranch    sample {}, {} from {} to {}: {stable}; {} points, {}\n\n",
        summary.sample,
        summary.key,
        summary.range.0,
        summary.range.1,
        points.len(),
        summary.end
    );
    if let Some(rail) = answer.on_rail_from {
        let key = &summary.key;
        text += &format!(
            "latch-up from {key} = {rail:.9} on: on a rail that the free equilibrium does not touch\n\n"
        );
    }
    if answer.tables.events.is_empty() {
        text += "nothing happens on it\n";
    } else {
        text += &format!("  event        {:>14}  unstable eigenvalues before → after\n", summary.key);
        text += &some_lines(answer.tables.events.iter().map(line), SHOWN);
    }
    text + &out.map(|out| format!("\ntables and figure in {}\n", out.display())).unwrap_or_default()
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
