//! What `sensitivity` tells people and programs.

use std::path::Path;

use serde_json::{Value, json};

use super::super::inputs::Setup;
use super::super::text::{rounded, some_lines};
use super::rows::SensitivitySummary;
use super::{Answer, STEP, SensitivityRow};
use dyadsim_core::units::{percent, significant};

/// Groups that are said to matter most.
const FIRST: usize = 3;
/// Groups that the summary shows.
const SHOWN: usize = 40;

/// A number of a group.
type Part = fn(&SensitivityRow) -> Option<f64>;

/// Everything that was found.
pub fn document(answer: &Answer) -> Value {
    let names = |part: Part| -> Vec<String> { ranked(answer, part).iter().map(|row| name(row)).collect() };
    let [gradient, margin] = parts(answer);
    json!({
        "summary": answer.summary,
        "ranking": { "by": by(answer), "gradient": names(gradient), "margin": names(margin) },
        "sensitivity": answer.rows,
        "layers": answer.layers,
    })
}

/// Whether groups are ranked by what their spreads do, or by equal steps.
fn by(answer: &Answer) -> &'static str {
    if answer.summary.gradient_spread.is_some() { "spread" } else { "step" }
}

fn parts(answer: &Answer) -> [Part; 2] {
    match by(answer) {
        "spread" => [|row| row.gradient_spread, |row| row.margin_spread],
        _ => [|row| row.gradient, |row| row.margin],
    }
}

/// The groups that have a number, the largest first.
fn ranked(answer: &Answer, part: Part) -> Vec<&SensitivityRow> {
    let mut rows: Vec<&SensitivityRow> = answer.rows.iter().filter(|row| part(row).is_some()).collect();
    rows.sort_by(|a, b| part(b).unwrap_or(0.0).total_cmp(&part(a).unwrap_or(0.0)));
    rows
}

/// A group's name for people.
pub fn name(row: &SensitivityRow) -> String {
    let (parameter, side) = match row.parameter.rsplit_once('_') {
        Some((parameter, "plus")) => (parameter, "⁺"),
        Some((parameter, "minus")) => (parameter, "⁻"),
        _ => (row.parameter.as_str(), ""),
    };
    format!("{}{side} of layer {}", parameter.replace('_', " "), row.layer)
}

/// The result for people.
pub fn summary(setup: &Setup, answer: &Answer, out: Option<&Path>) -> String {
    let mut text = setup.headline();
    text += &samples(&answer.summary);
    text +=
        &format!("\nmovement by {} of every device, independently (root of the sum of squares)\n", steps());
    text += &format!(
        "{:<32}{:>9}{:>12}{:>26}{:>14}{:>26}\n",
        "devices", "count", "gradient", "most", "margin (1/τ)", "most"
    );
    text += &some_lines(ranked_rows(answer).into_iter().map(line), SHOWN);
    text += &spread(answer);
    let [gradient, margin] = parts(answer);
    text += &format!("\nwhat moves the gradient most: {}\n", first(answer, gradient));
    text += &match &answer.summary.unmoved {
        Some(why) => format!("the margin's derivative is not told: {why}\n"),
        None => format!("what moves the margin most:   {}\n", first(answer, margin)),
    };
    if let Some(out) = out {
        text += &format!("\ntables and figures are in {}\n", out.display());
    }
    text
}

/// The steps in words.
fn steps() -> String {
    format!("{} mV or {} %", significant(1e3 * STEP, 3), significant(100.0 * STEP, 3))
}

/// All groups, those first that move the gradient most.
fn ranked_rows(answer: &Answer) -> Vec<&SensitivityRow> {
    let mut rows = ranked(answer, |row| row.gradient);
    let others: Vec<&SensitivityRow> =
        ranked(answer, |row| row.margin).into_iter().filter(|row| row.gradient.is_none()).collect();
    rows.extend(others);
    rows
}

fn samples(s: &SensitivitySummary) -> String {
    let devices = if s.nominal { "devices   the nominal ones\n" } else { "" };
    let mut text = format!("{devices}used      {} of {} samples", s.used, s.samples);
    for (count, why) in [(s.lost, "without an equilibrium that was found"), (s.unstable, "not stable")] {
        if count > 0 {
            text += &format!(", {count} {why}");
        }
    }
    text += "\n";
    if let Some(gap) = s.clearance_v {
        let near = match s.near {
            0 => String::new(),
            near => format!("; {near} samples within a microvolt, whose derivatives are those of one piece"),
        };
        text += &format!("kinks     the nearest is {} away{near}\n", rounded(gap, "V"));
    }
    text += &format!("margin    {}/τ (sample {})\n", significant(s.margin, 5), s.worst_sample);
    text + &s.remark.as_ref().map(|remark| format!("remark    {remark}\n")).unwrap_or_default()
}

fn line(row: &SensitivityRow) -> String {
    let share = |value: Option<f64>| value.map_or("–".to_owned(), |x| percent(STEP * x, 2));
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |x| significant(STEP * x, 3));
    let device = |name: &Option<String>, value: String| {
        let which = name.as_deref().and_then(|name| name.split_once('.')).map(|(_, rest)| rest);
        which.map_or("–".to_owned(), |which| format!("{value} ({which})"))
    };
    format!(
        "{:<32}{:>9}{:>12}{:>26}{:>14}{:>26}",
        name(row),
        row.devices,
        share(row.gradient),
        device(&row.gradient_device, share(row.gradient_largest)),
        number(row.margin),
        device(&row.margin_device, number(row.margin_largest)),
    )
}

/// What the circuit's own spreads do.
fn spread(answer: &Answer) -> String {
    let s = &answer.summary;
    let Some(gradient) = s.gradient_spread else { return String::new() };
    let margin = s.margin_spread.map_or(String::new(), |m| format!(", the margin {}/τ", significant(m, 3)));
    format!(
        "\nthe spreads of [mismatch] move the gradient by {}{margin} (rms, to first order)\n",
        percent(gradient, 2)
    )
}

/// The groups that matter most, and by how much.
fn first(answer: &Answer, part: Part) -> String {
    let is_spread = by(answer) == "spread";
    let told = |row: &&SensitivityRow| {
        let moved = part(row).unwrap_or(0.0) * if is_spread { 1.0 } else { STEP };
        format!("{} ({})", name(row), significant(moved, 3))
    };
    let ranked = ranked(answer, part);
    let listed: Vec<String> = ranked.iter().take(FIRST).map(told).collect();
    let how = if is_spread { "by their spreads".to_owned() } else { format!("by {}", steps()) };
    format!("{}; {how}", listed.join(", "))
}
