//! What `yield` tells people and programs.

use std::path::Path;

use serde_json::{Value, json};

use super::super::output::setting;
use crate::figure::yields::Tables;
use crate::record::yield_rows::{ToleranceRow, YieldRow};

/// Everything that was found.
pub fn document(tables: &Tables) -> Value {
    json!({"summary": tables.summary, "yield": tables.yields, "tolerance": tables.tolerances})
}

/// The result for people.
pub fn summary(tables: &Tables, out: Option<&Path>) -> String {
    let s = &tables.summary;
    let mut text = format!("{}\ntarget    {}\n\n", s.settings, s.target);
    text += &format!("yield, with exact {} % intervals {}\n", 100.0 * s.confidence, s.keys.join(", "));
    text += &tables.yields.iter().map(line).collect::<String>();
    if !tables.tolerances.is_empty() {
        text += &format!("\nlargest spread of one parameter for {} % of chips\n", 100.0 * s.wanted);
        text += &tables.tolerances.iter().map(told).collect::<String>();
    }
    text += &format!(
        "\nto claim {} % at {} % confidence, {} chips must pass and none fail (rule of three: 3/n)\n",
        100.0 * s.wanted,
        100.0 * s.confidence,
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
        "  {at}{group}{:>5}/{:<5} {:.4}  [{:.4}, {:.4}]\n",
        row.passed, row.chips, row.share, row.low, row.high
    )
}

fn told(row: &ToleranceRow) -> String {
    let number = |value: Option<f64>, missing: &str| value.map_or(missing.to_owned(), |v| format!("{v:.4}"));
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
