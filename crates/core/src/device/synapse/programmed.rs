//! An array of devices that are programmed to a target, drift and are read with noise.
//!
//! A device keeps what its last programming drew: how far it is off its target, in deviations, and how it
//! drifts. The conductance at any time is a function of those, so that a reading changes nothing, and what is
//! programmed is also what drifts.

use rand_distr::{Distribution, StandardNormal};

use super::curve::deviation;
use super::{Description, Site, Synapses};
use crate::random::{Kind, stream};
use crate::spec::devices::{Change, ProgrammedSpec};

/// A pulse moves a target by this share of the range: programming by increments.
pub const LEVELS: f64 = 256.0;

/// Devices that are programmed to a target (µS).
#[derive(Clone, Debug)]
pub struct Programmed {
    spec: ProgrammedSpec,
    site: Site,
    /// Targets (µS).
    targets: Vec<f64>,
    /// How far each is off, in deviations.
    off: Vec<f32>,
    /// What drift drew: ν, or deviations.
    drift: Vec<f32>,
    /// When each was programmed (s).
    since: Vec<f64>,
    /// Time that has passed (s).
    now: f64,
}

impl Programmed {
    /// `count` devices at the smallest target, without an error until they are programmed.
    pub fn new(spec: ProgrammedSpec, count: usize, site: Site) -> Self {
        let targets = vec![spec.low; count];
        let zeros = vec![0.0; count];
        Self { spec, site, targets, off: zeros.clone(), drift: zeros, since: vec![0.0; count], now: 0.0 }
    }

    /// Targets (µS).
    pub fn targets(&self) -> &[f64] {
        &self.targets
    }

    /// What the conductance (µS) of a device is now, without noise of readings.
    pub fn conductance(&self, device: usize) -> f64 {
        let (target, time) = (self.targets[device], self.now - self.since[device]);
        let error = deviation(&self.spec.error, time, target) * f64::from(self.off[device]);
        let at_first = (target + error).max(0.0);
        let drift = f64::from(self.drift[device]);
        match self.spec.change {
            None => at_first,
            Some(Change::Power { from, .. }) => at_first * ((time + from) / from).powf(-drift),
            Some(Change::Logarithm { mean, slope, offset }) => {
                if time < 1.0 {
                    return at_first;
                }
                (at_first + mean * time.ln() + (slope * time.ln() + offset) * drift).max(0.0)
            }
        }
    }

    /// Standard deviation (µS) of a reading now.
    pub fn reading_deviation(&self, device: usize) -> f64 {
        let Some(reading) = &self.spec.reading else { return 0.0 };
        let from = match self.spec.change {
            Some(Change::Power { from, .. }) => from,
            Some(Change::Logarithm { .. }) | None => 0.0,
        };
        let time = self.now - self.since[device] + from;
        let grown =
            reading.window.map_or(1.0, |window| ((time + window) / (2.0 * window)).ln().max(0.0).sqrt());
        let of = if reading.relative { self.conductance(device) } else { 1.0 };
        of * reading.strength.at(self.targets[device]) * grown
    }

    fn write(&mut self, device: usize, target: f64, event: u32) {
        let target = target.clamp(self.spec.low, self.spec.high);
        let mut stream = stream(self.site.key(Kind::DeviceWrite, device, event));
        let [off, drift]: [f64; 2] = std::array::from_fn(|_| StandardNormal.sample(&mut stream));
        self.targets[device] = target;
        self.off[device] = off as f32;
        self.since[device] = self.now;
        self.drift[device] = match &self.spec.change {
            Some(Change::Power { mean, deviation, .. }) => {
                (mean.at(target) + deviation.at(target) * drift).abs() as f32
            }
            Some(Change::Logarithm { .. }) | None => drift as f32,
        };
    }
}

impl Synapses for Programmed {
    fn len(&self) -> usize {
        self.targets.len()
    }

    fn pulse(&mut self, counts: &[i8], event: u32) {
        let level = (self.spec.high - self.spec.low) / LEVELS;
        for device in (0..self.len().min(counts.len())).filter(|&device| counts[device] != 0) {
            self.write(device, self.targets[device] + level * f64::from(counts[device]), event);
        }
    }

    fn program(&mut self, targets: &[f64], event: u32) {
        for (device, &target) in (0..self.len()).zip(targets) {
            self.write(device, target, event);
        }
    }

    fn read(&self, event: u32, weights: &mut [f64]) {
        for (device, weight) in weights.iter_mut().enumerate() {
            *weight = self.conductance(device);
            let deviation = self.reading_deviation(device);
            if deviation > 0.0 {
                let xi: f64 =
                    StandardNormal.sample(&mut stream(self.site.key(Kind::DeviceRead, device, event)));
                *weight += deviation * xi;
            }
        }
    }

    fn relax(&mut self, time: f64) {
        self.now += time;
    }

    fn describe(&self) -> Description {
        Description { unit: "µS", time: "s", low: self.spec.low, high: self.spec.high }
    }
}
