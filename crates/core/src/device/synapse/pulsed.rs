//! An array of devices that move by pulses, one device a weight.

use rand_distr::{Distribution, StandardNormal};

use super::constant::Constant;
use super::exponential::Exponential;
use super::ideal::Ideal;
use super::linear::Linear;
use super::piecewise::Piecewise;
use super::power::Power;
use super::soft_bounds::SoftBounds;
use super::spread::Devices;
use super::step::{One, Step};
use super::{Description, Site, Synapses};
use crate::random::{Kind, stream};
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

    /// Draws anew what a weight is seen off its device.
    fn wrote(&mut self, device: usize, event: u32) {
        if let Some(seen) = self.seen.get_mut(device) {
            let mut stream = stream(self.site.key(Kind::DeviceWrite, device, event));
            let xi: f64 = StandardNormal.sample(&mut stream);
            *seen = (self.spec.write_noise * self.spec.step * xi) as f32;
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

/// Pulses of an event, for every device.
struct Pulses<'a> {
    devices: &'a Devices,
    site: Site,
    noise: f64,
    states: &'a mut [f64],
    counts: &'a [i8],
    event: u32,
}

impl Visit for Pulses<'_> {
    type Output = ();

    fn visit(self, step: &impl Step) {
        for (device, (state, &count)) in self.states.iter_mut().zip(self.counts).enumerate() {
            if count == 0 {
                continue;
            }
            let one = self.devices.one(device);
            let up = count > 0;
            let sign = if up { 1.0 } else { -1.0 };
            let mut at = *state;
            if self.noise == 0.0 {
                for _ in 0..count.unsigned_abs() {
                    at = (at + sign * step.pulse(up, at, &one).0).clamp(one.low, one.high);
                }
            } else {
                let mut stream = stream(self.site.key(Kind::DevicePulse, device, self.event));
                for _ in 0..count.unsigned_abs() {
                    let xi: f64 = StandardNormal.sample(&mut stream);
                    let (mean, factor) = step.pulse(up, at, &one);
                    at = (at + sign * (mean + self.noise * factor * xi)).clamp(one.low, one.high);
                }
            }
            *state = at;
        }
    }
}

impl Synapses for Pulsed {
    fn len(&self) -> usize {
        self.states.len()
    }

    fn pulse(&mut self, counts: &[i8], event: u32) {
        let Self { spec, site, devices, states, .. } = self;
        let pulses = Pulses { devices, site: *site, noise: spec.step_noise, states, counts, event };
        with_step(&spec.step_model, pulses);
        if !self.seen.is_empty() {
            let written = (0..self.len().min(counts.len())).filter(|&device| counts[device] != 0);
            written.for_each(|device| self.wrote(device, event));
        }
    }

    fn program(&mut self, targets: &[f64], event: u32) {
        for (device, target) in (0..self.len()).zip(targets) {
            let one = self.devices.one(device);
            self.states[device] = (target + self.devices.reference(device)).clamp(one.low, one.high);
            self.wrote(device, event);
        }
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
