//! Everything that is written to or read from an output folder.
pub mod rows;
