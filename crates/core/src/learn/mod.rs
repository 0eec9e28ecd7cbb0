//! Learning rules: from settled states to a gradient; optimisers: from a gradient to an update.
//!
//! A rule sees what a chip could see. Backpropagation is here as the reference that no chip has.
//!
//! | rule | what it is |
//! | --- | --- |
//! | `bp` | [`Backprop`]: the exact gradient |
//! | `adversarial` | [`Adversarial`]: the exact gradient at inputs moved up their loss |
//! | `dp`, `dp-transpose`, `custom` | [`DualPropagation`] with gains of DP, `DPᵀ`, or the circuit's own |
//!
//! A rule of one's own implements [`Rule`] (`examples/own_rule.rs`).

mod adversarial;
mod backprop;
mod dual;
mod measure;
mod optimizer;

pub use adversarial::Adversarial;
pub use backprop::Backprop;
pub use dual::{DualPropagation, nudged};
pub use measure::{
    Measurement, count_relaxations, inference, inference_with_progress, measure, measure_with_progress,
};
pub use optimizer::{Moments, Optimizer};

use crate::chip::{Chip, Weights};
use crate::matrix::{Matrix, Real, compiled_once};
use crate::noise::SampleIds;
use crate::solve::{Counts, Outcome};
use crate::spec::{CircuitSpec, RuleKind, RuleSpec};

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

/// An estimate of the gradient of the mean loss; shapes as the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient<T> {
    /// `∂ℓ/∂W_k`.
    pub forward: Vec<Matrix<T>>,
    /// `∂ℓ/∂b_k`.
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
    /// Samples that entered the gradient.
    pub used: usize,
    /// Work.
    pub counts: Counts,
}

/// A learning rule.
pub trait Rule<T: Real>: Sync {
    /// Estimates the gradient of the mean loss on a batch.
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report;
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

fn registry<T: Real>(rule: RuleSpec, circuit: &CircuitSpec, network: &[usize]) -> Box<dyn Rule<T>> {
    let RuleSpec { kind, keep_unsettled, adversarial } = rule;
    let circuit = circuit_of(kind, circuit);
    match kind {
        RuleKind::Bp => Box::new(Backprop::new(Chip::fabricate(&circuit, network), &circuit.nudge)),
        RuleKind::Adversarial => {
            Box::new(Adversarial::new(Chip::fabricate(&circuit, network), &circuit.nudge, adversarial.step))
        }
        RuleKind::Dp | RuleKind::DpTranspose | RuleKind::Custom => {
            Box::new(DualPropagation::new(circuit, network, keep_unsettled))
        }
    }
}

/// The circuit of a rule: that of the description with the rule's gains. Backpropagation sends nothing back
/// through it.
#[must_use]
pub fn circuit_of(kind: RuleKind, circuit: &CircuitSpec) -> CircuitSpec {
    let mut circuit = circuit.clone();
    circuit.nudge.variant = kind.own_variant().unwrap_or(circuit.nudge.variant);
    circuit
}
