//! SPICE: netlists out, results of ngspice in, and both simulators held against each other.
//!
//! A deck has one node per compartment, in volts, farads and siemens, every device with its own literal.
//! Synapses are linear transconductors into summing nodes, which are noise-free conductances; a compartment
//! has a nonlinear source. What bites is told in `docs/spice.md`; `ngspice.rs` alone starts a process.

mod bench;
mod cell;
mod check;
mod curve;
mod error;
mod exportable;
mod extract;
mod name;
mod netlist;
mod ngspice;
mod noise;
mod nudge;
mod raw;
mod synapses;
mod transistors;

pub use bench::{Analyses, Dialect, NoiseAnalysis, bench};
pub use check::{
    EQUILIBRIUM, Report, Stage, WAVEFORM, check, check_transistors, check_with_progress, tightened,
};
pub use error::SpiceError;
pub use exportable::{exportable, writable_name};
pub use extract::{Extraction, Subcircuit};
pub use name::map;
pub use netlist::{Netlist, Wiring};
pub use ngspice::version;
pub use transistors::Transistors;
