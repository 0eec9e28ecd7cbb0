//! docs/model.md §2 written out once more, one sample at a time with dense vectors: it shares no code with
//! the crate's circuits, so that agreement checks the right-hand side as well as the solvers.

use dyadsim_core::chip::Chip;
use dyadsim_core::curve::Curve;
use dyadsim_core::device::DeviceOffset;
use dyadsim_core::matrix::measure::{Largest, larger};
use dyadsim_core::spec::*;
use nalgebra::{DMatrix, DVector};

use crate::nets::Net;

pub type Vector = DVector<f64>;

/// Width of the central difference (V) by which Newton's Jacobian is taken: wrong by
/// `1e-10 |u‴|/6 + 1e-16/1e-5`.
const STEP: f64 = 1e-5;

/// One layer's synapses and devices.
#[derive(Clone)]
pub struct Layer {
    pub weights: DMatrix<f64>,
    pub feedback: DMatrix<f64>,
    pub bias: Vector,
    pub shape: ActivationSpec,
    pub gain_plus: Vector,
    pub gain_minus: Vector,
    pub mixing: Vector,
    pub offsets_plus: Vec<DeviceOffset<f64>>,
    pub offsets_minus: Vec<DeviceOffset<f64>>,
}

/// One sample's circuit.
#[derive(Clone)]
pub struct Oracle {
    pub layers: Vec<Layer>,
    pub nudge: NudgeSpec,
    pub input: Vector,
    pub target: Vector,
    /// The free output that nudge `free` holds.
    pub held: Vector,
    pub rails: Option<(f64, f64)>,
    /// `1/τ` of every compartment (1/s).
    pub rates: Vector,
}

/// `φ(z)` of docs/model.md §1.
fn phi(kind: ActivationKind, z: f64) -> f64 {
    match kind {
        ActivationKind::Relu => z.max(0.0),
        ActivationKind::HardSigmoid => z.clamp(0.0, 1.0),
        ActivationKind::Tanh => z.tanh(),
        // `ln(1 + eᶻ)`, whose power overflows from 710 on.
        ActivationKind::Softplus => z.max(0.0) + (-z.abs()).exp().ln_1p(),
        ActivationKind::Sigmoid => 1.0 / (1.0 + (-z).exp()),
        ActivationKind::Linear => z,
        ActivationKind::Table(curve) => through(curve, z),
    }
}

/// A curve by Hermite's basis: values and slopes at the two points around `z`; straight beyond all.
fn through(curve: Curve, z: f64) -> f64 {
    let points: Vec<(f64, f64)> = curve.points().collect();
    let at = points.windows(2).find(|pair| (pair[0].0..=pair[1].0).contains(&z));
    let Some(&[(x0, y0), (x1, y1)]) = at.map(|pair| <&[_; 2]>::try_from(pair).unwrap()) else {
        let (x, y) = if z < points[0].0 { points[0] } else { points[points.len() - 1] };
        return y + curve.slope(x) * (z - x);
    };
    let (h, t) = (x1 - x0, (z - x0) / (x1 - x0));
    (1.0 + 2.0 * t) * (1.0 - t).powi(2) * y0
        + t * (1.0 - t).powi(2) * h * curve.slope(x0)
        + t * t * (3.0 - 2.0 * t) * y1
        + t * t * (t - 1.0) * h * curve.slope(x1)
}

impl Layer {
    /// Outputs of both compartments at their potentials.
    fn outputs(&self, plus: &Vector, minus: &Vector) -> (Vector, Vector) {
        let f = |potentials: &Vector, offsets: &[DeviceOffset<f64>]| {
            let ActivationSpec { kind, amplitude, scale, offset } = self.shape;
            let of = |(v, own): (&f64, &DeviceOffset<f64>)| {
                amplitude * phi(kind, (v - offset - own.offset) / (scale * own.scale))
            };
            Vector::from_iterator(offsets.len(), potentials.iter().zip(offsets).map(of))
        };
        (f(plus, &self.offsets_plus), f(minus, &self.offsets_minus))
    }

    /// `s̄` and `δ` at the potentials of both compartments.
    pub fn mixed(&self, plus: &Vector, minus: &Vector) -> (Vector, Vector) {
        let (sp, sm) = self.outputs(plus, minus);
        let mean = sp.component_mul(&self.mixing) + sm.component_mul(&self.mixing.map(|a| 1.0 - a));
        (mean, sp - sm)
    }
}

