//! The circuits and experiments that an installed binary carries: the files of `circuits/` and
//! `experiments/`.

use std::path::Path;

use anyhow::anyhow;
use serde_json::json;

use super::Failure;
use dyadsim_core::spec::{
    Builtin, CircuitSpec, Loaded, Override, builtin, is_a_file, load_circuit, load_experiment,
    looks_like_a_path, nearest, parse_circuit, parse_experiment, read_text,
};

/// Built-in experiments.
pub const EXPERIMENTS: &[Builtin] = dyadsim_core::embedded!["/":
    "experiments/atlas_digits.toml",
    "experiments/atlas_training.toml",
    "experiments/continuous_plasticity.toml",
    "experiments/continuous_updates.toml",
    "experiments/continuous_wait.toml",
    "experiments/cost.toml",
    "experiments/digits_robustness.toml",
    "experiments/digits_comparison.toml",
    "experiments/dp2023.toml",
    "experiments/ep_noise.toml",
    "experiments/equilibrium.toml",
    "experiments/faults.toml",
    "experiments/keep_margin.toml",
    "experiments/mnist_damped.toml",
    "experiments/mnist_dp.toml",
    "experiments/mnist_etd.toml",
    "experiments/mnist_layerwise.toml",
    "experiments/mnist_noise.toml",
    "experiments/mnist_rules.toml",
    "experiments/mnist_robustness.toml",
    "experiments/noise_valley.toml",
    "experiments/offsets.toml",
    "experiments/reference_ideal.toml",
    "experiments/reference_opamp.toml",
    "experiments/reference_ota.toml",
    "experiments/reference_switched.toml",
    "experiments/rules.toml",
    "experiments/sign_symmetry.toml",
    "experiments/three_fates.toml",
    "experiments/two_tales.toml",
    "experiments/update_noise.toml",
    "experiments/weight_transport.toml",
    "experiments/yin_yang.toml",
];

/// First sentence of the comment at the head of a file.
fn summary(builtin: &Builtin) -> String {
    let head = builtin.text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    let paragraph = head.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let ends = [". ", "? "].into_iter().filter_map(|mark| paragraph.find(mark));
    paragraph[..ends.min().map_or(paragraph.len(), |end| end + 1)].to_owned()
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
    /// The file, if it is one on disk.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Builtin(_) => None,
        }
    }

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
            Self::Builtin(builtin) => parse_experiment(builtin.file, builtin.text, settings),
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
    if is_a_file(name) || looks_like_a_path(&text) {
        return Ok(Source::File(name));
    }
    builtin(list, &text, name).map(Source::Builtin).ok_or_else(|| {
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
    list.iter().map(|builtin| format!("{:width$}  {}\n", builtin.name(), summary(builtin))).collect()
}

/// The same for programs.
pub fn document(list: &[Builtin]) -> serde_json::Value {
    list.iter().map(|b| json!({"name": b.name(), "summary": summary(b), "file": b.file})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyadsim_core::spec::CIRCUITS;

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
            assert!(summary(builtin).ends_with(['.', '?']), "{}: {}", builtin.file, summary(builtin));
        }
    }
}
