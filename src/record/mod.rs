//! Everything that is written to or read from an output folder: one format per file.
//!
//! Every file is written whole or not at all ([`atomic`]), its bytes depend on its content alone, and
//! nothing here knows physics: rows, tensors and settings come in, files go out.
mod aside;
#[doc(hidden)]
pub mod atomic;
#[doc(hidden)]
pub mod checkpoint;
mod cells;
pub(crate) mod columns;
#[doc(hidden)]
pub mod dictionary;
mod error;
#[doc(hidden)]
pub mod folder;
#[doc(hidden)]
pub mod json;
mod layer_names;
#[doc(hidden)]
pub mod ledger;
#[doc(hidden)]
pub mod lock;
#[doc(hidden)]
pub mod manifest;
mod parquet;
#[doc(hidden)]
pub mod place;
#[doc(hidden)]
pub mod restore;
#[cfg(test)]
mod sample;
#[doc(hidden)]
pub mod seal;
#[doc(hidden)]
pub mod study;
mod survey;
#[doc(hidden)]
pub mod table;
pub mod tensors;
#[doc(hidden)]
pub mod trained;
pub mod weights;

pub use error::RecordError;