impl Oracle {
    /// The circuit that a net's description asks for, with ideal devices.
    pub fn new(net: &Net, sample: usize) -> Self {
        let nudge = net.spec.nudge.clone();
        let gains = |alpha: f64| match nudge.variant {
            Variant::Dp => (alpha, 1.0 - alpha),
            Variant::DpTranspose => (1.0 - alpha, alpha),
            Variant::Custom { plus, minus } => (plus, minus),
        };
        let depth = net.network.len() - 1;
        let layers: Vec<Layer> = (0..depth)
            .map(|k| {
                let n = net.network[k + 1];
                let even = |value: f64| Vector::from_element(n, value);
                let neuron = &net.spec.neuron;
                let alpha = match nudge.hidden_alpha {
                    Some(hidden) if k + 1 < depth => hidden,
                    _ => nudge.alpha,
                };
                let (plus, minus) = gains(alpha);
                Layer {
                    weights: net.weights.forward[k].clone(),
                    feedback: net.weights.feedback.as_ref().unwrap_or(&net.weights.forward)[k].clone(),
                    bias: Vector::from_column_slice(&net.weights.biases[k]),
                    shape: if k + 1 == depth { neuron.output_activation } else { neuron.activation },
                    gain_plus: even(plus),
                    gain_minus: even(minus),
                    mixing: even(alpha),
                    offsets_plus: vec![DeviceOffset::NONE; n],
                    offsets_minus: vec![DeviceOffset::NONE; n],
                }
            })
            .collect();
        let width = 2 * net.network[1..].iter().sum::<usize>();
        let rate = net.spec.neuron.leak / net.spec.neuron.capacitance;
        let target = net.batch.targets.row(sample).transpose();
        let mut oracle = Self {
            layers,
            nudge,
            input: net.batch.inputs.row(sample).transpose(),
            held: target.clone(),
            target,
            rails: net.spec.supply.map(|s| (s.low, s.high)),
            rates: Vector::from_element(width, rate),
        };
        oracle.held = oracle.forward().pop().unwrap();
        oracle
    }

    /// Takes over the devices of a chip whose arrays a test filled by hand.
    pub fn take_devices(&mut self, chip: &Chip<f64>) {
        for (layer, devices) in self.layers.iter_mut().zip(&chip.layers) {
            layer.gain_plus = Vector::from_column_slice(&devices.gain_plus);
            layer.gain_minus = Vector::from_column_slice(&devices.gain_minus);
            layer.mixing = Vector::from_column_slice(&devices.mixing);
            layer.offsets_plus.clone_from(&devices.offset_plus);
            layer.offsets_minus.clone_from(&devices.offset_minus);
        }
        self.rates = Vector::from_column_slice(&chip.rates);
    }

    /// A state's compartments, `(v⁺, v⁻)` layer by layer: the first layer's plus ones come first.
    pub fn split(&self, state: &Vector) -> Vec<(Vector, Vector)> {
        let mut start = 0;
        let sides = self.layers.iter().map(|layer| {
            let n = layer.bias.len();
            let pair = (state.rows(start, n).into_owned(), state.rows(start + n, n).into_owned());
            start += 2 * n;
            pair
        });
        sides.collect()
    }

    /// Outputs of the feed-forward network without offsets of single devices, layer by layer.
    pub fn forward(&self) -> Vec<Vector> {
        let mut below = self.input.clone();
        let layers = self.layers.iter().map(|layer| {
            let v = self.clipped(&layer.weights * &below + &layer.bias);
            let ActivationSpec { kind, amplitude, scale, offset } = layer.shape;
            below = v.map(|v| amplitude * phi(kind, (v - offset) / scale));
            below.clone()
        });
        layers.collect()
    }

    /// The state of the free circuit: both compartments at the feed-forward potential.
    pub fn free(&self) -> Vector {
        let outputs = self.forward();
        let mut state = Vec::new();
        for (k, layer) in self.layers.iter().enumerate() {
            let below = if k == 0 { &self.input } else { &outputs[k - 1] };
            let v = self.clipped(&layer.weights * below + &layer.bias);
            state.extend(v.iter().chain(v.iter()));
        }
        Vector::from_vec(state)
    }

    fn clipped(&self, drive: Vector) -> Vector {
        self.rails.map_or(drive.clone(), |(low, high)| drive.map(|u| u.clamp(low, high)))
    }

    /// `∇ℓ(ŷ)` (V).
    pub fn loss_gradient(&self, at: &Vector) -> Vector {
        match self.nudge.loss {
            LossKind::Mse => at - &self.target,
            LossKind::CrossEntropy => {
                // The largest is subtracted, which cancels: powers overflow from 710 on.
                let powers = at.map(|a| ((a - at.max()) / self.nudge.reference).exp());
                (&powers / powers.sum() - &self.target) * self.nudge.reference
            }
        }
    }

