//! One source, compiled for each class of processor, chosen at run time.
//!
//! A [`Kernel`] is a loop over slices. [`run`] compiles it for AVX-512, for AVX2 with FMA, and for the
//! baseline, and calls the best that the processor has. `multiversion` is named only here; its traps: the
//! kernel must be `#[inline(always)]` throughout or it is compiled for the baseline only, and `mul_add`
//! without the instruction is a slow library call, hence the `FUSED` parameter.
//!
//! Results differ in the last bit between processors with and without FMA, never between AVX2 and AVX-512.

use multiversion::{multiversion, target::match_target};

use super::Real;

/// A loop over slices that profits from wide registers.
pub trait Kernel {
    /// What it gives back.
    type Output;

    /// The loop; multiply-adds are rounded once when `FUSED`. Mark it `#[inline(always)]`.
    fn run<const FUSED: bool>(self) -> Self::Output;
}

/// Runs `kernel` with the widest instructions that this processor has.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma+bmi1+bmi2",
    "x86_64+avx2+fma+bmi1+bmi2"
))]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    match_target! {
        "x86_64+fma" => kernel.run::<true>(),
        "aarch64+neon" => kernel.run::<true>(),
        _ => kernel.run::<false>(),
    }
}

/// `factor · other + term`, rounded once when `FUSED`.
#[inline(always)]
pub fn multiply_add<T: Real, const FUSED: bool>(factor: T, other: T, term: T) -> T {
    if FUSED { factor.fused(other, term) } else { factor * other + term }
}
