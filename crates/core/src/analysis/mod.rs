//! Analysis of circuits and of what they learned: spectra and thresholds, and comparisons of weights.

pub mod attractors;
mod compare;
pub mod continuation;
pub mod limits;
pub mod small_signal;
pub mod map;
pub mod nudge;
pub mod gradient_error;
pub mod ensemble;
pub mod robustness;
pub mod representation;
pub mod stationary;
mod threshold;
pub mod welch;
pub mod yields;

pub use crate::solve::{Spectrum, Stability, Verdict, spectrum, stability};
pub use compare::{agreement, layer_angles, product_norm, relative_distance};
pub use threshold::beta_threshold;
