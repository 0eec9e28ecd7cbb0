//! Rules that compare equilibria of a Hopfield circuit: what of a synapse differs between two of them is the
//! product of the outputs at its ends.
//!
//! With a symmetric coupling the free circuit is at rest where its energy `E(v)` has a stationary point, and
//! `∂E/∂W_k = −s_k s_{k−1}ᵀ`: the loss of its outputs has the slope `d/dβ ∂E/∂W` at `β = 0` (Scellier &
//! Bengio, Front. Comput. Neurosci. 11, 24 (2017)). Rules differ in how they read that derivative.
//!
//! Phases of a sample follow each other: each starts where the free one ended, and has noise of its own.

mod asymmetric;
mod clamped;
mod dyadic;
mod holomorphic;
mod homeostasis;
mod nudged;
mod oscillating;
mod predictive;
mod recurrent_backprop;

pub use asymmetric::{AsymmetricPropagation, VectorFieldPropagation};
pub use clamped::{ContrastiveHebbian, CoupledLearning};
pub use dyadic::DyadicPropagation;
pub use holomorphic::HolomorphicPropagation;
pub use nudged::{CentredPropagation, EquilibriumPropagation};
pub use oscillating::OscillatingPropagation;
pub use predictive::PredictiveCoding;
pub use recurrent_backprop::RecurrentBackprop;

use super::measure::mask;
use super::{Batch, Gradient, Report};
use crate::chip::{Chip, Weights, close_lateral};
use crate::circuit::{Dynamics, HopfieldCircuit, Loss, Nudge};
use crate::matrix::elementwise::column_sums;
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real};
use crate::solve::{Counts, Outcome, SHARD, Settled, settle_any_from};
use crate::spec::{CircuitSpec, FeedbackSynapses, RuleSpec};

/// The circuit of a rule, and what of a relaxation enters its gradient.
#[derive(Clone, Debug)]
struct Phases<T: Real> {
    chip: Chip<T>,
    spec: CircuitSpec,
    keep_unsettled: bool,
    /// Weight of the homeostasis that makes feedback synapses symmetric.
    homeostasis: f64,
}

/// Products that enter a gradient: `factor · post_k pre_{k−1}ᵀ` of every layer.
struct Product<'a, T: Real> {
    factor: f64,
    /// Outputs of every layer, as those that a synapse leads to.
    post: &'a [Matrix<T>],
    /// Outputs of every layer, as those that a synapse comes from.
    pre: &'a [Matrix<T>],
    /// Whether inputs and biases, which are real numbers, are among what synapses come from.
    real: bool,
}

impl<'a, T: Real> Product<'a, T> {
    /// `factor · s_k s_{k−1}ᵀ`.
    fn of(factor: f64, outputs: &'a [Matrix<T>]) -> Self {
        Self { factor, post: outputs, pre: outputs, real: true }
    }
}

impl<T: Real> Phases<T> {
    /// For the circuit of a rule with `network` neurons per layer.
    fn new(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        let chip = Chip::fabricate(&circuit, network);
        let RuleSpec { keep_unsettled, ep, .. } = *settings;
        Self { chip, spec: circuit, keep_unsettled, homeostasis: ep.homeostasis }
    }

    fn beta(&self) -> f64 {
        self.spec.nudge.beta
    }

    /// The free circuit of a phase, counted from 0.
    fn free<'a>(&'a self, weights: &'a Weights<T>, batch: &Batch<T>, phase: u64) -> HopfieldCircuit<'a, T> {
        let ids = batch.sample_ids.again(phase);
        HopfieldCircuit::free(&self.chip, weights, &batch.inputs).with_sample_ids(ids)
    }

