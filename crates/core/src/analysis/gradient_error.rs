//! Error of gradient estimates: bias and variance over draws of noise and chips, and their standard errors.
//!
//! Every draw is measured against backpropagation on its own chip (where layers speak both ways, recurrent
//! backpropagation), over all samples, in units of the true
//! gradient's norm: `e_r = (ĝ_r − g_r)/‖g_r‖`. With `n` draws, `⟨e_r · e_s⟩` over pairs `r ≠ s` is the
//! squared bias without the noise that the squared norm of a mean would keep (its variance over `n`), and
//! what of `⟨e_r · e_r⟩` is above it is the variance of a draw. Error bars are jackknives over draws (Efron &
//! Stein 1981). A squared bias may come out below zero: then it is not resolved.

use crate::analysis::small_signal::Estimate;
use crate::chip::{Chip, Weights};
use crate::learn::{self, Batch, Gradient, measure};
use crate::noise::SampleIds;
use crate::spec::{CircuitSpec, RuleSpec};

use super::small_signal::exact_gradient;

pub use crate::statistics::{Value, jackknife, mean_without as mean};

/// One estimate of a gradient.
#[derive(Clone, Debug)]
pub struct Draw {
    /// Estimate read from the circuit, over the samples that came to rest.
    pub estimate: Gradient<f64>,
    /// Gradient by backpropagation on the same chip, over all samples.
    pub truth: Gradient<f64>,
    /// Samples that came to rest.
    pub used: usize,
    /// Samples that did not.
    pub unsettled: usize,
}

/// Makes draw `number`: its samples have numbers of their own and, if `chips` is set, a chip of their own.
#[must_use]
pub fn draw(
    spec: &CircuitSpec,
    weights: &Weights<f64>,
    batch: &Batch<f64>,
    (seed, number): (u64, u64),
    chips: bool,
) -> Draw {
    let (spec, batch) = numbered(spec, batch, (seed, number), chips);
    let chip = Chip::fabricate(&spec, &weights.network());
    let samples = batch.inputs.nrows();
    let measured = measure(&chip, weights, &batch, &spec, false);
    let keep = measured.kept(false);
    let mut estimate = Gradient::zeros(weights);
    let used = measured.gradient(&batch, &keep, &mut estimate);
    Draw { estimate, truth: exact_gradient(&spec, &chip, weights, &batch), used, unsettled: samples - used }
}

/// Makes draw `number` of the estimate of a learning rule, whose reference is the truth.
#[must_use]
pub fn draw_by(
    rule: RuleSpec,
    spec: &CircuitSpec,
    weights: &Weights<f64>,
    batch: &Batch<f64>,
    (seed, number): (u64, u64),
    chips: bool,
) -> Draw {
    let (spec, batch) = numbered(spec, batch, (seed, number), chips);
    let (network, samples) = (weights.network(), batch.inputs.nrows());
    let by = |rule: RuleSpec| {
        let mut gradient = Gradient::zeros(weights);
        // Synapses that lead back are like the others where layers speak both ways.
        gradient.feedback = weights.feedback.as_ref().map(|_| gradient.forward.clone());
        let used = learn::rule(rule, &spec, &network).estimate(weights, &batch, &mut gradient).used;
        (gradient, used)
    };
    let (estimate, used) = by(rule);
    let (truth, _) = by(rule.kind.reference().into());
    Draw { estimate, truth, used, unsettled: samples - used }
}

/// The circuit and the samples of a draw.
fn numbered(
    spec: &CircuitSpec,
    batch: &Batch<f64>,
    (seed, number): (u64, u64),
    chips: bool,
) -> (CircuitSpec, Batch<f64>) {
    let mut spec = spec.clone();
    if chips {
        spec.mismatch.seed = Some(spec.mismatch.seed.unwrap_or(0) + number);
    }
    let samples = batch.inputs.nrows() as u64;
    let ids = (0..samples).map(|i| number * samples + i).collect();
    (spec, Batch { sample_ids: SampleIds { seed, ids }, ..batch.clone() })
}

/// Quality of the estimates of one layer, or of all; powers in units of the true gradient's squared norm.
#[derive(Clone, Debug)]
pub struct GradientError {
    /// Angle of one draw to backpropagation, in the mean over draws (degrees).
    pub angle: Value,
    /// Norm of one draw over that of the true gradient, in the mean.
    pub ratio: Value,
    /// Squared norm of the bias, freed of noise.
    pub bias: Value,
    /// Power of one draw around the mean; `None` from one draw.
    pub variance: Option<Value>,
    /// Mean squared error of one draw.
    pub error: Value,
    /// Signal-to-noise: norm of the mean estimate (freed of noise) over the root of the variance; `None`
    /// without noise.
    pub snr: Option<Value>,
    /// Squared error of every draw.
    pub errors: Vec<f64>,
    /// Angle of every draw (degrees).
    pub angles: Vec<f64>,
}

