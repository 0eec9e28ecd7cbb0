//! What of an activation device differs from compartment to compartment, around a shape that all share.

use crate::matrix::Real;

/// A compartment's own offset and scale: `f(v) = A φ((v − o − offset)/(u · scale))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeviceOffset<T> {
    /// Added to the shape's offset (V).
    pub offset: T,
    /// Factor of the shape's scale, above 0.
    pub scale: T,
}

impl<T: Real> DeviceOffset<T> {
    /// The shape itself, to the last bit.
    pub const NONE: Self = Self { offset: T::ZERO, scale: T::ONE };

    /// A device that is only shifted, by `offset` (V).
    #[must_use]
    pub fn shift(offset: T) -> Self {
        Self { offset, ..Self::NONE }
    }
}
