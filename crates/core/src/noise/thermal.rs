//! Thermal noise of a conductance: white, `4kT g` (Johnson, Phys. Rev. 32, 97 (1928); Nyquist, ibid. 110).

/// Boltzmann's constant (J/K), exact in the SI.
pub const BOLTZMANN: f64 = 1.380_649e-23;

/// One-sided PSD of the noise current (A²/Hz): `4 k T g γ`.
///
/// `temperature` (K), `conductance` (S), and the excess-noise factor `γ`: 1 for a resistor, about 2/κ for a
/// subthreshold transconductor, whose noise is shot noise of two channels (Sarpeshkar et al., IEEE Circuits
/// Devices 9, 23 (1993)).
///
/// ```
/// # use dyadsim_core as dyadsim;
/// let psd = dyadsim::noise::thermal::psd(300.0, 1e-3, 1.0); // 1 kΩ: 4.07 pA/√Hz
/// assert!((psd.sqrt() - 4.07e-12).abs() < 1e-14);
/// ```
#[must_use]
pub fn psd(temperature: f64, conductance: f64, excess: f64) -> f64 {
    4.0 * BOLTZMANN * temperature * conductance * excess
}
