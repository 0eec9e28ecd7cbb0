//! What all questions share, written once over [`STUDIES`]: the command, the output folder, asking again, drawing again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use serde_json::Value;

use super::places::told_from;
use super::settings::{self, Written};
use super::{Extent, Failure, Given, Observer, Study, folder};
use super::{compare, cost, gradient, noise, robustness, settle, spice, yields};
use crate::figure::{Drawn, FigureError, draw_figures, want};
use crate::record::dictionary::{self, Table};
use crate::record::place::want_folder;
use crate::record::study::SETTINGS;

/// Every question: the one list of them, in the order of the help.
pub const STUDIES: &[Entry] = &[
    entry::<settle::Settle>(),
    entry::<noise::Noise>(),
    entry::<gradient::Gradient>(),
    entry::<yields::Yield>(),
    entry::<robustness::Robustness>(),
    entry::<compare::Compare>(),
    entry::<spice::Spice>(),
    entry::<cost::Costs>(),
];

/// Answers settings of a table, told from a folder.
type Again = fn(&toml::Table, &Path, &Place, &Given, &dyn Observer) -> Result<Done, Failure>;
/// Draws figures by name from the tables of one folder into another.
pub type Draw = fn(&Path, &Path, &[&str]) -> Result<Vec<Drawn>, FigureError>;

/// A question without its types.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Name, of the command, too.
    pub name: &'static str,
    /// The command below which its own stands, if there is one.
    pub below: Option<&'static str>,
    /// Whether it works in single precision, too.
    pub single: bool,
    /// Whether it reads a description of which `--set` changes a key.
    pub described: bool,
    /// The command with its options and help.
    pub command: fn() -> Command,
    /// Answers what a command line asks.
    pub run: fn(&ArgMatches, &Given, &dyn Observer) -> Result<Done, Failure>,
    /// Answers what a table of settings asks; paths are told from the folder.
    again: Again,
    /// Its tables, with the meaning of their columns.
    pub tables: fn() -> Vec<Table>,
    /// The file that makes a folder one of this question.
    pub summary: Option<&'static str>,
    /// Names of its figures.
    pub figures: fn() -> Vec<&'static str>,
    /// Holds figures asked for by name against what the tables of a folder have for them.
    pub want: fn(&Path, &[&str]) -> Result<(), FigureError>,
    /// Draws the figures of these names (of all without any) from the tables of the first folder into the second.
    pub draw: Draw,
}

/// Where an answer goes.
#[derive(Clone, Debug, Default, Args)]
pub struct Place {
    /// Folder for tables and figures
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace the tables of an earlier study of the same kind
    #[arg(long)]
    pub force: bool,
}

impl Place {
    /// What a command line says of it, if the command has its options.
    fn of(matches: &ArgMatches, is_asked: bool) -> Result<Self, clap::Error> {
        if is_asked { Self::from_arg_matches(matches) } else { Ok(Self::default()) }
    }
}

/// An answer, for people and for programs.
#[derive(Clone, Debug)]
pub struct Done {
    /// For people.
    pub words: String,
    /// For programs.
    pub document: Value,
    /// Whether it is as it should be ([`Study::holds`]).
    pub holds: bool,
}

/// The question that a folder answers, if it is one of these.
#[must_use]
pub fn of_folder(path: &Path) -> Option<&'static Entry> {
    STUDIES.iter().find(|entry| entry.summary.is_some_and(|summary| path.join(summary).exists()))
}

/// Asks what a file says, `study.toml` of an answer or one like it, once more.
///
/// # Errors
/// A file that is no question, and what [`Study::read`] and [`Study::ask`] refuse.
pub fn ask_again(file: &Path, place: &Place, given: &Given, watch: &dyn Observer) -> Result<Done, Failure> {
    let written = Written::read(file)?;
    let entry = written.entry()?;
    let given = written.given(given)?;
    let at = file.parent().filter(|at| *at != Path::new("")).unwrap_or(Path::new("."));
    (entry.again)(&written.settings, at, place, &given, watch)
}

