//! Activation devices `f(v) = A φ((v − o)/u)` (MODEL.md §1): what a compartment's output does with its potential.
//!
//! [`Activation::apply`] and [`Activation::derivative`] work on whole slices with vector instructions, to a
//! few units in the last place; [`Activation::value`] and [`Activation::slope`] are the scalar reference
//! through the C library. Where the slope jumps, the slope is the smaller one-sided one: 0.

mod vector;

use self::vector::Affine;
use crate::matrix::Real;
use crate::spec::circuit::{ActivationKind, ActivationSpec};

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
        self.apply_shifted(T::ZERO, potentials, outputs);
    }

    /// Outputs `f(v − shift)` (V): the same device with `shift` (V) added to its offset.
    ///
    /// A shift of 0 gives the bits of [`apply`](Self::apply).
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn apply_shifted<T: Real>(&self, shift: T, potentials: &[T], outputs: &mut [T]) {
        assert_eq!(potentials.len(), outputs.len(), "as many outputs as potentials");
        let map = self.affine(shift);
        match self.kind {
            ActivationKind::Linear if map.is_identity() => outputs.copy_from_slice(potentials),
            ActivationKind::Linear => vector::apply::<T, vector::Linear>(map, potentials, outputs),
            ActivationKind::Relu => vector::apply::<T, vector::Relu>(map, potentials, outputs),
            ActivationKind::HardSigmoid => vector::apply::<T, vector::HardSigmoid>(map, potentials, outputs),
            ActivationKind::Tanh => vector::apply::<T, vector::Tanh>(map, potentials, outputs),
            ActivationKind::Sigmoid => vector::apply::<T, vector::Sigmoid>(map, potentials, outputs),
            ActivationKind::Softplus => vector::apply::<T, vector::Softplus>(map, potentials, outputs),
        }
    }

    /// Slopes `f′(v)` (V/V) at `potentials` (V); 0 on the kinks of relu and hard-sigmoid.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn derivative<T: Real>(&self, potentials: &[T], slopes: &mut [T]) {
        self.derivative_shifted(T::ZERO, potentials, slopes);
    }

    /// Slopes `f′(v − shift)` (V/V) of the device that [`apply_shifted`](Self::apply_shifted) is.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn derivative_shifted<T: Real>(&self, shift: T, potentials: &[T], slopes: &mut [T]) {
        assert_eq!(potentials.len(), slopes.len(), "as many slopes as potentials");
        let map = self.affine(shift);
        match self.kind {
            ActivationKind::Linear => slopes.fill(map.steepest()),
            ActivationKind::Relu => vector::derivative::<T, vector::Relu>(map, potentials, slopes),
            ActivationKind::HardSigmoid => {
                vector::derivative::<T, vector::HardSigmoid>(map, potentials, slopes);
            }
            ActivationKind::Tanh => vector::derivative::<T, vector::Tanh>(map, potentials, slopes),
            ActivationKind::Sigmoid => vector::derivative::<T, vector::Sigmoid>(map, potentials, slopes),
            ActivationKind::Softplus => vector::derivative::<T, vector::Softplus>(map, potentials, slopes),
        }
    }

    /// Output `f(v)` (V) of one potential `v` (V), to the accuracy of the C library.
    #[must_use]
    pub fn value(&self, potential: f64) -> f64 {
        let z = self.argument(potential);
        let shape = match self.kind {
            ActivationKind::Linear => z,
            ActivationKind::Relu if z <= 0.0 => 0.0,
            ActivationKind::Relu => z,
            ActivationKind::HardSigmoid => z.clamp(0.0, 1.0),
            ActivationKind::Tanh => z.tanh(),
            ActivationKind::Sigmoid => logistic(z),
            ActivationKind::Softplus => positive_part(z) + (-z.abs()).exp().ln_1p(),
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
        };
        self.amplitude / self.scale * shape
    }

    /// Potentials (V) at which the slope jumps, in rising order.
    #[must_use]
    pub fn kinks(&self) -> &[f64] {
        match self.kind {
            ActivationKind::Relu => &self.corners[..1],
            ActivationKind::HardSigmoid => &self.corners,
            ActivationKind::Tanh
            | ActivationKind::Sigmoid
            | ActivationKind::Softplus
            | ActivationKind::Linear => &[],
        }
    }

    /// Whether the slope at `potential` (V) is below 1 % of the steepest: such a device passes no error on.
    #[must_use]
    pub fn saturated(&self, potential: f64) -> bool {
        let steepest = match self.kind {
            ActivationKind::Sigmoid => 0.25,
            _ => 1.0,
        };
        self.slope(potential).abs() < SATURATION * steepest * (self.amplitude / self.scale).abs()
    }

    /// Whether the output is the potential itself, so that there is nothing to compute.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.kind == ActivationKind::Linear && self.affine(0.0_f64).is_identity()
    }

    /// `z = (v − o)/u`.
    fn argument(&self, potential: f64) -> f64 {
        (potential - self.offset) / self.scale
    }

    /// The numbers around the shape, as the kernels take them.
    fn affine<T: Real>(&self, shift: T) -> Affine<T> {
        Affine {
            offset: T::of(self.offset) + shift,
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
