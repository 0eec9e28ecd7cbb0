//! Second slopes `f″(v)` of activation devices, from what a circuit has at hand: outputs and slopes.

use super::Activation;
use crate::device::DeviceOffset;
use crate::matrix::Real;
use crate::spec::ActivationKind;

impl Activation {
    /// Second slopes `f″(v)` (1/V) of the device that [`apply_offset`](Self::apply_offset) is, where it has
    /// these `outputs` (V) and `slopes` (V/V); of a kinked device 0, as everywhere but on its kinks; of a
    /// curve through points, whose outputs and slopes do not tell it, NaN.
    ///
    /// With `s = f/A` and `m = f′`: `−2 s m/u` of tanh, `(1 − 2 s) m/u` of the sigmoid, `(1 − m u/A) m/u` of
    /// softplus.
    pub fn curvature_offset<T: Real>(
        &self,
        own: DeviceOffset<T>,
        (outputs, slopes): (&[T], &[T]),
        curvatures: &mut [T],
    ) {
        let (amplitude, scale) = (T::of(self.amplitude), T::of(self.scale) * own.scale);
        let share: fn(T, T) -> T = match self.kind {
            ActivationKind::Linear | ActivationKind::Relu | ActivationKind::HardSigmoid => {
                return curvatures.fill(T::ZERO);
            }
            ActivationKind::Table(_) => return curvatures.fill(T::of(f64::NAN)),
            ActivationKind::Tanh => |output, _| T::of(-2.0) * output,
            ActivationKind::Sigmoid => |output, _| T::ONE - T::of(2.0) * output,
            ActivationKind::Softplus => |_, slope| T::ONE - slope,
        };
        for ((curvature, &output), &slope) in curvatures.iter_mut().zip(outputs).zip(slopes) {
            *curvature = share(output / amplitude, slope * scale / amplitude) * slope / scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ActivationSpec;

    #[test]
    fn second_slopes_are_those_of_the_slopes() {
        let own = DeviceOffset { offset: 0.1, scale: 1.25 };
        for kind in ActivationKind::ALL.into_iter().filter(|kind| !kind.is_kinked()) {
            let device = Activation::new(&ActivationSpec { kind, amplitude: 1.5, scale: 0.5, offset: 0.2 });
            let slope = |v: f64| {
                let mut slope = [0.0];
                device.derivative_offset(own, &[v], &mut slope);
                slope[0]
            };
            for v in [-1.3, -0.2, 0.0, 0.4, 1.7] {
                let (mut output, mut found) = ([0.0], [0.0]);
                device.apply_offset(own, &[v], &mut output);
                device.curvature_offset(own, (&output, &[slope(v)]), &mut found);
                let central = (slope(v + 1e-5) - slope(v - 1e-5)) / 2e-5;
                // Fourth derivatives below 1e3 times h²/6, and slopes to some 1e-16 over 2 h.
                assert!((found[0] - central).abs() < 1e-7, "{kind:?} at {v}: {} {central}", found[0]);
            }
        }
    }
}
