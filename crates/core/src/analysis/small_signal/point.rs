//! One sample of a circuit at a fixed point, as a linear system: its drift, its disturbances and what is read
//! of it.

use nalgebra::DVector;

use super::system::{NoiseForcing, System, forcings};
use crate::chip::Layout;
use crate::circuit::{Said, Wired};
use crate::matrix::{Matrix, select_rows};

/// One sample at its operating point.
pub struct OperatingPoint<'a> {
    circuit: Box<dyn Wired<f64> + 'a>,
    /// Inputs `x` (V).
    input: Vec<f64>,
    /// Potentials, `[1 × width]` (V).
    state: Matrix<f64>,
    /// Slopes `f'` of the activation devices.
    slopes: Vec<f64>,
    /// What the neurons of every layer say (V).
    said: Vec<Said<f64>>,
    /// Deviation that a reading adds to every compartment (V).
    held: f64,
}

impl<'a> OperatingPoint<'a> {
    /// Sample `sample` of a circuit on `inputs` (`[batch × n_0]`, V) at `state` (`width` potentials, V), a
    /// fixed point.
    #[must_use]
    pub fn new(circuit: &'a dyn Wired<f64>, inputs: &Matrix<f64>, sample: usize, state: &[f64]) -> Self {
        let held = circuit.chip().noise.sampled.unwrap_or(0.0);
        let circuit = circuit.wired_subset(&[sample]);
        let state = Matrix::from_row_slice(1, state.len(), state);
        let mut slopes = state.clone();
        circuit.slopes(&state, &mut slopes);
        let said = circuit.all_said(&state);
        let input = select_rows(inputs, &[sample]).as_slice().to_vec();
        Self { input, state, slopes: slopes.as_slice().to_vec(), said, circuit, held }
    }

    /// The circuit with this sample alone.
    #[must_use]
    pub fn circuit(&self) -> &dyn Wired<f64> {
        self.circuit.as_ref()
    }

    /// Which column of the state holds which compartment.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.circuit.chip().layout
    }

    /// The whole linear system, its matrix written out.
    #[must_use]
    pub fn system(&self) -> System {
        System::at(self.circuit(), 0, self.state())
    }

    /// `Aᵀ y`, without the matrix.
    #[must_use]
    pub fn adjoint(&self, dual: &DVector<f64>) -> DVector<f64> {
        let scaled = DVector::from_fn(dual.len(), |j, _| dual[j] * self.circuit.rates()[j]);
        let direction = Matrix::from_row_slice(1, scaled.len(), scaled.as_slice());
        let mut image = direction.clone();
        let mut scratch = self.circuit.scratch(1);
        self.circuit.adjoint(&self.state, &direction, &mut image, &mut scratch);
        DVector::from_column_slice(image.as_slice()) - scaled
    }

    /// Compartments at a rail, where the circuit is not linear however small the noise.
    #[must_use]
    pub fn at_rails(&self) -> usize {
        let at = |(low, high): (f64, f64)| self.state.iter().filter(|&&v| v <= low || v >= high).count();
        self.circuit.supply().map_or(0, at)
    }

    /// Potentials (V).
    #[must_use]
    pub fn state(&self) -> &[f64] {
        self.state.as_slice()
    }

    /// Factors of a layer's error in its gradient: the means of the layer below, or the inputs (V).
    #[must_use]
    pub fn below(&self, layer: usize) -> Vec<f64> {
        if layer == 0 { self.input.clone() } else { self.mean(layer - 1).to_vec() }
    }

    /// Means `s̄` of a layer (V); outputs where neurons have one compartment.
    #[must_use]
    pub fn mean(&self, layer: usize) -> &[f64] {
        self.said[layer].activity.as_slice()
    }

    /// Differences `δ` of a layer (V); none where neurons have one compartment.
    #[must_use]
    pub fn difference(&self, layer: usize) -> &[f64] {
        self.said[layer].difference.as_ref().map_or(&[], |difference| difference.as_slice())
    }

    /// The derivative of `s̄` of a layer, `[n × width]`: a read-out of the linear system.
    #[must_use]
    pub fn reads_mean(&self, layer: usize) -> Matrix<f64> {
        let layout = self.layout();
        if layout.kind().compartments() == 1 {
            let mut out = Matrix::zeros(layout.neurons(layer), layout.width());
            layout.plus(layer).enumerate().for_each(|(j, column)| out[(j, column)] = self.slopes[column]);
            return out;
        }
        let mixing = &self.circuit.chip().layers[layer].mixing;
        self.reads(layer, |j| (mixing[j], 1.0 - mixing[j]))
    }

    /// The derivative of `δ` of a layer, `[n × width]`; without rows where neurons have one compartment.
    #[must_use]
    pub fn reads_difference(&self, layer: usize) -> Matrix<f64> {
        if self.layout().kind().compartments() == 1 {
            return Matrix::zeros(0, self.layout().width());
        }
        self.reads(layer, |_| (1.0, -1.0))
    }

    fn reads(&self, layer: usize, parts: impl Fn(usize) -> (f64, f64)) -> Matrix<f64> {
        let layout = self.layout();
        let n = layout.neurons(layer);
        let mut out = Matrix::zeros(n, layout.width());
        for (j, (plus, minus)) in layout.plus(layer).zip(layout.minus(layer)).enumerate() {
            let (up, down) = parts(j);
            (out[(j, plus)], out[(j, minus)]) = (up * self.slopes[plus], down * self.slopes[minus]);
        }
        out
    }

    /// Noise forcings of the circuit, linear in each.
    #[must_use]
    pub fn forcings(&self) -> Vec<NoiseForcing> {
        forcings(self.circuit(), 0, self.state())
    }

    /// Deviation (V) that a sample-and-hold adds to every compartment that is read.
    #[must_use]
    pub fn held(&self) -> f64 {
        self.held
    }
}
