//! `feedback.learning`: how feedback synapses of their own learn, as a name or as a table of terms.

use schemars::JsonSchema;
use serde::de::{self, Deserialize, Deserializer};
use serde::{Deserialize as Read, Serialize};

use super::check_circuit::{ensure, finite, not_negative, positive};
use super::circuit::{FeedbackSpec, FeedbackSynapses};
use super::fault::Fault;
use super::rules::RuleKind;
use super::written::{Either, name_or_table};

/// How feedback synapses of their own learn (docs/feedback.md).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(with = "WrittenFeedback")]
#[serde(rename_all = "kebab-case")]
pub enum FeedbackLearning {
    /// Not at all: feedback alignment, if they begin at random.
    #[default]
    None,
    /// Programmed to the forward ones after every update: weight transport, what backpropagation needs.
    Transport,
    /// Programmed to the signs of the forward ones after every update.
    SignSymmetry,
    /// The same updates as the forward ones, and decay of both.
    KolenPollack,
    /// Decay and amplification.
    WeightMirror,
    /// Amplification, nullification and decay.
    InformationAlignment,
    /// Decay towards the forward ones.
    SymmetricAlignment,
    /// Amplification and sparsity.
    ActivationAlignment,
    /// Any terms.
    #[serde(untagged)]
    Terms(FeedbackTerms),
}

/// Coefficients of the terms of a layer's loss `R`, whose gradient feedback synapses descend: `F` and `W` are
/// the layer's feedback and forward synapses, `x` is what it reads, `⟨⟩` the mean over a batch.
#[derive(Clone, Copy, Debug, PartialEq, Read, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FeedbackTerms {
    /// Of `‖F‖²`.
    pub decay: f64,
    /// Of `−⟨(F x)·(W x)⟩`.
    pub amp: f64,
    /// Of `⟨‖Fᵀ W x‖²⟩`.
    pub null: f64,
    /// Of `⟨‖F x‖²⟩`.
    pub sparse: f64,
    /// Of `−F·W`, the sum of products of entries.
    #[serde(rename = "self")]
    pub own: f64,
    /// Whether feedback synapses descend the gradient of the forward ones, too, and these decay with them.
    pub tie: bool,
    /// Whether the mean of a batch is taken off `x` before.
    pub centred: bool,
    /// Learning rate of feedback synapses, in units of that of the forward ones.
    pub rate: f64,
}

impl Default for FeedbackTerms {
    /// No term, at the rate of the forward synapses.
    fn default() -> Self {
        Self { decay: 0.0, amp: 0.0, null: 0.0, sparse: 0.0, own: 0.0, tie: false, centred: false, rate: 1.0 }
    }
}

/// The two ways in which a file may write it.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "read for its schema alone")]
enum WrittenFeedback {
    /// A rule of its own.
    #[schemars(extend("enum" = NAMES))]
    Name(String),
    /// Any terms.
    Terms(FeedbackTerms),
}

/// Names in files.
const NAMES: [&str; 8] = [
    "none",
    "transport",
    "sign-symmetry",
    "kolen-pollack",
    "weight-mirror",
    "information-alignment",
    "symmetric-alignment",
    "activation-alignment",
];

impl FeedbackLearning {
    /// What the names stand for, in the order of [`NAMES`].
    const NAMED: [Self; NAMES.len()] = [
        Self::None,
        Self::Transport,
        Self::SignSymmetry,
        Self::KolenPollack,
        Self::WeightMirror,
        Self::InformationAlignment,
        Self::SymmetricAlignment,
        Self::ActivationAlignment,
    ];

    /// Whether nothing moves the synapses.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// Whether they are programmed anew after every update, whatever they were before.
    #[must_use]
    pub fn programs(self) -> bool {
        matches!(self, Self::Transport | Self::SignSymmetry)
    }

    /// The terms whose gradient they descend; `None` if they descend none.
    ///
    /// The coefficients behind a name are such that `F` is about as large as `W` for inputs of about 1 V.
    #[must_use]
    pub fn terms(self) -> Option<FeedbackTerms> {
        let none = FeedbackTerms::default();
        match self {
            Self::None | Self::Transport | Self::SignSymmetry => None,
            Self::KolenPollack => Some(FeedbackTerms { decay: 1e-3, tie: true, ..none }),
            Self::WeightMirror => Some(FeedbackTerms { decay: 0.5, amp: 1.0, centred: true, ..none }),
            Self::InformationAlignment => Some(FeedbackTerms { decay: 0.5, amp: 1.0, null: 0.1, ..none }),
            Self::SymmetricAlignment => Some(FeedbackTerms { decay: 0.5, own: 1.0, ..none }),
            Self::ActivationAlignment => Some(FeedbackTerms { sparse: 0.5, amp: 1.0, rate: 3.0, ..none }),
            Self::Terms(terms) => Some(terms),
        }
    }
}

