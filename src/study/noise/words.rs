//! What `noise` tells people and programs.

use std::path::Path;

use serde_json::{Value, json};

use super::super::inputs::Setup;
use super::super::text::{rounded, setting, some_lines};
use super::course::Answer;
use super::rows::{NoiseBest, NoiseLayerRow, NoiseRow};
use dyadsim_core::units::{percent, significant};

/// Read-outs that the summary shows.
const SHOWN: usize = 12;

/// The JSON document of `noise`.
pub fn document(answer: &Answer) -> Value {
    let compartments: Vec<&NoiseRow> =
        answer.tables.nodes.iter().filter(|row| row.quantity.starts_with('v')).collect();
    let column = |of: &dyn Fn(&NoiseRow) -> Value| compartments.iter().map(|row| of(row)).collect::<Vec<_>>();
    let effective =
        answer.tables.nodes.iter().filter_map(|row| row.effective_samples).fold(f64::INFINITY, f64::min);
    let summary = &answer.tables.summary;
    let mut document = json!({
        "nodes": column(&|row| json!(row.node)),
        "predicted_rms_v": column(&|row| json!(row.predicted_rms_v)),
        "measured_rms_v": column(&|row| json!(row.measured_rms_v)),
        "standard_error_v": column(&|row| json!(row.standard_error_v)),
        "measured_samples": if effective.is_finite() { effective.floor() as u64 } else { 0 },
        "agreement": {
            "agrees": (summary.replicas > 0).then_some(summary.failed == 0),
            "family_error": summary.family_error,
            "comparisons": summary.comparisons,
            "limit_standard_errors": summary.limit,
            "failed": summary.failed,
        },
        "layers": answer.tables.layers,
        "causes": answer.tables.causes,
        "angle": answer.tables.angles,
        "best_beta": summary.nudge.as_ref().map(|nudge| nudge.best_beta),
        "best_place": summary.nudge.as_ref().map(|nudge| nudge.place.clone()),
        "least_angle_beta": summary.nudge.as_ref().map(|nudge| nudge.least_angle_beta),
        "least_angle_deg": summary.nudge.as_ref().map(|nudge| nudge.least_angle_deg),
        "largest_safe_beta": summary.nudge.as_ref().map(|nudge| nudge.largest_safe_beta),
    });
    if !answer.tables.psd.is_empty() {
        let lines = || answer.tables.psd.iter().filter(|row| row.cause == "total");
        let predicted = || lines().filter(|row| row.measured_v2_per_hz.is_none());
        let measured = || lines().filter(|row| row.measured_v2_per_hz.is_some());
        document["frequency_hz"] = predicted().map(|row| row.frequency_hz).collect();
        document["psd_v2_per_hz"] = predicted().map(|row| row.predicted_v2_per_hz).collect();
        document["measured_psd"] = json!({
            "frequency_hz": measured().map(|row| row.frequency_hz).collect::<Vec<_>>(),
            "predicted_v2_per_hz": measured().map(|row| row.folded_v2_per_hz).collect::<Vec<_>>(),
            "psd_v2_per_hz": measured().map(|row| row.measured_v2_per_hz).collect::<Vec<_>>(),
            "standard_error_v2_per_hz": measured().map(|row| row.standard_error_v2_per_hz).collect::<Vec<_>>(),
        });
    }
    document
}

/// The result for people.
pub fn summary(setup: &Setup, answer: &Answer, out: Option<&Path>) -> String {
    let mut text = setup.headline();
    let summary = &answer.tables.summary;
    text += &format!("noise     {}\n", summary.settings);
    for remark in &answer.remarks {
        text += &format!("warning   {remark}\n");
    }
    text += &format!("\n{}", layers(answer));
    text += &format!("\n{}", sources(answer));
    text += &format!("\n{}", nodes(answer));
    text += &format!("\n{}\n", verdict(answer));
    text += &angles(answer);
    text + &out.map(|out| format!("\ntables and figures in {}\n", out.display())).unwrap_or_default()
}

/// A quantity for people; a power has no prefix, which a square would square.
fn size(value: f64, unit: &str) -> String {
    if unit == "V" { rounded(value, unit) } else { format!("{} {unit}", significant(value, 3)) }
}

/// Signal, noise and their ratio, layer by layer.
fn layers(answer: &Answer) -> String {
    let mut text = format!(
        "{:<8}{:<12}{:>12}{:>14}{:>24}{:>14}{:>10}\n",
        "layer", "quantity", "signal", "noise", "measured", "as read", "SNR"
    );
    for row in &answer.tables.layers {
        let unit = if row.quantity == "gradient" { "V²" } else { "V" };
        text += &format!(
            "{:<8}{:<12}{:>12}{:>14}{:>24}{:>14}{:>10}\n",
            row.layer,
            row.quantity,
            size(row.signal, unit),
            size(row.noise, unit),
            measured(row, unit),
            size(row.readout_noise, unit),
            row.snr.map_or("–".to_owned(), |snr| significant(snr, 4)),
        );
    }
    text
}

