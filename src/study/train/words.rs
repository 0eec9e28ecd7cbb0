//! What a complete experiment tells people on a terminal.

use super::Verdict;
use super::figures::findings;
use super::identity::RunKey;
use super::rows::{RunSummary, Summary};
use dyadsim_core::statistics::{grouped, mean, range};
use dyadsim_core::units::{percent, significant};

/// Most letters of a line of a sentence.
const WIDTH: usize = 100;

/// The table of results, and what came out in sentences.
#[must_use]
pub fn words(summary: &Summary) -> String {
    let told: String = findings(summary).iter().map(|line| wrapped(line)).collect();
    format!("{}\n{told}", table(summary))
}

/// What came of an expectation.
#[must_use]
pub fn expected(verdict: &Verdict) -> String {
    let bound = |name, value: Option<f64>| value.map(|v| format!(" {name} {v}")).unwrap_or_default();
    let wanted = bound("at least", verdict.wanted.at_least) + &bound("at most", verdict.wanted.at_most);
    let (low, high) = (significant(verdict.found.0, 5), significant(verdict.found.1, 5));
    let word = if verdict.holds { "holds" } else { "FAILS" };
    format!("expected {}{wanted}: found {low} to {high}, {word}", verdict.key)
}

/// A sentence in lines, those behind the first indented.
fn wrapped(sentence: &str) -> String {
    let mut lines = vec![String::from("-")];
    for word in sentence.split(' ') {
        if lines.last().is_some_and(|line| line.chars().count() + word.chars().count() >= WIDTH) {
            lines.push(String::from(" "));
        }
        if let Some(line) = lines.last_mut() {
            *line += " ";
            *line += word;
        }
    }
    lines.join("\n") + "\n"
}

/// Test accuracy by rule and gains: mean and range over the seeds, with the outcomes.
fn table(summary: &Summary) -> String {
    let mut text = format!(
        "{:<14} {:>6} {:>6} {:>22} {:>9} {:>9} {:>9} {:>9}\n",
        "rule", "α", "β", "test accuracy (range)", "at rest", "latch-up", "oscill.", "other"
    );
    for (_, runs) in grouped(&summary.runs, RunKey::of) {
        text += &line(&runs);
    }
    text
}

/// The line of runs that differ by seed and chip alone.
fn line(runs: &[&RunSummary]) -> String {
    let accuracy: Vec<f64> = runs.iter().map(|run| run.test_accuracy).collect();
    let (low, high) = range(accuracy.iter().copied());
    let bare = |share: f64| percent(share, 2).replace(" %", "");
    let cell = |value: Option<f64>| value.map(|v| format!("{v}")).unwrap_or_default();
    let settings = runs[0].settings.iter();
    let settings =
        settings.map(|(path, value)| format!("  {} = {value}", path.rsplit('.').next().unwrap_or(path)));
    format!(
        "{:<14} {:>6} {:>6} {:>22} {:>9} {:>9} {:>9} {:>9}\n",
        runs[0].rule,
        cell(runs[0].alpha),
        cell(runs[0].beta),
        format!("{} ({}–{})", percent(mean(&accuracy), 2), bare(low), bare(high)),
        share(runs, RunSummary::at_rest),
        share(runs, |run| run.latch_up),
        share(runs, |run| run.oscillation),
        share(runs, |run| Some(run.timeout? + run.not_finite?)) + &settings.collect::<String>()
    )
}

/// The mean share of the runs that have it; nothing if none has.
fn share(runs: &[&RunSummary], of: fn(&RunSummary) -> Option<f64>) -> String {
    let values: Vec<f64> = runs.iter().filter_map(|run| of(run)).collect();
    if values.is_empty() { String::new() } else { percent(mean(&values), 2) }
}
