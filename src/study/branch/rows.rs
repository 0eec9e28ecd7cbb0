//! The rows of the tables of `stability --follow`: the one place that names their columns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `branch`: one point of a branch of equilibria.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BranchRow {
    /// Length of the branch up to there, as its steps measure it.
    pub arc: f64,
    /// The parameter.
    pub parameter: f64,
    /// Largest real part of an eigenvalue, in units of 1/τ of the slowest compartment at the start of the
    /// range.
    pub abscissa_tau: f64,
    /// Frequency of that eigenvalue (Hz); 0 if it is real.
    pub frequency_hz: f64,
    /// Eigenvalues with a positive real part.
    pub unstable: usize,
    /// Largest potential (V).
    pub largest_v: f64,
}

/// A row of `branch_outputs`: one output neuron at one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BranchOutputRow {
    /// Length of the branch up to there.
    pub arc: f64,
    /// The parameter.
    pub parameter: f64,
    /// Output neuron, from 0.
    pub neuron: usize,
    /// Activity `s̄` (V).
    pub activity_v: f64,
    /// Error `δ` (V).
    pub error_v: f64,
}

/// A row of `branch_events`: something that happens on the branch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BranchEventRow {
    /// `fold`, `crossing`, `infinity`, `hopf`, `border` or `border-fold`.
    pub event: String,
    /// Length of the branch up to there.
    pub arc: f64,
    /// The parameter.
    pub parameter: f64,
    /// Eigenvalues with a positive real part before.
    pub unstable_before: usize,
    /// The same after.
    pub unstable_after: usize,
    /// Period of the cycle at a Hopf point (s).
    pub period_s: Option<f64>,
    /// Its first Lyapunov coefficient, where the field is smooth.
    pub lyapunov: Option<f64>,
    /// Layer of the compartment at a border, 1 to L.
    pub layer: Option<usize>,
    /// Its neuron, from 0.
    pub neuron: Option<usize>,
    /// `plus` or `minus`.
    pub compartment: Option<String>,
    /// `up` or `down`: how it passes its kink.
    pub direction: Option<String>,
    /// 1 if the dyad straddles the kink from there on, its other compartment being on the other side; else 0.
    pub straddles: Option<usize>,
}

/// `branch.json`: what the tables were made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BranchSummary {
    /// Name of the circuit.
    pub circuit: String,
    /// One line of settings.
    pub settings: String,
    /// The parameter.
    pub key: String,
    /// Range in which it was followed.
    pub range: (f64, f64),
    /// The sample.
    pub sample: usize,
    /// Why the branch was followed no further.
    pub end: String,
}
