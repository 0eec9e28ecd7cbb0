//! Synapse devices: what pulses, writes, time and readings do to the conductance that holds a weight.
//!
//! An array holds the devices of one layer of one chip, a number beside a number ([`Pulsed`], [`OneSided`],
//! [`Programmed`]); a model of a step is a file (`step::Step`). All that is random is a pure function of
//! (seed, chip, layer, device, event): arrays that get the same events hold the same bytes, in whatever
//! order their devices are visited.
//!
//! | file | model | after |
//! | --- | --- | --- |
//! | `ideal` | exact steps | – |
//! | `constant` | the same step everywhere | Gokmen & Vlasov 2016 |
//! | `linear` | a step that falls with the weight | Li 2018, Tang 2018, Kim 2019 |
//! | `soft_bounds` | a step that vanishes at a bound; a reference | Gong 2018, Gong & Rasch 2022 |
//! | `exponential` | a step with an exponential, and noise of its own | Gong 2018, Nandakumar 2020 |
//! | `power` | a step that is a power of the range that is left | – |
//! | `piecewise` | a step through given points | – |
//! | `one_sided` | two devices that only move up, with refresh | Nandakumar 2020 |
//! | `programmed` | an error of programming, drift, noise of readings | Nandakumar 2019 and others |

mod constant;
mod curve;
mod exponential;
mod ideal;
mod linear;
mod one_sided;
mod piecewise;
mod power;
mod programmed;
mod pulsed;
mod soft_bounds;
mod spread;
mod step;

use crate::random::{Key, Kind};
use crate::spec::devices::{Preset, PulsedSpec};

pub use one_sided::OneSided;
pub use programmed::Programmed;
pub use pulsed::Pulsed;
pub use spread::Devices;

/// Where an array stands; with a device and an event it names all that is random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Seed of the run.
    pub seed: u64,
    /// Chip.
    pub chip: u32,
    /// Layer, as in docs/model.md.
    pub layer: u16,
}

impl Site {
    /// The stream of a device in an event.
    fn key(self, kind: Kind, device: usize, event: u32) -> Key {
        Key { seed: self.seed, trial: self.chip, kind, layer: self.layer, device: device as u32, step: event }
    }
}

/// What an array holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Description {
    /// Unit of what is programmed and read: µS, or none for relative weights.
    pub unit: &'static str,
    /// Unit of the time that [`Synapses::relax`] takes.
    pub time: &'static str,
    /// Least mean value.
    pub low: f64,
    /// Greatest mean value.
    pub high: f64,
}

/// An array of synapse devices.
pub trait Synapses: Send + Sync {
    /// Number of weights.
    fn len(&self) -> usize;

    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives every device so many pulses, up if positive, and counts as one write of each that gets some.
    fn pulse(&mut self, counts: &[i8], event: u32);

    /// Brings every device to its target, as near as a closed loop of pulses can: within its bounds, and with
    /// the error of a write.
    fn program(&mut self, targets: &[f64], event: u32);

    /// Reads every weight, in [`Description::unit`]; a reading changes nothing.
    fn read(&self, event: u32, weights: &mut [f64]);

    /// Lets time pass, in [`Description::time`].
    fn relax(&mut self, time: f64);

    /// What the array holds.
    fn describe(&self) -> Description;
}

/// An array of `count` devices of a kind, drawn with their spreads.
pub fn fabricate(device: &Preset, count: usize, site: Site) -> Box<dyn Synapses> {
    match device {
        Preset::Pulsed(device) => pulsed(device, count, site),
        Preset::Programmed(device) => Box::new(Programmed::new(device.clone(), count, site)),
    }
}

/// Weights of devices that move by pulses: one device each, or two that only move up.
pub fn pulsed(device: &PulsedSpec, count: usize, site: Site) -> Box<dyn Synapses> {
    match device.one_sided {
        Some(pair) => Box::new(OneSided::new(device.clone(), pair, count, site)),
        None => Box::new(Pulsed::new(device.clone(), count, site)),
    }
}

/// The weight at which a mean device of that kind moves as far up as down, if it has one.
///
/// That of a pair is 0: there both devices are at the same place.
pub fn symmetry_point(device: &PulsedSpec) -> Option<f64> {
    let exact = device.without_spread();
    if exact.one_sided.is_some() {
        return Some(0.0);
    }
    let array = Pulsed::new(exact, 1, Site { seed: 0, chip: 0, layer: 0 });
    array.symmetry_point(0)
}
