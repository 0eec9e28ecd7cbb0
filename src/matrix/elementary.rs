//! Exponential family in one branch-free source for f32 and f64.
//!
//! Scalar functions meant to be inlined into a [`Kernel`](super::dispatch::Kernel), where the compiler turns
//! them into vectors. Arguments are reduced to `x = n ln 2 + r`, `|r| ≤ ln 2 / 2`, and the rest is a Taylor
//! polynomial. Infinities give their limits and NaN gives NaN: every clamp is written so that NaN passes.
//! Errors are a few units in the last place, results below the normal range included.

use super::Real;
use super::dispatch::multiply_add;

/// Whole `n` and rest `r` in `x = n ln 2 + r`.
#[inline(always)]
fn reduce<T: Real, const FUSED: bool>(x: T) -> (T, T) {
    let n = multiply_add::<T, FUSED>(x, T::LOG2_E, T::ROUNDER) - T::ROUNDER;
    let rest = multiply_add::<T, FUSED>(n, -T::LN_2_HIGH, x);
    (n, multiply_add::<T, FUSED>(n, -T::LN_2_LOW, rest))
}

/// Horner's rule, highest coefficient first.
#[inline(always)]
fn polynomial<T: Real, const FUSED: bool>(coefficients: &'static [T], x: T) -> T {
    let mut sum = coefficients[0];
    for &coefficient in &coefficients[1..] {
        sum = multiply_add::<T, FUSED>(sum, x, coefficient);
    }
    sum
}

/// `eʳ − 1` for `|r| ≤ ln 2 / 2`, with a small relative error also at `r → 0`.
#[inline(always)]
fn short_expm1<T: Real, const FUSED: bool>(r: T) -> T {
    multiply_add::<T, FUSED>(r * r, polynomial::<T, FUSED>(T::EXP_SERIES, r), r)
}

/// `eˣ`.
#[inline(always)]
pub fn exp<T: Real, const FUSED: bool>(x: T) -> T {
    let x = if x < T::EXP_LOWEST { T::EXP_LOWEST } else { x };
    let x = if x > T::EXP_HIGHEST { T::EXP_HIGHEST } else { x };
    let (n, r) = reduce::<T, FUSED>(x);
    let significand = T::ONE + short_expm1::<T, FUSED>(r);
    // Two steps reach results and powers that one normal number cannot hold.
    let half = (n * T::of(0.5) + T::ROUNDER) - T::ROUNDER;
    significand * T::power_of_two(half) * T::power_of_two(n - half)
}

/// `e⁻ˣ` for `x ≥ 0`.
#[inline(always)]
fn decay<T: Real, const FUSED: bool>(x: T) -> T {
    exp::<T, FUSED>(-x)
}

/// `|x|`, NaN included.
#[inline(always)]
fn magnitude<T: Real>(x: T) -> T {
    if x < T::ZERO { -x } else { x }
}

/// `tanh x`, odd to the last bit.
#[inline(always)]
pub fn tanh<T: Real, const FUSED: bool>(x: T) -> T {
    let size = magnitude(x);
    let size = if size > T::TANH_ONE { T::TANH_ONE } else { size };
    let (n, r) = reduce::<T, FUSED>(size + size);
    let power = T::power_of_two(n);
    let expm1 = multiply_add::<T, FUSED>(power, short_expm1::<T, FUSED>(r), power - T::ONE);
    let value = expm1 / (expm1 + T::of(2.0));
    if x < T::ZERO { -value } else { value }
}

/// `d tanh x / dx = 4 e^(−2|x|) / (1 + e^(−2|x|))²`, accurate in its tails where `1 − tanh²` is not.
#[inline(always)]
pub fn tanh_slope<T: Real, const FUSED: bool>(x: T) -> T {
    let size = magnitude(x);
    T::of(4.0) * sigmoid_slope::<T, FUSED>(size + size)
}

/// `1 / (1 + e⁻ˣ)`.
#[inline(always)]
pub fn sigmoid<T: Real, const FUSED: bool>(x: T) -> T {
    let decay = decay::<T, FUSED>(magnitude(x));
    let numerator = if x < T::ZERO { decay } else { T::ONE };
    numerator / (T::ONE + decay)
}

/// Slope of the sigmoid, `e^(−|x|) / (1 + e^(−|x|))²`.
#[inline(always)]
pub fn sigmoid_slope<T: Real, const FUSED: bool>(x: T) -> T {
    let decay = decay::<T, FUSED>(magnitude(x));
    let sum = T::ONE + decay;
    decay / (sum * sum)
}

/// `ln(1 + y)` for `0 ≤ y ≤ 1`, with a small relative error also at `y → 0`.
#[inline(always)]
fn short_log1p<T: Real, const FUSED: bool>(y: T) -> T {
    // 1 + y = 2ᵏ (1 + f) with k chosen so that |f| is small; ln(1 + f) = 2 atanh(f / (2 + f)).
    let upper = y > T::of(std::f64::consts::SQRT_2 - 1.0);
    let fraction = if upper { (y - T::ONE) * T::of(0.5) } else { y };
    let whole = if upper { T::of(std::f64::consts::LN_2) } else { T::ZERO };
    let s = fraction / (T::of(2.0) + fraction);
    multiply_add::<T, FUSED>(s + s, polynomial::<T, FUSED>(T::ATANH_SERIES, s * s), whole)
}

/// `ln(1 + eˣ)`.
#[inline(always)]
pub fn softplus<T: Real, const FUSED: bool>(x: T) -> T {
    let positive = if x < T::ZERO { T::ZERO } else { x };
    positive + short_log1p::<T, FUSED>(decay::<T, FUSED>(magnitude(x)))
}
