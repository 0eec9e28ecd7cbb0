//! Questions asked of circuits and of trained networks, one folder a question.
//!
//! A folder holds all that is a question's own: its settings, the work, the rows of its tables, its figures
//! and its words. What all questions share is written once, over [`STUDIES`]: the command with its help, the
//! output folder, `study.toml` by which a result is asked for again, `plot`. The work knows neither a command
//! line nor a terminal nor a clock: it reads settings and files, and tells an [`Observer`] how far it is.
//!
//! A program fills in the settings, calls [`Study::read`] and [`Study::ask`], and has the answer as numbers,
//! or by [`Study::words`] and [`Study::document`] as the command prints it (`examples/ask.rs`).

#[doc(hidden)]
pub mod attractors;
#[doc(hidden)]
pub mod axis;
#[doc(hidden)]
pub mod branch;
#[doc(hidden)]
pub mod builtin;
#[doc(hidden)]
pub mod checks;
#[doc(hidden)]
pub mod compare;
#[doc(hidden)]
pub mod cost;
#[doc(hidden)]
pub mod device_figure;
#[doc(hidden)]
pub mod devices;
#[doc(hidden)]
pub mod export;
#[doc(hidden)]
pub mod extract;
#[doc(hidden)]
pub mod failure;
#[doc(hidden)]
pub mod folder;
#[doc(hidden)]
pub mod given;
#[doc(hidden)]
pub mod gradient;
#[doc(hidden)]
pub mod grid;
#[doc(hidden)]
pub mod hebbian;
#[doc(hidden)]
pub mod inputs;
#[doc(hidden)]
pub mod limits;
#[doc(hidden)]
pub mod map;
#[doc(hidden)]
pub mod noise;
#[doc(hidden)]
pub mod observer;
mod places;
mod registry;
#[doc(hidden)]
pub mod robustness;
#[doc(hidden)]
pub mod rules;
#[doc(hidden)]
pub mod runs;
mod safe;
#[doc(hidden)]
pub mod sensitivity;
#[doc(hidden)]
pub mod settings;
#[doc(hidden)]
pub mod settle;
mod setup_words;
#[doc(hidden)]
pub mod spice;
#[doc(hidden)]
pub mod spiking;
#[doc(hidden)]
pub mod stability;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod train;
mod unheeded;
#[doc(hidden)]
pub mod yields;

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use serde::Serialize;
use serde_json::Value;

pub use attractors::Attractors;
pub use branch::Branch;
pub use compare::Compare;
pub use cost::Costs;
pub use failure::Failure;
pub use given::{Given, Precision};
pub use gradient::Gradient;
#[doc(hidden)]
pub use hebbian::Hebbian;
pub use limits::Limits;
pub use map::Map;
pub use noise::Noise;
pub use observer::{Extent, Observer, Silent};
#[doc(hidden)]
pub use registry::{Asked, Entry, STUDIES, all_tables, of_folder, questions};
pub use registry::{Done, Place, Receipt, ask_again};
pub use robustness::Robustness;
#[doc(hidden)]
pub use rules::RuleComparison;
pub use sensitivity::Sensitivity;
pub use settle::Settle;
pub use spice::Spice;
#[doc(hidden)]
pub use spiking::Spiking;
pub use stability::Stability;
pub use train::Experiment;
pub use yields::Yield;

use crate::figure::{Figure, FigureError};
use crate::record::RecordError;
use crate::record::dictionary::Table;
use crate::record::study::Kind;

/// A question: the type is that of its settings.
///
/// The derive of [`Args`] describes them once, for the command, for files and for programs: comments are the
/// help, ranges and defaults hold everywhere ([`settings`]).
pub trait Study: Args + Serialize + Sync {
    /// Everything that was read and checked.
    type Subject: Send + Sync;
    /// What came out.
    type Answer: Send + Sync;
    /// What figures read of it.
    type Tables: Send + Sync + 'static;

    /// The command that asks it, and the names of its files.
    const KIND: Kind;
    /// What `study.toml` calls it: as its command, unless it is a form of a command with several.
    const NAME: &'static str = Self::KIND.command;
    /// The help of the command: a line.
    const ABOUT: &'static str;
    /// The help below the options: what is done, and an example.
    const NOTES: &'static str = "";
    /// The command below which its own stands, if there is one.
    const BELOW: Option<&'static str> = None;
    /// The figures.
    const FIGURES: &'static [Figure<Self::Tables>] = &[];
    /// Settings that are paths.
    const PATHS: &'static [&'static str];
    /// Whether it works in single precision, too.
    const SINGLE: bool = false;
    /// Whether it reads a description of which `--set` changes a key.
    const DESCRIBED: bool = true;
    /// Whether its answer can be written; else it is told alone, and there are no `--out` and `--force`.
    const WRITES: bool = true;
    /// Whether its answer has a place even if nobody names one ([`Study::home`]).
    const AT_HOME: bool = false;

    /// The tables, with the meaning of their columns.
    #[must_use]
    fn tables() -> Vec<Table> {
        Vec::new()
    }

    /// The command with last words of its own, on the options of its place, too.
    #[must_use]
    fn arranged(command: Command) -> Command {
        command
    }

    /// Hears where the answer goes, before anything is read.
    fn placed(&mut self, _place: &Place) {}

    /// Whether the question writes files of its own, whose names the user chose, where it was
    /// [placed](Study::placed): then there is no folder of the answer.
    fn is_its_own_writer(&self) -> bool {
        false
    }

    /// Reads and checks everything, before any work.
    ///
    /// # Errors
    /// Bad input.
    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Self::Subject, Failure>;

    /// Does the work. The answer depends on settings and files alone, not on threads.
    ///
    /// # Errors
    /// What cannot be answered.
    fn ask(
        &self,
        subject: &Self::Subject,
        given: &Given,
        watch: &dyn Observer,
    ) -> Result<Self::Answer, Failure>;

    /// Writes the tables into a folder.
    ///
    /// # Errors
    /// Files that cannot be written.
    fn write(_answer: &Self::Answer, _folder: &Path) -> Result<(), RecordError> {
        Ok(())
    }

    /// Reads the tables of a folder for figures.
    ///
    /// # Errors
    /// Files that are missing or malformed.
    fn open(folder: &Path) -> Result<Self::Tables, FigureError>;

    /// The answer for people.
    fn words(&self, subject: &Self::Subject, answer: &Self::Answer, receipt: &Receipt<'_>) -> String;

    /// Whether the answer is as it should be; if not it is told, and the exit status is 1.
    fn holds(&self, _answer: &Self::Answer) -> bool {
        true
    }

    /// The answer for programs.
    fn document(&self, subject: &Self::Subject, answer: &Self::Answer, receipt: &Receipt<'_>) -> Value;

    /// The files that it reads; the folder of the answer may replace none of them.
    fn files(&self) -> Vec<PathBuf>;

    /// Where the answer goes if nobody says so; without, it is told and not written.
    fn home(&self) -> Option<PathBuf> {
        None
    }
}
