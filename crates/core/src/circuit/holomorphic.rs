//! The Hopfield circuit at a complex nudge: what its equilibria become where `β` leaves the real axis.
//!
//! No chip has complex potentials. They are how the derivative along `β` is read exactly from a circle around
//! 0: Laborieux & Zenke, *Holomorphic Equilibrium Propagation Computes Exact Gradients Through Finite Size
//! Oscillations*, Neural Inf. Process. Syst. 2022. Synapses are real, so that real and imaginary parts pass
//! them apart; the devices and the nudge tie them together.

use std::borrow::Cow;

use nalgebra::Complex;

use super::{Dynamics, HopfieldCircuit, Scratch};
use crate::matrix::{Matrix, Real};
use crate::noise::{NoiseInput, SampleIds};

/// A batch of Hopfield networks under a complex nudge. A state has a column for the real part of every
/// neuron's potential, and then one for every imaginary part (V).
#[derive(Clone, Debug)]
pub struct HolomorphicCircuit<'a, T: Real> {
    free: HopfieldCircuit<'a, T>,
    targets: Matrix<T>,
    beta: Complex<f64>,
    rates: Vec<T>,
}

impl<'a, T: Real> HolomorphicCircuit<'a, T> {
    /// A free circuit under the nudge `−β (s_L − y)` of squared errors towards `targets` (`[batch × n_L]`,
    /// V).
    ///
    /// Its devices are to be holomorphic and its drives unlimited.
    #[must_use]
    pub fn new(free: HopfieldCircuit<'a, T>, targets: Matrix<T>, beta: Complex<f64>) -> Self {
        let rates = [free.rates(), free.rates()].concat();
        Self { free, targets, beta, rates }
    }

    /// Real and imaginary parts of the outputs of every layer at a state, `[batch × n_k]` each (V).
    #[must_use]
    pub fn outputs(&self, state: &Matrix<T>) -> Vec<[Matrix<T>; 2]> {
        let parts = self.activated(state).0;
        let layers = self.free.layers().into_iter();
        let part = |range: &std::ops::Range<usize>, part: &Matrix<T>| {
            part.columns(range.start, range.len()).into_owned()
        };
        layers.map(|range| [part(&range, &parts[0]), part(&range, &parts[1])]).collect()
    }

    /// A state of the free circuit as one with imaginary parts of 0.
    #[must_use]
    pub fn from_real(state: &Matrix<T>) -> Matrix<T> {
        let (rows, width) = state.shape();
        Matrix::from_fn(rows, 2 * width, |i, j| if j < width { state[(i, j)] } else { T::ZERO })
    }

    /// Outputs and slopes of all neurons, real and imaginary parts.
    fn activated(&self, state: &Matrix<T>) -> ([Matrix<T>; 2], [Matrix<T>; 2]) {
        let (rows, width) = (state.nrows(), self.free.width());
        let blank = || Matrix::zeros(rows, width);
        let (mut outputs, mut slopes) = ([blank(), blank()], [blank(), blank()]);
        for column in 0..width {
            let (device, trim) = self.free.device(column);
            for row in 0..rows {
                let parts = [state[(row, column)], state[(row, width + column)]].map(T::to_f64);
                let [value, slope] = device.complex(trim, Complex::new(parts[0], parts[1]));
                outputs[0][(row, column)] = T::of(value.re);
                outputs[1][(row, column)] = T::of(value.im);
                slopes[0][(row, column)] = T::of(slope.re);
                slopes[1][(row, column)] = T::of(slope.im);
            }
        }
        (outputs, slopes)
    }

    /// Adds `−β` (or, of duals, its conjugate) times the outputs' part of `from` to the sums.
    fn add_nudge(&self, beta: Complex<f64>, from: &[Matrix<T>; 2], sums: &mut [Matrix<T>; 2]) {
        let top = self.free.width() - self.targets.ncols()..self.free.width();
        let (re, im) = (T::of(beta.re), T::of(beta.im));
        for column in top {
            for row in 0..from[0].nrows() {
                let (a, b) = (from[0][(row, column)], from[1][(row, column)]);
                sums[0][(row, column)] -= re * a - im * b;
                sums[1][(row, column)] -= re * b + im * a;
            }
        }
    }

