//! What `hebbian` tells people and programs.

use std::path::Path;

use serde_json::{Value, json};

use super::super::text::{rounded, some_lines};
use super::Answer;
use super::rows::{HebbianRow, HebbianSource};
use dyadsim_core::units::{percent, significant};

/// Units that the summary shows.
const SHOWN: usize = 16;

/// Everything that was found but for the pixels.
pub fn document(answer: &Answer) -> Value {
    json!({ "summary": answer.summary, "hebbian": answer.rows, "course": answer.course })
}

/// The result for people.
pub fn summary(answer: &Answer, out: Option<&Path>) -> String {
    let s = &answer.summary;
    let mut text = format!("data      {}\nrule      {}, {}\n", s.data, s.settings, s.constraint);
    if s.noise_v > 0.0 {
        text += &format!("noise     {} in every reading\n", rounded(s.noise_v, "V"));
    }
    for source in &s.sources {
        text += &told(answer, source);
    }
    let own: Vec<&HebbianRow> = answer.rows.iter().filter(|row| row.source == "data").collect();
    text += &format!(
        "\n{:>5}{:>12}{:>10}{:>9}{:>8}{:>10}{:>10}{:>10}\n",
        "unit", "objective", "kurtosis", "cosine", "R²", "shape", "angle (°)", "frequency"
    );
    text += &some_lines(own.into_iter().map(line), SHOWN);
    if let Some(out) = out {
        text += &format!("\ntables and figures are in {}\n", out.display());
    }
    text
}

/// What became of a source.
fn told(answer: &Answer, source: &HebbianSource) -> String {
    let kept = source.kept.map(|kept| format!(" with {} of the variance", percent(kept, 3)));
    let mut text = format!(
        "{:10}{} inputs of {} components{}\n",
        source.source,
        source.samples,
        source.components,
        kept.unwrap_or_default()
    );
    let rows = || answer.rows.iter().filter(|row| row.source == source.source);
    if let Some(share) = source.gabor {
        let mut fits: Vec<f64> = rows().filter_map(|row| row.r2).collect();
        fits.sort_by(f64::total_cmp);
        let median = fits.get(fits.len() / 2).map(|r2| format!("; median R² {}", significant(*r2, 2)));
        text += &format!(
            "          {} of {} units are localised and oriented ({}){}\n",
            rows().filter(|row| row.shape.as_deref() == Some("gabor")).count(),
            rows().count(),
            percent(share, 2),
            median.unwrap_or_default()
        );
    }
    if let Some(cosine) = source.cosine {
        text += &format!("          |cos| with the sparse source is {} or more\n", significant(cosine, 4));
    }
    text
}

fn line(row: &HebbianRow) -> String {
    let number = |value: Option<f64>, digits| value.map_or("–".to_owned(), |x| significant(x, digits));
    format!(
        "{:>5}{:>12}{:>10}{:>9}{:>8}{:>10}{:>10}{:>10}",
        row.unit,
        significant(row.objective, 3),
        significant(row.kurtosis, 3),
        number(row.cosine, 4),
        number(row.r2, 2),
        row.shape.as_deref().unwrap_or("–"),
        number(row.angle_deg, 3),
        number(row.frequency, 2),
    )
}
