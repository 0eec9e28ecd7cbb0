//! Optimisers: plain descent, heavy-ball momentum, Adam, with a learning-rate schedule.

use rayon::prelude::*;

use super::feedback::feedback_zeros;
use super::{FeedbackRule, Gradient};
use crate::chip::{Weights, close_lateral};
use crate::matrix::dispatch::{Kernel, run};
use crate::matrix::{Matrix, Real};
use crate::noise::gaussian::fill;
use crate::random::{Key, Kind};
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
    /// Rate of feedback synapses, in units of that of the others.
    feedback_rate: f64,
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
        Self { spec: spec.clone(), epochs, feedback_rate: 1.0, moments }
    }

    /// The same with moments of the feedback synapses of `weights`, if they descend something.
    #[must_use]
    pub fn with_feedback(mut self, rule: FeedbackRule, weights: &Weights<T>) -> Self {
        if let Some(rate) = rule.rate() {
            self.feedback_rate = rate;
            for moment in [&mut self.moments.first, &mut self.moments.second] {
                moment.feedback = Some(feedback_zeros(weights));
            }
        }
        self
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

    /// Updates all weights and biases once, and feedback synapses if the gradient is theirs, too.
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
        let among = (&mut weights.lateral, &gradient.lateral, &mut first.lateral, &mut second.lateral);
        if let (Some(synapses), Some(slopes), Some(first), Some(second)) = among {
            let moments = first.iter_mut().zip(second).map(|(m, v)| (m.as_mut_slice(), v.as_mut_slice()));
            for ((l, slope), (m, v)) in synapses.iter_mut().zip(slopes).zip(moments) {
                update.apply(l.as_mut_slice(), slope.as_slice(), m, v);
            }
        }
        let (Some(synapses), Some(slopes)) = (&mut weights.feedback, &gradient.feedback) else { return };
        let (Some(first), Some(second)) = (&mut first.feedback, &mut second.feedback) else { return };
        let update = Update { rate: T::of(self.feedback_rate) * update.rate, ..update };
        let moments = first.iter_mut().zip(second).map(|(m, v)| (m.as_mut_slice(), v.as_mut_slice()));
        for ((f, slope), (m, v)) in synapses.iter_mut().zip(slopes).zip(moments).skip(1) {
            update.apply(f.as_mut_slice(), slope.as_slice(), m, v);
        }
    }

    /// Adds update noise: the learning rate times normal numbers, to every forward and lateral synapse, and
    /// to feedback synapses that descend something. Numbers are named by `seed`, layer and update, and are
    /// common to all rules; biases have none.
    pub fn disturb(&self, weights: &mut Weights<T>, seed: u64, epoch: usize) {
        let OptimizerSpec { update_noise, feedback_update_noise, .. } = self.spec;
        let rate = self.rate(epoch);
        let size = |variance: f64, rate: f64| T::of(rate * variance.sqrt());
        self.add_noise(&mut weights.forward, (seed, 0), size(update_noise, rate));
        self.add_lateral_noise(weights, seed, size(update_noise, rate));
        if let (Some(_), Some(feedback)) = (&self.moments.first.feedback, &mut weights.feedback) {
            let variance = feedback_update_noise.unwrap_or(update_noise);
            self.add_noise(&mut feedback[1..], (seed, 1), size(variance, self.feedback_rate * rate));
        }
    }

    /// Adds numbers of a size to a stack of matrices, that of the forward (0) or feedback (1) synapses.
    fn add_noise(&self, stack: &mut [Matrix<T>], (seed, which): (u64, u32), size: T) {
        if size == T::ZERO {
            return;
        }
        let updates = self.moments.updates;
        // A step is a word: what is beyond it counts as trials, which training has none of.
        let key = Key::new(seed, Kind::UpdateNoise).step(updates as u32);
        let key = key.trial(2 * (updates >> 32) as u32 + which);
        let mut numbers = Vec::new();
        for (layer, synapses) in stack.iter_mut().enumerate() {
            numbers.resize(synapses.len(), T::ZERO);
            fill(key.layer(layer as u16), 0, &mut numbers);
            synapses.iter_mut().zip(&numbers).for_each(|(w, &z)| *w += size * z);
        }
    }

    /// Adds numbers of a size to the lateral synapses, one a device.
    fn add_lateral_noise(&self, weights: &mut Weights<T>, seed: u64, size: T) {
        let shared = weights.are_shared();
        let updates = self.moments.updates;
        let key = Key::new(seed, Kind::LateralNoise).step(updates as u32).trial((updates >> 32) as u32);
        let stack = weights.lateral.iter_mut().flatten().enumerate();
        for (layer, synapses) in stack.filter(|_| size != T::ZERO) {
            let mut numbers = Matrix::zeros(synapses.nrows(), synapses.ncols());
            fill(key.layer(layer as u16), 0, numbers.as_mut_slice());
            close_lateral(&mut numbers, shared);
            synapses.zip_apply(&numbers, |w, z| *w += size * z);
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

/// Synapses worth handing to another thread.
const PIECE: usize = 1 << 15;

impl<T: Real> Update<T> {
    /// Updates one array, in pieces on all threads of the pool; every synapse is updated by itself.
    fn apply(self, weights: &mut [T], gradient: &[T], first: &mut [T], second: &mut [T]) {
        if weights.len() <= PIECE || rayon::current_num_threads() == 1 {
            return run(Piece { update: self, weights, gradient, first, second });
        }
        let moments = first.par_chunks_mut(PIECE).zip(second.par_chunks_mut(PIECE));
        let synapses = weights.par_chunks_mut(PIECE).zip(gradient.par_chunks(PIECE));
        synapses.zip(moments).for_each(|((weights, gradient), (first, second))| {
            run(Piece { update: self, weights, gradient, first, second });
        });
    }
}

/// One piece of an array.
struct Piece<'a, T> {
    update: Update<T>,
    weights: &'a mut [T],
    gradient: &'a [T],
    first: &'a mut [T],
    second: &'a mut [T],
}

impl<T: Real> Kernel for Piece<'_, T> {
    type Output = ();

    /// Adam: Kingma & Ba 2015, algorithm 1. Nothing is fused, so every processor gives the same bits.
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Update { kind, rate, beta1, beta2, epsilon, unbias } = self.update;
        let moments = self.first.iter_mut().zip(self.second);
        let synapses = self.weights.iter_mut().zip(self.gradient).zip(moments);
        match kind {
            OptimizerKind::Sgd => synapses.for_each(|((w, &g), _)| *w -= rate * g),
            OptimizerKind::Momentum => synapses.for_each(|((w, &g), (m, _))| {
                *m = beta1 * *m + g;
                *w -= rate * *m;
            }),
            OptimizerKind::Adam => synapses.for_each(|((w, &g), (m, v))| {
                *m = beta1 * *m + (T::ONE - beta1) * g;
                *v = beta2 * *v + (T::ONE - beta2) * g * g;
                let step = *m * unbias.0 / ((*v * unbias.1).root() + epsilon);
                *w -= rate * step;
            }),
        }
    }
}

