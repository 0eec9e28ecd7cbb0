//! What `spiking` tells people and programs.

use std::path::Path;

use serde_json::{Value, json};

use super::super::text::rounded;
use super::Answer;
use super::rows::{SpikingProtocolRow, SpikingRule};
use dyadsim_core::units::{significant, with_error};

/// Everything that was found but for the synapses.
pub fn document(answer: &Answer) -> Value {
    json!({ "summary": answer.summary, "spiking": answer.rows, "protocols": answer.protocols })
}

/// The result for people.
pub fn summary(answer: &Answer, out: Option<&Path>) -> String {
    let s = &answer.summary;
    let mut text = format!("settings  {}\n\n", s.settings);
    text += &format!("{} pairs or spikes, change of the weight:\n", s.repetitions);
    text += &line(["rule", "+10 ms, 1 Hz", "−10 ms, 1 Hz", "−10 ms, 40 Hz", "held, lowest", "held, highest"]);
    for rule in &s.rules {
        text += &protocols(answer, &rule.rule);
    }
    text += "\nshare of the variance of weights that lies between groups:\n";
    text += &line(["rule", "score", "least", "greatest", "behind", "rate"]);
    for rule in &s.rules {
        text += &score(rule);
    }
    if let Some(out) = out {
        text += &format!("\ntables and figures are in {}\n", out.display());
    }
    text
}

fn line(cells: [&str; 6]) -> String {
    let [first, rest @ ..] = cells;
    rest.iter().fold(format!("{first:14}"), |text, cell| text + &format!("{cell:>18}")) + "\n"
}

/// The signs of a rule in a line.
fn protocols(answer: &Answer, rule: &str) -> String {
    let own = |protocol: &'static str| {
        answer.protocols.iter().filter(move |row| row.rule == rule && row.protocol == protocol)
    };
    let at = |protocol, delay: f64, rate: f64| {
        let found = own(protocol).find(|row| row.delay_s == Some(delay) && row.rate_hz == rate);
        found.map_or("–".to_owned(), |row| rounded(row.change_v, "V"))
    };
    let held: Vec<f64> = own("voltage").map(|row: &SpikingProtocolRow| row.change_v).collect();
    let (low, high) = dyadsim_core::statistics::range(held);
    let cells = [
        rule.to_owned(),
        at("window", 0.01, 1.0),
        at("window", -0.01, 1.0),
        at("frequency", -0.01, 40.0),
        rounded(low, "V"),
        rounded(high, "V"),
    ];
    line(cells.each_ref().map(String::as_str))
}

fn score(rule: &SpikingRule) -> String {
    let told = |value: f64, error: Option<f64>| match error {
        Some(error) => with_error(value, error),
        None => significant(value, 3),
    };
    let cells = [
        rule.rule.clone(),
        told(rule.score, rule.score_error),
        significant(rule.score_range.0, 3),
        significant(rule.score_range.1, 3),
        rule.behind.map_or("–".to_owned(), |behind| told(behind, rule.behind_error)),
        rounded(rule.rate_hz, "Hz"),
    ];
    line(cells.each_ref().map(String::as_str))
}
