//! The rows of the tables of `hebbian`: the one place that names their columns.
//!
//! Potentials and weights are in units of the rms of an input, lengths in pixels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `hebbian`: a unit after learning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HebbianRow {
    /// What it has learned from: `data`, or `gaussian`, noise with the spectrum of the data.
    pub source: String,
    /// Unit, from 0.
    pub unit: usize,
    /// Mean of `F(u)` over all inputs, read by exact devices; `F′ = f`.
    pub objective: f64,
    /// Excess kurtosis of its potential over all inputs, read by exact devices.
    pub kurtosis: f64,
    /// Offset that its potential is read with (V).
    pub offset_v: f64,
    /// Cosine of its weights with the direction of the sparse source; empty for pictures.
    pub cosine: Option<f64>,
    /// Share of its receptive field's variance that the best Gabor function explains.
    pub r2: Option<f64>,
    /// `gabor`: localised and oriented, with `r2` of 0.6 or more; `extended`: a grating; `round`: a blob;
    /// `other`: `r2` below 0.6.
    pub shape: Option<String>,
    /// Column of the Gabor function's centre, the first pixel at 0.
    pub x: Option<f64>,
    /// Row of its centre.
    pub y: Option<f64>,
    /// Angle of its wave from the direction of rows (degrees).
    pub angle_deg: Option<f64>,
    /// Frequency of its wave (cycles per pixel).
    pub frequency: Option<f64>,
    /// Width of its envelope along the wave.
    pub along: Option<f64>,
    /// Width of its envelope along the stripes.
    pub across: Option<f64>,
    /// Phase of its wave at the centre, 0 is even (degrees).
    pub phase_deg: Option<f64>,
}

/// A row of `hebbian_fields`: a pixel of a receptive field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HebbianFieldRow {
    /// What its unit has learned from.
    pub source: String,
    /// Unit, from 0.
    pub unit: usize,
    /// Row of the pixel, from 0.
    pub row: usize,
    /// Column of the pixel, from 0.
    pub column: usize,
    /// Weight by which the unit hears the pixel, whitening included.
    pub weight: f64,
}

/// A row of `hebbian_course`: the units after so many updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HebbianCourseRow {
    /// What they learn from.
    pub source: String,
    /// Updates.
    pub batch: usize,
    /// Mean of `F(u)` over the inputs of the last update and over the units, as their devices read it.
    pub objective: f64,
    /// Largest angle between the weights of a unit now and in the row before (degrees).
    pub moved_deg: f64,
    /// Least absolute cosine of a unit with the direction of the sparse source; empty for pictures.
    pub cosine: Option<f64>,
}

/// `hebbian.json`: settings, the inputs, and what the units are like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HebbianSummary {
    /// Inputs.
    pub data: String,
    /// Their checksum; none for those that the study makes.
    pub sha256: Option<String>,
    /// Circuit whose devices read the units.
    pub circuit: String,
    /// Settings in a line.
    pub settings: String,
    /// What holds the weights in bounds: `norm` or `decorrelated`.
    pub constraint: String,
    /// Seed.
    pub seed: u64,
    /// Units.
    pub units: usize,
    /// Standard deviation of a reading's noise (V).
    pub noise_v: f64,
    /// What was learned from, one by one.
    pub sources: Vec<HebbianSource>,
}

/// What was learned from, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HebbianSource {
    /// `data`, or `gaussian`.
    pub source: String,
    /// Inputs, flat ones left out.
    pub samples: usize,
    /// Components of an input.
    pub components: usize,
    /// Share of the pictures' variance that these have; none for inputs that are white.
    pub kept: Option<f64>,
    /// Share of the units that are localised and oriented; none without receptive fields.
    pub gabor: Option<f64>,
    /// Least absolute cosine with the sparse source; none for pictures.
    pub cosine: Option<f64>,
}
