//! A row for tests of tables: text, whole numbers, numbers, and numbers that may be missing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `samples`: one reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Sample {
    /// Who was read.
    pub name: String,
    /// Time of the reading (s).
    pub time: usize,
    /// Layer.
    pub layer: usize,
    /// Angle (degrees), if there is one.
    pub angle_deg: Option<f64>,
    /// Norm.
    pub norm: f64,
    /// Another norm.
    pub other_norm: f64,
    /// Distance, if there is one.
    pub distance: Option<f64>,
}

/// Header of their table.
pub(super) const HEADER: &str = "name,time,layer,angle_deg,norm,other_norm,distance\n";
