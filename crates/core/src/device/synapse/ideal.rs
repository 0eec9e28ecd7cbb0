//! Steps that are exact.

use super::step::{One, Step};

/// A step that is always Δ.
pub struct Ideal;

impl Step for Ideal {
    #[inline(always)]
    fn pulse(&self, up: bool, _: f64, one: &One) -> (f64, f64) {
        (one.scale(up), 0.0)
    }
}
