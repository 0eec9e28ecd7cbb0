//! The settings of a study of noise in a line.

use super::super::inputs::Setup;
use super::super::text::rounded;
use super::Noise;

/// The settings in a line.
pub fn line(setup: &Setup, settings: &Noise) -> String {
    let network: Vec<String> = setup.weights.network().iter().map(ToString::to_string).collect();
    let nudge = &setup.spec.nudge;
    let (plus, minus) = dyadsim_core::chip::gains(nudge);
    let nudged = if !setup.nudged {
        "free circuit".to_owned()
    } else if setup.spec.kind().compartments() == 1 {
        format!("β {}", nudge.beta)
    } else {
        let hidden = nudge.hidden_words();
        format!("a⁺ {plus}, a⁻ {minus}, α {}{hidden}, β {}", nudge.alpha, nudge.beta)
    };
    let solver = setup.spec.solver.kind.name();
    let simulated = if settings.time == 0.0 {
        "not simulated".to_owned()
    } else {
        format!(
            "{solver} at steps of {} τ, {} replicas of {} τ",
            setup.spec.solver.step, settings.replicas, settings.time
        )
    };
    let network = network.join("-");
    let chip = setup.chip_number().map(|chip| format!(", chip {chip}")).unwrap_or_default();
    format!(
        "{}: {network}, {nudged}{chip}, sample {}, τ = {}; {simulated}",
        setup.spec.name,
        settings.sample,
        rounded(setup.chip.slowest, "s")
    )
}
