//! The two scalars of the numeric core, and the constants that their elementary functions need.

use nalgebra::RealField;

use super::kernel::Multiply;

/// f32 or f64; no other type can be one.
///
/// The hidden items are what [`elementary`](super::elementary) needs to be written once for both.
pub trait Real: RealField + Copy + Default + Multiply {
    /// The nearest value to `value`.
    fn of(value: f64) -> Self;

    /// The value in double precision, exactly.
    fn to_f64(self) -> f64;

    /// Distance from 1 to the next larger value.
    const EPSILON: Self;
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;

    /// `|self|`, NaN included; compiled to one instruction.
    #[doc(hidden)]
    fn magnitude(self) -> Self;
    /// The larger of two magnitudes, NaN if one is; compiled to one instruction.
    #[doc(hidden)]
    fn larger(self, other: Self) -> Self;
    /// `self · factor + term`, rounded once. Slow where the processor has no such instruction.
    #[doc(hidden)]
    fn fused(self, factor: Self, term: Self) -> Self;
    /// `√self`, compiled to one instruction.
    #[doc(hidden)]
    fn root(self) -> Self;
    /// `2ⁿ` for a whole `exponent` within the range of normal numbers.
    #[doc(hidden)]
    fn power_of_two(exponent: Self) -> Self;
    /// Adding and subtracting it rounds to a whole number: `1.5 · 2^(mantissa bits)`.
    #[doc(hidden)]
    const ROUNDER: Self;
    /// `log₂ e`.
    #[doc(hidden)]
    const LOG2_E: Self;
    /// Leading bits of `ln 2`, so few that its product with an exponent is exact (fdlibm, Cephes).
    #[doc(hidden)]
    const LN_2_HIGH: Self;
    /// `ln 2 − LN_2_HIGH`.
    #[doc(hidden)]
    const LN_2_LOW: Self;
    /// Below it `eˣ` rounds to 0.
    #[doc(hidden)]
    const EXP_LOWEST: Self;
    /// Above it `eˣ` is infinite.
    #[doc(hidden)]
    const EXP_HIGHEST: Self;
    /// Up to it `e⁻ˣ` is a normal number.
    #[doc(hidden)]
    const DECAY_LONGEST: Self;
    /// Above it `tanh x` rounds to 1.
    #[doc(hidden)]
    const TANH_ONE: Self;
    /// Taylor coefficients `1/k!` of `(eʳ − 1 − r)/r²`, highest first; enough for `|r| ≤ ln 2 / 2`.
    #[doc(hidden)]
    const EXP_SERIES: &'static [Self];
    /// Taylor coefficients `1/(2k + 1)` of `atanh(s)/s` in `s²`, highest first; enough for `s² ≤ 0.0295`.
    #[doc(hidden)]
    const ATANH_SERIES: &'static [Self];
    /// Taylor coefficients `(−1)ᵏ/(2k + 1)!` of `(sin y − y)/y³` in `y²`, highest first; enough for
    /// `|y| ≤ π/2`.
    #[doc(hidden)]
    const SINE_SERIES: &'static [Self];
    /// Whole `k` and `m` from √½ to √2 in `self = 2ᵏ m`, of a positive normal number.
    #[doc(hidden)]
    fn split(self) -> (Self, Self);
    /// Pairs of uniform numbers in four random words.
    #[doc(hidden)]
    const PAIRS: usize;
    /// That pair: one in `(0, 1]` with fine steps towards 0, one in `[−½, ½]`.
    #[doc(hidden)]
    fn uniforms(words: [u32; 4], pair: usize) -> (Self, Self);
}

impl Real for f32 {
    const EPSILON: Self = f32::EPSILON;
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const ROUNDER: Self = 12_582_912.0;
    const LOG2_E: Self = std::f32::consts::LOG2_E;
    const LN_2_HIGH: Self = 355.0 / 512.0;
    const LN_2_LOW: Self = -2.121_944_4e-4;
    const EXP_LOWEST: Self = -104.0;
    const EXP_HIGHEST: Self = 89.0;
    const DECAY_LONGEST: Self = 87.33;
    const TANH_ONE: Self = 10.0;
    const EXP_SERIES: &'static [Self] = &[1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];
    const ATANH_SERIES: &'static [Self] = &[1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0, 1.0];
    const SINE_SERIES: &'static [Self] = &[
        1.0 / 6_227_020_800.0,
        -1.0 / 39_916_800.0,
        1.0 / 362_880.0,
        -1.0 / 5040.0,
        1.0 / 120.0,
        -1.0 / 6.0,
    ];
    const PAIRS: usize = 2;

    #[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is what is asked for")]
    fn of(value: f64) -> Self {
        value as f32
    }

    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        self.abs()
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        // The bits of magnitudes are ordered as they are, with NaN above infinity.
        Self::from_bits(self.to_bits().max(other.to_bits()))
    }

    #[inline(always)]
    fn fused(self, factor: Self, term: Self) -> Self {
        self.mul_add(factor, term)
    }

    #[inline(always)]
    fn power_of_two(exponent: Self) -> Self {
        // The sum's low mantissa bits hold `exponent + 127`, which the shift moves into the exponent field.
        Self::from_bits((exponent + (Self::ROUNDER + 127.0)).to_bits() << 23)
    }

    #[inline(always)]
    fn split(self) -> (Self, Self) {
        const LEAST: u32 = 0x3f35_04f3; // √½
        let bits = self.to_bits().wrapping_add(0x3f80_0000 - LEAST);
        // The biased exponent becomes the low bits of 2²³ + 127 + k: a conversion that every processor has.
        let whole = Self::from_bits((bits >> 23) | 0x4b00_0000) - (8_388_608.0 + 127.0);
        (whole, Self::from_bits((bits & 0x007f_ffff) + LEAST))
    }

    #[inline(always)]
    fn uniforms(words: [u32; 4], pair: usize) -> (Self, Self) {
        const STEP: f32 = 1.0 / 4_294_967_296.0;
        let (size, angle) = (words[2 * pair], words[2 * pair + 1]);
        ((size as f32 + 0.5) * STEP, angle.cast_signed() as f32 * STEP)
    }
}

