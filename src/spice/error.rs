//! What can go wrong between a circuit and another simulator.

use thiserror::Error;

use crate::record::RecordError;

/// A circuit that cannot be exported, or a simulator that did not do what it was asked.
#[derive(Debug, Error)]
pub enum SpiceError {
    /// A setting that has no equivalent in a deck.
    #[error("`{setting}`: {found} cannot be exported: {reason}\n  accepted: {accepted}")]
    NotExportable {
        /// Path of the key.
        setting: &'static str,
        /// What stands there.
        found: String,
        /// Why it has no equivalent.
        reason: &'static str,
        /// What would do.
        accepted: &'static str,
    },
    /// A name that a deck cannot hold.
    #[error("{what} {name:?} has {character:?}, which a deck cannot hold\n  accepted: {accepted}")]
    Name {
        /// Whose name.
        what: &'static str,
        /// The name.
        name: String,
        /// The first character that does not fit.
        character: char,
        /// What would do.
        accepted: &'static str,
    },
    /// There is no ngspice.
    #[error(
        "`ngspice` is not installed or not on the PATH ({reason})\n  \
         accepted: a recent ngspice, tested with 39 (Debian, Ubuntu: apt-get install ngspice; macOS: brew install ngspice)"
    )]
    Missing {
        /// What the system said.
        reason: String,
    },
    /// ngspice ended, but not well.
    #[error("ngspice {what}; it says:\n{said}")]
    Failed {
        /// What was found.
        what: String,
        /// Lines of its own.
        said: String,
    },
    /// A result file that is not what was asked for.
    #[error("the result file of ngspice {reason}")]
    Raw {
        /// What is wrong with it.
        reason: String,
    },
    /// A file that cannot be written or read.
    #[error(transparent)]
    Record(#[from] RecordError),
}
