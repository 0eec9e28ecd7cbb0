//! Figures of a study of noise, drawn from the tables of `dyadsim noise --out DIR`.
//!
//! A folder of `run` has other tables, so these figures have a catalogue of their own.

mod angle;
mod psd;
mod rms;

use std::path::Path;

use super::error::FigureError;
use super::page::{Ink, Page};
use super::sheet::Panel;
use super::{Drawn, write_pages};
use crate::record::json::read_json;
use crate::record::noise_rows::{
    NoiseAngleRow, NoiseCauseRow, NoiseLayerRow, NoisePsdRow, NoiseRow, NoiseSummary,
};
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

/// A kind of figure.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Name of its files.
    pub name: &'static str,
    /// What to look for, a paragraph.
    pub caption: &'static str,
    /// Draws it; [`FigureError::Nothing`] if the tables have nothing for it.
    pub draw: fn(&Tables) -> Result<Page, FigureError>,
}

/// Every figure.
#[must_use]
pub fn catalogue() -> &'static [Figure] {
    &[rms::FIGURE, psd::FIGURE, angle::FIGURE]
}

/// Whether a folder is that of a study of noise.
#[must_use]
pub fn is_study(folder: &Path) -> bool {
    folder.join("noise.json").exists()
}

impl Tables {
    /// Reads the tables of a folder.
    ///
    /// # Errors
    /// [`FigureError`] names the file that is missing or malformed.
    pub fn read(folder: &Path) -> Result<Self, FigureError> {
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

/// Writes `folder/NAME.svg` and `.png` of the figures of these names (of all without any) that the tables have something for.
///
/// # Errors
/// [`FigureError`] names the file that cannot be written.
pub fn draw_all(folder: &Path, tables: &Tables, only: &[&str]) -> Result<Vec<Drawn>, FigureError> {
    let chosen = catalogue().iter().filter(|figure| only.is_empty() || only.contains(&figure.name));
    let pages = chosen.map(|figure| (figure.name, (figure.draw)(tables))).collect();
    write_pages(folder, pages)
}

/// A vertical bar of one standard error to both sides, with its ends.
fn error_bar(page: &mut Page, panel: &Panel, x: f64, (value, error): (f64, f64), ink: Ink) {
    let ends = (panel.at(x, value - error), panel.at(x, value + error));
    // On a logarithmic axis a bar may reach below all values.
    let (Some(low), Some(high)) = (ends.0.or_else(|| panel.at(x, panel.y.low)), ends.1) else { return };
    page.line(&[low, high], ink, 1.0);
    for (x, y) in [low, high] {
        page.line(&[(x - 2.0, y), (x + 2.0, y)], ink, 1.0);
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
