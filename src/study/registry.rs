//! What all questions share, written once over [`STUDIES`]: the command, the output folder, asking again,
//! drawing again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use serde_json::Value;

use super::places::told_from;
use super::settings::{self, Written};
use super::{
    Extent, Failure, Given, Observer, Study, attractors, branch, compare, cost, folder, gradient, hebbian,
    limits, map, noise, robustness, rules, sensitivity, settle, spice, spiking, stability, train, yields,
};
use crate::figure::{Drawn, draw_figures, want};
use crate::record::dictionary::Table;
use crate::record::place::want_folder;
use crate::record::study::SETTINGS;

/// Every question: the one list of them, in the order of the help.
pub const STUDIES: &[Entry] = &[
    train::folder::ENTRY,
    entry::<settle::Settle>(),
    Entry {
        asked: Some(Asked {
            command: Some(stability::command),
            run: stability::run,
            ..asking::<stability::Stability>()
        }),
        ..entry::<stability::Stability>()
    },
    form::<limits::Limits>(),
    form::<branch::Branch>(),
    form::<attractors::Attractors>(),
    form::<map::Map>(),
    entry::<noise::Noise>(),
    entry::<gradient::Gradient>(),
    entry::<sensitivity::Sensitivity>(),
    entry::<yields::Yield>(),
    entry::<robustness::Robustness>(),
    entry::<compare::Compare>(),
    entry::<rules::RuleComparison>(),
    entry::<hebbian::Hebbian>(),
    entry::<spiking::Spiking>(),
    entry::<spice::Spice>(),
    entry::<cost::Costs>(),
];

/// Answers settings of a table, told from a folder.
type Again = fn(&toml::Table, &Path, &Place, &Given, &dyn Observer) -> Result<Done, Failure>;
/// Draws figures by name from the tables of one folder into another.
pub type Draw = fn(&Path, &Path, &[&str]) -> Result<Vec<Drawn>, Failure>;

/// Writes the report of a folder and returns its path.
pub type Report = fn(&Path) -> Result<PathBuf, Failure>;

/// A question without its types.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Name in files.
    pub name: &'static str,
    /// Name of the command that asks it.
    pub typed: &'static str,
    /// The command below which its own stands, if there is one.
    pub below: Option<&'static str>,
    /// Whether it works in single precision, too.
    pub single: bool,
    /// Whether it reads a description of which `--set` changes a key.
    pub described: bool,
    /// How it is asked; none if its settings are an experiment file, which `run` carries out.
    pub asked: Option<Asked>,
    /// Its tables, with the meaning of their columns.
    pub tables: fn() -> Vec<Table>,
    /// The file that makes a folder one of this question.
    pub summary: Option<&'static str>,
    /// Names of its figures.
    pub figures: fn() -> Vec<&'static str>,
    /// Holds figures asked for by name against what the tables of a folder have for them.
    pub want: fn(&Path, &[&str]) -> Result<(), Failure>,
    /// Draws the figures of these names (of all without any) from the tables of the first folder into the
    /// second.
    pub draw: Draw,
    /// Writes the report of a folder, if such folders have one.
    pub report: Option<Report>,
}

/// How a question is asked by its settings.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The command with its options and help; a form is asked by the command of another question.
    pub command: Option<fn() -> Command>,
    /// Answers what a command line asks.
    pub run: fn(&ArgMatches, &Given, &dyn Observer) -> Result<Done, Failure>,
    /// Answers what a table of settings asks; paths are told from the folder.
    again: Again,
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

/// What an asking leaves besides its answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Receipt<'a> {
    /// Where the tables are, if they were written.
    pub out: Option<&'a Path>,
    /// How long the work took (s), if the observer has a clock.
    pub seconds: Option<f64>,
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
    let asked = written.asked()?;
    let given = written.given(given)?;
    let at = file.parent().filter(|at| *at != Path::new("")).unwrap_or(Path::new("."));
    (asked.again)(&written.settings, at, place, &given, watch)
}

/// Every table that some command writes, with the meaning of its columns.
#[must_use]
pub fn all_tables() -> Vec<Table> {
    STUDIES.iter().flat_map(|entry| (entry.tables)()).collect()
}

/// How to ask each question that is asked by its settings, with its name.
pub fn questions() -> impl Iterator<Item = (&'static str, Asked)> {
    STUDIES.iter().filter_map(|entry| Some((entry.name, entry.asked?)))
}

/// A question that the command of another asks.
const fn form<S: Study>() -> Entry {
    Entry { asked: Some(Asked { command: None, ..asking::<S>() }), ..entry::<S>() }
}

const fn entry<S: Study>() -> Entry {
    Entry {
        name: S::NAME,
        typed: S::KIND.command,
        below: S::BELOW,
        single: S::SINGLE,
        described: S::DESCRIBED,
        asked: Some(asking::<S>()),
        tables: S::tables,
        summary: S::KIND.summary,
        figures: || S::FIGURES.iter().map(|figure| figure.name).collect(),
        want: |from, names| {
            let figures = S::FIGURES.iter().map(|figure| (figure.name, figure.draw));
            S::open(from).and_then(|tables| want(figures, &tables, names)).map_err(Failure::drawing)
        },
        draw: |from, to, names| {
            let drawn = S::open(from).and_then(|tables| draw_figures(S::FIGURES, to, &tables, names));
            drawn.map_err(Failure::drawing)
        },
        report: None,
    }
}

const fn asking<S: Study>() -> Asked {
    Asked {
        command: Some(settings::command::<S>),
        run: asked::<S>,
        again: |table, at, place, given, watch| {
            answer(settings::from_table::<S>(table, at)?, place, given, watch)
        },
    }
}

/// Answers what a command line asks.
///
/// # Errors
/// Those of [`Study::read`] and [`Study::ask`].
pub fn asked<S: Study>(matches: &ArgMatches, given: &Given, watch: &dyn Observer) -> Result<Done, Failure> {
    let settings = S::from_arg_matches(matches).map_err(Failure::input)?;
    let place = Place::of(matches, S::WRITES).map_err(Failure::input)?;
    answer(settings, &place, given, watch)
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
        given.require_f64(&called)?;
    }
    if let Some(out) = place.out.as_ref().filter(|_| !S::WRITES) {
        let name = path(S::BELOW, S::NAME);
        return Err(Failure::input(anyhow!("--out {}: `{name}` writes no files", out.display())));
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
    let seconds = watch.seconds();
    if let Some(study) = study {
        let text = settings::written(&settings, given, &|path| told_from(study.root(), path))?;
        watch.begin(Extent::Unknown(if S::FIGURES.is_empty() { "writing" } else { "drawing" }));
        folder::fill(study, &text, hashes, |to| write::<S>(&found, &text, to))?;
        watch.end();
    }
    let receipt = Receipt { out: out.as_deref(), seconds };
    let words = settings.words(&subject, &found, &receipt);
    let document = settings.document(&subject, &found, &receipt);
    Ok(Done { words, document, holds: settings.holds(&found) })
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
        path(self.below, self.typed)
    }

    /// The command with its options and help, if it has one of its own.
    #[must_use]
    pub fn command(&self) -> Option<Command> {
        self.asked?.command.map(|command| command())
    }
}
