//! Everything that is written to or read from an output folder: one format per file.
//!
//! Every file is written whole or not at all ([`atomic`]), its bytes depend on its content alone, and
//! nothing here knows physics: rows, tensors and settings come in, files go out.
mod aside;
pub mod atomic;
pub mod checkpoint;
mod cells;
pub(crate) mod columns;
pub mod dictionary;
mod error;
pub mod folder;
pub mod json;
mod layer_names;
pub mod ledger;
pub mod lock;
pub mod manifest;
mod parquet;
pub mod place;
pub mod restore;
#[cfg(test)]
mod sample;
pub mod seal;
pub mod study;
pub mod table;
pub mod tensors;
pub mod trained;
pub mod weights;

pub use error::RecordError;