/// Every table that some command writes, with the meaning of its columns.
#[must_use]
pub fn all_tables() -> Vec<Table> {
    STUDIES.iter().fold(dictionary::tables(), |all, entry| [all, (entry.tables)()].concat())
}

const fn entry<S: Study>() -> Entry {
    Entry {
        name: S::KIND.command,
        below: S::BELOW,
        single: S::SINGLE,
        described: S::DESCRIBED,
        command: settings::command::<S>,
        run: |matches, given, watch| {
            let wrong = |error: clap::Error| Failure::input(error);
            let settings = S::from_arg_matches(matches).map_err(wrong)?;
            let place = Place::of(matches, S::WRITES).map_err(wrong)?;
            answer(settings, &place, given, watch)
        },
        again: |table, at, place, given, watch| {
            answer(settings::from_table::<S>(table, at)?, place, given, watch)
        },
        tables: S::tables,
        summary: S::KIND.summary,
        figures: || S::FIGURES.iter().map(|figure| figure.name).collect(),
        want: |from, names| {
            want(S::FIGURES.iter().map(|figure| (figure.name, figure.draw)), &S::open(from)?, names)
        },
        draw: |from, to, names| draw_figures(S::FIGURES, to, &S::open(from)?, names),
    }
}

/// Reads, asks, writes and tells.
fn answer<S: Study>(
    mut settings: S,
    place: &Place,
    given: &Given,
    watch: &dyn Observer,
) -> Result<Done, Failure> {
    let called = path(S::BELOW, S::KIND.command);
    if !S::SINGLE {
        given.want_double(&called)?;
    }
    if let Some(out) = place.out.as_ref().filter(|_| !S::WRITES) {
        return Err(Failure::input(anyhow!("--out {}: `{called}` writes no files", out.display())));
    }
    settings.placed(place);
    let subject = settings.read(given, watch)?;
    let out = place.out.clone().or_else(|| settings.home());
    let files = settings.files();
    let study = match out.as_ref().filter(|_| !settings.is_its_own_writer()) {
        Some(out) => Some(claim::<S>(out, place, &files)?),
        None => None,
    };
    let hashes = if study.is_some() { folder::hashes(&files) } else { BTreeMap::new() };
    let found = given.on_threads(|| settings.ask(&subject, given, watch))??;
    watch.end();
    if let Some(study) = study {
        let text = settings::written(&settings, given, &|path| told_from(study.root(), path))?;
        watch.begin(Extent::Unknown(if S::FIGURES.is_empty() { "writing" } else { "drawing" }));
        folder::fill(study, &text, hashes, |to| write::<S>(&found, &text, to))?;
        watch.end();
    }
    let words = settings.words(&subject, &found, out.as_deref());
    Ok(Done { words, document: settings.document(&subject, &found), holds: settings.holds(&found) })
}

/// Takes the folder of an answer; one that nobody named must be no link.
fn claim<S: Study>(
    out: &Path,
    place: &Place,
    files: &[PathBuf],
) -> Result<crate::record::study::Study, Failure> {
    if place.out.is_none() {
        want_folder(out).map_err(Failure::input)?;
    }
    folder::claim(out, place.force, S::KIND, files)
}

/// Writes the tables of an answer, what was asked, and the figures.
fn write<S: Study>(found: &S::Answer, asked: &str, to: &Path) -> Result<(), Failure> {
    S::write(found, to).map_err(Failure::running)?;
    std::fs::write(to.join(SETTINGS), asked).map_err(Failure::running)?;
    if S::FIGURES.is_empty() {
        return Ok(());
    }
    let read = S::open(to).map_err(Failure::running)?;
    draw_figures(S::FIGURES, &to.join("figures"), &read, &[]).map(|_| ()).map_err(Failure::running)
}

/// A command as it is typed.
fn path(below: Option<&str>, name: &str) -> String {
    below.map_or_else(|| name.to_owned(), |above| format!("{above} {name}"))
}

impl Entry {
    /// The command as it is typed.
    #[must_use]
    pub fn path(&self) -> String {
        path(self.below, self.name)
    }
}
