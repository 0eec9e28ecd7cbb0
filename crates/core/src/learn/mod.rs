//! Learning rules: from settled states to a gradient; optimisers: from a gradient to an update.
//!
//! A rule sees what a chip could see. Backpropagation is here as the reference that no chip has.
//!
//! | rule | what it is |
//! | --- | --- |
//! | `bp` | [`Backprop`]: the exact gradient |
//! | `adversarial` | [`Adversarial`]: the exact gradient at inputs moved up their loss |
//! | `dp`, `dp-transpose`, `custom` | [`DualPropagation`] with gains of DP, `DPᵀ`, or the circuit's own |
//! | `bp-feedback` | [`BackpropFeedback`]: backpropagation through feedback synapses of their own |
//! | `bp-direct` | [`BackpropDirect`]: errors of the outputs reach every layer at once |
//! | `scff` | [`ForwardForward`]: every hidden layer by a goodness of its own |
//! | `recurrent-bp` | [`RecurrentBackprop`]: the exact gradient of a Hopfield circuit |
//! | `ep` | [`EquilibriumPropagation`]: a free and a nudged equilibrium |
//! | `ep-centred` | [`CentredPropagation`]: nudges of both signs |
//! | `ep-holomorphic` | [`HolomorphicPropagation`]: a circle of complex nudges |
//! | `ep-oscillating` | [`OscillatingPropagation`]: one slow turn of a complex nudge |
//! | `ep-asymmetric` | [`AsymmetricPropagation`]: a coupling that is transposed about the free equilibrium |
//! | `ep-vector-field` | [`VectorFieldPropagation`]: as if any coupling were symmetric |
//! | `dyadic-ep` | [`DyadicPropagation`]: dyads whose layers speak both ways |
//! | `predictive-coding` | [`PredictiveCoding`]: activities and the errors of their predictions |
//! | `chl`, `coupled` | [`ContrastiveHebbian`], [`CoupledLearning`]: clamped outputs |
//!
//! How feedback synapses learn is no rule's business: [`FeedbackRule`].
//!
//! A rule of one's own implements [`Rule`] (`examples/own_rule.rs`). One that files can name is a line of the
//! table in `spec/rules.rs` and a file here with the type that the line names, which is `Registered`.

mod adversarial;
mod backprop;
mod backprop_direct;
mod backprop_feedback;
mod dual;
mod equilibrium;
mod feed_forward;
mod feedback;
mod forward_forward;
mod left;
mod measure;
mod needs;
mod optimizer;
mod wired;

pub use adversarial::Adversarial;
pub use backprop::Backprop;
pub use backprop_direct::{BackpropDirect, direct_matrices};
pub use backprop_feedback::BackpropFeedback;
pub use dual::{DualPropagation, nudged};
pub use equilibrium::{
    AsymmetricPropagation, CentredPropagation, ContrastiveHebbian, CoupledLearning, DyadicPropagation,
    EquilibriumPropagation, HolomorphicPropagation, OscillatingPropagation, PredictiveCoding,
    RecurrentBackprop, VectorFieldPropagation,
};
pub use feedback::FeedbackRule;
pub use forward_forward::ForwardForward;
pub use left::Left;
pub use measure::{
    Measurement, count_relaxations, inference, inference_with_progress, measure, measure_from,
    measure_with_progress,
};
pub use needs::{Limit, Needs, Transport, observed_relaxations};
pub use optimizer::{Moments, Optimizer};
pub use wired::{rest, wired};

use std::borrow::Cow;

use crate::chip::Weights;
use crate::matrix::{Matrix, Real, compiled_once};
use crate::noise::SampleIds;
use crate::solve::{Counts, Outcome};
use crate::spec::{CircuitKind, CircuitSpec, FeedbackLearning, RuleKind, RuleSpec, each_rule};

/// Inputs `[batch × n_0]` and targets `[batch × n_L]` (V), and the numbers that name their noise.
#[derive(Clone, Debug)]
pub struct Batch<T> {
    /// Inputs.
    pub inputs: Matrix<T>,
    /// Targets.
    pub targets: Matrix<T>,
    /// Presentations that the samples are: noise is theirs.
    pub sample_ids: SampleIds,
}

impl<T: Real> Batch<T> {
    /// Samples that are the first presentations of seed 0.
    #[must_use]
    pub fn new(inputs: Matrix<T>, targets: Matrix<T>) -> Self {
        Self { sample_ids: SampleIds::first(inputs.nrows()), inputs, targets }
    }
}

/// An estimate of the gradient of the mean loss; index 0 is the first layer of neurons, as in [`Weights`].
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient<T> {
    /// `∂ℓ/∂W_k`, `[n_k × n_{k−1}]`.
    pub forward: Vec<Matrix<T>>,
    /// `∂ℓ/∂b_k`, `n_k` entries.
    pub biases: Vec<Vec<T>>,
    /// What feedback synapses descend, with the shapes of `forward` but for the first, which is empty; `None`
    /// where they descend nothing ([`FeedbackRule`]). No rule's business.
    #[doc(hidden)]
    pub feedback: Option<Vec<Matrix<T>>>,
    /// `∂ℓ/∂L_k`, where neurons of a layer speak to each other.
    #[doc(hidden)]
    pub lateral: Option<Vec<Matrix<T>>>,
    /// What every layer but the first read, `s̄_{k−1}` `[batch × n_{k−1}]`, zero for samples that were not
    /// used; `None` where nobody asks ([`Gradient::keep_inputs`]).
    #[doc(hidden)]
    pub inputs: Option<Vec<Matrix<T>>>,
}

