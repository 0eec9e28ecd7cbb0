//! A switched-capacitor leak: once a period `T = 1/f` a capacitor `C_s` is charged to the drive and then
//! shared with `C`.
//!
//! ```text
//! v[n+1] = v[n] + r (u[n] − v[n]),    r = C_s/(C + C_s) = 1/(1 + f τ),    τ = C/g,    g = C_s f.
//! ```
//!
//! It is a compartment with the rate `ρ = −f ln(1 − r)` whose drive is held over every period, exactly.
//! Thermal noise enters twice a period: `C_s` samples `kT/C_s`, of which a share `r` reaches `C`, and the
//! switch that joins both leaves the charge noise `kT C C_s/(C + C_s)` of a series capacitor. Together
//!
//! ```text
//! σ² = r² kT/C_s + kT C_s/(C (C + C_s)) = r (2 − r) kT/C,
//! ```
//!
//! so that the stationary variance, `σ²/(1 − (1 − r)²)`, is `kT/C`, as equipartition demands.
//! Gregorian & Temes, *Analog MOS Integrated Circuits for Signal Processing* (1986), for charge sharing and
//! kT/C.

/// Share `r` of the way to its drive that a compartment with `tau = C/g` (s) moves in a period of `frequency`
/// (Hz).
#[must_use]
pub fn share(frequency: f64, tau: f64) -> f64 {
    1.0 / (1.0 + frequency * tau)
}

/// Rate `ρ` (1/s) at which it approaches a drive that stands still.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// use dyadsim::device::switched::{rate, share};
/// let (frequency, tau) = (10e6, 1e-6);
/// assert!(((-rate(frequency, tau) / frequency).exp() - (1.0 - share(frequency, tau))).abs() < 1e-15);
/// ```
#[must_use]
pub fn rate(frequency: f64, tau: f64) -> f64 {
    frequency * (1.0 / (frequency * tau)).ln_1p()
}

/// Shift of the drive (V) that a `charge` (C) left on `capacitance` (F) in every period amounts to:
/// `q/(r C)`.
#[must_use]
pub fn injected(charge: f64, capacitance: f64, share: f64) -> f64 {
    charge / (share * capacitance)
}

/// Factor between the thermal noise of a resistor `1/g` at the drive (V²/Hz) and white noise there that, held
/// over periods of a compartment of rate `ρ`, leaves the variance `σ²` above: `1/(ρ τ)`.
#[must_use]
pub fn thermal_factor(frequency: f64, tau: f64) -> f64 {
    1.0 / (rate(frequency, tau) * tau)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_noises_of_a_period_add_up_to_what_white_noise_leaves() {
        let (kt, capacitance) = (1.380_649e-23 * 300.0, 100e-15);
        for switched in [1e-15, 30e-15, 100e-15, 1e-12] {
            let frequency = 10e6;
            let leak: f64 = switched * frequency;
            let (tau, total) = (capacitance / leak, capacitance + switched);
            let r = share(frequency, tau);
            assert!((r / (switched / total) - 1.0).abs() < 1e-14);
            let sampled = r * r * kt / switched;
            let joined = kt * switched / (capacitance * total);
            // An exact step of white noise S at the drive leaves S ρ/4 (1 − e^{−2ρ/f}).
            let (rho, density) = (rate(frequency, tau), 4.0 * kt / leak * thermal_factor(frequency, tau));
            let white = density * rho / 4.0 * -(-2.0 * rho / frequency).exp_m1();
            assert!((white / (sampled + joined) - 1.0).abs() < 1e-13, "{switched:e}");
        }
    }

    #[test]
    fn a_fast_clock_is_a_resistor() {
        let tau = 1e-6;
        for frequency in [1e9, 1e10] {
            // ρ τ = 1 − 1/(2 f τ) + …
            let off = 1.0 - rate(frequency, tau) * tau;
            assert!((off * 2.0 * frequency * tau - 1.0).abs() < 1.0 / (frequency * tau), "{off:e}");
        }
    }
}
