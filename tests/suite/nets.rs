//! Random networks for the tests, and settings to run them with.

use dyadsim_core::analysis::layer_angles;
use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{DyadCircuit, Dynamics};
use dyadsim_core::curve::Curve;
use dyadsim_core::learn::{Batch, Gradient, Measurement};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::matrix::measure::larger;
use dyadsim_core::random::{Key, Kind, stream};
use dyadsim_core::solve::{Counts, Outcome, Settled, fixed_point, settle_all};
use dyadsim_core::spec::*;
use nalgebra::{DMatrix, DVector};
use rand_distr::{Distribution, Normal, StandardUniform};

use crate::oracle::Oracle;

/// A network with weights of standard deviation `gain/√fan-in`, inputs in [0, 1] V and targets of 0 or 1 V.
pub struct Net {
    pub spec: CircuitSpec,
    pub network: Vec<usize>,
    pub weights: Weights<f64>,
    pub batch: Batch<f64>,
    pub chip: Chip<f64>,
}

impl Net {
    pub fn random(seed: u64, network: &[usize], samples: usize, gain: f64, spec: CircuitSpec) -> Self {
        let std = network[..network.len() - 1].iter().map(|n| gain / (*n as f64).sqrt()).collect();
        let mut weights = Weights::draw(&InitSpec::Std(std), &spec, network, seed);
        for (k, biases) in weights.biases.iter_mut().enumerate() {
            let mut source = stream(Key::new(seed, Kind::Biases).layer(k as u16));
            let normal = Normal::new(0.0, 0.1).unwrap();
            biases.iter_mut().for_each(|b| *b = normal.sample(&mut source));
        }
        let mut source = stream(Key::new(seed, Kind::Data));
        let mut uniform = || -> f64 { StandardUniform.sample(&mut source) };
        let inputs = Matrix::from_fn(samples, network[0], |_, _| uniform());
        let targets = Matrix::from_fn(samples, network[network.len() - 1], |_, _| uniform().round());
        let chip = Chip::fabricate(&spec, network);
        Self { spec, network: network.to_vec(), weights, batch: Batch::new(inputs, targets), chip }
    }

    /// The nudged circuit.
    pub fn circuit(&self) -> DyadCircuit<'_, f64> {
        dyadsim_core::learn::nudged(&self.chip, &self.weights, &self.batch, &self.spec)
    }

    /// The same circuit written out independently.
    pub fn oracle(&self, sample: usize) -> Oracle {
        Oracle::new(self, sample)
    }

    /// The nudged circuit, settled by the solver of the description.
    pub fn settle(&self) -> Settled<f64> {
        settle_all(&self.spec.solver, &self.circuit(), false)
    }

    /// Fixed points of all samples by the crate's Newton method, from the free state, to rounding.
    pub fn fixed_points(&self) -> Settled<f64> {
        let circuit = self.circuit();
        let free = circuit.free_state();
        let mut state = free.clone();
        let mut residual = Vec::new();
        for i in 0..free.nrows() {
            let point = fixed_point(&circuit, i, row(&free, i).as_slice(), 0.0);
            let size = point.state.iter().fold(1.0_f64, |size, v| size.max(v.abs()));
            assert!(point.residual < 1e-13 * size, "no fixed point: {:.1e} V", point.residual);
            state.row_mut(i).copy_from_slice(&point.state);
            residual.push(point.residual);
        }
        let samples = residual.len();
        let (outcomes, time) = (vec![Outcome::Settled; samples], vec![0.0; samples]);
        Settled { state, outcomes, time, residual, counts: Counts::default(), traces: Vec::new() }
    }

    /// The gradient estimate at the fixed points.
    pub fn estimate_at_fixed_points(&self) -> Gradient<f64> {
        let mut gradient = Gradient::zeros(&self.weights);
        let settled = self.fixed_points();
        let keep = vec![true; settled.outcomes.len()];
        Measurement::read(&self.circuit(), settled).gradient(&self.batch, &keep, &mut gradient);
        gradient
    }

    /// The exact gradient.
    pub fn backprop(&self) -> Gradient<f64> {
        let mut gradient = Gradient::zeros(&self.weights);
        let rule = dyadsim_core::learn::rule(RuleKind::Bp, &self.spec, &self.network);
        rule.estimate(&self.weights, &self.batch, &mut gradient);
        gradient
    }

    /// The gradient estimate of the circuit's own gains, and what became of the samples.
    pub fn estimate(&self) -> (Gradient<f64>, dyadsim_core::learn::Report) {
        let mut gradient = Gradient::zeros(&self.weights);
        let rule = dyadsim_core::learn::rule(RuleKind::Custom, &self.spec, &self.network);
        let report = rule.estimate(&self.weights, &self.batch, &mut gradient);
        (gradient, report)
    }
}

