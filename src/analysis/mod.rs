//! Looking at circuits and at what they learned: spectra and thresholds, and comparisons of weights.

mod arnoldi;
mod compare;
mod spectrum;
mod threshold;

pub use compare::{agreement, layer_angles, product_norm, relative_distance};
pub use spectrum::{Spectrum, Stability, Verdict, spectrum, stability};
pub use threshold::beta_threshold;