impl<T: Real> Gradient<T> {
    /// All arrays, weights and biases in turn by layer, for checkpoints.
    pub fn arrays(&self) -> impl Iterator<Item = (&Matrix<T>, &[T])> {
        self.forward.iter().zip(self.biases.iter().map(Vec::as_slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weights of one layer after some Adam updates on `threads` threads, all gradients `g(i, j)`.
    fn trained(threads: usize, updates: usize, g: fn(usize, usize) -> f64) -> Matrix<f64> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("two threads");
        pool.install(|| {
            let mut weights = Weights::<f64>::zeros(&[300, 250]);
            let mut gradient = Gradient::zeros(&weights);
            gradient.forward[0] = Matrix::from_fn(250, 300, g);
            let mut optimizer = Optimizer::new(&OptimizerSpec::adam(0.01), 1, &weights);
            (0..updates).for_each(|_| optimizer.update(&mut weights, &gradient, 0));
            weights.forward.remove(0)
        })
    }

    #[test]
    fn the_first_step_of_adam_has_the_length_of_its_rate() {
        let spec = OptimizerSpec::adam(0.01);
        let moved = trained(1, 1, |i, j| (i as f64 - 100.5) * (1.0 + j as f64));
        for ((i, _), w) in moved.iter().enumerate().map(|(at, w)| ((at % 250, at / 250), w)) {
            let sign = if i > 100 { -1.0 } else { 1.0 };
            // m̂/(√v̂ + ε) = ±1/(1 + ε/|g|) with |g| ≥ ½.
            assert!((w - sign * spec.learning_rate).abs() <= 4.0 * spec.epsilon * spec.learning_rate + 1e-17);
        }
    }

    #[test]
    fn threads_change_no_bit_of_an_update() {
        let wave: fn(usize, usize) -> f64 = |i, j| ((7 * i + 3 * j) as f64).sin();
        assert_eq!(trained(1, 3, wave), trained(2, 3, wave));
    }
}