impl<T: Real> Gradient<T> {
    /// Of forward synapses and biases.
    #[must_use]
    pub fn new(forward: Vec<Matrix<T>>, biases: Vec<Vec<T>>) -> Self {
        Self { forward, biases, feedback: None, lateral: None, inputs: None }
    }

    /// Zeros with the shapes of `weights`.
    #[must_use]
    pub fn zeros(weights: &Weights<T>) -> Self {
        let zeros = |list: &[Matrix<T>]| list.iter().map(|w| Matrix::zeros(w.nrows(), w.ncols())).collect();
        let biases = weights.biases.iter().map(|b| vec![T::ZERO; b.len()]).collect();
        Self { lateral: weights.lateral.as_deref().map(zeros), ..Self::new(zeros(&weights.forward), biases) }
    }

    /// Keeps what layers read, if feedback synapses learn by it.
    ///
    /// `inputs` gives the means `s̄` of every layer below the outputs, `[batch × n_k]`, lowest first; rows of
    /// samples that are not used must be zero. [`Measurement::gradient`] does so by itself.
    pub fn keep_inputs<'a>(&mut self, inputs: impl IntoIterator<Item = Cow<'a, Matrix<T>>>) {
        if let Some(kept) = &mut self.inputs {
            *kept = inputs.into_iter().map(Cow::into_owned).collect();
        }
    }
}

/// Outcomes and readings behind a rule's estimate.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Outcome of each nudged sample; empty for rules without a circuit.
    pub outcomes: Vec<Outcome>,
    /// Simulated time to equilibrium of each sample (s), that of all its relaxations together.
    pub times: Vec<f64>,
    /// Relaxations of each sample; 0 for rules without a circuit.
    pub relaxations: usize,
    /// Samples that entered the gradient; at 0 the weights are not updated.
    pub used: usize,
    /// Work.
    pub counts: Counts,
}

/// A learning rule.
pub trait Rule<T: Real>: Sync {
    /// Estimates the gradient of the mean loss on a batch.
    ///
    /// `gradient` has the shapes of `weights` and holds what an earlier batch left in it: every entry is to
    /// be written, none added to. The weights are updated with it if [`Report::used`] is above 0.
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report;

    /// Returns how often a batch is estimated, each time followed by an update, before the next one is shown.
    fn updates(&self) -> usize {
        1
    }

    /// Is told that another batch is presented, and whether it is the `first` of an epoch, before its first
    /// estimate: what earlier ones have left in a circuit is gone on with or forgotten.
    fn present(&self, first: bool) {
        let _ = first;
    }
}

/// A rule of the registry.
trait Registered<T: Real>: Rule<T> + Sized {
    /// What it needs under the name of a line of the table.
    fn needs(kind: RuleKind) -> Needs;

    /// With its settings, on the circuit of the rule.
    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self;
}

/// The rule of a run on a circuit with `network` neurons per layer: the registry. The gains of the circuit
/// are the rule's ([`circuit_of`]).
#[must_use]
pub fn rule<T: Real>(
    rule: impl Into<RuleSpec>,
    circuit: &CircuitSpec,
    network: &[usize],
) -> Box<dyn Rule<T>> {
    compiled_once!(T, Make, registry)(rule.into(), circuit, network)
}

/// Makes a rule.
type Make<T> = fn(RuleSpec, &CircuitSpec, &[usize]) -> Box<dyn Rule<T>>;

/// The registry: of every line of the table the type that makes the rule.
macro_rules! registry {
    ($(
        $(#[$about:meta])*
        $rule:ident: $name:literal, $label:literal, $hue:ident, $wiring:expr, $made:ident;
    )+) => {
        fn registry<T: Real>(rule: RuleSpec, circuit: &CircuitSpec, network: &[usize]) -> Box<dyn Rule<T>> {
            let circuit = circuit_of(rule.kind, circuit);
            match rule.kind {
                $(RuleKind::$rule => Box::new($made::<T>::registered(&rule, circuit, network)),)+
            }
        }
    };
}
each_rule!(registry);

/// What every line of the table needs, by the type that makes it.
macro_rules! needs {
    ($(
        $(#[$about:meta])*
        $rule:ident: $name:literal, $label:literal, $hue:ident, $wiring:expr, $made:ident;
    )+) => {
        /// What a rule needs of a chip.
        #[must_use]
        pub fn needs(kind: RuleKind) -> Needs {
            match kind {
                $(RuleKind::$rule => <$made<f64> as Registered<f64>>::needs(kind),)+
            }
        }
    };
}
each_rule!(needs);

/// The circuit of a rule: that of the description with the rule's gains. Backpropagation sends nothing back
/// through it, so its feedback synapses do not learn.
#[must_use]
pub fn circuit_of(kind: RuleKind, circuit: &CircuitSpec) -> CircuitSpec {
    let mut circuit = circuit.clone();
    if kind.circuit_kind() != CircuitKind::Dyad {
        circuit.kind = Some(kind.circuit_kind());
    }
    circuit.nudge.variant = kind.own_variant().unwrap_or(circuit.nudge.variant);
    if !kind.has_feedback() {
        circuit.feedback.learning = FeedbackLearning::None;
    }
    circuit
}

/// The synapses of a network on the circuit of a rule: as given, feedback synapses programmed where they are
/// ([`FeedbackRule::program`]).
#[must_use]
pub fn programmed<T: Real>(kind: RuleKind, circuit: &CircuitSpec, mut weights: Weights<T>) -> Weights<T> {
    FeedbackRule::of(&circuit_of(kind, circuit)).program(&mut weights);
    weights
}
