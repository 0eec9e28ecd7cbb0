//! What a circuit file says of mismatch: how far devices that were drawn alike come out apart.
//!
//! `*_dtod` is a standard deviation from device to device, 0 is exactly none. A chip is a seed: the same seed draws the
//! same devices, whatever else is varied.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units;

/// Static spread of devices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MismatchSpec {
    /// Names the chip; absent means the seed of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Pair offset: standard deviation (V) of the difference between the offsets of a dyad's two compartments, each normal with 1/√2 of it.
    #[serde(deserialize_with = "units::voltage")]
    #[schemars(with = "units::Quantity")]
    pub offset_dtod: f64,
}
