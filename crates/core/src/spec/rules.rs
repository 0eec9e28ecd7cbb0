//! The learning rules that files may name, a line each, and what each of them can do.
//!
//! A new rule is its line here and a file of its own in `learn`, with the type that the line names. Checks,
//! tests, tables, figures and the registry of `learn` ask the table and keep no lists of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::circuit::Variant;
use super::kinds::CircuitKind;

/// Hands every learning rule to the macro `$to`, a line each: here the kind and what it can do, in `learn`
/// the registry.
///
/// Before the line: what the rule is, as schemas and help tell it. In it: the kind, whose kebab-case is the
/// name in files; that name; the label in figures; the colour there, of no other rule; what it asks of the
/// circuit; the type in `learn`.
macro_rules! each_rule {
    ($to:ident) => {
        $to! {
            /// Backpropagation through the feed-forward network: the reference.
            Bp: "bp", "BP", Black, Still, Backprop;
            /// Dual propagation.
            Dp: "dp", "DP", Vermillion, Gains(Variant::Dp), DualPropagation;
            /// Adjoint-stable dual propagation.
            DpTranspose: "dp-transpose", "DPᵀ", Blue, Gains(Variant::DpTranspose), DualPropagation;
            /// The circuit's own gains (`nudge.variant` of the circuit file).
            Custom: "custom", "custom", Green, Described, DualPropagation;
            /// Backpropagation on inputs moved up the loss: `x + step·∇ₓℓ` (see `adversarial`).
            Adversarial: "adversarial", "adv. BP", Purple, Still, Adversarial;
            /// Recurrent backpropagation: the exact gradient at the equilibrium of a Hopfield circuit.
            RecurrentBp: "recurrent-bp", "RBP", Grey, Contrasts, RecurrentBackprop;
            /// Equilibrium propagation with one nudge (see `ep`).
            Ep: "ep", "EP", Sky, Equilibrium, EquilibriumPropagation;
            /// Equilibrium propagation with nudges `β` and `−β`.
            EpCentred: "ep-centred", "centred EP", Indigo, Equilibrium, CentredPropagation;
            /// Equilibrium propagation on a circle of complex nudges (see `ep`).
            EpHolomorphic: "ep-holomorphic", "hol. EP", Teal, Equilibrium, HolomorphicPropagation;
            /// Equilibrium propagation by one slow turn of a complex nudge (see `ep`).
            EpOscillating: "ep-oscillating", "osc. EP", Olive, Equilibrium, OscillatingPropagation;
            /// Asymmetric equilibrium propagation: the coupling is transposed about the free equilibrium.
            EpAsymmetric: "ep-asymmetric", "asym. EP", Rose, Reciprocal, AsymmetricPropagation;
            /// Equilibrium propagation of a vector field: nudged minus free outputs, as if it were symmetric.
            EpVectorField: "ep-vector-field", "VF", Sand, Reciprocal, VectorFieldPropagation;
            /// Dyadic equilibrium propagation: dyads whose layers speak both ways, with the circuit's own
            /// gains.
            DyadicEp: "dyadic-ep", "dyadic EP", Yellow, Recurrent, DyadicPropagation;
            /// Predictive coding: activities and the errors of their predictions settle under a nudge.
            PredictiveCoding: "predictive-coding", "PC", Lime, Predictive, PredictiveCoding;
            /// Contrastive Hebbian learning: output wires clamped to the targets.
            Chl: "chl", "CHL", Wine, Contrasts, ContrastiveHebbian;
            /// Coupled learning: output wires clamped a share `β` of the way to the targets.
            Coupled: "coupled", "coupled", Brown, Equilibrium, CoupledLearning;
            /// Backpropagation whose errors come back through feedback synapses of their own.
            BpFeedback: "bp-feedback", "BP via F", Orange, Returned, BackpropFeedback;
            /// Direct feedback alignment: errors of the outputs reach every hidden layer through a fixed
            /// matrix.
            BpDirect: "bp-direct", "DFA", Coral, Apart, BackpropDirect;
            /// Self-contrastive forward-forward: hidden layers learn by goodness (see `scff`), outputs by the
            /// loss.
            Scff: "scff", "SCFF", Violet, Apart, ForwardForward;
        }
    };
}
pub(crate) use each_rule;

