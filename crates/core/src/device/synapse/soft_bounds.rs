//! A step that vanishes at the bound ahead: `w ← w ± Δ (1 − w / b)`.

use super::step::{One, Step};

/// A step of soft bounds.
pub struct SoftBounds {
    /// Whether noise is of the step at `w = 0`.
    pub additive: bool,
}

impl Step for SoftBounds {
    #[inline(always)]
    fn pulse(&self, up: bool, state: f64, one: &One) -> (f64, f64) {
        let scale = one.scale(up);
        let mean = scale * (1.0 - state / if up { one.high } else { one.low });
        (mean, if self.additive { scale } else { mean })
    }
}

/// The weight at which steps up and down are the same: `(Δ⁺ − Δ⁻) / (Δ⁺/b⁺ − Δ⁻/b⁻)`.
pub fn symmetry(one: &One) -> f64 {
    (one.up - one.down) / (one.up / one.high - one.down / one.low)
}
