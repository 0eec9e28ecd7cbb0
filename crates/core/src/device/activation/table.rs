//! Activation devices whose shape is a curve through points: looked up value by value, in double precision.

use super::vector::{Affine, Dyads};
use crate::curve::Curve;
use crate::matrix::Real;

/// `f(v)` (V) of one potential (V).
fn value<T: Real>(curve: Curve, map: &Affine<T>, potential: T) -> T {
    map.amplitude * T::of(curve.value(map.argument(potential).to_f64()))
}

/// `outputs = f(potentials)`.
pub(super) fn apply<T: Real>(curve: Curve, map: Affine<T>, potentials: &[T], outputs: &mut [T]) {
    for (output, &potential) in outputs.iter_mut().zip(potentials) {
        *output = value(curve, &map, potential);
    }
}

/// `slopes = f′(potentials)`.
pub(super) fn derivative<T: Real>(curve: Curve, map: Affine<T>, potentials: &[T], slopes: &mut [T]) {
    for (slope, &potential) in slopes.iter_mut().zip(potentials) {
        *slope = map.gain * T::of(curve.slope(map.argument(potential).to_f64()));
    }
}

/// Means and differences of dyads.
pub(super) fn mean_and_difference<T: Real>(curve: Curve, map: Affine<T>, dyads: Dyads<'_, T>) {
    let Dyads { batch, mixing, offsets, potentials, mean, difference } = dyads;
    for (column, &alpha) in mixing.iter().enumerate() {
        let (up, down) = (map.with_offset(offsets.0[column]), map.with_offset(offsets.1[column]));
        for at in column * batch..(column + 1) * batch {
            let plus = value(curve, &up, potentials.0[at]);
            let minus = value(curve, &down, potentials.1[at]);
            mean[at] = alpha * plus + (T::ONE - alpha) * minus;
            difference[at] = plus - minus;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::curve::Curve;
    use crate::device::{Activation, DeviceOffset, Dyads};
    use crate::spec::{ActivationKind, ActivationSpec};

    /// A tanh in 61 points from −3 to 3 V.
    fn sampled() -> ActivationKind {
        let at = |i: i32| f64::from(i) / 10.0;
        let points: Vec<_> = (-30..=30).map(|i| (at(i), at(i).tanh())).collect();
        ActivationKind::Table(Curve::new(&points).unwrap())
    }

    fn device(kind: ActivationKind) -> Activation {
        Activation::new(&ActivationSpec { kind, amplitude: 1.5, scale: 0.25, offset: 0.125 })
    }

    proptest! {
        #[test]
        fn the_device_is_that_of_the_formula_and_of_its_own_reference(
            v in -0.5..0.75_f64, eighths in -4_i8..4, power in 0_i32..3
        ) {
            let own = DeviceOffset { offset: f64::from(eighths) / 64.0, scale: 2.0_f64.powi(power) };
            let (table, formula) = (device(sampled()), device(ActivationKind::Tanh));
            let both = |device: &Activation| {
                let (mut output, mut slope) = ([0.0], [0.0]);
                device.apply_offset(own, &[v], &mut output);
                device.derivative_offset(own, &[v], &mut slope);
                (output[0], slope[0])
            };
            // Values: the bound of `curve`'s own test at h = 0.1, times A. Slopes: √3/216 h³ of at most
            // 4.09, and the slopes of the points, wrong by at most h⁴ 16/30, times A/u = 6.
            let (near, far) = (both(&table), both(&formula));
            prop_assert!((near.0 - far.0).abs() < 1.5 * 2.5e-6, "{near:?} {far:?}");
            prop_assert!((near.1 - far.1).abs() < 6.0 * 9e-5, "{near:?} {far:?}");
            prop_assert_eq!((table.value(v), table.slope(v)), {
                let (mut output, mut slope) = ([0.0], [0.0]);
                table.apply(&[v], &mut output);
                table.derivative(&[v], &mut slope);
                (output[0], slope[0])
            });
        }

        #[test]
        fn single_precision_rounds_what_double_precision_gives(v in -1.5_f32..1.5) {
            let (table, mut output, mut slope) = (device(sampled()), [0.0_f32], [0.0_f32]);
            table.apply(&[v], &mut output);
            table.derivative(&[v], &mut slope);
            // Offset and scale are exact in single precision: one rounding of value, one of the product.
            let close = |own: f32, exact: f64| (f64::from(own) - exact).abs() <= 1.3e-7 * exact.abs() + 1e-37;
            let argument = f64::from((v - 0.125) * 4.0);
            prop_assert!(close(output[0], 1.5 * table_value(argument)));
            prop_assert!(close(slope[0], 6.0 * table_slope(argument)));
        }
    }

    fn table_value(z: f64) -> f64 {
        sampled().curve().map_or(f64::NAN, |curve| curve.value(z))
    }

    fn table_slope(z: f64) -> f64 {
        sampled().curve().map_or(f64::NAN, |curve| curve.slope(z))
    }

    #[test]
    fn a_mix_has_the_bits_of_its_two_outputs() {
        let device = device(sampled());
        let (v, w) = ([0.1, -0.3, 0.7, 0.2], [0.2, 0.4, -0.1, 0.9]);
        let plus = [DeviceOffset::shift(0.1), DeviceOffset::NONE];
        let minus = [DeviceOffset::NONE, DeviceOffset { offset: -0.1, scale: 1.25 }];
        let (mut mean, mut difference, mixing) = ([0.0; 4], [0.0; 4], [0.25, 0.5]);
        device.mean_and_difference(Dyads {
            batch: 2,
            mixing: &mixing,
            offsets: (&plus, &minus),
            potentials: (&v, &w),
            mean: &mut mean,
            difference: &mut difference,
        });
        for i in 0..4 {
            let (mut up, mut down) = ([0.0], [0.0]);
            device.apply_offset(plus[i / 2], &v[i..=i], &mut up);
            device.apply_offset(minus[i / 2], &w[i..=i], &mut down);
            assert_eq!(mean[i], mixing[i / 2] * up[0] + (1.0 - mixing[i / 2]) * down[0]);
            assert_eq!(difference[i], up[0] - down[0]);
        }
    }

    #[test]
    fn a_device_saturates_where_its_curve_does() {
        let device = device(sampled());
        // sech² z = 0.01 at z = 2.993, beyond which the slope stays.
        assert!(!device.saturated(0.125 + 0.25 * 2.9) && device.saturated(0.125 + 0.25 * 3.2));
        assert!(device.kinks().is_empty() && !device.is_identity());
    }
}
