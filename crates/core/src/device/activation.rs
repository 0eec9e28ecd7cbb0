//! Activation devices `f(v) = A φ((v − o)/u)` (docs/model.md §1): what a compartment's output does with its
//! potential.
//!
//! [`Activation::apply`] and [`Activation::derivative`] work on whole slices with vector instructions, to a
//! few units in the last place; [`Activation::value`] and [`Activation::slope`] are the scalar reference
//! through the C library. Where the slope jumps, the slope is the smaller one-sided one: 0.

mod complex;
mod curvature;
mod table;
mod vector;

pub use self::vector::Dyads;

use self::vector::Affine;
use super::device_offset::DeviceOffset;
use crate::matrix::Real;
use crate::spec::{ActivationKind, ActivationSpec};

/// A slope below this part of the steepest counts as saturated; 1 % is a convention of ours.
const SATURATION: f64 = 0.01;

/// An activation device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activation {
    kind: ActivationKind,
    /// `A` (V).
    amplitude: f64,
    /// `u > 0` (V).
    scale: f64,
    /// `o` (V).
    offset: f64,
    /// `o` and `o + u` (V); how many of them are kinks depends on the kind.
    corners: [f64; 2],
}

impl From<&ActivationSpec> for Activation {
    fn from(spec: &ActivationSpec) -> Self {
        Self {
            kind: spec.kind,
            amplitude: spec.amplitude,
            scale: spec.scale,
            offset: spec.offset,
            corners: [spec.offset, spec.offset + spec.scale],
        }
    }
}

impl Activation {
    /// The device that `spec` describes; its scale is positive and all its numbers are finite.
    #[must_use]
    pub fn new(spec: &ActivationSpec) -> Self {
        spec.into()
    }

    /// Outputs `f(v)` (V) of `potentials` (V).
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn apply<T: Real>(&self, potentials: &[T], outputs: &mut [T]) {
        self.apply_offset(DeviceOffset::NONE, potentials, outputs);
    }

    /// Outputs (V) of the same device with a compartment's own offset and scale.
    ///
    /// [`DeviceOffset::NONE`] gives the bits of [`apply`](Self::apply).
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn apply_offset<T: Real>(&self, trim: DeviceOffset<T>, potentials: &[T], outputs: &mut [T]) {
        assert_eq!(potentials.len(), outputs.len(), "as many outputs as potentials");
        let map = self.affine().with_offset(trim);
        match self.kind {
            ActivationKind::Linear if map.is_identity() => outputs.copy_from_slice(potentials),
            ActivationKind::Linear => vector::apply::<T, vector::Linear>(map, potentials, outputs),
            ActivationKind::Relu => vector::apply::<T, vector::Relu>(map, potentials, outputs),
            ActivationKind::HardSigmoid => vector::apply::<T, vector::HardSigmoid>(map, potentials, outputs),
            ActivationKind::Tanh => vector::apply::<T, vector::Tanh>(map, potentials, outputs),
            ActivationKind::Sigmoid => vector::apply::<T, vector::Sigmoid>(map, potentials, outputs),
            ActivationKind::Softplus => vector::apply::<T, vector::Softplus>(map, potentials, outputs),
            ActivationKind::Table(curve) => table::apply(curve, map, potentials, outputs),
        }
    }

    /// Mean and difference of the outputs of a layer of dyads, in one pass.
    ///
    /// Outputs are those of [`apply_offset`](Self::apply_offset). The mean is rounded like its formula,
    /// without fused steps, so that `α = 0` and `α = 1` give one compartment's output to the last bit.
    ///
    /// # Panics
    ///
    /// If a slice is too short.
    pub fn mean_and_difference<T: Real>(&self, dyads: Dyads<'_, T>) {
        let map = self.affine();
        match self.kind {
            ActivationKind::Linear => vector::mean_and_difference::<T, vector::Linear>(map, dyads),
            ActivationKind::Relu => vector::mean_and_difference::<T, vector::Relu>(map, dyads),
            ActivationKind::HardSigmoid => vector::mean_and_difference::<T, vector::HardSigmoid>(map, dyads),
            ActivationKind::Tanh => vector::mean_and_difference::<T, vector::Tanh>(map, dyads),
            ActivationKind::Sigmoid => vector::mean_and_difference::<T, vector::Sigmoid>(map, dyads),
            ActivationKind::Softplus => vector::mean_and_difference::<T, vector::Softplus>(map, dyads),
            ActivationKind::Table(curve) => table::mean_and_difference(curve, map, dyads),
        }
    }

