//! How far the gradient estimate of a batch moves with a parameter of one device.
//!
//! The estimate `ĝ_k = −⟨δ_k s̄_{k−1}ᵀ⟩/β` is a sum of outer products, one a sample, and so is its
//! derivative. The squared norm of that needs inner products of readings between samples alone, `[samples ×
//! samples]`, and never a matrix of the size of the weights.

use rayon::prelude::*;

use super::duals::Duals;
use super::parameters::{DeviceParameter, Group};
use super::point::{EquilibriumPoint, Model, Vector};
use dyadsim_core::circuit::DyadCircuit;
use dyadsim_core::learn::Batch;
use dyadsim_core::matrix::Matrix;

/// The relaxations of one sample that are read: with the nudge, and for auto-zero without it.
pub struct Sample {
    sides: Vec<(EquilibriumPoint, Duals)>,
}

/// Columns of the readings: the differences of all layers, then the means of all but the last.
struct Readings {
    differences: Vec<usize>,
    means: Vec<usize>,
    count: usize,
}

impl Readings {
    fn of(model: &Model<'_>) -> Self {
        let layout = &model.chip.layout;
        let mut count = 0;
        let mut next = |layer| {
            count += layout.neurons(layer);
            count - layout.neurons(layer)
        };
        let differences = (0..model.depth()).map(&mut next).collect();
        let means = (0..model.depth() - 1).map(&mut next).collect();
        Self { differences, means, count }
    }

    /// The derivative of the readings by the potentials, at one relaxation; without a nudge, of what
    /// auto-zero takes off.
    fn matrix(&self, model: &Model<'_>, slopes: &Vector, nudged: bool) -> Matrix<f64> {
        let mut rows = Matrix::zeros(self.count, slopes.len());
        let sign = if nudged { 1.0 } else { -1.0 };
        for (layer, devices) in model.chip.layers.iter().enumerate() {
            let [plus, minus] = model.starts(layer);
            for (i, alpha) in devices.mixing.iter().enumerate() {
                let row = self.differences[layer] + i;
                rows[(row, plus + i)] = sign * slopes[plus + i];
                rows[(row, minus + i)] = -sign * slopes[minus + i];
                if let Some(mean) = self.means.get(layer).filter(|_| nudged) {
                    rows[(mean + i, plus + i)] = alpha * slopes[plus + i];
                    rows[(mean + i, minus + i)] = (1.0 - alpha) * slopes[minus + i];
                }
            }
        }
        rows
    }
}

