//! An array of devices that move by pulses, one device a weight.

use super::constant::Constant;
use super::exponential::Exponential;
use super::ideal::Ideal;
use super::linear::Linear;
use super::piecewise::Piecewise;
use super::power::Power;
use super::soft_bounds::SoftBounds;
use super::spread::{Block, Devices};
use super::step::{One, Step};
use super::{Description, Site, Synapses};
use crate::matrix::dispatch::{self, Kernel};
use crate::noise::gaussian;
use crate::random::{Key, Kind};
use crate::spec::devices::{PulsedSpec, StepSpec};

/// Devices that move by pulses.
#[derive(Clone, Debug)]
pub struct Pulsed {
    pub(super) spec: PulsedSpec,
    pub(super) site: Site,
    pub(super) devices: Devices,
    /// Where every device is, its reference not taken off.
    pub(super) states: Vec<f64>,
    /// What every weight is seen off that after its last write; empty without such noise.
    seen: Vec<f32>,
}

impl Pulsed {
    /// Draws `count` devices, each where weights are 0.
    pub fn new(spec: PulsedSpec, count: usize, site: Site) -> Self {
        let devices = Devices::draw(&spec, count, site);
        let states = (0..count).map(|device| devices.reference(device)).collect();
        let seen = if spec.write_noise > 0.0 { vec![0.0; count] } else { Vec::new() };
        Self { spec, site, devices, states, seen }
    }

    /// Constants of the devices.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Where every device is, without reference and without what a write adds.
    pub fn states(&self) -> &[f64] {
        &self.states
    }

    /// The weight at which a device moves as far up as down, found by halving; `None` if it does so nowhere
    /// or everywhere.
    pub fn symmetry_point(&self, device: usize) -> Option<f64> {
        let one = self.devices.one(device);
        let excess = |state: f64| self.mean_step(true, state, &one) - self.mean_step(false, state, &one);
        let (mut low, mut high) = (one.low, one.high);
        let falls = excess(low) > 0.0 && excess(high) < 0.0;
        if !falls {
            return None;
        }
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if excess(middle) > 0.0 { low = middle } else { high = middle }
        }
        Some(0.5 * (low + high) - self.devices.reference(device))
    }

    /// Mean step of a pulse.
    pub(super) fn mean_step(&self, up: bool, state: f64, one: &One) -> f64 {
        struct Mean<'a>(bool, f64, &'a One);
        impl Visit for Mean<'_> {
            type Output = f64;

            fn visit(self, step: &impl Step) -> f64 {
                step.pulse(self.0, self.1, self.2).0
            }
        }
        with_step(&self.spec.step_model, Mean(up, state, one))
    }

    /// Draws anew what weights are seen off their devices, where these were written.
    fn wrote(&mut self, event: u32, written: impl Fn(usize) -> bool) {
        let size = (self.spec.write_noise * self.spec.step) as f32;
        let key = self.site.key(Kind::DeviceWrite, 0, event);
        let mut normals = [0.0_f32; BLOCK];
        for (block, seen) in self.seen.chunks_mut(BLOCK).enumerate() {
            let first = block * BLOCK;
            gaussian::fill(key, first as u64, &mut normals[..seen.len()]);
            for (device, (seen, xi)) in (first..).zip(seen.iter_mut().zip(&normals)) {
                *seen = if written(device) { size * xi } else { *seen };
            }
        }
    }
}

/// Work that is compiled for every model of a step.
pub(super) trait Visit {
    type Output;

    fn visit(self, step: &impl Step) -> Self::Output;
}

/// Does the work with the step of a description.
pub(super) fn with_step<V: Visit>(spec: &StepSpec, work: V) -> V::Output {
    match spec {
        StepSpec::Ideal => work.visit(&Ideal),
        StepSpec::Constant => work.visit(&Constant),
        StepSpec::Linear { additive, .. } => work.visit(&Linear { additive: *additive }),
        StepSpec::SoftBounds { additive, .. } => work.visit(&SoftBounds { additive: *additive }),
        &StepSpec::Exponential { a, b, gamma, amplitude, noise_add, noise_slope } => {
            work.visit(&Exponential { a, b, gamma, amplitude, noise_add, noise_slope })
        }
        StepSpec::Power { .. } => work.visit(&Power),
        StepSpec::Piecewise { up, down } => work.visit(&Piecewise { up: up.clone(), down: down.clone() }),
    }
}

/// Devices that are pulsed together: their normal numbers lie in the first cache.
const BLOCK: usize = 1024;

