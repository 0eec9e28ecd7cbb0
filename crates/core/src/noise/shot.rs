//! Shot noise of a current that crosses a barrier: white, `2qI` (Schottky, Ann. Phys. 362, 541 (1918)).

/// Charge of an electron (C), exact in the SI.
pub const ELEMENTARY_CHARGE: f64 = 1.602_176_634e-19;

/// One-sided PSD of the noise of a `current` (A), in A²/Hz: `2 q I`.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// let psd = dyadsim::noise::shot::psd(1e-9); // 1 nA: 17.9 fA/√Hz
/// assert!((psd.sqrt() - 17.9e-15).abs() < 1e-16);
/// ```
#[must_use]
pub fn psd(current: f64) -> f64 {
    2.0 * ELEMENTARY_CHARGE * current
}
