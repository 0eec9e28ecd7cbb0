//! Levels of noise and mismatch, as keys of an experiment's grid.

use std::path::Path;

use anyhow::anyhow;
use toml::{Table, Value};

use crate::study::builtin::{EXPERIMENTS, find};
use crate::study::{Failure, Given};
use dyadsim_core::chip::Chip;
use dyadsim_core::spec::{CircuitSpec, MismatchSpec, NoiseSpec, Override, ThermalSpec, setting_of};

/// What the levels set: the grid's key of each, with a value for every level.
///
/// # Errors
/// Levels that are none; an experiment whose grid has the same already.
pub fn overrides(
    source: &Path,
    given: &Given,
    noise: &[f64],
    mismatch: &[f64],
) -> Result<Vec<Override>, Failure> {
    if noise.is_empty() && mismatch.is_empty() {
        return Ok(Vec::new());
    }
    let loaded = find(EXPERIMENTS, source)?.experiment(&given.set)?;
    let base = loaded.resolve(&[]).map_err(Failure::input)?;
    let free = |option: &str, section: &str| {
        let of_section = |key: &&String| setting_of(key).split('.').next() == Some(section);
        match base.experiment.grid.keys().find(of_section) {
            Some(key) => Err(Failure::input(anyhow!(
                "{option}: the grid of {} varies `{key}` already\n  accepted: no {option}, or an experiment without that key",
                source.display()
            ))),
            None => Ok(()),
        }
    };
    let mut set = Vec::new();
    if !noise.is_empty() {
        free("--noise", "noise")?;
        set.push(key("noise.thermal.excess", "--noise", noise, |volts| excess(&base.circuit, volts).into())?);
    }
    if !mismatch.is_empty() {
        free("--mismatch", "mismatch")?;
        let seed = base.circuit.mismatch.seed;
        set.push(key("mismatch", "--mismatch", mismatch, |share| spread(share, seed))?);
    }
    Ok(set)
}

/// A key of the grid with a value for every level.
fn key(
    path: &str,
    option: &'static str,
    levels: &[f64],
    value: impl Fn(f64) -> Value,
) -> Result<Override, Failure> {
    if let Some(bad) = levels.iter().find(|level| !(level.is_finite() && **level >= 0.0)) {
        return Err(Failure::input(anyhow!(
            "{option} {bad}\n  accepted: numbers from 0 on, separated by commas"
        )));
    }
    let mut levels = levels.to_vec();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    let values = levels.into_iter().map(value).collect();
    Ok(Override::new(format!("grid.\"{path}\""), Value::Array(values)).by(option))
}

/// Deviation of the potential of a compartment on its own (V, rms) by the noise of its devices.
pub fn alone(circuit: &CircuitSpec) -> f64 {
    let nominal = CircuitSpec { mismatch: MismatchSpec::default(), ..circuit.clone() };
    Chip::<f64>::fabricate(&nominal, &[1, 1]).noise_alone()
}

/// The excess of thermal noise that gives a compartment on its own this deviation (V, rms): `V² C/kT`.
fn excess(circuit: &CircuitSpec, volts: f64) -> f64 {
    let thermal = Some(ThermalSpec { excess: 1.0 });
    let resistor = CircuitSpec { noise: NoiseSpec { thermal, ..NoiseSpec::default() }, ..circuit.clone() };
    (volts / alone(&resistor)).powi(2)
}

/// Every relative spread alike, on the chip of a seed.
fn spread(share: f64, seed: Option<u64>) -> Value {
    let keys = MismatchSpec::default().relative().map(|(key, _)| (key.to_owned(), Value::Float(share)));
    let seed = seed.and_then(|seed| i64::try_from(seed).ok());
    let seed = seed.map(|seed| ("seed".to_owned(), Value::Integer(seed)));
    Value::Table(keys.into_iter().chain(seed).collect::<Table>())
}
