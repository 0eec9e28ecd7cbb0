//! One sample at its equilibrium: all that the derivatives of its drive by the parameters of devices are made
//! of.

use std::borrow::Cow;

use nalgebra::{DVector, Dyn, LU};

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::circuit::{DyadCircuit, Dynamics, Layered, Loss};
use dyadsim_core::learn::Batch;
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::drive_jacobian;
use dyadsim_core::spec::{ActivationKind, ActivationSpec, CircuitSpec, LossKind, NudgePoint};

/// A vector of doubles.
pub type Vector = DVector<f64>;

/// What is the same for all samples.
pub struct Model<'a> {
    /// The circuit.
    pub spec: &'a CircuitSpec,
    /// Its devices.
    pub chip: &'a Chip<f64>,
    /// Synapses as programmed.
    pub programmed: &'a Weights<f64>,
    /// Synapses as the chip carries them.
    pub weights: Cow<'a, Weights<f64>>,
}

impl<'a> Model<'a> {
    /// Takes a chip with programmed synapses.
    pub fn new(spec: &'a CircuitSpec, chip: &'a Chip<f64>, programmed: &'a Weights<f64>) -> Self {
        Self { spec, chip, programmed, weights: chip.effective_weights(programmed) }
    }

    /// The number of layers.
    pub fn depth(&self) -> usize {
        self.chip.layout.depth()
    }

    /// The columns where the plus and the minus compartments of a layer begin.
    pub fn starts(&self, layer: usize) -> [usize; 2] {
        [self.chip.layout.plus(layer).start, self.chip.layout.minus(layer).start]
    }

    /// Whether the loss gradient is taken at `at`.
    pub fn nudged_at(&self, at: NudgePoint) -> bool {
        self.spec.nudge.at == at
    }

    fn shape(&self, layer: usize) -> &ActivationSpec {
        let neuron = &self.spec.neuron;
        if layer + 1 == self.depth() { &neuron.output_activation } else { &neuron.activation }
    }
}

/// One sample at its equilibrium, with the nudge or without it.
pub struct EquilibriumPoint {
    /// Slopes `f′` of all compartments.
    pub slopes: Vector,
    /// Second derivatives `f″` (1/V).
    pub bends: Vector,
    /// Potentials above the offsets of their devices, over the scale factors of these (V).
    pub reach: Vector,
    /// Scale factors of the devices.
    pub scales: Vector,
    /// What every layer multiplies its differences with: the means below it, or the inputs (V).
    pub below: Vec<Vector>,
    /// Differences of every layer (V).
    pub differences: Vec<Vector>,
    /// What comes back to the plus and to the minus compartments of every layer (V).
    pub back: Vec<[Vector; 2]>,
    /// 0 where the drive stands on a rail, else 1.
    pub open: Vector,
    /// `−β ∇²ℓ` where the plus and the minus compartments of the output see it; zeros without a nudge.
    pub curvature: [Matrix<f64>; 2],
    /// `softmax(ŷ/V_ref)` there, if the loss is the cross-entropy.
    pub shares: Option<[Vector; 2]>,
    /// `∂u/∂v`.
    pub jacobian: Matrix<f64>,
    /// Factors of `(1 − ∂u/∂v)ᵀ`.
    transposed: LU<f64, Dyn, Dyn>,
    /// Smallest distance of a potential from a kink, or of a drive from a rail (V).
    pub clearance: f64,
}

impl EquilibriumPoint {
    /// Sample `sample` of a circuit, nudged or not, at a fixed point.
    pub fn new(
        model: &Model<'_>,
        circuit: &DyadCircuit<'_, f64>,
        batch: &Batch<f64>,
        (sample, state): (usize, &[f64]),
        nudged: bool,
    ) -> Self {
        let one = circuit.subset(&[sample]);
        let at = Matrix::from_row_slice(1, state.len(), state);
        let (mut slopes, mut drive, mut outputs) = (at.clone(), at.clone(), at.clone());
        one.slopes(&at, &mut slopes);
        one.drive(&at, &mut drive, &mut one.scratch(1));
        one.outputs(&at, &mut outputs);
        let (means, differences) = one.mixed(&at);
        let differences: Vec<Vector> = differences.iter().map(vector).collect();
        let mut below = vec![batch.inputs.row(sample).transpose()];
        below.extend(means.iter().map(vector));
        let top = [0, 1].map(|side| {
            let seen = seen(model, &below, (&outputs, side));
            Top::of(model, &seen, &batch.targets.row(sample).transpose(), nudged)
        });
        let back = back(model, &differences, &top);
        let (reach, scales, bends) = devices(model, state);
        let jacobian = drive_jacobian(&one, 0, state);
        let transposed = (Matrix::identity(state.len(), state.len()) - &jacobian).transpose().lu();
        let open = drive.map(|u| f64::from(model.chip.supply.is_none_or(|(low, high)| u > low && u < high)));
        let clearance = clearance(model, state, &drive);
        let [plus, minus] = top;
        Self {
            slopes: vector(&slopes),
            bends,
            reach,
            scales,
            below,
            differences,
            back,
            open: vector(&open),
            curvature: [plus.curvature, minus.curvature],
            shares: plus.shares.zip(minus.shares).map(|(plus, minus)| [plus, minus]),
            jacobian,
            transposed,
            clearance,
        }
    }

