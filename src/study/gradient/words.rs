//! What `gradient` tells people and programs.

use std::path::Path;

use serde_json::{Value, json};

use super::super::inputs::Setup;
use super::super::text::{setting, some_lines};
use super::Answer;
use super::rows::{BestRow, GradientRow, GradientSummary};
use dyadsim_core::units::{significant, with_error};

/// What stands beside points that were added.
const ADDED: &str = "added: nudges that were looked at to find the best one";

/// Added points that the summary shows.
const ADDED_SHOWN: usize = 10;
/// Points that the summary shows.
const SHOWN: usize = 40;

/// What one draw does not tell.
const SINGLE: &str = "one draw: its noise cannot be told from the bias, and bias² is the whole squared error (--draws 2 or more parts them)";

/// Whether some point has but one draw of noise or chips.
fn single(tables: &Answer) -> bool {
    tables.summary.draws == 1 && tables.rows.iter().any(|row| row.draws == 1 && row.variance.is_none())
}

/// Everything that was found.
pub fn document(tables: &Answer) -> Value {
    json!({
        "summary": tables.summary,
        "gradient": tables.rows,
        "best": tables.best,
        "remark": single(tables).then_some(SINGLE),
    })
}

/// The result for people.
pub fn summary(setup: &Setup, tables: &Answer, out: Option<&Path>) -> String {
    let summary = &tables.summary;
    let mut text = format!("{}\n{}\n\n", setup.headline_but(&summary.keys).trim_end(), summary.settings);
    text += &format!(
        "all layers; powers in units of the true gradient's squared norm\n{:>12} {:>12} {:>16} {:>22} {:>22} {:>22} {:>12} {:>10}\n",
        summary.keys[0],
        summary.keys.get(1).map_or("", String::as_str),
        "angle (°)",
        "squared error",
        "bias²",
        "variance",
        "SNR",
        "unsettled"
    );
    let all: Vec<&GradientRow> = tables.rows.iter().filter(|row| row.layer.is_none()).collect();
    // What was asked for first; then what was added, nearest to the least error.
    let (asked, added): (Vec<&GradientRow>, Vec<&GradientRow>) =
        all.iter().copied().partition(|row| row.origin != "added");
    text += &some_lines(asked.iter().map(|row| line(row)), SHOWN);
    text += &nearest(&added).iter().map(|row| line(row) + "\n").collect::<String>();
    let best: Vec<&BestRow> = tables.best.iter().filter(|row| row.layer.is_none()).collect();
    if all.iter().any(|row| row.origin == "added") {
        let left = added.len().saturating_sub(ADDED_SHOWN);
        let more = if left > 0 {
            format!("; {left} more of them are in --json and the tables")
        } else {
            String::new()
        };
        text += &format!("{ADDED}{more}\n");
    }
    if !best.is_empty() {
        text += "\nbest β: that of the least mean squared error; beside it that of the least angle, and the largest safe one\n";
        text += &some_lines(best.iter().map(|row| describe(row, summary)), SHOWN);
        text += &left_out(&all, &best);
    }
    if single(tables) {
        text += &format!("\n{SINGLE}\n");
    }
    if let Some(why) = &summary.unpredicted {
        text += &format!("\nnot predicted: {why}\n");
    }
    if let Some(out) = out {
        text += &format!("\ntables and figures are in {}\n", out.display());
    }
    text
}

/// The few added points with the least error, in the order of the axis.
fn nearest<'a>(added: &[&'a GradientRow]) -> Vec<&'a GradientRow> {
    let error = |row: &GradientRow| row.squared_error.unwrap_or(f64::INFINITY);
    let mut least = added.to_vec();
    least.sort_by(|a, b| error(a).total_cmp(&error(b)));
    let shown = &least[..least.len().min(ADDED_SHOWN)];
    added.iter().copied().filter(|row| shown.contains(row)).collect()
}

fn line(row: &GradientRow) -> String {
    let number = |value: Option<f64>, error: Option<f64>| match (value, error) {
        (Some(value), Some(error)) => format!("{value:.3e} ± {error:.1e}"),
        (Some(value), None) => format!("{value:.3e}"),
        _ => "-".to_owned(),
    };
    let angle = match (row.angle_deg, row.angle_error_deg) {
        (Some(angle), Some(error)) => with_error(angle, error),
        (angle, _) => angle.map_or("-".to_owned(), |angle| significant(angle, 5)),
    };
    let snr = row.snr.map_or("-".to_owned(), |snr| significant(snr, 4));
    let y = row.y.map_or(String::new(), setting);
    let (bias, variance) =
        (number(row.bias_squared, row.bias_squared_error), number(row.variance, row.variance_error));
    let squared = number(row.squared_error, row.squared_error_error);
    let x = setting(row.x);
    let added = if row.origin == "added" { "  added" } else { "" };
    let left = match row.left_out.as_deref() {
        Some("beyond") => "  beyond the largest safe β",
        Some(_) => "  left out: unsettled",
        None => "",
    };
    format!(
        "{x:>12} {y:>12} {angle:>16} {squared:>22} {bias:>22} {variance:>22} {snr:>12} {:>10}{added}{left}",
        row.unsettled
    )
}

/// Best nudges of one value of the other axis.
fn describe(row: &BestRow, summary: &GradientSummary) -> String {
    let at = row.y.map_or(String::new(), |y| format!("{:<12} ", setting(y)));
    let measured = nudge(row.best_beta, row.best_beta_error, row.place.as_deref());
    let predicted = nudge(row.predicted_best_beta, None, row.predicted_place.as_deref());
    let angle = nudge(row.least_angle_beta, row.least_angle_beta_error, row.least_angle_place.as_deref());
    let safe = match (row.largest_safe_beta, &summary.unlimited) {
        (Some(beta), _) => significant(beta, 5),
        (None, None) => "none fails in the range".to_owned(),
        (None, Some(why)) => format!("not known: {why}"),
    };
    format!(
        "  {at}measured {measured}, predicted {predicted}; least angle at {angle}; largest safe β: {safe}"
    )
}

/// A nudge, or why there is none.
fn nudge(beta: Option<f64>, error: Option<f64>, place: Option<&str>) -> String {
    match (beta, error, place) {
        (Some(beta), Some(error), _) if error > 0.0 => with_error(beta, error),
        (Some(beta), _, _) => significant(beta, 5),
        (None, _, Some("low")) => "none: least at the lower end of the range".to_owned(),
        (None, _, Some("high")) => "none: least at the upper end of the range".to_owned(),
        (None, _, Some("limit")) => "none: it falls up to where the circuit is no longer safe".to_owned(),
        _ => "none".to_owned(),
    }
}

/// Points that the best nudge leaves out.
fn left_out(all: &[&GradientRow], best: &[&BestRow]) -> String {
    let count = |why: &str| all.iter().filter(|row| row.left_out.as_deref() == Some(why)).count();
    let mut text = String::new();
    if count("beyond") > 0 {
        text += &format!(
            "left out: {} points beyond the largest safe β, where the circuit settles elsewhere or not at all\n",
            count("beyond")
        );
    }
    if count("unsettled") > 0 {
        text += &format!("left out: {} points at which samples did not settle\n", count("unsettled"));
    }
    if best.iter().any(|row| row.fit_error.is_some()) {
        text += "errors: over draws and of the fit together\n";
    }
    text
}
