//! What weights were trained on, as text beside them in their file: network, circuit, chip and seed.
//!
//! The circuit is told by its name and by a hash of what makes its devices: everything but the nudge, noise,
//! reading, solver and prices, which may change from one use of the same chip to the next, and but the seed
//! of the chip, which has a key of its own.

use std::path::Path;

use serde_json::{Map, Value};

use super::RecordError;
use super::manifest::sha256;
use super::tensors::{self, TensorWriter};
use dyadsim_core::spec::{CircuitSpec, FeedbackLearning};

/// Keys of the metadata.
const NETWORK: &str = "network";
const CIRCUIT: &str = "circuit";
const DEVICES: &str = "circuit_sha256";
const CHIP: &str = "chip";
const SEED: &str = "seed";

/// Parts of a circuit that its devices do not depend on.
const USES: [&str; 8] = ["name", "network", "temperature", "nudge", "noise", "readout", "solver", "cost"];

/// What weights were trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trained {
    /// Neurons per layer, `64-32-10`.
    pub network: String,
    /// Name of the circuit.
    pub circuit: String,
    /// SHA-256 of what makes its devices, 64 digits.
    pub devices: String,
    /// The chip, a seed of `[mismatch]`; `None` where devices did not differ.
    pub chip: Option<u64>,
    /// Seed of the run.
    pub seed: u64,
}

impl Trained {
    /// What a run is trained on; `spec` has its chip.
    #[must_use]
    pub fn on(spec: &CircuitSpec, network: &[usize], seed: u64) -> Self {
        let network: Vec<String> = network.iter().map(ToString::to_string).collect();
        let (network, circuit, devices) = (network.join("-"), spec.name.clone(), devices(spec));
        Self { network, circuit, devices, chip: chip(spec), seed }
    }

    /// What a weight file says; `None` if it does not, as those of older versions or other programs.
    ///
    /// # Errors
    /// Those of [`tensors::read`].
    pub fn read(path: &Path) -> Result<Option<Self>, RecordError> {
        let file = tensors::read_unchecked(path)?;
        let text = |key: &str| file.metadata(key).map(str::to_owned);
        let found = || {
            let (network, circuit, devices) = (text(NETWORK)?, text(CIRCUIT)?, text(DEVICES)?);
            let seed = text(SEED)?.parse().ok()?;
            Some(Self {
                network,
                circuit,
                devices,
                chip: text(CHIP).and_then(|chip| chip.parse().ok()),
                seed,
            })
        };
        Ok(found())
    }

    /// Adds it to a weight file.
    pub fn add_to(&self, writer: &mut TensorWriter) {
        for (key, text) in [(NETWORK, &self.network), (CIRCUIT, &self.circuit), (DEVICES, &self.devices)] {
            writer.metadata(key, text);
        }
        writer.metadata(SEED, &self.seed.to_string());
        self.chip.iter().for_each(|chip| writer.metadata(CHIP, &chip.to_string()));
    }
}

/// The chip of a circuit; `None` if its devices do not differ.
#[must_use]
pub fn chip(spec: &CircuitSpec) -> Option<u64> {
    (!spec.mismatch.is_none()).then(|| spec.mismatch.seed.unwrap_or(0))
}

/// SHA-256 of what makes a circuit's devices, 64 digits: of the settings that are not their defaults, so that
/// a key that comes to the format changes nothing where it is not used.
#[must_use]
pub fn devices(spec: &CircuitSpec) -> String {
    let mut spec = spec.clone();
    spec.mismatch.seed = None;
    spec.feedback.learning = FeedbackLearning::None;
    let json = |spec: &CircuitSpec| serde_json::to_value(spec).unwrap_or_default();
    let mut own = unlike(json(&spec), &json(&CircuitSpec::default())).unwrap_or_default();
    if let Value::Object(keys) = &mut own {
        // `remove` would put the last key in the place of the one that goes: a hash of other bytes for the
        // same devices.
        keys.retain(|key, _| !USES.contains(&key.as_str()));
    }
    sha256(own.to_string().as_bytes())
}

/// What of a value is not as in another one.
fn unlike(own: Value, usual: &Value) -> Option<Value> {
    match (own, usual) {
        (own, usual) if own == *usual => None,
        (Value::Object(own), Value::Object(usual)) => {
            let some = |(key, value): (String, Value)| {
                let value = unlike(value, usual.get(&key).unwrap_or(&Value::Null))?;
                Some((key, value))
            };
            Some(Value::Object(own.into_iter().filter_map(some).collect::<Map<_, _>>()))
        }
        (own, _) => Some(own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyadsim_core::spec::{ActivationKind, LeakageSpec};

    #[test]
    fn devices_are_those_of_a_circuit_whatever_it_is_used_for() {
        let mut spec = CircuitSpec::default();
        spec.mismatch.gain_dtod = 0.1;
        let own = devices(&spec);
        for change in [
            |spec: &mut CircuitSpec| spec.mismatch.seed = Some(7),
            |spec: &mut CircuitSpec| spec.nudge.beta = 2.0,
            |spec: &mut CircuitSpec| spec.solver.max_time = 7.0,
            |spec: &mut CircuitSpec| spec.readout.auto_zero = true,
            |spec: &mut CircuitSpec| spec.network = Some(vec![2, 2]),
        ] {
            let mut other = spec.clone();
            change(&mut other);
            assert_eq!(devices(&other), own);
            // Whatever else is not as usual, and in whatever order it is told.
            other.neuron.output_activation = ActivationKind::Tanh.into();
            let mut alone = spec.clone();
            alone.neuron.output_activation = ActivationKind::Tanh.into();
            assert_eq!(devices(&other), devices(&alone));
            other.leakage = Some(LeakageSpec { current: 1e-15, hold: 1e-6 });
            alone.leakage = other.leakage;
            assert_eq!(devices(&other), devices(&alone));
        }
        for change in [
            |spec: &mut CircuitSpec| spec.mismatch.gain_dtod = 0.2,
            |spec: &mut CircuitSpec| spec.mismatch.offset_dtod = 0.01,
            |spec: &mut CircuitSpec| spec.neuron.capacitance *= 2.0,
        ] {
            let mut other = spec.clone();
            change(&mut other);
            assert_ne!(devices(&other), own);
        }
    }

    #[test]
    fn what_was_trained_on_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let mut spec = CircuitSpec::default();
        for (spread, chip) in [(0.0, None), (0.1, Some(3))] {
            spec.mismatch =
                dyadsim_core::spec::MismatchSpec { gain_dtod: spread, seed: Some(3), ..Default::default() };
            let trained = Trained::on(&spec, &[4, 3, 2], 11);
            assert_eq!(trained.chip, chip);
            let mut writer = TensorWriter::new();
            trained.add_to(&mut writer);
            writer.write(&path).unwrap();
            assert_eq!(Trained::read(&path).unwrap(), Some(trained));
        }
        TensorWriter::new().write(&path).unwrap();
        assert_eq!(Trained::read(&path).unwrap(), None);
    }
}
