//! The command line: one command per file, each a thin wrapper of the library.
//!
//! Exit status: 0 done, 1 failed while running, 2 bad input before any work, 130 stopped by Ctrl-C. What bites: `println!` panics
//! when nobody reads any more (`| head`), so commands print through [`output`] alone.

mod axis;
mod builtin;
mod circuits;
mod compare;
mod cost;
mod data;
mod experiments;
mod folder;
mod gradient;
mod help;
mod inputs;
mod noise;
mod output;
mod plot;
mod progress;
mod report;
mod robustness;
mod run;
mod safe;
mod settle;
mod spice;
mod stability;
mod state_file;
mod yields;

use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::record::manifest::{built_from, version};
use crate::spec::Override;

/// Simulates dyadic neuromorphic circuits and trains networks on them.
#[derive(Debug, Parser)]
#[command(name = "dyadsim", version = env!("CARGO_PKG_VERSION"), about, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Example:\n  dyadsim run experiments/two_tales.toml --set epochs=5 --out results/short"
)]
pub struct Cli {
    /// Settings of every command.
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Heading, behind a command's own options, of those that commands share.
const GENERAL: &str = "General options";

/// Settings that every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Override a key of the TOML file, e.g. `nudge.beta=0.1` (repeatable)
    #[arg(long, global = true, help_heading = GENERAL, value_name = "PATH=VALUE")]
    pub set: Vec<Override>,
    /// Use this seed alone
    #[arg(long, global = true, help_heading = GENERAL, value_name = "N", value_parser = seed)]
    pub seed: Option<u32>,
    /// Threads [default: all cores]
    #[arg(long, global = true, help_heading = GENERAL, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Print one JSON document on standard output
    #[arg(long, global = true, help_heading = GENERAL)]
    pub json: bool,
    /// Print no progress and no summary
    #[arg(long, short, global = true, help_heading = GENERAL)]
    pub quiet: bool,
    /// Scalar type of the numerics
    #[arg(long, global = true, help_heading = GENERAL, value_enum, default_value_t = Precision::F64)]
    pub precision: Precision,
}

fn seed(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("accepted: a whole number from 0 to {}", u32::MAX))
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

    /// Does `work` on as many threads as were asked for.
    fn on_threads<R: Send>(&self, work: impl FnOnce() -> R + Send) -> Result<R, Failure> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads()).build();
        let pool =
            pool.map_err(|error| Failure::running(anyhow!(error).context("no threads could be started")))?;
        Ok(pool.install(work))
    }

    /// Refuses single precision, which `command` does not have.
    fn want_double(&self, command: &str) -> Result<(), Failure> {
        match self.precision {
            Precision::F64 => Ok(()),
            Precision::F32 => Err(Failure::input(anyhow!(
                "--precision f32: `{command}` works in f64 only; `run` takes f32"
            ))),
        }
    }

    /// Refuses what a command without a TOML file and without numerics cannot heed.
    fn want_plain(&self, command: &str) -> Result<(), Failure> {
        self.want_double(command)?;
        match self.set.first() {
            None => Ok(()),
            Some(setting) => Err(Failure::input(anyhow!(
                "--set {setting}: `{command}` reads no TOML file that this could change; leave --set out"
            ))),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train and compare the rules of an experiment
    Run(run::Arguments),
    /// Integrate given networks and inputs to equilibrium, with or without a nudge
    Settle(settle::Arguments),
    /// Jacobian spectrum, stability and predicted threshold at the fixed points of given networks
    Stability(stability::Arguments),
    /// Stationary noise of given networks: predicted, and measured along simulated trajectories
    Noise(noise::Arguments),
    /// Bias and variance of the gradient estimate of given networks, and the best nudge between them
    Gradient(gradient::Arguments),
    /// Share of chips that meet a target, and the spreads that devices may have
    Yield(yields::Arguments),
    /// Norms, Lipschitz constants and adversarial accuracy of what the runs of a folder learned
    Robustness(robustness::Arguments),
    /// What different rules learn from the same start, layer by layer, and which layer parts first
    Compare(compare::Arguments),
    /// Write a SPICE netlist of a sample, and hold ngspice against this simulator
    Spice(spice::Arguments),
    /// List, show and check circuits
    Circuits(circuits::Arguments),
    /// List, show and check experiments
    Experiments(experiments::Arguments),
    /// List and show data sets, and tell how to get them
    Data(data::Arguments),
    /// Write the report of an output folder again, from its tables
    Report(report::Arguments),
    /// Draw the figures of an output folder again, from its tables
    Plot(plot::Arguments),
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

/// Parses the command line, carries it out, and turns its end into an exit status; `commit` is what the program is built from.
#[must_use]
pub fn main(commit: &'static str) -> ExitCode {
    built_from(commit);
    let matches = help::arranged(numeric(Cli::command())).version(version()).get_matches();
    let Cli { global, command } = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let done = match command {
        Command::Run(arguments) => run::run(&global, &arguments),
        Command::Settle(arguments) => settle::run(&global, &arguments),
        Command::Stability(arguments) => stability::run(&global, &arguments),
        Command::Noise(arguments) => noise::run(&global, &arguments),
        Command::Gradient(arguments) => gradient::run(&global, &arguments),
        Command::Yield(arguments) => yields::run(&global, &arguments),
        Command::Robustness(arguments) => robustness::run(&global, &arguments),
        Command::Compare(arguments) => compare::run(&global, &arguments),
        Command::Spice(arguments) => spice::run(&global, &arguments),
        Command::Circuits(arguments) => circuits::run(&global, &arguments),
        Command::Experiments(arguments) => experiments::run(&global, &arguments),
        Command::Data(arguments) => data::run(&global, &arguments),
        Command::Report(arguments) => report::run(&global, &arguments),
        Command::Plot(arguments) => plot::run(&global, &arguments),
    };
    let (error, code) = match done {
        Ok(code) => return code,
        Err(Failure::Input(error)) => (error, 2),
        Err(Failure::Running(error)) => (error, 1),
    };
    output::note(&format!("error: {}", with_causes(&error)));
    ExitCode::from(code)
}

/// The command with options that take a negative number for a number: what is wrong with it is told by the option, not
/// as an option of that name.
fn numeric(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| {
        let takes = arg.get_action().takes_values();
        arg.allow_negative_numbers(takes)
    });
    command.mut_subcommands(numeric)
}

/// An error with its causes, except those whose words it has taken over.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| {
        match (told.is_empty(), told.contains(&cause)) {
            (true, _) => cause,
            (_, true) => told,
            _ => format!("{told}: {cause}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_well_formed_and_has_an_example_that_parses() {
        fn visit(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let line = help.lines().map(str::trim).find(|line| line.starts_with("dyadsim "));
            let line = line.and_then(|line| line.split(" > ").next());
            let line = line.unwrap_or_else(|| panic!("`{}` has no example", command.get_name()));
            Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
            command.get_subcommands().filter(|below| below.get_name() != "help").for_each(visit);
        }
        Cli::command().debug_assert();
        visit(&Cli::command());
    }

    #[test]
    fn a_cause_that_an_error_quotes_is_not_told_twice() {
        let quoting = anyhow!("no such file").context("x.toml: cannot be read (no such file)");
        assert_eq!(with_causes(&quoting), "x.toml: cannot be read (no such file)");
        assert_eq!(with_causes(&anyhow!("disk full").context("cannot write x")), "cannot write x: disk full");
    }
}
