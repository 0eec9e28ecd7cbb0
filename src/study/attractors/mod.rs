//! Equilibria that given networks settle at from random starts.

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
use dyadsim_core::analysis::attractors::{Multistart, Starts, multistart};
use dyadsim_core::learn::nudged;
use dyadsim_core::noise::Sources;

/// Settings of `stability --attractors`.
#[derive(Clone, Debug, Args, Serialize)]
pub struct Attractors {
    /// Circuit, weights, inputs and targets.
    #[command(flatten)]
    #[serde(flatten)]
    pub files: Files,
    /// Settle every sample from N random starts and count the equilibria
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub attractors: u32,
    /// Random potentials are uniform within ±SPREAD (1 V + the largest free potential)
    #[arg(long, value_name = "SPREAD", default_value_t = 1.0)]
    pub spread: f64,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Answer {
    samples: Vec<Multistart>,
    starts: Starts,
}

impl Study for Attractors {
    type Subject = Setup;
    type Answer = Answer;
    type Tables = ();

    const KIND: Kind = untabled("attractors");
    const WRITES: bool = false;
    const NAME: &'static str = "attractors";
    const ABOUT: &'static str = "Equilibria that the circuit settles at from random starts";
    const PATHS: &'static [&'static str] = &Files::PATHS;

    fn read(&self, given: &Given, watch: &dyn Observer) -> Result<Setup, Failure> {
        let setup = read(&self.files, given, watch)?;
        if !(self.spread > 0.0 && self.spread.is_finite()) {
            return Err(Failure::input(anyhow!("--spread {}\n  accepted: a number above 0", self.spread)));
        }
        // The drawn starts of a sample and where they settle, a sample on every thread.
        let at_once = given.threads().min(setup.batch.inputs.nrows());
        let states = 3.0 * f64::from(self.attractors) * at_once as f64;
        setup.want_memory(&format!("--attractors {}", self.attractors), states, 0.0)?;
        Ok(setup)
    }

    fn ask(&self, setup: &Setup, given: &Given, watch: &dyn Observer) -> Result<Answer, Failure> {
        let seed = u64::from(given.seed.unwrap_or(0));
        let starts = Starts { count: self.attractors as usize, spread: self.spread, seed };
        let mut chip = setup.chip.clone();
        chip.noise = Sources::default();
        let circuit = nudged(&chip, &setup.weights, &setup.batch, &setup.spec);
        watch.begin(Extent::Of(setup.batch.inputs.nrows(), "samples"));
        let samples = multistart(&setup.spec.solver, &circuit, &starts, &|| watch.done(1));
        Ok(Answer { samples, starts })
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
