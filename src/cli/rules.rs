//! `dyadsim rules`: the learning rules and what each needs of a chip.

use std::process::ExitCode;

use clap::Args;

use super::{Failure, Global, output};
use crate::study::rules::list;

/// Arguments of `rules`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dyadsim rules --json > rules.json")]
pub struct Arguments {}

/// Carries the command out.
///
/// # Errors
/// Settings, of which it heeds none.
pub fn run(global: &Global) -> Result<ExitCode, Failure> {
    global.reject_settings("rules")?;
    let listed = list();
    output::show(global, &listed.words, &listed.document)
}
