//! Vector kernels of the activation shapes: one loop for all, one small type per shape.
//!
//! The loops stream: linear, relu and hard-sigmoid run at the speed of memory, the others at that of
//! [`elementary`]. NaN gives NaN in every one of them.

use crate::matrix::Real;
use crate::matrix::dispatch::{Kernel, run};
use crate::matrix::elementary;

/// The numbers around a shape `φ` in `f(v) = A φ((v − o)/u)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine<T> {
    /// `o` (V).
    pub offset: T,
    /// `1/u` (1/V).
    pub rate: T,
    /// `A` (V).
    pub amplitude: T,
    /// `A/u` (V/V).
    pub gain: T,
}

impl<T: Real> Affine<T> {
    /// Whether `φ(z) = z` comes out as the potential itself.
    pub fn is_identity(&self) -> bool {
        self.gain == T::ONE && self.offset == T::ZERO
    }

    /// `z = (v − o)/u`.
    #[inline(always)]
    fn argument(&self, potential: T) -> T {
        (potential - self.offset) * self.rate
    }
}

/// A shape `φ` with the numbers around it.
pub(super) trait Shape {
    /// `f(v)` (V).
    fn value<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T;
    /// `f′(v)` (V/V).
    fn slope<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T;
}

/// `z`.
pub(super) enum Linear {}

impl Shape for Linear {
    #[inline(always)]
    fn value<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T {
        (potential - map.offset) * map.gain
    }

    #[inline(always)]
    fn slope<T: Real, const FUSED: bool>(map: &Affine<T>, _: T) -> T {
        map.gain
    }
}

/// `max(z, 0)`.
pub(super) enum Relu {}

impl Shape for Relu {
    #[inline(always)]
    fn value<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T {
        let above = potential - map.offset;
        map.gain * if above <= T::ZERO { T::ZERO } else { above }
    }

    #[inline(always)]
    fn slope<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T {
        let above = potential - map.offset;
        let step = if above > T::ZERO { map.gain } else { T::ZERO };
        nan_or(above, step)
    }
}

/// `clip(z, 0, 1)`.
pub(super) enum HardSigmoid {}

impl Shape for HardSigmoid {
    #[inline(always)]
    fn value<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T {
        let z = map.argument(potential);
        let floored = if z <= T::ZERO { T::ZERO } else { z };
        map.amplitude * if floored > T::ONE { T::ONE } else { floored }
    }

    #[inline(always)]
    fn slope<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T {
        let z = map.argument(potential);
        let left = if z > T::ZERO { map.gain } else { T::ZERO };
        nan_or(z, if z < T::ONE { left } else { T::ZERO })
    }
}

/// `tanh z`.
pub(super) enum Tanh {}

impl Shape for Tanh {
    #[inline(always)]
    fn value<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T {
        map.amplitude * elementary::tanh::<T, FUSED>(map.argument(potential))
    }

    #[inline(always)]
    fn slope<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T {
        map.gain * elementary::tanh_slope::<T, FUSED>(map.argument(potential))
    }
}

/// `1/(1 + e⁻ᶻ)`.
pub(super) enum Sigmoid {}

impl Shape for Sigmoid {
    #[inline(always)]
    fn value<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T {
        map.amplitude * elementary::sigmoid::<T, FUSED>(map.argument(potential))
    }

    #[inline(always)]
    fn slope<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T {
        map.gain * elementary::sigmoid_slope::<T, FUSED>(map.argument(potential))
    }
}

/// `ln(1 + eᶻ)`.
pub(super) enum Softplus {}

impl Shape for Softplus {
    #[inline(always)]
    fn value<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T {
        map.amplitude * elementary::softplus::<T, FUSED>(map.argument(potential))
    }

    #[inline(always)]
    fn slope<T: Real, const FUSED: bool>(map: &Affine<T>, potential: T) -> T {
        map.gain * elementary::sigmoid::<T, FUSED>(map.argument(potential))
    }
}

/// `value`, unless `probe` is NaN.
#[inline(always)]
fn nan_or<T: Real>(probe: T, value: T) -> T {
    if probe.partial_cmp(&probe).is_none() { probe } else { value }
}

struct Values<'a, T, S> {
    map: Affine<T>,
    potentials: &'a [T],
    outputs: &'a mut [T],
    shape: std::marker::PhantomData<S>,
}

impl<T: Real, S: Shape> Kernel for Values<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (output, &potential) in self.outputs.iter_mut().zip(self.potentials) {
            *output = S::value::<T, FUSED>(&self.map, potential);
        }
    }
}

struct Slopes<'a, T, S>(Values<'a, T, S>);

impl<T: Real, S: Shape> Kernel for Slopes<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (slope, &potential) in self.0.outputs.iter_mut().zip(self.0.potentials) {
            *slope = S::slope::<T, FUSED>(&self.0.map, potential);
        }
    }
}

/// `outputs = f(potentials)`.
pub(super) fn apply<T: Real, S: Shape>(map: Affine<T>, potentials: &[T], outputs: &mut [T]) {
    run(Values::<T, S> { map, potentials, outputs, shape: std::marker::PhantomData });
}

/// `slopes = f′(potentials)`.
pub(super) fn derivative<T: Real, S: Shape>(map: Affine<T>, potentials: &[T], slopes: &mut [T]) {
    run(Slopes(Values::<T, S> { map, potentials, outputs: slopes, shape: std::marker::PhantomData }));
}
