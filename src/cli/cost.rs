//! `dyadsim circuits cost`: area, power, time and energy of a circuit, estimated or on a simulated batch.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::builtin::find;
use super::inputs::Files;
use super::progress::Terminal;
use super::{Failure, Global, output};
use crate::cost::{Cost, Energy, Work};
use crate::spec::{CIRCUITS, CircuitSpec};
use crate::units::{percent, significant};

/// Arguments of `circuits cost`.
#[derive(Debug, Args)]
#[command(
    after_help = "The circuit needs a section [cost] (docs/cost.md). With --weights and --input, and --target for the nudge, \
    times and signals are simulated.\n\nExample:\n  dyadsim circuits cost mine.toml --network 784,128,10"
)]
pub struct Arguments {
    /// A file or a built-in circuit
    circuit: PathBuf,
    /// Neurons per layer, input first [default: the circuit's, or that of --weights]
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', conflicts_with = "weights")]
    network: Option<Vec<usize>>,
    /// Weights to simulate with (safetensors)
    #[arg(long, value_name = "FILE", requires = "input")]
    weights: Option<PathBuf>,
    /// Inputs `x`, `[samples, n_0]` (safetensors, V)
    #[arg(long, value_name = "FILE", requires = "weights")]
    input: Option<PathBuf>,
    /// Targets `y`, `[samples, n_L]` (safetensors, V)
    #[arg(long, value_name = "FILE", requires = "weights")]
    target: Option<PathBuf>,
    /// Chip, a seed of [mismatch] [default: that of the circuit file, else the one that the weights were trained on, else --seed]
    #[arg(long, value_name = "N", requires = "weights")]
    chip: Option<u32>,
}

/// Carries the command out.
///
/// # Errors
/// Bad input; a circuit without `[cost]`; a batch of which no sample comes to rest.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.want_double("circuits cost")?;
    let (spec, work) = match (&arguments.weights, &arguments.input) {
        (Some(weights), Some(input)) => simulated(global, arguments, weights, input)?,
        _ => estimated(global, arguments)?,
    };
    let prices = spec.cost.as_ref().ok_or_else(|| unpriced(arguments))?;
    let cost = Cost::new(&spec, prices, &work).ok_or_else(|| unpriced(arguments))?;
    output::conclude(global, &table(&spec, &work, &cost), &document(&spec, &work, &cost))
}

fn unpriced(arguments: &Arguments) -> Failure {
    Failure::input(anyhow!(
        "{}: no section `cost`, which says what currents, conductances and areas the parts have\n  \
         accepted: [cost] with at least `technology` (`dyadsim circuits show --defaults` lists its keys)",
        arguments.circuit.display()
    ))
}

/// By the description alone.
fn estimated(global: &Global, arguments: &Arguments) -> Result<(CircuitSpec, Work), Failure> {
    let mut settings = global.set.clone();
    if let Some(network) = &arguments.network {
        let sizes =
            network.iter().map(|&n| toml::Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))).collect();
        settings.push(crate::spec::Override::new("network", toml::Value::Array(sizes)).by("--network"));
    }
    let spec = find(CIRCUITS, &arguments.circuit)?.circuit(&settings)?;
    let prices = spec.cost.as_ref().ok_or_else(|| unpriced(arguments))?;
    let network = spec.network.clone().ok_or_else(|| {
        Failure::input(anyhow!(
            "{}: no `network`\n  accepted: --network 784,128,10, or `network` in the circuit, or --weights and --input",
            arguments.circuit.display()
        ))
    })?;
    let work = Work::estimated(&spec, prices, &network);
    Ok((spec, work))
}

/// On a batch.
fn simulated(
    global: &Global,
    arguments: &Arguments,
    weights: &std::path::Path,
    input: &std::path::Path,
) -> Result<(CircuitSpec, Work), Failure> {
    let files = Files {
        circuit: arguments.circuit.clone(),
        weights: weights.to_owned(),
        input: input.to_owned(),
        target: arguments.target.clone(),
        chip: arguments.chip,
    };
    let mut setup = files.read(global, &Terminal::new(global))?;
    setup.batch.presentations.seed = global.seed.unwrap_or(0).into();
    if setup.spec.cost.is_none() {
        return Err(unpriced(arguments));
    }
    let bar = super::progress::waiting(global, "settling");
    let work = global.on_threads(|| Work::simulated(&setup.spec, &setup.weights, &setup.batch))?;
    bar.finish_and_clear();
    let work = work.ok_or_else(|| {
        let kind = setup.spec.solver.kind.name();
        Failure::running(anyhow!(
            "no sample came to rest with a time (solver \"{kind}\"; \"layerwise\" and \"dc\" have none); \
             `dyadsim settle` tells what became of them"
        ))
    })?;
    Ok((setup.spec, work))
}

fn document(spec: &CircuitSpec, work: &Work, cost: &Cost) -> serde_json::Value {
    let per = |energy: &Energy| energy.total() / work.synapses();
    json!({
        "circuit": spec.name,
        "network": work.network,
        "dyads": work.dyads(),
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
fn table(spec: &CircuitSpec, work: &Work, cost: &Cost) -> String {
    let network: Vec<String> = work.network.iter().map(ToString::to_string).collect();
    let made = if work.simulated { "simulated" } else { "estimated" };
    let (inference, update, power) = (&cost.inference_j, &cost.update_j, &cost.power_w);
    let mut text = format!(
        "circuit   {}: {}, {} dyads, {} synapses; {} at {}\n\
         time      inference {}, update {} ({} {}, {made})\n",
        spec.name,
        network.join("-"),
        work.dyads(),
        work.synapses(),
        cost.technology,
        output::rounded(cost.supply_v, "V"),
        output::rounded(inference.time_s, "s"),
        output::rounded(update.time_s, "s"),
        work.relaxations,
        if work.relaxations == 1 { "relaxation" } else { "relaxations" },
    );
    text += &remarks(spec, work);
    text += &format!("\n{:<22}{:>14}{:>12}{:>12}{:>12}\n", "", "area", "power", "inference", "update");
    let area =
        |value: Option<f64>| value.map_or("–".to_owned(), |a| format!("{} mm²", significant(1e6 * a, 4)));
    let joules = |value: Option<f64>| value.map_or("–".to_owned(), |e| output::rounded(e, "J"));
    let watts = |value: Option<f64>| value.map_or(String::new(), |p| output::rounded(p, "W"));
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
        let [longest, slowest] = work.longest.map(|time| output::rounded(time, "s"));
        text += &format!(
            "samples   {free} at rest free, {nudged} nudged; medians of these, the longest {longest} and {slowest}\n"
        );
    }
    if let (Some(described), Some(real)) = (resistive(spec), work.conductance) {
        text += &format!(
            "synapses  {} in the mean, from the weights (cost.synapse_conductance is {})\n",
            output::rounded(real, "S"),
            output::rounded(described, "S")
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
    let per = |energy: &Energy| output::rounded(energy.total() / work.synapses(), "J");
    let mut text =
        format!("{:<22}{:>14}{:>12}{:>12}{:>12}\n", "per synapse", "", "", per(inference), per(update));
    let missing = cost.missing();
    if !missing.is_empty() {
        text += &format!("\nnot given, and in no sum: {}\n", missing.join(", "));
    }
    text
}
