//! Compartments that nothing reaches but noise, and what is measured of them.

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{DyadCircuit, Dynamics, Layered};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::noise::SampleIds;
use dyadsim_core::solve;
use dyadsim_core::spec::*;

/// Boltzmann's constant (J/K) and the charge of the electron (C), as the SI defines them.
pub const BOLTZMANN: f64 = 1.380_649e-23;
pub const CHARGE: f64 = 1.602_176_634e-19;

/// Samples of a batch.
pub const SAMPLES: usize = 64;

/// Compartments without synapses: every column of every sample is one of its own.
pub struct Alone {
    pub spec: CircuitSpec,
    chip: Chip<f64>,
    weights: Weights<f64>,
    seed: u64,
}

impl Alone {
    /// `2 · neurons` compartments in each of 64 samples.
    pub fn new(mut spec: CircuitSpec, neurons: usize, seed: u64) -> Self {
        spec.neuron.output_activation = ActivationKind::Linear.into();
        let network = [1, neurons];
        Self { chip: Chip::fabricate(&spec, &network), weights: Weights::zeros(&network), spec, seed }
    }

    pub fn circuit(&self) -> DyadCircuit<'_, f64> {
        let ids = (0..SAMPLES as u64).collect();
        DyadCircuit::free(&self.chip, &self.weights, &Matrix::zeros(SAMPLES, 1))
            .with_sample_ids(SampleIds { seed: self.seed, ids })
    }

    /// Steps all compartments from 0 V for `time` τ and shows `observe` their potentials after every step.
    pub fn run(&self, time: f64, observe: &mut dyn FnMut(f64, &Matrix<f64>)) {
        let circuit = self.circuit();
        let start = Matrix::zeros(SAMPLES, circuit.layout().width());
        solve::run(&self.spec.solver, &circuit, start, (0.0, time * circuit.slowest()), observe);
    }

    /// Potentials of every compartment at `count` times, `step · every` τ apart, behind a burn-in of 10 τ.
    pub fn series(&self, count: usize, every: usize) -> Vec<Vec<f64>> {
        let step = self.spec.solver.step;
        let burn = (10.0 / step).ceil() as usize;
        let mut all = vec![Vec::with_capacity(count); SAMPLES * self.circuit().layout().width()];
        let mut steps = 0_usize;
        self.run((burn + count * every) as f64 * step, &mut |_, state| {
            steps += 1;
            if steps > burn && (steps - burn).is_multiple_of(every) {
                all.iter_mut().zip(state.iter()).for_each(|(series, &v)| series.push(v));
            }
        });
        all
    }
}

/// The default circuit with a solver and a step (τ).
pub fn spec(kind: SolverKind, step: f64) -> CircuitSpec {
    let mut spec = CircuitSpec::default();
    spec.solver.kind = kind;
    spec.solver.step = step;
    spec
}

/// Mean of the squares and its standard error, from series whose values are independent between series.
pub fn mean_square(series: &[Vec<f64>]) -> (f64, f64) {
    mean_of(series.iter().map(|one| one.iter().map(|v| v * v).sum::<f64>() / one.len() as f64))
}

/// Mean and its standard error.
pub fn mean_of(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let spread = values.map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (spread / count).sqrt())
}

/// One-sided PSD (V²/Hz) of a series with interval `dt` (s), by a Hann window: bins of width `1/(n dt)`
/// from 0.
pub fn periodogram(series: &[f64], dt: f64) -> Vec<f64> {
    let n = series.len();
    let window = |i: usize| 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / n as f64).cos();
    let power: f64 = (0..n).map(|i| window(i).powi(2)).sum();
    let mut re: Vec<f64> = series.iter().enumerate().map(|(i, v)| v * window(i)).collect();
    let mut im = vec![0.0; n];
    transform(&mut re, &mut im);
    (0..n / 2)
        .map(|k| if k == 0 { 1.0 } else { 2.0 } * dt * (re[k].powi(2) + im[k].powi(2)) / power)
        .collect()
}

/// Fourier transform in place, the length a power of two (Cooley & Tukey).
fn transform(re: &mut [f64], im: &mut [f64]) {
    let n = re.len();
    assert!(n.is_power_of_two());
    let bits = n.trailing_zeros();
    for i in 0..n {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if j > i {
            re.swap(i, j);
            im.swap(i, j);
        }
    }
    let mut half = 1;
    while half < n {
        let turns: Vec<(f64, f64)> =
            (0..half).map(|k| (-std::f64::consts::PI * k as f64 / half as f64).sin_cos()).collect();
        for start in (0..n).step_by(2 * half) {
            for (k, &(sin, cos)) in turns.iter().enumerate() {
                let (a, b) = (start + k, start + k + half);
                let (x, y) = (re[b] * cos - im[b] * sin, re[b] * sin + im[b] * cos);
                (re[b], im[b]) = (re[a] - x, im[a] - y);
                (re[a], im[a]) = (re[a] + x, im[a] + y);
            }
        }
        half *= 2;
    }
}
