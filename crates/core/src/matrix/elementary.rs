//! Exponential family, logarithm and sine in one branch-free source for f32 and f64.
//!
//! Scalar functions meant to be inlined into a [`Kernel`](super::dispatch::Kernel), where the compiler turns
//! them into vectors. Arguments are reduced to `x = n ln 2 + r`, `|r| ≤ ln 2 / 2`, and the rest is a Taylor
//! polynomial. Infinities give their limits and NaN gives NaN: every clamp is written so that NaN passes.
//! `exp` fades out through subnormal numbers; the others are cut to 0 near the end of the
//! normal range.
//! Errors (units of epsilon, largest found): `exp` 1.0, `tanh` 2.0,
//! `sigmoid` 1.5, `softplus` 3.0, slopes 4.0. `ln` and `sin_cos_turns` take no infinities.

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

/// `e^(−|x|)`, cut to 0 below the normal range: one step of scaling less, and no slow subnormal numbers.
#[inline(always)]
fn decay<T: Real, const FUSED: bool>(x: T) -> T {
    let size = x.magnitude();
    let bounded = if size > T::DECAY_LONGEST { T::DECAY_LONGEST } else { size };
    let (n, r) = reduce::<T, FUSED>(-bounded);
    let value = (T::ONE + short_expm1::<T, FUSED>(r)) * T::power_of_two(n);
    if size > T::DECAY_LONGEST { T::ZERO } else { value }
}

/// `tanh x`, odd to the last bit.
#[inline(always)]
pub fn tanh<T: Real, const FUSED: bool>(x: T) -> T {
    let size = x.magnitude();
    let size = if size > T::TANH_ONE { T::TANH_ONE } else { size };
    let (n, r) = reduce::<T, FUSED>(size + size);
    let power = T::power_of_two(n);
    let expm1 = multiply_add::<T, FUSED>(power, short_expm1::<T, FUSED>(r), power - T::ONE);
    let value = expm1 / (expm1 + T::of(2.0));
    value.copysign(x)
}

/// `d tanh x / dx = 4 e^(−2|x|) / (1 + e^(−2|x|))²`, accurate in its tails where `1 − tanh²` is not.
#[inline(always)]
pub fn tanh_slope<T: Real, const FUSED: bool>(x: T) -> T {
    T::of(4.0) * sigmoid_slope::<T, FUSED>(x + x)
}

/// `1 / (1 + e⁻ˣ)`.
#[inline(always)]
pub fn sigmoid<T: Real, const FUSED: bool>(x: T) -> T {
    let decay = decay::<T, FUSED>(x);
    let numerator = if x < T::ZERO { decay } else { T::ONE };
    numerator / (T::ONE + decay)
}

/// Slope of the sigmoid, `e^(−|x|) / (1 + e^(−|x|))²`.
#[inline(always)]
pub fn sigmoid_slope<T: Real, const FUSED: bool>(x: T) -> T {
    let decay = decay::<T, FUSED>(x);
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
    positive + short_log1p::<T, FUSED>(decay::<T, FUSED>(x))
}

/// `ln x` of a positive normal number; anything else gives nonsense.
#[inline(always)]
pub fn ln<T: Real, const FUSED: bool>(x: T) -> T {
    // x = 2ᵏ (1 + f), ln(1 + f) = 2 atanh(f / (2 + f)).
    let (whole, significand) = x.split();
    let fraction = significand - T::ONE;
    let s = fraction / (T::of(2.0) + fraction);
    let low = whole * T::LN_2_LOW;
    let rest = multiply_add::<T, FUSED>(s + s, polynomial::<T, FUSED>(T::ATANH_SERIES, s * s), low);
    multiply_add::<T, FUSED>(whole, T::LN_2_HIGH, rest)
}

/// `sin 2πr` for `|r| ≤ ¼`, with a small relative error also at `r → 0`.
#[inline(always)]
fn short_sine<T: Real, const FUSED: bool>(r: T) -> T {
    let y = T::of(std::f64::consts::TAU) * r;
    let square = y * y;
    multiply_add::<T, FUSED>(y * square, polynomial::<T, FUSED>(T::SINE_SERIES, square), y)
}

