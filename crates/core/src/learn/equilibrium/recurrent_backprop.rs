//! Recurrent backpropagation: the exact gradient at the equilibrium of a Hopfield circuit.

use std::borrow::Cow;

use super::{Phases, Seen};
use crate::chip::Weights;
use crate::circuit::{Dynamics, HopfieldCircuit, Scratch};
use crate::learn::{Batch, Gradient, Needs, Registered, Report, Rule};
use crate::matrix::elementwise::scale_by;
use crate::matrix::{Matrix, Real, select_rows};
use crate::noise::SampleIds;
use crate::solve::settle_any_from;
use crate::spec::{CircuitSpec, RuleKind, RuleSpec, SolverKind, SolverSpec};

/// Recurrent backpropagation: the gradient of the loss of the free equilibrium, by implicit differentiation.
///
/// At `v = u(v)` a parameter `θ` moves the loss by `λᵀ ∂u/∂θ`, where `λ = (1 − ∂u/∂v)⁻ᵀ ∂ℓ/∂v` is the fixed
/// point of `τ dλ/dt = ∂ℓ/∂v + (∂u/∂v)ᵀ λ − λ`, which is stable where the circuit is. No chip has it; it is
/// what the other rules of the circuit are held against.
///
/// # Requires
///
/// A circuit of one compartment a neuron; devices, spreads and rails are differentiated as they are, gains of
/// loaded amplifiers taken as constant.
///
/// # Reference
///
/// Almeida (1987); Pineda, Phys. Rev. Lett. 59, 2229 (1987).
#[derive(Clone, Debug)]
pub struct RecurrentBackprop<T: Real>(Phases<T>);

impl<T: Real> RecurrentBackprop<T> {
    /// Duals `λ` of what the synapses of every neuron add up to, `[batch × width]`, at the equilibria `rest`.
    fn duals(&self, circuit: &HopfieldCircuit<'_, T>, batch: &Batch<T>, rest: &Matrix<T>) -> Matrix<T> {
        let top = circuit.layers().pop().unwrap_or(0..0);
        let outputs = circuit.outputs(rest).pop().unwrap_or_else(|| Matrix::zeros(0, 0));
        let mut slopes = Matrix::zeros(rest.nrows(), rest.ncols());
        circuit.slopes(rest, &mut slopes);
        let mut forces = Matrix::zeros(rest.nrows(), rest.ncols());
        let mut own = Matrix::zeros(outputs.nrows(), outputs.ncols());
        let loss = self.0.loss();
        loss.gradient(rest.nrows(), outputs.as_slice(), batch.targets.as_slice(), own.as_mut_slice());
        own.component_mul_assign(&slopes.columns(top.start, top.len()));
        forces.columns_mut(top.start, top.len()).copy_from(&own);
        let adjoint = Adjoint { circuit: Box::new(circuit.clone()), rest: rest.clone(), forces };
        let spec = SolverSpec { kind: SolverKind::Dc, rtol: 1e-10, atol: 1e-14, ..SolverSpec::default() };
        let settled = settle_any_from(&spec, &adjoint, None, (false, &|_| {}));
        let mut duals = settled.map_or_else(|| adjoint.free_state(), |settled| settled.state);
        circuit.pull_back_to_synapses(rest, &mut duals);
        duals
    }
}

impl<T: Real> Registered<T> for RecurrentBackprop<T> {
    fn needs(_: RuleKind) -> Needs {
        Needs { compartments: 1, ..Needs::DIFFERENTIATION }
    }

    fn registered(settings: &RuleSpec, mut circuit: CircuitSpec, network: &[usize]) -> Self {
        // It is exact: neither noise nor the solver of a chip matters to it.
        circuit.noise = crate::spec::NoiseSpec::default();
        let solver = &mut circuit.solver;
        if solver.kind.is_stochastic() || solver.kind.needs_layers() {
            solver.kind = SolverSpec::default().kind;
        }
        (solver.rtol, solver.atol) = (solver.rtol.min(1e-9), solver.atol.min(1e-12));
        Self(Phases::new(settings, circuit, network))
    }
}

impl<T: Real> Rule<T> for RecurrentBackprop<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let (phases, mut seen) = (&self.0, Seen::default());
        let circuit = phases.free(weights, batch, 0);
        let rest = phases.settle(&circuit, None, &mut seen);
        let duals = self.duals(&circuit, batch, &rest);
        let outputs = circuit.outputs(&rest);
        let errors: Vec<Matrix<T>> = circuit
            .layers()
            .into_iter()
            .map(|range| duals.columns(range.start, range.len()).into_owned())
            .collect();
        let report = phases.write_errors(batch, seen, (1.0, &errors, &outputs), gradient);
        if let Some(synapses) = &phases.chip.synapses {
            // What a synapse carries is its factor times what is programmed.
            for (slope, factors) in gradient.forward.iter_mut().zip(&synapses.forward) {
                scale_by(slope.as_mut_slice(), factors.as_slice());
            }
            let own = gradient.feedback.iter_mut().flatten().zip(synapses.feedback.iter().flatten());
            let among = gradient.lateral.iter_mut().flatten().zip(synapses.lateral.iter().flatten());
            let own = own.chain(among);
            for (slope, factors) in own.filter(|(slope, _)| !slope.is_empty()) {
                scale_by(slope.as_mut_slice(), factors.as_slice());
            }
        }
        report
    }
}

/// `τ dλ/dt = g + (∂u/∂v)ᵀ λ − λ` at equilibria of a circuit.
struct Adjoint<'a, T: Real> {
    circuit: Box<dyn Dynamics<T> + 'a>,
    rest: Matrix<T>,
    forces: Matrix<T>,
}

impl<T: Real> Dynamics<T> for Adjoint<'_, T> {
    fn width(&self) -> usize {
        self.circuit.width()
    }

    fn samples(&self) -> usize {
        self.rest.nrows()
    }

    fn rates(&self) -> &[T] {
        self.circuit.rates()
    }

    fn drive(&self, state: &Matrix<T>, drive: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        self.circuit.adjoint(&self.rest, state, drive, scratch);
        *drive += &self.forces;
    }

    fn tangent(&self, _: &Matrix<T>, direction: &Matrix<T>, image: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        self.circuit.adjoint(&self.rest, direction, image, scratch);
    }

    fn adjoint(&self, _: &Matrix<T>, direction: &Matrix<T>, image: &mut Matrix<T>, scratch: &mut Scratch<T>) {
        self.circuit.tangent(&self.rest, direction, image, scratch);
    }

    fn free_state(&self) -> Matrix<T> {
        Matrix::zeros(self.samples(), self.width())
    }

    fn subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Dynamics<T> + 'a> {
        let some = |matrix: &Matrix<T>| select_rows(matrix, samples);
        let (rest, forces) = (some(&self.rest), some(&self.forces));
        Box::new(Adjoint { circuit: self.circuit.subset(samples), rest, forces })
    }

    fn scratch(&self, samples: usize) -> Scratch<T> {
        self.circuit.scratch(samples)
    }

    fn sample_ids(&self) -> Cow<'_, SampleIds> {
        self.circuit.sample_ids()
    }
}
