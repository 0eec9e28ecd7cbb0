//! The door: files and settings in, checked descriptions out.
//!
//! Settings are applied in order; two of the same key must agree. Paths of files, in the experiment or in a
//! setting, are relative to the experiment file. What bites: a setting for a key that the grid
//! varies takes that key out of the grid.

use std::path::Path;

use super::check_circuit::check_circuit;
use super::circuit::CircuitSpec;
use super::curve_file;
use super::error::SpecError;
use super::every::every;
use super::loaded::Loaded;
use super::overrides::Override;
use super::path::KeyPath;
use super::route::refuse_twice;
use super::schema::FileKind;
use super::signature::read_text;
use super::tree::Tree;

/// Reads a circuit file, applies the settings and checks the result.
///
/// # Errors
/// Whatever is wrong with the file or a setting, with its place.
pub fn load_circuit(path: &Path, overrides: &[Override]) -> Result<CircuitSpec, SpecError> {
    parse_circuit(&path.display().to_string(), &text_of(path)?, overrides)
}

/// [`load_circuit`] for a text; files that it names are relative to the folder of `file_name`.
///
/// # Errors
/// Whatever is wrong with the text or a setting, with its place.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// use dyadsim::spec::parse_circuit;
/// let circuit = parse_circuit("mine.toml", "neuron.capacitance = '50 fF'", &[])?;
/// assert_eq!(circuit.neuron.capacitance, 50e-15);
/// # Ok::<(), dyadsim::spec::SpecError>(())
/// ```
pub fn parse_circuit(file_name: &str, text: &str, overrides: &[Override]) -> Result<CircuitSpec, SpecError> {
    let mut tree = Tree::parse(FileKind::Circuit, file_name, text)?;
    refuse_twice(FileKind::Circuit, overrides)?;
    overrides.iter().try_for_each(|setting| tree.set(setting))?;
    curve_file::take_in(&mut tree, &KeyPath::default(), folder_of(file_name))?;
    checked_circuit(&tree)
}

/// Reads a circuit from its tree and checks it.
///
/// # Errors
/// Every fault, with its place.
pub(super) fn checked_circuit(tree: &Tree) -> Result<CircuitSpec, SpecError> {
    every(tree, |tree| {
        let circuit = tree.read()?;
        check_circuit(&circuit).map_err(|fault| tree.tell(fault))?;
        Ok(circuit)
    })
}

/// Reads an experiment file and its circuit, applies the settings and checks the result, with every
/// value of the grid.
///
/// # Errors
/// Whatever is wrong with the files or a setting, with its place.
pub fn load_experiment(path: &Path, overrides: &[Override]) -> Result<Loaded, SpecError> {
    parse_experiment(&path.display().to_string(), &text_of(path)?, overrides)
}

/// [`load_experiment`] for a text; files that it names are relative to the folder of `file_name`.
///
/// # Errors
/// Whatever is wrong with the text, the circuit or a setting, with its place.
pub fn parse_experiment(file_name: &str, text: &str, overrides: &[Override]) -> Result<Loaded, SpecError> {
    let base = folder_of(file_name).to_path_buf();
    let written = Tree::parse(FileKind::Experiment, file_name, text)?;
    refuse_twice(FileKind::Experiment, overrides)?;
    Loaded::new(base, written, overrides.to_vec())
}

fn folder_of(file_name: &str) -> &Path {
    Path::new(file_name).parent().unwrap_or(Path::new(""))
}

