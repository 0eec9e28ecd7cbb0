//! The rows of the tables of `stability --map`: the one place that names their columns.
//!
//! What was not asked for is an empty cell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::axis::Axis;

/// A row of `map`: one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MapRow {
    /// Setting along the first axis.
    pub x: f64,
    /// Setting along the second axis.
    pub y: f64,
    /// What becomes of the batch by integration: `settled` if all of it comes to rest, else the most
    /// frequent failure.
    pub outcome: Option<String>,
    /// Share of the samples that come to rest.
    pub at_rest: Option<f64>,
    /// What the eigenvalues of the least stable sample say: `stable`, `latch-up`, `oscillation`; `lost`
    /// where some sample's equilibrium has gone and none that is left is unstable.
    pub verdict: Option<String>,
    /// Largest real part of an eigenvalue over the samples, in units of 1/τ; between points that were
    /// looked at, interpolated.
    pub abscissa_tau: Option<f64>,
    /// The least stable sample.
    pub worst_sample: Option<usize>,
    /// Samples whose equilibrium was not found.
    pub lost: Option<usize>,
    /// 1 if this point was looked at; the others take over what the points around them have in common.
    pub looked_at: u8,
}

/// A row of `map_lines`: a point of a line drawn over the map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MapLineRow {
    /// `threshold`: where stability ends by the eigenvalues; `closed-form`: the same in closed form;
    /// `margin`: a margin.
    pub kind: String,
    /// Margin, −(largest real part) in units of 1/τ.
    pub level: f64,
    /// Number of the line.
    pub line: usize,
    /// Setting along the first axis.
    pub x: f64,
    /// Setting along the second axis.
    pub y: f64,
}

/// `map.json`: settings, work and verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapSummary {
    /// Circuit and network, for the figure's subtitle.
    pub settings: String,
    /// First axis.
    pub x: MapAxis,
    /// Second axis.
    pub y: MapAxis,
    /// `eigenvalues`, `integration` or `both`.
    pub by: String,
    /// Solver that integrated, and its time limit.
    pub solver: String,
    /// Samples of the batch.
    pub samples: usize,
    /// Points of the map.
    pub points: usize,
    /// Points that were looked at.
    pub looked_at: usize,
    /// Samples integrated.
    pub integrations: usize,
    /// Samples that all points would take.
    pub integrations_of_all: usize,
    /// Equilibria sought by Newton's method.
    pub searches: usize,
    /// Points by outcome.
    pub outcomes: std::collections::BTreeMap<String, usize>,
    /// Points by verdict.
    pub verdicts: std::collections::BTreeMap<String, usize>,
    /// The map against integration of a random share of its points.
    pub verified: Option<MapCheck>,
}

/// An axis of a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapAxis {
    /// The setting.
    pub key: String,
    /// First value.
    pub from: f64,
    /// Last value.
    pub to: f64,
    /// Points.
    pub count: usize,
    /// Whether they are spaced evenly by their logarithm.
    pub log: bool,
}

impl MapAxis {
    /// An axis as it was asked for.
    pub(super) fn of(axis: &Axis) -> Self {
        let Axis { key, from, to, count, log } = axis.clone();
        Self { key, from, to, count, log }
    }
}

/// How a map fares against integration of a random share of its points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapCheck {
    /// Seed of the choice.
    pub seed: u64,
    /// Points chosen.
    pub points: usize,
    /// Points more than 1 %, and more than one point, from a border of the map.
    pub away: usize,
    /// Of these, points whose outcome on the map is that of integration.
    pub outcome_agrees: Option<usize>,
    /// The same of all points chosen.
    pub outcome_agrees_everywhere: Option<usize>,
    /// Points more than 1 %, and more than one point, from the predicted border.
    pub away_from_threshold: usize,
    /// Of these, points that the eigenvalues call stable and that come to rest, or neither.
    pub verdict_agrees: Option<usize>,
}
