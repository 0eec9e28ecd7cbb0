//! The circuits that the program carries: the files of `circuits/`, each under the name of its file.

use std::path::Path;

/// A file of the repository, inside the program.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Path in the repository.
    pub file: &'static str,
    /// Content.
    pub text: &'static str,
}

/// Embeds files of the repository, one line each; the first literal leads from the crate's folder to that of
/// the repository.
#[macro_export]
macro_rules! embedded {
    ($root:literal: $($file:literal,)*) => {
        &[$($crate::spec::Builtin {
            file: $file,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), $root, $file)),
        },)*]
    };
}

/// Built-in circuits.
pub const CIRCUITS: &[Builtin] = embedded!["/../../":
    "circuits/chip-180nm.toml",
    "circuits/ideal.toml",
    "circuits/noisy.toml",
    "circuits/opamp-memristor.toml",
    "circuits/ota-subthreshold-180nm.toml",
    "circuits/switched-capacitor-65nm.toml",
];

impl Builtin {
    /// Name: that of the file, without its ending.
    #[must_use]
    pub fn name(&self) -> &'static str {
        Path::new(self.file).file_stem().and_then(|stem| stem.to_str()).unwrap_or(self.file)
    }
}

/// The built-in file that `name` means, if it does not mean a file: one that is there, or that has the look
/// of a path.
///
/// `place` is where a file of that name would be.
#[must_use]
pub fn builtin(list: &'static [Builtin], name: &str, place: &Path) -> Option<&'static Builtin> {
    if is_a_file(place) || looks_like_a_path(name) {
        return None;
    }
    list.iter().find(|builtin| builtin.name() == name)
}

/// Whether something is there that is no folder: a pipe, too, is read as a file, and refused as one.
#[must_use]
pub fn is_a_file(place: &Path) -> bool {
    place.exists() && !place.is_dir()
}

/// Whether a text is to be read as the path of a file and not as a name.
#[must_use]
pub fn looks_like_a_path(text: &str) -> bool {
    text.starts_with('.')
        || text.contains(['/', '\\'])
        || Path::new(text).extension().is_some_and(|ending| ending == "toml")
}
