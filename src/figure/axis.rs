//! Axes: where a value stands between two ends, which ticks to show, and how numbers are written.
//!
//! Values that are not finite (or not positive on a logarithmic axis) have no place: they are
//! never drawn, and callers count them in words.

pub use dyadsim_core::statistics::range as extent;

/// How values are laid along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Evenly.
    Linear,
    /// Linear with ticks at whole numbers only.
    Whole,
    /// By their logarithm.
    Log,
    /// Names at 0, 1, 2…: no ticks of its own.
    Names,
}

/// An axis from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Kind.
    pub kind: Kind,
    /// Value at the start.
    pub low: f64,
    /// Value at the end; above `low`.
    pub high: f64,
}

/// Largest magnitude that an axis shows: differences of such numbers are still finite.
const LARGEST: f64 = 1e300;

impl Axis {
    /// A linear axis between two values; equal or unusable ones are moved apart.
    #[must_use]
    pub fn linear(low: f64, high: f64) -> Self {
        let (low, high) = (low.clamp(-LARGEST, LARGEST), high.clamp(-LARGEST, LARGEST));
        // An empty range gives (∞, −∞); a single value gets half a unit, or half of itself, on both sides.
        if low > high || !(high - low).is_finite() {
            return Self { kind: Kind::Linear, low: 0.0, high: 1.0 };
        }
        let spread = if high - low > 1e-9 * high.abs().max(low.abs()) && high > low { 0.0 } else { 0.5 };
        let spread = spread * high.abs().clamp(1e-3, LARGEST);
        Self { kind: Kind::Linear, low: low - spread, high: high + spread }
    }

    /// A linear axis over the finite values, with a margin on both sides (share of the range).
    #[must_use]
    pub fn around(values: impl Iterator<Item = f64>, margin: f64) -> Self {
        let (low, high) = extent(values.filter(|value| value.is_finite()));
        let Self { kind, low, high } = Self::linear(low, high);
        let margin = margin * (high - low);
        Self { kind, low: low - margin, high: high + margin }
    }

    /// An axis of whole numbers over the given ones, half a unit wide at least.
    #[must_use]
    pub fn whole(values: impl Iterator<Item = usize>) -> Self {
        let (low, high) = extent(values.map(count));
        let wide = if low < high { 0.0 } else { 0.5 };
        let Self { low, high, .. } = Self::linear(low - wide, high + wide);
        Self { kind: Kind::Whole, low, high }
    }

    /// A logarithmic axis over the positive finite values.
    #[must_use]
    pub fn log(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = extent(values.filter(|value| *value > 0.0 && value.is_finite()));
        let (low, high) =
            if low > high { (0.1, 1.0) } else { (low.clamp(1e-300, LARGEST), high.clamp(1e-300, LARGEST)) };
        let margin = (high / low).powf(0.06).max(if high > low { 1.0 } else { 1.5 });
        Self { kind: Kind::Log, low: low / margin, high: high * margin }
    }

    /// The axis of shares, 0 to 1 with a margin.
    #[must_use]
    pub fn shares() -> Self {
        Self { kind: Kind::Linear, low: -0.02, high: 1.02 }
    }

    /// Of a setting that was varied: logarithmic where it spans more than a decade above zero.
    #[must_use]
    pub fn of_setting(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (low, high) = extent(values.clone());
        if low > 0.0 && high > 10.0 * low { Self::log(values) } else { Self::around(values, 0.05) }
    }

    /// An axis of `count` names.
    #[must_use]
    pub fn names(names: usize) -> Self {
        Self { kind: Kind::Names, low: -0.5, high: count(names.max(1)) - 0.5 }
    }

    /// Where a value stands, 0 at `low` and 1 at `high`; `None` if it has no place.
    #[must_use]
    pub fn place(&self, value: f64) -> Option<f64> {
        if !value.is_finite() || (self.kind == Kind::Log && value <= 0.0) {
            return None;
        }
        let share = match self.kind {
            Kind::Log => (value / self.low).ln() / (self.high / self.low).ln(),
            _ => (value - self.low) / (self.high - self.low),
        };
        share.is_finite().then_some(share)
    }

    /// Ticks with their labels, about `want` of them.
    #[must_use]
    pub fn ticks(&self, want: usize) -> Vec<(f64, String)> {
        match self.kind {
            Kind::Linear => self.even_ticks(want, 0.0),
            Kind::Whole => self.even_ticks(want, 1.0),
            Kind::Log => self.log_ticks(want),
            Kind::Names => Vec::new(),
        }
    }

    fn even_ticks(&self, want: usize, least: f64) -> Vec<(f64, String)> {
        let step = nice((self.high - self.low) / count(want.max(1)));
        // Whole numbers: 2.5 would not be one, and 0.5 is too fine.
        let step = if least > 0.0 && step < 10.0 { step.ceil().max(least) } else { step };
        let slack = 1e-9 * (self.high - self.low);
        let first = ((self.low - slack) / step).ceil();
        let steps = (0..=4 * want).map(|k| (first + count(k)) * step);
        steps.take_while(|tick| *tick <= self.high + slack).map(|tick| (tick, stepped(tick, step))).collect()
    }

    fn log_ticks(&self, want: usize) -> Vec<(f64, String)> {
        let (first, last) = (self.low.log10().ceil(), self.high.log10().floor());
        let decades = last - first + 1.0;
        if decades < 2.0 {
            return self.dense_log_ticks(want);
        }
        let stride = (decades / count(want.max(1))).ceil().max(1.0);
        // Multiples of the stride, so that 10⁰ is among them if it is on the axis.
        let first = (first / stride).ceil() * stride;
        let exponents = (0..=want).map(|k| first + stride * count(k)).take_while(|e| *e <= last);
        exponents.map(|e| (10_f64.powf(e), number(10_f64.powf(e)))).collect()
    }

