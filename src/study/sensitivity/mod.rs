//! Which parameters of which devices move the gradient estimate and the stability margin of given networks
//! most, by the adjoint.

mod duals;
mod figures;
mod gradient;
mod margin;
mod parameters;
mod point;
mod rows;
mod words;
mod work;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::inputs::{Files, Setup};
use super::{Failure, Given, Observer, Receipt, Study, folder};
use crate::figure::{Figure, FigureError};
use crate::record::RecordError;
use crate::record::dictionary::{Table, table};
use crate::record::json::{read_json, write_json};
use crate::record::study::Kind;
use crate::record::table::{read_csv, write_table};
use dyadsim_core::chip::Chip;
use dyadsim_core::spec::MismatchSpec;

pub use parameters::{DeviceParameter, Group, Side};
pub use rows::{SensitivityLayerRow, SensitivityRow, SensitivitySummary};
pub use work::{Moved, Sensitivities, sensitivities};

/// The step that numbers for people are told by: 10 mV of an offset or a bias, a hundredth of anything else.
const STEP: f64 = 0.01;

/// Settings of `sensitivity`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Sensitivity {
    /// Circuit, weights, inputs and targets.
    #[command(flatten)]
    #[serde(flatten)]
    pub files: Files,
    /// Take derivatives at the nominal devices, those without mismatch, and not at those of the chip
    #[arg(long)]
    pub nominal: bool,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The circuit whose devices have the derivatives.
    setup: Setup,
    /// The spreads of its devices.
    mismatch: MismatchSpec,
    /// Whether the devices are the nominal ones.
    nominal: bool,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Settings, samples, totals.
    pub summary: SensitivitySummary,
    /// Groups of devices.
    pub rows: Vec<SensitivityRow>,
    /// What they move of the estimate of every layer.
    pub layers: Vec<SensitivityLayerRow>,
}

/// Tables, and the file that says what they are.
const STEMS: [&str; 2] = ["sensitivity", "sensitivity_layers"];
/// Settings.
const SUMMARY: &str = "sensitivity.json";

impl Study for Sensitivity {
    type Subject = Subject;
    type Answer = Answer;
    type Tables = Answer;

    const KIND: Kind = folder::tables("sensitivity", "sensitivity", &STEMS, SUMMARY);
    const ABOUT: &'static str =
        "Which device parameters of which layer move the gradient estimate and the stability margin most";
    const NOTES: &'static str = "\
        Derivatives at the equilibria of the batch, by the adjoint: of the gradient estimate (relative \
        to its norm), and of the margin of the least stable sample. Parameters are offset, scale, \
        feedback gain and time constant of every compartment, mixing and bias of every neuron, and what \
        every synapse carries. Groups are told by a step of 10 mV or 1 % of each device, and where \
        [mismatch] gives a parameter a spread, by what that does to first order. Samples without a \
        stable equilibrium are counted and left out; noise is not looked at.\n\n\
        Example:\n  dyadsim sensitivity circuits/chip-180nm.toml --weights w.safetensors \
        --input x.safetensors --target y.safetensors --nominal --out results/sensitivity";
    const FIGURES: &'static [Figure<Answer>] = figures::FIGURES;
    const PATHS: &'static [&'static str] = &Files::PATHS;

    fn tables() -> Vec<Table> {
        vec![table::<SensitivityRow>(STEMS[0]), table::<SensitivityLayerRow>(STEMS[1])]
    }

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Subject, Failure> {
        if self.files.target.is_none() {
            return Err(Failure::input(anyhow!(
                "sensitivity needs --target FILE (`y`, [samples, n_L]): without a target there is no gradient"
            )));
        }
        let mut setup = self.files.read_silently(given)?;
        let mismatch = setup.spec.spreads();
        if self.nominal {
            setup.spec.mismatch = MismatchSpec::default();
            setup.chip = Chip::fabricate(&setup.spec, &setup.weights.network());
        } else {
            self.files.warn(&setup, watch);
        }
        work::check(&setup.spec, &setup.chip, &setup.batch)?;
        Ok(Subject { setup, mismatch, nominal: self.nominal })
    }

    fn ask(&self, subject: &Subject, _: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        work::carry_out(subject, watch)
    }

    fn write(answer: &Answer, folder: &Path) -> Result<(), RecordError> {
        write_table(folder, STEMS[0], &answer.rows)?;
        write_table(folder, STEMS[1], &answer.layers)?;
        write_json(&folder.join(SUMMARY), &answer.summary)
    }

    fn open(folder: &Path) -> Result<Answer, FigureError> {
        Ok(Answer {
            summary: read_json(&folder.join(SUMMARY))?,
            rows: read_csv(&folder.join("sensitivity.csv"))?,
            layers: read_csv(&folder.join("sensitivity_layers.csv"))?,
        })
    }

    fn words(&self, subject: &Subject, answer: &Answer, receipt: &Receipt<'_>) -> String {
        words::summary(&subject.setup, answer, receipt.out)
    }

    fn document(&self, subject: &Subject, answer: &Answer, _receipt: &Receipt<'_>) -> Value {
        subject.setup.named(words::document(answer))
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.paths()
    }
}
