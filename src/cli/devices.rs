//! `dyadsim devices`: circuit files made of devices.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Failure, Global, output};
use crate::study::extract::Extract;

/// Arguments of `devices`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dyadsim devices extract examples/transistors/neuron.cir --subckt compartment --input u --state p --output s --hold vdd=0.9 --hold vss=-0.9 --out extracted"
)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run a subcircuit in ngspice and write its curve, noise, offset and time constant as a circuit file
    #[command(
        after_help = "Example:\n  dyadsim devices extract examples/transistors/neuron.cir --subckt compartment --input u --state p --output s --hold vdd=0.9 --hold vss=-0.9 --out extracted"
    )]
    Extract(Box<Extract>),
}

/// Carries the command out.
///
/// # Errors
/// A netlist, port or voltage that is none; no ngspice, or a run that failed.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.reject_settings("devices")?;
    let Action::Extract(extract) = &arguments.action;
    output::answer(global, &extract.write(global.seed)?)
}