/// `(sin 2πx, cos 2πx)`, for `|x|` far below the reciprocal of epsilon.
#[inline(always)]
pub fn sin_cos_turns<T: Real, const FUSED: bool>(x: T) -> (T, T) {
    let (half, two) = (T::of(0.5), T::of(2.0));
    // x = h/2 + r: whole half turns change signs alone, and all steps are exact.
    let halves = (x + x + T::ROUNDER) - T::ROUNDER;
    let r = x - halves * half;
    let odd = (halves - two * ((halves * half + T::ROUNDER) - T::ROUNDER)).magnitude();
    let sign = T::ONE - two * odd;
    let cosine = short_sine::<T, FUSED>(T::of(0.25) - r.magnitude());
    (sign * short_sine::<T, FUSED>(r), sign * cosine)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    /// Both ways to multiply and add, chosen at run time.
    macro_rules! either {
        ($name:ident) => {
            |fused, x| if fused { $name::<_, true>(x) } else { $name::<_, false>(x) }
        };
    }

    /// A function here, its exact counterpart, and the relative error allowed (units of epsilon).
    struct Claim<T: Real> {
        name: &'static str,
        own: fn(bool, T) -> T,
        exact: fn(f64) -> f64,
        allowed: f64,
    }

    fn claims<T: Real>() -> Vec<Claim<T>> {
        let logistic = |x: f64| if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) };
        vec![
            Claim { name: "exp", own: either!(exp), exact: f64::exp, allowed: 1.5 },
            Claim { name: "tanh", own: either!(tanh), exact: f64::tanh, allowed: 3.0 },
            Claim { name: "sigmoid", own: either!(sigmoid), exact: logistic, allowed: 2.0 },
            Claim {
                name: "softplus",
                own: either!(softplus),
                exact: |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
                allowed: 4.0,
            },
            Claim {
                name: "tanh slope",
                own: either!(tanh_slope),
                exact: |x| (1.0 / x.cosh()).powi(2),
                allowed: 5.0,
            },
            Claim {
                name: "sigmoid slope",
                own: either!(sigmoid_slope),
                exact: |x| 0.25 / (0.5 * x).cosh().powi(2),
                allowed: 5.0,
            },
        ]
    }

    /// The relative error of every claim at `x`, where the result is at least `smallest`.
    fn check<T: Real>(x: T, smallest: f64) -> Result<(), TestCaseError> {
        for fused in [false, true] {
            for claim in claims::<T>() {
                let exact = (claim.exact)(x.to_f64());
                if exact.abs() >= smallest && T::of(exact).to_f64().is_finite() {
                    let error = ((claim.own)(fused, x).to_f64() / exact - 1.0).abs() / T::EPSILON.to_f64();
                    prop_assert!(error <= claim.allowed, "{} {fused} at {x}: {error} eps", claim.name);
                }
            }
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn single_precision_is_good_to_a_few_units(
            x in -10.0_f32..10.0,
            wide in -110.0_f32..95.0,
            size in -38_i32..3,
        ) {
            for x in [x, wide, x * 10.0_f32.powi(size)] {
                check(x, 1e-37)?;
            }
        }

        #[test]
        fn double_precision_is_good_to_a_few_units(
            x in -10.0..10.0,
            wide in -750.0..715.0,
            size in -300_i32..3,
        ) {
            for x in [x, wide, x * 10.0_f64.powi(size)] {
                check(x, 1e-307)?;
            }
        }

        #[test]
        fn logarithms_are_good_to_a_few_units(
            x in 1e-3_f64..2.0,
            size in -300_i32..300,
            small in -36_i32..36,
        ) {
            for x in [x, 1.0 - x * 2.0_f64.powi(-30), x * 10.0_f64.powi(size)] {
                let error = [true, false].map(|fused| (either!(ln)(fused, x) / x.ln() - 1.0).abs());
                let error = error[0].max(error[1]);
                prop_assert!(error <= 4.0 * f64::EPSILON, "{x}: {error:e}");
            }
            let single = [x as f32, (x * 10.0_f64.powi(small)) as f32];
            for x in single.into_iter().filter(|x| x.is_normal() && *x != 1.0) {
                for fused in [false, true] {
                    let error = (f64::from(either!(ln)(fused, x)) / f64::from(x).ln() - 1.0).abs();
                    prop_assert!(error <= 4.0 * f64::from(f32::EPSILON), "{x}: {error:e}");
                }
            }
        }

        #[test]
        fn sines_and_cosines_are_good_to_a_few_units(x in -0.5..0.5, size in -10_i32..1) {
            for x in [x, 0.25 + x * 10.0_f64.powi(size), x * 10.0_f64.powi(size), 8.0 * x] {
                for fused in [false, true] {
                    prop_assert!(turn_errors(fused, x) <= 4.0, "{x}");
                    prop_assert!(turn_errors(fused, x as f32) <= 4.0, "{x} f32");
                }
            }
        }

        #[test]
        fn tanh_is_odd_to_the_last_bit(x: f64) {
            prop_assert_eq!(tanh::<_, true>(-x).to_bits(), (-tanh::<_, true>(x)).to_bits());
        }

        #[test]
        fn all_but_the_slopes_rise_up_to_rounding(x in -30.0..30.0, step in 1e-18..1e-3) {
            for claim in claims::<f64>().into_iter().filter(|claim| !claim.name.ends_with("slope")) {
                let (low, high) = ((claim.own)(true, x), (claim.own)(true, x + step));
                let rounding = 2.0 * claim.allowed * f64::EPSILON * high.abs();
                prop_assert!(high >= low - rounding, "{} at {x} by {step}", claim.name);
            }
        }
    }

    /// The larger error of sine and cosine (epsilon), relative to their exact values.
    fn turn_errors<T: Real>(fused: bool, x: T) -> f64 {
        let (sine, cosine) = either!(sin_cos_turns)(fused, x);
        // The reference takes the nearest quarter turn away before it multiplies by π, so that it is exact
        // there.
        let quarters = (4.0 * x.to_f64()).round();
        let (s, c) = (std::f64::consts::TAU * (x.to_f64() - 0.25 * quarters)).sin_cos();
        let exact = match quarters.rem_euclid(4.0) {
            0.0 => (s, c),
            1.0 => (c, -s),
            2.0 => (-s, -c),
            _ => (-c, s),
        };
        let error = |own: T, exact: f64| (own.to_f64() - exact).abs() / exact.abs().max(1e-300);
        error(sine, exact.0).max(error(cosine, exact.1)) / T::EPSILON.to_f64()
    }

    /// Values at −∞, −10³⁰, 10³⁰, ∞ in this order, and at NaN.
    fn check_ends<T: Real>() {
        let infinity = T::of(f64::INFINITY);
        let (zero, one, large) = (T::ZERO, T::ONE, T::of(1e30));
        let expected = [
            [zero, zero, infinity, infinity],
            [-one, -one, one, one],
            [zero, zero, one, one],
            [zero, zero, large, infinity],
            [zero, zero, zero, zero],
            [zero, zero, zero, zero],
        ];
        for (claim, expected) in claims::<T>().into_iter().zip(expected) {
            for fused in [false, true] {
                let own = [-infinity, -large, large, infinity].map(|x| (claim.own)(fused, x));
                assert_eq!(own, expected, "{}", claim.name);
                assert!((claim.own)(fused, T::of(f64::NAN)).to_f64().is_nan(), "{}", claim.name);
            }
        }
    }

    #[test]
    fn the_ends_of_the_line_and_nan_are_as_in_ieee_arithmetic() {
        check_ends::<f32>();
        check_ends::<f64>();
    }

    #[test]
    fn known_values_come_out() {
        assert_eq!(exp::<_, true>(0.0_f64), 1.0);
        assert_eq!(exp::<_, true>(1.0_f32), std::f32::consts::E);
        assert_eq!(tanh::<_, true>(0.0_f64), 0.0);
        assert_eq!(tanh::<_, true>(1e-30_f32), 1e-30);
        assert_eq!(sigmoid::<_, true>(0.0_f32), 0.5);
        assert_eq!(tanh_slope::<_, true>(0.0_f64), 1.0);
        assert_eq!(softplus::<_, true>(0.0_f64), std::f64::consts::LN_2);
        // ln(1 + e⁻⁴⁰) = e⁻⁴⁰ (1 − e⁻⁴⁰/2 …), where ln(1 + …) computed plainly is 0.
        let small = softplus::<_, true>(-40.0_f64) / 4.248_354_255_291_589e-18;
        assert!((small - 1.0).abs() < 1e-15, "{small}");
    }

    #[test]
    fn results_below_the_normal_range_fade_out_gradually() {
        assert_eq!(exp::<_, true>(-103.5_f32), f32::from_bits(1)); // e^−103.5 is 0.8 of the smallest number
        assert_eq!(exp::<_, true>(-745.0_f64), f64::from_bits(1));
        assert_eq!(exp::<_, true>(-104.5_f32), 0.0);
        assert!(exp::<_, true>(88.72_f32).is_finite() && exp::<_, true>(88.73_f32).is_infinite());
        assert!(exp::<_, true>(709.78_f64).is_finite() && exp::<_, true>(709.79_f64).is_infinite());
    }
}
