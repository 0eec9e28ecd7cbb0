//! Numbers for people: significant digits, so that nothing prints as 0 that is not.
//!
//! A fixed number of decimals hides a voltage of 3 nV, a β of 2e-9 and the last failing sample of a million.
//! [`significant`] keeps the digits wherever the point stands; [`percent`] and [`fraction`] keep the decimals
//! that people expect of shares and cosines as long as these show what is left to either end.

/// Decimals beyond which a share differs from one of its ends by rounding alone.
const MOST: usize = 12;
/// What is left to an end, as a share of itself, is known no better than this where it matters.
const ROUNDED: f64 = 1e-9;

/// A number in at most so many significant digits: `1.5`, `0.00022`, `2.2222e-9`.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// use dyadsim::units::significant;
/// assert_eq!(significant(2.222_222e-9, 5), "2.2222e-9");
/// assert_eq!(significant(0.5, 6), "0.5");
/// ```
#[must_use]
pub fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let places = digits.saturating_sub(1);
    // What was written as a number reads back as one.
    let rounded: f64 = format!("{value:.places$e}").parse().unwrap_or(value);
    if (1e-4..1e7).contains(&rounded.abs()) || !value.is_finite() {
        format!("{rounded}")
    } else {
        format!("{rounded:e}")
    }
}

/// A mean with its error: two digits of the error, and of the mean as many as reach as far, two at least.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// use dyadsim::units::with_error;
/// assert_eq!(with_error(0.123_456, 0.002_1), "0.1235 ± 0.0021");
/// assert_eq!(with_error(3e-9, 0.5), "3e-9 ± 0.5");
/// ```
#[must_use]
pub fn with_error(mean: f64, error: f64) -> String {
    let digits = match (exponent(mean), exponent(error)) {
        (Some(mean), Some(error)) => (mean - error + 2).clamp(2, 15),
        _ => 5,
    };
    format!("{} ± {}", significant(mean, usize::try_from(digits).unwrap_or(5)), significant(error, 2))
}

/// Power of ten of the first digit; `None` of zero and of what is no number.
fn exponent(value: f64) -> Option<i32> {
    (value != 0.0 && value.is_finite()).then(|| value.abs().log10().floor()).map(to_whole)
}

/// A share in per cent, `97.2 %`: with `places` decimals, and more where these would hide what is left to 0
/// or to 100 %.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// use dyadsim::units::percent;
/// let told = [0.5, 0.000_04, 0.999_996].map(|share| percent(share, 1));
/// assert_eq!(told, ["50.0 %", "0.0040 %", "99.99960 %"]);
/// ```
#[must_use]
pub fn percent(share: f64, places: usize) -> String {
    format!("{} %", bounded(share, 100.0, places))
}

/// A number between −1 and 1, such as a cosine: with `places` decimals, and more where these would hide what
/// is left to 0 or to either end.
#[must_use]
pub fn fraction(value: f64, places: usize) -> String {
    bounded(value, 1.0, places)
}

/// `scale` times a number that is 1 at most.
fn bounded(value: f64, scale: f64, places: usize) -> String {
    let left = value.abs().min((1.0 - value.abs()).abs());
    // A share such as 1 − 10⁻⁵ is itself rounded, to either side of a power of ten.
    let wanted =
        exponent(scale * left * (1.0 + ROUNDED)).map_or(0, |power| usize::try_from(1 - power).unwrap_or(0));
    // Of a number near an end that much is rounding; of a number near 0 the digits are its own.
    match wanted {
        none if none <= places || none > MOST && value.abs() > 0.5 => format!("{:.places$}", scale * value),
        far if far > MOST => significant(scale * value, 2),
        near => format!("{:.near$}", scale * value),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the exponent of a double is far below 2^31")]
fn to_whole(exponent: f64) -> i32 {
    exponent as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_but_zero_is_written_as_zero() {
        for power in -320..=308 {
            for value in [1.0_f64, -2.345_678, 9.999_999] {
                let value = value * 10_f64.powi(power);
                if value.is_infinite() {
                    continue; // beyond the largest double
                }
                for digits in [2, 3, 6] {
                    let read: f64 = significant(value, digits).parse().unwrap();
                    // Half a unit of the last digit; numbers without all their bits keep fewer.
                    let unit = 0.5 * 10_f64.powi(1 - i32::try_from(digits).unwrap());
                    let off = (read / value - 1.0).abs();
                    assert!(
                        value == 0.0 || power < -300 || off <= unit * (1.0 + 1e-9),
                        "{value:e}: {read:e}"
                    );
                    assert!(value == 0.0 || read != 0.0, "{value:e}");
                }
            }
        }
        assert_eq!([0.0, -0.0, f64::NAN, f64::INFINITY].map(|v| significant(v, 3)), ["0", "0", "NaN", "inf"]);
    }

    #[test]
    fn what_is_left_to_an_end_is_told() {
        let cases = [
            (0.972_34, "97.2 %"),
            (1.0, "100.0 %"),
            (0.0, "0.0 %"),
            (1e-30, "1e-28 %"),
            (1.0 - 1e-5, "99.9990 %"),
            (1.0 - 2e-16, "100.0 %"),
        ];
        for (share, text) in cases {
            assert_eq!(percent(share, 1), text);
        }
        assert_eq!(fraction(-0.000_123, 3), "-0.00012");
        assert_eq!(fraction(f64::NAN, 3), "NaN");
    }

    #[test]
    fn a_mean_has_the_digits_of_its_error_and_two_at_least() {
        assert_eq!(with_error(12.345_67, 0.0), "12.346 ± 0");
        assert_eq!(with_error(1.234_567e-9, 1.2e-12), "1.2346e-9 ± 1.2e-12");
        assert_eq!(with_error(0.0, 0.1), "0 ± 0.1");
    }
}
