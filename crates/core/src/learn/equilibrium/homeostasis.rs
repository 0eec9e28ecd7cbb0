//! Jacobian homeostasis: feedback synapses of their own are driven towards the forward ones.
//!
//! With `J` the coupling of all `n` neurons (`W` forward, `F` back) and probes `ε` of independent standard
//! normal outputs,
//!
//! `R = ⟨‖J ε‖² − εᵀ J² ε⟩ / n = 2 ‖(J − Jᵀ)/2‖²_F / n = Σ_{k ≥ 2} ‖W_k − F_k‖²_F / n`,
//!
//! which is 0 where the coupling is symmetric. Of a few probes it is an estimate without bias; its slope,
//! which `W` and `F` descend beside the loss, is `2 (J ε)_i ε_j − ε_i (J ε)_j − (Jᵀ ε)_i ε_j` of a synapse
//! from `j` to `i`, summed over the probes. Every update has probes of its own, by the number of its first
//! sample.
//!
//! Laborieux & Zenke, *Improving equilibrium propagation without weight symmetry through Jacobian
//! homeostasis* (2023). They take the Jacobian at the equilibrium; slopes of devices are left out here, since
//! a Hopfield circuit descends an energy where its coupling is symmetric, whatever the slopes.

use rand_distr::{Distribution, StandardNormal};

use super::Phases;
use crate::chip::Weights;
use crate::circuit::Coupling;
use crate::learn::{Batch, Gradient};
use crate::matrix::product::{self, Onto};
use crate::matrix::{Matrix, Real};
use crate::random::{Key, Kind, stream};
use crate::spec::FeedbackSynapses;

/// Probes of an update, as published.
const PROBES: usize = 5;

impl<T: Real> Phases<T> {
    /// Adds the slope of homeostasis to a gradient, if there is any.
    pub(super) fn keep_symmetric(&self, weights: &Weights<T>, batch: &Batch<T>, gradient: &mut Gradient<T>) {
        if self.homeostasis > 0.0 && self.spec.feedback.synapses == FeedbackSynapses::Separate {
            let first = batch.sample_ids.ids.first().copied().unwrap_or(0);
            let probes = draw_probes(weights, PROBES, (batch.sample_ids.seed, first));
            add_slope(weights, &probes, self.homeostasis, gradient);
        }
    }
}

/// Probes `[count × neurons]` of an update, named by its seed and first sample.
#[must_use]
pub fn draw_probes<T: Real>(weights: &Weights<T>, count: usize, (seed, first): (u64, u64)) -> Matrix<T> {
    let neurons = weights.biases.iter().map(Vec::len).sum();
    let key = Key::new(seed, Kind::Homeostasis).device(first as u32).step((first >> 32) as u32);
    let mut source = stream(key);
    Matrix::from_fn(count, neurons, |_, _| {
        let normal: f64 = StandardNormal.sample(&mut source);
        T::of(normal)
    })
}

/// Adds `scale` times the slope of what probes say of `R` along forward and feedback synapses.
pub fn add_slope<T: Real>(weights: &Weights<T>, probes: &Matrix<T>, scale: f64, gradient: &mut Gradient<T>) {
    let [heard, back] = responses(weights, probes);
    let coupling = Coupling::new(std::borrow::Cow::Borrowed(weights));
    let scale = scale / (probes.nrows() * probes.ncols()) as f64;
    let own = &heard * T::of(2.0) - &back;
    for layer in 1..weights.forward.len() {
        let of = |all: &Matrix<T>| {
            [coupling.of(layer, all).into_owned(), coupling.of(layer - 1, all).into_owned()]
        };
        let ([own, own_below], [heard, heard_below]) = (of(&own), of(&heard));
        let [probe, probe_below] = of(probes);
        let add = |slope: &mut Matrix<T>, sign: f64, post: &Matrix<T>, pre: &Matrix<T>| {
            let (slope, scale) = (slope.as_view_mut(), T::of(sign * scale));
            product::correlate(slope, Onto::Sum, scale, post.as_view(), pre.as_view());
        };
        let forward = &mut gradient.forward[layer];
        add(forward, 1.0, &own, &probe_below);
        add(forward, -1.0, &probe, &heard_below);
        if let Some(feedback) = &mut gradient.feedback {
            add(&mut feedback[layer], 1.0, &probe, &own_below);
            add(&mut feedback[layer], -1.0, &heard, &probe_below);
        }
    }
}

