//! Effective nonlinearities of nonlinear Hebbian learning: what activation and plasticity make together.

/// Which function `f` of a unit's potential the inputs are correlated with.
///
/// Brito & Gerstner (2016), doi 10.1371/journal.pcbi.1005070: `f = h ∘ g` with the activation `g` of a neuron
/// and the dependence `h` of its plasticity on the activity. Potentials are in units of the rms of an input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nonlinearity {
    /// `max(u − θ, 0)²`.
    QuadraticRectifier(f64),
    /// `max(u − θ, 0)`.
    Rectifier(f64),
    /// `u³`.
    Cube,
    /// `u − tanh u`.
    LinearLessTanh,
}

impl Nonlinearity {
    /// `f(u)`.
    #[must_use]
    pub fn of(self, u: f64) -> f64 {
        match self {
            Self::QuadraticRectifier(threshold) => (u - threshold).max(0.0).powi(2),
            Self::Rectifier(threshold) => (u - threshold).max(0.0),
            Self::Cube => u * u * u,
            Self::LinearLessTanh => u - u.tanh(),
        }
    }

    /// `F(u) = ∫₀ᵘ f`: what the rule ascends the mean of.
    #[must_use]
    pub fn integral(self, u: f64) -> f64 {
        match self {
            Self::QuadraticRectifier(threshold) => {
                ((u - threshold).max(0.0).powi(3) - (-threshold).max(0.0).powi(3)) / 3.0
            }
            Self::Rectifier(threshold) => {
                0.5 * ((u - threshold).max(0.0).powi(2) - (-threshold).max(0.0).powi(2))
            }
            Self::Cube => 0.25 * u.powi(4),
            // ln cosh u without overflow.
            Self::LinearLessTanh => {
                0.5 * u * u - (u.abs() + (-2.0 * u.abs()).exp().ln_1p() - std::f64::consts::LN_2)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integral_is_zero_at_rest_and_its_slope_is_the_function() {
        let all = [
            Nonlinearity::QuadraticRectifier(1.0),
            Nonlinearity::QuadraticRectifier(-0.5),
            Nonlinearity::Rectifier(1.0),
            Nonlinearity::Rectifier(-0.5),
            Nonlinearity::Cube,
            Nonlinearity::LinearLessTanh,
        ];
        for f in all {
            assert_eq!(f.integral(0.0), 0.0, "{f:?}");
            for u in [-2.7, -0.3, 0.2, 0.9, 1.7, 4.1] {
                // A central difference errs by h²/6 of the third derivative of F, at most 25 here, and by
                // roundings over h: three of F, at most 71, and one of u, 4.1, times f, at most 69.
                let h = 1e-5;
                let slope = (f.integral(u + h) - f.integral(u - h)) / (2.0 * h);
                assert!((slope - f.of(u)).abs() < 25.0 / 6.0 * h * h + 500.0 * f64::EPSILON / h, "{f:?} {u}");
            }
        }
        // At 800 a naive ln cosh is infinite.
        let large = Nonlinearity::LinearLessTanh.integral(800.0);
        assert!((large - (320_000.0 - 800.0 + std::f64::consts::LN_2)).abs() < 1e-9);
    }
}
