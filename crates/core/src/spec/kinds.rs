//! What descriptions choose among by name: solvers, activations, and what each of them can do; learning rules
//! are in `rules`.
//!
//! Every kind has all its values in `ALL`, a name in files, and its capabilities as methods: checks, tests,
//! tables and figures ask these and keep no lists of their own. A new value is added here, and the compiler
//! and the tests below ask for the rest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::curve::Curve;

/// Integration methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SolverKind {
    /// Exponential time differencing: exact in the leak, batched, adaptive.
    Etd,
    /// Exponential Adams–Moulton, swept from the top: exact in the leak, one right-hand side per step,
    /// batched, adaptive.
    Eam,
    /// Dormand–Prince 5(4).
    Dopri5,
    /// Dormand–Prince 8(5,3).
    Dop853,
    /// The papers' closed-form sweeps (no time).
    Layerwise,
    /// Operating points: fixed points by accelerated sweeps and Newton's method (no time).
    Dc,
    /// Stochastic, fixed step: leak and additive noise exact, drive held over the step.
    ExponentialEm,
    /// Stochastic, fixed step: Heun's method, Stratonovich, explicit.
    Heun,
    /// Stochastic, fixed step: leak and additive noise exact, drive by Heun's method; stable at steps of
    /// several `τ`.
    ExponentialHeun,
    /// Clock by clock: for circuits with a `[clock]`, and for those alone.
    Clocked,
}

impl SolverKind {
    /// Every solver, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Etd,
        Self::Eam,
        Self::Dopri5,
        Self::Dop853,
        Self::Layerwise,
        Self::Dc,
        Self::ExponentialEm,
        Self::Heun,
        Self::ExponentialHeun,
        Self::Clocked,
    ];

    /// Name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Etd => "etd",
            Self::Eam => "eam",
            Self::Dopri5 => "dopri5",
            Self::Dop853 => "dop853",
            Self::Layerwise => "layerwise",
            Self::Dc => "dc",
            Self::ExponentialEm => "exponential-em",
            Self::Heun => "heun",
            Self::ExponentialHeun => "exponential-heun",
            Self::Clocked => "clocked",
        }
    }

    /// Whether it follows noise.
    #[must_use]
    pub fn is_stochastic(self) -> bool {
        matches!(self, Self::ExponentialEm | Self::Heun | Self::ExponentialHeun | Self::Clocked)
    }

    /// Whether it knows no time: it looks for fixed points alone.
    #[must_use]
    pub fn is_timeless(self) -> bool {
        matches!(self, Self::Layerwise | Self::Dc)
    }

    /// Whether it goes from clock to clock of switched capacitors (`[clock]`), and through no other circuit.
    #[must_use]
    pub fn is_clocked(self) -> bool {
        self == Self::Clocked
    }

    /// Whether it follows continuous time in steps that it chooses by its tolerances.
    #[must_use]
    pub fn is_adaptive(self) -> bool {
        matches!(self, Self::Etd | Self::Eam | Self::Dopri5 | Self::Dop853)
    }

    /// Whether it follows continuous time in steps of `solver.step`.
    #[must_use]
    pub fn has_fixed_step(self) -> bool {
        matches!(self, Self::ExponentialEm | Self::Heun | Self::ExponentialHeun)
    }

    /// Whether it follows noise in continuous time.
    #[must_use]
    pub fn follows_continuous_noise(self) -> bool {
        self.is_stochastic() && !self.is_clocked()
    }

    /// Whether it corrects one layer before the next hears it, which takes a circuit of dyads in layers.
    #[must_use]
    pub fn needs_layers(self) -> bool {
        matches!(self, Self::Eam | Self::Layerwise)
    }

    /// Whether it repeats sweeps over the layers (`solver.schedule`, `passes`, `damping`).
    #[must_use]
    pub fn sweeps(self) -> bool {
        self == Self::Layerwise
    }

    /// Whether what it finds need not be where the circuit goes, and can be verified (`solver.verify`).
    #[must_use]
    pub fn can_verify(self) -> bool {
        self == Self::Dc
    }

    /// Whether it integrates samples one by one, each with steps of its own.
    #[must_use]
    pub fn is_one_by_one(self) -> bool {
        matches!(self, Self::Dopri5 | Self::Dop853)
    }

    /// Order of convergence in its fixed step, path by path (strong) and of moments (weak); `None` if it has
    /// no fixed step.
    ///
    /// For additive noise; `tests/suite/noise_orders.rs` measures both, of every kind that has them.
    #[must_use]
    pub fn orders(self) -> Option<(f64, f64)> {
        match self {
            Self::ExponentialEm => Some((1.0, 1.0)),
            Self::Heun | Self::ExponentialHeun => Some((1.0, 2.0)),
            _ => None,
        }
    }
}

/// Kinds of neurons and their wiring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CircuitKind {
    /// Two compartments a neuron: means go forward, differences come back.
    Dyad,
    /// One compartment a neuron: what a neuron says goes forward and back.
    Hopfield,
    /// Two compartments a neuron: means go forward and back, differences return through the transpose.
    RecurrentDyad,
    /// One compartment a neuron, its activity, beside a node for the error of its prediction: activities go
    /// forward, errors come back.
    PredictiveCoding,
}