/// Quality over some draws of layer `layer` (from 0), or of all layers; `None` without draws.
#[must_use]
pub fn gradient_error(draws: &[&Draw], layer: Option<usize>) -> Option<GradientError> {
    let vectors: Vec<(Vec<f64>, Vec<f64>)> = draws.iter().map(|draw| scaled(draw, layer)).collect();
    let (angles, ratios): (Vec<f64>, Vec<f64>) = vectors.iter().map(|(g, e)| turn(g, e)).unzip();
    let errors = Powers::of(vectors.iter().map(|v| &v.1))?;
    let signals = Powers::of(vectors.iter().map(|v| &v.0))?;
    let n = draws.len();
    let variance = |without: Option<usize>| errors.mean(without) - errors.common(without);
    let snr = |without: Option<usize>| (signals.common(without).max(0.0) / variance(without)).sqrt();
    let several = n > 1 && variance(None) > f64::EPSILON * errors.mean(None);
    Some(GradientError {
        angle: jackknife(n, 2, |without| mean(&angles, without)),
        ratio: jackknife(n, 2, |without| mean(&ratios, without)),
        bias: jackknife(n, 3, |without| errors.common(without)),
        variance: (n > 1).then(|| jackknife(n, 3, variance)),
        error: jackknife(n, 2, |without| errors.mean(without)),
        snr: several.then(|| jackknife(n, 3, snr)).filter(|snr| snr.value.is_finite()),
        errors: errors.squares,
        angles,
    })
}

/// Squared bias and variance by linear theory, in units of the true gradient's squared norm.
#[must_use]
pub fn predicted(estimate: &Estimate, truth: &Gradient<f64>, layer: Option<usize>) -> (f64, f64) {
    let size = squared(&flat(truth, layer));
    let apart: f64 =
        flat(&estimate.mean, layer).iter().zip(flat(truth, layer)).map(|(a, b)| (a - b).powi(2)).sum();
    let noise: f64 = layer.map_or_else(|| estimate.noise.iter().sum(), |layer| estimate.noise[layer]);
    (apart / size, noise / size)
}

/// Estimate and its error in units of the true norm.
fn scaled(draw: &Draw, layer: Option<usize>) -> (Vec<f64>, Vec<f64>) {
    let (estimate, truth) = (flat(&draw.estimate, layer), flat(&draw.truth, layer));
    let size = squared(&truth).sqrt();
    let error = estimate.iter().zip(&truth).map(|(a, b)| (a - b) / size).collect();
    (estimate.into_iter().map(|a| a / size).collect(), error)
}

/// Angle (degrees) of a scaled estimate to the truth `estimate − error`, which has length 1, and its norm.
fn turn(estimate: &[f64], error: &[f64]) -> (f64, f64) {
    let norm = squared(estimate).sqrt();
    // Of the chord between directions: exact for small angles, where the cosine is not.
    let chord: f64 = estimate.iter().zip(error).map(|(g, e)| (g / norm - (g - e)).powi(2)).sum();
    (2.0 * (0.5 * chord.sqrt()).min(1.0).asin().to_degrees(), norm)
}

/// Entries of one layer, or of all.
fn flat(gradient: &Gradient<f64>, layer: Option<usize>) -> Vec<f64> {
    let layers = layer.map_or(0..gradient.forward.len(), |layer| layer..layer + 1);
    let back = |k: usize| {
        let feedback = gradient.feedback.iter().filter(move |_| k > 0);
        feedback.chain(&gradient.lateral).flat_map(move |stack| stack[k].iter())
    };
    layers
        .flat_map(|k| gradient.forward[k].iter().chain(&gradient.biases[k]).chain(back(k)).copied())
        .collect()
}

fn squared(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum()
}

/// Inner products of vectors with each other, as far as they are needed.
struct Powers {
    squares: Vec<f64>,
    with_sum: Vec<f64>,
    total: f64,
}

impl Powers {
    fn of<'v>(vectors: impl Iterator<Item = &'v Vec<f64>> + Clone) -> Option<Self> {
        let mut sum = vec![0.0; vectors.clone().next()?.len()];
        vectors.clone().for_each(|v| sum.iter_mut().zip(v).for_each(|(s, x)| *s += x));
        let squares = vectors.clone().map(|v| squared(v)).collect();
        let with_sum = vectors.map(|v| v.iter().zip(&sum).map(|(a, b)| a * b).sum()).collect();
        Some(Self { squares, with_sum, total: squared(&sum) })
    }

    /// Mean square.
    fn mean(&self, without: Option<usize>) -> f64 {
        mean(&self.squares, without)
    }

    /// Mean product of two different vectors; of one vector its square.
    fn common(&self, without: Option<usize>) -> f64 {
        let n = (self.squares.len() - usize::from(without.is_some())) as f64;
        let own = without.map_or(0.0, |r| self.squares[r]);
        let squares = self.squares.iter().sum::<f64>() - own;
        let total = self.total - without.map_or(0.0, |r| 2.0 * self.with_sum[r] - own);
        if n > 1.0 { (total - squares) / (n * (n - 1.0)) } else { squares }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bias_and_variance_are_those_of_the_formulas() {
        // Pairs written out: ⟨e_r·e_s⟩ over r ≠ s, and the sample variance.
        let vectors = [vec![1.0, 0.2], vec![0.5, -0.3], vec![1.4, 0.9], vec![0.1, 0.1]];
        let powers = Powers::of(vectors.iter()).unwrap();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for without in [None, Some(2)] {
            let kept: Vec<_> = (0..4).filter(|r| Some(*r) != without).map(|r| &vectors[r]).collect();
            let mut pairs = Vec::new();
            for (r, a) in kept.iter().enumerate() {
                pairs.extend(kept.iter().enumerate().filter(|(s, _)| *s != r).map(|(_, b)| dot(a, b)));
            }
            assert!((powers.common(without) - mean(&pairs, None)).abs() < 1e-14);
        }
    }
}
