//! What every question is given besides its own settings.

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::Failure;
use dyadsim_core::spec::Override;

/// Heading, behind a command's own options, of those that commands share.
pub const GENERAL: &str = "General options";

/// Settings that every question takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Given {
    /// Override a key of the TOML file, e.g. `nudge.beta=0.1` (repeatable)
    #[arg(long, global = true, help_heading = GENERAL, value_name = "PATH=VALUE")]
    pub set: Vec<Override>,
    /// Use this seed alone
    #[arg(long, global = true, help_heading = GENERAL, value_name = "N", value_parser = seed)]
    pub seed: Option<u32>,
    /// Threads [default: all cores]
    #[arg(
        long, global = true, help_heading = GENERAL, value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=1024)
    )]
    pub threads: Option<u16>,
    /// Scalar type of the numerics
    #[arg(long, global = true, help_heading = GENERAL, value_enum, default_value_t = Precision::F64)]
    pub precision: Precision,
}

fn seed(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("accepted: a whole number from 0 to {}", u32::MAX))
}

/// Scalar type of the numerics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision: faster; residuals end near 1e-6 V.
    F32,
    /// Double precision.
    #[default]
    F64,
}

impl Precision {
    /// Name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// Bytes of a number.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

impl Given {
    /// Threads to use.
    #[must_use]
    pub fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.map_or_else(all, usize::from)
    }

    /// Does `work` on as many threads as were asked for.
    ///
    /// # Errors
    /// Threads that cannot be started.
    pub fn on_threads<R: Send>(&self, work: impl FnOnce() -> R + Send) -> Result<R, Failure> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads()).build();
        let pool =
            pool.map_err(|error| Failure::running(anyhow!(error).context("no threads could be started")))?;
        Ok(pool.install(work))
    }

    /// Refuses single precision, which `command` does not have.
    ///
    /// # Errors
    /// [`Precision::F32`].
    pub fn require_f64(&self, command: &str) -> Result<(), Failure> {
        match self.precision {
            Precision::F64 => Ok(()),
            Precision::F32 => Err(Failure::input(anyhow!(
                "--precision f32: `{command}` works in f64 only; `run` takes f32"
            ))),
        }
    }

    /// Refuses what a command without a TOML file and without numerics cannot heed.
    ///
    /// # Errors
    /// A setting, or [`Precision::F32`].
    pub fn reject_settings(&self, command: &str) -> Result<(), Failure> {
        self.require_f64(command)?;
        match self.set.first() {
            None => Ok(()),
            Some(setting) => Err(Failure::input(anyhow!(
                "--set {setting}: `{command}` reads no TOML file that this could change; leave --set out"
            ))),
        }
    }
}
