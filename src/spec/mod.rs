//! Descriptions.
pub mod circuit;
pub mod experiment;
mod schedule;
pub use circuit::*;
pub use experiment::*;
