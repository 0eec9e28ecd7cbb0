//! A real operational amplifier as a leaky integrator: input conductances on its summing node, `g ∥ C` across
//! it.
//!
//! With `S` the sum of the conductances on the summing node, `N = 1 + S/g` its noise gain, and
//! `1/A(s) = 1/A₀ + s/ω_t`, Kirchhoff's law at that node gives, for the ideal drive `u`,
//!
//! ```text
//! v = (u + N V_os) / (1 + N/A₀ + s [τ (1 + 1/A₀) + N/ω_t] + s² τ/ω_t).
//! ```
//!
//! So the gain is short by `1/(1 + N/A₀)`, the offset comes out `N` times, and the slower of the two poles
//! has the time constant `[τ (1 + 1/A₀) + N/ω_t]/(1 + N/A₀)`. The faster pole, near `ω_t + (1 + S/g)/τ`, is
//! left out: that costs a share `a₀ a₂/a₁²` of the time constant, with the coefficients of 1, s and s² above,
//! below `N/(τ ω_t)`. Derivation: any text on feedback amplifiers, e.g. Gray, Hurst, Lewis & Meyer, *Analysis
//! and Design of Analog Integrated Circuits*, ch. 8.

use std::f64::consts::TAU;

/// An amplifier; the ideal one has infinite gain and bandwidth, and no offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amplifier {
    /// Gain `A₀` at zero frequency.
    pub gain: f64,
    /// Gain–bandwidth product (Hz).
    pub gain_bandwidth: f64,
    /// Input offset (V).
    pub offset: f64,
}

impl Amplifier {
    /// Without any fault.
    pub const IDEAL: Self = Self { gain: f64::INFINITY, gain_bandwidth: f64::INFINITY, offset: 0.0 };

    /// Gain error factor at noise gain `N`: `1/(1 + N/A₀)`.
    ///
    /// ```
    /// # use dyadsim_core as dyadsim;
    /// let amplifier = dyadsim::device::Amplifier { gain: 1e3, ..dyadsim::device::Amplifier::IDEAL };
    /// assert!((amplifier.share(11.0) - 1.0 / 1.011).abs() < 1e-15); // 60 dB, S = 10 g: 1.1 % are missing
    /// ```
    #[must_use]
    pub fn share(&self, noise_gain: f64) -> f64 {
        1.0 / (1.0 + noise_gain / self.gain)
    }

    /// Offset at the output (V).
    #[must_use]
    pub fn shift(&self, noise_gain: f64) -> f64 {
        self.offset * noise_gain * self.share(noise_gain)
    }

    /// Time constant (s) of a compartment that would have `tau` (s) with an ideal amplifier.
    #[must_use]
    pub fn time_constant(&self, tau: f64, noise_gain: f64) -> f64 {
        let lag = noise_gain / (TAU * self.gain_bandwidth);
        (tau * (1.0 + 1.0 / self.gain) + lag) * self.share(noise_gain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ideal_amplifier_changes_no_bit() {
        for noise_gain in [1.0, 3.7, 800.0] {
            let ideal = Amplifier::IDEAL;
            assert_eq!(ideal.share(noise_gain), 1.0);
            assert_eq!(ideal.shift(noise_gain), 0.0);
            assert_eq!(ideal.time_constant(1.3e-7, noise_gain), 1.3e-7);
        }
    }

    #[test]
    fn the_time_constant_is_that_of_the_slower_pole_of_the_whole_amplifier() {
        for (gain, gain_bandwidth, noise_gain, tau) in
            [(1e3, 150e6, 10.0, 1e-7), (1e4, 1e9, 80.0, 1e-7), (1e5, 20e6, 2.0, 1e-6)]
        {
            let amplifier = Amplifier { gain, gain_bandwidth, offset: 0.0 };
            let omega = TAU * gain_bandwidth;
            let a = [1.0 + noise_gain / gain, tau * (1.0 + 1.0 / gain) + noise_gain / omega, tau / omega];
            let slow = 2.0 * a[0] / (a[1] + (a[1] * a[1] - 4.0 * a[0] * a[2]).sqrt());
            let share = a[0] * a[2] / (a[1] * a[1]);
            let error = amplifier.time_constant(tau, noise_gain) * slow - 1.0;
            // 1/λ = (a₁/a₀) (1 − share − O(share²)).
            assert!((error - share).abs() < 3.0 * share * share, "{error:e} {share:e}");
        }
    }
}
