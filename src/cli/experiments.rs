//! `dyadsim experiments`: list, show, check, and the schema for editors.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::builtin::{self, EXPERIMENTS};
use super::{Failure, Global, output};
use crate::study::checks;
use dyadsim_core::spec::{experiment_schema, experiment_template_toml, experiment_toml};

/// Arguments of `experiments`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dyadsim experiments show two_tales > mine.toml\n  dyadsim experiments show --defaults > template.toml"
)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Names of the built-in experiments [the default]
    #[command(after_help = "Example:\n  dyadsim experiments list")]
    List,
    /// Print an experiment file
    #[command(after_help = "Example:\n  dyadsim experiments show two_tales --defaults > whole.toml")]
    Show {
        /// A built-in experiment or a file
        #[arg(value_name = "NAME_OR_FILE", required_unless_present = "defaults")]
        experiment: Option<PathBuf>,
        /// Write every default and the circuit out: a file that needs no other; without an experiment: a
        /// template with every key
        #[arg(long)]
        defaults: bool,
    },
    /// Check an experiment file, its grid, its data set and its initial weights (status 2 if refused)
    #[command(after_help = "Example:\n  dyadsim experiments check experiments/two_tales.toml")]
    Check {
        /// A file or a built-in experiment
        #[arg(value_name = "FILE")]
        experiment: PathBuf,
    },
    /// Print the JSON Schema of experiment files
    #[command(after_help = "Example:\n  dyadsim experiments schema > experiment.schema.json")]
    Schema,
}

/// Carries the command out.
///
/// # Errors
/// An experiment that is unknown, unreadable or refused.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    match arguments.action.as_ref().unwrap_or(&Action::List) {
        Action::List => {
            global.reject_settings("experiments list")?;
            output::show(global, &builtin::table(EXPERIMENTS), &builtin::document(EXPERIMENTS))
        }
        Action::Show { experiment: None, .. } => {
            global.reject_settings("experiments show")?;
            let text = experiment_template_toml();
            output::show(global, &text, &json!({"text": text}))
        }
        Action::Show { experiment: Some(name), defaults } => show(global, name, *defaults),
        Action::Check { experiment } => check(global, experiment),
        Action::Schema => {
            global.reject_settings("experiments schema")?;
            let schema = experiment_schema();
            output::show(global, &format!("{schema:#}\n"), &schema)
        }
    }
}

fn show(global: &Global, name: &Path, defaults: bool) -> Result<ExitCode, Failure> {
    global.reject_settings("experiments show")?;
    let source = builtin::find(EXPERIMENTS, name)?;
    let resolved = source.experiment(&[])?.resolve(&[]).map_err(Failure::input)?;
    let text = if defaults { experiment_toml(&resolved.experiment) } else { source.text()? };
    output::show(global, &text, &json!({"experiment": resolved.experiment, "text": text}))
}

fn check(global: &Global, name: &Path) -> Result<ExitCode, Failure> {
    global.require_f64("experiments check")?;
    let (done, unchecked) = checks::experiment(name, &global.set)?;
    unchecked.iter().for_each(|line| output::note(line));
    output::answer(global, &done)
}
