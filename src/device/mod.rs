//! Devices: what one component on the chip does to a voltage.

pub mod activation;

pub use activation::{Activation, Dyads};
