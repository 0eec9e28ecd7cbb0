//! What the spreads of devices must satisfy.

use super::check_circuit::{ensure, not_negative};
use super::fault::Fault;
use super::mismatch::{FaultSpec, MismatchSpec, SpreadKind};

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
    check_faults(&mismatch.faults)
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
