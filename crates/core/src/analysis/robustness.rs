//! How far a learned network moves when its inputs do: norms, local Lipschitz constants, and adversarial
//! inputs.
//!
//! All of it concerns the free circuit, which is a feed-forward network. Fast gradient sign: Goodfellow,
//! Shlens & Szegedy 2015; projected gradient: Madry et al. 2018, from the sample itself or from a random
//! point of the ball. One climb often ends at a local maximum below the worst input there is: accuracies
//! under attack are upper bounds, lower for more starts and for a climb towards each wrong class in turn
//! (Gowal et al. 2019, "An alternative surrogate loss for PGD-based adversarial testing").

use rand_distr::{Distribution, StandardNormal, StandardUniform};
use rayon::prelude::*;

use crate::chip::{Chip, Weights};
use crate::data::Split;
use crate::learn::Backprop;
use crate::matrix::measure::spectral_norm;
use crate::matrix::{Matrix, Real};
use crate::random::{Key, Kind, stream};
use crate::spec::NudgeSpec;
use crate::train::largest;

/// Samples attacked at once; whatever the number of threads.
const SHARD: usize = 250;
/// Steps of a projected attack add up to this many radii, so that it can cross the ball (Madry et al. 2018).
const REACH: f64 = 2.5;

/// Norm in which a perturbation is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Largest change of an input, `L∞`.
    LInf,
    /// Euclidean length of the change, `L2`.
    L2,
}

impl Norm {
    /// Name in tables and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LInf => "linf",
            Self::L2 => "l2",
        }
    }
}

/// Objective that an attack maximises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// The loss that the network was trained on.
    Loss,
    /// The largest wrong output less the right one.
    Margin,
    /// The output of the class this many after the right one, cyclically, less the right one.
    Class(usize),
}

/// An attack on inputs that are kept in `[0, 1]` V, as data are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attack {
    /// Norm of the perturbation.
    pub norm: Norm,
    /// Its largest size (V).
    pub radius: f64,
    /// Steps: one makes the fast gradient (sign) attack, more a projected one.
    pub steps: usize,
    /// Objective that is maximised.
    pub objective: Objective,
    /// Start of the ascent: 0 is the sample itself, other numbers are random points of the ball.
    pub start: u32,
}

/// Inputs `[batch × n_0]` (V) with their targets `[batch × n_L]` and classes.
#[derive(Clone, Debug)]
pub struct Labelled<T> {
    /// Inputs.
    pub inputs: Matrix<T>,
    /// Targets.
    pub targets: Matrix<T>,
    /// Class of each sample.
    pub labels: Vec<usize>,
    /// Number of each sample, which names its random starts.
    pub numbers: Vec<u32>,
}

impl<T: Real> Labelled<T> {
    /// The first `samples` of a split (all if there are fewer), in shards.
    #[must_use]
    pub fn shards(split: &Split, classes: usize, samples: usize) -> Vec<Self> {
        let all: Vec<usize> = (0..split.len().min(samples)).collect();
        let shard = |samples: &[usize]| {
            let mut inputs = Matrix::zeros(samples.len(), split.features());
            let mut targets = Matrix::zeros(samples.len(), classes);
            split.gather(samples, &mut inputs);
            split.one_hot(samples, classes, &mut targets);
            let labels = samples.iter().map(|&i| usize::from(split.labels()[i])).collect();
            // A data set has fewer than 2³² samples.
            Self { inputs, targets, labels, numbers: samples.iter().map(|&i| i as u32).collect() }
        };
        all.chunks(SHARD).map(shard).collect()
    }

    /// The samples that are not marked.
    fn without(&self, marked: &[bool]) -> Self {
        let left: Vec<usize> = (0..marked.len()).filter(|&i| !marked[i]).collect();
        Self {
            inputs: self.inputs.select_rows(&left),
            targets: self.targets.select_rows(&left),
            labels: left.iter().map(|&i| self.labels[i]).collect(),
            numbers: left.iter().map(|&i| self.numbers[i]).collect(),
        }
    }
}

/// Network under attack.
#[derive(Debug)]
pub struct TargetNetwork<T: Real> {
    network: Backprop<T>,
    weights: Weights<T>,
}

impl<T: Real> TargetNetwork<T> {
    /// The free circuit of a chip with its weights; the loss is that of `nudge`.
    #[must_use]
    pub fn new(chip: Chip<T>, nudge: &NudgeSpec, weights: Weights<T>) -> Self {
        Self { network: Backprop::new(chip, nudge), weights }
    }

