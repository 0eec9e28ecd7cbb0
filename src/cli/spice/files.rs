//! Files of a deck: whole or not at all, and none that holds something else is replaced without `--force`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::Failure;
use crate::record::atomic::{self, write_together};
use crate::record::lock::Lock;
use crate::record::place::refuse_inputs_inside;
use crate::spice::{Netlist, writable_name};

/// Where a deck goes.
#[derive(Debug)]
pub struct Place {
    deck: PathBuf,
    stem: String,
}

impl Place {
    /// Takes the path of a deck.
    ///
    /// # Errors
    /// A name that cards cannot hold; a folder that is not there or cannot be written to.
    pub fn new(deck: &Path) -> Result<Self, Failure> {
        let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (stem, extension) = (part(deck.file_stem()), part(deck.extension()));
        if stem.is_empty() || extension.is_empty() || extension.eq_ignore_ascii_case("json") {
            return Err(Failure::input(anyhow!(
                "--out {}: no name for a deck\n  accepted: a file such as `deck.cir`, beside which `deck.json` goes",
                deck.display()
            )));
        }
        writable_name(&stem)?;
        let folder = deck.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(Failure::input(anyhow!(
                "--out {}: there is no folder {}; make it first",
                deck.display(),
                folder.display()
            )));
        }
        atomic::check_writable(folder).map_err(Failure::input)?;
        Ok(Self { deck: deck.to_path_buf(), stem })
    }

    /// Name of the deck without its ending.
    pub fn stem(&self) -> &str {
        &self.stem
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.deck.with_file_name(format!("{}{ending}", self.stem))
    }
}

/// Every file with its text; the deck comes last but for the map.
///
/// # Errors
/// A map that cannot be written as JSON.
pub fn texts(
    place: &Place,
    netlist: &Netlist,
    bench: &str,
    map: &BTreeMap<String, String>,
    split: bool,
) -> Result<Vec<(PathBuf, String)>, Failure> {
    let Netlist { title, library, columns, network, noise } = netlist;
    let mut files = Vec::new();
    let mut deck = title.clone();
    for (ending, part) in
        [(".lib", library), (".columns.inc", columns), (".network.inc", network), (".noise.inc", noise)]
    {
        if split && !part.is_empty() {
            files.push((place.beside(ending), part.clone()));
            deck += &format!(".include {}{ending}\n", place.stem);
        } else {
            deck += part;
        }
    }
    files.push((place.deck.clone(), deck + bench));
    let map = serde_json::to_string_pretty(map).map_err(Failure::running)?;
    files.push((place.beside(".json"), map + "\n"));
    Ok(files)
}

/// Writes the files; gives their paths.
///
/// # Errors
/// A file that holds something else, without `force`; one that cannot be written.
pub fn write(
    place: &Place,
    files: &[(PathBuf, String)],
    inputs: &[PathBuf],
    force: bool,
) -> Result<Vec<PathBuf>, Failure> {
    for (path, text) in files {
        refuse_inputs_inside(path, inputs).map_err(Failure::input)?;
        let same = || fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes());
        if path.exists() && !force && !same() {
            let (path, deck) = (path.display(), place.deck.display());
            return Err(Failure::input(anyhow!(
                "{path} exists and holds something else; --force replaces the files of {deck}, or choose another --out"
            )));
        }
    }
    let folder =
        place.deck.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let lock = Lock::named(folder, &format!(".{}.lock", place.stem)).map_err(Failure::input)?;
    let bytes: Vec<_> = files.iter().map(|(path, text)| (path.clone(), text.clone().into_bytes())).collect();
    write_together(&bytes).and_then(|()| lock.release()).map_err(Failure::running)?;
    Ok(files.iter().map(|(path, _)| path.clone()).collect())
}