    /// Both parts side by side.
    fn join(&self, parts: &[Matrix<T>; 2], whole: &mut Matrix<T>) {
        let width = self.free.width();
        whole.columns_mut(0, width).copy_from(&parts[0]);
        whole.columns_mut(width, width).copy_from(&parts[1]);
    }

    /// Both parts of a direction or dual.
    fn split(&self, whole: &Matrix<T>) -> [Matrix<T>; 2] {
        let width = self.free.width();
        [whole.columns(0, width).into_owned(), whole.columns(width, width).into_owned()]
    }
}

/// Products of complex numbers entry by entry, of the conjugate of the first if asked.
fn product<T: Real>(one: &[Matrix<T>; 2], other: &[Matrix<T>; 2], conjugate: bool) -> [Matrix<T>; 2] {
    let real = one[0].component_mul(&other[0]);
    let (cross, back) = (one[1].component_mul(&other[1]), one[1].component_mul(&other[0]));
    let imaginary = one[0].component_mul(&other[1]);
    if conjugate { [real + cross, imaginary - back] } else { [real - cross, imaginary + back] }
}

impl<T: Real> Dynamics<T> for HolomorphicCircuit<'_, T> {
    fn width(&self) -> usize {
        2 * self.free.width()
    }

    fn samples(&self) -> usize {
        self.free.samples()
    }

    fn rates(&self) -> &[T] {
        &self.rates
    }

    fn drive(&self, state: &Matrix<T>, drive: &mut Matrix<T>, _scratch: &mut Scratch<T>) {
        let (mut outputs, _) = self.activated(state);
        let blank = || Matrix::zeros(state.nrows(), self.free.width());
        let mut sums = [blank(), blank()];
        self.free.fill(&mut sums[0]);
        for (sums, outputs) in sums.iter_mut().zip(&outputs) {
            self.free.coupling().couple(outputs, sums);
        }
        let top = self.free.width() - self.targets.ncols();
        let mut above = outputs[0].columns_mut(top, self.targets.ncols());
        above -= &self.targets;
        self.add_nudge(self.beta, &outputs, &mut sums);
        self.join(&sums, drive);
    }

    fn tangent(&self, state: &Matrix<T>, direction: &Matrix<T>, image: &mut Matrix<T>, _: &mut Scratch<T>) {
        let (_, slopes) = self.activated(state);
        let moved = product(&slopes, &self.split(direction), false);
        let blank = || Matrix::zeros(state.nrows(), self.free.width());
        let mut sums = [blank(), blank()];
        for (sums, moved) in sums.iter_mut().zip(&moved) {
            self.free.coupling().couple(moved, sums);
        }
        self.add_nudge(self.beta, &moved, &mut sums);
        self.join(&sums, image);
    }

    /// The transpose of a product with a complex number, as a matrix of real ones, is that with its
    /// conjugate.
    fn adjoint(&self, state: &Matrix<T>, direction: &Matrix<T>, image: &mut Matrix<T>, _: &mut Scratch<T>) {
        let (_, slopes) = self.activated(state);
        let duals = self.split(direction);
        let blank = || Matrix::zeros(state.nrows(), self.free.width());
        let mut sums = [blank(), blank()];
        for (sums, duals) in sums.iter_mut().zip(&duals) {
            self.free.coupling().couple_back(duals, sums);
        }
        self.add_nudge(self.beta.conj(), &duals, &mut sums);
        self.join(&product(&slopes, &sums, true), image);
    }

    fn free_state(&self) -> Matrix<T> {
        Matrix::zeros(self.samples(), self.width())
    }

    fn subset<'a>(&'a self, samples: &[usize]) -> Box<dyn Dynamics<T> + 'a> {
        let free = self.free.subset(samples);
        let targets = crate::matrix::select_rows(&self.targets, samples);
        Box::new(HolomorphicCircuit { free, targets, beta: self.beta, rates: self.rates.clone() })
    }

    fn slowest(&self) -> f64 {
        self.free.slowest()
    }

    /// The noise of the real circuit, on the real parts.
    fn noise_inputs(&self, sample: usize, state: &[f64]) -> Vec<NoiseInput> {
        self.free.noise_inputs(sample, &state[..self.free.width()])
    }

    fn noise_is_additive(&self) -> bool {
        self.free.noise_is_additive()
    }

    fn sample_ids(&self) -> Cow<'_, SampleIds> {
        self.free.sample_ids()
    }
}
