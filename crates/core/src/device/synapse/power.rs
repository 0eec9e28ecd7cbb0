//! A step that is a power of the share of the range that is left: up `Δ⁺ ω^γ⁺` with
//! `ω = (b⁺ − w)/(b⁺ − b⁻)`, down `Δ⁻ (1 − ω)^γ⁻`.

use super::step::{One, Step};

/// A step by a power; a device's own exponents are γ of either direction.
pub struct Power;

impl Step for Power {
    #[inline(always)]
    fn pulse(&self, up: bool, state: f64, one: &One) -> (f64, f64) {
        let left = ((one.high - state) / (one.high - one.low)).clamp(0.0, 1.0);
        let left = if up { left } else { 1.0 - left };
        let mean = one.scale(up) * left.powf(one.extra[usize::from(!up)]);
        (mean, mean)
    }
}
