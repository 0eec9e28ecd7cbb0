//! Random networks with inputs and targets: the same work for every benchmark.
#![allow(dead_code, reason = "each benchmark takes what it needs")]

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::DyadCircuit;
use dyadsim_core::matrix::{Matrix, Real};
use dyadsim_core::random::{Key, Kind, stream};
use dyadsim_core::spec::{CircuitSpec, InitSpec};
use rand_distr::{Distribution, StandardNormal, StandardUniform};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A network on an ideal chip, and a batch for it.
pub struct Net<T: Real> {
    pub spec: CircuitSpec,
    chip: Chip<T>,
    pub weights: Weights<T>,
    pub inputs: Matrix<T>,
    pub targets: Matrix<T>,
}

impl<T: Real> Net<T> {
    /// Weights of `gain` times He's deviation, biases of 0.05 V, inputs in [0, 1] V, one-hot targets.
    pub fn new(spec: &CircuitSpec, network: &[usize], batch: usize, gain: f64) -> Self {
        let mut weights = Weights::<f64>::draw(&InitSpec::He, spec, network, 0);
        for (layer, (matrix, biases)) in weights.forward.iter_mut().zip(&mut weights.biases).enumerate() {
            *matrix *= gain;
            let mut source = stream(Key::new(0, Kind::Biases).layer(layer as u16));
            biases.fill_with(|| 0.05 * Distribution::<f64>::sample(&StandardNormal, &mut source));
        }
        let mut source = stream(Key::new(0, Kind::Data));
        let mut uniform = || -> f64 { StandardUniform.sample(&mut source) };
        let inputs = Matrix::from_fn(batch, network[0], |_, _| T::of(uniform()));
        let classes = network[network.len() - 1];
        let targets = Matrix::from_fn(batch, classes, |i, j| if i % classes == j { T::ONE } else { T::ZERO });
        let chip = Chip::fabricate(spec, network);
        Self { spec: spec.clone(), chip, weights: weights.cast(), inputs, targets }
    }

    /// The circuit, nudged.
    pub fn circuit(&self) -> DyadCircuit<'_, T> {
        DyadCircuit::free(&self.chip, &self.weights, &self.inputs)
            .nudged(&self.spec.nudge, self.targets.clone())
    }
}
