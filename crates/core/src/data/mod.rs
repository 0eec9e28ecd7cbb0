//! Data sets: what a network is trained and tested on, decoded once into volts.
//!
//! A set is one file of this room and one line of the [`catalogue`]. It hands over its whole
//! training and test split; [`load`] shortens them, checks every label and hashes what is left.
//! Inputs lie in `[0, 1]` V (code over full scale), targets are one-hot, 1 V.
//!
//! What bites: `train` and `test` take the *first* so many samples, so every set has its samples
//! mixed over the classes beforehand, except folders of IDX files, whose order is their own.

mod dead_leaves;
mod describe;
mod digits;
mod error;
mod fashion_14;
mod fashion_mnist;
mod folder;
mod idx;
mod idx_folder;
mod mersenne;
mod mnist;
mod patches;
mod photos;
mod places;
mod shuffle;
mod split;
mod two_moons;
mod yin_yang;

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::matrix::Matrix;
use crate::spec::DatasetSpec;

pub use describe::{Description, SplitNumbers, describe};
pub use error::{DataError, Looked};
pub use idx::{Block, IdxError};
pub use split::Split;

/// Every data set, in the order in which lists show them.
const CATALOGUE: &[Entry] = &[
    digits::ENTRY,
    yin_yang::ENTRY,
    fashion_14::ENTRY,
    two_moons::ENTRY,
    mnist::ENTRY,
    fashion_mnist::ENTRY,
    dead_leaves::ENTRY,
    photos::ENTRY,
    idx_folder::ENTRY,
];

/// Names at least this similar (Jaro–Winkler, 0 to 1) to an unknown one are offered instead of it.
/// `yinyang` scores 0.97 with `yin-yang`, unrelated words about 0.5.
const SIMILAR: f64 = 0.75;

/// A data set as a network sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Name in the catalogue.
    pub name: String,
    /// Number of classes; every label is below it.
    pub classes: usize,
    /// Training samples.
    pub train: Split,
    /// Test samples.
    pub test: Split,
    /// SHA-256 (hex) of the decoded content after shortening: features and classes (u64, little endian as all
    /// that follows), then for `train` and `test` the number of samples (u64), the full scale (f64) and codes
    /// (u8) or the values (f64), and the labels (u16).
    pub sha256: String,
    /// Source and licence.
    pub about: &'static str,
}

impl Dataset {
    /// The whole of a set of the catalogue, split as seed 0 does it; files of a set that is not embedded are
    /// searched in the usual places.
    ///
    /// # Errors
    /// As [`load`].
    ///
    /// ```
    /// # use dyadsim_core as dyadsim;
    /// let digits = dyadsim::data::Dataset::named("digits")?;
    /// let (inputs, targets) = digits.first(50);
    /// assert_eq!((inputs.shape(), targets.shape()), ((50, 64), (50, 10)));
    /// # Ok::<(), dyadsim::data::DataError>(())
    /// ```
    pub fn named(name: &str) -> Result<Self, DataError> {
        load(&Request::named(name))
    }

    /// The first `count` training samples, or all if there are fewer: inputs `[count × features]` and targets
    /// `[count × classes]`, 1 V at the class (V).
    #[must_use]
    pub fn first(&self, count: usize) -> (Matrix<f64>, Matrix<f64>) {
        let samples: Vec<usize> = (0..count.min(self.train.len())).collect();
        let mut inputs = Matrix::zeros(samples.len(), self.train.features());
        let mut targets = Matrix::zeros(samples.len(), self.classes);
        self.train.gather(&samples, &mut inputs);
        self.train.one_hot(&samples, self.classes, &mut targets);
        (inputs, targets)
    }
}

/// Which data set, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request<'a> {
    /// Name in the catalogue.
    pub kind: &'a str,
    /// Folder of its files, as the working directory sees it: a path relative to a file is resolved by the
    /// caller.
    pub path: Option<&'a Path>,
    /// Use only the first so many training samples, at least 1.
    pub train: Option<usize>,
    /// Use only the first so many test samples, at least 1.
    pub test: Option<usize>,
    /// Seed of the train/test split or of the generator; sets with a published split do not heed it.
    pub split_seed: u64,
}

