//! The transconductor of an OTA-C integrator, whose current saturates: `C dv/dt = I_b tanh(g (u − v)/I_b)`.
//!
//! In the form of [`crate::circuit`], `dv/dt = (U − v)/τ`, the drive that it makes of `u` is
//! `U = v + V_s tanh((u − v)/V_s)` with the range `V_s = I_b/g`, which is `2 U_T/κ` for a differential pair
//! in weak inversion (Mead, *Analog VLSI and Neural Systems*, 1989, ch. 5): linear to 1 % within `±V_s/6`,
//! slewing at `V_s/τ = I_b/C`. Where `u = v`, it is linear: equilibria and their eigenvalues are those of the
//! ideal circuit.

use crate::matrix::Real;
use crate::matrix::dispatch::{Kernel, run};
use crate::matrix::elementary;

/// See [`saturate`].
struct Saturate<'a, T> {
    range: T,
    potentials: &'a [T],
    drives: &'a mut [T],
}

impl<T: Real> Kernel for Saturate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let scale = T::ONE / self.range;
        for (drive, &v) in self.drives.iter_mut().zip(self.potentials) {
            *drive = v + self.range * elementary::tanh::<T, FUSED>((*drive - v) * scale);
        }
    }
}

/// Replaces every drive `u` by `v + range tanh((u − v)/range)`; all in V.
pub fn saturate<T: Real>(range: T, potentials: &[T], drives: &mut [T]) {
    run(Saturate { range, potentials, drives });
}
