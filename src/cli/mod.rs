//! The command line: one command per file, each a thin wrapper of the library.
//!
//! Exit status: 0 done, 1 failed while running, 2 bad input before any work.

mod run;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::spec::Override;

/// Simulates dyadic neuromorphic circuits and trains networks on them.
#[derive(Debug, Parser)]
#[command(name = "dyadsim", version, about, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    /// Settings of every command.
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Settings that every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Override a key of the TOML file, e.g. `nudge.beta=0.1` (repeatable)
    #[arg(long, global = true, value_name = "PATH=VALUE")]
    pub set: Vec<Override>,
    /// Use this seed alone
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u32>,
    /// Threads [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print one JSON document on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Print no progress and no summary
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Scalar type of the numerics
    #[arg(long, global = true, value_enum, default_value_t = Precision::F64)]
    pub precision: Precision,
}

/// Scalar type of the numerics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// Single precision: faster; residuals end near 1e-6 V.
    F32,
    /// Double precision.
    F64,
}

impl Global {
    /// Threads to use.
    #[must_use]
    pub fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.map_or_else(all, usize::from)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train and compare the rules of an experiment
    Run(run::Arguments),
}

/// Why a command ended early.
#[derive(Debug)]
pub enum Failure {
    /// Bad input, found before any work: exit status 2.
    Input(anyhow::Error),
    /// Failed while running: exit status 1.
    Running(anyhow::Error),
}

impl Failure {
    /// Bad input.
    pub fn input(error: impl Into<anyhow::Error>) -> Self {
        Self::Input(error.into())
    }

    /// A failure while running.
    pub fn running(error: impl Into<anyhow::Error>) -> Self {
        Self::Running(error.into())
    }
}

/// Parses the command line, carries it out, and turns its end into an exit status.
#[must_use]
pub fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let done = match command {
        Command::Run(arguments) => run::run(&global, &arguments),
    };
    match done {
        Ok(code) => code,
        Err(Failure::Input(error)) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
        Err(Failure::Running(error)) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
