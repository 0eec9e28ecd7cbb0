//! A circuit with weights and a batch in a few words, and in the lines at the head of an answer.

use super::inputs::Setup;
use super::text::rounded;
use crate::record::trained::devices;
use dyadsim_core::spec::{CircuitKind, Variant};

impl Setup {
    /// As [`Self::words`], of this chip and the following ones.
    pub fn words_from(&self, without: &[String]) -> String {
        let first = self.spec.mismatch.seed.unwrap_or(0);
        format!("{}, chips from {first} on", self.plain_words(without))
    }

    /// Circuit, network, nudge and chip in a few words, without the settings of some keys.
    pub fn words(&self, without: &[String]) -> String {
        let chip = self.chip_number().map(|chip| format!(", chip {chip}"));
        self.plain_words(without) + &chip.unwrap_or_default()
    }

    fn plain_words(&self, without: &[String]) -> String {
        let network: Vec<String> = self.weights.network().iter().map(ToString::to_string).collect();
        let nudge = &self.spec.nudge;
        let single = self.spec.kind().compartments() == 1;
        let variant = match nudge.variant {
            _ if single => "Hopfield".to_owned(),
            Variant::Dp => "DP".to_owned(),
            Variant::DpTranspose => "DPᵀ".to_owned(),
            Variant::Custom { plus, minus } => format!("a⁺ = {plus}, a⁻ = {minus}"),
        };
        let mut text = format!("{}: {}, {}{variant}", self.spec.name, network.join("-"), self.both_ways());
        for (key, name, value) in [("nudge.alpha", "α", nudge.alpha), ("nudge.beta", "β", nudge.beta)] {
            if !(without.iter().any(|k| k == key) || single && key == "nudge.alpha") {
                text += &format!(", {name} = {value}");
            }
        }
        if !(single || without.iter().any(|k| k == "nudge.hidden_alpha")) {
            text += &nudge.hidden_words();
        }
        text + &format!("; {} samples", self.batch.inputs.nrows())
    }

    /// A line on the circuit, one on the network, and one on the chip where devices differ, for people.
    pub fn headline(&self) -> String {
        self.headline_but(&[])
    }

    /// [`Setup::headline`] without the values of keys that vary.
    pub fn headline_but(&self, varied: &[String]) -> String {
        let nudge = &self.spec.nudge;
        let value = |key: &str, value: f64| {
            if varied.iter().any(|other| other == key) { "varied".to_owned() } else { value.to_string() }
        };
        let gains = match (self.nudged, dyadsim_core::chip::gains(nudge)) {
            (true, _) if self.spec.kind().compartments() == 1 => {
                format!("Hopfield, β {}", value("nudge.beta", nudge.beta))
            }
            (true, (plus, minus)) => {
                let (alpha, beta) = (value("nudge.alpha", nudge.alpha), value("nudge.beta", nudge.beta));
                let hidden = value("nudge.hidden_alpha", nudge.of_hidden().alpha);
                let hidden = nudge.hidden_alpha.map(|_| format!(", hidden layers α {hidden}"));
                format!("a⁺ {plus}, a⁻ {minus}, α {alpha}{}, β {beta}", hidden.unwrap_or_default())
            }
            (false, _) if self.graded => "free (β 0)".to_owned(),
            (false, _) => "free (no target)".to_owned(),
        };
        let network: Vec<String> = self.weights.network().iter().map(ToString::to_string).collect();
        format!(
            "circuit   {}: {}{gains}, τ = {}\nnetwork   {}, samples: {}\n{}",
            self.spec.name,
            self.both_ways(),
            rounded(self.chip.slowest, "s"),
            network.join("-"),
            self.batch.inputs.nrows(),
            self.chip_line()
        )
    }

    /// What is said of dyads whose layers speak both ways.
    fn both_ways(&self) -> &'static str {
        if self.spec.kind() == CircuitKind::RecurrentDyad { "recurrent dyads, " } else { "" }
    }

    /// The chip, and what it is to the weights.
    fn chip_line(&self) -> String {
        let Some(here) = self.chip_number() else { return String::new() };
        let trained = match &self.trained {
            None => "",
            Some(trained) if trained.chip.is_none() => " (the weights were trained without mismatch)",
            Some(trained) if devices(&self.spec) != trained.devices => {
                " (the weights were trained on other devices)"
            }
            Some(trained) if trained.chip == Some(here) => " (that of the weights)",
            Some(_) => " (the weights were trained on another)",
        };
        format!("chip      {here}{trained}\n")
    }
}
