//! Noise that a sample-and-hold keeps of its switch: `kT/C`, whatever the switch's resistance.

use super::thermal::BOLTZMANN;

/// Voltage that temperature leaves on a capacitor, `√(kT/C)` (V, rms).
///
/// `temperature` (K) and `capacitance` (F) are positive.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// assert!((dyadsim::noise::sampled::deviation(300.0, 1e-12) - 64.4e-6).abs() < 1e-7);
/// ```
#[must_use]
pub fn deviation(temperature: f64, capacitance: f64) -> f64 {
    (BOLTZMANN * temperature / capacitance).sqrt()
}
