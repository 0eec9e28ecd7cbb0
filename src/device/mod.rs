//! Devices: what one component on the chip does to a voltage.

pub mod activation;
pub mod amplifier;
pub mod capacitor;
pub mod slew;
pub mod switched;
pub mod transconductor;
pub mod trim;

pub use activation::{Activation, Dyads};
pub use amplifier::Amplifier;
pub use trim::Trim;
