//! What a run is: its rule, its gains and the other settings of its grid. Runs that share all of it differ by
//! seed and chip alone.
//!
//! Rows of tables name rules by text; behind the tables they are types.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde_json::Value;

use super::rows::RunSummary;
use dyadsim_core::spec::RuleKind;

/// Values of grid settings other than α and β, by path.
pub type Settings = BTreeMap<String, Value>;

/// Gains and other settings of a run: where it stands in the grid of its experiment.
///
/// Numbers are equal by their bits, but that −0 is 0, so that a place can be looked up.
#[derive(Clone, Debug, Default)]
pub struct GridPlace {
    /// Mixing α; `None` if the rule has none.
    pub alpha: Option<f64>,
    /// Nudge β; `None` if the rule has none.
    pub beta: Option<f64>,
    /// Other settings that the grid varies and the rule heeds.
    pub settings: Settings,
}

impl GridPlace {
    /// The gains as what they are compared by.
    fn bits(&self) -> [Option<u64>; 2] {
        [self.alpha, self.beta].map(|gain| gain.map(|gain| (gain + 0.0).to_bits()))
    }
}

impl PartialEq for GridPlace {
    fn eq(&self, other: &Self) -> bool {
        self.bits() == other.bits() && self.settings == other.settings
    }
}

impl Eq for GridPlace {}

impl Hash for GridPlace {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().hash(state);
        self.settings.hash(state);
    }
}

/// What runs share that differ by seed and chip alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunKey {
    /// The rule.
    pub rule: RuleKind,
    /// Its gains and other settings.
    pub place: GridPlace,
}

impl RunKey {
    /// The key of a run in `summary.json`; `None` if no rule has the name that stands there.
    #[must_use]
    pub fn of(run: &RunSummary) -> Option<Self> {
        let place = GridPlace { alpha: run.alpha, beta: run.beta, settings: run.settings.clone() };
        Some(Self { rule: RuleKind::named(&run.rule)?, place })
    }
}

/// Whether no setting has two values: a run that lacks one, as its rule does not heed it, belongs to all
/// values of others.
#[must_use]
pub fn agree(one: &Settings, other: &Settings) -> bool {
    one.iter().all(|(path, value)| other.get(path).is_none_or(|wanted| wanted == value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, f64)]) -> Settings {
        pairs.iter().map(|(path, value)| ((*path).to_owned(), (*value).into())).collect()
    }

    #[test]
    fn settings_agree_unless_one_of_them_has_two_values() {
        let place = settings(&[("batch", 50.0), ("circuit.solver.max_time", 20.0)]);
        assert!(agree(&settings(&[]), &place) && agree(&place, &settings(&[])));
        assert!(agree(&settings(&[("batch", 50.0), ("epochs", 3.0)]), &place));
        assert!(!agree(&settings(&[("batch", 10.0)]), &place));
    }

    #[test]
    fn places_are_equal_by_their_numbers() {
        let place = |alpha: f64| GridPlace { alpha: Some(alpha), ..GridPlace::default() };
        assert_eq!(place(0.0), place(-0.0));
        assert_eq!(place(f64::NAN), place(f64::NAN));
        assert_ne!(place(0.1 + 0.2), place(0.3));
        assert_ne!(place(0.0), GridPlace::default());
        let known: std::collections::HashSet<GridPlace> =
            [place(0.0), place(-0.0), GridPlace::default()].into();
        assert_eq!(known.len(), 2);
    }
}