fn measured(row: &NoiseLayerRow, unit: &str) -> String {
    let both = row.measured_noise.zip(row.standard_error);
    both.map_or("–".to_owned(), |(m, e)| format!("{} ± {}", size(m, unit), size(e, unit)))
}

/// Who makes the noise.
fn sources(answer: &Answer) -> String {
    let mut text = format!("{:<8}{:<12}{}\n", "layer", "quantity", "shares of the variance by source");
    let mut seen: Vec<(usize, &str)> = Vec::new();
    for row in &answer.tables.causes {
        let key = (row.layer, row.quantity.as_str());
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let mut of: Vec<_> =
            answer.tables.causes.iter().filter(|r| (r.layer, r.quantity.as_str()) == key).collect();
        of.sort_by(|a, b| b.share.total_cmp(&a.share));
        let parts: Vec<String> = of.iter().map(|r| format!("{} {}", r.cause, percent(r.share, 1))).collect();
        text += &format!("{:<8}{:<12}{}\n", row.layer, row.quantity, parts.join(", "));
    }
    text
}

/// The read-outs that deviate most.
fn nodes(answer: &Answer) -> String {
    let mut rows: Vec<&NoiseRow> = answer.tables.nodes.iter().collect();
    let size = |row: &NoiseRow| row.deviation.map_or(-1.0, f64::abs);
    rows.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let mut text = format!(
        "{:<18}{:>14}{:>14}{:>24}{:>12}\n",
        "node", "value", "predicted rms", "measured rms", "deviation"
    );
    let line = |row: &&NoiseRow| {
        let both = row.measured_rms_v.zip(row.standard_error_v);
        let measured =
            both.map_or("–".to_owned(), |(m, e)| format!("{} ± {}", rounded(m, "V"), rounded(e, "V")));
        format!(
            "{:<18}{:>14}{:>14}{:>24}{:>12}",
            row.node,
            rounded(row.value_v, "V"),
            rounded(row.predicted_rms_v, "V"),
            measured,
            row.deviation.map_or("–".to_owned(), |d| format!("{d:+.2} s.e."))
        )
    };
    text += &some_lines(rows.iter().map(line), SHOWN);
    text
}

fn verdict(answer: &Answer) -> String {
    let s = &answer.tables.summary;
    if s.replicas == 0 {
        return "not simulated (--time 0)".to_owned();
    }
    let told = format!(
        "{} read-outs, limit {:.2} standard errors for a family-wise error of {} %",
        s.comparisons,
        s.limit,
        significant(100.0 * s.family_error, 6)
    );
    match s.failed {
        0 => format!("agreement: prediction and simulation agree ({told})"),
        some => format!("agreement: {some} read-outs differ ({told})"),
    }
}

/// The valley.
fn angles(answer: &Answer) -> String {
    let all: Vec<_> = answer.tables.angles.iter().filter(|row| row.layer.is_none()).collect();
    let Some(first) = all.first() else { return String::new() };
    let mut text = format!(
        "\npredicted angle to backpropagation, {} samples, read for {}\n{:>10}{:>12}{:>12}{:>12}\n",
        first.batch,
        rounded(first.readout_time_s, "s"),
        "β",
        "bias",
        "noise",
        "in all"
    );
    let degrees = |angle: Option<f64>| angle.map_or("–".to_owned(), |a| format!("{}°", significant(a, 4)));
    for row in all {
        let unstable = if row.unstable > 0 {
            format!("  {} samples have no stable fixed point", row.unstable)
        } else {
            String::new()
        };
        text += &format!(
            "{:>10}{:>12}{:>12}{:>12}{unstable}\n",
            setting(row.beta),
            degrees(row.bias_deg),
            degrees(row.noise_deg),
            degrees(row.total_deg)
        );
    }
    text + &answer.tables.summary.nudge.as_ref().map_or(String::new(), nudge)
}

/// The best nudge, beside it that of the least angle, and the largest safe one.
fn nudge(found: &NoiseBest) -> String {
    let at = |beta: Option<f64>, place: Option<&str>| match (beta, place) {
        (Some(beta), _) => significant(beta, 4),
        (None, Some("low")) => "none: least at the lowest β that is looked at".to_owned(),
        (None, Some("high")) => "none: least at the highest β that is looked at".to_owned(),
        (None, Some("limit")) => "none: it falls up to where the circuit is no longer safe".to_owned(),
        _ => "none".to_owned(),
    };
    let angle = found.least_angle_deg.map_or(String::new(), |angle| format!(" ({}°)", significant(angle, 4)));
    let safe = match (found.largest_safe_beta, &found.unlimited) {
        (Some(beta), _) => significant(beta, 4),
        (None, Some(why)) => format!("not known: {why}"),
        (None, None) => format!("above {}", found.highest),
    };
    format!(
        "best β (least mean squared error): {}\nleast angle at β: {}{angle}\nlargest safe β: {safe}\n",
        at(found.best_beta, found.place.as_deref()),
        at(found.least_angle_beta, found.least_angle_place.as_deref()),
    )
}
