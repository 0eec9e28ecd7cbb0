//! Looking at circuits and at what they learned: spectra and thresholds, and comparisons of weights.

mod compare;
pub mod linear;
mod threshold;

pub use crate::solve::{Spectrum, Stability, Verdict, spectrum, stability};
pub use compare::{agreement, layer_angles, product_norm, relative_distance};
pub use threshold::beta_threshold;
