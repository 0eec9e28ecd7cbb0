//! What can be wrong with a data set, said so that the reader can put it right.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::idx::IdxError;

/// Why a data set could not be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// No set has this name.
    #[error("no data set is called `{name}`{}; there are {}", did_you_mean(*.nearest), .known.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The name most like it, if any is.
        nearest: Option<&'static str>,
        /// All names.
        known: Vec<&'static str>,
    },
    /// The set is on disk in none of the usual places.
    #[error(
        "data set `{set}` was not found; looked in{}\nget it with\n  {command}\nor give the folder of its files as `path`",
        listed(.looked)
    )]
    Missing {
        /// The set.
        set: &'static str,
        /// Where it was sought, in this order.
        looked: Vec<Looked>,
        /// A shell command that gets it.
        command: &'static str,
    },
    /// A folder lacks one of its files.
    #[error("no file `{file}` or `{file}.gz` in {}", .folder.display())]
    NoFile {
        /// The folder.
        folder: PathBuf,
        /// Name of the file, unpacked.
        file: &'static str,
    },
    /// A file does not hold what was published.
    #[error("{} is not the published file: its content has SHA-256 {found}, expected {expected}", .file.display())]
    Hash {
        /// The file.
        file: PathBuf,
        /// SHA-256 (hex) of the published content, unpacked.
        expected: &'static str,
        /// SHA-256 (hex) of the content found, unpacked.
        found: String,
    },
    /// A file cannot be read or unpacked.
    #[error("{} cannot be read: {problem}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        problem: io::Error,
    },
    /// A file is not IDX as described by its first bytes.
    #[error("{}: {problem}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: IdxError,
    },
    /// Images and labels do not pair.
    #[error("{images} images but {labels} labels in the {half} files of {}", .folder.display())]
    Counts {
        /// The folder.
        folder: PathBuf,
        /// `train` or `test`.
        half: &'static str,
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// Values, samples and features do not multiply up.
    #[error("{values} values cannot be {samples} samples of {features} features; none may be zero")]
    Shape {
        /// Number of values.
        values: usize,
        /// Number of labels.
        samples: usize,
        /// Inputs per sample.
        features: usize,
    },
    /// Training and test samples differ in their inputs.
    #[error("training samples have {train} features, test samples {test}")]
    Features {
        /// Inputs per training sample.
        train: usize,
        /// Inputs per test sample.
        test: usize,
    },
    /// A label is not a class.
    #[error("{half} sample {sample} has label {label}, but there are {classes} classes (0 to {})", .classes.saturating_sub(1))]
    Label {
        /// `train` or `test`.
        half: &'static str,
        /// The first such sample, from 0.
        sample: usize,
        /// Its label.
        label: u16,
        /// Number of classes.
        classes: usize,
    },
    /// More samples are asked for than there are, or none.
    #[error(
        "`{half} = {wanted}` of data set `{set}`: it has {available} such samples, and at least 1 must be used"
    )]
    Size {
        /// The set.
        set: &'static str,
        /// `train` or `test`.
        half: &'static str,
        /// Samples asked for.
        wanted: usize,
        /// Samples there are.
        available: usize,
    },
    /// A path is given to a set that reads no files.
    #[error("data set `{set}` reads no files: leave out `path`")]
    PathUnused {
        /// The set.
        set: &'static str,
    },
    /// A set that is nothing but a folder is asked for without it.
    #[error("data set `{set}` needs `path`, the folder of its four IDX files")]
    PathRequired {
        /// The set.
        set: &'static str,
    },
}

/// A folder that does not hold a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The folder.
    pub folder: PathBuf,
    /// The first file that is missing in it (unpacked or as `.gz`).
    pub lacks: &'static str,
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(": did you mean `{name}`?"))
}

fn listed(looked: &[Looked]) -> String {
    let mut lines = String::new();
    for Looked { folder, lacks } in looked {
        // Writing to a string cannot fail.
        let _ = write!(lines, "\n  {} (no {lacks})", folder.display());
    }
    lines
}
