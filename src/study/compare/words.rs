//! What `compare` tells people and programs.

use std::path::Path;

use serde_json::{Value, json};

use super::{Comparison, RulePair};

/// Everything that was found, over seeds.
pub fn document(found: &Comparison) -> Value {
    json!({"summary": found.summary, "departure": found.departures, "groups": found.groups})
}

/// The result for people: a sentence for every pair.
pub fn summary(found: &Comparison, out: Option<&Path>) -> String {
    let s = &found.summary;
    let mut text = format!("{}\n", s.settings);
    text += "numbers by layer, 1 | 2 | …, after the last epoch: mean ± standard error over seeds (and chips); – where a layer has none\n";
    if !s.snapshots {
        text += "the weights of the epochs were not kept (`snapshots = true` in the experiment): when layers part is unknown\n";
    }
    text.push('\n');
    text += &s.pairs.iter().map(line).collect::<String>();
    text + &out.map(|out| format!("\ntables and figures are in {}\n", out.display())).unwrap_or_default()
}

fn line(pair: &RulePair) -> String {
    let number =
        |name: &str, value: Option<f64>| value.map(|v| format!(", {name} = {v}")).unwrap_or_default();
    let settings = if pair.settings.is_empty() { String::new() } else { format!(", {}", pair.settings) };
    let (alpha, beta) = (number("α", pair.alpha), number("β", pair.beta));
    format!("{} and {}{alpha}{beta}{settings}: {}\n", pair.rule_a, pair.rule_b, pair.conclusion)
}
