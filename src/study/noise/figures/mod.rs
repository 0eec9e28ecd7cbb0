//! Figures of a study of noise, drawn from the tables of `dyadsim noise --out DIR`.
//!
//! A folder of `run` has other tables, so these figures have a catalogue of their own.

mod angle;
mod psd;
mod rms;

use std::path::Path;

use super::rows::{NoiseAngleRow, NoiseCauseRow, NoiseLayerRow, NoisePsdRow, NoiseRow, NoiseSummary};
use crate::figure::{Figure, FigureError};
use crate::record::json::read_json;
use crate::record::table::read_csv;

/// The tables of a study of noise.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Settings and verdict.
    pub summary: NoiseSummary,
    /// Read-outs.
    pub nodes: Vec<NoiseRow>,
    /// Layers.
    pub layers: Vec<NoiseLayerRow>,
    /// Sources.
    pub causes: Vec<NoiseCauseRow>,
    /// A spectrum, if one was asked for.
    pub psd: Vec<NoisePsdRow>,
    /// Predicted angles, if there was a target.
    pub angles: Vec<NoiseAngleRow>,
}

/// Every figure.
pub const FIGURES: &[Figure<Tables>] = &[rms::FIGURE, psd::FIGURE, angle::FIGURE];

impl Tables {
    /// Reads the tables of a folder.
    ///
    /// # Errors
    /// [`FigureError`] names the file that is missing or malformed.
    pub(super) fn open(folder: &Path) -> Result<Self, FigureError> {
        let table = |stem: &str| folder.join(format!("{stem}.csv"));
        Ok(Self {
            summary: read_json(&folder.join("noise.json"))?,
            nodes: read_csv(&table("noise"))?,
            layers: read_csv(&table("noise_layers"))?,
            causes: read_csv(&table("noise_causes"))?,
            psd: read_csv(&table("noise_psd"))?,
            angles: read_csv(&table("noise_angle"))?,
        })
    }
}

/// A factor and a unit in which the largest of some voltages is between 1 and 1000.
fn unit(largest: f64) -> (f64, &'static str) {
    match largest {
        v if v >= 1.0 => (1.0, "V"),
        v if v >= 1e-3 => (1e3, "mV"),
        v if v >= 1e-6 => (1e6, "µV"),
        _ => (1e9, "nV"),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
