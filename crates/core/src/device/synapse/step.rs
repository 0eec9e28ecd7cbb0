//! What one pulse does to one device.

/// The constants of a device.
#[derive(Clone, Copy, Debug)]
pub struct One {
    /// Δ⁺, the step of a pulse up where the factor of its model is 1.
    pub up: f64,
    /// Δ⁻, that of a pulse down.
    pub down: f64,
    /// b⁺, the upper bound.
    pub high: f64,
    /// b⁻, the lower bound.
    pub low: f64,
    /// What the model has of its own: of pulses up, of pulses down.
    pub extra: [f64; 2],
}

impl One {
    /// Δ of a direction.
    #[inline(always)]
    pub fn scale(&self, up: bool) -> f64 {
        if up { self.up } else { self.down }
    }
}

/// How the step of a pulse depends on where the device is.
pub trait Step {
    /// Mean of the step in the direction of the pulse, and the factor of its noise: a pulse moves a device
    /// by `mean + σ factor ξ`.
    fn pulse(&self, up: bool, state: f64, one: &One) -> (f64, f64);
}
