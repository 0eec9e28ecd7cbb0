//! A step with an exponential (Gong et al., Nat. Commun. 9, 2102, 2018): `Δ max(0, 1 − A exp(±γ z))` with
//! `z = 2 a w / (b⁺ − b⁻) + b`, and noise of the step, of the weight and of neither.

use super::step::{One, Step};
use crate::spec::devices::Pair;

/// An exponential step.
pub struct Exponential {
    /// a.
    pub a: f64,
    /// b.
    pub b: f64,
    /// γ.
    pub gamma: Pair,
    /// A.
    pub amplitude: Pair,
    /// Noise beside that of the step.
    pub noise_add: f64,
    /// Noise beside that of the step, of the weight.
    pub noise_slope: f64,
}

impl Step for Exponential {
    #[inline(always)]
    fn pulse(&self, up: bool, state: f64, one: &One) -> (f64, f64) {
        let z = 2.0 * self.a * state / (one.high - one.low) + self.b;
        let factor = if up {
            1.0 - self.amplitude.up * (self.gamma.up * z).exp()
        } else {
            1.0 - self.amplitude.down * (-self.gamma.down * z).exp()
        };
        let mean = factor.max(0.0) * one.scale(up);
        (mean, mean.abs() + self.noise_add + self.noise_slope * state.abs())
    }
}
