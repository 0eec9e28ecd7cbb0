//! What `circuits cost` tells people and programs.

use serde_json::{Value, json};

use super::super::text::rounded;
use dyadsim_core::cost::{Cost, Energy, Work};
use dyadsim_core::spec::CircuitSpec;
use dyadsim_core::units::{percent, significant};

/// The document of docs/cost.md.
pub fn document(spec: &CircuitSpec, work: &Work, cost: &Cost) -> Value {
    let per = |energy: &Energy| energy.total() / work.synapses();
    json!({
        "circuit": spec.name,
        "network": work.network,
        "dyads": work.neurons(),
        "synapses": work.synapses(),
        "simulated": work.simulated,
        "at_rest": work.at_rest,
        "longest_s": work.longest,
        "relaxations": work.relaxations,
        "synapse_conductance_s": resistive(spec).map(|described| work.conductance.unwrap_or(described)),
        "left_out_of_update": work.without_nudge.then_some("the nudge: no targets"),
        "cost": cost,
        "power_total_w": cost.power_w.total(),
        "area_total_m2": cost.area_m2.total(),
        "inference_total_j": cost.inference_j.total(),
        "update_total_j": cost.update_j.total(),
        "inference_per_synapse_j": per(&cost.inference_j),
        "update_per_synapse_j": per(&cost.update_j),
        "missing": cost.missing(),
    })
}

/// Conductance of a synapse as described (S), where synapses are resistive.
fn resistive(spec: &CircuitSpec) -> Option<f64> {
    spec.cost.as_ref().map(|cost| cost.synapse_conductance).filter(|conductance| *conductance > 0.0)
}

/// The table for people.
pub fn table(spec: &CircuitSpec, work: &Work, cost: &Cost) -> String {
    let network: Vec<String> = work.network.iter().map(ToString::to_string).collect();
    let made = if work.simulated { "simulated" } else { "estimated" };
    let (inference, update, power) = (&cost.inference_j, &cost.update_j, &cost.power_w);
    let mut text = format!(
        "circuit   {}: {}, {} dyads, {} synapses; {} at {}\n\
         time      inference {}, update {} ({} {}, {made})\n",
        spec.name,
        network.join("-"),
        work.neurons(),
        work.synapses(),
        cost.technology,
        rounded(cost.supply_v, "V"),
        rounded(inference.time_s, "s"),
        rounded(update.time_s, "s"),
        work.relaxations,
        if work.relaxations == 1 { "relaxation" } else { "relaxations" },
    );
    text += &remarks(spec, work);
    text += &format!("\n{:<22}{:>14}{:>12}{:>12}{:>12}\n", "", "area", "power", "inference", "update");
    let area =
        |value: Option<f64>| value.map_or("–".to_owned(), |a| format!("{} mm²", significant(1e6 * a, 4)));
    let joules = |value: Option<f64>| value.map_or("–".to_owned(), |e| rounded(e, "J"));
    let watts = |value: Option<f64>| value.map_or(String::new(), |p| rounded(p, "W"));
    let parts = cost.area_m2;
    let synapses = power.synapses + power.resistive + power.switching;
    let rows = [
        ("dyads", area(parts.neurons), Some(power.neurons), Some(inference.neurons), Some(update.neurons)),
        ("synapses", area(parts.synapses), Some(synapses), Some(inference.synapses), Some(update.synapses)),
        (
            "capacitors, charged",
            area(parts.capacitors),
            None,
            Some(inference.membranes),
            Some(update.membranes),
        ),
        ("conversion", String::new(), None, inference.conversion, update.conversion),
        ("programming", String::new(), None, inference.programming, update.programming),
        ("total", area(parts.total()), Some(power.total()), Some(inference.total()), Some(update.total())),
    ];
    for (name, area, power, inference, update) in rows {
        text += &format!(
            "{name:<22}{area:>14}{:>12}{:>12}{:>12}\n",
            watts(power),
            joules(inference),
            joules(update)
        );
    }
    text + &per_synapse(work, cost)
}

/// What a simulation rests on, and what it leaves out.
fn remarks(spec: &CircuitSpec, work: &Work) -> String {
    let mut text = String::new();
    if work.simulated {
        let [free, nudged] = work.at_rest.map(|share| percent(share, 1));
        let [longest, slowest] = work.longest.map(|time| rounded(time, "s"));
        text += &format!(
            "samples   {free} at rest free, {nudged} nudged; medians of these, \
             the longest {longest} and {slowest}\n"
        );
    }
    if let (Some(described), Some(real)) = (resistive(spec), work.conductance) {
        text += &format!(
            "synapses  {} in the mean, from the weights (cost.synapse_conductance is {})\n",
            rounded(real, "S"),
            rounded(described, "S")
        );
    }
    if work.without_nudge {
        text += "update    of free relaxations: the nudge is left out, as there are no targets (--target)\n";
    }
    text
}

/// The last lines of the table.
fn per_synapse(work: &Work, cost: &Cost) -> String {
    let (inference, update) = (&cost.inference_j, &cost.update_j);
    let per = |energy: &Energy| rounded(energy.total() / work.synapses(), "J");
    let mut text =
        format!("{:<22}{:>14}{:>12}{:>12}{:>12}\n", "per synapse", "", "", per(inference), per(update));
    let missing = cost.missing();
    if !missing.is_empty() {
        text += &format!("\nnot given, and in no sum: {}\n", missing.join(", "));
    }
    text
}
