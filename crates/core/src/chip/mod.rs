//! What a fab would hand over: one number per device, drawn once, and the synapses between them.
//!
//! Every compartment has its own rate `1/τ`, feedback gain and activation device, every dyad its own mixing
//! `α`; the ideal chip fills the arrays with equal numbers, mismatch fills them with others. Layers count
//! from 0 here (`0` is the first layer of neurons, docs/model.md's `k = 1`).

mod arrays;
mod faults;
mod lateral;
mod layout;
mod mismatch;
mod periphery;
mod sources;
mod weights;

pub use faults::Faults;
pub use lateral::close_lateral;
pub use layout::Layout;
pub use periphery::Periphery;
pub use weights::Weights;

use std::borrow::Cow;

use crate::device::{Activation, DeviceOffset};
use crate::matrix::{Matrix, Real};
use crate::noise::Sources;
use crate::spec::{CircuitSpec, CrossbarSpec, NudgeSpec, Variant};

/// A fabricated chip without its synapses.
#[derive(Clone, Debug)]
pub struct Chip<T> {
    /// Columns of the compartments in a state matrix.
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
    /// Periphery of every compartment.
    pub periphery: Periphery<T>,
    /// Gain factors of the synapses and their faults; `None` if all are exact.
    pub synapses: Option<Synapses<T>>,
}

/// Factors of the synapses of a chip.
#[derive(Clone, Debug)]
pub struct Synapses<T> {
    /// Factors of `W_k`, `[n_k × n_{k−1}]`.
    pub forward: Vec<Matrix<T>>,
    /// Factors of `F_k`, where feedback synapses are devices of their own.
    pub feedback: Option<Vec<Matrix<T>>>,
    /// Factors of `L_k`, where neurons of a layer speak to each other.
    pub lateral: Option<Vec<Matrix<T>>>,
    /// Devices that do not work; `None` if all do. Factors of stuck synapses are 0.
    pub faults: Option<Faults<T>>,
    /// The arrays that synapses are devices of; `None` if weights have no limit and wires are perfect.
    pub crossbar: Option<CrossbarSpec>,
}

/// The devices of one layer; every array has one entry per neuron, those of minus compartments none where
/// neurons have one compartment.
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
    /// Offsets and scales of the activation devices of the plus compartments.
    pub offset_plus: Vec<DeviceOffset<T>>,
    /// Offsets and scales of those of the minus compartments.
    pub offset_minus: Vec<DeviceOffset<T>>,
}

impl<T: Real> Devices<T> {
    /// Returns whether any compartment's activation device is not that of the shape.
    #[must_use]
    pub fn has_device_offsets(&self) -> bool {
        self.offset_plus.iter().chain(&self.offset_minus).any(|&trim| trim != DeviceOffset::NONE)
    }
}

impl<T: Real> Chip<T> {
    /// Fabricates the chip of a description for `network` (neurons per layer, input first); without
    /// `[mismatch]` an ideal one.
    #[must_use]
    pub fn fabricate(spec: &CircuitSpec, network: &[usize]) -> Self {
        let layout = Layout::of(spec.kind(), network);
        let hidden = spec.nudge.of_hidden();
        let slowest = periphery::time_constant(spec);
        let mut rates = vec![T::of(1.0 / slowest); layout.width()];
        let depth = layout.depth();
        let (spreads, shared) = (spec.spreads(), mismatch::Shared::of(&spec.mismatch));
        let layers = (0..depth)
            .map(|layer| {
                let (shape, nudge) = if layer + 1 == depth {
                    (spec.neuron.output_activation, &spec.nudge)
                } else {
                    (spec.neuron.activation, &hidden)
                };
                let (plus, minus) = gains(nudge);
                let (n, m) = (layout.neurons(layer), layout.minus(layer).len());
                let mut devices = Devices {
                    activation: Activation::new(&shape),
                    gain_plus: vec![T::of(plus); n],
                    gain_minus: vec![T::of(minus); m],
                    mixing: vec![T::of(nudge.alpha); n],
                    offset_plus: vec![DeviceOffset::NONE; n],
                    offset_minus: vec![DeviceOffset::NONE; m],
                };
                let rates = rates[layout.layer(layer)].split_at_mut(n);
                mismatch::spread(&spreads, shared, layer, &mut devices, rates);
                devices
            })
            .collect();
        let supply = spec.supply.map(|s| (T::of(s.low), T::of(s.high)));
        let (noise, readout) = (sources::sources(spec, &layout), spec.readout.time);
        let periphery = Periphery::fabricate(spec);
        let synapses = mismatch::synapses(spec, &spreads, network);
        let mut chip = Self { layout, layers, supply, rates, slowest, noise, readout, periphery, synapses };
        if spreads.time_constant_dtod != 0.0 || shared.time_constant.is_some() {
            chip.refresh_slowest();
        }
        chip
    }

    /// Returns whether any compartment's activation device differs from its shape: then dyads differ without
    /// a nudge, too.
    #[must_use]
    pub fn has_device_offsets(&self) -> bool {
        self.layers.iter().any(Devices::has_device_offsets)
    }

    /// Returns whether a slope may jump: at a kink of a device, at a rail, or at a slew limit.
    #[must_use]
    pub fn is_kinked(&self) -> bool {
        let devices = self.layers.iter().any(|devices| !devices.activation.kinks().is_empty());
        devices || self.periphery.slew.is_some() || self.supply.is_some()
    }

    /// Returns the effective weights of this chip's synapses for programmed `weights`.
    #[must_use]
    pub fn effective_weights<'a>(&self, weights: &'a Weights<T>) -> Cow<'a, Weights<T>> {
        match &self.synapses {
            Some(synapses) => Cow::Owned(synapses.effective_weights(weights)),
            None => Cow::Borrowed(weights),
        }
    }

    /// The same chip with the compartments of every dyad in each other's role: what belongs to a compartment
    /// (activation device, time constant, its own noise) changes places, what switches connect to a role
    /// (gain, mixing) stays.
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

    /// Returns the standard deviation of the potential of a compartment on its own (V), the first one, by the
    /// white and the flicker noise of its devices.
    #[must_use]
    pub fn noise_alone(&self) -> f64 {
        let rate = self.rates[0].to_f64();
        // A low-pass of rate r leaves S r/4 of white noise, and of a process of rate p the share r/(r + p).
        let white = self.noise.white.first().map_or(0.0, |psd| psd * rate / 4.0);
        let poles = self.noise.poles.iter().map(|pole| pole.variance[0] * rate / (rate + pole.rate));
        (white + poles.sum::<f64>()).sqrt()
    }

    /// Refreshes the slowest time constant after `rates` were filled anew.
    pub fn refresh_slowest(&mut self) {
        let slowest = self.rates.iter().map(|r| 1.0 / r.to_f64()).fold(0.0, f64::max);
        self.slowest = slowest;
    }
}

/// Feedback gains `(a⁺, a⁻)` of the output layer of a nudge (docs/model.md §2); of the hidden ones:
/// [`NudgeSpec::of_hidden`].
#[must_use]
pub fn gains(nudge: &NudgeSpec) -> (f64, f64) {
    match nudge.variant {
        Variant::Dp => (nudge.alpha, 1.0 - nudge.alpha),
        Variant::DpTranspose => (1.0 - nudge.alpha, nudge.alpha),
        Variant::Custom { plus, minus } => (plus, minus),
    }
}
