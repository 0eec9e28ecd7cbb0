//! Signal and noise of what learning reads: activities, errors, and the gradient estimate that is their
//! product.
//!
//! At equilibrium a layer reads `δ + ε` and the layer below `s̄ + η`, Gaussian and correlated, so that the
//! estimate `−(δ + ε)(s̄ + η)ᵀ/β` of one sample has the mean `−(δ s̄ᵀ + C)/β`, `C = ⟨ε ηᵀ⟩`, and around it
//! the power
//!
//! `β² N² = tr P_ε ‖s̄‖² + ‖δ‖² tr P_η + 2 δᵀ C s̄ + tr P_ε tr P_η + ‖C‖²`  (Isserlis 1918 for the fourth
//! moments).
//!
//! Averaged over a batch the power falls as `1/B`, the mean stays: `C` is a bias of its own, zero where `s̄`
//! and `δ` are uncorrelated. In the many dimensions of a gradient, noise is nearly at right angles to any
//! direction, so
//!
//! `cos θ = cos θ_bias · cos θ_noise`, `tan θ_noise = N/‖ĝ‖`,
//!
//! where `θ_bias` is the angle that a noiseless reading would have. What is left out: the shift of the
//! operating point by the noise (second order in it), and how far one draw strays from the mean of `cos θ`.

use super::dense::{times, times_transposed};
use super::lyapunov::LinearError;
use super::point::OperatingPoint;
use super::rounding::variances;
use super::system::{Covariance, System};
use crate::learn::Gradient;
use crate::matrix::Matrix;
use crate::spec::NoiseKind;

/// Root mean square over the neurons of a layer, of the signal and of its noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Signal (V, rms over neurons).
    pub signal: f64,
    /// Noise (V, rms over neurons).
    pub noise: f64,
}

impl Level {
    /// Ratio of amplitudes; infinite without noise.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.signal / self.noise
    }

    fn of(signal: &[f64], variances: f64) -> Self {
        let n = signal.len().max(1) as f64;
        let power: f64 = signal.iter().map(|s| s * s).sum();
        Self { signal: (power / n).sqrt(), noise: (variances / n).sqrt() }
    }
}

/// One layer of one sample as it is read.
#[derive(Clone, Debug)]
pub struct LayerSignal {
    /// Of the activity `s̄`.
    pub activity: Level,
    /// Of the error `δ`.
    pub error: Level,
    /// Contribution of every cause to the error's noise (V², summed over neurons).
    pub causes: Vec<(&'static str, f64)>,
}

/// A reading of one sample: the covariance of potentials averaged over the reading's time, with what reading
/// adds.
pub struct Reading<'p, 'a> {
    point: &'p OperatingPoint<'a>,
    covariance: Covariance,
}

impl<'p, 'a> Reading<'p, 'a> {
    /// The reading that takes `time` (s; 0 is an instant) of a circuit whose stationary covariance is known.
    #[must_use]
    pub fn new(point: &'p OperatingPoint<'a>, system: &System, stationary: &Covariance, time: f64) -> Self {
        let mut covariance = stationary.averaged(&system.drift, time);
        let held = point.held();
        if held > 0.0 {
            covariance.add(
                NoiseKind::Sampled.name(),
                Matrix::identity(system.size(), system.size()) * held.powi(2),
            );
        }
        Self { point, covariance }
    }

    /// [`Reading::new`], from scratch.
    ///
    /// # Errors
    /// [`LinearError::Unstable`] if the point is not stable.
    pub fn of(point: &'p OperatingPoint<'a>, time: f64) -> Result<Self, LinearError> {
        let system = point.system();
        let stationary = system.covariance()?;
        Ok(Self::new(point, &system, &stationary, time))
    }

    /// Covariance of the potentials as read (V²).
    #[must_use]
    pub fn covariance(&self) -> &Covariance {
        &self.covariance
    }

    /// Signal and noise of a layer (counted from 0).
    #[must_use]
    pub fn layer(&self, layer: usize) -> LayerSignal {
        let (mean, difference) = (self.point.reads_mean(layer), self.point.reads_difference(layer));
        let trace = |readout: &Matrix<f64>, p: &Matrix<f64>| variances(readout, p).iter().sum::<f64>();
        let causes = self.covariance.shares.iter().map(|s| (s.cause, trace(&difference, &s.covariance)));
        LayerSignal {
            activity: Level::of(self.point.mean(layer), trace(&mean, &self.covariance.total)),
            error: Level::of(self.point.difference(layer), trace(&difference, &self.covariance.total)),
            causes: causes.collect(),
        }
    }

