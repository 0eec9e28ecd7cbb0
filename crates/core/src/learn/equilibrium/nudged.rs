//! Equilibrium propagation by real nudges: one-sided, and centred.

use super::{Phases, Product, Seen};
use crate::chip::Weights;
use crate::learn::{Batch, Gradient, Limit, Needs, Registered, Report, Rule};
use crate::matrix::Real;
use crate::random::{Key, Kind, stream};
use crate::spec::{CircuitSpec, NudgeSign, RuleKind, RuleSpec};

/// Equilibrium propagation with one nudge: `ĝ_k = −(1/β) (s_k s_{k−1}ᵀ |_β − s_k s_{k−1}ᵀ |_0)`.
///
/// A free relaxation, and one under the nudge `β` that goes on from it. The nudge pulls towards the target,
/// pushes away from it, or does either at random, the same for all samples of an update (`ep.sign`).
///
/// # Limit
///
/// The gradient of the loss at the free equilibrium as `β → 0`; the error is `O(β)`, of the sign of `β`.
///
/// # Requires
///
/// A circuit of one compartment a neuron whose crossbars are read both ways, and a nudge `β > 0`. A synapse
/// remembers the free product, or each neuron its free output.
///
/// # Reference
///
/// Scellier & Bengio, *Equilibrium Propagation*, Front. Comput. Neurosci. 11, 24 (2017).
#[derive(Clone, Debug)]
pub struct EquilibriumPropagation<T: Real> {
    phases: Phases<T>,
    sign: NudgeSign,
}

impl<T: Real> EquilibriumPropagation<T> {
    /// The nudge of a batch, with its sign.
    fn beta(&self, batch: &Batch<T>) -> f64 {
        let pulls = match self.sign {
            NudgeSign::Positive => true,
            NudgeSign::Negative => false,
            NudgeSign::Random => {
                let ids = &batch.sample_ids;
                let first = ids.ids.first().copied().unwrap_or(0);
                let key = Key::new(ids.seed, Kind::NudgeSign).device(first as u32).step((first >> 32) as u32);
                rand::RngExt::random::<bool>(&mut stream(key))
            }
        };
        if pulls { self.phases.beta() } else { -self.phases.beta() }
    }
}

impl<T: Real> Registered<T> for EquilibriumPropagation<T> {
    fn needs(_: RuleKind) -> Needs {
        Needs::PHASES
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self { phases: Phases::new(settings, circuit, network), sign: settings.ep.sign }
    }
}

impl<T: Real> Rule<T> for EquilibriumPropagation<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let (phases, beta, mut seen) = (&self.phases, self.beta(batch), Seen::default());
        let free = phases.free(weights, batch, 0);
        let rest = phases.settle(&free, None, &mut seen);
        let nudged = phases.nudged(&free, batch, (1, beta), &rest);
        let state = phases.settle(&nudged, Some(&rest), &mut seen);
        let [pulled, freed] = [nudged.outputs(&state), free.outputs(&rest)];
        let products = [Product::of(-1.0 / beta, &pulled), Product::of(1.0 / beta, &freed)];
        phases.write(batch, seen, &products, gradient)
    }
}

/// Equilibrium propagation with two nudges: `ĝ_k = −(1/2β) (s_k s_{k−1}ᵀ |_β − s_k s_{k−1}ᵀ |_{−β})`.
///
/// A free relaxation, from which those under `β` and `−β` go on.
///
/// # Limit
///
/// The gradient of the loss at the free equilibrium as `β → 0`; the error is `O(β²)`.
///
/// # Requires
///
/// As [`EquilibriumPropagation`]; a synapse remembers the product under one nudge.
///
/// # Reference
///
/// Laborieux et al., *Scaling Equilibrium Propagation to Deep `ConvNets` by Drastically Reducing Its Gradient
/// Estimator Bias*, Front. Neurosci. 15, 633674 (2021).
#[derive(Clone, Debug)]
pub struct CentredPropagation<T: Real>(Phases<T>);

impl<T: Real> Registered<T> for CentredPropagation<T> {
    fn needs(_: RuleKind) -> Needs {
        Needs { limit: Limit::Gradient { order: 2, middle: 2 }, ..Needs::PHASES }
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self(Phases::new(settings, circuit, network))
    }
}

impl<T: Real> Rule<T> for CentredPropagation<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let (phases, mut seen) = (&self.0, Seen::default());
        let free = phases.free(weights, batch, 0);
        let rest = phases.settle(&free, None, &mut seen);
        let beta = phases.beta();
        let outputs = [(1, beta), (2, -beta)].map(|phase| {
            let nudged = phases.nudged(&free, batch, phase, &rest);
            let state = phases.settle(&nudged, Some(&rest), &mut seen);
            nudged.outputs(&state)
        });
        let products = [Product::of(-0.5 / beta, &outputs[0]), Product::of(0.5 / beta, &outputs[1])];
        phases.write(batch, seen, &products, gradient)
    }
}
