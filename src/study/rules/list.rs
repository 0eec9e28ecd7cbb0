//! The learning rules and what each needs of a chip.

use serde::Serialize;
use serde_json::json;

use crate::study::Done;
use dyadsim_core::learn::{Limit, Needs, Transport, needs, observed_relaxations};
use dyadsim_core::spec::RuleKind;

/// A rule and what it needs.
#[derive(Serialize)]
struct Row {
    rule: &'static str,
    label: &'static str,
    /// Relaxations of a sample, counted.
    relaxations: usize,
    #[serde(flatten)]
    needs: Needs,
}

/// Lists every rule, in the order of figures.
#[must_use]
pub fn list() -> Done {
    let rows: Vec<Row> = RuleKind::ALL
        .into_iter()
        .map(|rule| Row {
            rule: rule.name(),
            label: rule.label(),
            relaxations: observed_relaxations(rule),
            needs: needs(rule),
        })
        .collect();
    Done { words: words(&rows), document: json!(rows), holds: true }
}

/// A paragraph for each rule.
fn words(rows: &[Row]) -> String {
    rows.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

fn paragraph(row: &Row) -> String {
    let Needs { compartments, neuron_memories, synapse_memories, .. } = row.needs;
    let settles = match row.relaxations {
        0 => "none: it settles no circuit".to_owned(),
        count => format!("{count} of every sample, in neurons of {compartments} compartments"),
    };
    let back = match row.needs.transport {
        Transport::Nothing => "carry nothing that the forward weights would have to tell",
        Transport::Signs => "need the signs of the forward weights",
        Transport::Weights => "need the forward weights: one crossbar read both ways, or copies",
    };
    let outputs = match (row.needs.clamps_outputs, compartments) {
        (true, _) => "held at their targets",
        (false, 0) => "left alone",
        (false, _) => "nudged",
    };
    let limit = match row.needs.limit {
        Limit::Exact => "none: the gradient, without a β".to_owned(),
        Limit::Gradient { order, middle } => {
            format!("of order {} in β, {} at α = ½", power(order), power(middle))
        }
        Limit::Other => {
            "does not vanish with β: not the gradient of the loss, or not for all settings".to_owned()
        }
    };
    format!(
        "{}\n  relaxations  {settles}\n  memories     {neuron_memories} per neuron, {synapse_memories} per synapse beside its weight\n  \
         errors back  {back}\n  outputs      {outputs}\n  a synapse    knows {}\n  its error    {limit}\n",
        row.rule, row.needs.synapse_knows
    )
}

/// `β`, `β²`.
fn power(order: u8) -> String {
    match order {
        1 => "β".to_owned(),
        2 => "β²".to_owned(),
        other => format!("β^{other}"),
    }
}
