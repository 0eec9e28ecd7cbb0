//! Continuous plasticity: synapses are slow states of the circuit, and samples come one after another.
//!
//! `τ dv±/dt = u± − v±` as always, and at the same time
//!
//! ```text
//! τ_w dW_k/dt = (1/β) δ_k s̄_{k−1}ᵀ        τ_w db_k/dt = (1/β) δ_k
//! ```
//!
//! whether or not the nudge is on: a synapse knows of no phase. Where a presentation of length `T` is long
//! against `τ` and short against `τ_w` it moves synapses as one update of the rule at its equilibrium does,
//! at rate `T/τ_w` and batch 1; the way there is a share of `τ/T` of it. A target that waits until the input
//! has gone through keeps the large errors of this way, old activity under a new target, from the synapses.
//!
//! Potentials take exponential Euler steps, exact for a drive that rests, synapses Euler steps of the same
//! length: both are of order 1. Timing: arXiv 2510.18808.

use crate::chip::{Chip, Weights};
use crate::circuit::{DyadCircuit, Dynamics, Scratch};
use crate::data::Dataset;
use crate::matrix::product::{Onto, correlate};
use crate::matrix::{Matrix, Real, compiled_once};
use crate::spec::{NudgeSpec, PlasticitySpec};

use super::{EpochReport, epoch_order, gather};

/// A chip whose synapses move, and the potentials in which the last sample has left it.
#[derive(Clone, Debug)]
pub struct PlasticChip<'a, T: Real> {
    chip: &'a Chip<T>,
    nudge: &'a NudgeSpec,
    plasticity: PlasticitySpec,
    /// Synapses.
    pub weights: Weights<T>,
    /// Potentials of the compartments, `[1 × width]` (V).
    pub state: Matrix<T>,
    /// Steps taken.
    pub steps: u64,
    leak: Leak<T>,
    drive: Matrix<T>,
    scratch: Scratch<T>,
}

/// Shares `1 − e^{−h/τ}` of the way to their drives that compartments go in a step.
#[derive(Clone, Debug)]
struct Leak<T> {
    step: f64,
    rates: Vec<T>,
    shares: Vec<T>,
}

/// A part of a sample's time in which input and target stay as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    length: f64,
    input: bool,
    target: bool,
}

impl<'a, T: Real> PlasticChip<'a, T> {
    /// A chip at rest, 0 V everywhere, under the nudge of its circuit's description.
    #[must_use]
    pub fn at_rest(
        chip: &'a Chip<T>,
        nudge: &'a NudgeSpec,
        plasticity: PlasticitySpec,
        weights: Weights<T>,
    ) -> Self {
        let blank = || Matrix::zeros(1, chip.layout.width());
        let leak = Leak { step: 0.0, rates: Vec::new(), shares: Vec::new() };
        let scratch = Scratch::new(&chip.layout, 1);
        Self { chip, nudge, plasticity, weights, state: blank(), steps: 0, leak, drive: blank(), scratch }
    }

    /// Presents one sample, `input` `[1 × n_0]` and `target` `[1 × n_L]` (V), with its delay and the pause
    /// behind it. Potentials and synapses go on from where they are.
    pub fn present(&mut self, input: &Matrix<T>, target: &Matrix<T>) {
        let none = Matrix::zeros(1, input.ncols());
        for part in parts(&self.plasticity) {
            // A millionth is rounding of the length, not a step.
            let steps = (part.length / self.plasticity.step - 1e-6).ceil().max(1.0);
            let input = if part.input { input } else { &none };
            for _ in 0..steps as u64 {
                self.step(part.length / steps, input, part.target.then_some(target));
            }
        }
    }

    /// One step of length `h` (slowest τ).
    fn step(&mut self, h: f64, input: &Matrix<T>, target: Option<&Matrix<T>>) {
        let mut circuit = DyadCircuit::free(self.chip, &self.weights, input);
        if let Some(target) = target {
            circuit = circuit.nudged(self.nudge, target.clone());
        }
        circuit.limited_drive(&self.state, &mut self.drive, &mut self.scratch);
        self.leak.prepare(h, self.chip.slowest, circuit.rates());
        self.learn(h, input);
        let moved = self.state.iter_mut().zip(self.drive.iter()).zip(&self.leak.shares);
        moved.for_each(|((v, &u), &share)| *v += share * (u - *v));
        self.steps += 1;
    }

