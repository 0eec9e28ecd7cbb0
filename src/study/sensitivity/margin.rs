//! How far the stability margin of one sample moves with a parameter of one device.
//!
//! The rightmost eigenvalue λ of `A = (∂u/∂v − 1)/τ` moves by `ℓᵀ dA r`, with its left and right eigenvectors
//! scaled to `ℓᵀ r = 1` (Magnus 1985). `dA` has two parts: what the parameter does to the Jacobian where the
//! sample rests, and what it does by moving the equilibrium, which one solution with the transposed Jacobian
//! gives for all parameters.

use nalgebra::{Complex, DMatrix, DVector};

use super::duals::Duals;
use super::parameters::{DeviceParameter, Group, Side};
use super::point::{EquilibriumPoint, Model, Vector};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::solve::Spectrum;
use dyadsim_core::spec::NudgePoint;

type Complexes = DVector<Complex<f64>>;

/// An eigenvalue that is nearer than this to another (of its modulus) is told to be a multiple one.
const APART: f64 = 1e-6;
/// Steps of the inverse iteration; each gains the digits by which the shift is nearer to its eigenvalue than
/// to others.
const STEPS: usize = 6;
/// Where the iteration is shifted to, beside the eigenvalue (of its modulus).
const BESIDE: f64 = 1e-10;
/// Largest condition number of an eigenvalue whose vectors are trusted.
const CONDITION: f64 = 1e8;

/// The derivative of a margin by the parameters of all devices.
pub struct Margin<'a> {
    model: &'a Model<'a>,
    point: EquilibriumPoint,
    value: Complex<f64>,
    /// `ℓ_c r_c` of every compartment.
    parts: Complexes,
    forms: Vec<(f64, Form)>,
    /// By drives: what the moving equilibrium adds.
    moved: Duals,
    /// The time that the margin is told in (s).
    unit: f64,
}

impl<'a> Margin<'a> {
    /// The margin of a sample at its fixed point, of which the spectrum is known, in units of one over `unit`
    /// (s).
    ///
    /// # Errors
    /// Why it has no derivative, in a clause.
    pub fn new(
        model: &'a Model<'a>,
        point: EquilibriumPoint,
        rates: &[f64],
        spectrum: &Spectrum,
        unit: f64,
    ) -> Result<Self, &'static str> {
        let value = single(spectrum)?;
        let scale = Vector::from_column_slice(rates);
        let mut drift = &point.jacobian - Matrix::identity(rates.len(), rates.len());
        drift.row_iter_mut().zip(rates).for_each(|(mut row, &rate)| row *= rate);
        let (left, right) = vectors(&drift, value)?;
        let parts = left.component_mul(&right);
        let value = left.dot(&(drift.map(|x| Complex::new(x, 0.0)) * &right));
        // Re(ℓᵀ J r) as two real forms.
        let real = |vector: &Complexes| vector.map(|x| x.re);
        let imaginary = |vector: &Complexes| vector.map(|x| x.im);
        let of = |left: Vector, right: Vector| Form::of(model, &point, &left.component_mul(&scale), right);
        let forms =
            vec![(1.0, of(real(&left), real(&right))), (-1.0, of(imaginary(&left), imaginary(&right)))];
        let state =
            forms.iter().fold(Vector::zeros(rates.len()), |sum, (sign, form)| sum + &form.state * *sign);
        let moved = point.adjoint(&Matrix::from_row_slice(1, state.len(), state.as_slice()));
        let moved = moved.ok_or("the equilibrium is at a fold")?;
        let moved = Duals::of(model, &point, moved);
        Ok(Self { model, point, value, parts, forms, moved, unit })
    }

    /// The derivative of the margin by a parameter of one device.
    pub fn moved(&self, group: &Group, device: usize) -> f64 {
        if group.quantity == DeviceParameter::TimeConstant {
            let side = usize::from(group.side == Some(Side::Minus));
            let column = self.model.starts(group.layer)[side] + device;
            return (self.value * self.parts[column]).re * self.unit;
        }
        let through = self.moved.of_device(self.model, &self.point, group, device)[0];
        let direct =
            |(sign, form): &(f64, Form)| sign * form.of_device(self.model, &self.point, group, device);
        -self.unit * (through + self.forms.iter().map(direct).sum::<f64>())
    }
}