    /// Mean of the gradient estimate of this sample and, per layer, the power of the noise around it.
    #[must_use]
    pub fn estimate(&self, beta: f64) -> Estimate {
        let depth = self.point.layout().depth();
        let mut found =
            Estimate { mean: Gradient::new(Vec::new(), Vec::new()), noise: Vec::new(), samples: 1 };
        for layer in 0..depth {
            let (forward, biases, noise) = self.product(layer);
            found.mean.forward.push(forward * (-1.0 / beta));
            found.mean.biases.push(biases.iter().map(|b| -b / beta).collect());
            found.noise.push(noise / beta.powi(2));
        }
        found
    }

    /// `δ s̄ᵀ + C`, `δ`, and `β² N²` of weights and biases together.
    fn product(&self, layer: usize) -> (Matrix<f64>, Vec<f64>, f64) {
        let p = &self.covariance.total;
        let (error, below) = (self.point.difference(layer), self.point.below(layer));
        let delta = Matrix::from_column_slice(error.len(), 1, error);
        let mean = Matrix::from_column_slice(below.len(), 1, &below);
        let reads = self.point.reads_difference(layer);
        let own: f64 = variances(&reads, p).iter().sum();
        let mut forward = times_transposed(&delta, &mean);
        let mut noise = own * mean.norm_squared() + own; // the last of the bias, whose input is one
        if layer > 0 {
            let lower = self.point.reads_mean(layer - 1);
            let shared = times_transposed(&times(&reads, p), &lower);
            let others: f64 = variances(&lower, p).iter().sum();
            noise += delta.norm_squared() * others + 2.0 * forward.dot(&shared);
            noise += own * others + shared.norm_squared();
            forward += shared;
        }
        // A power; where nothing is left of it, rounding may go below 0.
        (forward, error.to_vec(), noise.max(0.0))
    }
}

/// A gradient estimate in the mean over its noise, and the power of the noise.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// The mean over noise, of the mean over samples.
    pub mean: Gradient<f64>,
    /// Power of the noise of each layer, of the mean over `samples` with a noise of their own.
    pub noise: Vec<f64>,
    /// Samples that were averaged.
    pub samples: usize,
}

/// The predicted angle to a true gradient (degrees).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Angle {
    /// Of the estimate without noise around its mean.
    pub bias: f64,
    /// That the noise adds at right angles.
    pub noise: f64,
    /// Of both.
    pub total: f64,
}

impl Estimate {
    /// The mean over a batch of samples; `None` of none.
    #[must_use]
    pub fn mean_of(estimates: &[Self]) -> Option<Self> {
        let (first, rest) = estimates.split_first()?;
        let mut sum = first.clone();
        for other in rest {
            sum.mean.forward.iter_mut().zip(&other.mean.forward).for_each(|(a, b)| *a += b);
            let biases = sum.mean.biases.iter_mut().flatten().zip(other.mean.biases.iter().flatten());
            biases.for_each(|(a, b)| *a += b);
            sum.noise.iter_mut().zip(&other.noise).for_each(|(a, b)| *a += b);
        }
        let count = estimates.len() as f64;
        sum.mean.forward.iter_mut().for_each(|g| *g /= count);
        sum.mean.biases.iter_mut().flatten().for_each(|b| *b /= count);
        sum.noise.iter_mut().for_each(|n| *n /= count * count);
        sum.samples = estimates.len();
        Some(sum)
    }

    /// Signal and noise of a layer's estimate: norm of its mean, and rms length of the noise.
    #[must_use]
    pub fn level(&self, layer: usize) -> Level {
        Level { signal: squared(&self.mean, layer).sqrt(), noise: self.noise[layer].sqrt() }
    }

    /// Angle between the estimate of one layer, or of all, and `truth`, if `batch` samples as noisy as these
    /// were averaged.
    #[must_use]
    pub fn angle(&self, truth: &Gradient<f64>, layer: Option<usize>, batch: usize) -> Angle {
        let layers = layer.map_or(0..self.noise.len(), |layer| layer..layer + 1);
        let (mut own, mut other, mut along, mut noise) = (0.0, 0.0, 0.0, 0.0);
        for k in layers {
            own += squared(&self.mean, k);
            other += squared(truth, k);
            along += self.mean.forward[k].dot(&truth.forward[k]);
            along += self.mean.biases[k].iter().zip(&truth.biases[k]).map(|(a, b)| a * b).sum::<f64>();
            noise += self.noise[k] * self.samples as f64 / batch as f64;
        }
        let cosine = (along / (own * other).sqrt()).clamp(-1.0, 1.0);
        let spread = (own / (own + noise)).sqrt();
        Angle {
            bias: cosine.acos().to_degrees(),
            noise: (noise / own).sqrt().atan().to_degrees(),
            total: (cosine * spread).acos().to_degrees(),
        }
    }
}

/// Squared norm of one layer, weights and biases together.
fn squared(gradient: &Gradient<f64>, layer: usize) -> f64 {
    gradient.forward[layer].norm_squared() + gradient.biases[layer].iter().map(|b| b * b).sum::<f64>()
}