    /// Share of the samples that all of these attacks leave in their class, at every point that they visit.
    ///
    /// Samples whose outputs are not numbers are in no class.
    #[must_use]
    pub fn accuracy_under(&self, shards: &[Labelled<T>], attacks: &[Attack]) -> f64 {
        let kept: usize = shards.par_iter().map(|shard| self.kept(shard, attacks)).sum();
        let all: usize = shards.iter().map(|shard| shard.labels.len()).sum();
        kept as f64 / all.max(1) as f64
    }

    /// Samples of a shard that no attack fools; each attacks those alone that the ones before it have left.
    fn kept(&self, shard: &Labelled<T>, attacks: &[Attack]) -> usize {
        let mut left = shard.clone();
        for attack in attacks {
            let (_, fooled) = self.attack(&left, *attack);
            left = left.without(&fooled);
            if left.labels.is_empty() {
                break;
            }
        }
        left.labels.len()
    }

    /// Inputs at the end of an attack, and whether any point on the way (the start included) is classified
    /// wrongly.
    #[must_use]
    pub fn attack(&self, shard: &Labelled<T>, attack: Attack) -> (Matrix<T>, Vec<bool>) {
        let mut at = start(shard, attack);
        let mut fooled = vec![false; shard.labels.len()];
        let step =
            if attack.steps == 1 { attack.radius } else { REACH * attack.radius / attack.steps as f64 };
        for _ in 0..attack.steps {
            let slopes = self.network.pull_back(&self.weights, &at, |outputs, error| {
                note(outputs, &shard.labels, &mut fooled);
                self.output_error(attack.objective, outputs, shard, error);
            });
            ascend(&mut at, &slopes, attack.norm, step);
            project(&mut at, &shard.inputs, attack.norm, attack.radius);
        }
        let outputs = |outputs: &Matrix<T>, _: &mut Matrix<T>| note(outputs, &shard.labels, &mut fooled);
        let _ = self.network.pull_back(&self.weights, &at, outputs);
        (at, fooled)
    }

    /// Share of the samples that are in their class.
    #[must_use]
    pub fn accuracy(&self, shards: &[Labelled<T>]) -> f64 {
        self.accuracy_under(
            shards,
            &[Attack { norm: Norm::LInf, radius: 0.0, steps: 0, objective: Objective::Loss, start: 0 }],
        )
    }

    /// Largest singular value of the Jacobian of the outputs by the inputs at every sample; NaN where it is
    /// not finite.
    #[must_use]
    pub fn lipschitz(&self, shards: &[Labelled<T>]) -> Vec<f64> {
        shards.par_iter().flat_map_iter(|shard| self.lipschitz_at(&shard.inputs)).collect()
    }

    fn lipschitz_at(&self, inputs: &Matrix<T>) -> Vec<f64> {
        let outputs = self.weights.forward.last().map_or(0, Matrix::nrows);
        let rows: Vec<Matrix<T>> = (0..outputs)
            .map(|c| {
                self.network.pull_back(&self.weights, inputs, |_, error| {
                    error.fill(T::ZERO);
                    error.column_mut(c).fill(T::ONE);
                })
            })
            .collect();
        (0..inputs.nrows())
            .map(|i| spectral_norm(&Matrix::from_fn(outputs, inputs.ncols(), |c, j| rows[c][(i, j)])))
            .collect()
    }

    /// Computes the error whose pull-back is the gradient of the objective.
    fn output_error(
        &self,
        objective: Objective,
        outputs: &Matrix<T>,
        shard: &Labelled<T>,
        error: &mut Matrix<T>,
    ) {
        if objective == Objective::Loss {
            self.network.output_slopes(outputs, &shard.targets, error);
            return;
        }
        error.fill(T::ZERO);
        for (i, &label) in shard.labels.iter().enumerate() {
            let wrong = (0..outputs.ncols()).filter(|&c| c != label);
            let rival = match objective {
                Objective::Class(after) => Some((label + after) % outputs.ncols()),
                _ => wrong.reduce(|a, b| if outputs[(i, b)] > outputs[(i, a)] { b } else { a }),
            };
            error[(i, label)] = -T::ONE;
            if let Some(rival) = rival {
                error[(i, rival)] = T::ONE;
            }
        }
    }
}

/// Largest singular value of every layer.
#[must_use]
pub fn layer_norms<T: Real>(weights: &Weights<T>) -> Vec<f64> {
    weights.forward.iter().map(spectral_norm).collect()
}