impl Real for f64 {
    const EPSILON: Self = f64::EPSILON;
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const ROUNDER: Self = 6_755_399_441_055_744.0;
    const LOG2_E: Self = std::f64::consts::LOG2_E;
    const LN_2_HIGH: Self = 6.931_471_803_691_238e-1;
    const LN_2_LOW: Self = 1.908_214_929_270_587_7e-10;
    const EXP_LOWEST: Self = -746.0;
    const EXP_HIGHEST: Self = 710.0;
    const DECAY_LONGEST: Self = 708.39;
    const TANH_ONE: Self = 20.0;
    const EXP_SERIES: &'static [Self] = &[
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ];
    const ATANH_SERIES: &'static [Self] = &[
        1.0 / 19.0,
        1.0 / 17.0,
        1.0 / 15.0,
        1.0 / 13.0,
        1.0 / 11.0,
        1.0 / 9.0,
        1.0 / 7.0,
        1.0 / 5.0,
        1.0 / 3.0,
        1.0,
    ];
    const SINE_SERIES: &'static [Self] = &[
        1.0 / 51_090_942_171_709_440_000.0,
        -1.0 / 121_645_100_408_832_000.0,
        1.0 / 355_687_428_096_000.0,
        -1.0 / 1_307_674_368_000.0,
        1.0 / 6_227_020_800.0,
        -1.0 / 39_916_800.0,
        1.0 / 362_880.0,
        -1.0 / 5040.0,
        1.0 / 120.0,
        -1.0 / 6.0,
    ];
    const PAIRS: usize = 1;

    fn of(value: f64) -> Self {
        value
    }

    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        self.abs()
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        // The bits of magnitudes are ordered as they are, with NaN above infinity.
        Self::from_bits(self.to_bits().max(other.to_bits()))
    }

    #[inline(always)]
    fn fused(self, factor: Self, term: Self) -> Self {
        self.mul_add(factor, term)
    }

    #[inline(always)]
    fn power_of_two(exponent: Self) -> Self {
        // As for f32: `exponent + 1023` ends in the exponent field.
        Self::from_bits((exponent + (Self::ROUNDER + 1023.0)).to_bits() << 52)
    }

    #[inline(always)]
    fn split(self) -> (Self, Self) {
        const LEAST: u64 = 0x3fe6_a09e_667f_3bcd; // √½
        let bits = self.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - LEAST);
        // As for f32; AVX2 has no conversion of 64-bit integers at all.
        let whole =
            Self::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
        (whole, Self::from_bits((bits & 0x000f_ffff_ffff_ffff) + LEAST))
    }

    #[inline(always)]
    fn uniforms(words: [u32; 4], _pair: usize) -> (Self, Self) {
        const STEP: f64 = 1.0 / 4_294_967_296.0;
        let size = f64::from(words[0]) * STEP + (f64::from(words[1]) + 0.5) * (STEP * STEP);
        let angle = f64::from(words[2].cast_signed()) * STEP + f64::from(words[3]) * (STEP * STEP);
        (size, angle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_exact_over_the_normal_range() {
        for n in -126_i16..=127 {
            assert_eq!(f32::power_of_two(f32::from(n)), 2.0_f32.powi(n.into()));
        }
        for n in -1022_i16..=1023 {
            assert_eq!(f64::power_of_two(f64::from(n)), 2.0_f64.powi(n.into()));
        }
    }

    #[test]
    fn the_parts_of_ln_2_add_up_and_the_high_one_is_short() {
        let sum = f64::from(f32::LN_2_HIGH) + f64::from(f32::LN_2_LOW);
        assert!((sum - std::f64::consts::LN_2).abs() < 2e-11); // half an ulp of the low part
        assert_eq!(f64::LN_2_HIGH + f64::LN_2_LOW, std::f64::consts::LN_2);
        assert!(f32::LN_2_HIGH.to_bits().trailing_zeros() >= 8); // exponents up to 2⁸ multiply exactly
        assert!(f64::LN_2_HIGH.to_bits().trailing_zeros() >= 11);
    }
}
