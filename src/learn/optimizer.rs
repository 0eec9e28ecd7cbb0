//! Optimisers: plain descent, heavy-ball momentum, Adam, with a learning-rate schedule.

use super::Gradient;
use crate::chip::Weights;
use crate::matrix::{Matrix, Real};
use crate::spec::{OptimizerKind, OptimizerSpec, RateSchedule};

/// Running moments of the gradient; shapes as the gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments<T> {
    /// First moment (momentum, Adam).
    pub first: Gradient<T>,
    /// Second moment (Adam).
    pub second: Gradient<T>,
    /// Updates so far.
    pub updates: u64,
}

/// An optimiser with its state.
#[derive(Clone, Debug)]
pub struct Optimizer<T> {
    spec: OptimizerSpec,
    epochs: usize,
    /// The state, which a checkpoint keeps.
    pub moments: Moments<T>,
}

/// Coefficients of one update, the same for every synapse.
#[derive(Clone, Copy)]
struct Update<T> {
    kind: OptimizerKind,
    rate: T,
    beta1: T,
    beta2: T,
    epsilon: T,
    /// `1/(1 − β₁ᵗ)`, `1/(1 − β₂ᵗ)`.
    unbias: (T, T),
}

impl<T: Real> Optimizer<T> {
    /// For `weights` and a run of `epochs` epochs.
    #[must_use]
    pub fn new(spec: &OptimizerSpec, epochs: usize, weights: &Weights<T>) -> Self {
        let zeros = || Gradient::zeros(weights);
        let moments = Moments { first: zeros(), second: zeros(), updates: 0 };
        Self { spec: spec.clone(), epochs, moments }
    }

    /// Learning rate during an epoch, counted from 0.
    #[must_use]
    pub fn rate(&self, epoch: usize) -> f64 {
        let progress = epoch as f64 / self.epochs.max(1) as f64;
        let factor = match self.spec.schedule {
            RateSchedule::Constant => 1.0,
            RateSchedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()),
            RateSchedule::Linear => 1.0 - progress,
            RateSchedule::Step { every, factor } => factor.powf((epoch / every) as f64),
        };
        self.spec.learning_rate * factor
    }

    /// One update of all weights and biases; feedback synapses of their own are left as they are.
    pub fn update(&mut self, weights: &mut Weights<T>, gradient: &Gradient<T>, epoch: usize) {
        self.moments.updates += 1;
        let update = self.coefficients(epoch);
        let Moments { first, second, .. } = &mut self.moments;
        for layer in 0..weights.forward.len() {
            update.apply(
                weights.forward[layer].as_mut_slice(),
                gradient.forward[layer].as_slice(),
                first.forward[layer].as_mut_slice(),
                second.forward[layer].as_mut_slice(),
            );
            update.apply(
                &mut weights.biases[layer],
                &gradient.biases[layer],
                &mut first.biases[layer],
                &mut second.biases[layer],
            );
        }
    }

    fn coefficients(&self, epoch: usize) -> Update<T> {
        let count = self.moments.updates as f64;
        let momentum = match self.spec.kind {
            OptimizerKind::Adam => self.spec.beta1,
            OptimizerKind::Momentum | OptimizerKind::Sgd => self.spec.momentum,
        };
        let unbias = |decay: f64| T::of(1.0 / (1.0 - decay.powf(count)));
        Update {
            kind: self.spec.kind,
            rate: T::of(self.rate(epoch)),
            beta1: T::of(momentum),
            beta2: T::of(self.spec.beta2),
            epsilon: T::of(self.spec.epsilon),
            unbias: (unbias(self.spec.beta1), unbias(self.spec.beta2)),
        }
    }
}

impl<T: Real> Update<T> {
    /// Updates one array. Adam: Kingma & Ba 2015, algorithm 1.
    fn apply(self, weights: &mut [T], gradient: &[T], first: &mut [T], second: &mut [T]) {
        let moments = first.iter_mut().zip(second);
        for ((w, &g), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
            match self.kind {
                OptimizerKind::Sgd => *w -= self.rate * g,
                OptimizerKind::Momentum => {
                    *m = self.beta1 * *m + g;
                    *w -= self.rate * *m;
                }
                OptimizerKind::Adam => {
                    *m = self.beta1 * *m + (T::ONE - self.beta1) * g;
                    *v = self.beta2 * *v + (T::ONE - self.beta2) * g * g;
                    let step = *m * self.unbias.0 / ((*v * self.unbias.1).sqrt() + self.epsilon);
                    *w -= self.rate * step;
                }
            }
        }
    }
}

impl<T: Real> Gradient<T> {
    /// All arrays, weights and biases in turn by layer, for checkpoints.
    pub fn arrays(&self) -> impl Iterator<Item = (&Matrix<T>, &[T])> {
        self.forward.iter().zip(self.biases.iter().map(Vec::as_slice))
    }
}