/// The ideal circuit with a nudge, an activation and a tight solver.
pub fn ideal(activation: ActivationKind, variant: Variant, alpha: f64, beta: f64) -> CircuitSpec {
    let mut spec = CircuitSpec::default();
    spec.neuron.activation = activation.into();
    spec.nudge = NudgeSpec { variant, alpha, beta, ..NudgeSpec::default() };
    spec.solver = SolverSpec { rtol: 1e-10, atol: 1e-12, max_time: 1000.0, ..SolverSpec::default() };
    spec
}

/// Solvers by what they can do: a suite runs over all that can, so that a new one joins by itself.
pub fn kinds_that(can: impl Fn(SolverKind) -> bool) -> Vec<SolverKind> {
    SolverKind::ALL.into_iter().filter(|kind| can(*kind)).collect()
}

/// Every shape by its natural parameters, and once more with amplitude, scale and offset of its own.
pub fn activations() -> Vec<ActivationSpec> {
    let natural = ActivationKind::ALL.map(ActivationSpec::from);
    let moved =
        ActivationKind::ALL.map(|kind| ActivationSpec { kind, amplitude: 0.7, scale: 0.6, offset: 0.1 });
    let table = ActivationSpec { kind: table(), amplitude: 0.7, scale: 0.6, offset: 0.1 };
    natural.into_iter().chain(moved).chain([table]).collect()
}

/// A curve through 49 points of an activation that no formula here has, and that is no odd function.
pub fn table() -> ActivationKind {
    let at = |i: i32| f64::from(i) / 8.0;
    let points: Vec<_> = (-24..=24).map(|i| (at(i), at(i).tanh() + 0.1 * at(i).cos())).collect();
    ActivationKind::Table(Curve::new(&points).unwrap())
}

/// A row of a matrix as a vector.
pub fn row(matrix: &Matrix<f64>, index: usize) -> DVector<f64> {
    matrix.row(index).transpose()
}

/// `λ_max(K)` with `K = Σ_k S^{L−k} P_k P_kᵀ`, `P_k = W_L ⋯ W_{k+1}` (docs/model.md §3.3 and §3.6).
pub fn largest_loop(weights: &Weights<f64>, sum: f64) -> f64 {
    let depth = weights.forward.len();
    let outputs = weights.forward[depth - 1].nrows();
    let mut total = DMatrix::zeros(outputs, outputs);
    for k in 0..depth {
        let path = (k + 1..depth)
            .fold(DMatrix::identity(weights.forward[k].nrows(), weights.forward[k].nrows()), |p, j| {
                &weights.forward[j] * p
            });
        total += &path * path.transpose() * sum.powf((depth - 1 - k) as f64);
    }
    total.symmetric_eigenvalues().max()
}

/// `‖A − B‖ / ‖B‖` over all weights and biases.
pub fn relative_error(estimate: &Gradient<f64>, exact: &Gradient<f64>) -> f64 {
    let (mut apart, mut size) = (0.0, 0.0);
    for ((w, b), (v, c)) in estimate.arrays().zip(exact.arrays()) {
        apart += (w - v).norm_squared() + b.iter().zip(c).map(|(b, c)| (b - c).powi(2)).sum::<f64>();
        size += v.norm_squared() + c.iter().map(|c| c.powi(2)).sum::<f64>();
    }
    for (l, m) in estimate.lateral.iter().flatten().zip(exact.lateral.iter().flatten()) {
        apart += (l - m).norm_squared();
        size += m.norm_squared();
    }
    (apart / size).sqrt()
}

/// Largest angle between two gradients in any layer (degrees).
pub fn largest_angle(estimate: &Gradient<f64>, exact: &Gradient<f64>) -> f64 {
    layer_angles(estimate, exact).into_iter().fold(0.0, larger)
}
