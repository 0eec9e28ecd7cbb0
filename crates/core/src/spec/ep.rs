//! Settings of equilibrium propagation, and what its circuit must be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_circuit::{ensure, not_negative};
use super::circuit::{CircuitSpec, FeedbackSynapses, LossKind, NudgePoint, Start};
use super::fault::Fault;
use super::kinds::{ActivationKind, CircuitKind, SolverKind, quoted};
use super::path::Step;
use super::rules::RuleKind;

/// Settings of equilibrium propagation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EquilibriumSpec {
    /// Rule `ep`: sign of the nudge.
    pub sign: NudgeSign,
    /// Rules `ep-holomorphic` and `ep-oscillating`: nudges on the circle, 2 or more.
    pub points: usize,
    /// Rule `ep-oscillating`: duration of a turn of the nudge, in units of the slowest `τ`.
    pub period: f64,
    /// Rules that nudge a coupling of any symmetry: weight of the Jacobian homeostasis beside the loss, by
    /// which separate feedback synapses become symmetric to the forward ones; 0 is none.
    pub homeostasis: f64,
}

/// Sign of a nudge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NudgeSign {
    /// Towards the target.
    #[default]
    Positive,
    /// Away from it.
    Negative,
    /// Either, drawn for every update.
    Random,
}

impl Default for EquilibriumSpec {
    fn default() -> Self {
        Self { sign: NudgeSign::Positive, points: 6, period: 200.0, homeostasis: 0.0 }
    }
}

