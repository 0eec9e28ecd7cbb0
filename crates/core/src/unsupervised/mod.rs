//! Rules that learn from inputs alone, without targets and without a circuit that settles.
//!
//! Nonlinear Hebbian learning: [`Hebbian`] has the rule, [`Nonlinearity`] what it correlates inputs with,
//! [`Reading`] the devices that stand between a potential and the rule. Its inputs: [`sparse`] makes some
//! with one sparse source, [`Whitening`] prepares images, [`gaussian_twin`] makes noise with their spectrum.
//! [`gabor`] says what a receptive field is like. [`spiking`] has neurons that spike, and the rules of their
//! synapses.

pub mod gabor;
mod hebbian;
mod levenberg;
mod nonlinearity;
mod patches;
mod reading;
mod sparse;
pub mod spiking;
mod whitening;

pub use hebbian::{Constraint, Hebbian};
pub use nonlinearity::Nonlinearity;
pub use patches::{centre, drop_flat, gaussian_twin, light_adapted, scale_rows};
pub use reading::Reading;
pub use sparse::{SparseSource, sparse};
pub use whitening::Whitening;
