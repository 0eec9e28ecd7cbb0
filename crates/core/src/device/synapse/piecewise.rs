//! A step through factors of Δ at points evenly spaced from bound to bound, straight in between.

use super::step::{One, Step};

/// A step through points.
pub struct Piecewise {
    /// Factors of pulses up, from the lower bound to the upper.
    pub up: Vec<f64>,
    /// Factors of pulses down.
    pub down: Vec<f64>,
}

impl Step for Piecewise {
    fn pulse(&self, up: bool, state: f64, one: &One) -> (f64, f64) {
        let points = if up { &self.up } else { &self.down };
        let last = points.len().saturating_sub(1);
        let place = ((state - one.low) / (one.high - one.low)).clamp(0.0, 1.0) * last as f64;
        let from = (place as usize).min(last.saturating_sub(1));
        let part = place - from as f64;
        let at = |k: usize| points.get(k).copied().unwrap_or(1.0);
        let mean = one.scale(up) * (at(from) * (1.0 - part) + at((from + 1).min(last)) * part);
        (mean, mean)
    }
}