impl FeedbackTerms {
    /// Whether a term asks what layers read.
    #[must_use]
    pub fn reads_inputs(&self) -> bool {
        self.amp != 0.0 || self.null != 0.0 || self.sparse != 0.0
    }
}

impl<'de> Deserialize<'de> for FeedbackLearning {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let expecting = "a rule such as \"weight-mirror\", or terms such as { decay = 0.5, amp = 1.0 }";
        match name_or_table::<D, String, FeedbackTerms>(from, expecting)? {
            Either::Table(terms) => Ok(Self::Terms(terms)),
            Either::Name(name) => {
                let known = NAMES.iter().position(|known| *known == name).map(|at| Self::NAMED[at]);
                known.ok_or_else(|| de::Error::unknown_variant(&name, &NAMES))
            }
        }
    }
}

/// Checks `[feedback]`.
///
/// # Errors
/// Learning of shared synapses; terms with which `F` grows without end, or which move nothing.
pub(super) fn check_feedback(feedback: &FeedbackSpec) -> Result<(), Fault> {
    let FeedbackSpec { synapses, learning, .. } = feedback;
    let accepted = "\"none\", or `feedback.synapses` = \"separate\": one crossbar read both ways has nothing \
                    of its own that could learn";
    let own = *synapses == FeedbackSynapses::Separate || learning.is_none();
    ensure(own, &["feedback", "learning"], "this", accepted)?;
    let FeedbackLearning::Terms(terms) = learning else { return Ok(()) };
    let FeedbackTerms { decay, amp, null, sparse, own, tie, rate, .. } = *terms;
    let key = |name| ["feedback", "learning", name];
    for (name, value) in [("decay", decay), ("null", null), ("sparse", sparse)] {
        let accepted = "a finite number, 0 or more: below 0 feedback synapses grow without end";
        not_negative(&key(name), value, accepted)?;
    }
    for (name, value) in [("amp", amp), ("self", own)] {
        finite(&key(name), value, "a finite number")?;
    }
    let accepted = "0, or `decay` above 0, without which feedback synapses grow without end";
    ensure(own == 0.0 || decay > 0.0, &key("self"), own, accepted)?;
    let accepted =
        "0, or `decay`, `null` or `sparse` above 0, without which feedback synapses grow without end";
    ensure(amp == 0.0 || decay + null + sparse > 0.0, &key("amp"), amp, accepted)?;
    positive(&key("rate"), rate, "a finite number above 0; `feedback.learning` = \"none\" moves nothing")?;
    let moves = tie || [decay, amp, null, sparse, own].iter().any(|term| *term != 0.0);
    ensure(moves, &["feedback", "learning"], "no term", "a term that is not 0, tie = true, or \"none\"")
}

/// Checks that errors of a rule can come back through feedback synapses of their own, and that a rule moves
/// those that learn.
///
/// # Errors
/// Shared synapses of a rule that needs its own; learning that no rule heeds.
pub fn check_feedback_rules(rules: &[RuleKind], feedback: &FeedbackSpec) -> Result<(), Fault> {
    if let Some(rule) = rules.iter().find(|rule| rule.needs_separate())
        && feedback.synapses == FeedbackSynapses::Shared
    {
        let accepted = format!(
            "\"separate\", as errors of rule `{}` come back through feedback synapses of their own; rule `bp` is \
             the same through the forward ones",
            rule.name()
        );
        return Err(Fault::refused(&["circuit", "feedback", "synapses"], "\"shared\"", accepted));
    }
    let heeded = feedback.learning.is_none() || rules.iter().any(|rule| rule.has_feedback());
    let known = RuleKind::ALL.into_iter().filter(|rule| rule.has_feedback());
    let known: Vec<_> = known.map(|rule| format!("`{}`", rule.name())).collect();
    let accepted = format!(
        "\"none\", or a rule whose errors come back through feedback synapses, so that it moves them: {}",
        known.join(", ")
    );
    ensure(heeded, &["circuit", "feedback", "learning"], "this", &accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_written_as_it_is_read() {
        for (name, learning) in NAMES.into_iter().zip(FeedbackLearning::NAMED) {
            let value = serde_json::Value::from(name);
            assert_eq!(serde_json::to_value(learning).unwrap(), value);
            assert_eq!(serde_json::from_value::<FeedbackLearning>(value).unwrap(), learning);
        }
    }

    #[test]
    fn terms_that_a_name_stands_for_pass_as_a_table() {
        for learning in FeedbackLearning::NAMED {
            let Some(terms) = learning.terms() else { continue };
            let mut spec = FeedbackSpec {
                synapses: FeedbackSynapses::Separate,
                learning: FeedbackLearning::Terms(terms),
                ..FeedbackSpec::default()
            };
            check_feedback(&spec).unwrap();
            let table = serde_json::to_value(spec.learning).unwrap();
            assert_eq!(serde_json::from_value::<FeedbackLearning>(table).unwrap(), spec.learning);
            spec.synapses = FeedbackSynapses::Shared;
            assert!(check_feedback(&spec).is_err());
        }
    }
}
