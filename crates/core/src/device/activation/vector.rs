//! Vector kernels of the activation shapes: one loop for all, one small type per shape.
//!
//! The loops stream: linear, relu and hard-sigmoid run at the speed of memory, the others at that of
//! [`elementary`]. NaN gives NaN in every one of them.

use crate::device::device_offset::DeviceOffset;
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
    /// Returns whether `φ(z) = z` comes out as the potential itself.
    pub fn is_identity(&self) -> bool {
        self.gain == T::ONE && self.offset == T::ZERO
    }

    /// Adds a compartment's own offset and scale.
    #[inline(always)]
    pub fn with_offset(self, trim: DeviceOffset<T>) -> Self {
        let (rate, gain) = (self.rate / trim.scale, self.gain / trim.scale);
        Self { offset: self.offset + trim.offset, rate, gain, ..self }
    }

    /// `z = (v − o)/u`.
    #[inline(always)]
    pub(super) fn argument(&self, potential: T) -> T {
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

/// A layer of dyads, read by [`Activation::mean_and_difference`](super::Activation::mean_and_difference).
///
/// Potentials and results are column-major `[batch × n]`; device numbers have one entry per column.
#[derive(Debug)]
pub struct Dyads<'a, T> {
    /// Samples.
    pub batch: usize,
    /// Mixing `α`.
    pub mixing: &'a [T],
    /// Offsets and scales of plus and minus compartments.
    pub offsets: (&'a [DeviceOffset<T>], &'a [DeviceOffset<T>]),
    /// Potentials of plus and minus compartments (V).
    pub potentials: (&'a [T], &'a [T]),
    /// `s̄ = α s⁺ + (1 − α) s⁻` (V), written.
    pub mean: &'a mut [T],
    /// `δ = s⁺ − s⁻` (V), written.
    pub difference: &'a mut [T],
}

struct MeanAndDifference<'a, T, S> {
    map: Affine<T>,
    dyads: Dyads<'a, T>,
    shape: std::marker::PhantomData<S>,
}

impl<T: Real, S: Shape> Kernel for MeanAndDifference<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Dyads { batch, mixing, offsets, potentials, mean, difference } = self.dyads;
        let devices = |j: usize| (mixing[j], offsets.0[j], offsets.1[j]);
        let mut start = 0;
        while start < mixing.len() {
            // Columns with equal devices are one long column; on an ideal chip the whole layer is.
            let (alpha, up, down) = devices(start);
            let end = (start + 1..mixing.len()).find(|&j| devices(j) != (alpha, up, down));
            let end = end.unwrap_or(mixing.len());
            let span = start * batch..end * batch;
            let (up, down, rest) = (self.map.with_offset(up), self.map.with_offset(down), T::ONE - alpha);
            let from = potentials.0[span.clone()].iter().zip(&potentials.1[span.clone()]);
            let to = mean[span.clone()].iter_mut().zip(&mut difference[span]);
            for ((mean, difference), (&plus, &minus)) in to.zip(from) {
                let plus = S::value::<T, FUSED>(&up, plus);
                let minus = S::value::<T, FUSED>(&down, minus);
                *mean = alpha * plus + rest * minus;
                *difference = plus - minus;
            }
            start = end;
        }
    }
}

/// Means and differences of dyads.
pub(super) fn mean_and_difference<T: Real, S: Shape>(map: Affine<T>, dyads: Dyads<'_, T>) {
    run(MeanAndDifference::<T, S> { map, dyads, shape: std::marker::PhantomData });
}

/// `outputs = f(potentials)`.
pub(super) fn apply<T: Real, S: Shape>(map: Affine<T>, potentials: &[T], outputs: &mut [T]) {
    run(Values::<T, S> { map, potentials, outputs, shape: std::marker::PhantomData });
}

/// `slopes = f′(potentials)`.
pub(super) fn derivative<T: Real, S: Shape>(map: Affine<T>, potentials: &[T], slopes: &mut [T]) {
    run(Slopes(Values::<T, S> { map, potentials, outputs: slopes, shape: std::marker::PhantomData }));
}

#[cfg(test)]
mod tests {
    use super::super::Activation;
    use super::{DeviceOffset, Dyads};
    use crate::spec::{ActivationKind, ActivationSpec};

    #[test]
    fn a_mix_has_the_bits_of_its_two_outputs_whether_columns_are_alike_or_not() {
        let (batch, n) = (7, 5);
        let v: Vec<f64> = (0..batch * n).map(|i| f64::from(i as u8 % 23) * 0.3 - 3.0).collect();
        let w: Vec<f64> = v.iter().map(|v| 0.9 * v + 0.1).collect();
        for (mixing, plus, minus) in [
            ([0.3; 5], [DeviceOffset::NONE; 5], [DeviceOffset::NONE; 5]),
            (
                [0.0, 0.0, 1.0, 1.0, 0.5],
                [0.1, 0.1, 0.1, -0.2, 0.0].map(DeviceOffset::shift),
                [(0.0, 1.0), (0.1, 1.0), (0.1, 1.1), (0.1, 1.1), (0.1, 0.9)]
                    .map(|(offset, scale)| DeviceOffset { offset, scale }),
            ),
        ] {
            for kind in ActivationKind::ALL {
                let device =
                    Activation::new(&ActivationSpec { kind, amplitude: 1.5, scale: 0.5, offset: 0.125 });
                let (mut mean, mut difference) = (vec![f64::NAN; batch * n], vec![f64::NAN; batch * n]);
                device.mean_and_difference(Dyads {
                    batch,
                    mixing: &mixing,
                    offsets: (&plus, &minus),
                    potentials: (&v, &w),
                    mean: &mut mean,
                    difference: &mut difference,
                });
                for i in 0..batch * n {
                    let (column, mut s) = (i / batch, [0.0; 2]);
                    device.apply_offset(plus[column], &v[i..=i], &mut s[..1]);
                    device.apply_offset(minus[column], &w[i..=i], &mut s[1..]);
                    let alpha = mixing[column];
                    assert_eq!(mean[i], alpha * s[0] + (1.0 - alpha) * s[1], "{kind:?} {i}");
                    assert_eq!(difference[i], s[0] - s[1], "{kind:?} {i}");
                }
            }
        }
    }
}