    /// `ŷ⁺` and `ŷ⁻`.
    fn nudge_points(&self, mixed: &[(Vector, Vector)], top: &(Vector, Vector)) -> (Vector, Vector) {
        let last = self.layers.len() - 1;
        let layer = &self.layers[last];
        let point = match self.nudge.at {
            NudgePoint::Own => return layer.outputs(&top.0, &top.1),
            NudgePoint::Mean => mixed[last].0.clone(),
            NudgePoint::Free => self.held.clone(),
            NudgePoint::Drive => {
                let below = if last == 0 { &self.input } else { &mixed[last - 1].0 };
                &layer.weights * below + &layer.bias
            }
        };
        (point.clone(), point)
    }

    /// The drives `u(v)` (V) of every compartment.
    pub fn drive(&self, state: &Vector) -> Vector {
        let sides = self.split(state);
        let mixed: Vec<(Vector, Vector)> =
            self.layers.iter().zip(&sides).map(|(layer, (plus, minus))| layer.mixed(plus, minus)).collect();
        let mut drives = Vec::with_capacity(state.len());
        for (k, layer) in self.layers.iter().enumerate() {
            let below = if k == 0 { &self.input } else { &mixed[k - 1].0 };
            let base = &layer.weights * below + &layer.bias;
            let (up, down) = if k + 1 < self.layers.len() {
                let error = self.layers[k + 1].feedback.transpose() * &mixed[k + 1].1;
                (error.clone(), error)
            } else {
                let (plus, minus) = self.nudge_points(&mixed, &sides[k]);
                let beta = self.nudge.beta;
                (self.loss_gradient(&plus) * -beta, self.loss_gradient(&minus) * -beta)
            };
            drives.extend(self.clipped(&base + layer.gain_plus.component_mul(&up)).iter());
            drives.extend(self.clipped(&base - layer.gain_minus.component_mul(&down)).iter());
        }
        Vector::from_vec(drives)
    }

    /// `∂u/∂v` by central differences.
    pub fn jacobian(&self, state: &Vector) -> DMatrix<f64> {
        let columns: Vec<Vector> = (0..state.len())
            .map(|j| {
                let (mut up, mut down) = (state.clone(), state.clone());
                up[j] += STEP;
                down[j] -= STEP;
                (self.drive(&up) - self.drive(&down)) / (2.0 * STEP)
            })
            .collect();
        DMatrix::from_columns(&columns)
    }

    /// `‖u − v‖∞` (V).
    pub fn residual(&self, state: &Vector) -> f64 {
        (self.drive(state) - state).largest()
    }

    /// The fixed point that attracts the free state: coarse steps of the flow, then Newton to rounding.
    ///
    /// Newton alone jumps to and fro between the pieces of a kinked activation.
    pub fn fixed_point(&self) -> Vector {
        let flow = |v: Vector| &v + (self.drive(&v) - &v) * 0.2;
        self.newton((0..200).fold(self.free(), |v, _| flow(v)))
    }

    /// The fixed point by damped Newton from `state`.
    pub fn newton(&self, mut state: Vector) -> Vector {
        let width = state.len();
        for _ in 0..100 {
            let residual = self.drive(&state) - &state;
            if residual.largest() < 1e-14 * (1.0 + state.largest()) {
                break;
            }
            let matrix = DMatrix::identity(width, width) - self.jacobian(&state);
            let step = matrix.lu().solve(&residual).expect("1 is no eigenvalue of the drive's Jacobian");
            let lengths = (0..12).map(|halving| 0.5_f64.powi(halving));
            let next = lengths.map(|length| &state + &step * length);
            match next.into_iter().find(|next| self.residual(next) < residual.largest()) {
                Some(next) => state = next,
                None => break, // rounding is reached
            }
        }
        state
    }

    /// What is left of the worst small deviation from `state` after `time` (s): `‖exp(time · Jacobian)‖∞`.
    ///
    /// Not by eigenvalues: nalgebra's Schur form does not end on some of these defective matrices.
    pub fn survival(&self, state: &Vector, time: f64) -> f64 {
        let identity = DMatrix::identity(state.len(), state.len());
        norm((DMatrix::from_diagonal(&self.rates) * (self.jacobian(state) - identity) * time).exp())
    }

    /// Gain from errors of the drive to errors of the fixed point, `‖(1 − ∂u/∂v)⁻¹‖∞`.
    pub fn condition(&self, state: &Vector) -> f64 {
        let identity = DMatrix::identity(state.len(), state.len());
        norm((identity - self.jacobian(state)).try_inverse().expect("an isolated fixed point"))
    }
}

/// `‖A‖∞`.
fn norm(matrix: DMatrix<f64>) -> f64 {
    matrix.row_iter().map(|row| row.iter().map(|x| x.abs()).sum()).fold(0.0, larger)
}