impl<'a> Request<'a> {
    /// The whole of a set, split as seed 0 does it.
    #[must_use]
    pub fn named(kind: &'a str) -> Self {
        Self { kind, path: None, train: None, test: None, split_seed: 0 }
    }
}

impl<'a> From<&'a DatasetSpec> for Request<'a> {
    /// Takes `path` as written: the caller resolves it against the file it stands in.
    fn from(spec: &'a DatasetSpec) -> Self {
        Self {
            kind: &spec.kind,
            path: spec.path.as_deref().map(Path::new),
            train: spec.train,
            test: spec.test,
            split_seed: spec.split_seed,
        }
    }
}

/// What a set does with `path`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathUse {
    /// Built in or generated: a path is an error.
    None,
    /// Searched in the usual places, and first of all in `path`.
    Optional,
    /// Read from `path` and nowhere else.
    Required,
}

/// One line of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Name that experiment files use.
    pub name: &'static str,
    /// Size and nature in one line.
    pub summary: &'static str,
    /// Source and licence.
    pub about: &'static str,
    /// True when no file is needed: inside the program or generated.
    pub embedded: bool,
    /// Whether `path` is taken.
    pub path: PathUse,
    /// True when `split_seed` changes the set.
    pub seeded: bool,
    /// The shell command that gets the set, where there is anything to get.
    pub command: Option<&'static str>,
    read: fn(&Request) -> Result<Parts, DataError>,
}

/// A whole set, as its file hands it over.
#[derive(Debug)]
struct Parts {
    classes: usize,
    train: Split,
    test: Split,
}

/// All data sets.
#[must_use]
pub fn catalogue() -> &'static [Entry] {
    CATALOGUE
}

/// Decodes or generates the data set asked for.
///
/// # Errors
/// [`DataError`]: an unknown name, a `path` that is missing or not wanted, files that are not found, not
/// readable, not IDX or not those published, labels that are no class, or more samples asked for than there
/// are.
pub fn load(request: &Request) -> Result<Dataset, DataError> {
    let entry = find(request.kind)?;
    match (entry.path, request.path) {
        (PathUse::None, Some(_)) => return Err(DataError::PathUnused { set: entry.name }),
        (PathUse::Required, None) => return Err(DataError::PathRequired { set: entry.name }),
        _ => {}
    }
    let Parts { classes, mut train, mut test } = (entry.read)(request)?;
    if train.features() != test.features() {
        return Err(DataError::Features { train: train.features(), test: test.features() });
    }
    for (split, half) in [(&train, "train"), (&test, "test")] {
        check_labels(split, half, classes)?;
    }
    shorten(&mut train, "train", request.train, entry.name)?;
    shorten(&mut test, "test", request.test, entry.name)?;
    let sha256 = hash(classes, &train, &test);
    Ok(Dataset { name: entry.name.to_owned(), classes, train, test, sha256, about: entry.about })
}

/// The line of the catalogue with this name.
///
/// # Errors
/// [`DataError::Unknown`] with the nearest name, or all.
pub fn find(name: &str) -> Result<&'static Entry, DataError> {
    CATALOGUE.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let closeness = |entry: &&Entry| strsim::jaro_winkler(&name.to_lowercase(), entry.name);
        let nearest = CATALOGUE
            .iter()
            .max_by(|a, b| closeness(a).total_cmp(&closeness(b)))
            .filter(|entry| closeness(entry) >= SIMILAR)
            .map(|entry| entry.name);
        let known = CATALOGUE.iter().map(|entry| entry.name).collect();
        DataError::Unknown { name: name.to_owned(), nearest, known }
    })
}

fn check_labels(split: &Split, half: &'static str, classes: usize) -> Result<(), DataError> {
    match split.labels().iter().position(|&label| usize::from(label) >= classes) {
        Some(sample) => Err(DataError::Label { half, sample, label: split.labels()[sample], classes }),
        None => Ok(()),
    }
}

fn shorten(
    split: &mut Split,
    half: &'static str,
    wanted: Option<usize>,
    set: &'static str,
) -> Result<(), DataError> {
    let Some(wanted) = wanted else { return Ok(()) };
    if wanted == 0 || wanted > split.len() {
        return Err(DataError::Size { set, half, wanted, available: split.len() });
    }
    split.truncate(wanted);
    Ok(())
}

