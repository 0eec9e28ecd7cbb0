//! The same step everywhere within the bounds: `w ← w ± Δ (1 + σξ)` (Gokmen & Vlasov, Front. Neurosci. 10,
//! 333, 2016).

use super::step::{One, Step};

/// A step that does not depend on the weight.
pub struct Constant;

impl Step for Constant {
    #[inline(always)]
    fn pulse(&self, up: bool, _: f64, one: &One) -> (f64, f64) {
        (one.scale(up), one.scale(up))
    }
}