    /// A free circuit under a nudge, in a phase of its own; of nudge `free` at the outputs of `rest`.
    fn nudged<'a>(
        &self,
        free: &'a HopfieldCircuit<'_, T>,
        batch: &Batch<T>,
        (phase, beta): (u64, f64),
        rest: &Matrix<T>,
    ) -> HopfieldCircuit<'a, T> {
        let held = free.outputs(rest).pop().unwrap_or_else(|| Matrix::zeros(0, 0));
        let nudge = Nudge { target: batch.targets.clone(), beta, at: self.spec.nudge.at, loss: self.loss() };
        free.again(batch.sample_ids.again(phase)).nudged(nudge, &held)
    }

    fn loss(&self) -> Loss<T> {
        Loss { kind: self.spec.nudge.loss, reference: T::of(self.spec.nudge.reference) }
    }

    /// Settles a phase from `start`, or the state of rest, and takes note of it.
    fn settle(&self, circuit: &dyn Dynamics<T>, start: Option<&Matrix<T>>, seen: &mut Seen) -> Matrix<T> {
        let settled = settle_any_from(&self.spec.solver, circuit, start, (false, &|_| {}));
        // The door lets no solver in that needs layers.
        let settled = settled.expect("a solver of any system");
        seen.take(&settled);
        settled.state
    }

    /// Samples that enter the gradient.
    fn kept(&self, seen: &Seen) -> Vec<bool> {
        seen.outcomes.iter().map(|outcome| self.keep_unsettled || outcome.is_settled()).collect()
    }

    /// Writes the gradient: the sum of products, averaged over the kept samples.
    fn write(
        &self,
        batch: &Batch<T>,
        seen: Seen,
        products: &[Product<'_, T>],
        gradient: &mut Gradient<T>,
    ) -> Report {
        let keep = self.kept(&seen);
        let used = keep.iter().filter(|&&k| k).count();
        let share = 1.0 / used.max(1) as f64;
        for (layer, (weights, biases)) in gradient.forward.iter_mut().zip(&mut gradient.biases).enumerate() {
            // Inputs and biases are the same in all phases: what synapses from them learn is one product.
            let moved = sum_of_outputs(products, layer, &keep);
            biases.fill(T::ZERO);
            column_sums(moved.as_slice(), keep.len(), T::of(share), biases);
            if layer == 0 {
                let (below, all) = (mask(&batch.inputs, &keep), weights.as_view_mut());
                product::correlate(all, Onto::Nothing, T::of(share), moved.as_view(), below.as_view());
                continue;
            }
            weights.fill(T::ZERO);
            for product in products {
                let (below, own) = (mask(&product.pre[layer - 1], &keep), mask(&product.post[layer], &keep));
                let (scale, all) = (T::of(product.factor * share), weights.as_view_mut());
                product::correlate(all, Onto::Sum, scale, own.as_view(), below.as_view());
            }
        }
        write_lateral(&keep, products, gradient);
        seen.report(used)
    }

    /// Writes the gradient of errors, `factor · e_k s_{k−1}ᵀ` forward and `factor · s_k e_{k−1}ᵀ` back: one
    /// after the other into feedback synapses of their own, summed up in a crossbar that is read both ways.
    fn write_errors(
        &self,
        batch: &Batch<T>,
        seen: Seen,
        (factor, errors, outputs): (f64, &[Matrix<T>], &[Matrix<T>]),
        gradient: &mut Gradient<T>,
    ) -> Report {
        let keep = self.kept(&seen);
        let used = keep.iter().filter(|&&k| k).count();
        let scale = T::of(factor / used.max(1) as f64);
        let shared = self.spec.feedback.synapses == FeedbackSynapses::Shared;
        let kept = |list: &[Matrix<T>]| -> Vec<Matrix<T>> {
            list.iter().map(|matrix| mask(matrix, &keep).into_owned()).collect()
        };
        let (errors, outputs, inputs) = (kept(errors), kept(outputs), mask(&batch.inputs, &keep));
        for (layer, own) in errors.iter().enumerate() {
            let below = if layer == 0 { inputs.as_view() } else { outputs[layer - 1].as_view() };
            let forward = gradient.forward[layer].as_view_mut();
            product::correlate(forward, Onto::Nothing, scale, own.as_view(), below);
            column_sums(own.as_slice(), keep.len(), scale, &mut gradient.biases[layer]);
            if layer == 0 {
                continue;
            }
            let (said, back) = (outputs[layer].as_view(), errors[layer - 1].as_view());
            if shared {
                product::correlate(gradient.forward[layer].as_view_mut(), Onto::Sum, scale, said, back);
            } else if let Some(feedback) = &mut gradient.feedback {
                product::correlate(feedback[layer].as_view_mut(), Onto::Nothing, scale, said, back);
            }
        }
        for (layer, lateral) in gradient.lateral.iter_mut().flatten().enumerate() {
            let (said, own) = (outputs[layer].as_view(), errors[layer].as_view());
            product::correlate(lateral.as_view_mut(), Onto::Nothing, scale, own, said);
            if shared {
                product::correlate(lateral.as_view_mut(), Onto::Sum, scale, said, own);
            }
            close_lateral(lateral, shared);
        }
        seen.report(used)
    }
}

/// `Σ factor · post` of a layer, over the products of what is real; zero for samples that are not kept.
fn sum_of_outputs<T: Real>(products: &[Product<'_, T>], layer: usize, keep: &[bool]) -> Matrix<T> {
    let neurons = products.first().map_or(0, |product| product.post[layer].ncols());
    let mut sum = Matrix::zeros(keep.len(), neurons);
    for product in products.iter().filter(|product| product.real) {
        let factor = T::of(product.factor);
        sum.zip_apply(mask(&product.post[layer], keep).as_ref(), |sum, own| *sum += factor * own);
    }
    sum
}

/// Writes the sum of products of lateral synapses, `factor · s_k s_kᵀ`, which are one device for both
/// directions.
fn write_lateral<T: Real>(keep: &[bool], products: &[Product<'_, T>], gradient: &mut Gradient<T>) {
    let used = keep.iter().filter(|&&k| k).count();
    for (layer, lateral) in gradient.lateral.iter_mut().flatten().enumerate() {
        lateral.fill(T::ZERO);
        for product in products {
            let scale = T::of(product.factor / used.max(1) as f64);
            let (post, pre) = (mask(&product.post[layer], keep), mask(&product.pre[layer], keep));
            product::correlate(lateral.as_view_mut(), Onto::Sum, scale, post.as_view(), pre.as_view());
        }
        close_lateral(lateral, true);
    }
}

/// Outcomes and work of all phases of a batch.
#[derive(Default)]
struct Seen {
    outcomes: Vec<Outcome>,
    times: Vec<f64>,
    relaxations: usize,
    counts: Counts,
}

impl Seen {
    /// Takes in a phase. A sample has the outcome of its first phase that did not come to rest.
    fn take<T: Real>(&mut self, settled: &Settled<T>) {
        if self.relaxations == 0 {
            (self.outcomes, self.times) = (settled.outcomes.clone(), settled.time.clone());
        } else {
            for (own, &theirs) in self.outcomes.iter_mut().zip(&settled.outcomes) {
                *own = if own.is_settled() { theirs } else { *own };
            }
            self.times.iter_mut().zip(&settled.time).for_each(|(own, theirs)| *own += theirs);
        }
        self.relaxations += 1;
        self.counts += settled.counts;
    }

    fn report(self, used: usize) -> Report {
        let Self { outcomes, times, relaxations, counts } = self;
        Report { outcomes, times, relaxations, used, counts }
    }
}

/// Rows of a batch in shards of fixed size, so that results do not depend on threads.
fn shards(samples: usize) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..samples).collect();
    all.chunks(SHARD).map(<[usize]>::to_vec).collect()
}
