//! A capacitor that leaks: a current out of it shifts what its driver can hold, and lets it droop when nobody
//! drives it.

/// Shift of the drive (V) by a leakage `current` (A) out of a compartment that `leak` (S) ties to its drive:
/// `−I/g`.
#[must_use]
pub fn shift(current: f64, leak: f64) -> f64 {
    -current / leak
}

/// Voltage that a capacitor (F) loses while it is held for `time` (s) against a leakage `current` (A):
/// `I t/C`.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// let lost = dyadsim::device::capacitor::leakage_loss(10e-12, 100e-15, 1e-6);
/// assert!((lost - 0.1e-3).abs() < 1e-18); // 10 pA on 100 fF: 0.1 mV/µs
/// ```
#[must_use]
pub fn leakage_loss(current: f64, capacitance: f64, time: f64) -> f64 {
    current * time / capacitance
}
