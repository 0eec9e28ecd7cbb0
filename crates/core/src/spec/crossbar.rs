//! What a circuit file says of crossbars: conductances that stand for weights, and the wires between them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_circuit::ensure;
use super::circuit::CircuitSpec;
use super::fault::Fault;
use crate::units;

/// Crossbars of pairs of conductances, one array for the positive and one for the negative ones.
///
/// A weight `w` is the difference of a pair: `G± = G_min + max(±w, 0)/w_max · (G_max − G_min)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CrossbarSpec {
    /// Largest conductance of a device (S).
    #[serde(deserialize_with = "units::conductance")]
    #[schemars(with = "units::Quantity")]
    pub conductance: f64,
    /// Largest conductance over the smallest; absent means that the smallest is zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_off: Option<f64>,
    /// Weight of the largest conductance, which larger ones are cut to; absent means the largest weight of
    /// each layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Resistance of the wire from cell to cell (Ω), along rows and columns alike.
    #[serde(deserialize_with = "units::resistance")]
    #[schemars(with = "units::Quantity")]
    pub wire: f64,
    /// How the drop along the wires is found.
    pub solve: WireSolve,
}

impl Default for CrossbarSpec {
    fn default() -> Self {
        Self { conductance: 1e-4, on_off: None, weight: None, wire: 0.0, solve: WireSolve::Separable }
    }
}

/// How effective conductances of an array with resistive wires are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WireSolve {
    /// Rows and columns each on their own, exact where one of them has no resistance: in proportion to the
    /// cells.
    #[default]
    Separable,
    /// Kirchhoff's laws at every node: `inputs · outputs³` for the smaller side as `outputs`.
    Exact,
}

/// Most cells of a layer whose nodes are solved for exactly, and at every update.
const MOST_CELLS: usize = 1 << 16;

/// Checks devices and wires.
///
/// # Errors
/// The first value that no array could have.
pub(super) fn check_crossbar(circuit: &CircuitSpec) -> Result<(), Fault> {
    let Some(crossbar) = &circuit.crossbar else { return Ok(()) };
    let CrossbarSpec { conductance, on_off, weight, wire, solve } = *crossbar;
    let positive = |value: f64| value.is_finite() && value > 0.0;
    ensure(positive(conductance), &["crossbar", "conductance"], conductance, "a conductance above 0 S")?;
    let ratio = on_off.unwrap_or(2.0);
    ensure(ratio.is_finite() && ratio > 1.0, &["crossbar", "on_off"], ratio, "a ratio above 1")?;
    let limit = weight.unwrap_or(1.0);
    ensure(positive(limit), &["crossbar", "weight"], limit, "a weight above 0")?;
    // A wire that conducts as badly as a device is none.
    let accepted = "a resistance of 0 Ohm or more, at most that of a device at its largest conductance";
    let fits = wire >= 0.0 && wire * conductance <= 1.0;
    ensure(fits, &["crossbar", "wire"], wire, accepted)?;
    let accepted = "false: arrays with wires stand between layers, not within one";
    ensure(!circuit.lateral || wire == 0.0, &["lateral"], circuit.lateral, accepted)?;
    let cells = circuit.network.iter().flat_map(|widths| widths.windows(2)).map(|n| n[0] * n[1]).max();
    let few = solve == WireSolve::Separable || cells.is_none_or(|cells| cells <= MOST_CELLS);
    ensure(few, &["crossbar", "solve"], "exact", "\"separable\" for arrays of more than 65536 cells")
}