impl EquilibriumSpec {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Most nudges on the circle.
const MOST_POINTS: usize = 1000;
/// Longest turn of a nudge (slowest τ).
const LONGEST: f64 = 1e6;

/// Checks the settings of equilibrium propagation.
pub(super) fn check_ep(ep: EquilibriumSpec) -> Result<(), Fault> {
    let accepted =
        format!("a whole number from 2 to {MOST_POINTS}: one nudge has no first Fourier coefficient");
    ensure((2..=MOST_POINTS).contains(&ep.points), &["ep", "points"], ep.points, &accepted)?;
    let accepted = format!("a number of time constants above 0, {LONGEST:e} or less");
    ensure(ep.period > 0.0 && ep.period <= LONGEST, &["ep", "period"], ep.period, &accepted)?;
    not_negative(&["ep", "homeostasis"], ep.homeostasis, "a finite weight, 0 or more")
}

/// Checks that homeostasis has feedback synapses to move.
///
/// # Errors
/// A weight of it in a circuit whose synapses are read both ways.
pub(super) fn check_homeostasis(ep: EquilibriumSpec, circuit: &CircuitSpec) -> Result<(), Fault> {
    let separate = circuit.feedback.synapses == FeedbackSynapses::Separate;
    let accepted = "0, or a circuit with `feedback.synapses` = \"separate\": one crossbar that is read both ways is \
                    symmetric by itself";
    ensure(separate || ep.homeostasis == 0.0, &["ep", "homeostasis"], ep.homeostasis, accepted)
}

/// Checks that a rule is defined for a circuit.
///
/// # Errors
/// The first key of the circuit for which it is not, and what would be right.
pub fn check_rule(rule: RuleKind, circuit: &CircuitSpec) -> Result<(), Fault> {
    let needs = rule.circuit_kind();
    if let Some(kind) = circuit.kind.filter(|kind| *kind != needs) {
        let fit = RuleKind::ALL.into_iter().filter(|rule| rule.circuit_kind() == kind);
        let accepted = format!(
            "\"{}\", or no kind, as rule `{}` needs; of \"{}\" circuits the rules are {}",
            needs.name(),
            rule.name(),
            kind.name(),
            quoted(fit.map(RuleKind::name))
        );
        return Err(Fault::refused(&["circuit", "kind"], kind.name(), accepted));
    }
    if !needs.is_recurrent() {
        return Ok(());
    }
    let wired = CircuitSpec { kind: Some(needs), ..circuit.clone() };
    check_recurrent(&wired).map_err(|fault| fault.under(Step::Key("circuit".into())))?;
    let learning =
        "\"none\": where layers speak both ways, feedback synapses learn by the rule of the others";
    let own = circuit.feedback.learning.is_none();
    ensure(own, &["circuit", "feedback", "learning"], "this", learning)?;
    if rule.takes_any_coupling() { Ok(()) } else { check_symmetric(rule, circuit) }
}

/// Checks what a circuit whose layers speak both ways cannot have.
pub(super) fn check_recurrent(circuit: &CircuitSpec) -> Result<(), Fault> {
    check_lateral(circuit)?;
    if !circuit.kind().is_recurrent() {
        return Ok(());
    }
    let solver = circuit.solver.kind;
    let others =
        quoted(SolverKind::ALL.into_iter().filter(|kind| !kind.needs_layers()).map(SolverKind::name));
    let accepted = format!("{others}: the others sweep layers down and up, and these speak both ways");
    ensure(!solver.needs_layers(), &["solver", "kind"], solver.name(), &accepted)?;
    check_point(circuit)?;
    let stale = circuit.solver.start == Start::Stale;
    ensure(!stale, &["solver", "start"], "stale", "\"free\" or \"zero\"")?;
    let alone = "none: it is modelled for dyads alone";
    let readout = circuit.readout;
    ensure(readout.time == 0.0, &["readout", "time"], readout.time, "0 s: it is modelled for dyads alone")?;
    let differences = "false: no difference of compartments is read";
    ensure(!readout.auto_zero, &["readout", "auto_zero"], true, differences)?;
    ensure(!readout.chopping, &["readout", "chopping"], true, differences)?;
    let noise = &circuit.noise;
    ensure(noise.telegraph.is_none(), &["noise", "telegraph"], "a source", alone)?;
    ensure(noise.synapse_telegraph.is_none(), &["noise", "synapse_telegraph"], "a source", alone)?;
    ensure(noise.sampled.is_none(), &["noise", "sampled"], "a source", alone)?;
    ensure(circuit.leakage.is_none_or(|l| l.hold == 0.0), &["leakage", "hold"], "a time", "0 s")?;
    ensure(circuit.nudge.keep_margin.is_none(), &["nudge", "keep_margin"], "a margin", alone)?;
    if circuit.kind() == CircuitKind::Hopfield {
        return Ok(());
    }
    if circuit.kind() == CircuitKind::PredictiveCoding {
        check_predictive(circuit)?;
    }
    let single = "none: it is modelled for dyads where no layer speaks back, and for Hopfield circuits";
    ensure(circuit.amplifier.is_none(), &["amplifier"], "an amplifier", single)?;
    ensure(circuit.leakage.is_none(), &["leakage"], "a leakage", single)?;
    ensure(circuit.clock.is_none(), &["clock"], "a clock", single)?;
    ensure(noise.read.is_none(), &["noise", "read"], "a source", single)
}

/// Checks that neurons of a layer may hear each other.
fn check_lateral(circuit: &CircuitSpec) -> Result<(), Fault> {
    let modelled = matches!(circuit.kind(), CircuitKind::Hopfield | CircuitKind::RecurrentDyad);
    let accepted = "false, or `kind` = \"hopfield\" or \"recurrent-dyad\": what neurons of other kinds say goes up alone";
    ensure(modelled || !circuit.lateral, &["lateral"], true, accepted)
}

/// Checks what predictive coding asks of its devices.
fn check_predictive(circuit: &CircuitSpec) -> Result<(), Fault> {
    let smooth = ActivationKind::ALL.into_iter().filter(|kind| kind.has_smooth_slope());
    let smooth = quoted(smooth.map(ActivationKind::name));
    let accepted = format!("{smooth}: errors pass the slope of the device, and drives would jump with it");
    let neuron = &circuit.neuron;
    for (key, device) in [("activation", neuron.activation), ("output_activation", neuron.output_activation)]
    {
        ensure(device.kind.has_smooth_slope(), &["neuron", key], device.kind.name(), &accepted)?;
    }
    ensure(circuit.supply.is_none(), &["supply"], "rails", "none: activities of predictive coding have none")
}

/// Checks where the loss gradient is taken.
fn check_point(circuit: &CircuitSpec) -> Result<(), Fault> {
    let at = circuit.nudge.at;
    let (known, found, accepted) = match (circuit.kind(), at) {
        (CircuitKind::RecurrentDyad, NudgePoint::Own) => (false, "own", "\"mean\""),
        (CircuitKind::RecurrentDyad, NudgePoint::Free) => (false, "free", "\"mean\""),
        (CircuitKind::RecurrentDyad, NudgePoint::Drive) => (false, "drive", "\"mean\""),
        (_, NudgePoint::Drive) => {
            (false, "drive", "\"own\", \"mean\" (the same with one compartment) or \"free\"")
        }
        _ => return Ok(()),
    };
    ensure(known, &["nudge", "at"], found, accepted)
}

/// Checks what a rule that compares equilibria asks of its circuit.
fn check_symmetric(rule: RuleKind, circuit: &CircuitSpec) -> Result<(), Fault> {
    let shared = circuit.feedback.synapses == FeedbackSynapses::Shared;
    let accepted = format!("\"shared\", as rule `{}` takes the coupling to be symmetric", rule.name());
    ensure(shared, &["circuit", "feedback", "synapses"], "separate", &accepted)?;
    if matches!(rule, RuleKind::Coupled) {
        let beta = circuit.nudge.beta;
        let accepted = "a share above 0, at most 1, of the way from the free output to the target";
        ensure(beta <= 1.0, &["circuit", "nudge", "beta"], beta, accepted)?;
    }
    if !matches!(rule, RuleKind::EpHolomorphic | RuleKind::EpOscillating) {
        return Ok(());
    }
    let smooth = ActivationKind::ALL.into_iter().filter(|kind| kind.is_holomorphic());
    let smooth = quoted(smooth.map(ActivationKind::name));
    let accepted = format!("{smooth}, as potentials become complex, where a kink or a table means nothing");
    let neuron = &circuit.neuron;
    for (key, device) in [("activation", neuron.activation), ("output_activation", neuron.output_activation)]
    {
        let holomorphic = device.kind.is_holomorphic();
        ensure(holomorphic, &["circuit", "neuron", key], device.kind.name(), &accepted)?;
    }
    let squared = circuit.nudge.loss == LossKind::Mse;
    ensure(squared, &["circuit", "nudge", "loss"], "cross-entropy", "\"mse\" for complex nudges")?;
    let analytic = "none, as potentials become complex";
    ensure(circuit.supply.is_none(), &["circuit", "supply"], "rails", analytic)?;
    ensure(circuit.transconductor.is_none(), &["circuit", "transconductor"], "a range", analytic)?;
    ensure(circuit.amplifier.is_none(), &["circuit", "amplifier"], "an amplifier", analytic)?;
    ensure(circuit.leakage.is_none(), &["circuit", "leakage"], "a leakage", analytic)?;
    ensure(circuit.clock.is_none(), &["circuit", "clock"], "a clock", analytic)
}
