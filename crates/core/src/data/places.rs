//! Where published sets are sought, and how they are had when they are nowhere.
//!
//! In this order: `path`; `$DYADSIM_DATA/NAME`; where the system's package manager puts the set;
//! `$XDG_CACHE_HOME/dyadsim/NAME` (`~/.cache` when that is unset or empty). A folder counts when it has all
//! four files; the content of the first that does is verified against the published hashes.

use std::env;
use std::path::{Path, PathBuf};

use super::folder::{self, Folder};
use super::{DataError, Looked, Parts};

/// A set whose files are known by their hashes.
pub(super) struct Published {
    pub(super) name: &'static str,
    pub(super) classes: usize,
    /// SHA-256 (hex) of the unpacked files, in the order of [`folder::FILES`].
    pub(super) sha256: [&'static str; 4],
    /// Where the system's package manager puts it.
    pub(super) system: Option<&'static str>,
    /// A shell command that puts the files into the cache folder.
    pub(super) command: &'static str,
}

impl Published {
    /// Finds, verifies and decodes the set.
    pub(super) fn read(&self, path: Option<&Path>) -> Result<Parts, DataError> {
        self.read_from(candidates(self.name, path, self.system))
    }

    fn read_from(&self, candidates: Vec<PathBuf>) -> Result<Parts, DataError> {
        let mut looked = Vec::new();
        for folder in candidates {
            if let Some(lacks) = folder::lacks(&folder) {
                looked.push(Looked { folder, lacks });
                continue;
            }
            let folder = Folder::read(&folder)?;
            folder.verify(&self.sha256)?;
            return folder.decode(Some(self.classes));
        }
        Err(DataError::Missing { set: self.name, looked, command: self.command })
    }
}

/// Folders in which a set may be, in the order in which they are searched.
pub(super) fn candidates(name: &str, path: Option<&Path>, system: Option<&str>) -> Vec<PathBuf> {
    Places::of_this_user().candidates(name, path, system)
}

/// The folders that the environment names.
#[derive(Debug, PartialEq)]
struct Places {
    /// `$DYADSIM_DATA`.
    data: Option<PathBuf>,
    /// The user's cache folder of this program.
    cache: Option<PathBuf>,
}

impl Places {
    fn of_this_user() -> Self {
        Self::from(|variable| env::var_os(variable).map(PathBuf::from))
    }

    fn from(variable: impl Fn(&str) -> Option<PathBuf>) -> Self {
        let set = |name| variable(name).filter(|value| !value.as_os_str().is_empty());
        let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
        Self { data: set("DYADSIM_DATA"), cache: cache.map(|cache| cache.join("dyadsim")) }
    }

    fn candidates(&self, name: &str, path: Option<&Path>, system: Option<&str>) -> Vec<PathBuf> {
        let below = |folder: &Option<PathBuf>| folder.as_ref().map(|folder| folder.join(name));
        let system = system.map(PathBuf::from);
        [path.map(Path::to_owned), below(&self.data), system, below(&self.cache)]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// The set if this machine has it; otherwise says loudly what is not tested and how to get it.
#[cfg(test)]
pub(super) fn loud(name: &str) -> Option<super::Dataset> {
    use std::io::Write as _;

    match super::load(&super::Request::named(name)) {
        Ok(set) => Some(set),
        Err(missing @ DataError::Missing { .. }) => {
            // Straight to the stream: the harness hides what `eprintln!` says in a test that passes.
            writeln!(std::io::stderr(), "\n*** SKIPPED, NOT TESTED: {missing}\n").unwrap();
            None
        }
        Err(other) => panic!("{other}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::folder::tests::{contents, write};
    use super::*;

    const TOY: Published = Published {
        name: "toy",
        classes: 3,
        sha256: [
            "662c0828d7c8893c49a9442b629a7cd7bb55df359b21030ec2e4b9c2a83b1d17",
            "f33c497e22afe706eb725bf727be8e18bd9e7820f68c6ea14fffa5aa5732006b",
            "f8776e42a2875f10eca9eff289ace26dd3d8c820450d1c93c005422b798a62c5",
            "431bcab1dd172ba755db1bce18699cb2f928cce44b52232c8939261fef2d75ad",
        ],
        system: Some("/system/toy"),
        command: "make toy",
    };

    fn environment(variables: &[(&str, &str)]) -> Places {
        Places::from(|name| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_path_comes_first_then_the_variable_the_system_and_the_cache() {
        let places =
            environment(&[("DYADSIM_DATA", "/data"), ("XDG_CACHE_HOME", "/cache"), ("HOME", "/home/me")]);
        let expected = ["given", "/data/toy", "/system/toy", "/cache/dyadsim/toy"].map(PathBuf::from);
        assert_eq!(places.candidates(TOY.name, Some(Path::new("given")), TOY.system), expected);
    }

    #[test]
    fn an_unset_or_empty_variable_names_no_folder() {
        let expected = ["/system/toy", "/home/me/.cache/dyadsim/toy"].map(PathBuf::from);
        for variables in [
            &[("HOME", "/home/me")][..],
            &[("HOME", "/home/me"), ("XDG_CACHE_HOME", ""), ("DYADSIM_DATA", "")],
        ] {
            assert_eq!(environment(variables).candidates(TOY.name, None, TOY.system), expected);
        }
        assert_eq!(environment(&[]).candidates(TOY.name, None, TOY.system), [PathBuf::from("/system/toy")]);
    }

    #[test]
    fn an_incomplete_folder_is_passed_over_for_a_complete_one() {
        let (half, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(half.path(), &contents());
        fs::remove_file(half.path().join(folder::FILES[2])).unwrap();
        write(whole.path(), &contents());
        let parts = TOY.read_from(vec![half.path().to_owned(), whole.path().to_owned()]).unwrap();
        assert_eq!((parts.classes, parts.train.len()), (3, 3));
    }

    #[test]
    fn a_set_that_is_nowhere_says_where_it_was_sought_and_how_to_get_it() {
        let text = TOY.read_from(vec!["/nowhere/a".into(), "/nowhere/b".into()]).unwrap_err().to_string();
        for part in ["`toy`", "/nowhere/a (no train-images-idx3-ubyte)", "/nowhere/b", "\n  make toy\n"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn one_changed_bit_is_found_by_the_hash() {
        let folder = tempfile::tempdir().unwrap();
        let mut changed = contents();
        changed[2][20] ^= 1;
        write(folder.path(), &changed);
        let error = TOY.read_from(vec![folder.path().to_owned()]).unwrap_err();
        assert!(
            matches!(&error, DataError::Hash { file, .. } if file.ends_with(folder::FILES[2])),
            "{error}"
        );
    }

    #[test]
    fn a_published_set_has_the_published_number_of_classes_whatever_its_labels() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &contents());
        let parts = Published { classes: 9, ..TOY }.read_from(vec![folder.path().to_owned()]).unwrap();
        assert_eq!(parts.classes, 9);
    }
}
