//! Whose estimate is looked at: that of dyads that are fed forward, or of a rule of circuits whose layers
//! speak both ways.

use anyhow::anyhow;

use super::super::Failure;
use super::super::inputs::Setup;
use super::Gradient;
use dyadsim_core::spec::{CircuitKind, RuleKind, RuleSpec, check_defined, listed};

/// The rule that is asked for; `None` of dyads that are fed forward, whose gains say it.
pub fn asked(settings: &Gradient, setup: &Setup) -> Option<RuleSpec> {
    let usual = match setup.spec.kind() {
        CircuitKind::Dyad => return None,
        CircuitKind::Hopfield => RuleKind::EpCentred,
        CircuitKind::RecurrentDyad => RuleKind::DyadicEp,
        CircuitKind::PredictiveCoding => RuleKind::PredictiveCoding,
    };
    let named = settings.rule.as_deref().and_then(RuleKind::named);
    Some(RuleSpec::from(named.unwrap_or(usual)))
}

/// Refuses a rule that is none of this circuit's.
///
/// # Errors
/// The rule, and which there are; what of the circuit it is not defined for.
pub fn check(settings: &Gradient, setup: &Setup) -> Result<(), Failure> {
    let kind = setup.spec.kind();
    if let Some(name) = &settings.rule {
        let fits = |rule: &RuleKind| rule.circuit_kind() == kind && kind.is_recurrent();
        if !RuleKind::named(name).as_ref().is_some_and(fits) {
            let names =
                listed(RuleKind::ALL.iter().filter(|rule| fits(rule)).map(|rule| rule.name().to_owned()));
            let accepted = if kind.is_recurrent() {
                format!("of kind \"{}\": {names}", kind.name())
            } else {
                "no --rule: gains of dyads are those of `nudge.variant`".to_owned()
            };
            return Err(Failure::input(anyhow!("--rule {name}\n  accepted: {accepted}")));
        }
    }
    asked(settings, setup).map_or(Ok(()), |rule| check_defined(&rule, &setup.spec).map_err(Failure::input))
}
