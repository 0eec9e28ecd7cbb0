//! What of a circuit is not looked at by studies of units that do not settle, in words.

use dyadsim_core::spec::{CircuitSpec, MismatchSpec, NoiseSpec};

/// A remark, if the circuit has spreads but for offsets and synapses, or noise; that of the sample-and-hold
/// may be heeded.
pub fn remark(spec: &CircuitSpec, heeds_sampled: bool) -> Option<String> {
    let mismatch = MismatchSpec {
        seed: spec.mismatch.seed,
        distribution: spec.mismatch.distribution,
        offset_dtod: spec.mismatch.offset_dtod,
        synapse_dtod: spec.mismatch.synapse_dtod,
        process: spec.mismatch.process.clone(),
        ..MismatchSpec::default()
    };
    let sampled = if heeds_sampled { spec.noise.sampled } else { None };
    let noise = NoiseSpec { sampled, ..NoiseSpec::default() };
    let parts = [
        (spec.mismatch != mismatch, "other spreads than `offset_dtod` and `synapse_dtod`, and faults"),
        (spec.crossbar.is_some(), "`crossbar`"),
        (spec.noise != noise, if heeds_sampled { "other noise than `noise.sampled`" } else { "noise" }),
    ];
    let parts: Vec<&str> = parts.into_iter().filter(|part| part.0).map(|part| part.1).collect();
    (!parts.is_empty()).then(|| format!("circuit `{}`: {} do not act here", spec.name, parts.join(" and ")))
}