    /// Moves synapses for `h`, by the means and differences at the beginning of the step.
    fn learn(&mut self, h: f64, input: &Matrix<T>) {
        let scale = T::of(h / (self.plasticity.time_constant * self.nudge.beta));
        for (layer, weights) in self.weights.forward.iter_mut().enumerate() {
            let below = if layer == 0 { input } else { self.scratch.mean(layer - 1) };
            let difference = self.scratch.difference(layer);
            correlate(weights.as_view_mut(), Onto::Sum, scale, difference.as_view(), below.as_view());
            let biases = self.weights.biases[layer].iter_mut();
            biases.zip(difference.iter()).for_each(|(b, &d)| *b += scale * d);
        }
    }
}

impl<T: Real> Leak<T> {
    /// For a step of `h` slowest time constants `slowest` (s).
    fn prepare(&mut self, h: f64, slowest: f64, rates: &[T]) {
        if self.step == h && self.rates == rates {
            return;
        }
        self.step = h;
        self.rates = rates.to_vec();
        self.shares = rates.iter().map(|r| T::of(-(-h * slowest * r.to_f64()).exp_m1())).collect();
    }
}

/// The parts of a sample's time.
fn parts(plasticity: &PlasticitySpec) -> Vec<Part> {
    let PlasticitySpec { presentation, blank, delay, wait, .. } = *plasticity;
    let (begin, end) = (delay + wait, presentation + delay);
    let mut times = [0.0, begin, presentation, end, end + blank];
    times.sort_by(f64::total_cmp);
    let between = times.windows(2).filter(|ends| ends[1] > ends[0]);
    let part = |ends: &[f64]| Part {
        length: ends[1] - ends[0],
        input: ends[0] < presentation,
        target: (begin..end).contains(&ends[0]),
    };
    between.map(part).collect()
}

/// How a network learns continuously.
#[derive(Clone, Copy, Debug)]
pub struct Continuous<'a, T: Real> {
    /// Data.
    pub dataset: &'a Dataset,
    /// The chip of the rule's circuit.
    pub chip: &'a Chip<T>,
    /// Nudge of that circuit.
    pub nudge: &'a NudgeSpec,
    /// Times.
    pub plasticity: PlasticitySpec,
    /// Seed of the order of samples, common to all rules of a seed.
    pub seed: u64,
}

impl<T: Real> Continuous<'_, T> {
    /// Presents the training set once, `epoch` counted from 0, in the order in which rules with updates meet
    /// it. The chip begins an epoch at rest, so that a run that goes on from its checkpoint is the same.
    ///
    /// No outcome is counted, as nothing is asked to come to rest. The report has the steps, as `rhs_evals`.
    pub fn epoch(&self, weights: &mut Weights<T>, epoch: usize) -> EpochReport {
        let order = epoch_order(self.seed, epoch, self.dataset.train.len());
        EpochReport { rhs_evals: self.present(weights, &order), ..EpochReport::default() }
    }

    /// Presents some training samples one after another to a chip at rest; returns the steps taken.
    pub fn present(&self, weights: &mut Weights<T>, samples: &[usize]) -> u64 {
        compiled_once!(T, Present, present_on)(self, weights, samples)
    }
}

/// [`Continuous::present`].
type Present<T> = fn(&Continuous<'_, T>, &mut Weights<T>, &[usize]) -> u64;

fn present_on<T: Real>(course: &Continuous<'_, T>, weights: &mut Weights<T>, samples: &[usize]) -> u64 {
    let Continuous { dataset, chip, nudge, plasticity, .. } = *course;
    let mut plastic = PlasticChip::at_rest(chip, nudge, plasticity, weights.clone());
    for &sample in samples {
        let shown = gather(dataset, &[sample]);
        plastic.present(&shown.inputs, &shown.targets);
    }
    let PlasticChip { weights: learned, steps, .. } = plastic;
    *weights = learned;
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_and_target_last_as_long_as_they_should_whatever_the_delay_is() {
        for (delay, blank, wait) in [
            (0.0, 0.0, 0.0),
            (0.0, 3.0, 4.0),
            (2.0, 0.0, 0.0),
            (2.0, 0.0, 1.0),
            (5.0, 1.0, 2.0),
            (7.0, 2.0, 0.0),
        ] {
            let times =
                PlasticitySpec { time_constant: 1e3, presentation: 5.0, blank, delay, wait, step: 0.1 };
            let parts = parts(&times);
            let lasting = |of: fn(&Part) -> bool| -> f64 {
                parts.iter().filter(|part| of(part)).map(|part| part.length).sum()
            };
            assert_eq!(lasting(|part| part.input), 5.0, "{parts:?}");
            assert_eq!(lasting(|part| part.target), 5.0 - wait, "{parts:?}");
            let both = (5.0_f64 - delay - wait).max(0.0);
            assert_eq!(lasting(|part| part.input && part.target), both, "{parts:?}");
            assert_eq!(lasting(|_| true), 5.0 + delay + blank, "{parts:?}");
        }
    }
}
