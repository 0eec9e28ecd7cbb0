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
    Extent, Failure, Given, Observer, Study, attractors, branch, compare, folder, gradient, limits, map,
    noise, robustness, stability, train, yields,
};
use crate::figure::{Drawn, draw_figures, want};
use crate::record::dictionary::Table;
use crate::record::place::want_folder;
use crate::record::study::SETTINGS;

/// Every question: the one list of them.
pub const STUDIES: &[Entry] = &[
    train::folder::ENTRY,
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
    entry::<yields::Yield>(),
    entry::<robustness::Robustness>(),
    entry::<compare::Compare>(),
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
    /// Name, of the command, too, if it has one.
    pub name: &'static str,
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

/// An answer, for people and for programs.
#[derive(Clone, Debug)]
pub struct Done {
    /// For people.
    pub words: String,
    /// For programs.
    pub document: Value,
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
            answer(&settings::from_table::<S>(table, at)?, place, given, watch)
        },
    }
}

/// Answers what a command line asks.
///
/// # Errors
/// Those of [`Study::read`] and [`Study::ask`].
pub fn asked<S: Study>(matches: &ArgMatches, given: &Given, watch: &dyn Observer) -> Result<Done, Failure> {
    let settings = S::from_arg_matches(matches).map_err(Failure::input)?;
    let place = Place::from_arg_matches(matches).map_err(Failure::input)?;
    answer(&settings, &place, given, watch)
}

/// Reads, asks, writes and tells.
fn answer<S: Study>(
    settings: &S,
    place: &Place,
    given: &Given,
    watch: &dyn Observer,
) -> Result<Done, Failure> {
    if !S::SINGLE {
        given.want_double(S::KIND.command)?;
    }
    if place.out.is_some() && S::tables().is_empty() {
        return Err(Failure::input(anyhow!("--out: `{}` writes no tables; leave --out out", S::NAME)));
    }
    let subject = settings.read(given, watch)?;
    let out = place.out.clone().or_else(|| settings.home());
    if let Some(out) = out.as_ref().filter(|_| place.out.is_none()) {
        want_folder(out).map_err(Failure::input)?;
    }
    let files = settings.files();
    let claim = |out: &PathBuf| folder::claim(out, place.force, S::KIND, &files);
    let study = out.as_ref().map(claim).transpose()?;
    let hashes = if study.is_some() { folder::hashes(&files) } else { BTreeMap::new() };
    let found = given.on_threads(|| settings.ask(&subject, given, watch))??;
    watch.end();
    let seconds = watch.seconds();
    if let Some(study) = study {
        let text = settings::written(settings, given, &|path| told_from(study.root(), path))?;
        watch.begin(Extent::Unknown("drawing"));
        folder::fill(study, &text, hashes, |to| {
            S::write(&found, to).map_err(Failure::running)?;
            std::fs::write(to.join(SETTINGS), &text).map_err(Failure::running)?;
            let read = S::open(to).map_err(Failure::running)?;
            let figures = draw_figures(S::FIGURES, &to.join("figures"), &read, &[]);
            figures.map(|_| ()).map_err(Failure::running)
        })?;
        watch.end();
    }
    let receipt = Receipt { out: out.as_deref(), seconds };
    let words = settings.words(&subject, &found, &receipt);
    Ok(Done { words, document: settings.document(&subject, &found, &receipt) })
}