    /// Slopes `f′(v)` (V/V) at `potentials` (V); 0 on the kinks of relu and hard-sigmoid.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn derivative<T: Real>(&self, potentials: &[T], slopes: &mut [T]) {
        self.derivative_offset(DeviceOffset::NONE, potentials, slopes);
    }

    /// Slopes (V/V) of the device that [`apply_offset`](Self::apply_offset) is.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn derivative_offset<T: Real>(&self, trim: DeviceOffset<T>, potentials: &[T], slopes: &mut [T]) {
        assert_eq!(potentials.len(), slopes.len(), "as many slopes as potentials");
        let map = self.affine().with_offset(trim);
        match self.kind {
            ActivationKind::Linear => slopes.fill(map.gain),
            ActivationKind::Relu => vector::derivative::<T, vector::Relu>(map, potentials, slopes),
            ActivationKind::HardSigmoid => {
                vector::derivative::<T, vector::HardSigmoid>(map, potentials, slopes);
            }
            ActivationKind::Tanh => vector::derivative::<T, vector::Tanh>(map, potentials, slopes),
            ActivationKind::Sigmoid => vector::derivative::<T, vector::Sigmoid>(map, potentials, slopes),
            ActivationKind::Softplus => vector::derivative::<T, vector::Softplus>(map, potentials, slopes),
            ActivationKind::Table(curve) => table::derivative(curve, map, potentials, slopes),
        }
    }

    /// Output `f(v)` (V) of one potential `v` (V), to the accuracy of the C library.
    #[must_use]
    pub fn value(&self, potential: f64) -> f64 {
        let z = self.argument(potential);
        let shape = match self.kind {
            ActivationKind::Linear => z,
            ActivationKind::Relu => positive_part(z),
            ActivationKind::HardSigmoid => z.clamp(0.0, 1.0),
            ActivationKind::Tanh => z.tanh(),
            ActivationKind::Sigmoid => logistic(z),
            ActivationKind::Softplus => positive_part(z) + (-z.abs()).exp().ln_1p(),
            ActivationKind::Table(curve) => curve.value(z),
        };
        self.amplitude * shape
    }

    /// Slope `f′(v)` (V/V) at one potential `v` (V), to the accuracy of the C library.
    #[must_use]
    pub fn slope(&self, potential: f64) -> f64 {
        let z = self.argument(potential);
        let shape = match self.kind {
            _ if z.is_nan() => z,
            ActivationKind::Linear => 1.0,
            ActivationKind::Relu => f64::from(z > 0.0),
            ActivationKind::HardSigmoid => f64::from(z > 0.0 && z < 1.0),
            ActivationKind::Tanh => 4.0 * logistic(2.0 * z) * logistic(-2.0 * z),
            ActivationKind::Sigmoid => logistic(z) * logistic(-z),
            ActivationKind::Softplus => logistic(z),
            ActivationKind::Table(curve) => curve.slope(z),
        };
        self.amplitude / self.scale * shape
    }

    /// Potentials (V) at which the slope jumps, in rising order.
    #[must_use]
    pub fn kinks(&self) -> &[f64] {
        match self.kind {
            ActivationKind::Relu => &self.corners[..1],
            ActivationKind::HardSigmoid => &self.corners,
            _ => &[],
        }
    }

    /// Kinks of a compartment with an offset and a scale of its own.
    pub fn offset_kinks(&self, trim: DeviceOffset<f64>) -> impl Iterator<Item = f64> {
        let own = move |kink: &f64| self.offset + trim.offset + (kink - self.offset) * trim.scale;
        self.kinks().iter().map(own)
    }

    /// Returns whether the slope at `potential` (V) is below 1 % of the steepest: such a device passes no
    /// error on.
    #[must_use]
    pub fn saturated(&self, potential: f64) -> bool {
        let steepest = match self.kind {
            ActivationKind::Sigmoid => 0.25,
            ActivationKind::Table(curve) => curve.steepest(),
            _ => 1.0,
        };
        self.slope(potential).abs() < SATURATION * steepest * (self.amplitude / self.scale).abs()
    }

    /// Returns whether the output is the potential itself, so that there is nothing to compute.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.kind == ActivationKind::Linear && self.affine::<f64>().is_identity()
    }

    /// `z = (v − o)/u`.
    fn argument(&self, potential: f64) -> f64 {
        (potential - self.offset) / self.scale
    }

    /// The numbers around the shape, as the kernels take them.
    fn affine<T: Real>(&self) -> Affine<T> {
        Affine {
            offset: T::of(self.offset),
            rate: T::of(self.scale.recip()),
            amplitude: T::of(self.amplitude),
            gain: T::of(self.amplitude / self.scale),
        }
    }
}