fn text_of(path: &Path) -> Result<String, SpecError> {
    read_text(path).map_err(|source| SpecError::Unreadable { file: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::experiment::CircuitSource;
    use crate::spec::loaded::Resolved;
    use crate::spec::{ActivationKind, SupplySpec, Variant};

    const EXPERIMENT: &str = r#"
        name = "one"
        circuit = { name = "inline", neuron.activation = "tanh" }
        dataset = "digits"
        network = [64, 32, 10]
        epochs = 3
        batch = 50
        seeds = [1, 2]
        rules = ["bp", "dp"]
        optimizer = { kind = "adam", learning_rate = 3e-3 }
        [grid]
        "nudge.alpha" = [0.0, 0.5]
        [expect]
        "dp.test_accuracy" = { at_least = 0.9 }
    "#;

    fn settings(texts: &[&str]) -> Vec<Override> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn circuit(text: &str, set: &[&str]) -> Result<CircuitSpec, SpecError> {
        parse_circuit("c.toml", text, &settings(set))
    }

    fn experiment(set: &[&str]) -> Result<Resolved, SpecError> {
        parse_experiment("e.toml", EXPERIMENT, &settings(set))?.resolve(&[])
    }

    fn message<T: std::fmt::Debug>(result: Result<T, SpecError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn a_setting_may_make_a_section_that_the_file_lacks() {
        let set = circuit("", &["supply.low=-1", "supply.high=1 V"]).unwrap();
        assert_eq!(set.supply, Some(SupplySpec { low: -1.0, high: 1.0 }));
        let error = message(circuit("", &["supply.low=-1"]));
        assert!(error.starts_with("--set supply.low=-1: `supply.high`: missing"), "{error}");
    }

    #[test]
    fn a_setting_replaces_a_table_or_reaches_into_it() {
        let whole = circuit("", &["nudge.variant={plus=0.3,minus=0.7}"]).unwrap();
        assert_eq!(whole.nudge.variant, Variant::Custom { plus: 0.3, minus: 0.7 });
        let file = "nudge.variant = { plus = 0.1, minus = 0.7 }";
        assert_eq!(circuit(file, &["nudge.variant.plus=0.3"]).unwrap(), whole);
        let error = message(circuit("nudge.variant = 'dp'", &["nudge.variant.plus=0.3"]));
        assert!(error.contains("`nudge.variant`: found \"dp\"") && error.contains("a table"), "{error}");
    }

    #[test]
    fn a_bare_activation_takes_settings_of_its_table() {
        let set = circuit("neuron.activation = 'tanh'", &["neuron.activation.scale=250 mV"]).unwrap();
        assert_eq!((set.neuron.activation.kind, set.neuron.activation.scale), (ActivationKind::Tanh, 0.25));
    }

    #[test]
    fn softplus_takes_its_amplitude_from_its_scale() {
        let spec = circuit("neuron.activation = { kind = 'softplus', scale = 0.1 }", &[]).unwrap();
        assert!((spec.neuron.activation.amplitude - 0.1).abs() < f64::EPSILON);
    }

    #[test]
    fn a_bad_setting_is_told_as_a_setting_with_the_nearest_name() {
        let error = message(circuit("neuron.leak = 1e-9", &["neuron.leak=-1 nS"]));
        assert!(error.starts_with("--set neuron.leak=-1 nS: `neuron.leak`: found \"-1 nS\""), "{error}");
        let error = message(circuit("", &["neuron.capacitence=1e-15"]));
        assert!(
            error.starts_with("--set neuron.capacitence") && error.contains("did you mean `capacitance`"),
            "{error}"
        );
        let error = message(experiment(&["alpha=0.2"]));
        assert!(
            error.starts_with("--set alpha=0.2") && error.contains("did you mean `nudge.alpha`"),
            "{error}"
        );
        let error = message(experiment(&["synapse.levels=16"]));
        assert!(error.contains("not yet known"), "{error}");
    }

    #[test]
    fn a_path_is_looked_up_in_the_experiment_and_then_in_its_circuit() {
        let set = experiment(&["name=two", "temperature=0 degC", "circuit.name=other", "epochs=7"]).unwrap();
        assert_eq!((set.experiment.name.as_str(), set.circuit.name.as_str()), ("two", "other"));
        assert_eq!((set.experiment.epochs, set.circuit.temperature.to_bits()), (7, 273.15_f64.to_bits()));
    }

    #[test]
    fn the_grid_can_be_set_with_or_without_quotes() {
        for set in ["grid.\"nudge.beta\"=[0.1, 0.2]", "grid.nudge.beta=[0.1, 0.2]"] {
            let grid = experiment(&[set]).unwrap().experiment.grid;
            assert_eq!((grid.len(), grid["nudge.beta"].len()), (2, 2), "{set}");
        }
    }

    #[test]
    fn settings_of_a_run_go_on_top_and_are_checked() {
        let loaded = parse_experiment("e.toml", EXPERIMENT, &settings(&["nudge.beta=0.25"])).unwrap();
        let run = loaded.resolve(&settings(&["nudge.alpha=0", "neuron.activation.scale=2"])).unwrap();
        let nudge = &run.circuit.nudge;
        assert!(nudge.alpha == 0.0 && nudge.beta == 0.25 && run.circuit.neuron.activation.scale == 2.0);
        let error = message(loaded.resolve(&settings(&["nudge.alpha=2"])));
        assert!(error.starts_with("e.toml:12:9: `circuit.nudge.alpha`: found 2"), "{error}");
    }

    #[test]
    fn a_setting_of_what_the_grid_varies_takes_its_place() {
        for set in ["nudge.alpha=0.3", "circuit.nudge.alpha=0.3"] {
            let set = experiment(&[set]).unwrap();
            assert!(set.experiment.grid.is_empty() && set.circuit.nudge.alpha == 0.3);
        }
        let error = message(experiment(&["nudge.alpha=1.5"]));
        assert!(error.starts_with("--set nudge.alpha=1.5"), "{error}");
    }

    #[test]
    fn a_grid_over_beta_excuses_a_beta_of_zero_in_the_file() {
        assert!(message(experiment(&["nudge.beta=0"])).contains("rule `dp` divides by it"));
        assert!(experiment(&["nudge.beta=0", "grid.nudge.beta=[0.1]"]).is_ok());
        assert!(experiment(&["nudge.beta=0", "rules=[\"bp\"]"]).is_ok(), "bp needs no nudge");
    }

    #[test]
    fn expectations_about_rules_that_a_setting_took_out_are_dropped() {
        assert!(experiment(&["rules=[\"bp\"]"]).unwrap().experiment.expect.is_empty());
    }

    #[test]
    fn the_experiment_and_its_circuit_agree_on_the_network() {
        let set = experiment(&["circuit.network=[64, 10]"]).unwrap();
        assert_eq!(set.experiment.network, [64, 10]);
        assert_eq!(set.circuit.network.as_deref(), Some(&[64, 10][..]));
        assert_eq!(set.experiment.circuit, CircuitSource::Inline(Box::new(set.circuit.clone())));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = message(load_circuit(Path::new("no/such.toml"), &[]));
        assert!(error.starts_with("no/such.toml: cannot be read"), "{error}");
    }
}
