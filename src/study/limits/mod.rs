//! The largest safe β of given networks, sample by sample and chip by chip.

mod words;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::inputs::{Files, Setup};
use super::stability::{read, untabled};
use super::{Extent, Failure, Given, Observer, Receipt, Study};
use crate::figure::FigureError;
use crate::record::study::Kind;
use dyadsim_core::analysis::limits::{ChipLimits, Search, find_limits};
use dyadsim_core::solve::DENSE;

/// Least and most that may be looked up to: below, a thousandth of it is soon no number.
const NUDGES: (f64, f64) = (1e-9, 1e9);

/// Settings of `stability --limits`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Limits {
    /// Circuit, weights, inputs and targets.
    #[command(flatten)]
    #[serde(flatten)]
    pub files: Files,
    /// Highest β that is looked at
    #[arg(long, value_name = "BETA", default_value_t = 10.0)]
    pub up_to: f64,
    /// Look at so many chips: those of the circuit's mismatch with this seed and the following ones
    #[arg(
        long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub chips: u32,
}

/// Limits of one chip.
#[derive(Clone, Debug)]
pub struct Chip {
    seed: u64,
    limits: ChipLimits,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Answer {
    chips: Vec<Chip>,
    search: Search,
}

impl Study for Limits {
    type Subject = Setup;
    type Answer = Answer;
    type Tables = ();

    const KIND: Kind = untabled("limits");
    const WRITES: bool = false;
    const NAME: &'static str = "limits";
    const ABOUT: &'static str = "Find the largest safe β of this chip, these weights and samples";
    const PATHS: &'static [&'static str] = &Files::PATHS;

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Setup, Failure> {
        let setup = read(&self.files, given, watch)?;
        let (least, most) = NUDGES;
        if !(least..=most).contains(&self.up_to) {
            return Err(Failure::input(anyhow!(
                "--up-to {:e}\n  accepted: a number above 0, from {least:e} to {most:e}",
                self.up_to
            )));
        }
        let width = setup.chip.layout.width();
        if width > DENSE {
            return Err(Failure::input(anyhow!(
                "--limits: the network has {width} compartments, and solves with the whole Jacobian\n  \
                 accepted: at most {DENSE}"
            )));
        }
        Ok(setup)
    }

    fn ask(&self, setup: &Setup, _: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        watch.begin(match self.chips {
            1 => Extent::Unknown("looking for the largest safe β"),
            chips => Extent::Of(chips as usize, "chips"),
        });
        let search = Search { highest: self.up_to, ..Search::default() };
        let first = setup.spec.mismatch.seed.unwrap_or(0);
        let of = |chip: u32| {
            let mut spec = setup.spec.clone();
            let seed = first + u64::from(chip);
            spec.mismatch.seed = Some(seed);
            let limits = find_limits(&spec, &setup.weights, &setup.batch, &search);
            watch.done(1);
            Chip { seed, limits }
        };
        Ok(Answer { chips: (0..self.chips).map(of).collect(), search })
    }

    fn open(_: &Path) -> Result<(), FigureError> {
        Ok(())
    }

    fn words(&self, setup: &Setup, answer: &Answer, _: &Receipt<'_>) -> String {
        words::summary(setup, answer)
    }

    fn document(&self, setup: &Setup, answer: &Answer, _: &Receipt<'_>) -> Value {
        setup.named(words::document(setup, answer))
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.paths()
    }
}
