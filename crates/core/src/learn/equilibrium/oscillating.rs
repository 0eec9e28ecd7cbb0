//! Holomorphic equilibrium propagation by one slow turn of the nudge, without phases.

use nalgebra::Complex;
use rayon::prelude::*;

use super::holomorphic::Term;
use super::{Phases, Product, Seen, shards};
use crate::chip::Weights;
use crate::circuit::{Dynamics, HolomorphicCircuit};
use crate::learn::{Batch, Gradient, Limit, Needs, Registered, Report, Rule};
use crate::matrix::{Matrix, Real, copy_rows, select_rows};
use crate::solve::run;
use crate::spec::{CircuitSpec, RuleKind, RuleSpec};

/// Holomorphic equilibrium propagation with an oscillating nudge: `β(t) = |β| e^{2πi t/T}` goes round while
/// the circuit follows, and every synapse reads the first Fourier coefficient of its own product,
///
/// `ĝ_k = −(1/(|β| T)) ∫ s_k s_{k−1}ᵀ e^{−2πi t/T} dt`,
///
/// over the second of two turns; the first lets the free start be forgotten. The nudge is held for a
/// `ep.points`-th of a turn at a time, and products are read in the end of each; `T` = `ep.period` in units
/// of the slowest time constant.
///
/// # Limit
///
/// That of [`HolomorphicPropagation`](super::HolomorphicPropagation) as `T → ∞`. A circuit that is late by
/// its time constant turns the coefficient: at a finite `T` it is short by `O(τ/T)`.
///
/// # Requires
///
/// What holomorphic equilibrium propagation does. One relaxation is free; nothing is settled afterwards, so
/// that outcomes are those of the free one.
///
/// # Reference
///
/// Laborieux & Zenke, Neural Inf. Process. Syst. 2022.
#[derive(Clone, Debug)]
pub struct OscillatingPropagation<T: Real> {
    phases: Phases<T>,
    points: usize,
    period: f64,
}

impl<T: Real> OscillatingPropagation<T> {
    /// Follows a shard for two turns from the free state; the terms of the second.
    fn follow(&self, weights: &Weights<T>, batch: &Batch<T>, rest: &Matrix<T>) -> Vec<Vec<[Matrix<T>; 2]>> {
        let free = self.phases.free(weights, batch, 1);
        let part = self.period * free.slowest() / self.points as f64;
        let mut state = HolomorphicCircuit::from_real(rest);
        let mut read = Vec::with_capacity(self.points);
        for step in 0..2 * self.points {
            let beta = self.turn(step) * self.phases.beta();
            let circuit = HolomorphicCircuit::new(free.clone(), batch.targets.clone(), beta);
            let from = part * step as f64;
            state = run(&self.phases.spec.solver, &circuit, state, (from, part), &mut |_, _| {});
            if step >= self.points {
                read.push(circuit.outputs(&state));
            }
        }
        read
    }

    /// `e^{2πi n/N}`.
    fn turn(&self, step: usize) -> Complex<f64> {
        super::holomorphic::root(step % self.points, self.points)
    }
}

impl<T: Real> Registered<T> for OscillatingPropagation<T> {
    fn needs(_: RuleKind) -> Needs {
        // The integral of its product is a number of a synapse; what it lacks is of order τ/T, not of the
        // nudge.
        Needs { compartments: 2, neuron_memories: 0, limit: Limit::Other, ..Needs::PHASES }
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        let (points, period) = (settings.ep.points, settings.ep.period);
        Self { phases: Phases::new(settings, circuit, network), points, period }
    }
}

impl<T: Real> Rule<T> for OscillatingPropagation<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let (phases, mut seen) = (&self.phases, Seen::default());
        let rest = phases.settle(&phases.free(weights, batch, 0), None, &mut seen);
        let parts = shards(batch.inputs.nrows());
        let read: Vec<_> = parts
            .par_iter()
            .map(|rows| {
                let some = |matrix: &Matrix<T>| select_rows(matrix, rows);
                let sample_ids = batch.sample_ids.subset(rows);
                let part = Batch { inputs: some(&batch.inputs), targets: some(&batch.targets), sample_ids };
                self.follow(weights, &part, &some(&rest))
            })
            .collect();
        let network = weights.network();
        let scale = -1.0 / (self.points as f64 * phases.beta());
        let terms: Vec<Term<T>> = (0..self.points)
            .map(|step| {
                let whole = join(batch.inputs.nrows(), &network[1..], &parts, |part| &read[part][step]);
                Term::new(self.turn(step).conj() * scale, whole)
            })
            .collect();
        let turns = 2.0 * self.period * phases.chip.slowest;
        seen.times.iter_mut().for_each(|time| *time += turns);
        seen.relaxations += 1;
        let products: Vec<Product<'_, T>> = terms.iter().flat_map(Term::products).collect();
        phases.write(batch, seen, &products, gradient)
    }
}

/// The outputs of all shards as those of one batch.
fn join<'a, T: Real>(
    batch: usize,
    neurons: &[usize],
    parts: &[Vec<usize>],
    outputs: impl Fn(usize) -> &'a Vec<[Matrix<T>; 2]>,
) -> Vec<[Matrix<T>; 2]> {
    let blank = |n: usize| Matrix::zeros(batch, n);
    let mut whole: Vec<[Matrix<T>; 2]> = neurons.iter().map(|&n| [blank(n), blank(n)]).collect();
    for (part, rows) in parts.iter().enumerate() {
        for (all, own) in whole.iter_mut().flatten().zip(outputs(part).iter().flatten()) {
            let pairs: Vec<(usize, usize)> = rows.iter().enumerate().map(|(i, &row)| (i, row)).collect();
            copy_rows(own, all, &pairs);
        }
    }
    whole
}
