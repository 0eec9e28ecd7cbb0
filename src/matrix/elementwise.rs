//! Passes over contiguous slices.

use super::Real;
use super::dispatch::{Kernel, run};
use super::elementary;

struct Exp<'a, T>(&'a [T], &'a mut [T]);

impl<T: Real> Kernel for Exp<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (out, &x) in self.1.iter_mut().zip(self.0) {
            *out = elementary::exp::<T, FUSED>(x);
        }
    }
}

/// `out = eˣ`, element by element.
///
/// # Panics
///
/// If the lengths differ.
pub fn exp<T: Real>(values: &[T], out: &mut [T]) {
    assert_eq!(values.len(), out.len(), "lengths differ");
    run(Exp(values, out));
}
