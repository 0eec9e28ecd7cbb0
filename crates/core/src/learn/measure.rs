//! What a chip reads before its synapses learn: means and differences of a settled batch, freed of static
//! offsets if asked.

use std::borrow::Cow;

use super::wired::{infer_recurrent, measure_recurrent};
use super::{Batch, Gradient, Left, nudged};
use crate::chip::{Chip, Layout, Weights};
use crate::circuit::DyadCircuit;
use crate::matrix::elementwise::column_sums;
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real, compiled_once};
use crate::noise::Memory;
use crate::solve::{Progress, Settled, settle_all_with_progress, settle_from, settle_next};
use crate::spec::{CircuitSpec, SolverSpec};

/// Readings of a batch.
#[derive(Clone, Debug)]
pub struct Measurement<T: Real> {
    /// The nudged relaxation. With more relaxations `outcomes` are those of a sample's first that did not
    /// come to rest, `time`, `residual` and `counts` their sums (of residuals the largest); state and trace
    /// stay those of the first.
    pub settled: Settled<T>,
    /// Means `s̄_k` of every layer, first layer of neurons first, `[batch × n_k]` (V).
    pub means: Vec<Matrix<T>>,
    /// Differences `δ_k` of every layer, first layer of neurons first, `[batch × n_k]` (V); none where
    /// neurons have one compartment.
    pub differences: Vec<Matrix<T>>,
    /// Relaxations of every sample.
    pub relaxations: usize,
    /// Nudge `β` under which the differences arose; 0 if there was none.
    pub beta: f64,
}

/// Settles a batch on the circuit of `spec` and reads it by its `[readout]`; keeps trajectories if `traced`.
///
/// `chip` is one that was fabricated from `spec`, as `Network::chip` and `Network::circuit` belong together.
///
/// Auto-zero settles the same samples without the nudge and subtracts the differences found there. Chopping
/// settles them with the compartments of every dyad in each other's role: `δ` of the roles, not of the
/// devices, is what is averaged, so that a difference of devices enters with both signs and cancels to first
/// order. Relaxations of a sample follow each other, and noise goes on from one to the next ([`Memory`]):
/// what is white is new in each, what is slower than they are is in all of them, and cancels like an offset.
/// Every relaxation is counted.
///
/// Without a nudge there is no error to free from offsets: one relaxation is read as it is. So it is where
/// layers speak both ways; means are there what neurons say.
#[must_use]
pub fn measure<T: Real>(
    chip: &Chip<T>,
    weights: &Weights<T>,
    batch: &Batch<T>,
    spec: &CircuitSpec,
    traced: bool,
) -> Measurement<T> {
    measure_with_progress(chip, weights, batch, spec, (traced, &|_| {}))
}

