//! Right-hand sides: a chip with inputs and a nudge, as a borrowed view that has no state and cannot fail.
//!
//! A compartment obeys `dv/dt = (u(v) − v)/τ`, where the *drive* `u` is everything that reaches it through
//! synapses, bias and nudge. Solvers need only `u`, `1/τ`, and products with the Jacobian: [`Dynamics`].
//! Where its amplifier saturates or slews, it follows a limited drive, `dv/dt = (U − v)/τ`, which is `u`
//! itself wherever `u = v`: what integrates motion asks for `U`, what looks for equilibria or linearises at
//! one asks for `u`.
//!
//! [`HopfieldCircuit`] and [`PredictiveCircuit`] have one compartment a neuron and need no more than that.
//! Circuits of dyads in layers are [`Layered`], which sweeps need; those of a chip have its noise, too:
//! [`Circuit`].

mod adjoint;
mod coupling;
mod dyad;
mod dynamics;
mod holomorphic;
mod hopfield;
mod layered;
mod limited_drive;
mod node;
mod noisy;
mod nudge;
mod own_noise;
mod passes;
mod predictive;
mod scratch;
mod recurrent_dyads;
mod squares;
mod tangent;
mod target;

pub(crate) use coupling::Coupling;
pub use dyad::DyadCircuit;
pub use dynamics::Dynamics;
pub use holomorphic::HolomorphicCircuit;
pub use hopfield::HopfieldCircuit;
pub use layered::Layered;
pub use noisy::Circuit;
pub use nudge::{Loss, Nudge};
pub use predictive::PredictiveCircuit;
pub use recurrent_dyads::RecurrentDyads;
pub use scratch::Scratch;
pub use target::{TargetFault, check_targets};
