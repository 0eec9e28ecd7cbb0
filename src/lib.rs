//! dyadsim: dyadic neurons as continuous-time circuits, from a description to a trained network.
//!
//! Modules stand lowest first; each uses only those above it.

pub mod data;
pub mod device;
pub mod figure;
pub mod matrix;
pub mod random;
pub mod record;
pub mod spec;
pub mod units;
