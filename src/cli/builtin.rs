//! The circuits and experiments that an installed binary carries: the files of `circuits/` and `experiments/`.

use std::path::Path;

use anyhow::anyhow;
use serde_json::json;
use toml::{Table, Value};

use super::Failure;
use crate::spec::{
    CircuitSpec, Loaded, Override, load_circuit, load_experiment, nearest, parse_circuit, parse_experiment,
    read_text,
};

/// A file of the repository, inside the program.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Path in the repository.
    pub file: &'static str,
    /// Content.
    pub text: &'static str,
}

/// Embeds files, one line each.
macro_rules! embedded {
    ($($file:literal,)*) => {
        &[$(Builtin { file: $file, text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $file)) },)*]
    };
}

/// Built-in circuits.
pub const CIRCUITS: &[Builtin] = embedded![
    "circuits/ideal.toml",
    "circuits/noisy.toml",
    "circuits/opamp-memristor.toml",
    "circuits/ota-subthreshold-180nm.toml",
    "circuits/switched-capacitor-65nm.toml",
];

/// Built-in experiments.
pub const EXPERIMENTS: &[Builtin] = embedded![
    "experiments/atlas_digits.toml",
    "experiments/atlas_training.toml",
    "experiments/cost.toml",
    "experiments/digits_robustness.toml",
    "experiments/digits_comparison.toml",
    "experiments/keep_margin.toml",
    "experiments/mnist_dp.toml",
    "experiments/mnist_etd.toml",
    "experiments/mnist_layerwise.toml",
    "experiments/mnist_noise.toml",
    "experiments/mnist_robustness.toml",
    "experiments/noise_valley.toml",
    "experiments/offsets.toml",
    "experiments/reference_ideal.toml",
    "experiments/reference_opamp.toml",
    "experiments/reference_ota.toml",
    "experiments/reference_switched.toml",
    "experiments/three_fates.toml",
    "experiments/two_tales.toml",
];

impl Builtin {
    /// Name: that of the file, without its ending.
    pub fn name(&self) -> &'static str {
        stem(self.file)
    }

    /// First sentence of the comment at the head of the file.
    pub fn summary(&self) -> String {
        let head = self.text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
        let paragraph = head.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let ends = [". ", "? "].into_iter().filter_map(|mark| paragraph.find(mark));
        paragraph[..ends.min().map_or(paragraph.len(), |end| end + 1)].to_owned()
    }
}

/// A file of the user's or one of ours.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// On disk.
    File(&'a Path),
    /// In the program.
    Builtin(&'static Builtin),
}

impl Source<'_> {
    /// What messages call it.
    pub fn title(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Builtin(builtin) => builtin.name().to_owned(),
        }
    }

    /// Content.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn text(&self) -> Result<String, Failure> {
        match self {
            Self::File(path) => read_text(path)
                .map_err(|error| Failure::input(anyhow!("{}: cannot be read ({error})", path.display()))),
            Self::Builtin(builtin) => Ok(builtin.text.to_owned()),
        }
    }

    /// The circuit that it describes, with settings.
    ///
    /// # Errors
    /// Whatever is wrong with it or with a setting.
    pub fn circuit(&self, settings: &[Override]) -> Result<CircuitSpec, Failure> {
        match self {
            Self::File(path) => load_circuit(path, settings),
            Self::Builtin(builtin) => parse_circuit(builtin.file, builtin.text, settings),
        }
        .map_err(Failure::input)
    }

    /// The experiment that it describes, with settings.
    ///
    /// # Errors
    /// Whatever is wrong with it or with a setting.
    pub fn experiment(&self, settings: &[Override]) -> Result<Loaded, Failure> {
        match self {
            Self::File(path) => load_experiment(path, settings),
            Self::Builtin(builtin) => {
                let all: Vec<_> = own_circuit(builtin).into_iter().chain(settings.iter().cloned()).collect();
                parse_experiment(builtin.file, builtin.text, &all)
            }
        }
        .map_err(Failure::input)
    }
}

/// Finds what `name` means: a file if there is one, or it looks like one; else the built-in of that name.
///
/// # Errors
/// A name that is neither, answered with the built-in names and the nearest.
pub fn find<'a>(list: &'static [Builtin], name: &'a Path) -> Result<Source<'a>, Failure> {
    let text = name.to_string_lossy();
    if name.is_file() || text.contains(['/', '\\']) || name.extension().is_some_and(|ending| ending == "toml")
    {
        return Ok(Source::File(name));
    }
    list.iter().find(|builtin| builtin.name() == text).map(Source::Builtin).ok_or_else(|| {
        let names: Vec<_> = list.iter().map(Builtin::name).collect();
        let near = nearest(&text, names.iter().copied());
        let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let known = names.join(", ");
        Failure::input(anyhow!("`{text}` is neither a file nor built in; there are {known}{meant}"))
    })
}

/// The table of names and summaries, for `list`.
pub fn table(list: &[Builtin]) -> String {
    let width = list.iter().map(|builtin| builtin.name().len()).max().unwrap_or(0);
    list.iter().map(|builtin| format!("{:width$}  {}\n", builtin.name(), builtin.summary())).collect()
}

/// The same for programs.
pub fn document(list: &[Builtin]) -> serde_json::Value {
    list.iter().map(|b| json!({"name": b.name(), "summary": b.summary(), "file": b.file})).collect()
}

/// A built-in experiment names its circuit by a path that leads nowhere here: the built-in one is put there.
fn own_circuit(experiment: &Builtin) -> Option<Override> {
    let written: Table = toml::from_str(experiment.text).ok()?;
    let wanted = stem(written.get("circuit")?.as_str()?).to_owned();
    let circuit = CIRCUITS.iter().find(|circuit| circuit.name() == wanted)?;
    Some(Override::new("circuit", Value::Table(toml::from_str(circuit.text).ok()?)).by("built in:"))
}

fn stem(file: &str) -> &str {
    Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_repository_is_built_in() {
        for (folder, list) in [("circuits", CIRCUITS), ("experiments", EXPERIMENTS)] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let mut files: Vec<String> = std::fs::read_dir(path)
                .unwrap()
                .map(|entry| format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()))
                .filter(|file| Path::new(file).extension().is_some_and(|ending| ending == "toml"))
                .collect();
            files.sort();
            let mut known: Vec<_> = list.iter().map(|builtin| builtin.file).collect();
            known.sort_unstable();
            assert_eq!(known, files);
        }
    }

    #[test]
    fn everything_built_in_is_valid_without_any_other_file_and_has_a_summary() {
        for circuit in CIRCUITS {
            Source::Builtin(circuit).circuit(&[]).unwrap();
        }
        for experiment in EXPERIMENTS {
            Source::Builtin(experiment).experiment(&[]).unwrap();
        }
        for builtin in CIRCUITS.iter().chain(EXPERIMENTS) {
            assert!(builtin.summary().ends_with(['.', '?']), "{}: {}", builtin.file, builtin.summary());
        }
    }
}
