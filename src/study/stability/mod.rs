//! Spectra at the fixed points of given networks, and the command whose options ask what becomes of them
//! otherwise.

mod command;
mod words;
mod work;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::inputs::{Files, Setup};
use super::{Failure, Given, Observer, Receipt, Study};
use crate::figure::FigureError;
use crate::record::study::Kind;
use work::Answer;

pub use command::{command, run};

/// The command of this question and of its forms.
pub(super) const COMMAND: &str = "stability";

/// Settings of `stability` without further options.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Stability {
    /// Circuit, weights, inputs and targets.
    #[command(flatten)]
    #[serde(flatten)]
    pub files: Files,
}

impl Study for Stability {
    type Subject = Setup;
    type Answer = Answer;
    type Tables = ();

    const KIND: Kind = untabled("stability");
    const WRITES: bool = false;
    const ABOUT: &'static str =
        "Jacobian spectrum, stability and predicted threshold at the fixed points of given networks";
    const NOTES: &'static str = command::NOTES;
    const PATHS: &'static [&'static str] = &Files::PATHS;

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Setup, Failure> {
        let setup = self.files.read_any(given, watch)?;
        // Where layers speak both ways there are loops without a nudge, too.
        let asks = setup.graded || setup.spec.kind().is_recurrent();
        if asks { Ok(setup) } else { Err(no_target()) }
    }

    fn ask(&self, setup: &Setup, _: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        work::carry_out(setup, watch)
    }

    fn open(_: &Path) -> Result<(), FigureError> {
        Ok(())
    }

    fn words(&self, setup: &Setup, answer: &Answer, _: &Receipt<'_>) -> String {
        words::summary(setup, answer)
    }

    fn document(&self, setup: &Setup, answer: &Answer, _: &Receipt<'_>) -> Value {
        setup.named(words::document(answer))
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.paths()
    }
}

/// A question of this command that writes no tables.
pub(super) const fn untabled(what: &'static str) -> Kind {
    Kind { command: COMMAND, what, stems: &[], endings: &[], summary: None }
}

/// Reads what every form of the command looks at.
pub(super) fn read(files: &Files, given: &Given, watch: &dyn Observer) -> Result<Setup, Failure> {
    if files.target.is_none() { Err(no_target()) } else { files.read(given, watch) }
}

/// Without a nudge there is nothing to ask of dyads that are fed forward.
fn no_target() -> Failure {
    Failure::input(anyhow!(
        "stability needs --target FILE (`y`, [samples, n_L]): without a nudge no error comes back, \
         and every eigenvalue is -1/τ"
    ))
}
