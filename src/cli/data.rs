//! `dyadsim data`: what data sets there are, what is in them, and how to get them.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{Failure, Global, output};
use crate::data::{Description, Entry, PathUse, Request, SplitNumbers, catalogue, describe, find, load};
use crate::matrix::Matrix;
use crate::record::RecordError;
use crate::record::atomic::write_together;
use crate::record::lock::Lock;
use crate::record::tensors::TensorWriter;

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
        /// Folder of its IDX files
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

/// What is exported.
#[derive(Debug, Args)]
struct Export {
    /// Name of the data set
    name: String,
    /// Half of the set
    #[arg(long, value_enum, default_value_t = Half::Test)]
    split: Half,
    /// Samples, the first of the half
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// Folder of the files, made if need be; files of these names are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace files of that name
    #[arg(long)]
    force: bool,
    /// Folder of its IDX files
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// Seed of the split or of the generator
    #[arg(long, value_name = "N", default_value_t = 0)]
    split_seed: u64,
}

/// The halves of a data set.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Half {
    Train,
    Test,
}

/// Carries the command out.
///
/// # Errors
/// A data set that is unknown, missing or damaged.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode, Failure> {
    global.want_plain("data")?;
    match arguments.action.as_ref().unwrap_or(&Action::List) {
        Action::List => list(global),
        Action::Show { name, path, split_seed } => {
            let request = Request { path: path.as_deref(), split_seed: *split_seed, ..Request::named(name) };
            let description = describe(&load(&request).map_err(Failure::input)?);
            output::show(global, &words(&description), &description)
        }
        Action::Export(wanted) => export(global, wanted),
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

/// Writes inputs and one-hot targets (V) of the first samples.
fn export(global: &Global, wanted: &Export) -> Result<ExitCode, Failure> {
    let Export { name, samples, out, .. } = wanted;
    let request =
        Request { path: wanted.path.as_deref(), split_seed: wanted.split_seed, ..Request::named(name) };
    let set = load(&request).map_err(Failure::input)?;
    let half = match wanted.split {
        Half::Train => &set.train,
        Half::Test => &set.test,
    };
    let count = *samples as usize;
    if count > half.len() {
        return Err(Failure::input(anyhow!(
            "--samples {count}: that half of `{name}` has {} samples\n  accepted: 1 to {}",
            half.len(),
            half.len()
        )));
    }
    let first: Vec<usize> = (0..count).collect();
    let (mut inputs, mut targets) =
        (Matrix::<f64>::zeros(count, half.features()), Matrix::zeros(count, set.classes));
    half.gather(&first, &mut inputs);
    half.one_hot(&first, set.classes, &mut targets);
    let [x, y] = ["x", "y"].map(|tensor| out.join(format!("{tensor}.safetensors")));
    let bytes = |tensor: &str, values: &Matrix<f64>| {
        let mut writer = TensorWriter::new();
        writer.matrix(tensor, values);
        writer.to_bytes()
    };
    put(wanted, &[(x.clone(), bytes("x", &inputs)), (y.clone(), bytes("y", &targets))])?;
    let text = format!("{}\n{}\n", x.display(), y.display());
    output::conclude(global, &text, &json!({"x": x, "y": y, "samples": count}))
}

/// Writes both files together, in place of none that is there already.
fn put(wanted: &Export, files: &[(PathBuf, Vec<u8>)]) -> Result<(), Failure> {
    let out = &wanted.out;
    let there = || files.iter().find(|(path, _)| path.symlink_metadata().is_ok());
    if let (Some((path, _)), false) = (there(), wanted.force) {
        return Err(Failure::input(anyhow!(
            "{} exists; --force replaces it, or choose another --out",
            path.display()
        )));
    }
    let create = |reason| RecordError::Io { action: "create", path: out.clone(), reason };
    std::fs::create_dir_all(out).map_err(|reason| Failure::input(create(reason)))?;
    let lock = Lock::named(out, ".export.lock").map_err(Failure::input)?;
    write_together(files).map_err(Failure::running)?;
    lock.release().map_err(Failure::running)
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
