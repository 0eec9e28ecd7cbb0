//! What drives, and what reaches them, move of some quantities: rows of the adjoint, and what of them a
//! device's parameter asks.

use super::parameters::{DeviceParameter, Group, Side};
use super::point::{EquilibriumPoint, Model, Vector};
use dyadsim_core::matrix::Matrix;
use dyadsim_core::spec::NudgePoint;

/// Derivatives of some quantities, the rows, by the drive of every compartment and by what goes into drives.
pub struct Duals {
    /// By the drives as they are.
    whole: Matrix<f64>,
    /// By the drives as the devices make them: zero where a rail holds a drive.
    pub own: Matrix<f64>,
    /// By what every layer hears from below.
    pub heard: Vec<Matrix<f64>>,
    /// By what comes back to every layer from above.
    pub fed: Vec<Matrix<f64>>,
    /// By the means `s̄` of every layer, as far as they go into drives.
    pub means: Vec<Matrix<f64>>,
}

impl Duals {
    /// Follows derivatives by drives back to what the drives are made of.
    pub fn of(model: &Model<'_>, point: &EquilibriumPoint, whole: Matrix<f64>) -> Self {
        let mut own = whole.clone();
        own.column_iter_mut().zip(point.open.iter()).for_each(|(mut column, &open)| column *= open);
        let (mut heard, mut fed) = (Vec::new(), Vec::new());
        for (layer, devices) in model.chip.layers.iter().enumerate() {
            let n = devices.mixing.len();
            let [plus, minus] = model.starts(layer).map(|start| own.columns(start, n).into_owned());
            heard.push(&plus + &minus);
            fed.push(scaled(plus, &devices.gain_plus) - scaled(minus, &devices.gain_minus));
        }
        let top = model.depth() - 1;
        let nudge = &fed[top] * &point.curvature[0];
        if model.nudged_at(NudgePoint::Drive) {
            heard[top] += &nudge;
        }
        let means = (0..=top)
            .map(|layer| match heard.get(layer + 1) {
                Some(above) => above * &model.weights.forward[layer + 1],
                None if model.nudged_at(NudgePoint::Mean) => nudge.clone(),
                None => Matrix::zeros(own.nrows(), nudge.ncols()),
            })
            .collect();
        Self { whole, own, heard, fed, means }
    }

    /// Derivatives of the quantities by a parameter of one device, through the equilibrium.
    ///
    /// An offset is nothing but a drive of the other sign, `v − o` obeying the same equation, and a scale is
    /// an offset in proportion to the potential; so what reads outputs directly is part of it.
    pub fn of_device(
        &self,
        model: &Model<'_>,
        point: &EquilibriumPoint,
        group: &Group,
        device: usize,
    ) -> Vector {
        let (layer, side) = (group.layer, usize::from(group.side == Some(Side::Minus)));
        let column = model.starts(layer)[side] + device;
        match group.quantity {
            DeviceParameter::Offset => -self.whole.column(column),
            DeviceParameter::Scale => self.whole.column(column) * -point.reach[column],
            DeviceParameter::Gain => {
                let sign = [1.0, -1.0][side];
                self.own.column(column) * (sign * point.back[layer][side][device])
            }
            DeviceParameter::Mixing => self.means[layer].column(device) * point.differences[layer][device],
            DeviceParameter::Bias => self.heard[layer].column(device).into_owned(),
            DeviceParameter::TimeConstant => Vector::zeros(self.whole.nrows()),
            DeviceParameter::Synapse => {
                let (neuron, input) = group.synapse(device, model.programmed);
                let mut found = self.heard[layer].column(neuron) * point.below[layer][input];
                if layer > 0 && model.programmed.feedback.is_none() {
                    found += self.fed[layer - 1].column(input) * point.differences[layer][neuron];
                }
                found * model.programmed.forward[layer][(neuron, input)]
            }
            DeviceParameter::FeedbackSynapse => {
                let (neuron, input) = group.synapse(device, model.programmed);
                let programmed = model.programmed.feedback(layer)[(neuron, input)];
                self.fed[layer - 1].column(input) * (point.differences[layer][neuron] * programmed)
            }
        }
    }
}

/// A matrix with its columns times factors.
fn scaled(mut matrix: Matrix<f64>, factors: &[f64]) -> Matrix<f64> {
    matrix.column_iter_mut().zip(factors).for_each(|(mut column, &factor)| column *= factor);
    matrix
}
