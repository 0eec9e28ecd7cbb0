//! dyadsim: dyadic neurons as continuous-time circuits, from a description to a trained network.
//!
//! Modules stand lowest first; each uses only those above it.

pub mod file;
pub mod machine;
pub mod units;
pub mod random;
pub mod matrix;
pub mod noise;
pub mod spec;
pub mod device;
pub mod chip;
pub mod circuit;
pub mod solve;
pub mod data;
pub mod learn;
pub mod train;
pub mod network;
pub mod prelude;
pub mod analysis;
pub mod cost;
pub mod record;
pub mod spice;
pub mod figure;
pub mod experiment;
pub mod cli;
