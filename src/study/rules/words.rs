//! What `rules compare` tells people and programs.

use std::path::Path;

use serde_json::{Value, json};

use super::super::text::rounded;
use super::{RuleRow, RuleRunRow, Tables};
use dyadsim_core::spec::RuleKind;
use dyadsim_core::units::{percent, significant};

/// Everything that was found.
pub fn document(tables: &Tables, runs: &[RuleRunRow]) -> Value {
    json!({"summary": tables.summary, "rules": tables.rows, "runs": runs})
}

/// The result for people: a line for every rule, gains and level.
pub fn summary(tables: &Tables, out: Option<&Path>) -> String {
    let s = &tables.summary;
    let mut text = format!(
        "{}: {}\ntime and energy are those to a test accuracy of {}\n\n",
        s.name,
        s.settings,
        percent(s.target, 1)
    );
    text += &format!(
        "{:<12} {:>5} {:>5} {:>9} {:>9} {:>2} {:>24} {:>7} {:>8} {:>10} {:>10}\n",
        "rule",
        "α",
        "β",
        "noise",
        "mismatch",
        "n",
        "test accuracy (range)",
        "angle",
        "at rest",
        "time",
        "energy"
    );
    text += &tables.rows.iter().map(line).collect::<String>();
    text + &out.map(|out| format!("tables and figures are in {}\n", out.display())).unwrap_or_default()
}

fn line(row: &RuleRow) -> String {
    let cell = |value: Option<f64>| value.map(|v| significant(v, 3)).unwrap_or_default();
    let share = |value: Option<f64>| value.map(|v| percent(v, 1)).unwrap_or_default();
    let bare = |value: Option<f64>| share(value).replace(" %", "");
    let priced = |value: Option<f64>, unit: &str| value.map(|v| rounded(v, unit)).unwrap_or_default();
    let accuracy = row.test_accuracy.map_or_else(String::new, |_| {
        let range = format!("({}–{})", bare(row.least_accuracy), bare(row.greatest_accuracy));
        format!("{} {range}", share(row.test_accuracy))
    });
    let partly = row.time_to_target_s.is_some() && row.reached < row.n;
    let part = partly.then(|| format!("{} of {} reached it", row.reached, row.n));
    let lost = (row.left_out > 0).then(|| format!("{} left out", row.left_out));
    let why = row.remark.clone().filter(|_| part.is_none());
    let remarks =
        [row.settings.clone(), why, part, lost].into_iter().flatten().collect::<Vec<_>>().join("; ");
    let told = format!(
        "{:<12} {:>5} {:>5} {:>9} {:>9} {:>2} {:>24} {:>7} {:>8} {:>10} {:>10}  {remarks}",
        RuleKind::printed(&row.rule),
        cell(row.alpha),
        cell(row.beta),
        priced(row.noise_v, "V"),
        share(Some(row.mismatch)),
        row.n,
        accuracy,
        row.angle_deg.map(|angle| format!("{angle:.1}°")).unwrap_or_default(),
        share(row.at_rest),
        priced(row.time_to_target_s, "s"),
        priced(row.energy_to_target_j, "J"),
    );
    told.trim_end().to_owned() + "\n"
}
