//! A step that falls in proportion to the weight: `w ← w ± Δ (1 − γ w / b)`, b the bound ahead.

use super::step::{One, Step};

/// A linear step; a device's own slopes are `Δ γ / b` of either direction.
pub struct Linear {
    /// Whether noise is of the step at `w = 0`.
    pub additive: bool,
}

impl Step for Linear {
    #[inline(always)]
    fn pulse(&self, up: bool, state: f64, one: &One) -> (f64, f64) {
        let scale = one.scale(up);
        let mean = scale - one.extra[usize::from(!up)] * state;
        (mean, if self.additive { scale } else { mean })
    }
}