impl CircuitKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Dyad, Self::Hopfield, Self::RecurrentDyad, Self::PredictiveCoding];

    /// Name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dyad => "dyad",
            Self::Hopfield => "hopfield",
            Self::RecurrentDyad => "recurrent-dyad",
            Self::PredictiveCoding => "predictive-coding",
        }
    }

    /// Whether layers speak both ways, not by differences of compartments alone, so that the network is
    /// settled as a whole.
    #[must_use]
    pub const fn is_recurrent(self) -> bool {
        !matches!(self, Self::Dyad)
    }

    /// Nodes of a neuron that devices drive: its compartments, and that of an error.
    #[must_use]
    pub fn nodes(self) -> usize {
        match self {
            Self::Dyad | Self::RecurrentDyad | Self::PredictiveCoding => 2,
            Self::Hopfield => 1,
        }
    }

    /// Compartments of a neuron.
    #[must_use]
    pub fn compartments(self) -> usize {
        match self {
            Self::Dyad | Self::RecurrentDyad => 2,
            Self::Hopfield | Self::PredictiveCoding => 1,
        }
    }
}

/// Shapes of activation devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActivationKind {
    /// `max(z, 0)`.
    Relu,
    /// `clip(z, 0, 1)`.
    HardSigmoid,
    /// `tanh z`.
    Tanh,
    /// `ln(1 + eᶻ)`.
    Softplus,
    /// `1/(1 + e⁻ᶻ)`.
    Sigmoid,
    /// `z`.
    Linear,
    /// A curve through points that were measured or simulated: V in, V out.
    #[serde(skip)]
    Table(Curve),
}

impl Serialize for ActivationKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl ActivationKind {
    /// Every shape that is a formula, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Relu, Self::HardSigmoid, Self::Tanh, Self::Softplus, Self::Sigmoid, Self::Linear];

    /// Name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::HardSigmoid => "hard-sigmoid",
            Self::Tanh => "tanh",
            Self::Softplus => "softplus",
            Self::Sigmoid => "sigmoid",
            Self::Linear => "linear",
            Self::Table(_) => Self::TABLE,
        }
    }

    /// Name of a curve through points in files.
    pub const TABLE: &'static str = "table";

    /// The curve, if it is one through points.
    #[must_use]
    pub fn curve(self) -> Option<Curve> {
        if let Self::Table(curve) = self { Some(curve) } else { None }
    }

    /// Whether its slope jumps somewhere.
    #[must_use]
    pub fn is_kinked(self) -> bool {
        matches!(self, Self::Relu | Self::HardSigmoid)
    }

    /// Whether it is a holomorphic function near the real axis, so that potentials may be complex.
    #[must_use]
    pub fn is_holomorphic(self) -> bool {
        !self.is_kinked() && !matches!(self, Self::Table(_))
    }

    /// Whether its slope is a function without kinks.
    #[must_use]
    pub fn has_smooth_slope(self) -> bool {
        !self.is_kinked() && !matches!(self, Self::Table(_))
    }
}

/// Names in a sentence: `"a", "b" and "c"`.
pub(super) fn quoted<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    listed(names.into_iter().map(|name| format!("\"{name}\"")))
}

/// Words in a sentence: `a, b and c`.
pub fn listed(words: impl IntoIterator<Item = String>) -> String {
    let words: Vec<String> = words.into_iter().collect();
    match words.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::RuleKind;
    use std::collections::BTreeSet;

    /// Checks that `all` holds every value that files may name, once, under the name that files use.
    fn check<T: JsonSchema + Serialize + Copy>(all: &[T], name: fn(T) -> &'static str) {
        let names: BTreeSet<&str> = all.iter().map(|kind| name(*kind)).collect();
        assert_eq!(names.len(), all.len());
        for kind in all {
            assert_eq!(serde_json::to_value(kind).unwrap(), name(*kind));
        }
        // One branch for every documented value; a value without documentation would stand in an `enum`
        // beside them.
        let schema = schemars::schema_for!(T).to_value();
        let branches = schema["oneOf"].as_array().unwrap();
        let known: BTreeSet<&str> = branches.iter().map(|one| one["const"].as_str().unwrap()).collect();
        assert_eq!(names, known);
    }

    #[test]
    fn all_is_all_and_names_are_those_of_files() {
        check(&RuleKind::ALL, RuleKind::name);
        check(&SolverKind::ALL, SolverKind::name);
        check(&ActivationKind::ALL, ActivationKind::name);
        check(&CircuitKind::ALL, CircuitKind::name);
    }

    #[test]
    fn every_solver_advances_in_one_way() {
        for kind in SolverKind::ALL {
            let ways = [kind.is_adaptive(), kind.has_fixed_step(), kind.is_clocked(), kind.is_timeless()];
            assert_eq!(ways.iter().filter(|way| **way).count(), 1, "{kind:?}");
            assert_eq!(kind.orders().is_some(), kind.follows_continuous_noise(), "{kind:?}");
            assert!(!kind.follows_continuous_noise() || kind.has_fixed_step(), "{kind:?}");
            assert!(!(kind.sweeps() || kind.can_verify()) || kind.is_timeless(), "{kind:?}");
            assert!(!kind.is_one_by_one() || kind.is_adaptive(), "{kind:?}");
        }
    }

    #[test]
    fn names_are_listed_as_in_a_sentence() {
        assert_eq!(quoted(["a", "b", "c"]), "\"a\", \"b\" and \"c\"");
        assert_eq!((quoted(["a"]).as_str(), quoted([]).as_str()), ("\"a\"", ""));
    }
}