/// The rightmost eigenvalue, if it is a single one.
fn single(spectrum: &Spectrum) -> Result<Complex<f64>, &'static str> {
    let value = *spectrum.eigenvalues.first().ok_or("there is no spectrum")?;
    let gap = |other: &Complex<f64>| (other - value).norm() < APART * value.norm();
    if spectrum.eigenvalues[1..].iter().any(gap) {
        return Err("the rightmost eigenvalue is a multiple one, which has no derivative");
    }
    Ok(value)
}

/// Left and right eigenvectors of an eigenvalue, with `ℓᵀ r = 1`.
fn vectors(drift: &Matrix<f64>, value: Complex<f64>) -> Result<(Complexes, Complexes), &'static str> {
    let n = drift.nrows();
    let shift = value * (1.0 + BESIDE);
    let shifted: DMatrix<Complex<f64>> =
        drift.map(|x| Complex::new(x, 0.0)) - DMatrix::identity(n, n) * shift;
    // No symmetry of a circuit is one of this start.
    let start = DVector::from_fn(n, |i, _| Complex::new((1.3 * i as f64 + 0.7).sin(), 0.0));
    let find = |matrix: DMatrix<Complex<f64>>| {
        let factors = matrix.lu();
        let mut vector: Complexes = start.clone();
        for _ in 0..STEPS {
            vector = factors.solve(&vector)?;
            let size = Complex::new(vector.norm(), 0.0);
            vector /= size;
        }
        vector.iter().all(|x| x.re.is_finite() && x.im.is_finite()).then_some(vector)
    };
    let both = find(shifted.transpose()).zip(find(shifted));
    let (left, right) = both.ok_or("the eigenvectors of the rightmost eigenvalue were not found")?;
    let along = left.dot(&right);
    if along.norm() * CONDITION < 1.0 {
        return Err("the rightmost eigenvalue is a multiple one, which has no derivative");
    }
    Ok((left / along, right))
}

/// The form `yᵀ J r` with fixed real `y` and `r`, and its derivatives.
struct Form {
    /// By the potentials.
    state: Vector,
    /// Of `y`.
    duals: Duals,
    /// Means and differences of `f′ r`, layer by layer; of the means the one below.
    below: Vec<Vector>,
    differences: Vec<Vector>,
    /// What comes back of them to the two sides.
    back: Vec<[Vector; 2]>,
    /// `∂(yᵀ J r)/∂(f′_c r_c) · f′_c r_c` of every compartment.
    parts: Vector,
    /// By the place where the loss gradient is taken, of the two sides.
    seen: [Vector; 2],
    /// By the means through that place.
    means: Vec<Vector>,
}

impl Form {
    fn of(model: &Model<'_>, point: &EquilibriumPoint, dual: &Vector, direction: Vector) -> Self {
        let duals = Duals::of(model, point, Matrix::from_row_slice(1, dual.len(), dual.as_slice()));
        let outputs = direction.component_mul(&point.slopes);
        let (below, differences) = mixed(model, point, &outputs);
        let tops = tops(model, &below, &outputs);
        let back = back(model, point, &differences, &tops);
        let by_outputs = by_outputs(model, point, &duals);
        let seen = seen(model, point, &duals, &tops);
        let means = means(model, &seen);
        let mut state = by_outputs.component_mul(&direction).component_mul(&point.bends);
        for (layer, devices) in model.chip.layers.iter().enumerate() {
            let own = layer + 1 == model.depth() && model.nudged_at(NudgePoint::Own);
            let [plus, minus] = model.starts(layer);
            for (i, alpha) in devices.mixing.iter().enumerate() {
                let each = if own { [seen[0][i], seen[1][i]] } else { [0.0; 2] };
                state[plus + i] += point.slopes[plus + i] * (alpha * means[layer][i] + each[0]);
                state[minus + i] += point.slopes[minus + i] * ((1.0 - alpha) * means[layer][i] + each[1]);
            }
        }
        let parts = by_outputs.component_mul(&outputs);
        Self { state, duals, below, differences, back, parts, seen, means }
    }