/// Settles and reads a batch as [`measure`] does; `progress` is called for every sample in each of its
/// [`count_relaxations`].
#[must_use]
pub fn measure_with_progress<T: Real>(
    chip: &Chip<T>,
    weights: &Weights<T>,
    batch: &Batch<T>,
    spec: &CircuitSpec,
    progress: (bool, Progress<'_>),
) -> Measurement<T> {
    compiled_once!(T, Measure, measure_on)(chip, weights, batch, spec, progress, &Left::nothing())
}

/// Settles and reads a batch as [`measure`] does, from where earlier ones have `left` the compartments, and
/// leaves them there where they come to rest.
#[must_use]
pub fn measure_from<T: Real>(
    chip: &Chip<T>,
    weights: &Weights<T>,
    batch: &Batch<T>,
    spec: &CircuitSpec,
    left: &Left<T>,
) -> Measurement<T> {
    compiled_once!(T, Measure, measure_on)(chip, weights, batch, spec, (false, &|_| {}), left)
}

/// [`measure_with_progress`] and [`measure_from`].
type Measure<T> =
    fn(&Chip<T>, &Weights<T>, &Batch<T>, &CircuitSpec, (bool, Progress<'_>), &Left<T>) -> Measurement<T>;

fn measure_on<T: Real>(
    chip: &Chip<T>,
    weights: &Weights<T>,
    batch: &Batch<T>,
    spec: &CircuitSpec,
    (traced, progress): (bool, Progress<'_>),
    left: &Left<T>,
) -> Measurement<T> {
    if chip.layout.kind().is_recurrent() {
        return measure_recurrent(chip, weights, batch, spec, (traced, progress));
    }
    let circuit = nudged(chip, weights, batch, spec);
    let readout = &spec.readout;
    if count_relaxations(spec) == 1 {
        let settled = settle_from(&spec.solver, &circuit, (traced, progress), left.taken().as_ref());
        left.keep(&settled.state);
        return Measurement::read(&circuit, settled);
    }
    let mut relaxations = Relaxations { solver: &spec.solver, memory: None, progress, left };
    let mut measured = relaxations.next(&circuit, traced);
    if readout.auto_zero {
        measured.subtract(relaxations.next(&unnudged(chip, weights, batch, 1), false));
    }
    if readout.chopping {
        let chip = chip.exchanged();
        relaxations.exchange(&chip.layout);
        let again = Batch { sample_ids: batch.sample_ids.again(2), ..batch.clone() };
        let mut other = relaxations.next(&nudged(&chip, weights, &again, spec), false);
        if readout.auto_zero {
            other.subtract(relaxations.next(&unnudged(&chip, weights, batch, 3), false));
        }
        measured.average(other);
        left.exchange(&chip.layout);
    }
    measured
}

/// Returns how often [`measure`] settles every sample.
#[must_use]
pub fn count_relaxations(spec: &CircuitSpec) -> usize {
    let times = |more: bool| 1 + usize::from(more && spec.nudge.beta != 0.0);
    times(spec.readout.auto_zero) * times(spec.readout.chopping)
}

/// Settles a batch without the nudge, as auto-zero does, and reads it: the circuit's noisy predictions.
#[must_use]
pub fn inference<T: Real>(
    chip: &Chip<T>,
    weights: &Weights<T>,
    batch: &Batch<T>,
    spec: &CircuitSpec,
) -> Measurement<T> {
    inference_with_progress(chip, weights, batch, spec, &|_| {})
}

/// Settles and reads a batch as [`inference`] does; `progress` is called for every sample.
#[must_use]
pub fn inference_with_progress<T: Real>(
    chip: &Chip<T>,
    weights: &Weights<T>,
    batch: &Batch<T>,
    spec: &CircuitSpec,
    progress: Progress<'_>,
) -> Measurement<T> {
    if chip.layout.kind().is_recurrent() {
        return infer_recurrent(chip, weights, batch, spec, progress);
    }
    let circuit = unnudged(chip, weights, batch, 1);
    Measurement::read(&circuit, settle_all_with_progress(&spec.solver, &circuit, false, progress))
}

/// The same circuit with the nudge off, read once more.
fn unnudged<'a, T: Real>(
    chip: &'a Chip<T>,
    weights: &'a Weights<T>,
    batch: &Batch<T>,
    reading: u64,
) -> DyadCircuit<'a, T> {
    DyadCircuit::free(chip, weights, &batch.inputs)
        .with_sample_ids(batch.sample_ids.again(reading))
        .reads_difference()
}

/// Relaxations of the same samples one after the other: the noise of every source goes on from one to the
/// next.
struct Relaxations<'a, T: Real> {
    solver: &'a SolverSpec,
    memory: Option<Memory<T>>,
    progress: Progress<'a>,
    left: &'a Left<T>,
}

impl<T: Real> Relaxations<'_, T> {
    /// The next one.
    fn next(&mut self, circuit: &DyadCircuit<'_, T>, traced: bool) -> Measurement<T> {
        let options = (traced, self.progress);
        let left = self.left.taken();
        let before = (self.memory.as_ref(), left.as_ref());
        let (settled, memory) = settle_next(self.solver, circuit, options, before);
        self.memory = Some(memory);
        self.left.keep(&settled.state);
        Measurement::read(circuit, settled)
    }

    /// The compartments change roles, and take their sources with them.
    fn exchange(&mut self, layout: &Layout) {
        self.left.exchange(layout);
        let Some(memory) = &mut self.memory else { return };
        for layer in 0..layout.depth() {
            layout.plus(layer).zip(layout.minus(layer)).for_each(|(plus, minus)| memory.swap(plus, minus));
        }
    }
}

impl<T: Real> Measurement<T> {
    /// Reads a settled batch, without auto-zero.
    #[must_use]
    pub fn read(circuit: &DyadCircuit<'_, T>, settled: Settled<T>) -> Self {
        let (means, differences) = circuit.mixed(&settled.state);
        Self { settled, means, differences, relaxations: 1, beta: circuit.beta() }
    }

