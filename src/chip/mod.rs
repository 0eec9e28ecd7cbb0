//! What a fab would hand over: one number per device, drawn once, and the synapses between them.
//!
//! Every compartment has its own rate `1/τ`, feedback gain and offset, every dyad its own mixing `α`;
//! the ideal chip fills the arrays with equal numbers, mismatch fills them with others. Layers count
//! from 0 here (`0` is the first layer of neurons, MODEL.md's `k = 1`).

mod layout;
mod mismatch;
mod periphery;
mod sources;
mod weights;

pub use layout::Layout;
pub use periphery::Periphery;
pub use weights::Weights;

use crate::device::Activation;
use crate::matrix::Real;
use crate::noise::Sources;
use crate::spec::{CircuitSpec, NudgeSpec, Variant};

/// A fabricated chip without its synapses.
#[derive(Clone, Debug)]
pub struct Chip<T> {
    /// Where each compartment sits in a state matrix.
    pub layout: Layout,
    /// Devices, first layer of neurons first.
    pub layers: Vec<Devices<T>>,
    /// Rails `(low, high)` (V).
    pub supply: Option<(T, T)>,
    /// Rate `1/τ` of every state column (1/s).
    pub rates: Vec<T>,
    /// Slowest time constant (s).
    pub slowest: f64,
    /// Noise sources.
    pub noise: Sources,
    /// Integration time of a reading (s); 0 is an instant.
    pub readout: f64,
    /// What is around every compartment.
    pub periphery: Periphery<T>,
}

/// The devices of one layer; every array has one entry per neuron.
#[derive(Clone, Debug)]
pub struct Devices<T> {
    /// Shape of the activation device.
    pub activation: Activation,
    /// Feedback gain `a⁺`.
    pub gain_plus: Vec<T>,
    /// Feedback gain `a⁻`.
    pub gain_minus: Vec<T>,
    /// Mixing `α`.
    pub mixing: Vec<T>,
    /// Offset of the activation device of the plus compartment (V), added to that of the shape.
    pub offset_plus: Vec<T>,
    /// Offset of the activation device of the minus compartment (V).
    pub offset_minus: Vec<T>,
}

impl<T: Real> Devices<T> {
    /// Whether any compartment has an offset of its own.
    #[must_use]
    pub fn has_offsets(&self) -> bool {
        self.offset_plus.iter().chain(&self.offset_minus).any(|&o| o != T::zero())
    }
}

impl<T: Real> Chip<T> {
    /// Fabricates the chip of a description for `network` (neurons per layer, input first); without `[mismatch]` an ideal one.
    #[must_use]
    pub fn fabricate(spec: &CircuitSpec, network: &[usize]) -> Self {
        let layout = Layout::new(network);
        let (plus, minus) = gains(&spec.nudge);
        let depth = layout.depth();
        let layers = (0..depth)
            .map(|layer| {
                let shape =
                    if layer + 1 == depth { spec.neuron.output_activation } else { spec.neuron.activation };
                let n = layout.neurons(layer);
                let mut devices = Devices {
                    activation: Activation::new(&shape),
                    gain_plus: vec![T::of(plus); n],
                    gain_minus: vec![T::of(minus); n],
                    mixing: vec![T::of(spec.nudge.alpha); n],
                    offset_plus: vec![T::zero(); n],
                    offset_minus: vec![T::zero(); n],
                };
                mismatch::spread(&spec.mismatch, layer, &mut devices);
                devices
            })
            .collect();
        let slowest = periphery::time_constant(spec);
        let rates = vec![T::of(1.0 / slowest); layout.width()];
        let supply = spec.supply.map(|s| (T::of(s.low), T::of(s.high)));
        let (noise, readout) = (sources::sources(spec, &layout), spec.readout.time);
        let periphery = Periphery::fabricate(spec);
        Self { layout, layers, supply, rates, slowest, noise, readout, periphery }
    }

    /// Whether any compartment has an offset of its own: then dyads differ without a nudge, too.
    #[must_use]
    pub fn has_offsets(&self) -> bool {
        self.layers.iter().any(Devices::has_offsets)
    }

    /// The same chip with the compartments of every dyad in each other's role: what belongs to a compartment (offset,
    /// time constant, its own noise) changes places, what switches connect to a role (gain, mixing) stays.
    #[must_use]
    pub fn exchanged(&self) -> Self {
        let mut chip = self.clone();
        for (layer, devices) in chip.layers.iter_mut().enumerate() {
            std::mem::swap(&mut devices.offset_plus, &mut devices.offset_minus);
            for (plus, minus) in self.layout.plus(layer).zip(self.layout.minus(layer)) {
                chip.rates.swap(plus, minus);
                chip.noise.swap(plus, minus);
            }
        }
        chip
    }

    /// Refreshes the slowest time constant after `rates` were filled anew.
    pub fn retime(&mut self) {
        let slowest = self.rates.iter().map(|r| 1.0 / r.to_f64()).fold(0.0, f64::max);
        self.slowest = slowest;
    }
}

/// Feedback gains `(a⁺, a⁻)` of a nudge (MODEL.md §2).
#[must_use]
pub fn gains(nudge: &NudgeSpec) -> (f64, f64) {
    match nudge.variant {
        Variant::Dp => (nudge.alpha, 1.0 - nudge.alpha),
        Variant::DpTranspose => (1.0 - nudge.alpha, nudge.alpha),
        Variant::Custom { plus, minus } => (plus, minus),
    }
}
