//! What descriptions say of parts of a circuit: of its hidden layers, of a relaxation in rounds.

use super::circuit::{NudgeSpec, SolverSpec};

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
