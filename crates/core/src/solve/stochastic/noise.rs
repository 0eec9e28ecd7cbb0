//! The noise of a step, device by device or as a list of inputs, as the circuit gives it.

use super::inputs::Inputs;
use super::noise_increment::NoiseIncrement;
use crate::circuit::{Dynamics, Scratch};
use crate::matrix::{Matrix, Real};
use crate::noise::{NoiseContext, NoisePath};

/// What acts on a batch, `[batch × width]` (V) a step.
pub(super) enum Noise<T: Real> {
    /// The devices of a chip, in fused passes.
    Devices(NoiseIncrement<T>),
    /// The inputs of any other system.
    Inputs(Inputs<T>),
}

impl<T: Real> Noise<T> {
    /// The noise of a circuit at `state` in steps of `step` (s), integrated through the leaks if `leaky`;
    /// `None` if it is still.
    pub fn of(circuit: &dyn Dynamics<T>, state: &Matrix<T>, step: f64, leaky: bool) -> Option<Self> {
        let Some(noisy) = circuit.noisy() else {
            return Inputs::new(circuit, state, step, leaky).map(Self::Inputs);
        };
        if noisy.noise().is_noiseless() {
            return None;
        }
        let rates: Vec<f64> = circuit.rates().iter().map(|r| r.to_f64()).collect();
        let context = NoiseContext {
            rates: &rates,
            inputs: noisy.layout().inputs(),
            synapses: noisy.layout().synapses(),
            leaky,
            step,
            slowest: circuit.slowest(),
        };
        let path = NoisePath::new(noisy.noise(), &context, &circuit.sample_ids());
        Some(Self::Devices(NoiseIncrement::new(noisy, path)))
    }

    /// The noise path.
    pub fn path(&self) -> &NoisePath<T> {
        match self {
            Self::Devices(noise) => &noise.path,
            Self::Inputs(noise) => &noise.path,
        }
    }

    /// The noise path, to be advanced.
    pub fn path_mut(&mut self) -> &mut NoisePath<T> {
        match self {
            Self::Devices(noise) => &mut noise.path,
            Self::Inputs(noise) => &mut noise.path,
        }
    }

    /// Returns whether it needs means and differences in the scratch.
    pub fn needs_scratch(&self) -> bool {
        matches!(self, Self::Devices(noise) if noise.depends())
    }

    /// Noise increment of the step (V).
    pub fn increment(&self) -> &Matrix<T> {
        match self {
            Self::Devices(noise) => noise.increment(),
            Self::Inputs(noise) => noise.increment(),
        }
    }

    /// Draws the noise of the next step, which begins at `state`; a drive there has been evaluated with the
    /// scratch.
    pub fn at_start(&mut self, circuit: &dyn Dynamics<T>, state: &Matrix<T>, scratch: &mut Scratch<T>) {
        self.path_mut().advance();
        match (self, circuit.noisy()) {
            (Self::Devices(noise), Some(noisy)) => noise.at_start(noisy, scratch),
            (Self::Inputs(noise), _) => noise.at_start(circuit, state),
            (Self::Devices(_), None) => {}
        }
    }

    /// Takes in the noise where the step ends, at `state`: from now on it is the mean of both.
    pub fn at_end(&mut self, circuit: &dyn Dynamics<T>, state: &Matrix<T>, scratch: &mut Scratch<T>) {
        match (self, circuit.noisy()) {
            (Self::Devices(noise), Some(noisy)) => noise.at_end(noisy, scratch),
            (Self::Inputs(noise), _) => noise.at_end(circuit, state),
            (Self::Devices(_), None) => {}
        }
    }

    /// Keeps some of the samples.
    pub fn keep(&mut self, rows: &[usize]) {
        match self {
            Self::Devices(noise) => noise.keep(rows),
            Self::Inputs(noise) => noise.keep(rows),
        }
    }
}
