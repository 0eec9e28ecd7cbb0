//! Devices as they come out of the fab: every draw has a name (chip, quantity, layer, device).
//!
//! The offset of a compartment is referred to its input: `s = f(v − o)`. An offset in the drive is no other
//! thing, since `v − o` obeys the same equation with `o` taken from the drive; only rails tell them apart.
//! All other spreads are relative: a device is its nominal value times a factor, so what is nominally zero
//! stays exactly zero.

use rand_distr::{Distribution, StandardNormal};

use super::faults::Faults;
use super::{Devices, Synapses, Weights, arrays, lateral};
use crate::matrix::{Matrix, Real, elementary};
use crate::random::{Key, Kind, stream};
use crate::spec::{CircuitSpec, FeedbackSynapses, MismatchSpec, SpreadKind};

/// A normally spread device is never less than this part of its nominal value.
const FLOOR: f64 = 0.01;

/// What of a device is drawn, the step of its key. The codes are part of every chip: add, never renumber.
#[derive(Clone, Copy, Debug)]
enum SpreadQuantity {
    Offset = 0,
    TimeConstant = 1,
    Gain = 2,
    Mixing = 3,
    Scale = 4,
    Synapse = 5,
    FeedbackSynapse = 6,
    LateralSynapse = 7,
    SharedTimeConstant = 8,
    SharedOffset = 9,
}

/// What all devices of a chip have in common.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shared {
    /// Factor of every time constant, if it is not that of the typical chip.
    pub time_constant: Option<f64>,
    /// Offset of every activation device (V), if there is one.
    pub offset: Option<f64>,
}

impl Shared {
    /// That of a corner, or drawn with the chip.
    pub(super) fn of(mismatch: &MismatchSpec) -> Self {
        let Some(process) = &mismatch.process else { return Self::default() };
        // Layer 0 has no devices of its own.
        let drawn = |quantity| {
            let seed = mismatch.seed.unwrap_or(0);
            normal(Key::new(seed, Kind::Mismatch).step(quantity as u32))
        };
        let (slow, high) = process.corner.sigmas().unwrap_or_else(|| {
            (drawn(SpreadQuantity::SharedTimeConstant), drawn(SpreadQuantity::SharedOffset))
        });
        let of_any = |value: f64| (value != 0.0).then_some(value);
        let distribution = mismatch.distribution;
        Self {
            time_constant: of_any(process.time_constant_spread * slow)
                .map(|deviation| of_normal(distribution, 1.0, deviation)),
            offset: of_any(process.offset_spread * high),
        }
    }
}

/// Spreads the devices of a layer, counted from 0, and moves them by what all share; so do the rates `1/τ` of
/// its compartments (plus ones, minus ones).
pub(super) fn spread<T: Real>(
    mismatch: &MismatchSpec,
    shared: Shared,
    layer: usize,
    devices: &mut Devices<T>,
    rates: (&mut [T], &mut [T]),
) {
    let Devices { gain_plus, gain_minus, mixing, offset_plus, offset_minus, .. } = devices;
    let sides = [(offset_plus, gain_plus, rates.0), (offset_minus, gain_minus, rates.1)];
    for (side, (offsets, gains, rates)) in sides.into_iter().enumerate() {
        for (neuron, trim) in offsets.iter_mut().enumerate() {
            let name = |quantity| name(mismatch, quantity, layer).device((2 * neuron + side) as u32);
            if mismatch.offset_dtod != 0.0 {
                let deviation = mismatch.offset_dtod * std::f64::consts::FRAC_1_SQRT_2;
                trim.offset = T::of(deviation * normal(name(SpreadQuantity::Offset)));
            }
            if let Some(offset) = shared.offset {
                trim.offset += T::of(offset);
            }
            let factor = |spread, quantity| factor(mismatch.distribution, spread, name(quantity));
            if let Some(factor) = factor(mismatch.scale_dtod, SpreadQuantity::Scale) {
                trim.scale = T::of(factor);
            }
            if let Some(factor) = factor(mismatch.gain_dtod, SpreadQuantity::Gain) {
                gains[neuron] *= T::of(factor);
            }
            let own = factor(mismatch.time_constant_dtod, SpreadQuantity::TimeConstant);
            for factor in own.into_iter().chain(shared.time_constant) {
                rates[neuron] /= T::of(factor);
            }
        }
    }
    for (neuron, alpha) in mixing.iter_mut().enumerate() {
        let arm = |side: usize| {
            let name = name(mismatch, SpreadQuantity::Mixing, layer).device((2 * neuron + side) as u32);
            factor(mismatch.distribution, mismatch.mixing_dtod, name)
        };
        if let (Some(plus), Some(minus)) = (arm(0), arm(1)) {
            let (plus, minus) = (*alpha * T::of(plus), (T::ONE - *alpha) * T::of(minus));
            *alpha = plus / (plus + minus);
        }
    }
}

