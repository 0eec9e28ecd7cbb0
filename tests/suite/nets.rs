//! Random networks for the tests, and settings to run them with.

use dyadsim::chip::{Chip, Weights};
use dyadsim::circuit::DyadCircuit;
use dyadsim::learn::{Batch, Gradient};
use dyadsim::matrix::Matrix;
use dyadsim::random::{Key, Kind, stream};
use dyadsim::spec::*;
use rand_distr::{Distribution, Normal, StandardUniform};

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
        Self { spec, network: network.to_vec(), weights, batch: Batch { inputs, targets }, chip }
    }

    /// The nudged circuit.
    pub fn circuit(&self) -> DyadCircuit<'_, f64> {
        dyadsim::learn::nudged(&self.chip, &self.weights, &self.batch, &self.spec)
    }

    /// The exact gradient.
    pub fn backprop(&self) -> Gradient<f64> {
        let mut gradient = Gradient::zeros(&self.weights);
        let rule = dyadsim::learn::rule(RuleKind::Bp, &self.spec, &self.network, false);
        rule.estimate(&self.weights, &self.batch, &mut gradient);
        gradient
    }

    /// The gradient estimate of the circuit's own gains, and what became of the samples.
    pub fn estimate(&self) -> (Gradient<f64>, dyadsim::learn::Report) {
        let mut gradient = Gradient::zeros(&self.weights);
        let rule = dyadsim::learn::rule(RuleKind::Custom, &self.spec, &self.network, false);
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
