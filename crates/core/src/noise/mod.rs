//! Noise: what sources are by their device parameters, and the numbers that they draw along a trajectory.
//!
//! One source per file; [`Sources`] is what a chip has of them, [`Path`] the noise that a batch of samples meets.
//! PSDs are one-sided. A source that is silent draws no number.

mod clock;
mod coloured;
mod draw;
pub(crate) mod flicker;
pub mod gaussian;
mod input;
mod jumps;
mod memory;
pub(crate) mod ornstein;
mod pair;
mod path;
mod poles;
pub mod sampled;
pub mod shot;
mod sources;
pub(crate) mod telegraph;
pub mod thermal;
mod white;

pub use input::{Cause, Colour, NoiseInput};
pub use memory::Memory;
pub use ornstein::Process;
pub use path::{Exposure, Path, hold};
pub use sources::{Pole, Presentations, Sources, SynapseTraps, Traps};
pub use telegraph::Trap;