    /// The derivative by a parameter of one device at fixed potentials; of an offset and a scale without what
    /// the potential would do as well.
    fn of_device(&self, model: &Model<'_>, point: &EquilibriumPoint, group: &Group, device: usize) -> f64 {
        let (layer, side) = (group.layer, usize::from(group.side == Some(Side::Minus)));
        let column = model.starts(layer)[side] + device;
        // Of nudge `drive` the loss is seen where the output's synapses and biases add up.
        let held = layer + 1 == model.depth() && model.nudged_at(NudgePoint::Drive);
        let seen = |neuron: usize| if held { self.seen[0][neuron] } else { 0.0 };
        match group.quantity {
            DeviceParameter::Offset | DeviceParameter::TimeConstant => 0.0,
            DeviceParameter::Scale => -self.parts[column] / point.scales[column],
            DeviceParameter::Gain => {
                [1.0, -1.0][side] * self.duals.own[column] * self.back[layer][side][device]
            }
            DeviceParameter::Mixing => {
                self.duals.means[layer][device] * self.differences[layer][device]
                    + self.means[layer][device] * point.differences[layer][device]
            }
            DeviceParameter::Bias => seen(device),
            DeviceParameter::Synapse => {
                let (neuron, input) = group.synapse(device, model.programmed);
                let mut found = self.duals.heard[layer][neuron] * self.below[layer][input];
                found += seen(neuron) * point.below[layer][input];
                if layer > 0 && model.programmed.feedback.is_none() {
                    found += self.duals.fed[layer - 1][input] * self.differences[layer][neuron];
                }
                found * model.programmed.forward[layer][(neuron, input)]
            }
            DeviceParameter::FeedbackSynapse => {
                let (neuron, input) = group.synapse(device, model.programmed);
                let programmed = model.programmed.feedback(layer)[(neuron, input)];
                self.duals.fed[layer - 1][input] * self.differences[layer][neuron] * programmed
            }
        }
    }
}

/// What every layer hears the means of (the inputs do not move), and the differences of every layer.
fn mixed(model: &Model<'_>, point: &EquilibriumPoint, outputs: &Vector) -> (Vec<Vector>, Vec<Vector>) {
    let (mut below, mut differences) = (vec![Vector::zeros(point.below[0].len())], Vec::new());
    for (layer, devices) in model.chip.layers.iter().enumerate() {
        let [plus, minus] = model.starts(layer).map(|start| outputs.rows(start, devices.mixing.len()));
        let alpha = Vector::from_column_slice(&devices.mixing);
        below.push(plus.component_mul(&alpha) + minus.component_mul(&alpha.map(|a| 1.0 - a)));
        differences.push(plus - minus);
    }
    (below, differences)
}

/// How the place where the loss gradient is taken moves, for both sides.
fn tops(model: &Model<'_>, below: &[Vector], outputs: &Vector) -> [Vector; 2] {
    let top = model.depth() - 1;
    [0, 1].map(|side| match model.spec.nudge.at {
        NudgePoint::Own => outputs.rows(model.starts(top)[side], model.chip.layout.outputs()).into_owned(),
        NudgePoint::Drive => &model.weights.forward[top] * &below[top],
        NudgePoint::Mean | NudgePoint::Free => below[top + 1].clone(),
    })
}