/// The smallest of the values that at least this share of them do not exceed; NaN of none, or if one is not
/// finite.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> f64 {
    if values.iter().any(|value| !value.is_finite()) {
        return f64::NAN;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // Shares are of [0, 1], so that the product is a count.
    let count = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(count.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// Where a climb begins: the samples, or a random point of each one's ball (in `L2` of its sphere), within
/// `[0, 1]`.
fn start<T: Real>(shard: &Labelled<T>, attack: Attack) -> Matrix<T> {
    let mut at = shard.inputs.clone();
    if attack.start == 0 {
        return at;
    }
    for (i, &number) in shard.numbers.iter().enumerate() {
        // Inputs are layer 0; the seed is fixed: the point depends on the sample and the number of the start
        // alone.
        let mut source = stream(Key::new(0, Kind::Start).step(number).trial(attack.start));
        let mut draw = || match attack.norm {
            Norm::LInf => 2.0 * Distribution::<f64>::sample(&StandardUniform, &mut source) - 1.0,
            Norm::L2 => StandardNormal.sample(&mut source),
        };
        let drawn: Vec<f64> = (0..at.ncols()).map(|_| draw()).collect();
        let size = match attack.norm {
            Norm::LInf => 1.0,
            Norm::L2 => drawn.iter().map(|x| x * x).sum::<f64>().sqrt(),
        };
        for (j, x) in drawn.into_iter().enumerate() {
            at[(i, j)] += T::of(attack.radius * x / size);
        }
    }
    project(&mut at, &shard.inputs, attack.norm, attack.radius);
    at
}

/// Marks the samples whose largest output is not that of their class.
fn note<T: Real>(outputs: &Matrix<T>, labels: &[usize], fooled: &mut [bool]) {
    for ((row, &label), fooled) in outputs.row_iter().zip(labels).zip(fooled) {
        let values: Vec<f64> = row.iter().map(|v| v.to_f64()).collect();
        *fooled |= largest(&values) != Some(label);
    }
}

/// A step of steepest ascent of this size.
fn ascend<T: Real>(at: &mut Matrix<T>, slopes: &Matrix<T>, norm: Norm, step: f64) {
    match norm {
        Norm::LInf => {
            let step = T::of(step);
            at.zip_apply(slopes, |x, slope| {
                if slope > T::ZERO {
                    *x += step;
                } else if slope < T::ZERO {
                    *x -= step;
                }
            });
        }
        Norm::L2 => {
            let lengths = row_lengths(slopes);
            let scale = |length: &f64| T::of(if *length > 0.0 { step / length } else { 0.0 });
            let scales: Vec<T> = lengths.iter().map(scale).collect();
            for (mut to, by) in at.column_iter_mut().zip(slopes.column_iter()) {
                for ((x, &slope), &scale) in to.iter_mut().zip(by.iter()).zip(&scales) {
                    *x += scale * slope;
                }
            }
        }
    }
}

/// Back into the ball around the samples, and then into `[0, 1]`, which holds them: no point leaves the ball
/// by that.
fn project<T: Real>(at: &mut Matrix<T>, centre: &Matrix<T>, norm: Norm, radius: f64) {
    match norm {
        Norm::LInf => {
            let radius = T::of(radius);
            at.zip_apply(centre, |x, c| *x = x.clamp(c - radius, c + radius));
        }
        Norm::L2 => {
            let lengths = row_lengths(&(&*at - centre));
            let shrink = |length: &f64| T::of(if *length > radius { radius / length } else { 1.0 });
            let shrinks: Vec<T> = lengths.iter().map(shrink).collect();
            for (mut to, from) in at.column_iter_mut().zip(centre.column_iter()) {
                for ((x, &c), &shrink) in to.iter_mut().zip(from.iter()).zip(&shrinks) {
                    *x = c + shrink * (*x - c);
                }
            }
        }
    }
    at.apply(|x| *x = x.clamp(T::ZERO, T::ONE));
}

/// Euclidean length of every row.
fn row_lengths<T: Real>(matrix: &Matrix<T>) -> Vec<f64> {
    let mut squares = vec![0.0; matrix.nrows()];
    for column in matrix.column_iter() {
        for (square, value) in squares.iter_mut().zip(column.iter()) {
            *square += value.to_f64().powi(2);
        }
    }
    squares.into_iter().map(f64::sqrt).collect()
}
