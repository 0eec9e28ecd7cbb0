//! Growth of small deviations from a fixed point, in continuous time or from clock to clock.
//!
//! With a clock a deviation obeys `v[n+1] = M v[n]`, `M = 1 + r (J − 1)` with the share
//! `r = 1 − e^{−1/(τ f)}` of every compartment, and decays if every eigenvalue `μ` of `M` has `|μ| < 1`.
//! Reported is the growth rate `λ = f ln μ`: its real part is negative exactly then, a real `λ > 0` grows
//! without turning, and `μ < −1` turns in every period.

use nalgebra::Complex;

use crate::circuit::Dynamics;
use crate::matrix::Real;

/// Conversion of eigenvalues of a circuit's Jacobian to growth rates.
#[derive(Clone, Debug)]
pub(super) struct GrowthRate {
    /// Factor of every row of `J − 1`: `1/τ` (1/s), or with a clock the share of a period.
    pub scale: Vec<f64>,
    clock: Option<f64>,
}

impl GrowthRate {
    /// Conversion for one circuit.
    pub fn of<T: Real>(circuit: &dyn Dynamics<T>) -> Self {
        let rates = circuit.rates().iter().map(|rate| rate.to_f64());
        let clock = circuit.clock();
        let scale = match clock {
            Some(frequency) => rates.map(|rate| -(-rate / frequency).exp_m1()).collect(),
            None => rates.collect(),
        };
        Self { scale, clock }
    }

    /// Growth rate (1/s) that an eigenvalue of the scaled matrix stands for.
    pub fn growth(&self, eigenvalue: Complex<f64>) -> Complex<f64> {
        let Some(frequency) = self.clock else { return eigenvalue };
        let multiplier = eigenvalue + 1.0;
        // What is gone within a period is gone.
        let size = multiplier.norm().max(f64::MIN_POSITIVE);
        Complex::new(frequency * size.ln(), frequency * multiplier.arg())
    }

    /// Key that orders eigenvalues by how slowly their deviations decay, the slowest last.
    pub fn rank(&self, eigenvalue: Complex<f64>) -> f64 {
        if self.clock.is_some() { (eigenvalue + 1.0).norm() } else { eigenvalue.re }
    }
}
