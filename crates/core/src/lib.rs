//! dyadsim's machine room: descriptions, devices, noise, circuits, solvers, data sets and learning rules.
//!
//! A program uses it through the crate `dyadsim`, whose modules these are; this crate alone promises nobody
//! that its names stay.
//!
//! Modules stand lowest first; each uses only those above it.

pub mod file;
pub mod machine;
pub mod units;
pub mod random;
pub mod statistics;
pub mod curve;
pub mod matrix;
pub mod noise;
pub mod spec;
pub mod device;
pub mod chip;
pub mod circuit;
pub mod solve;
pub mod data;
pub mod learn;
pub mod unsupervised;
pub mod train;
pub mod network;
pub mod prelude;
pub mod analysis;
pub mod cost;
