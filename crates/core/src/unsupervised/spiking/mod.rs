//! Learning without targets of a neuron that spikes.
//!
//! [`Neuron`] is followed in closed form from event to event, [`Plasticity`] moves its [`Synapses`], and a
//! [`Unit`] is both. [`Groups`] makes input spikes, [`Protocol`] does what experimenters do to one synapse.

mod neuron;
mod pairing;
mod plasticity;
mod trains;
mod unit;

pub use neuron::{Membrane, Neuron, Piece};
pub use pairing::{Protocol, Stimulus};
pub use plasticity::{Learning, Plasticity, RateConstraint, Synapses, Timing, Valley};
pub use trains::{Groups, initial_weights};
pub use unit::{Event, Unit};
