//! Devices that are programmed to a target: what they miss it by, how they drift, what a reading adds.

use serde::{Deserialize, Serialize};

/// A device that is programmed to a target. Conductances in µS, times in s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgrammedSpec {
    /// Publication that the numbers are from.
    pub source: String,
    /// What they hold for, and which fit they follow.
    pub validity: String,
    /// Smallest target (µS).
    pub low: f64,
    /// Largest target (µS).
    pub high: f64,
    /// Error of programming at times after it, ascending; in between straight in the logarithm of time.
    pub error: Vec<Error>,
    /// What time does beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// What a reading adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Reading>,
}

/// Standard deviation of a conductance around its target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Error {
    /// How long after programming (s).
    pub time: f64,
    /// The deviation (µS).
    pub deviation: Curve,
}

/// A number that depends on the target conductance `g`, told as `x = g / per`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// What the conductance is counted in (µS).
    pub per: f64,
    /// Pieces from low to high.
    pub pieces: Vec<Segment>,
}

/// A piece of a curve: the sum of the terms that are given, kept within `within`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Segment {
    /// The piece ends before this `x`; the last one has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// Coefficients of 1, x, x², …
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub polynomial: Vec<f64>,
    /// `[a, b]`: `a ln x + b`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logarithm: Option<[f64; 2]>,
    /// `[a, p]`: `a x^p`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power: Option<[f64; 2]>,
    /// `[a, s]`: `a (1 − exp(−x / s))`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saturating: Option<[f64; 2]>,
    /// Least and greatest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<[f64; 2]>,
}

/// What time does to a conductance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "law", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// `g ((t + t₀)/t₀)^−ν`, one `ν = |N(mean, deviation)|` per programming.
    Power {
        /// t₀ (s).
        from: f64,
        /// Mean of ν.
        mean: Curve,
        /// Standard deviation of ν.
        deviation: Curve,
    },
    /// `g + mean ln t + N(0, (slope ln t + offset)²)` (µS) from 1 s on.
    Logarithm {
        /// (µS).
        mean: f64,
        /// (µS).
        slope: f64,
        /// (µS).
        offset: f64,
    },
}

/// Noise of a reading of length `window` at a time `t`: deviation `Q(g) √ln((t + window)/(2 window))`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Length of a reading (s); without it the deviation does not depend on time: `Q(g)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<f64>,
    /// Whether Q is of the conductance at the time of the reading; else in µS.
    #[serde(default)]
    pub relative: bool,
    /// Q.
    pub strength: Curve,
}
