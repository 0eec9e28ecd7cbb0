//! Learning rules: from settled states to a gradient; optimisers: from a gradient to an update.
//!
//! A rule sees what a chip could see. Backpropagation is here as the reference that no chip has.
//!
//! | rule | what it is |
//! | --- | --- |
//! | `bp` | [`Backprop`]: the exact gradient |
//! | `adversarial` | [`Adversarial`]: the exact gradient at inputs moved up their loss |
//! | `dp`, `dp-transpose`, `custom` | [`DualPropagation`] with gains of DP, `DPᵀ`, or the circuit's own |
//! | `sign-symmetry` | [`SignSymmetry`]: `DPᵀ` whose errors come back through the signs of the weights |
//!
//! A rule of one's own implements [`Rule`] (`examples/own_rule.rs`). One that files can name is a line of the
//! table in `spec/rules.rs` and a file here with the type that the line names, which is `Registered`.

mod adversarial;
mod backprop;
mod dual;
mod left;
mod measure;
mod needs;
mod optimizer;
mod sign_symmetry;

pub use adversarial::Adversarial;
pub use backprop::Backprop;
pub use dual::{DualPropagation, nudged};
pub use left::Left;
pub use measure::{
    Measurement, count_relaxations, inference, inference_with_progress, measure, measure_from,
    measure_with_progress,
};
pub use needs::{Limit, Needs, Transport, observed_relaxations};
pub use optimizer::{Moments, Optimizer};
pub use sign_symmetry::SignSymmetry;

use crate::chip::Weights;
use crate::matrix::{Matrix, Real, compiled_once};
use crate::noise::SampleIds;
use crate::solve::{Counts, Outcome};
use crate::spec::{CircuitSpec, FeedbackSynapses, RuleKind, RuleSpec, each_rule};

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
}

impl<T: Real> Gradient<T> {
    /// Zeros with the shapes of `weights`.
    #[must_use]
    pub fn zeros(weights: &Weights<T>) -> Self {
        Self {
            forward: weights.forward.iter().map(|w| Matrix::zeros(w.nrows(), w.ncols())).collect(),
            biases: weights.biases.iter().map(|b| vec![T::ZERO; b.len()]).collect(),
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

    /// Programs the feedback synapses of a rule that has its own, before the first estimate and after every
    /// update; other rules leave them as they are.
    fn program(&self, weights: &mut Weights<T>) {
        let _ = weights;
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

/// The circuit of a rule: that of the description with the rule's gains, and with feedback synapses that are
/// devices of their own where the rule programs them. Backpropagation sends nothing back through it.
#[must_use]
pub fn circuit_of(kind: RuleKind, circuit: &CircuitSpec) -> CircuitSpec {
    let mut circuit = circuit.clone();
    circuit.nudge.variant = kind.own_variant().unwrap_or(circuit.nudge.variant);
    if kind.programs_feedback() {
        circuit.feedback.synapses = FeedbackSynapses::Separate;
    }
    circuit
}

/// The synapses of a network on the circuit of a rule: as given, feedback synapses of the rule's own
/// programmed ([`Rule::program`]).
#[must_use]
pub fn programmed<T: Real>(kind: RuleKind, circuit: &CircuitSpec, mut weights: Weights<T>) -> Weights<T> {
    if kind.programs_feedback() {
        rule::<T>(kind, circuit, &weights.network()).program(&mut weights);
    }
    weights
}
