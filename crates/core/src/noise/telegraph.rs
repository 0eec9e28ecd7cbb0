//! Random telegraph noise: a trap that is empty or full, seen as two levels.
//!
//! Capture and emission wait exponentially (means `τc`, `τe`); Machlup, J. Appl. Phys. 25, 341 (1954).

use super::Process;

/// A trap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trap {
    /// Mean time until it captures when empty (s).
    pub capture: f64,
    /// Mean time until it emits when full (s).
    pub emission: f64,
}

impl Trap {
    /// Share of the time in which it is full: `τe/(τc + τe)`.
    #[must_use]
    pub fn occupancy(&self) -> f64 {
        self.emission / (self.capture + self.emission)
    }

    /// Rate at which it forgets (1/s): `1/τc + 1/τe`.
    #[must_use]
    pub fn rate(&self) -> f64 {
        1.0 / self.capture + 1.0 / self.emission
    }

    /// Levels when empty and when full, one apart and of zero mean: `−p`, `1 − p`.
    #[must_use]
    pub fn levels(&self) -> [f64; 2] {
        [-self.occupancy(), 1.0 - self.occupancy()]
    }

    /// The Gaussian process of the same PSD, for levels that are `amplitude` apart: variance `a² p (1 − p)`.
    #[must_use]
    pub fn process(&self, amplitude: f64) -> Process {
        let p = self.occupancy();
        Process { rate: self.rate(), variance: amplitude * amplitude * p * (1.0 - p) }
    }
}