    /// Ticks at 1, 2, 5 (or 1, 2, …, 9) times powers of ten, for ranges of about a decade; linear ones below
    /// a factor 2.
    fn dense_log_ticks(&self, want: usize) -> Vec<(f64, String)> {
        let start = self.low.log10().floor();
        let inside = |digits: &[f64]| -> Vec<f64> {
            let all = (0..4).flat_map(|k| digits.iter().map(move |d| d * 10_f64.powf(start + count(k))));
            all.filter(|tick| (self.low..=self.high).contains(tick)).collect()
        };
        let coarse = inside(&[1.0, 2.0, 5.0]);
        if coarse.len() < 2 {
            return self.even_ticks(want, 0.0).into_iter().filter(|(tick, _)| *tick > 0.0).collect();
        }
        let skip = coarse.len().div_ceil(want.max(2));
        coarse.into_iter().step_by(skip).map(|tick| (tick, number(tick))).collect()
    }
}

/// Order of numbers that may be missing, these first; NaN has its place, which `sort_by` relies on.
#[must_use]
#[expect(clippy::ref_option, reason = "what `sort_by` hands over")]
pub fn ascending(a: &Option<f64>, b: &Option<f64>) -> std::cmp::Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(b),
        _ => a.is_some().cmp(&b.is_some()),
    }
}

/// A count as a number.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of rows and epochs are far below 2^53")]
pub fn count(items: usize) -> f64 {
    items as f64
}

/// The first of 1, 2, 2.5, 5, 10… times a power of ten that is not below `step`.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let digit = [1.0, 2.0, 2.5, 5.0].into_iter().find(|digit| digit * power >= step * (1.0 - 1e-9));
    digit.unwrap_or(10.0) * power
}

/// A tick with the decimals that its step needs.
fn stepped(tick: f64, step: f64) -> String {
    let tick = if tick.abs() < 1e-9 * step { 0.0 } else { tick };
    let decimals = (0..=4).find(|places| {
        let scaled = step * 10_f64.powi(*places);
        (scaled - scaled.round()).abs() < 1e-6 * scaled
    });
    match decimals {
        Some(places) if tick.abs() < 1e5 => minus(&format!("{tick:.*}", places.unsigned_abs() as usize)),
        _ => number(tick),
    }
}

/// A number in at most four significant digits, `0.0125`, `−3`, `1.2×10⁷`; what is not one is named.
#[must_use]
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "–".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞".into() } else { "−∞".into() };
    }
    let written = format!("{value:.3e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    if value == 0.0 || (-4..5).contains(&power) {
        let places = usize::try_from(3 - power).unwrap_or(0);
        return minus(&trimmed(&format!("{value:.places$}")));
    }
    let mantissa = trimmed(mantissa);
    let factor = if mantissa == "1" { String::new() } else { format!("{mantissa}×") };
    minus(&format!("{factor}10{}", raised(exponent)))
}

/// A setting such as α as it was most likely written: all its digits, without rounding dust.
#[must_use]
pub fn setting(value: f64) -> String {
    let plain = format!("{value}");
    if plain.len() <= 8 { minus(&plain) } else { number(value) }
}

fn trimmed(decimals: &str) -> String {
    if decimals.contains('.') {
        decimals.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        decimals.to_owned()
    }
}

fn minus(text: &str) -> String {
    if text == "-0" { "0".into() } else { text.replace('-', "−") }
}

fn raised(digits: &str) -> String {
    let up = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => digit.to_digit(10).and_then(|d| char::from_u32(0x2070 + d)).unwrap_or(digit),
    };
    digits.chars().map(up).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_a_physicist_would() {
        let cases = [
            (0.0, "0"),
            (-0.0125, "−0.0125"),
            (1234.5, "1234"),
            (12345.0, "12345"),
            (12_345_678.0, "1.235×10⁷"),
            (1e-9, "10⁻⁹"),
            (f64::INFINITY, "∞"),
            (f64::NAN, "–"),
        ];
        for (value, written) in cases {
            assert_eq!(number(value), written);
        }
        assert_eq!(setting(0.1234), "0.1234");
        assert_eq!(setting(0.1 + 0.2), "0.3");
    }

    #[test]
    fn every_axis_has_a_width_and_its_ticks_stand_on_it() {
        let awkward: [&[f64]; 7] = [
            &[],
            &[0.0],
            &[f64::NAN, 3.0],
            &[1e-320, 1e308],
            &[-1e308, 1e308],
            &[0.97, 0.9700001],
            &[2.0, 3.0, f64::INFINITY],
        ];
        for values in awkward {
            let axes = [Axis::around(values.iter().copied(), 0.05), Axis::log(values.iter().copied())];
            for axis in axes {
                assert!(axis.low < axis.high, "{values:?}: {axis:?}");
                let ticks = axis.ticks(5);
                assert!(ticks.len() <= 10, "{values:?}: {ticks:?}");
                for (tick, _) in ticks {
                    let place = axis.place(tick);
                    assert!(place.is_some_and(|p| (-1e-6..=1.0 + 1e-6).contains(&p)), "{axis:?} {tick}");
                }
            }
        }
    }

    #[test]
    fn a_logarithmic_axis_gives_equal_lengths_to_equal_ratios() {
        let axis = Axis { kind: Kind::Log, low: 1e-2, high: 1e2 };
        assert!((axis.place(1.0).unwrap() - 0.5).abs() < 1e-12); // rounding only
        assert_eq!(axis.place(0.0), None);
        assert_eq!(
            axis.ticks(5).iter().map(|t| t.1.as_str()).collect::<Vec<_>>(),
            ["0.01", "0.1", "1", "10", "100"]
        );
    }
}
