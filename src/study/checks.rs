//! What is looked at before anything is done: a circuit, an experiment with its data and initial weights.

use std::path::Path;

use serde_json::json;

use super::builtin::{EXPERIMENTS, find};
use super::text::{rounded, some_lines};
use super::{Done, Failure};
use crate::study::train::{RunPlan, check_network, check_start, plan};
use dyadsim_core::chip::{Chip, gains};
use dyadsim_core::data::{DataError, Request, load};
use dyadsim_core::spec::{CIRCUITS, CircuitSpec, Override};

/// Runs that the summary shows.
const SHOWN: usize = 10;

/// Checks a circuit, a file or a built-in one, under settings.
///
/// # Errors
/// Whatever is wrong with it.
pub fn circuit(name: &Path, settings: &[Override]) -> Result<Done, Failure> {
    let source = find(CIRCUITS, name)?;
    let circuit = source.circuit(settings)?;
    let words = format!("{}: valid: {}\n{}", source.title(), line(&circuit), curves(&circuit));
    let document = json!({"file": source.title(), "valid": true, "circuit": circuit});
    Ok(Done { words, document, holds: true })
}

/// Where the curves through points end, beyond which they are straight: a line each.
fn curves(circuit: &CircuitSpec) -> String {
    let neuron = &circuit.neuron;
    let both = [("activation", neuron.activation), ("output_activation", neuron.output_activation)];
    let told = both.into_iter().filter_map(|(key, device)| {
        let curve = device.kind.curve()?;
        let (low, high) = curve.range();
        let [low, high] = [low, high].map(|z| rounded(device.offset + device.scale * z, "V"));
        let points = curve.points().len();
        Some(format!(
            "  neuron.{key}: {points} points from {low} to {high}; potentials beyond meet straight lines\n"
        ))
    });
    told.collect()
}

/// A circuit in one line.
fn line(circuit: &CircuitSpec) -> String {
    let nudge = &circuit.nudge;
    let (plus, minus) = gains(nudge);
    let time_constant = rounded(Chip::<f64>::fabricate(circuit, &[1, 1]).slowest, "s");
    let network =
        circuit.network.as_ref().map(|network| format!(", network {network:?}")).unwrap_or_default();
    format!(
        "`{}`, τ = {time_constant}, a⁺ {plus}, a⁻ {minus}, α {}{}, β {}{network}",
        circuit.name,
        nudge.alpha,
        nudge.hidden_words(),
        nudge.beta
    )
}

/// Checks an experiment, a file or a built-in one, under settings; beside it, what could not be checked here.
///
/// # Errors
/// Whatever is wrong with it, its grid, its data or its initial weights.
pub fn experiment(name: &Path, settings: &[Override]) -> Result<(Done, Vec<String>), Failure> {
    let source = find(EXPERIMENTS, name)?;
    let plans = plan(&source.experiment(settings)?).map_err(Failure::input)?;
    let mut unchecked = Vec::new();
    for (i, plan) in plans.iter().enumerate() {
        let needs = |plan: &RunPlan| {
            let experiment = &plan.resolved.experiment;
            (experiment.dataset.clone(), experiment.network.clone(), experiment.init.clone())
        };
        if plans[..i].last().is_none_or(|before| needs(before) != needs(plan)) {
            unchecked.extend(files(plan)?);
        }
    }
    let runs: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
    let words = format!("{}: valid, runs: {}\n", source.title(), runs.len())
        + &some_lines(runs.iter().map(|run| format!("  {run}")), SHOWN);
    let document = json!({"file": source.title(), "valid": true, "runs": runs});
    Ok((Done { words, document, holds: true }, unchecked))
}

/// Checks that data set and initial weights of a run fit its network; a set that is not here is no fault,
/// and told.
fn files(plan: &RunPlan) -> Result<Option<String>, Failure> {
    let experiment = &plan.resolved.experiment;
    let told = match load(&Request::from(&experiment.dataset)) {
        Ok(dataset) => {
            check_network(&experiment.network, &dataset).map_err(Failure::input)?;
            None
        }
        Err(DataError::Missing { set, .. }) => {
            Some(format!("data set `{set}` is not on this machine: its fit is not checked"))
        }
        Err(error) => return Err(Failure::input(error)),
    };
    check_start::<f64>(plan).map_err(Failure::input)?;
    Ok(told)
}
