//! Devices: what one component on the chip does to a voltage.

pub(crate) mod activation;
pub(crate) mod amplifier;
pub mod capacitor;
pub mod crossbar;
pub(crate) mod slew;
pub mod switched;
pub mod synapse;
pub(crate) mod transconductor;
pub(crate) mod device_offset;

pub use activation::{Activation, Dyads};
pub use amplifier::Amplifier;
pub use device_offset::DeviceOffset;
