//! Continuous plasticity: synapses that move while the circuit does, and what such a circuit must be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_circuit::{ensure, not_negative};
use super::circuit::{CircuitSpec, NudgePoint};
use super::experiment::ExperimentSpec;
use super::fault::Fault;
use super::kinds::quoted;
use super::rules::RuleKind;

/// Continuous plasticity: synapses are slow states of the circuit, and samples are presented one after
/// another, without resets. All times are in units of the slowest `τ`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlasticitySpec {
    /// Time constant `τ_w` of synapses (slowest τ): `τ_w dW/dt = δ s̄ᵀ/β`. A presentation moves them as an
    /// update of rate `presentation/τ_w` does.
    pub time_constant: f64,
    /// How long a sample's input is on, and as long its target but for the `wait` (slowest τ).
    pub presentation: f64,
    /// Pause behind every sample, without input and nudge (slowest τ).
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(extend("default" = 0.0))]
    pub blank: f64,
    /// How much later than the input the target comes, and goes (slowest τ).
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(extend("default" = 0.0))]
    pub delay: f64,
    /// How long an input is on before its target comes, beside the delay (slowest τ): the target is on for
    /// `presentation − wait`, and goes with the input where nothing is delayed.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(extend("default" = 0.0))]
    pub wait: f64,
    /// Step of the integration, at most (slowest τ).
    #[serde(default = "default_step")]
    pub step: f64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

fn default_step() -> f64 {
    0.1
}

/// Longest time of a sample and of its parts (slowest τ).
const LONGEST: f64 = 1e6;
/// Slowest synapses (slowest τ).
const SLOWEST: f64 = 1e12;
/// Limits of the step (slowest τ).
const STEPS: (f64, f64) = (1e-4, 1.0);

/// Checks `[plasticity]`, and that rules and circuit can learn so.
///
/// # Errors
/// A number out of its range, a rule that needs two phases, a part of the circuit that is not modelled here.
pub(super) fn check_plasticity(experiment: &ExperimentSpec, circuit: &CircuitSpec) -> Result<(), Fault> {
    let Some(plasticity) = &experiment.plasticity else { return Ok(()) };
    check_times(plasticity)?;
    experiment.rules.iter().try_for_each(|rule| check_rule(*rule))?;
    if experiment.rules.iter().any(|rule| rule.learns_continuously()) {
        check_updates(experiment)?;
        return check_parts(circuit);
    }
    Ok(())
}

fn check_times(plasticity: &PlasticitySpec) -> Result<(), Fault> {
    let PlasticitySpec { time_constant, presentation, blank, delay, wait, step } = *plasticity;
    for (key, time, longest) in
        [("time_constant", time_constant, SLOWEST), ("presentation", presentation, LONGEST)]
    {
        let accepted = format!("a number of time constants above 0, {longest:e} or less");
        ensure(time > 0.0 && time <= longest, &["plasticity", key], time, &accepted)?;
    }
    for (key, time) in [("blank", blank), ("delay", delay)] {
        let accepted = format!("a number of time constants from 0 to {LONGEST:e}");
        not_negative(&["plasticity", key], time, &accepted)?;
        ensure(time <= LONGEST, &["plasticity", key], time, &accepted)?;
    }
    let accepted = format!("a number of time constants from 0, less than `presentation` ({presentation})");
    ensure((0.0..presentation).contains(&wait), &["plasticity", "wait"], wait, &accepted)?;
    let (shortest, longest) = STEPS;
    let accepted = format!("a number of time constants from {shortest} to {longest}");
    ensure((shortest..=longest).contains(&step), &["plasticity", "step"], step, &accepted)
}

/// Refuses rules that would have to be told otherwise.
fn check_rule(rule: RuleKind) -> Result<(), Fault> {
    if rule.learns_continuously() || !rule.settles() || rule.is_reference() {
        return Ok(());
    }
    let lacks = if rule.is_dyadic() {
        "with dyads continuous plasticity is modelled where no layer speaks back"
    } else {
        "it compares two equilibria, and would need a second phase and a memory of the first at every synapse"
    };
    let fit = RuleKind::ALL.into_iter().filter(|rule| rule.learns_continuously());
    let accepted = format!(
        "with `plasticity` the rules {}, or one that nudges nothing; not `{}`: {lacks}",
        quoted(fit.map(RuleKind::name)),
        rule.name()
    );
    Err(Fault::refused(&["rules"], rule.name(), accepted))
}

/// Refuses what only updates one after another have.
fn check_updates(experiment: &ExperimentSpec) -> Result<(), Fault> {
    let accepted = "1: with `plasticity` synapses move all the time";
    ensure(experiment.updates == 1, &["updates"], experiment.updates, accepted)
}

/// Refuses parts of circuits that are phases of their own, or not followed while synapses move.
fn check_parts(circuit: &CircuitSpec) -> Result<(), Fault> {
    let phases = "with `plasticity`: it is a relaxation of its own, and there are no phases";
    let noisy = circuit.noise.moving().next();
    let accepted = "no source with `plasticity`, where noise is not followed";
    ensure(noisy.is_none(), &["circuit", "noise"], noisy.map_or("", |kind| kind.name()), accepted)?;
    let sampled = circuit.noise.sampled.is_none();
    ensure(sampled, &["circuit", "noise", "sampled"], "a source", accepted)?;
    let readout = circuit.readout;
    ensure(!readout.auto_zero, &["circuit", "readout", "auto_zero"], true, &format!("false {phases}"))?;
    ensure(!readout.chopping, &["circuit", "readout", "chopping"], true, &format!("false {phases}"))?;
    let free = circuit.nudge.at == NudgePoint::Free;
    let accepted = format!("\"own\", \"mean\" or \"drive\" {phases}");
    ensure(!free, &["circuit", "nudge", "at"], "free", &accepted)?;
    let accepted = "no clock with `plasticity`, which is followed in continuous time";
    ensure(circuit.clock.is_none(), &["circuit", "clock"], "a clock", accepted)?;
    let accepted = "\"none\" with `plasticity`, where forward synapses alone move";
    ensure(circuit.feedback.learning.is_none(), &["circuit", "feedback", "learning"], "this", accepted)
}
