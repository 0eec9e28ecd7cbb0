//! What `yield` tells people and programs.

use std::path::Path;

use serde_json::{Value, json};

use super::super::text::setting;
use super::{Answer, ToleranceRow, YieldRow};
use dyadsim_core::units::{fraction, significant};

/// Everything that was found.
/// `chip` is the first one, where chips are drawn.
pub fn document(tables: &Answer, chip: Option<u64>) -> Value {
    json!({"chip": chip, "summary": tables.summary, "yield": tables.yields, "tolerance": tables.tolerances})
}

/// The result for people.
pub fn summary(tables: &Answer, out: Option<&Path>) -> String {
    let s = &tables.summary;
    let mut text = format!("{}\ntarget    {}\n\n", s.settings, s.target);
    text += &format!(
        "yield, with exact {} % intervals {}\n",
        significant(100.0 * s.confidence, 6),
        s.keys.join(", ")
    );
    text += &tables.yields.iter().map(line).collect::<String>();
    if !tables.tolerances.is_empty() {
        text += &format!(
            "\nlargest spread of one parameter for {} % of chips\n",
            significant(100.0 * s.wanted, 6)
        );
        text += &tables.tolerances.iter().map(describe).collect::<String>();
    }
    text += &format!(
        "\nto claim {} % at {} % confidence, {} chips must pass and none fail (rule of three: 3/n)\n",
        significant(100.0 * s.wanted, 6),
        significant(100.0 * s.confidence, 6),
        s.chips_needed
    );
    if let Some(out) = out {
        text += &format!("tables and figures are in {}\n", out.display());
    }
    text
}

fn line(row: &YieldRow) -> String {
    let at = [row.x, row.y].into_iter().flatten().map(|v| format!("{:<12}", setting(v))).collect::<String>();
    let group = row.group.as_ref().map(|group| format!("{group:<40} ")).unwrap_or_default();
    format!(
        "  {at}{group}{:>5}/{:<5} {}  [{}, {}]\n",
        row.passed,
        row.chips,
        fraction(row.share, 4),
        fraction(row.low, 4),
        fraction(row.high, 4)
    )
}

fn describe(row: &ToleranceRow) -> String {
    let number = |value: Option<f64>, missing: &str| value.map_or(missing.to_owned(), setting);
    let beyond = format!("> {}", row.most);
    let failed = if row.failed_without > 0 {
        format!("  ({} of {} chips fail without it)", row.failed_without, row.chips)
    } else {
        String::new()
    };
    format!(
        "  {:<28} {:>10}  [{}, {}]{failed}\n",
        row.key,
        number(row.tolerance, &beyond),
        number(row.low, "too few chips"),
        number(row.high, &beyond)
    )
}