    /// Solves `(1 − ∂u/∂v)ᵀ x = y` for every row `y`, into rows `x`: what drives move of what potentials
    /// move. `None` if it is singular.
    pub fn adjoint(&self, rows: &Matrix<f64>) -> Option<Matrix<f64>> {
        let found = self.transposed.solve(&rows.transpose())?.transpose();
        found.iter().all(|x| x.is_finite()).then_some(found)
    }
}

/// What one side of the output gets from the nudge.
struct Top {
    /// `−β ∇ℓ` (V).
    back: Vector,
    curvature: Matrix<f64>,
    shares: Option<Vector>,
}

impl Top {
    fn of(model: &Model<'_>, seen: &Vector, target: &Vector, nudged: bool) -> Self {
        let (n, nudge) = (seen.len(), &model.spec.nudge);
        let (mut back, mut curvature) = (Vector::zeros(n), Matrix::zeros(n, n));
        if !nudged {
            return Self { back, curvature, shares: None };
        }
        let loss = Loss { kind: nudge.loss, reference: nudge.reference };
        loss.gradient(1, seen.as_slice(), target.as_slice(), back.as_mut_slice());
        let shares = (nudge.loss == LossKind::CrossEntropy).then(|| &back / nudge.reference + target);
        for (j, mut column) in curvature.column_iter_mut().enumerate() {
            let mut unit = vec![0.0; n];
            unit[j] = 1.0;
            loss.curvature(1, seen.as_slice(), &unit, column.as_mut_slice());
        }
        back *= -nudge.beta;
        curvature *= -nudge.beta;
        Self { back, curvature, shares }
    }
}

/// Where the loss gradient is taken for one side of the output (V).
fn seen(model: &Model<'_>, below: &[Vector], (outputs, side): (&Matrix<f64>, usize)) -> Vector {
    let top = model.depth() - 1;
    match model.spec.nudge.at {
        NudgePoint::Own => {
            let (start, n) = (model.starts(top)[side], model.chip.layout.outputs());
            outputs.columns(start, n).transpose().column(0).into_owned()
        }
        NudgePoint::Drive => {
            &model.weights.forward[top] * &below[top] + Vector::from_column_slice(&model.weights.biases[top])
        }
        NudgePoint::Mean | NudgePoint::Free => below[top + 1].clone(),
    }
}

/// What comes back to both sides of every layer (V).
fn back(model: &Model<'_>, differences: &[Vector], top: &[Top; 2]) -> Vec<[Vector; 2]> {
    (0..model.depth())
        .map(|layer| match differences.get(layer + 1) {
            Some(above) => {
                let back = model.weights.feedback(layer + 1).tr_mul(above);
                [back.clone(), back]
            }
            None => [top[0].back.clone(), top[1].back.clone()],
        })
        .collect()
}

/// Potentials above offsets over scale factors, scale factors, second derivatives.
fn devices(model: &Model<'_>, state: &[f64]) -> (Vector, Vector, Vector) {
    let blank = || Vector::zeros(state.len());
    let (mut reach, mut scales, mut bends) = (blank(), blank(), blank());
    for (layer, devices) in model.chip.layers.iter().enumerate() {
        let shape = model.shape(layer);
        for (start, offsets) in
            model.starts(layer).into_iter().zip([&devices.offset_plus, &devices.offset_minus])
        {
            for (column, trim) in (start..).zip(offsets) {
                reach[column] = (state[column] - shape.offset - trim.offset) / trim.scale;
                scales[column] = trim.scale;
                let scale = shape.scale * trim.scale;
                bends[column] =
                    shape.amplitude / scale.powi(2) * bend(shape.kind, reach[column] / shape.scale);
            }
        }
    }
    (reach, scales, bends)
}

/// Second derivative `φ″(z)` of an activation's shape; that of the piece where it is kinked.
fn bend(kind: ActivationKind, z: f64) -> f64 {
    let logistic = 0.5 * (1.0 + (0.5 * z).tanh());
    match kind {
        ActivationKind::Linear | ActivationKind::Relu | ActivationKind::HardSigmoid => 0.0,
        ActivationKind::Tanh => -2.0 * z.tanh() / z.cosh().powi(2),
        ActivationKind::Sigmoid => logistic * (1.0 - logistic) * (1.0 - 2.0 * logistic),
        ActivationKind::Softplus => logistic * (1.0 - logistic),
        ActivationKind::Table(curve) => curve.curvature(z),
    }
}

/// Smallest distance of a potential from a kink, or of a drive from a rail that it does not stand on (V).
fn clearance(model: &Model<'_>, state: &[f64], drive: &Matrix<f64>) -> f64 {
    let mut least = f64::INFINITY;
    for (layer, devices) in model.chip.layers.iter().enumerate() {
        for (start, offsets) in
            model.starts(layer).into_iter().zip([&devices.offset_plus, &devices.offset_minus])
        {
            for (column, &trim) in (start..).zip(offsets) {
                let kinks = devices.activation.offset_kinks(trim);
                least = kinks.map(|kink| (state[column] - kink).abs()).fold(least, f64::min);
            }
        }
    }
    let rails = model.chip.supply.into_iter().flat_map(|(low, high)| [low, high]);
    let apart = rails.flat_map(|rail| drive.iter().map(move |u| (u - rail).abs()));
    apart.filter(|gap| *gap > 0.0).fold(least, f64::min)
}

/// The only row of a matrix.
fn vector(row: &Matrix<f64>) -> Vector {
    Vector::from_column_slice(row.as_slice())
}
