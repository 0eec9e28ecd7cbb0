//! The settings of a question in three forms: a command with its help, a table of TOML, a value.
//!
//! They are described once, by the derive of [`clap::Args`]: a key of the table is the name of the field, and
//! its value is checked as the option would be. So ranges, defaults and what excludes what hold for files and
//! for programs, too.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Arg, ArgAction, Args, Command};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::places::found_from;
use super::registry::{Asked, Place, questions};
use super::{Failure, Given, Precision, Study};
use dyadsim_core::file;
use dyadsim_core::spec::nearest;

/// A question as a file says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// Name of the question.
    study: String,
    /// Overrides, `PATH=VALUE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    set: Vec<String>,
    /// Seed, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
    /// Scalar type.
    #[serde(default)]
    precision: Precision,
    /// Its own settings.
    #[serde(default)]
    pub settings: Table,
}

impl Written {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, or is no question.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = file::read_text(path, file::DESCRIPTION)
            .map_err(|error| Failure::input(anyhow!("{shown}: cannot be read ({error})")))?;
        toml::from_str(&text).map_err(|error| Failure::input(anyhow!("{shown}: {error}")))
    }

    /// Whether a file is a question: its first key says so.
    #[must_use]
    pub fn is_one(path: &Path) -> bool {
        let table = file::read_text(path, file::DESCRIPTION).ok().and_then(|text| text.parse::<Table>().ok());
        table.is_some_and(|table| table.contains_key("study"))
    }

    /// The question.
    ///
    /// # Errors
    /// One that there is not.
    pub fn asked(&self) -> Result<Asked, Failure> {
        let found = questions().find(|(name, _)| *name == self.study);
        found.map(|(_, asked)| asked).ok_or_else(|| {
            let names = || questions().map(|(name, _)| name);
            let meant =
                nearest(&self.study, names()).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            let known = names().collect::<Vec<_>>().join(", ");
            Failure::input(anyhow!(
                "study = \"{}\": no such question{meant}\n  accepted: {known}",
                self.study
            ))
        })
    }

    /// What is given besides: what the file says, and what is said now over it.
    ///
    /// # Errors
    /// An override that is none.
    pub fn given(&self, now: &Given) -> Result<Given, Failure> {
        let parse = |text: &String| {
            text.parse().map_err(|error| Failure::input(anyhow!("set = \"{text}\": {error}")))
        };
        let own = self.set.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let set = [own, now.set.clone()].concat();
        let precision = if now.precision == Precision::F32 { now.precision } else { self.precision };
        Ok(Given { set, seed: now.seed.or(self.seed), precision, threads: now.threads })
    }
}

/// A question as a file that asks it again; `tell` gives its paths as they are told from there.
///
/// # Errors
/// Settings that TOML has no form for.
pub fn written<S: Study>(
    settings: &S,
    given: &Given,
    tell: &dyn Fn(&Path) -> PathBuf,
) -> Result<String, Failure> {
    let mut table = Table::try_from(settings).map_err(Failure::running)?;
    for key in S::PATHS {
        if let Some(Value::String(path)) = table.get_mut(*key) {
            *path = tell(Path::new(path)).display().to_string();
        }
    }
    let written = Written {
        study: S::NAME.to_owned(),
        set: given.set.iter().map(ToString::to_string).collect(),
        seed: given.seed,
        precision: given.precision,
        settings: table,
    };
    let text = toml::to_string_pretty(&written).map_err(Failure::running)?;
    Ok(format!("# What was asked. `dyadsim run` with the path of this file asks it again.\n{text}"))
}

/// The command of a question, with the options of every output folder.
pub fn command<S: Study>() -> Command {
    let command = placed::<S>(S::augment_args(Command::new(S::KIND.command)));
    // Last: options bring words on themselves along.
    S::arranged(command).about(S::ABOUT).long_about(None).after_help(S::NOTES)
}

/// The command with options that say where the answer goes, if it is written at all.
fn placed<S: Study>(command: Command) -> Command {
    if !S::WRITES {
        return command;
    }
    let command = Place::augment_args(command);
    if S::AT_HOME {
        let home = format!("Folder for tables and figures [default: DIR/{}]", S::KIND.command);
        return command.mut_arg("out", |arg| arg.help(home));
    }
    let home = "Folder for tables and figures [default: none is written]";
    command.mut_arg("out", |arg| arg.help(home)).mut_arg("force", |arg| arg.requires("out"))
}

/// Settings from a table, its paths told from a folder.
///
/// # Errors
/// A key that there is not, with the nearest; a value that the option of that name would refuse.
pub fn from_table<S: Study>(table: &Table, folder: &Path) -> Result<S, Failure> {
    let command = S::augment_args(Command::new(S::KIND.command).no_binary_name(true));
    let mut line: Vec<String> = Vec::new();
    let mut places: Vec<String> = Vec::new();
    for (key, value) in table {
        let arg = command.get_arguments().find(|arg| arg.get_id() == key.as_str());
        let arg = arg.ok_or_else(|| unknown(key, &command))?;
        let is_path = S::PATHS.contains(&key.as_str());
        let here = |text: String| {
            if is_path { found_from(folder, Path::new(&text)).display().to_string() } else { text }
        };
        let told = texts(key, value)?.into_iter().map(here);
        push_arguments(arg, told, (&mut line, &mut places));
    }
    line.push("--".to_owned());
    let matches = command.try_get_matches_from(line.into_iter().chain(places)).map_err(refused)?;
    S::from_arg_matches(&matches).map_err(refused)
}

/// Adds to a command line what a key says.
fn push_arguments(
    arg: &Arg,
    texts: impl Iterator<Item = String>,
    (line, places): (&mut Vec<String>, &mut Vec<String>),
) {
    let Some(long) = arg.get_long() else { return places.extend(texts) };
    for text in texts {
        match (arg.get_action(), text.as_str()) {
            (ArgAction::SetTrue, "false") => {}
            (ArgAction::SetTrue, "true") => line.push(format!("--{long}")),
            _ => line.push(format!("--{long}={text}")),
        }
    }
}

/// A value as options are given, one by one.
fn texts(key: &str, value: &Value) -> Result<Vec<String>, Failure> {
    let nothing = || {
        Failure::input(anyhow!("settings.{key}: accepted: a number, a text, true, false, or a list of these"))
    };
    Ok(match value {
        Value::Array(values) => {
            let each = values.iter().map(|value| texts(key, value)).collect::<Result<Vec<_>, _>>()?;
            each.concat()
        }
        Value::String(text) => vec![text.clone()],
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => vec![value.to_string()],
        Value::Table(_) | Value::Datetime(_) => return Err(nothing()),
    })
}

fn unknown(key: &str, command: &Command) -> Failure {
    let names: Vec<&str> =
        command.get_arguments().map(|arg| arg.get_id().as_str()).filter(|id| *id != "help").collect();
    let meant =
        nearest(key, names.iter().copied()).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
    Failure::input(anyhow!("settings.{key}: no such key{meant}\n  accepted: {}", names.join(", ")))
}

/// An error of the option, without the usage of a command that nobody has typed.
fn refused(error: clap::Error) -> Failure {
    let text = error.to_string();
    let told = text.split("\n\nUsage").next().unwrap_or_default().trim_start_matches("error: ").trim();
    Failure::input(anyhow!("settings: {told}"))
}
