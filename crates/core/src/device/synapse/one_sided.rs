//! Weights of two devices that only move up, read as their difference, refreshed before they are full.
//!
//! A refresh resets both devices of a pair and brings back their difference by pulses on one of them
//! (Nandakumar et al., Front. Neurosci. 14, 406, 2020). It is due when a device has come to a share of its
//! upper bound.

use rand_distr::{Distribution, StandardNormal};

use super::pulsed::Pulsed;
use super::{Description, Site, Synapses};
use crate::random::{Kind, stream};
use crate::spec::devices::{OneSided as Pair, PulsedSpec};

/// Most pulses of a refresh: as many as an event can have.
const MOST: i8 = i8::MAX;

/// Pairs of devices, one after the other: that of the positive part, that of the negative part.
#[derive(Clone, Debug)]
pub struct OneSided {
    devices: Pulsed,
    pair: Pair,
}

impl OneSided {
    /// Draws `2 count` devices, each at its reset.
    pub fn new(spec: PulsedSpec, pair: Pair, count: usize, site: Site) -> Self {
        let devices = Pulsed::new(spec, 2 * count, site);
        let mut all = Self { devices, pair };
        (0..2 * count).for_each(|device| all.reset(device, 0));
        all
    }

    /// Brings a device to where a reset leaves it.
    fn reset(&mut self, device: usize, event: u32) {
        let xi: f64 = if self.pair.reset_noise > 0.0 {
            StandardNormal.sample(&mut stream(self.devices.site.key(Kind::DeviceWrite, device, event)))
        } else {
            0.0
        };
        let one = self.devices.devices.one(device);
        let state = self.pair.reset + self.pair.reset_noise * xi;
        self.devices.states[device] = state.clamp(one.low, one.high);
    }

    /// Refreshes those pairs of which a device is nearly full; tells how many.
    pub fn refresh(&mut self, event: u32) -> usize {
        let mut done = 0;
        for weight in 0..self.len() {
            let full = |device: usize| {
                self.devices.states[device] >= self.pair.refresh_at * self.devices.devices.one(device).high
            };
            if full(2 * weight) || full(2 * weight + 1) {
                let wanted = self.devices.states[2 * weight] - self.devices.states[2 * weight + 1];
                self.bring(weight, wanted, event);
                done += 1;
            }
        }
        done
    }

    /// Resets a pair and brings one of its devices up until their difference is nearest to what is wanted, by
    /// mean pulses.
    fn bring(&mut self, weight: usize, wanted: f64, event: u32) {
        let pair = [2 * weight, 2 * weight + 1];
        pair.into_iter().for_each(|device| self.reset(device, event));
        let [mine, other] = if wanted >= 0.0 { pair } else { [pair[1], pair[0]] };
        let one = self.devices.devices.one(mine);
        let target = wanted.abs() + self.devices.states[other];
        for _ in 0..MOST {
            let at = self.devices.states[mine];
            let step = self.devices.mean_step(true, at, &one);
            if step <= 0.0 || at + 0.5 * step > target {
                break;
            }
            self.devices.states[mine] = (at + step).min(one.high);
        }
    }
}

impl Synapses for OneSided {
    fn len(&self) -> usize {
        self.devices.len() / 2
    }

    fn pulse(&mut self, counts: &[i8], event: u32) {
        let up = |count: i8| [count.max(0), count.min(0).saturating_neg()];
        let each: Vec<i8> = counts.iter().flat_map(|&count| up(count)).collect();
        self.devices.pulse(&each, event);
        self.refresh(event);
    }

    fn program(&mut self, targets: &[f64], event: u32) {
        for (weight, &target) in (0..self.len()).zip(targets) {
            self.bring(weight, target, event);
        }
    }

    fn read(&self, event: u32, weights: &mut [f64]) {
        let mut each = vec![0.0; self.devices.len()];
        self.devices.read(event, &mut each);
        for (weight, pair) in weights.iter_mut().zip(each.chunks_exact(2)) {
            *weight = pair[0] - pair[1];
        }
    }

    fn relax(&mut self, time: f64) {
        self.devices.relax(time);
    }

    fn describe(&self) -> Description {
        let one = self.devices.describe();
        Description { low: one.low - one.high, high: one.high - one.low, ..one }
    }
}