/// `1/(1 + e⁻ᶻ)` without overflow.
fn logistic(z: f64) -> f64 {
    let decay = (-z.abs()).exp();
    if z < 0.0 { decay / (1.0 + decay) } else { 1.0 / (1.0 + decay) }
}

/// `max(z, 0)` that lets NaN through.
fn positive_part(z: f64) -> f64 {
    if z < 0.0 { 0.0 } else { z }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A device whose numbers are exact in single precision, as is the reciprocal of its scale.
    fn device(kind: ActivationKind) -> Activation {
        Activation::new(&ActivationSpec { kind, amplitude: 1.5, scale: 0.25, offset: 0.125 })
    }

    fn plain(kind: ActivationKind) -> Activation {
        Activation::new(&ActivationSpec { kind, amplitude: 1.0, scale: 1.0, offset: 0.0 })
    }

    fn outputs<T: Real>(device: &Activation, potentials: &[T]) -> Vec<T> {
        let mut outputs = vec![T::of(7.0); potentials.len()];
        device.apply(potentials, &mut outputs);
        outputs
    }

    fn slopes<T: Real>(device: &Activation, potentials: &[T]) -> Vec<T> {
        let mut slopes = vec![T::of(7.0); potentials.len()];
        device.derivative(potentials, &mut slopes);
        slopes
    }

    /// Both kernels against the scalar reference. The argument is rounded once on its way into an
    /// exponential, which turns that into `|z|` units of the result. The end of the normal range is cut.
    fn check<T: Real>(potentials: &[T]) -> Result<(), TestCaseError> {
        for kind in ActivationKind::ALL {
            let device = device(kind);
            let pairs = outputs(&device, potentials).into_iter().zip(slopes(&device, potentials));
            for ((output, slope), v) in pairs.zip(potentials.iter().map(|v| v.to_f64())) {
                let units = (8.0 + 2.0 * device.argument(v).abs()) * T::EPSILON.to_f64();
                let near = |own: f64, exact: f64| (own - exact).abs() <= units * exact.abs() + 1e-36;
                prop_assert!(near(output.to_f64(), device.value(v)), "{kind:?} at {v}: {output}");
                prop_assert!(near(slope.to_f64(), device.slope(v)), "{kind:?} slope at {v}: {slope}");
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn the_kernels_agree_with_the_reference_in_single_precision(
            v in prop::collection::vec(-20.0_f32..20.0, 1..80)
        ) {
            check(&v)?;
        }

        #[test]
        fn the_kernels_agree_with_the_reference_in_double_precision(
            v in prop::collection::vec(-20.0..20.0, 1..80)
        ) {
            check(&v)?;
        }

        #[test]
        fn slopes_are_those_of_the_values(v in -3.0..3.0) {
            for kind in ActivationKind::ALL {
                let device = device(kind);
                let h = 1e-6;
                if device.kinks().iter().all(|kink| f64::abs(v - kink) > h) {
                    let central = (device.value(v + h) - device.value(v - h)) / (2.0 * h);
                    // Third derivatives stay below 10 A/u³ = 960, so h²/6 of them is 1.6e-10. Rounding, of
                    // each value: half an ulp below 4 V of `v ± h` and of `v − o`, times A/u, and below 16
                    // and 32 of the shape, times A, and of the value: 5.8e-15, twice over 2 h.
                    prop_assert!((device.slope(v) - central).abs() < 6e-9, "{kind:?} at {v}");
                }
            }
        }

        #[test]
        fn a_trim_moves_and_stretches_the_device(v in -3.0..3.0, eighths in -16_i8..16, power in -2_i32..3) {
            let trim = DeviceOffset { offset: f64::from(eighths) / 8.0, scale: 2.0_f64.powi(power) };
            for kind in ActivationKind::ALL {
                let spec = ActivationSpec { kind, amplitude: 1.0, scale: trim.scale, offset: trim.offset };
                let (mut trimmed, mut slope) = ([0.0], [0.0]);
                plain(kind).apply_offset(trim, &[v], &mut trimmed);
                plain(kind).derivative_offset(trim, &[v], &mut slope);
                prop_assert_eq!(trimmed[0], outputs(&Activation::new(&spec), &[v])[0]);
                prop_assert_eq!(slope[0], slopes(&Activation::new(&spec), &[v])[0]);
            }
        }

        #[test]
        fn no_trim_and_position_in_the_slice_change_no_bit(v in prop::collection::vec(-5.0..5.0, 1..70)) {
            for kind in ActivationKind::ALL {
                let whole = outputs(&device(kind), &v);
                let mut trimmed = vec![0.0; v.len()];
                device(kind).apply_offset(DeviceOffset::NONE, &v, &mut trimmed);
                prop_assert_eq!(&trimmed, &whole);
                let alone: Vec<f64> = v.iter().map(|&v| outputs(&device(kind), &[v])[0]).collect();
                prop_assert_eq!(alone, whole);
            }
        }
    }

    #[test]
    fn known_points_of_every_shape() {
        let at = |kind, v: f64| (outputs(&plain(kind), &[v])[0], slopes(&plain(kind), &[v])[0]);
        assert_eq!(at(ActivationKind::Relu, -1.0), (0.0, 0.0));
        assert_eq!(at(ActivationKind::Relu, 2.0), (2.0, 1.0));
        assert_eq!(at(ActivationKind::HardSigmoid, 0.5), (0.5, 1.0));
        assert_eq!(at(ActivationKind::HardSigmoid, 1.5), (1.0, 0.0));
        assert_eq!(at(ActivationKind::Tanh, 0.0), (0.0, 1.0));
        assert_eq!(at(ActivationKind::Sigmoid, 0.0), (0.5, 0.25));
        assert_eq!(at(ActivationKind::Softplus, 0.0), (std::f64::consts::LN_2, 0.5));
        assert_eq!(at(ActivationKind::Linear, -3.5), (-3.5, 1.0));
    }

    #[test]
    fn on_a_kink_the_slope_is_zero() {
        for kind in ActivationKind::ALL {
            assert_eq!(kind.is_kinked(), !device(kind).kinks().is_empty(), "{kind:?}");
            for &kink in device(kind).kinks() {
                assert_eq!(slopes(&device(kind), &[kink]), [0.0]);
                assert_eq!(device(kind).slope(kink), 0.0);
            }
        }
        assert_eq!(device(ActivationKind::Relu).kinks(), [0.125]);
        assert_eq!(device(ActivationKind::HardSigmoid).kinks(), [0.125, 0.375]);
        // 0.125 + 0.5, and 0.25 · 2 from there.
        let steps = device(ActivationKind::HardSigmoid);
        let trimmed: Vec<f64> = steps.offset_kinks(DeviceOffset { offset: 0.5, scale: 2.0 }).collect();
        assert_eq!(trimmed, [0.625, 1.125]);
    }

    #[test]
    fn not_a_number_stays_so_and_infinities_reach_the_limits() {
        for kind in ActivationKind::ALL {
            assert!(outputs(&plain(kind), &[f32::NAN])[0].is_nan(), "{kind:?}");
            assert!(outputs(&plain(kind), &[f64::NAN])[0].is_nan(), "{kind:?}");
            let extremes = [f64::NEG_INFINITY, -1e30, 1e30, f64::INFINITY];
            for (own, v) in outputs(&plain(kind), &extremes).into_iter().zip(extremes) {
                assert_eq!(own, plain(kind).value(v), "{kind:?} at {v}");
            }
            for (own, v) in slopes(&plain(kind), &extremes).into_iter().zip(extremes) {
                assert_eq!(own, plain(kind).slope(v), "{kind:?} slope at {v}");
            }
        }
    }

    #[test]
    fn only_the_plain_linear_device_is_the_identity() {
        assert!(plain(ActivationKind::Linear).is_identity());
        for kind in ActivationKind::ALL {
            assert!(!device(kind).is_identity(), "{kind:?}");
        }
        let potentials = [1e300, -0.0, f64::NAN, 5e-324];
        let copied = outputs(&plain(ActivationKind::Linear), &potentials);
        assert!(copied.iter().zip(potentials).all(|(a, b)| a.to_bits() == b.to_bits()));
    }

    #[test]
    fn saturation_is_where_the_slope_has_gone() {
        assert!(plain(ActivationKind::Relu).saturated(-0.1) && !plain(ActivationKind::Relu).saturated(0.1));
        assert!(plain(ActivationKind::HardSigmoid).saturated(1.0));
        // sech² z = 0.01 at z = 2.993, and z = 5.987 for the sigmoid.
        assert!(plain(ActivationKind::Tanh).saturated(-3.0) && !plain(ActivationKind::Tanh).saturated(-2.98));
        assert!(
            plain(ActivationKind::Sigmoid).saturated(6.0) && !plain(ActivationKind::Sigmoid).saturated(5.9)
        );
        assert!(!plain(ActivationKind::Linear).saturated(1e9));
    }
}