/// `J ε` and `Jᵀ ε`, `[probes × neurons]` each.
fn responses<T: Real>(weights: &Weights<T>, probes: &Matrix<T>) -> [Matrix<T>; 2] {
    let coupling = Coupling::new(std::borrow::Cow::Borrowed(weights));
    let blank = || Matrix::zeros(probes.nrows(), probes.ncols());
    let (mut heard, mut back) = (blank(), blank());
    coupling.couple(probes, &mut heard);
    coupling.couple_back(probes, &mut back);
    [heard, back]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{CircuitSpec, FeedbackInit, FeedbackSpec, InitSpec};
    use crate::statistics::Spread;

    /// What probes say of `R`: the mean of `(‖J ε‖² − εᵀ J² ε)/n` over the rows of `probes`.
    fn estimate_asymmetry<T: Real>(weights: &Weights<T>, probes: &Matrix<T>) -> f64 {
        let [heard, back] = responses(weights, probes);
        let sum: f64 = heard.iter().zip(back.iter()).map(|(&j, &t)| (j * (j - t)).to_f64()).sum();
        sum / (probes.nrows() * probes.ncols()) as f64
    }

    /// A net with feedback synapses of their own, drawn independently.
    fn weights() -> Weights<f64> {
        let feedback = FeedbackSpec {
            synapses: FeedbackSynapses::Separate,
            init: FeedbackInit::Random,
            ..FeedbackSpec::default()
        };
        let circuit = CircuitSpec { feedback, ..CircuitSpec::default() };
        Weights::draw(&InitSpec::FanIn, &circuit, &[3, 6, 5, 4], 7)
    }

    /// `Σ ‖W_k − F_k‖²_F / n`.
    fn asymmetry(weights: &Weights<f64>) -> f64 {
        let each = |k: usize| (&weights.forward[k] - weights.feedback(k)).norm_squared();
        (each(1) + each(2)) / 15.0
    }

    #[test]
    fn five_probes_are_an_estimate_without_bias() {
        let weights = weights();
        let draws =
            (0..4000).map(|first| estimate_asymmetry(&weights, &draw_probes(&weights, PROBES, (1, first))));
        let spread = Spread::of(draws).unwrap();
        let (expected, error) = (asymmetry(&weights), spread.error.unwrap());
        // Four standard errors: by chance in 6 of 100 000 draws of the whole.
        assert!((spread.mean - expected).abs() < 4.0 * error, "{} {expected} {error}", spread.mean);
        assert!(error < 0.02 * expected, "{error} of {expected}");
    }

    #[test]
    fn the_slope_is_that_of_the_estimate_and_in_the_mean_that_of_the_distance() {
        let weights = weights();
        let probes = draw_probes(&weights, PROBES, (1, 2));
        let mut gradient = Gradient::zeros(&weights);
        gradient.feedback = Some(weights.forward.iter().map(|w| w * 0.0).collect());
        add_slope(&weights, &probes, 0.5, &mut gradient);
        let slope = |change: &dyn Fn(&mut Weights<f64>, f64)| {
            let at = |by: f64| {
                let mut moved = weights.clone();
                change(&mut moved, by);
                0.5 * estimate_asymmetry(&moved, &probes)
            };
            (at(1e-4) - at(-1e-4)) / 2e-4
        };
        for (layer, i, j) in [(1, 0, 0), (1, 4, 5), (2, 3, 1)] {
            let forward = slope(&|moved, by| moved.forward[layer][(i, j)] += by);
            let back = slope(&|moved, by| moved.feedback.as_mut().unwrap()[layer][(i, j)] += by);
            // A quadratic form: differences are exact but for rounding.
            assert!((gradient.forward[layer][(i, j)] - forward).abs() < 1e-9);
            assert!((gradient.feedback.as_ref().unwrap()[layer][(i, j)] - back).abs() < 1e-9);
        }
        assert!(gradient.forward[0].iter().all(|slope| *slope == 0.0), "inputs are no neurons");
        let many = draw_probes(&weights, 40_000, (1, 3));
        let mut mean = Gradient::zeros(&weights);
        mean.feedback.clone_from(&gradient.feedback);
        mean.feedback.iter_mut().flatten().for_each(|f| f.fill(0.0));
        add_slope(&weights, &many, 15.0, &mut mean);
        for layer in [1, 2] {
            let expected = (&weights.forward[layer] - weights.feedback(layer)) * 2.0;
            let apart = (&mean.forward[layer] - &expected).amax();
            // Products of normal numbers times couplings of order 1, over √40 000.
            assert!(apart < 0.1, "{apart}");
            assert!((&mean.feedback.as_ref().unwrap()[layer] + &expected).amax() < 0.1);
        }
    }

    #[test]
    fn a_symmetric_coupling_has_none_for_any_probe() {
        let mut weights = weights();
        weights.feedback = Some(weights.forward.clone());
        let probes = draw_probes(&weights, PROBES, (1, 0));
        assert!(estimate_asymmetry(&weights, &probes).abs() < 1e-13);
        let mut gradient = Gradient::zeros(&weights);
        gradient.feedback = Some(weights.forward.iter().map(|w| w * 0.0).collect());
        add_slope(&weights, &probes, 1.0, &mut gradient);
        // Of single probes W and F feel opposite slopes, whose mean over probes is none.
        for layer in [1, 2] {
            let sum = &gradient.forward[layer] + &gradient.feedback.as_ref().unwrap()[layer];
            assert!(sum.amax() < 1e-13);
        }
    }
}