/// What every synapse of `network` carries of what is programmed, with these spreads; `None` if all carry all
/// of it.
pub(super) fn synapses<T: Real>(
    circuit: &CircuitSpec,
    mismatch: &MismatchSpec,
    network: &[usize],
) -> Option<Synapses<T>> {
    if mismatch.synapse_dtod == 0.0 && mismatch.faults.is_none() && circuit.crossbar.is_none() {
        return None;
    }
    let mut synapses = factors(circuit, mismatch, network);
    synapses.faults = Faults::fabricate(circuit, network, &mut synapses);
    Some(synapses)
}

/// Factors of synapses that work, spread as `synapse_dtod` says.
fn factors<T: Real>(circuit: &CircuitSpec, mismatch: &MismatchSpec, network: &[usize]) -> Synapses<T> {
    let layers = |quantity| {
        let layer = |(layer, n): (usize, &[usize])| {
            let mut factors = Matrix::zeros(n[1], n[0]);
            for (neuron, mut row) in factors.row_iter_mut().enumerate() {
                // A stream per row: a device keeps its draw however wide the layer above is.
                let mut source = stream(name(mismatch, quantity, layer).device(neuron as u32));
                for factor in row.iter_mut() {
                    let z = StandardNormal.sample(&mut source);
                    *factor = T::of(of_normal(mismatch.distribution, mismatch.synapse_dtod, z));
                }
            }
            factors
        };
        network.windows(2).enumerate().map(layer).collect()
    };
    let separate = circuit.feedback.synapses == FeedbackSynapses::Separate;
    let lateral = |(layer, &neurons): (usize, &usize)| {
        let mut source = stream(name(mismatch, SpreadQuantity::LateralSynapse, layer));
        lateral::filled(neurons, !separate, |_| {
            of_normal(mismatch.distribution, mismatch.synapse_dtod, StandardNormal.sample(&mut source))
        })
    };
    Synapses {
        forward: layers(SpreadQuantity::Synapse),
        feedback: separate.then(|| layers(SpreadQuantity::FeedbackSynapse)),
        lateral: circuit.lateral.then(|| network[1..].iter().enumerate().map(lateral).collect()),
        faults: None,
        crossbar: circuit.crossbar.clone(),
    }
}

impl<T: Real> Synapses<T> {
    /// Computes the effective weights of programmed ones; biases are currents and stay, but for dead neurons.
    #[must_use]
    pub fn effective_weights(&self, weights: &Weights<T>) -> Weights<T> {
        let each = |matrices: &[Matrix<T>], factors: &[Matrix<T>]| {
            matrices.iter().zip(factors).map(|(w, factor)| w.component_mul(factor)).collect()
        };
        let own = self.feedback.as_ref().unwrap_or(&self.forward);
        let among = self.lateral.as_deref().unwrap_or_default();
        let mut effective = Weights {
            forward: each(&weights.forward, &self.forward),
            biases: weights.biases.clone(),
            feedback: weights.feedback.as_ref().map(|matrices| each(matrices, own)),
            lateral: weights.lateral.as_ref().map(|matrices| each(matrices, among)),
        };
        if let Some(faults) = &self.faults {
            faults.impose(&mut effective);
        }
        if let Some(crossbar) = &self.crossbar {
            let between = effective.forward.iter_mut().chain(effective.feedback.iter_mut().flatten());
            between.for_each(|weights| arrays::carry(crossbar, weights));
            let within = effective.lateral.iter_mut().flatten();
            within.for_each(|weights| arrays::limit(crossbar, weights));
        }
        effective
    }
}

/// The stream of the first device of a layer: devices are `2 n` and `2 n + 1` for the compartments of neuron
/// `n`.
fn name(mismatch: &MismatchSpec, quantity: SpreadQuantity, layer: usize) -> Key {
    let seed = mismatch.seed.unwrap_or(0);
    Key::new(seed, Kind::Mismatch).layer(layer as u16 + 1).step(quantity as u32)
}

/// A standard normal number.
fn normal(key: Key) -> f64 {
    StandardNormal.sample(&mut stream(key))
}

/// The factor of a device, `None` for an exact one.
fn factor(kind: SpreadKind, spread: f64, key: Key) -> Option<f64> {
    (spread != 0.0).then(|| of_normal(kind, spread, normal(key)))
}

/// The factor that a standard normal `z` stands for.
fn of_normal(kind: SpreadKind, spread: f64, z: f64) -> f64 {
    match kind {
        SpreadKind::Normal => (1.0 + spread * z).max(FLOOR),
        SpreadKind::Lognormal => elementary::exp::<f64, false>(spread * z),
    }
}
