//! Devices as they come out of the fab: every draw has a name (chip, quantity, layer, compartment).
//!
//! The offset of a compartment is referred to its input: `s = f(v − o)`. An offset in the drive is no other thing, since
//! `v − o` obeys the same equation with `o` taken from the drive; only rails tell them apart.

use rand_distr::{Distribution, Normal};

use super::Devices;
use crate::matrix::Real;
use crate::random::{Key, Kind, stream};
use crate::spec::MismatchSpec;

/// What of a device is drawn, the step of its key. The codes are part of every chip: add, never renumber.
#[derive(Clone, Copy, Debug)]
enum Quantity {
    Offset = 0,
}

/// Spreads the devices of a layer, counted from 0.
pub(super) fn spread<T: Real>(mismatch: &MismatchSpec, layer: usize, devices: &mut Devices<T>) {
    let deviation = mismatch.offset_dtod * std::f64::consts::FRAC_1_SQRT_2;
    let Ok(normal) = Normal::new(0.0, deviation) else { return };
    if deviation == 0.0 {
        return;
    }
    for (side, offsets) in [&mut devices.offset_plus, &mut devices.offset_minus].into_iter().enumerate() {
        for (neuron, offset) in offsets.iter_mut().enumerate() {
            let key = name(mismatch, Quantity::Offset, layer).device((2 * neuron + side) as u32);
            *offset = T::of(normal.sample(&mut stream(key)));
        }
    }
}

/// The stream of the first compartment of a layer: devices are `2 n` and `2 n + 1` for the compartments of neuron `n`.
fn name(mismatch: &MismatchSpec, quantity: Quantity, layer: usize) -> Key {
    let seed = mismatch.seed.unwrap_or(0);
    Key::new(seed, Kind::Mismatch).layer(layer as u16 + 1).step(quantity as u32)
}
