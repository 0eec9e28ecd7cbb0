//! The command line: one command per file, each a thin wrapper of the library.
//!
//! Exit status: 0 done, 1 failed while running, 2 bad input before any work, 130 stopped by Ctrl-C. What
//! bites: `println!` panics when nobody reads any more (`| head`), so commands print through `output` alone.

mod circuits;
mod data;
mod devices;
mod epochs;
mod experiments;
mod help;
mod output;
mod plot;
mod progress;
mod report;
mod rules;
mod run;

use std::ops::Deref;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::record::manifest::{built_from, version};
use crate::study::given::GENERAL;
use crate::study::{Asked, Entry, Failure, Given, STUDIES, builtin, folder};
use progress::Terminal;

/// Own commands that stand before the questions in the help.
const BEFORE: usize = 1;

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

/// Settings that every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Those that questions heed.
    #[command(flatten)]
    pub given: Given,
    /// Print one JSON document on standard output
    #[arg(long, global = true, help_heading = GENERAL)]
    pub json: bool,
    /// Print no progress and no summary
    #[arg(long, short, global = true, help_heading = GENERAL)]
    pub quiet: bool,
}

impl Deref for Global {
    type Target = Given;

    fn deref(&self) -> &Given {
        &self.given
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train and compare the rules of an experiment
    Run(run::Arguments),
    /// List, show and check circuits
    Circuits(circuits::Arguments),
    /// List, show and check experiments
    Experiments(experiments::Arguments),
    /// List learning rules and what each needs of a chip
    Rules(rules::Arguments),
    /// List, show and draw synapse devices; make circuit files of simulated ones
    Devices(devices::Arguments),
    /// List and show data sets, and tell how to get them
    Data(data::Arguments),
    /// Write the report of an output folder again, from its tables
    Report(report::Arguments),
    /// Draw the figures of an output folder again, from its tables
    Plot(plot::Arguments),
}

/// Parses the command line, carries it out, and turns its end into an exit status; `commit` is what the
/// program is built from.
#[must_use]
pub fn main(commit: &'static str) -> ExitCode {
    built_from(commit);
    let matches = help::arranged(numeric(command())).version(version()).get_matches();
    let (error, code) = match carry_out(&matches) {
        Ok(code) => return code,
        Err(Failure::Input(error)) => (error, 2),
        Err(Failure::Running(error)) => (error, 1),
    };
    output::note(&format!("error: {}", with_causes(&error)));
    ExitCode::from(code)
}

/// The command line: commands of this room, and the questions of the registry between them or below one of
/// them.
fn command() -> clap::Command {
    let commands = || STUDIES.iter().filter_map(|entry| Some((entry, entry.command()?)));
    let (below, beside): (Vec<_>, Vec<_>) = commands().partition(|(entry, _)| entry.below.is_some());
    let questions = beside.len();
    let asked = (BEFORE..).zip(beside).map(|(at, (_, command))| command.display_order(at));
    let own = Cli::command();
    let order = |at: usize| if at < BEFORE { at } else { at + questions };
    let names: Vec<String> = own.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let own = names
        .iter()
        .enumerate()
        .fold(own, |own, (at, name)| own.mut_subcommand(name, |below| below.display_order(order(at))));
    let nested = |own: clap::Command, (entry, command): (&Entry, clap::Command)| {
        own.mut_subcommand(entry.below.unwrap_or_default(), |above| above.subcommand(command))
    };
    below.into_iter().fold(own.subcommands(asked), nested)
}

/// The question that a command line asks, and what it says of it.
fn asked(matches: &clap::ArgMatches) -> Option<(Asked, &clap::ArgMatches)> {
    let find = |below: Option<&str>, name: &str| {
        let is_it = |entry: &&Entry| entry.below == below && entry.typed == name;
        STUDIES.iter().find(is_it)?.asked.filter(|asked| asked.command.is_some())
    };
    let (name, inside) = matches.subcommand()?;
    let nested = || inside.subcommand().and_then(|(below, inside)| Some((find(Some(name), below)?, inside)));
    find(None, name).map(|asked| (asked, inside)).or_else(nested)
}

/// Carries out what was asked for.
fn carry_out(matches: &clap::ArgMatches) -> Result<ExitCode, Failure> {
    if let Some((question, inside)) = asked(matches) {
        let global = Global::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
        let done = (question.run)(inside, &global, &Terminal::new(&global))?;
        return output::answer(&global, &done);
    }
    let Cli { global, command } = Cli::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
    match command {
        Command::Run(arguments) => run::run(&global, &arguments),
        Command::Circuits(arguments) => circuits::run(&global, &arguments),
        Command::Experiments(arguments) => experiments::run(&global, &arguments),
        Command::Rules(rules::Arguments {}) => rules::run(&global),
        Command::Data(arguments) => data::run(&global, &arguments),
        Command::Devices(arguments) => devices::run(&global, &arguments),
        Command::Report(arguments) => report::run(&global, &arguments),
        Command::Plot(arguments) => plot::run(&global, &arguments),
    }
}

/// The command with options that take a negative number for a number: what is wrong with it is told by the
/// option, not as an option of that name.
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
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn every_command_is_well_formed_and_has_an_example_that_parses() {
        fn visit(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let line = help.lines().map(str::trim).find(|line| line.starts_with("dyadsim "));
            let line = line.and_then(|line| line.split(" > ").next());
            let line = line.unwrap_or_else(|| panic!("`{}` has no example", command.get_name()));
            super::command()
                .try_get_matches_from(line.split(' '))
                .unwrap_or_else(|error| panic!("{line}: {error}"));
            command.get_subcommands().filter(|below| below.get_name() != "help").for_each(visit);
        }
        super::command().debug_assert();
        visit(&super::command());
    }

    #[test]
    fn every_command_says_what_it_alone_is_for() {
        fn visit(command: &clap::Command, told: &mut Vec<String>) {
            told.push(command.get_about().map(ToString::to_string).unwrap_or_default());
            command.get_subcommands().for_each(|below| visit(below, told));
        }
        let mut told = Vec::new();
        visit(&super::command(), &mut told);
        told.sort();
        let twice = told.windows(2).find(|pair| pair[0] == pair[1]);
        assert!(told.len() > 20 && twice.is_none() && !told.contains(&String::new()), "{twice:?}");
    }

    #[test]
    fn a_cause_that_an_error_quotes_is_not_told_twice() {
        let quoting = anyhow!("no such file").context("x.toml: cannot be read (no such file)");
        assert_eq!(with_causes(&quoting), "x.toml: cannot be read (no such file)");
        assert_eq!(with_causes(&anyhow!("disk full").context("cannot write x")), "cannot write x: disk full");
    }
}