/// What a rule asks of the circuit.
#[derive(Clone, Copy)]
enum Wiring {
    /// It nudges none: without feedback the circuit is the feed-forward network that it differentiates.
    Still,
    /// It nudges none, but its errors come back through feedback synapses of their own.
    Returned,
    /// It nudges none, and no error comes back through synapses of the circuit.
    Apart,
    /// Gains and feedback synapses as described.
    Described,
    /// Gains of its own; feedback synapses as described.
    Gains(Variant),
    /// One compartment a neuron, crossbars read both ways; no nudge `β`.
    Contrasts,
    /// One compartment a neuron, crossbars read both ways, and a nudge `β`.
    Equilibrium,
    /// One compartment a neuron, synapses of any symmetry, and a nudge `β`.
    Reciprocal,
    /// Dyads whose layers speak both ways; gains as described.
    Recurrent,
    /// Activities and errors of predictions, crossbars read both ways, and a nudge `β`.
    Predictive,
}

use self::Wiring::{
    Apart, Contrasts, Described, Equilibrium, Gains, Predictive, Reciprocal, Recurrent, Returned, Still,
};

/// Colours of rules in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they are colours")]
pub enum Hue {
    Black,
    Blue,
    Brown,
    Coral,
    Green,
    Grey,
    Indigo,
    Lime,
    Olive,
    Orange,
    Purple,
    Rose,
    Sand,
    Sky,
    Teal,
    Vermillion,
    Violet,
    Wine,
    Yellow,
}

/// A line of the table.
struct Line {
    name: &'static str,
    label: &'static str,
    hue: Hue,
    wiring: Wiring,
}

