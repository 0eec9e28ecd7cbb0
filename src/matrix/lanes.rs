//! Registers of numbers, as the product kernel uses them.
//!
//! One trait over AVX-512, AVX2 with FMA, and plain arrays, which the compiler turns into whatever else there is.
//! Methods of the first two may run only where the processor has those instructions.
#![allow(unsafe_code, reason = "processor instructions; audited here and in `kernel`, denied elsewhere")]

use super::Real;

/// A register of [`WIDTH`](Self::WIDTH) numbers.
///
/// # Safety
///
/// Every method needs the instructions of its register, and pointers valid for what it touches: `WIDTH` numbers, or
/// those that the mask names.
pub(super) trait Lanes: Copy {
    /// What it holds.
    type Number: Copy;
    /// Which of its places are meant.
    type Mask: Copy;
    /// How many.
    const WIDTH: usize;

    /// The first `count` places, all if there are fewer.
    fn first(count: usize) -> Self::Mask;
    unsafe fn zero() -> Self;
    unsafe fn splat(number: Self::Number) -> Self;
    unsafe fn load(from: *const Self::Number) -> Self;
    /// Zeros where the mask is off; nothing is read there.
    unsafe fn load_some(from: *const Self::Number, mask: Self::Mask) -> Self;
    /// Nothing is written where the mask is off.
    unsafe fn store_some(self, to: *mut Self::Number, mask: Self::Mask);
    unsafe fn multiply_add(self, factor: Self, term: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
}

/// Eight numbers without instructions of their own.
#[derive(Clone, Copy)]
pub(super) struct Plain<T>([T; 8]);

impl<T: Real> Lanes for Plain<T> {
    type Number = T;
    type Mask = usize;
    const WIDTH: usize = 8;

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
    unsafe fn store_some(self, to: *mut T, mask: usize) {
        for (i, number) in self.0.into_iter().enumerate().take(mask) {
            // SAFETY: the caller vouches for `mask` numbers.
            unsafe { *to.add(i) = number };
        }
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
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }
}

/// A register of x86, by the names of its instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! register {
    ($register:ident, $number:ty, $width:literal, $mask:ty, $first:expr, $zero:ident, $splat:ident, $load:ident,
     $load_some:expr, $store_some:expr, $fused:ident, $add:ident) => {
        impl Lanes for std::arch::x86_64::$register {
            type Number = $number;
            type Mask = $mask;
            const WIDTH: usize = $width;

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
            unsafe fn store_some(self, to: *mut $number, mask: $mask) {
                // SAFETY: as above.
                unsafe { $store_some(to, mask, self) }
            }

            #[inline(always)]
            unsafe fn multiply_add(self, factor: Self, term: Self) -> Self {
                // SAFETY: as above.
                unsafe { std::arch::x86_64::$fused(self, factor, term) }
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: as above.
                unsafe { std::arch::x86_64::$add(self, other) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_loadu_si256, _mm256_maskload_pd, _mm256_maskload_ps, _mm256_maskstore_pd,
        _mm256_maskstore_ps, _mm512_mask_storeu_pd, _mm512_mask_storeu_ps, _mm512_maskz_loadu_pd,
        _mm512_maskz_loadu_ps,
    };

    use super::Lanes;

    /// The places of an AVX2 register that are meant: all ones or all zeros in each.
    #[derive(Clone, Copy)]
    pub struct Places<T, const N: usize>([T; N]);

    impl<T, const N: usize> Places<T, N> {
        #[inline(always)]
        fn register(&self) -> __m256i {
            // SAFETY: 32 bytes, read without alignment; only AVX2 kernels come here.
            unsafe { _mm256_loadu_si256(self.0.as_ptr().cast()) }
        }
    }

    register!(
        __m512,
        f32,
        16,
        u16,
        |count: usize| if count < 16 { (1 << count) - 1 } else { u16::MAX },
        _mm512_setzero_ps,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        |from, mask| _mm512_maskz_loadu_ps(mask, from),
        |to, mask, register| _mm512_mask_storeu_ps(to, mask, register),
        _mm512_fmadd_ps,
        _mm512_add_ps
    );
    register!(
        __m512d,
        f64,
        8,
        u8,
        |count: usize| if count < 8 { (1 << count) - 1 } else { u8::MAX },
        _mm512_setzero_pd,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        |from, mask| _mm512_maskz_loadu_pd(mask, from),
        |to, mask, register| _mm512_mask_storeu_pd(to, mask, register),
        _mm512_fmadd_pd,
        _mm512_add_pd
    );
    register!(
        __m256, f32, 8, Places<i32, 8>, |count| Places(std::array::from_fn(|i| -i32::from(i < count))),
        _mm256_setzero_ps, _mm256_set1_ps, _mm256_loadu_ps,
        |from, mask: Places<i32, 8>| _mm256_maskload_ps(from, mask.register()),
        |to, mask: Places<i32, 8>, register| _mm256_maskstore_ps(to, mask.register(), register),
        _mm256_fmadd_ps, _mm256_add_ps
    );
    register!(
        __m256d, f64, 4, Places<i64, 4>, |count| Places(std::array::from_fn(|i| -i64::from(i < count))),
        _mm256_setzero_pd, _mm256_set1_pd, _mm256_loadu_pd,
        |from, mask: Places<i64, 4>| _mm256_maskload_pd(from, mask.register()),
        |to, mask: Places<i64, 4>, register| _mm256_maskstore_pd(to, mask.register(), register),
        _mm256_fmadd_pd, _mm256_add_pd
    );
}
