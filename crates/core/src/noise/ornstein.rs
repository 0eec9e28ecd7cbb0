//! Noise with a bandwidth: an Ornstein–Uhlenbeck process `dx/dt = −λ x + white`, a Lorentzian in frequency.

use std::f64::consts::TAU;

/// An Ornstein–Uhlenbeck process of zero mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Process {
    /// Rate `λ` at which it forgets (1/s); its corner frequency is `λ/2π`.
    pub rate: f64,
    /// Stationary variance, in the square of its unit.
    pub variance: f64,
}

impl Process {
    /// Process of one-sided PSD `psd` (per Hz) far below `bandwidth` (Hz), at which half of it is left.
    #[must_use]
    pub fn band_limited(psd: f64, bandwidth: f64) -> Self {
        let rate = TAU * bandwidth;
        Self { rate, variance: psd * rate / 4.0 }
    }

    /// One-sided PSD at `frequency` (Hz): `(4σ²/λ)/(1 + (2πf/λ)²)`.
    #[must_use]
    pub fn psd(&self, frequency: f64) -> f64 {
        4.0 * self.variance / self.rate / (1.0 + (TAU * frequency / self.rate).powi(2))
    }
}
