//! What `gradient` tells people and programs.

use std::path::Path;

use serde_json::{Value, json};

use super::super::inputs::Setup;
use super::super::output::{setting, some_lines};
use crate::figure::gradient::Tables;
use crate::record::gradient_rows::{BestRow, GradientRow};
use crate::units::{significant, with_error};

/// Points that the summary shows.
const SHOWN: usize = 40;

/// What one draw does not tell.
const SINGLE: &str = "one draw: its noise cannot be told from the bias, and bias² is the whole squared error (--draws 2 or more parts them)";

/// Whether some point has but one draw of noise or chips.
fn single(tables: &Tables) -> bool {
    tables.summary.draws == 1 && tables.rows.iter().any(|row| row.draws == 1 && row.variance.is_none())
}

/// Everything that was found.
pub fn document(tables: &Tables) -> Value {
    json!({
        "summary": tables.summary,
        "gradient": tables.rows,
        "best": tables.best,
        "remark": single(tables).then_some(SINGLE),
    })
}

/// The result for people.
pub fn summary(setup: &Setup, tables: &Tables, out: Option<&Path>) -> String {
    let summary = &tables.summary;
    let mut text = format!("{}\n{}\n\n", setup.headline().trim_end(), summary.settings);
    text += &format!(
        "all layers; powers in units of the true gradient's squared norm\n{:>12} {:>12} {:>16} {:>22} {:>22} {:>12} {:>10}\n",
        summary.keys[0],
        summary.keys.get(1).map_or("", String::as_str),
        "angle (°)",
        "bias²",
        "variance",
        "SNR",
        "unsettled"
    );
    let all: Vec<&GradientRow> = tables.rows.iter().filter(|row| row.layer.is_none()).collect();
    text += &some_lines(all.iter().map(|row| line(row)), SHOWN);
    let best: Vec<&BestRow> = tables.best.iter().filter(|row| row.layer.is_none()).collect();
    if !best.is_empty() {
        text += "\nbest β (least mean squared error)\n";
        text += &some_lines(best.iter().map(|row| told(row)), SHOWN);
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
    let x = setting(row.x);
    format!("{x:>12} {y:>12} {angle:>16} {bias:>22} {variance:>22} {snr:>12} {:>10}", row.unsettled)
}

fn told(row: &BestRow) -> String {
    let at = row.y.map_or(String::new(), |y| format!("{:<12} ", setting(y)));
    let ends =
        |place: &Option<String>| if place.as_deref() == Some("end") { " (an end of the range)" } else { "" };
    let measured = match (row.best_beta, row.best_beta_error) {
        (Some(beta), Some(error)) => with_error(beta, error),
        (beta, _) => beta.map_or("none".to_owned(), setting),
    };
    let predicted = row.predicted_best_beta.map_or("none".to_owned(), setting);
    let (own, theory) = (ends(&row.place), ends(&row.predicted_place));
    format!("  {at}measured {measured}{own}, predicted {predicted}{theory}")
}
