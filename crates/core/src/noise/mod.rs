//! Noise: what sources are by their device parameters, and the numbers that they draw along a trajectory.
//!
//! One source per file; [`Sources`] is what a chip has of them, [`NoisePath`] the noise that a batch of
//! samples meets. PSDs are one-sided. A source that is silent draws no number.

mod clock;
mod coloured;
mod draw;
pub(crate) mod flicker;
pub mod gaussian;
mod input;
mod telegraph_path;
mod memory;
pub(crate) mod ornstein;
mod ou_integral;
mod path;
mod ou_bank;
pub mod sampled;
pub mod shot;
mod sources;
pub(crate) mod telegraph;
pub mod thermal;
mod white;

pub use input::{Cause, Colour, NoiseInput};
pub use memory::Memory;
pub use ornstein::Process;
pub use path::{NoiseContext, NoisePath, hold};
pub use sources::{OuProcess, SampleIds, Sources, SynapseTraps, Traps};
pub use telegraph::Trap;