/// Pulses of an event, for every device.
struct Pulses<'a> {
    devices: &'a Devices,
    key: Key,
    noise: f64,
    states: &'a mut [f64],
    counts: &'a [i8],
}

impl Visit for Pulses<'_> {
    type Output = ();

    fn visit(self, step: &impl Step) {
        dispatch::run(Event { pulses: self, step });
    }
}

/// [`Pulses`] as a loop: pulse by pulse over a block of devices, those that get no more standing still. The
/// normal number of a device's pulse `k` is number `k · stride + device` of the event's stream.
struct Event<'a, 'b, S> {
    pulses: Pulses<'a>,
    step: &'b S,
}

impl<S: Step> Kernel for Event<'_, '_, S> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Pulses { devices, key, noise, states, counts } = self.pulses;
        let stride = states.len().next_multiple_of(BLOCK) as u64;
        let mut normals = [0.0_f32; BLOCK];
        let blocks = states.chunks_mut(BLOCK).zip(counts.chunks(BLOCK)).enumerate();
        for (block, (states, counts)) in blocks {
            let first = block * BLOCK;
            let constants = devices.block(first, states.len().min(counts.len()));
            let most = counts.iter().map(|count| count.unsigned_abs()).max().unwrap_or(0);
            for k in 0..most {
                if noise > 0.0 {
                    let from = u64::from(k) * stride + first as u64;
                    gaussian::fill(key, from, &mut normals[..states.len()]);
                }
                let round = Round { step: self.step, noise, counts, k, normals: &normals };
                if constants.extra.is_empty() {
                    round.pulse::<false>(&constants, states);
                } else {
                    round.pulse::<true>(&constants, states);
                }
            }
        }
    }
}

/// One pulse to those devices of a block that get more than `k`.
struct Round<'a, S> {
    step: &'a S,
    noise: f64,
    counts: &'a [i8],
    k: u8,
    normals: &'a [f32],
}

impl<S: Step> Round<'_, S> {
    #[inline(always)]
    fn pulse<const EXTRA: bool>(&self, constants: &Block<'_>, states: &mut [f64]) {
        let n = constants.up.len();
        let (counts, normals, states) = (&self.counts[..n], &self.normals[..n], &mut states[..n]);
        let (down, high, low) = (&constants.down[..n], &constants.high[..n], &constants.low[..n]);
        let extra = if EXTRA { &constants.extra[..n] } else { &[][..] };
        for device in 0..n {
            let one = One {
                up: f64::from(constants.up[device]),
                down: f64::from(down[device]),
                high: f64::from(high[device]),
                low: f64::from(low[device]),
                extra: if EXTRA { extra[device].map(f64::from) } else { [0.0; 2] },
            };
            let (count, at) = (counts[device], states[device]);
            let up = count > 0;
            let (mean, factor) = self.step.pulse(up, at, &one);
            let step = mean + self.noise * factor * f64::from(normals[device]);
            let moved = (at + if up { step } else { -step }).max(one.low).min(one.high);
            states[device] = if count.unsigned_abs() > self.k { moved } else { at };
        }
    }
}

impl Synapses for Pulsed {
    fn len(&self) -> usize {
        self.states.len()
    }

    fn pulse(&mut self, counts: &[i8], event: u32) {
        let Self { spec, site, devices, states, .. } = self;
        let key = site.key(Kind::DevicePulse, 0, event);
        with_step(&spec.step_model, Pulses { devices, key, noise: spec.step_noise, states, counts });
        self.wrote(event, |device| counts.get(device).is_some_and(|&count| count != 0));
    }

    fn program(&mut self, targets: &[f64], event: u32) {
        for (device, target) in (0..self.len()).zip(targets) {
            let one = self.devices.one(device);
            self.states[device] = (target + self.devices.reference(device)).clamp(one.low, one.high);
        }
        self.wrote(event, |device| device < targets.len());
    }

    fn read(&self, _: u32, weights: &mut [f64]) {
        for (device, (weight, state)) in weights.iter_mut().zip(&self.states).enumerate() {
            let seen = self.seen.get(device).copied().map_or(0.0, f64::from);
            *weight = state - self.devices.reference(device) + seen;
        }
    }

    fn relax(&mut self, time: f64) {
        let Some(life) = self.spec.lifetime.filter(|_| time > 0.0) else { return };
        for (state, &leak) in self.states.iter_mut().zip(&self.devices.leak) {
            let kept = (time * f64::from(leak).ln_1p()).exp();
            *state = (*state - life.rest) * kept + life.rest;
        }
    }

    fn describe(&self) -> Description {
        Description { unit: "", time: "updates", low: self.spec.bounds.down, high: self.spec.bounds.up }
    }
}
