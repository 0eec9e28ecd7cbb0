//! Files of a deck: whole or not at all, and none that holds something else is replaced without `--force`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::super::Failure;
use super::super::inputs::{Files, Setup};
use crate::record::RecordError;
use crate::record::atomic::{check_writable, write_together};
use crate::record::lock::Lock;
use crate::record::manifest::sha256_of;
use crate::record::place::refuse_inputs_inside;
use crate::record::study::Kind;
use crate::spice::{Netlist, map, writable_name};
use dyadsim_core::chip::Layout;

/// Its files in a folder of their own.
pub const KIND: Kind = Kind {
    command: "spice",
    what: "a deck",
    stems: &[STEM, "deck.columns", "deck.network", "deck.noise"],
    endings: &["cir", "lib", "inc", "json"],
    summary: None,
};
/// Name of a deck that nobody named, without its ending.
const STEM: &str = "deck";

/// Where a deck goes, and what it is called.
#[derive(Clone, Debug)]
pub struct Deck {
    /// The folder; empty for the current one.
    folder: PathBuf,
    name: String,
    stem: String,
    is_named: bool,
}

impl Default for Deck {
    fn default() -> Self {
        Self::within(Path::new(""))
    }
}

impl Deck {
    /// Takes the path of a deck, or of a folder for one.
    ///
    /// # Errors
    /// A name that cards cannot hold.
    pub fn new(out: &Path) -> Result<Self, Failure> {
        if !is_file(out) {
            return Ok(Self::within(out));
        }
        let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (name, stem) = (part(out.file_name()), part(out.file_stem()));
        if out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
            return Err(Failure::input(anyhow!(
                "--out {}: no name for a deck\n  \
                 accepted: a file such as `deck.cir`, beside which `deck.json` goes, or a folder",
                out.display()
            )));
        }
        writable_name(&stem)?;
        let folder = out.parent().unwrap_or(Path::new("")).to_path_buf();
        Ok(Self { folder, name, stem, is_named: true })
    }

    /// The deck of a folder.
    fn within(folder: &Path) -> Self {
        let (name, stem) = (format!("{STEM}.cir"), STEM.to_owned());
        Self { folder: folder.to_path_buf(), name, stem, is_named: false }
    }

    /// Name of the deck without its ending.
    pub fn stem(&self) -> &str {
        &self.stem
    }

    /// A file of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Every file, by name, with its text; the deck comes last but for the map.
    ///
    /// # Errors
    /// A map that cannot be written as JSON.
    pub fn texts(
        &self,
        netlist: &Netlist,
        bench: &str,
        layout: &Layout,
        split: bool,
    ) -> Result<Vec<(String, String)>, Failure> {
        let Netlist { title, library, columns, network, noise } = netlist;
        let mut files = Vec::new();
        let mut deck = title.clone();
        for (ending, part) in
            [(".lib", library), (".columns.inc", columns), (".network.inc", network), (".noise.inc", noise)]
        {
            if split && !part.is_empty() {
                files.push((format!("{}{ending}", self.stem), part.clone()));
                deck += &format!(".include {}{ending}\n", self.stem);
            } else {
                deck += part;
            }
        }
        files.push((self.name.clone(), deck + bench));
        let map = serde_json::to_string_pretty(&map(layout)).map_err(Failure::running)?;
        files.push((format!("{}.json", self.stem), map + "\n"));
        Ok(files)
    }

    /// Makes the folder if it is not there.
    fn make(&self) -> Result<(), Failure> {
        let folder = self.here();
        fs::create_dir_all(folder).map_err(RecordError::io("create", folder)).map_err(Failure::input)?;
        check_writable(folder).map_err(Failure::input)
    }

    /// Writes the files of a deck that somebody has named, into a folder that is made if need be.
    ///
    /// # Errors
    /// A file that holds something else, without `force`; one that cannot be written, or a folder made.
    pub fn write(&self, files: &[(String, String)], inputs: &[PathBuf], force: bool) -> Result<(), Failure> {
        if !self.is_named {
            return Ok(());
        }
        for (name, text) in files {
            let path = self.path(name);
            refuse_inputs_inside(&path, inputs).map_err(Failure::input)?;
            let same = || fs::read(&path).is_ok_and(|bytes| bytes == text.as_bytes());
            if path.exists() && !force && !same() {
                let (path, deck) = (path.display(), self.path(&self.name));
                return Err(Failure::input(anyhow!(
                    "{path} exists and holds something else; --force replaces the files of {}, \
                     or choose another --out",
                    deck.display()
                )));
            }
        }
        self.make()?;
        let lock = Lock::named(self.here(), &format!(".{}.lock", self.stem)).map_err(Failure::input)?;
        let bytes: Vec<_> =
            files.iter().map(|(name, text)| (self.path(name), text.clone().into_bytes())).collect();
        write_together(&bytes).and_then(|()| lock.release()).map_err(Failure::running)
    }

    fn here(&self) -> &Path {
        if self.folder == Path::new("") { Path::new(".") } else { &self.folder }
    }
}

/// Whether a path names the deck itself: it has an ending, and is no folder.
pub fn is_file(out: &Path) -> bool {
    out.extension().is_some() && !out.is_dir()
}

/// What a netlist is of, as comments below its title.
pub fn origin(files: &Files, sample: usize, setup: &Setup) -> String {
    let file = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let hash = sha256_of(path).map(|hash| format!(" (sha256 {hash})")).unwrap_or_default();
        name + &hash
    };
    let target = files.target.as_ref().map(|path| format!("* target {}\n", file(path))).unwrap_or_default();
    format!(
        "* {}, sample {sample}\n* weights {}\n* input {}\n{target}",
        setup.words(&[]),
        file(&files.weights),
        file(&files.input)
    )
}