impl Sample {
    /// One sample at its fixed points; `None` where they have no derivative.
    pub fn new(
        model: &Model<'_>,
        batch: &Batch<f64>,
        sample: usize,
        points: &[(&DyadCircuit<'_, f64>, &[f64])],
    ) -> Option<Self> {
        let readings = Readings::of(model);
        let side = |(number, (circuit, state)): (usize, &(&DyadCircuit<'_, f64>, &[f64]))| {
            let nudged = number == 0;
            let point = EquilibriumPoint::new(model, circuit, batch, (sample, state), nudged);
            let whole = point.adjoint(&readings.matrix(model, &point.slopes, nudged))?;
            let duals = Duals::of(model, &point, whole);
            Some((point, duals))
        };
        let sides = points.iter().enumerate().map(side).collect::<Option<_>>()?;
        Some(Self { sides })
    }

    /// Smallest distance from a kink or a rail (V).
    pub fn clearance(&self) -> f64 {
        self.sides.iter().map(|side| side.0.clearance).fold(f64::INFINITY, f64::min)
    }

    /// Differences of a layer as they are read (V).
    fn difference(&self, layer: usize) -> Vector {
        let own = self.sides[0].0.differences[layer].clone();
        self.sides[1..].iter().fold(own, |own, (point, _)| own - &point.differences[layer])
    }

    fn below(&self, layer: usize) -> &Vector {
        &self.sides[0].0.below[layer]
    }

    /// What a parameter of one device moves of the readings.
    fn moves(&self, model: &Model<'_>, readings: &Readings, group: &Group, device: usize) -> Vector {
        let each = self.sides.iter().map(|(point, duals)| duals.of_device(model, point, group, device));
        let mut found = each.fold(Vector::zeros(readings.count), |sum, own| sum + own);
        if group.quantity == DeviceParameter::Mixing
            && let Some(start) = readings.means.get(group.layer)
        {
            found[start + device] += self.sides[0].0.differences[group.layer][device];
        }
        found
    }
}

/// The estimate of a batch.
pub struct Estimate<'a> {
    model: &'a Model<'a>,
    samples: &'a [Sample],
    readings: Readings,
    layers: Vec<Layer>,
    /// `1/(β B)²`.
    scale: f64,
}

/// What is read of one layer, `[samples × n]`, and inner products between samples.
struct Layer {
    differences: Matrix<f64>,
    below: Matrix<f64>,
    /// Of what the layer hears, biases hearing one.
    hears: Matrix<f64>,
    /// Of its differences.
    errs: Matrix<f64>,
}

impl<'a> Estimate<'a> {
    /// The estimate of these samples.
    pub fn new(model: &'a Model<'a>, samples: &'a [Sample]) -> Self {
        let rows = |vectors: Vec<Vector>| {
            let n = vectors.first().map_or(0, Vector::len);
            Matrix::from_fn(vectors.len(), n, |i, j| vectors[i][j])
        };
        let layer = |layer: usize| {
            let differences = rows(samples.iter().map(|s| s.difference(layer)).collect());
            let below = rows(samples.iter().map(|s| s.below(layer).clone()).collect());
            let hears = (&below * below.transpose()).add_scalar(1.0);
            let errs = &differences * differences.transpose();
            Layer { differences, below, hears, errs }
        };
        let layers = (0..model.depth()).map(layer).collect();
        let scale = (model.spec.nudge.beta * samples.len() as f64).powi(-2);
        Self { model, samples, readings: Readings::of(model), layers, scale }
    }

    /// Squared norm of the estimate of every layer, weights and biases together (V⁴).
    pub fn squares(&self) -> Vec<f64> {
        self.layers.iter().map(|layer| self.scale * layer.hears.dot(&layer.errs)).collect()
    }

    /// Squared norms of the derivative of every layer's estimate by a parameter of every device of a group.
    pub fn moved(&self, group: &Group) -> Vec<Vec<f64>> {
        if !group.moves_equilibria() {
            return vec![vec![0.0; self.layers.len()]; group.devices(self.model.programmed)];
        }
        if group.quantity == DeviceParameter::Synapse && group.layer == 0 {
            return self.moved_by_inputs(group);
        }
        let devices = 0..group.devices(self.model.programmed);
        let of = |device| self.pairs(group, device).iter().map(|pairs| self.size(pairs.sum())).collect();
        devices.into_par_iter().map(of).collect()
    }

    /// The same of the first layer's synapses: all synapses of a neuron do what its bias does, each in
    /// proportion to its input.
    fn moved_by_inputs(&self, group: &Group) -> Vec<Vec<f64>> {
        let programmed = &self.model.programmed.forward[0];
        let bias = Group { quantity: DeviceParameter::Bias, ..*group };
        let inputs = &self.layers[0].below;
        let neuron = |neuron: usize| -> Vec<Vec<f64>> {
            let pairs = self.pairs(&bias, neuron);
            let through = |input: usize| {
                let x = inputs.column(input) * programmed[(neuron, input)];
                pairs.iter().map(|pairs| self.size(x.dot(&(pairs * &x)))).collect()
            };
            (0..programmed.ncols()).map(through).collect()
        };
        (0..programmed.nrows()).into_par_iter().flat_map_iter(neuron).collect()
    }

    fn size(&self, sum: f64) -> f64 {
        // A square; rounding may leave less than nothing of a small one.
        (self.scale * sum).max(0.0)
    }

    /// Inner products of what the samples add to the derivative of every layer's estimate.
    fn pairs(&self, group: &Group, device: usize) -> Vec<Matrix<f64>> {
        let moves: Vec<Vector> =
            self.samples.iter().map(|s| s.moves(self.model, &self.readings, group, device)).collect();
        let columns = |start: usize, n: usize| Matrix::from_fn(moves.len(), n, |i, j| moves[i][start + j]);
        let of = |(k, layer): (usize, &Layer)| {
            let differences = columns(self.readings.differences[k], layer.differences.ncols());
            let mut pairs = (&differences * differences.transpose()).component_mul(&layer.hears);
            if k > 0 {
                let means = columns(self.readings.means[k - 1], layer.below.ncols());
                pairs += (&means * means.transpose()).component_mul(&layer.errs);
                let across = (&differences * layer.differences.transpose())
                    .component_mul(&(&layer.below * means.transpose()));
                pairs += &across + across.transpose();
            }
            pairs
        };
        self.layers.iter().enumerate().map(of).collect()
    }
}
