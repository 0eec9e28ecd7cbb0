//! The parameters of devices, in groups of one kind, side and layer.

use dyadsim_core::chip::{Chip, Weights};
use dyadsim_core::spec::MismatchSpec;

/// A kind of parameter of a device, with what one unit of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceParameter {
    /// Offset of an activation device, referred to its input (V).
    Offset,
    /// Scale of an activation device, a factor of its shape's.
    Scale,
    /// Feedback gain `a±`.
    Gain,
    /// Mixing `α`.
    Mixing,
    /// Bias (V).
    Bias,
    /// Time constant, relative.
    TimeConstant,
    /// What a synapse carries of what is programmed, a factor; where one crossbar is read both ways, on both
    /// ways.
    Synapse,
    /// The same of a feedback synapse that is a device of its own.
    FeedbackSynapse,
}

/// A compartment of a dyad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `v⁺`.
    Plus,
    /// `v⁻`.
    Minus,
}

/// Devices of one kind in one layer (from 0), one per neuron or per synapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// What of them.
    pub quantity: DeviceParameter,
    /// Which compartment has them, if it is one of the two.
    pub side: Option<Side>,
    /// Layer, from 0.
    pub layer: usize,
}

impl Group {
    /// Lists the groups of a chip with these synapses, layer by layer.
    #[must_use]
    pub fn all(chip: &Chip<f64>, weights: &Weights<f64>) -> Vec<Self> {
        let own = [
            DeviceParameter::Offset,
            DeviceParameter::Scale,
            DeviceParameter::Gain,
            DeviceParameter::TimeConstant,
        ];
        let sides = own.into_iter().flat_map(|q| [(q, Some(Side::Plus)), (q, Some(Side::Minus))]);
        let whole = [
            DeviceParameter::Mixing,
            DeviceParameter::Bias,
            DeviceParameter::Synapse,
            DeviceParameter::FeedbackSynapse,
        ];
        let kinds: Vec<_> = sides.chain(whole.map(|q| (q, None))).collect();
        let there = |group: &Self| {
            group.quantity != DeviceParameter::FeedbackSynapse
                || (weights.feedback.is_some() && group.layer > 0)
        };
        (0..chip.layout.depth())
            .flat_map(|layer| kinds.iter().map(move |&(quantity, side)| Self { quantity, side, layer }))
            .filter(there)
            .collect()
    }

    /// Returns the number of devices.
    #[must_use]
    pub fn devices(&self, weights: &Weights<f64>) -> usize {
        match self.quantity {
            DeviceParameter::Synapse | DeviceParameter::FeedbackSynapse => weights.forward[self.layer].len(),
            _ => weights.forward[self.layer].nrows(),
        }
    }

    /// Returns neuron and input of a synapse by its number.
    #[must_use]
    pub fn synapse(&self, device: usize, weights: &Weights<f64>) -> (usize, usize) {
        let inputs = weights.forward[self.layer].ncols();
        (device / inputs, device % inputs)
    }

    /// Says whether the parameter moves equilibria; time constants move none.
    #[must_use]
    pub fn moves_equilibria(&self) -> bool {
        self.quantity != DeviceParameter::TimeConstant
    }

    /// Returns the name in tables, without the layer.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match (self.quantity, self.side) {
            (DeviceParameter::Offset, Some(Side::Minus)) => "offset_minus",
            (DeviceParameter::Offset, _) => "offset_plus",
            (DeviceParameter::Scale, Some(Side::Minus)) => "scale_minus",
            (DeviceParameter::Scale, _) => "scale_plus",
            (DeviceParameter::Gain, Some(Side::Minus)) => "gain_minus",
            (DeviceParameter::Gain, _) => "gain_plus",
            (DeviceParameter::TimeConstant, Some(Side::Minus)) => "time_constant_minus",
            (DeviceParameter::TimeConstant, _) => "time_constant_plus",
            (DeviceParameter::Mixing, _) => "mixing",
            (DeviceParameter::Bias, _) => "bias",
            (DeviceParameter::Synapse, _) => "synapse",
            (DeviceParameter::FeedbackSynapse, _) => "feedback_synapse",
        }
    }

    /// Returns the name of a device: group, layer from 1, neuron from 0, and of a synapse the input from 0.
    #[must_use]
    pub fn device_name(&self, device: usize, weights: &Weights<f64>) -> String {
        let (group, layer) = (self.name(), self.layer + 1);
        match self.quantity {
            DeviceParameter::Synapse | DeviceParameter::FeedbackSynapse => {
                let (neuron, input) = self.synapse(device, weights);
                format!("{group}.{layer}.{neuron}.{input}")
            }
            _ => format!("{group}.{layer}.{device}"),
        }
    }

    /// Returns the standard deviation that `mismatch` gives a device around its present value, to first
    /// order; 0 without a spread.
    #[must_use]
    pub fn spread(&self, mismatch: &MismatchSpec, chip: &Chip<f64>, device: usize) -> f64 {
        let devices = &chip.layers[self.layer];
        let trim = || match self.side {
            Some(Side::Minus) => devices.offset_minus[device],
            _ => devices.offset_plus[device],
        };
        let gain = || match self.side {
            Some(Side::Minus) => devices.gain_minus[device],
            _ => devices.gain_plus[device],
        };
        match self.quantity {
            // Of the two compartments' difference.
            DeviceParameter::Offset => mismatch.offset_dtod * std::f64::consts::FRAC_1_SQRT_2,
            DeviceParameter::Scale => mismatch.scale_dtod * trim().scale,
            DeviceParameter::Gain => mismatch.gain_dtod * gain().abs(),
            // Two conductances as α to 1 − α, each with the spread: dα = α (1 − α) (ε − ε').
            DeviceParameter::Mixing => {
                let alpha = devices.mixing[device];
                mismatch.mixing_dtod * std::f64::consts::SQRT_2 * (alpha * (1.0 - alpha)).abs()
            }
            DeviceParameter::Bias => 0.0,
            DeviceParameter::TimeConstant => mismatch.time_constant_dtod,
            DeviceParameter::Synapse | DeviceParameter::FeedbackSynapse => {
                mismatch.synapse_dtod * self.factor(chip, device)
            }
        }
    }

    /// Returns what a synapse of this chip carries of what is programmed.
    fn factor(&self, chip: &Chip<f64>, device: usize) -> f64 {
        let Some(synapses) = &chip.synapses else { return 1.0 };
        let own = synapses.feedback.as_ref().filter(|_| self.quantity == DeviceParameter::FeedbackSynapse);
        let factors = &own.unwrap_or(&synapses.forward)[self.layer];
        factors[(device / factors.ncols(), device % factors.ncols())]
    }
}
