//! What the free circuit says, held against the targets.

use super::super::inputs::Setup;
use dyadsim_core::circuit::Loss;
use dyadsim_core::learn::Measurement;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::Outcome;
use dyadsim_core::train::largest;

/// What became of one sample, beyond what the solver says.
#[derive(Clone, Debug)]
pub struct Sample {
    /// `ℓ/V_ref²` of the mean output of the free circuit.
    pub loss: f64,
    /// Class of its largest mean output; `None` if one is no number.
    pub class: Option<usize>,
    /// Class that a one-hot target names.
    pub target: Option<usize>,
}

/// What the free circuit says, held against the targets.
#[derive(Clone, Debug)]
pub struct Grades {
    /// Its samples.
    pub samples: Vec<Sample>,
    /// How the free circuit ended.
    pub outcomes: Vec<Outcome>,
    /// Whether it was noisy.
    pub noisy: bool,
}

impl Grades {
    /// Losses and predictions at the end of free relaxations.
    pub(super) fn new(setup: &Setup, free: &Measurement<f64>) -> Self {
        let nudge = &setup.spec.nudge;
        let loss = Loss { kind: nudge.loss, reference: nudge.reference };
        let classes = classes(&setup.batch.targets);
        let outputs = free.means.last().map(Matrix::row_iter).into_iter().flatten();
        let samples = outputs.zip(setup.batch.targets.row_iter()).enumerate().map(|(i, (output, target))| {
            let output: Vec<f64> = output.iter().copied().collect();
            let target: Vec<f64> = target.iter().copied().collect();
            Sample {
                loss: loss.value(&output, &target),
                class: largest(&output),
                target: classes.as_ref().map(|classes| classes[i]),
            }
        });
        Self {
            samples: samples.collect(),
            outcomes: free.settled.outcomes.clone(),
            noisy: !setup.chip.noise.is_noiseless(),
        }
    }

    /// Right predictions, and how many there are; `None` if these are not the targets of a classifier.
    #[must_use]
    pub fn right(&self) -> Option<(usize, usize)> {
        let of = self.samples.iter().filter(|sample| sample.target.is_some()).count();
        let right = self.samples.iter().filter(|s| s.target.is_some() && s.class == s.target).count();
        (of > 0).then_some((right, of))
    }

    /// Mean of the losses.
    #[must_use]
    pub fn mean_loss(&self) -> f64 {
        self.samples.iter().map(|sample| sample.loss).sum::<f64>() / self.samples.len() as f64
    }
}

/// The classes that one-hot targets name; `None` if these are not the targets of a classifier.
fn classes(targets: &Matrix<f64>) -> Option<Vec<usize>> {
    let one_hot = |row: Vec<f64>| {
        let ones = row.iter().filter(|&&y| y == 1.0).count();
        let zeros = row.iter().filter(|&&y| y == 0.0).count();
        (row.len() > 1 && ones == 1 && zeros + 1 == row.len()).then(|| largest(&row)).flatten()
    };
    targets.row_iter().map(|row| one_hot(row.iter().copied().collect())).collect()
}
