//! What descriptions say of parts of a circuit: of its neurons, its hidden layers, a relaxation in rounds.

use super::circuit::{CircuitSpec, NudgeSpec, SolverSpec};
use super::kinds::CircuitKind;

impl CircuitSpec {
    /// Kind of its neurons: dyads unless it says otherwise.
    #[must_use]
    pub fn kind(&self) -> CircuitKind {
        self.kind.unwrap_or(CircuitKind::Dyad)
    }

    /// The same circuit under another nudge, if one is given.
    #[must_use]
    pub fn nudged(&self, beta: Option<f64>) -> Self {
        let mut circuit = self.clone();
        circuit.nudge.beta = beta.unwrap_or(circuit.nudge.beta);
        circuit
    }
}

impl NudgeSpec {
    /// The nudge as hidden layers have it: with their own mixing, and so with the gains that follow from it.
    #[must_use]
    pub fn of_hidden(&self) -> Self {
        Self { alpha: self.hidden_alpha.unwrap_or(self.alpha), ..self.clone() }
    }

    /// For people, behind α: the mixing of the hidden layers, where they have their own.
    #[must_use]
    pub fn hidden_words(&self) -> String {
        self.hidden_alpha.map(|alpha| format!(", hidden layers α {alpha}")).unwrap_or_default()
    }
}

impl SolverSpec {
    /// Whether relaxations are so many rounds of sweeps, settled or not: then several of them are parts of
    /// one.
    #[must_use]
    pub fn fixes_rounds(&self) -> bool {
        self.kind.sweeps() && self.schedule.rounds.is_some()
    }
}
