//! The rows of the tables of `yield`: the one place that names their columns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `yield`: one point of the grid, or one group of runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct YieldRow {
    /// Setting along the first axis.
    pub x: Option<f64>,
    /// Setting along the second axis.
    pub y: Option<f64>,
    /// Group of runs of an experiment: rule and settings.
    pub group: Option<String>,
    /// Chips.
    pub chips: usize,
    /// Chips that meet the target.
    pub passed: usize,
    /// Their share.
    pub share: f64,
    /// Lower end of the exact (Clopper–Pearson) interval of the share.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A row of `yield_tolerance`: how far a parameter may be spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToleranceRow {
    /// Key of the spread.
    pub key: String,
    /// Chips.
    pub chips: usize,
    /// Chips that fail without this spread.
    pub failed_without: usize,
    /// Largest spread that was looked at.
    pub most: f64,
    /// Largest spread at which the wanted share of chips holds; empty if it still holds at `most`.
    pub tolerance: Option<f64>,
    /// Lower end of its interval; empty if there are too few chips for one.
    pub low: Option<f64>,
    /// Upper end; empty if beyond `most`.
    pub high: Option<f64>,
}

/// `yield.json`: settings of the study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct YieldSummary {
    /// Settings in a line.
    pub settings: String,
    /// The target in words.
    pub target: String,
    /// Keys of the axes.
    pub keys: Vec<String>,
    /// Wanted share.
    pub wanted: f64,
    /// Confidence of the intervals.
    pub confidence: f64,
    /// Chips that must all pass before the wanted share is claimed at that (one-sided) confidence.
    pub chips_needed: usize,
}