fn hash(classes: usize, train: &Split, test: &Split) -> String {
    let mut hasher = Sha256::new();
    hasher.update((train.features() as u64).to_le_bytes());
    hasher.update((classes as u64).to_le_bytes());
    train.hash_into(&mut hasher);
    test.hash_into(&mut hasher);
    format!("{:x}", hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated() -> impl Iterator<Item = &'static Entry> {
        catalogue().iter().filter(|entry| entry.embedded)
    }

    #[test]
    fn every_set_without_files_loads_with_all_classes_and_inputs_between_0_and_1_volt() {
        for entry in generated() {
            let set = load(&Request::named(entry.name)).unwrap();
            let numbers = describe(&set);
            for half in [&numbers.train, &numbers.test] {
                assert!(half.class_counts.iter().all(|&count| count > 0), "{}", entry.name);
                assert!(half.lowest_v >= 0.0 && half.highest_v <= 1.0, "{}", entry.name);
            }
        }
    }

    #[test]
    fn loading_twice_gives_the_same_hash_and_another_size_gives_another() {
        for entry in generated() {
            let whole = load(&Request::named(entry.name)).unwrap();
            assert_eq!(whole, load(&Request::named(entry.name)).unwrap());
            let fewer = load(&Request { train: Some(100), ..Request::named(entry.name) }).unwrap();
            assert_eq!(fewer.train.len(), 100);
            assert_ne!(fewer.sha256, whole.sha256);
        }
    }

    #[test]
    fn the_split_seed_matters_exactly_where_the_catalogue_says_so() {
        for entry in generated() {
            let hash =
                |split_seed| load(&Request { split_seed, ..Request::named(entry.name) }).unwrap().sha256;
            assert_eq!(hash(0) != hash(7), entry.seeded, "{}", entry.name);
        }
    }

    #[test]
    fn the_first_fifty_samples_hold_every_class() {
        for entry in generated() {
            let first = Request { train: Some(50), test: Some(50), ..Request::named(entry.name) };
            let numbers = describe(&load(&first).unwrap());
            assert!(numbers.train.class_counts.iter().all(|&count| count > 0), "{}", entry.name);
            assert!(numbers.test.class_counts.iter().all(|&count| count > 0), "{}", entry.name);
        }
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest_and_nonsense_with_the_list() {
        for (typed, meant) in [("yinyang", "yin-yang"), ("mnits", "mnist"), ("Digits", "digits")] {
            let text = load(&Request::named(typed)).unwrap_err().to_string();
            assert!(text.contains(&format!("did you mean `{meant}`")), "{text}");
        }
        let text = load(&Request::named("qqq")).unwrap_err().to_string();
        assert!(!text.contains("did you mean") && text.contains("two-moons"), "{text}");
    }

    #[test]
    fn asking_for_none_or_for_more_than_there_are_names_what_there_is() {
        for wanted in [0, 1439] {
            let text =
                load(&Request { train: Some(wanted), ..Request::named("digits") }).unwrap_err().to_string();
            assert!(text.contains(&format!("train = {wanted}")) && text.contains("1438"), "{text}");
        }
        let last = load(&Request { train: Some(1438), test: Some(359), ..Request::named("digits") });
        assert!(last.is_ok());
    }

    #[test]
    fn a_path_is_refused_where_it_means_nothing_and_required_where_it_means_everything() {
        let path = Some(Path::new("somewhere"));
        let refused = load(&Request { path, ..Request::named("digits") });
        assert!(matches!(refused, Err(DataError::PathUnused { set: "digits" })));
        assert!(matches!(load(&Request::named("idx")), Err(DataError::PathRequired { set: "idx" })));
    }

    #[test]
    fn the_hash_is_that_of_the_documented_bytes() {
        let train = Split::from_codes(2, vec![1, 2, 3, 4], 4.0, vec![0, 1]).unwrap();
        let test = Split::from_reals(2, vec![0.5, 0.25], vec![1]).unwrap();
        // python3: struct.pack('<QQQd4B2HQ2dH', 2, 2, 2, 4.0, 1, 2, 3, 4, 0, 1, 1, .5, .25, 1)
        let expected = "65e8da2450017b1a6b443c6536c48ccfffe9ae75ef948bbea91d1b1fdcc46709";
        assert_eq!(hash(2, &train, &test), expected);
    }
}
