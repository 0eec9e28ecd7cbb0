//! Activation devices at complex potentials: the holomorphic functions that shapes without kinks are near the
//! real axis.

use nalgebra::Complex;

use super::Activation;
use crate::device::DeviceOffset;
use crate::spec::ActivationKind;

impl Activation {
    /// Output `f(v)` and slope `f′(v)` at a complex potential `v` (V), of a compartment's own device.
    ///
    /// Shapes with a kink and curves through points, which are no holomorphic functions, give NaN.
    #[must_use]
    pub fn complex(&self, trim: DeviceOffset<f64>, potential: Complex<f64>) -> [Complex<f64>; 2] {
        let map = self.affine::<f64>().with_offset(trim);
        let z = (potential - map.offset) * map.rate;
        let one = Complex::from(1.0);
        let [shape, slope] = match self.kind {
            ActivationKind::Linear => [z, one],
            ActivationKind::Tanh => {
                let value = z.tanh();
                [value, one - value * value]
            }
            ActivationKind::Sigmoid => {
                let value = logistic(z);
                [value, value * (one - value)]
            }
            // ln(1 + eᶻ), without overflow on either side.
            ActivationKind::Softplus if z.re > 0.0 => [z + (one + (-z).exp()).ln(), logistic(z)],
            ActivationKind::Softplus => [(one + z.exp()).ln(), logistic(z)],
            ActivationKind::Relu | ActivationKind::HardSigmoid | ActivationKind::Table(_) => {
                [Complex::from(f64::NAN); 2]
            }
        };
        [shape * map.amplitude, slope * map.gain]
    }
}

/// `1/(1 + e⁻ᶻ)` without overflow.
fn logistic(z: Complex<f64>) -> Complex<f64> {
    let one = Complex::from(1.0);
    if z.re < 0.0 {
        let growth = z.exp();
        growth / (one + growth)
    } else {
        one / (one + (-z).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ActivationSpec;

    /// `f(v ± ih)` of a holomorphic function whose real values are known: Cauchy–Riemann and the real axis
    /// determine it, so both are what is checked.
    #[test]
    fn outputs_are_those_of_the_real_device_on_the_axis_and_holomorphic_beside_it() {
        let trim = DeviceOffset { offset: 0.05, scale: 1.1 };
        for kind in ActivationKind::ALL.into_iter().filter(|kind| kind.is_holomorphic()) {
            let device = Activation::new(&ActivationSpec { kind, amplitude: 1.5, scale: 0.5, offset: 0.125 });
            let own = Activation::new(&ActivationSpec { kind, amplitude: 1.5, scale: 0.55, offset: 0.175 });
            for re in [-2.0, -0.3, 0.2, 1.7] {
                let [value, slope] = device.complex(trim, Complex::from(re));
                assert!((value - own.value(re)).norm() < 1e-14, "{kind:?} at {re}");
                assert!((slope - own.slope(re)).norm() < 1e-14, "{kind:?} at {re}");
                let (v, h) = (Complex::new(re, 0.4), 1e-5);
                let [_, slope] = device.complex(trim, v);
                for step in [Complex::new(h, 0.0), Complex::new(0.0, h)] {
                    let [up, down] = [v + step, v - step].map(|v| device.complex(trim, v)[0]);
                    // Third derivatives of order A/u³ ~ 10, h²/6 of them; rounding 1e-16/h.
                    assert!(((up - down) / (step * 2.0) - slope).norm() < 1e-8, "{kind:?} at {v}");
                }
            }
        }
    }
}
