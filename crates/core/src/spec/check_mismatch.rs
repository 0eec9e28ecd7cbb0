//! What the spreads of devices must satisfy.

use super::check_circuit::{ensure, not_negative};
use super::fault::Fault;
use super::mismatch::{MismatchSpec, SpreadKind};

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
    mismatch.relative().into_iter().try_for_each(fits)
}
