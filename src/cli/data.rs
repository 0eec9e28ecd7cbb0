//! `dyadsim data`: what data sets there are, what is in them, and how to get them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, Global, output};
use crate::study::export::Export;
use dyadsim_core::data::{
    Description, Entry, PathUse, Request, SplitNumbers, catalogue, describe, find, load,
};

/// Arguments of `data`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dyadsim data show digits")]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Names of the data sets [the default]
    #[command(after_help = "Example:\n  dyadsim data list")]
    List,
    /// A data set in numbers
    #[command(after_help = "Example:\n  dyadsim data show yin-yang --split-seed 1")]
    Show {
        /// Name of the data set
        name: String,
        /// Folder of its files
        #[arg(long, value_name = "DIR")]
        path: Option<PathBuf>,
        /// Seed of the split or of the generator
        #[arg(long, value_name = "N", default_value_t = 0)]
        split_seed: u64,
    },
    /// Write samples as `DIR/x.safetensors` and `DIR/y.safetensors`, for `settle`, `stability` and the like
    #[command(after_help = "Example:\n  dyadsim data export digits --split test --samples 16 --out probe")]
    Export(Export),
    /// Print the command that gets a data set
    #[command(after_help = "Example:\n  dyadsim data get mnist")]
    Get {
        /// Name of the data set
        name: String,
    },
}

/// Carries the command out.
///
/// # Errors
/// A data set that is unknown, missing or damaged.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.reject_settings("data")?;
    match arguments.action.as_ref().unwrap_or(&Action::List) {
        Action::List => list(global),
        Action::Show { name, path, split_seed } => {
            let request = Request { path: path.as_deref(), split_seed: *split_seed, ..Request::named(name) };
            let description = describe(&load(&request).map_err(Failure::input)?);
            output::show(global, &words(&description), &description)
        }
        Action::Export(wanted) => output::answer(global, &wanted.write()?),
        Action::Get { name } => {
            let entry = find(name).map_err(Failure::input)?;
            let text = entry.command.map(|command| format!("{command}\n")).unwrap_or_default();
            if entry.command.is_none() {
                output::note(&format!("nothing to get for `{name}`: {}", place(entry)));
            }
            output::show(global, &text, &json!({"name": entry.name, "command": entry.command}))
        }
    }
}

fn list(global: &Global) -> Result<ExitCode, Failure> {
    let text: String =
        catalogue().iter().map(|e| format!("{:14}{}\n{:14}{}\n", e.name, e.summary, "", place(e))).collect();
    let row =
        |e: &Entry| json!({"name": e.name, "summary": e.summary, "about": e.about, "embedded": e.embedded});
    output::show(global, &text, &catalogue().iter().map(row).collect::<Vec<_>>())
}

/// Where a set comes from.
fn place(entry: &Entry) -> String {
    match (entry.embedded, entry.path) {
        (true, _) => "it is built in".to_owned(),
        (false, PathUse::Required) => "its files are yours, in `path`".to_owned(),
        _ => format!("it is read from disk; `dyadsim data get {}` tells how to get it", entry.name),
    }
}

/// A description for people.
fn words(set: &Description) -> String {
    let half = |name: &str, half: &SplitNumbers| {
        let counts: Vec<String> = half.class_counts.iter().map(ToString::to_string).collect();
        let volts = |value: f64| output::rounded(value, "V");
        format!(
            "{name:9}{} samples; per class {}\n{:9}inputs {} to {}, mean {}, deviation {}\n",
            half.samples,
            counts.join(" "),
            "",
            volts(half.lowest_v),
            volts(half.highest_v),
            volts(half.mean_v),
            volts(half.std_v)
        )
    };
    format!(
        "{}: {} inputs, {} classes\n{}{}source   {}\nSHA-256  {}\n",
        set.name,
        set.features,
        set.classes,
        half("train", &set.train),
        half("test", &set.test),
        set.about,
        set.sha256
    )
}
