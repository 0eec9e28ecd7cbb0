//! Holomorphic equilibrium propagation: the derivative along `β` from a circle of finite nudges.

use nalgebra::Complex;

use super::{Phases, Product, Seen};
use crate::chip::Weights;
use crate::circuit::HolomorphicCircuit;
use crate::learn::{Batch, Gradient, Limit, Needs, Registered, Report, Rule};
use crate::matrix::{Matrix, Real};
use crate::spec::{CircuitSpec, RuleKind, RuleSpec};

/// Holomorphic equilibrium propagation: the first Fourier coefficient of the products along a circle of
/// nudges,
///
/// `ĝ_k = −(1/(N |β|)) Σ_n s_k s_{k−1}ᵀ |_{β_n} e^{−2πi n/N}`, `β_n = |β| e^{2πi n/N}`, `N` = `ep.points`.
///
/// A free relaxation, from which those on the circle go on; the equilibria at `β*` are the conjugates of
/// those at `β`, so that `N/2 + 1` of them are settled.
///
/// # Limit
///
/// Where the equilibrium is a holomorphic function of `β` within the circle, the gradient of the loss at the
/// free equilibrium, at any `|β|`: the error falls like `|β|^N`. `N = 2` is
/// [`CentredPropagation`](super::CentredPropagation).
///
/// # Requires
///
/// As [`EquilibriumPropagation`](super::EquilibriumPropagation), with holomorphic devices, squared errors and
/// no rails: potentials are complex numbers, which no chip has.
///
/// # Reference
///
/// Laborieux & Zenke, *Holomorphic Equilibrium Propagation Computes Exact Gradients Through Finite Size
/// Oscillations*, Neural Inf. Process. Syst. 2022.
#[derive(Clone, Debug)]
pub struct HolomorphicPropagation<T: Real> {
    phases: Phases<T>,
    points: usize,
}

impl<T: Real> Registered<T> for HolomorphicPropagation<T> {
    fn needs(_: RuleKind) -> Needs {
        // Of the default number of points; complex potentials are two numbers.
        let limit = Limit::Gradient { order: 6, middle: 6 };
        Needs { compartments: 2, limit, ..Needs::PHASES }
    }

    fn registered(settings: &RuleSpec, circuit: CircuitSpec, network: &[usize]) -> Self {
        Self { phases: Phases::new(settings, circuit, network), points: settings.ep.points }
    }
}

impl<T: Real> Rule<T> for HolomorphicPropagation<T> {
    fn estimate(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) -> Report {
        let (phases, mut seen) = (&self.phases, Seen::default());
        let rest = phases.settle(&phases.free(weights, batch, 0), None, &mut seen);
        let rest = HolomorphicCircuit::from_real(&rest);
        let terms: Vec<Term<T>> = (0..=self.points / 2)
            .map(|n| {
                let turn = root(n, self.points);
                let free = phases.free(weights, batch, n as u64 + 1);
                let circuit = HolomorphicCircuit::new(free, batch.targets.clone(), turn * phases.beta());
                let state = phases.settle(&circuit, Some(&rest), &mut seen);
                // The conjugate equilibrium has the conjugate term: together twice the real part.
                let times = if n == 0 || 2 * n == self.points { 1.0 } else { 2.0 };
                let scale = -times / (self.points as f64 * phases.beta());
                Term::new(turn.conj() * scale, circuit.outputs(&state))
            })
            .collect();
        let products: Vec<Product<'_, T>> = terms.iter().flat_map(Term::products).collect();
        phases.write(batch, seen, &products, gradient)
    }
}

/// `e^{2πi n/N}`.
pub(super) fn root(n: usize, of: usize) -> Complex<f64> {
    // Exact on the real axis, where imaginary parts stay 0.
    if n == 0 || 2 * n == of {
        return Complex::from(if n == 0 { 1.0 } else { -1.0 });
    }
    Complex::from_polar(1.0, std::f64::consts::TAU * n as f64 / of as f64)
}

/// `Re(factor · s_k s_{k−1}ᵀ)` of complex outputs.
pub(super) struct Term<T: Real> {
    factor: Complex<f64>,
    real: Vec<Matrix<T>>,
    imaginary: Vec<Matrix<T>>,
}

impl<T: Real> Term<T> {
    pub fn new(factor: Complex<f64>, outputs: Vec<[Matrix<T>; 2]>) -> Self {
        let (real, imaginary) = outputs.into_iter().map(|[re, im]| (re, im)).unzip();
        Self { factor, real, imaginary }
    }

    /// The four real products of it that are not zero.
    pub fn products(&self) -> impl Iterator<Item = Product<'_, T>> {
        let (re, im) = (self.factor.re, self.factor.im);
        let product = |factor, post, pre, real| Product { factor, post, pre, real };
        let (a, b) = (&self.real[..], &self.imaginary[..]);
        let all = [
            product(re, a, a, true),
            product(-re, b, b, false),
            product(-im, b, a, true),
            product(-im, a, b, false),
        ];
        all.into_iter().filter(|product| product.factor != 0.0)
    }
}