/// The kind, its order and its lines.
macro_rules! kind {
    ($(
        $(#[$about:meta])*
        $rule:ident: $name:literal, $label:literal, $hue:ident, $wiring:expr, $made:ident;
    )+) => {
        /// Learning rules.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum RuleKind {
            $($(#[$about])* $rule,)+
        }

        impl RuleKind {
            /// Every rule, in the order of figures: those that nudge no circuit first, which the others are
            /// held against.
            pub const ALL: [Self; [$($name),+].len()] = still_first([$(Self::$rule),+]);

            const fn line(self) -> Line {
                match self {
                    $(Self::$rule => Line { name: $name, label: $label, hue: Hue::$hue, wiring: $wiring },)+
                }
            }
        }
    };
}
each_rule!(kind);

/// The same rules, those that nudge no circuit first.
const fn still_first<const N: usize>(rules: [RuleKind; N]) -> [RuleKind; N] {
    let (mut sorted, mut place) = (rules, 0);
    let mut at = 0;
    while at < 2 * N {
        let rule = rules[at % N];
        if rule.settles() == (at >= N) {
            sorted[place] = rule;
            place += 1;
        }
        at += 1;
    }
    sorted
}

impl RuleKind {
    /// Name in files and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.line().name
    }

    /// Name in figures and sentences.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.line().label
    }

    /// Colour in figures.
    #[must_use]
    pub const fn hue(self) -> Hue {
        self.line().hue
    }

    /// The rule that has a name in files; `None` if there is none of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// The label of the rule that a file names; the name itself if there is no such rule.
    #[must_use]
    pub fn printed(name: &str) -> String {
        Self::named(name).map_or_else(|| name.to_owned(), |rule| rule.label().to_owned())
    }

    /// Kind of neurons that it is defined for.
    #[must_use]
    pub const fn circuit_kind(self) -> CircuitKind {
        match self.line().wiring {
            Contrasts | Equilibrium | Reciprocal => CircuitKind::Hopfield,
            Recurrent => CircuitKind::RecurrentDyad,
            Predictive => CircuitKind::PredictiveCoding,
            Still | Returned | Apart | Described | Gains(_) => CircuitKind::Dyad,
        }
    }

    /// Whether it settles a circuit; the others differentiate the feed-forward network.
    #[must_use]
    pub const fn settles(self) -> bool {
        !matches!(self.line().wiring, Still | Returned | Apart)
    }

    /// Whether a chip could run it: it settles a circuit, at potentials that are real numbers.
    #[must_use]
    pub const fn is_for_chips(self) -> bool {
        self.settles() && !matches!(self, Self::RecurrentBp | Self::EpHolomorphic | Self::EpOscillating)
    }

    /// Whether it has a nudge β.
    #[must_use]
    pub const fn has_nudge(self) -> bool {
        self.settles() && !matches!(self.line().wiring, Contrasts)
    }

    /// Whether its neurons are dyads that it settles, and so has a mixing α beside its nudge β.
    #[must_use]
    pub const fn is_dyadic(self) -> bool {
        self.settles() && matches!(self.circuit_kind(), CircuitKind::Dyad | CircuitKind::RecurrentDyad)
    }

    /// Whether it reads off one circuit at any time how synapses should move, so that they may do so all the
    /// time (`plasticity`).
    #[must_use]
    pub const fn learns_continuously(self) -> bool {
        self.is_dyadic() && !self.circuit_kind().is_recurrent()
    }

    /// Whether it is defined for a coupling of any symmetry, feedback synapses of their own among them.
    #[must_use]
    pub const fn takes_any_coupling(self) -> bool {
        matches!(self.line().wiring, Reciprocal | Recurrent) || matches!(self, Self::RecurrentBp)
    }

    /// Whether it settles dyads of a network that is fed forward: what is modelled of these alone asks it.
    #[must_use]
    pub const fn is_feed_forward_dyadic(self) -> bool {
        self.settles() && matches!(self.circuit_kind(), CircuitKind::Dyad)
    }

    /// The rule whose gradient is exact on its circuit, and which it is held against.
    #[must_use]
    pub const fn reference(self) -> Self {
        match self.circuit_kind() {
            CircuitKind::Dyad | CircuitKind::PredictiveCoding => Self::Bp,
            CircuitKind::Hopfield | CircuitKind::RecurrentDyad => Self::RecurrentBp,
        }
    }

    /// Whether it is what others are held against.
    #[must_use]
    pub const fn is_reference(self) -> bool {
        matches!(self, Self::Bp | Self::RecurrentBp)
    }

    /// Feedback gains that it sets itself; `None` if it takes those of the circuit (`nudge.variant`).
    #[must_use]
    pub const fn own_variant(self) -> Option<Variant> {
        match self.line().wiring {
            Still | Returned | Apart | Contrasts | Equilibrium | Reciprocal | Predictive => {
                Some(Variant::Custom { plus: 0.0, minus: 0.0 })
            }
            Described | Recurrent => None,
            Gains(variant) => Some(variant),
        }
    }

    /// Whether its errors come back through the feedback synapses of the circuit (`[feedback]`).
    #[must_use]
    pub const fn has_feedback(self) -> bool {
        !matches!(self.line().wiring, Still | Apart)
    }

    /// Whether these must be devices of their own.
    #[must_use]
    pub const fn needs_separate(self) -> bool {
        matches!(self.line().wiring, Returned)
    }

    /// Whether it settles nothing and yet its estimate is another than that of the reference on the same
    /// samples.
    #[must_use]
    pub const fn estimates_alone(self) -> bool {
        matches!(self.line().wiring, Returned | Apart)
    }

    /// What is said in the place of a name that was a rule's.
    pub(super) fn instead_of(name: &str) -> Option<&'static str> {
        (name == "sign-symmetry").then_some(
            "a rule whose errors come back through feedback synapses, such as \"dp-transpose\", on a circuit with \
             `feedback.synapses` = \"separate\" and `feedback.learning` = \"sign-symmetry\"",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn rules_are_found_by_their_names_and_told_apart_by_labels_and_colours() {
        let labels: HashSet<&str> = RuleKind::ALL.iter().map(|rule| rule.label()).collect();
        let hues: HashSet<Hue> = RuleKind::ALL.iter().map(|rule| rule.hue()).collect();
        assert_eq!((labels.len(), hues.len()), (RuleKind::ALL.len(), RuleKind::ALL.len()));
        for rule in RuleKind::ALL {
            assert_eq!(RuleKind::named(rule.name()), Some(rule)); // the first of that name
        }
        assert_eq!((RuleKind::named("DP"), RuleKind::named("")), (None, None));
    }

    #[test]
    fn rules_that_nudge_nothing_come_first_and_set_nothing() {
        let first = RuleKind::ALL.iter().take_while(|rule| !rule.settles()).count();
        assert!(first > 0 && RuleKind::ALL[first..].iter().all(|rule| rule.settles()));
        for rule in RuleKind::ALL {
            assert!(rule.has_feedback() || !rule.is_dyadic());
            assert!(!rule.needs_separate() || rule.has_feedback());
        }
    }
}
