//! The slew limit of an operational amplifier: `|dv/dt| ≤ SR`, with a kink.
//!
//! In the form of [`crate::circuit`] the drive is not further than `SR τ` from the potential:
//! `U = v + clip(u − v, ±SR τ)`.

use crate::matrix::Real;
use crate::matrix::dispatch::{Kernel, run};

/// See [`limit`].
struct Limit<'a, T> {
    reach: T,
    potentials: &'a [T],
    drives: &'a mut [T],
}

impl<T: Real> Kernel for Limit<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (drive, &v) in self.drives.iter_mut().zip(self.potentials) {
            let (low, high) = (v - self.reach, v + self.reach);
            let raised = if *drive < low { low } else { *drive };
            *drive = if raised > high { high } else { raised };
        }
    }
}

/// Brings every drive to within `reach = SR τ` of its potential; all in V.
pub fn limit<T: Real>(reach: T, potentials: &[T], drives: &mut [T]) {
    run(Limit { reach, potentials, drives });
}

/// On which side of a slew limit of `rate` (V/s) a compartment is, −1, 0 or 1: the number jumps where the
/// limit sets in.
///
/// `pull` (V) is how far its limited drive is from its potential, `leak` (1/s) its `1/τ`.
pub fn side<T: Real>(rate: T, leak: T, pull: T) -> T {
    // Rounding of a sum of potentials of some volts.
    let reach = rate / leak * (T::ONE - T::of(64.0) * T::EPSILON);
    if pull >= reach {
        T::ONE
    } else if pull <= -reach {
        -T::ONE
    } else {
        T::ZERO
    }
}
