//! What the spreads of devices must satisfy.

use super::check_circuit::{ensure, not_negative};
use super::error::nearest;
use super::fault::Fault;
use super::mismatch::{FaultSpec, LARGEST_OFFSET, MismatchSpec, SpreadKind};
use super::process::ProcessSpec;
use super::technology::technologies;

/// Checks every spread.
///
/// # Errors
/// The first that is no standard deviation, or too wide for its distribution.
pub(super) fn check_mismatch(mismatch: &MismatchSpec) -> Result<(), Fault> {
    not_negative(&["mismatch", "offset_dtod"], mismatch.offset_dtod, "a finite voltage, 0 V or more")?;
    let widest = mismatch.widest();
    let accepted = match mismatch.distribution {
        SpreadKind::Normal => {
            "a number from 0 to 0.3; wider spreads want mismatch.distribution = \"lognormal\""
        }
        SpreadKind::Lognormal => "a number from 0 to 2",
    };
    let fits = |(key, spread): (&str, f64)| {
        ensure((0.0..=widest).contains(&spread), &["mismatch", key], spread, accepted)
    };
    mismatch.relative().into_iter().try_for_each(fits)?;
    mismatch.process.as_ref().map_or(Ok(()), check_process)?;
    check_faults(&mismatch.faults)
}

/// A technology whose devices' spread is known, areas that a transistor can have, and shared spreads.
fn check_process(process: &ProcessSpec) -> Result<(), Fault> {
    let known = technologies().iter().filter(|(_, known)| known.threshold.is_some());
    let names: Vec<&str> = known.map(|(name, _)| name.as_str()).collect();
    let path = ["mismatch", "process", "technology"];
    let sized = process.areas().into_iter().find(|(_, area)| area.is_some());
    match (&process.technology, sized) {
        (Some(name), _) if !names.contains(&name.as_str()) => {
            let near = nearest(name, names.iter().copied());
            let meant = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
            let accepted = format!("one of {}, whose A_VT is known{meant}", names.join(", "));
            return Err(Fault::refused(&path, format!("{name:?}"), accepted));
        }
        (None, Some((key, _))) => {
            let accepted = format!(
                "one of {}: `{key}` says a size, and what that spreads is the technology's",
                names.join(", ")
            );
            return Err(Fault::refused(&path, "nothing", accepted));
        }
        _ => {}
    }
    for (key, area) in process.areas() {
        // From a hundredth of a square micrometre to a square millimetre.
        let fits = area.is_none_or(|area| (1e-14..=1e-6).contains(&area));
        let path = ["mismatch", "process", key];
        ensure(fits, &path, area.unwrap_or_default(), "a gate area W L from 0.01 um^2 to 1 mm^2")?;
    }
    let number = |key, value: f64, range: std::ops::RangeInclusive<f64>, accepted: &str| {
        ensure(range.contains(&value), &["mismatch", "process", key], value, accepted)
    };
    number("kappa", process.kappa, 0.3..=1.0, "a slope factor from 0.3 to 1")?;
    number("inversion", process.inversion, 0.0..=1e4, "an inversion coefficient from 0 to 1e4")?;
    // Three of them in a corner, and time constants stay positive.
    number("time_constant_spread", process.time_constant_spread, 0.0..=0.3, "a number from 0 to 0.3")?;
    number("offset_spread", process.offset_spread, 0.0..=LARGEST_OFFSET, "a voltage from 0 V to 1 V")
}

/// Shares of faults, which no device has two of.
fn check_faults(faults: &FaultSpec) -> Result<(), Fault> {
    let shares = [("stuck_off", faults.stuck_off), ("stuck_on", faults.stuck_on), ("dead", faults.dead)];
    for (key, share) in shares {
        ensure((0.0..=1.0).contains(&share), &["mismatch", "faults", key], share, "a share from 0 to 1")?;
    }
    let both = faults.stuck_off + faults.stuck_on;
    let accepted =
        "a share that leaves room for `stuck_off`: a synapse is stuck one way, both together are 1 at most";
    ensure(both <= 1.0, &["mismatch", "faults", "stuck_on"], faults.stuck_on, accepted)?;
    let finite = faults.stuck_weight.is_finite() && faults.stuck_weight > 0.0;
    ensure(finite, &["mismatch", "faults", "stuck_weight"], faults.stuck_weight, "a weight above 0")
}