    /// Takes the differences of another measurement off these.
    fn subtract(&mut self, other: Self) {
        for (difference, zero) in self.differences.iter_mut().zip(&other.differences) {
            *difference -= zero;
        }
        self.count(&other);
    }

    /// Averages both measurements.
    fn average(&mut self, other: Self) {
        let half = T::of(0.5);
        let pairs = self.means.iter_mut().zip(&other.means);
        for (own, theirs) in pairs.chain(self.differences.iter_mut().zip(&other.differences)) {
            own.zip_apply(theirs, |own, theirs| *own = half * (*own + theirs));
        }
        self.count(&other);
    }

    /// Adds what another measurement met and took.
    fn count(&mut self, other: &Self) {
        let Settled { outcomes, time, residual, counts, .. } = &mut self.settled;
        for (own, &theirs) in outcomes.iter_mut().zip(&other.settled.outcomes) {
            *own = if own.is_settled() && !theirs.is_settled() { theirs } else { *own };
        }
        time.iter_mut().zip(&other.settled.time).for_each(|(own, theirs)| *own += theirs);
        residual.iter_mut().zip(&other.settled.residual).for_each(|(own, theirs)| *own = own.max(*theirs));
        *counts += other.settled.counts;
        self.relaxations += other.relaxations;
    }

    /// Samples that may enter a gradient: those that came to rest, or all.
    #[must_use]
    pub fn kept(&self, keep_unsettled: bool) -> Vec<bool> {
        self.settled.outcomes.iter().map(|outcome| keep_unsettled || outcome.is_settled()).collect()
    }

    /// The Hebbian estimate `ĝ_k = −(1/β) δ_k s̄_{k−1}ᵀ` averaged over the kept samples; returns how many
    /// those are. With none kept the gradient is zero. Without a nudge there is nothing to divide by, and
    /// what is written is not finite.
    pub fn gradient(&self, batch: &Batch<T>, keep: &[bool], gradient: &mut Gradient<T>) -> usize {
        let used = keep.iter().filter(|&&k| k).count();
        let scale = T::of(-1.0 / (self.beta * used.max(1) as f64));
        for (layer, difference) in self.differences.iter().enumerate() {
            let below = if layer == 0 { &batch.inputs } else { &self.means[layer - 1] };
            // A sample left out must not leak: zero times its perhaps infinite mean would be NaN.
            let (below, difference) = (mask(below, keep), mask(difference, keep));
            let out = gradient.forward[layer].as_view_mut();
            product::correlate(out, Onto::Nothing, scale, difference.as_view(), below.as_view());
            column_sums(difference.as_slice(), keep.len(), scale, &mut gradient.biases[layer]);
        }
        let hidden = self.means.len() - 1;
        gradient.keep_inputs(self.means[..hidden].iter().map(|means| mask(means, keep)));
        used
    }
}

/// The matrix with the rows that are not kept set to zero.
pub(super) fn mask<'a, T: Real>(matrix: &'a Matrix<T>, keep: &[bool]) -> Cow<'a, Matrix<T>> {
    if keep.iter().all(|&k| k) {
        return Cow::Borrowed(matrix);
    }
    let mut masked = matrix.clone();
    for mut column in masked.column_iter_mut() {
        for (value, _) in column.iter_mut().zip(keep).filter(|(_, keep)| !**keep) {
            *value = T::ZERO;
        }
    }
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::solve::SHARD;

    #[test]
    fn every_sample_is_heard_of_once_in_each_of_its_relaxations() {
        let samples = SHARD + 3;
        let weights = Weights { forward: vec![Matrix::identity(2, 2)], ..Weights::zeros(&[2, 2]) };
        let batch = Batch::new(Matrix::from_element(samples, 2, 0.5), Matrix::zeros(samples, 2));
        for (auto_zero, chopping, times) in [(false, false, 1), (true, false, 2), (true, true, 4)] {
            let mut spec = CircuitSpec::default();
            (spec.readout.auto_zero, spec.readout.chopping) = (auto_zero, chopping);
            let chip = Chip::fabricate(&spec, &[2, 2]);
            let count = AtomicUsize::new(0);
            let progress = |more: usize| {
                count.fetch_add(more, Ordering::Relaxed);
            };
            let measured = measure_with_progress(&chip, &weights, &batch, &spec, (false, &progress));
            assert_eq!((count_relaxations(&spec), measured.relaxations), (times, times));
            assert_eq!(count.load(Ordering::Relaxed), times * samples);
        }
    }
}
