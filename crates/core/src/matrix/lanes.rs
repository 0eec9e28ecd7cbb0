//! Registers of numbers, as the product kernel uses them.
//!
//! One trait over AVX-512, AVX2 with FMA, and plain arrays, which the compiler turns into whatever else there
//! is. Methods of the first two may run only where the processor has those instructions.
#![allow(unsafe_code, reason = "processor instructions; audited here and in `kernel`, denied elsewhere")]

use super::Real;

/// A register of [`WIDTH`](Self::WIDTH) numbers.
///
/// # Safety
///
/// Every method needs the instructions of its register, and pointers valid for what it touches: `WIDTH`
/// numbers, or those that the mask names.
pub(super) trait Lanes: Copy {
    /// What it holds.
    type Number: Real;
    /// Which of its places are meant.
    type Mask: Copy;
    /// How many.
    const WIDTH: usize;
    /// Registers along the rows of a tile of six columns: as many sums as there are registers for.
    const HEIGHT: usize;

    /// The first `count` places, all if there are fewer.
    fn first(count: usize) -> Self::Mask;
    unsafe fn zero() -> Self;
    unsafe fn splat(number: Self::Number) -> Self;
    unsafe fn load(from: *const Self::Number) -> Self;
    /// Zeros where the mask is off; nothing is read there.
    unsafe fn load_some(from: *const Self::Number, mask: Self::Mask) -> Self;
    unsafe fn store(self, to: *mut Self::Number);
    unsafe fn multiply_add(self, factor: Self, term: Self) -> Self;
    unsafe fn times(self, factor: Self) -> Self;
}

/// Eight numbers without instructions of their own.
#[derive(Clone, Copy)]
pub(super) struct Plain<T>([T; 8]);

impl<T: Real> Lanes for Plain<T> {
    type Number = T;
    type Mask = usize;
    const WIDTH: usize = 8;
    const HEIGHT: usize = 1;

    #[inline(always)]
    fn first(count: usize) -> usize {
        count.min(8)
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([T::ZERO; 8])
    }

    #[inline(always)]
    unsafe fn splat(number: T) -> Self {
        Self([number; 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller vouches for eight numbers.
        Self(std::array::from_fn(|i| unsafe { *from.add(i) }))
    }

    #[inline(always)]
    unsafe fn load_some(from: *const T, mask: usize) -> Self {
        // SAFETY: the caller vouches for `mask` numbers.
        Self(std::array::from_fn(|i| if i < mask { unsafe { *from.add(i) } } else { T::ZERO }))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller vouches for eight numbers.
        unsafe { to.cast::<[T; 8]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, term: Self) -> Self {
        // Without the instruction a fused step is a slow library call; every 64-bit ARM has it.
        let one = |i: usize| {
            if cfg!(target_arch = "aarch64") {
                self.0[i].fused(factor.0[i], term.0[i])
            } else {
                self.0[i] * factor.0[i] + term.0[i]
            }
        };
        Self(std::array::from_fn(one))
    }

    #[inline(always)]
    unsafe fn times(self, factor: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * factor.0[i]))
    }
}

/// A register of x86, by the names of its instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! register {
    ($register:ident, $number:ty, $width:literal, $height:literal, $mask:ty, $first:expr, $zero:ident,
     $splat:ident, $load:ident, $load_some:expr, $store:ident, $fused:ident, $times:ident) => {
        impl Lanes for std::arch::x86_64::$register {
            type Number = $number;
            type Mask = $mask;
            const WIDTH: usize = $width;
            const HEIGHT: usize = $height;

            #[inline(always)]
            fn first(count: usize) -> $mask {
                $first(count)
            }

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the instructions are the caller's promise, here and below.
                unsafe { std::arch::x86_64::$zero() }
            }

            #[inline(always)]
            unsafe fn splat(number: $number) -> Self {
                // SAFETY: as above.
                unsafe { std::arch::x86_64::$splat(number) }
            }

            #[inline(always)]
            unsafe fn load(from: *const $number) -> Self {
                // SAFETY: as above, and the caller's pointer.
                unsafe { std::arch::x86_64::$load(from) }
            }

            #[inline(always)]
            unsafe fn load_some(from: *const $number, mask: $mask) -> Self {
                // SAFETY: as above; places that are masked are not touched.
                unsafe { $load_some(from, mask) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $number) {
                // SAFETY: as above.
                unsafe { std::arch::x86_64::$store(to, self) }
            }

            #[inline(always)]
            unsafe fn multiply_add(self, factor: Self, term: Self) -> Self {
                // SAFETY: as above.
                unsafe { std::arch::x86_64::$fused(self, factor, term) }
            }

            #[inline(always)]
            unsafe fn times(self, factor: Self) -> Self {
                // SAFETY: as above.
                unsafe { std::arch::x86_64::$times(self, factor) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_loadu_si256, _mm256_maskload_pd, _mm256_maskload_ps, _mm512_maskz_loadu_pd,
        _mm512_maskz_loadu_ps,
    };

    use super::Lanes;

    /// All ones eight times, then none: from the right place on, a mask of any number of places.
    static ONES: ([i32; 8], [i32; 8]) = ([-1; 8], [0; 8]);

    /// A mask of the first `count` of 32-bit places.
    #[inline(always)]
    fn places(count: usize) -> __m256i {
        // SAFETY: 32 of the 64 bytes, as `count ≤ 8`; read without alignment; only AVX2 kernels come here.
        unsafe { _mm256_loadu_si256((&raw const ONES).cast::<i32>().add(8 - count).cast()) }
    }

    register!(
        __m512,
        f32,
        16,
        4,
        u16,
        |count: usize| if count < 16 { (1 << count) - 1 } else { u16::MAX },
        _mm512_setzero_ps,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        |from, mask| _mm512_maskz_loadu_ps(mask, from),
        _mm512_storeu_ps,
        _mm512_fmadd_ps,
        _mm512_mul_ps
    );
    register!(
        __m512d,
        f64,
        8,
        4,
        u8,
        |count: usize| if count < 8 { (1 << count) - 1 } else { u8::MAX },
        _mm512_setzero_pd,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        |from, mask| _mm512_maskz_loadu_pd(mask, from),
        _mm512_storeu_pd,
        _mm512_fmadd_pd,
        _mm512_mul_pd
    );
    register!(
        __m256,
        f32,
        8,
        2,
        usize,
        |count: usize| count.min(8),
        _mm256_setzero_ps,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        |from, count| _mm256_maskload_ps(from, places(count)),
        _mm256_storeu_ps,
        _mm256_fmadd_ps,
        _mm256_mul_ps
    );
    register!(
        __m256d,
        f64,
        4,
        2,
        usize,
        |count: usize| count.min(4),
        _mm256_setzero_pd,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        |from, count| _mm256_maskload_pd(from, places(2 * count)),
        _mm256_storeu_pd,
        _mm256_fmadd_pd,
        _mm256_mul_pd
    );
}
