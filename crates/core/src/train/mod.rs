//! Training: epochs → batches → relaxation → rule → update. Observers see and cannot touch.

mod continuous;
mod evaluate;

pub use continuous::{Continuous, PlasticChip};
pub use evaluate::{Evaluation, activities, classes_of, evaluate, free_outputs, largest, predict_classes};

use crate::chip::Weights;
use crate::data::Dataset;
use crate::learn::{Batch, FeedbackRule, Gradient, Optimizer, Report, Rule};
use crate::matrix::{Matrix, Real};
use crate::noise::SampleIds;
use crate::random::{Key, Kind, permutation, stream};
use crate::solve::Outcome;

/// Statistics of an epoch over all its samples.
#[derive(Clone, Debug, Default)]
pub struct EpochReport {
    /// Samples per outcome, in the order of [`Outcome::ALL`]; all zero for rules without a circuit.
    pub tally: [u64; 6],
    /// Simulated times to equilibrium of the settled samples (s).
    pub times: Vec<f64>,
    /// Evaluations of the right-hand side, batch-wide.
    pub rhs_evals: u64,
}

impl EpochReport {
    fn take(&mut self, report: &Report) {
        for (slot, outcome) in self.tally.iter_mut().zip(Outcome::ALL) {
            *slot += report.outcomes.iter().filter(|&&o| o == outcome).count() as u64;
        }
        let settled =
            report.outcomes.iter().zip(&report.times).filter(|(o, t)| o.is_settled() && t.is_finite());
        self.times.extend(settled.map(|(_, &t)| t));
        self.rhs_evals += report.counts.rhs_evals;
    }

    /// Median time to equilibrium of the settled samples (s).
    #[must_use]
    pub fn median_time(&self) -> Option<f64> {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        let (low, high) = (times.get(times.len().checked_sub(1)? / 2)?, times.get(times.len() / 2)?);
        Some(f64::midpoint(*low, *high))
    }
}

/// A network in training.
#[derive(Clone, Debug)]
pub struct Learner<T> {
    /// Synapses.
    pub weights: Weights<T>,
    /// Optimiser with its state.
    pub optimizer: Optimizer<T>,
}

/// Is shown the weights with which a batch was settled, its samples, and what became of them.
pub type Observer<'a, T> = &'a mut dyn FnMut(&Weights<T>, &[usize], &Report);

/// Setup of an epoch.
pub struct Course<'a, T: Real> {
    /// Data.
    pub dataset: &'a Dataset,
    /// Rule.
    pub rule: &'a dyn Rule<T>,
    /// How feedback synapses learn.
    pub feedback: FeedbackRule,
    /// Samples per update.
    pub batch: usize,
    /// Seed of the batch order and of the noise, common to all rules of a seed.
    pub seed: u64,
}

impl<T: Real> Course<'_, T> {
    /// Some training samples with their targets.
    #[must_use]
    pub fn gather(&self, samples: &[usize]) -> Batch<T> {
        gather(self.dataset, samples)
    }

    /// Makes one pass over the training set, `epoch` counted from 0.
    ///
    /// `observe` is shown the weights with which each batch was settled, its samples, and what became of
    /// them. A batch of which no sample may be used updates nothing.
    pub fn epoch(&self, learner: &mut Learner<T>, epoch: usize, observe: Observer<'_, T>) -> EpochReport {
        let order = epoch_order(self.seed, epoch, self.dataset.train.len());
        let mut gradient = Gradient::zeros(&learner.weights);
        self.feedback.prepare(&learner.weights, &mut gradient);
        self.feedback.program(&mut learner.weights);
        let mut total = EpochReport::default();
        let mut shown = epoch as u64 * order.len() as u64;
        for (presentation, samples) in order.chunks(self.batch).enumerate() {
            let ids = (shown..shown + samples.len() as u64).collect();
            shown += samples.len() as u64;
            let sample_ids = SampleIds { seed: self.seed, ids };
            let batch = Batch { sample_ids, ..self.gather(samples) };
            self.rule.present(presentation == 0);
            for _ in 0..self.rule.updates() {
                let report = self.rule.estimate(&learner.weights, &batch, &mut gradient);
                observe(&learner.weights, samples, &report);
                total.take(&report);
                if report.used > 0 {
                    self.feedback.complete(&learner.weights, report.used, &mut gradient);
                    learner.optimizer.update(&mut learner.weights, &gradient, epoch);
                    learner.optimizer.disturb(&mut learner.weights, self.seed, epoch);
                    self.feedback.program(&mut learner.weights);
                }
            }
        }
        total
    }
}

/// The order in which an epoch, counted from 0, meets the training samples.
fn epoch_order(seed: u64, epoch: usize, samples: usize) -> Vec<usize> {
    permutation(samples, &mut stream(Key::new(seed, Kind::BatchOrder).step(epoch as u32)))
}

/// Some training samples with their targets.
#[must_use]
pub fn gather<T: Real>(dataset: &Dataset, samples: &[usize]) -> Batch<T> {
    let mut inputs = Matrix::zeros(samples.len(), dataset.train.features());
    let mut targets = Matrix::zeros(samples.len(), dataset.classes);
    dataset.train.gather(samples, &mut inputs);
    dataset.train.one_hot(samples, dataset.classes, &mut targets);
    Batch::new(inputs, targets)
}