/// What comes back to both sides of every layer.
fn back(
    model: &Model<'_>,
    point: &EquilibriumPoint,
    differences: &[Vector],
    tops: &[Vector; 2],
) -> Vec<[Vector; 2]> {
    (0..model.depth())
        .map(|layer| match differences.get(layer + 1) {
            Some(above) => {
                let back = model.weights.feedback(layer + 1).tr_mul(above);
                [back.clone(), back]
            }
            None => [0, 1].map(|side| &point.curvature[side] * &tops[side]),
        })
        .collect()
}

/// What the outputs of every compartment do to drives, weighted with the duals of these.
fn by_outputs(model: &Model<'_>, point: &EquilibriumPoint, duals: &Duals) -> Vector {
    let mut found = Vector::zeros(point.slopes.len());
    let top = model.depth() - 1;
    for (layer, devices) in model.chip.layers.iter().enumerate() {
        let starts = model.starts(layer);
        let errors = match layer.checked_sub(1) {
            Some(lower) => &duals.fed[lower] * model.weights.feedback(layer).transpose(),
            None => Matrix::zeros(1, devices.mixing.len()),
        };
        for (i, alpha) in devices.mixing.iter().enumerate() {
            let (mean, error) = (duals.means[layer][i], errors[i]);
            found[starts[0] + i] = alpha * mean + error;
            found[starts[1] + i] = (1.0 - alpha) * mean - error;
        }
        if layer == top && model.nudged_at(NudgePoint::Own) {
            for (side, start) in starts.into_iter().enumerate() {
                let own = &point.curvature[side] * weighted(model, duals, side);
                let mut rows = found.rows_mut(start, own.len());
                rows += own;
            }
        }
    }
    found
}

/// Duals of what comes back to one side of the output: of nudge `own` that side's alone.
fn weighted(model: &Model<'_>, duals: &Duals, side: usize) -> Vector {
    let top = model.depth() - 1;
    let devices = &model.chip.layers[top];
    let (gains, sign) = [(&devices.gain_plus, 1.0), (&devices.gain_minus, -1.0)][side];
    let start = model.starts(top)[side];
    Vector::from_fn(gains.len(), |i, _| sign * gains[i] * duals.own[start + i])
}

/// The derivative of the form by the place where the loss gradient is taken, through the loss's curvature:
/// none of a squared error.
fn seen(model: &Model<'_>, point: &EquilibriumPoint, duals: &Duals, tops: &[Vector; 2]) -> [Vector; 2] {
    let top = model.depth() - 1;
    let none = || Vector::zeros(model.chip.layout.outputs());
    let Some(shares) = &point.shares else { return [none(), none()] };
    let of = |side: usize, a: &Vector| {
        let (b, share) = (&tops[side], &shares[side]);
        // aᵀ(diag σ − σσᵀ)b, and dσ = (diag σ − σσᵀ) dŷ / V_ref.
        let inner = a.component_mul(b) - a * share.dot(b) - b * share.dot(a);
        &point.curvature[side] * inner / model.spec.nudge.reference
    };
    if model.nudged_at(NudgePoint::Own) {
        return [0, 1].map(|side| of(side, &weighted(model, duals, side)));
    }
    [of(0, &duals.fed[top].transpose().column(0).into_owned()), none()]
}

/// The same by the means of every layer.
fn means(model: &Model<'_>, seen: &[Vector; 2]) -> Vec<Vector> {
    let top = model.depth() - 1;
    let mut found: Vec<Vector> =
        (0..=top).map(|layer| Vector::zeros(model.chip.layout.neurons(layer))).collect();
    match model.spec.nudge.at {
        NudgePoint::Mean => found[top].clone_from(&seen[0]),
        NudgePoint::Drive if top > 0 => found[top - 1] = model.weights.forward[top].tr_mul(&seen[0]),
        NudgePoint::Own | NudgePoint::Drive | NudgePoint::Free => {}
    }
    found
}
