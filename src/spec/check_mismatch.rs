//! What the spreads of devices must satisfy.

use super::check_circuit::not_negative;
use super::fault::Fault;
use super::mismatch::MismatchSpec;

/// Checks every spread.
///
/// # Errors
/// The first that is no standard deviation.
pub(super) fn check_mismatch(mismatch: &MismatchSpec) -> Result<(), Fault> {
    not_negative(&["mismatch", "offset_dtod"], mismatch.offset_dtod, "a finite voltage, 0 V or more")
}
