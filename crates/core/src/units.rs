//! "100 fF" ↔ SI numbers: how files write quantities.
//!
//! A quantity is a bare number in SI units or text with its unit. A unit of the wrong kind is an
//! error that names the kind wanted; so is text without a unit. Reading is exact: the prefix moves
//! the decimal exponent of the text before it becomes a float, so `"100 fF"` and `100e-15` are the
//! same bits (multiplying by 1e-15 would not be). What bites: prefixes are case-sensitive, `m` is
//! milli and `M` mega, as in SI and unlike in SPICE.

mod digits;
mod share;
mod suggest;

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Unexpected, Visitor};

pub use digits::{fraction, percent, significant, with_error};
pub use share::{Share, share, share_of, some_share};

/// A quantity in a file, for the schema: a number in SI units, or text with its unit.
#[derive(Clone, Copy, Debug)]
pub struct Quantity;

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number in SI units, or text with its unit such as \"100 fF\".",
            "anyOf": [
                { "type": "number" },
                { "type": "string", "pattern": r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*[^0-9\s]+\s*$" }
            ]
        })
    }
}

/// What a quantity measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Kelvin, or degrees Celsius as `degC`.
    Temperature,
    /// Volt.
    Voltage,
    /// Farad.
    Capacitance,
    /// Siemens.
    Conductance,
    /// Ohm.
    Resistance,
    /// Ampere.
    Current,
    /// Second.
    Time,
    /// Hertz.
    Frequency,
    /// Squared volt per hertz.
    VoltagePsd,
    /// Squared ampere.
    SquaredCurrent,
    /// Joule.
    Energy,
    /// Square metre.
    Area,
    /// Volt per second.
    SlewRate,
    /// Coulomb.
    Charge,
}

/// Every kind with its name, its units (the SI one first) and an example.
const KINDS: [(Kind, &str, &[&str], &str); 14] = [
    (Kind::Temperature, "temperature", &["K"], "27 degC"),
    (Kind::Voltage, "voltage", &["V"], "20 mV"),
    (Kind::Capacitance, "capacitance", &["F"], "100 fF"),
    (Kind::Conductance, "conductance", &["S"], "10 nS"),
    (Kind::Resistance, "resistance", &["Ohm", "ohm", "Ω", "\u{2126}"], "2.5 kOhm"),
    (Kind::Current, "current", &["A"], "5 nA"),
    (Kind::Time, "time", &["s"], "1.5 us"),
    (Kind::Frequency, "frequency", &["Hz"], "10 kHz"),
    (Kind::VoltagePsd, "voltage power spectral density", &["V^2/Hz", "V²/Hz"], "1e-16 V^2/Hz"),
    (Kind::SquaredCurrent, "squared current", &["A^2", "A²"], "1e-24 A^2"),
    (Kind::Energy, "energy", &["J"], "2 pJ"),
    (Kind::Area, "area", &["m^2", "m²"], "250 um^2"),
    (Kind::SlewRate, "slew rate", &["V/s"], "5 MV/s"),
    (Kind::Charge, "charge", &["C"], "0.1 fC"),
];

/// Prefixes and their powers of ten; both code points of µ are in use.
const PREFIXES: [(&str, i32); 13] = [
    ("a", -18),
    ("f", -15),
    ("p", -12),
    ("n", -9),
    ("u", -6),
    ("µ", -6),
    ("μ", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
];

/// Units of the Celsius scale, which has an offset and takes no prefix.
const CELSIUS: [&str; 2] = ["degC", "°C"];

/// 0 °C (K), exact by definition of the scale.
const ZERO_CELSIUS: f64 = 273.15;

/// Why a text is no quantity of the kind wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// The text does not begin with a number.
    #[error("`{text}` does not begin with a number; wanted is {}", wanted(*.kind))]
    NoNumber {
        /// The text.
        text: String,
        /// The kind wanted.
        kind: Kind,
    },
    /// A number in text, without a unit.
    #[error("`{text}` has no unit; wanted is {}", wanted(*.kind))]
    NoUnit {
        /// The text.
        text: String,
        /// The kind wanted.
        kind: Kind,
    },
    /// A unit of another kind.
    #[error("`{unit}` is a unit of {}; wanted is {}", .found.name(), wanted(*.kind))]
    WrongKind {
        /// The unit found.
        unit: String,
        /// What it measures.
        found: Kind,
        /// The kind wanted.
        kind: Kind,
    },
    /// No unit at all.
    #[error("`{unit}` is no known unit{}; wanted is {}", meant(unit, *.kind), wanted(*.kind))]
    UnknownUnit {
        /// The unit found.
        unit: String,
        /// The kind wanted.
        kind: Kind,
    },
}

/// Reads a text such as `"100 fF"` as a quantity of one kind; the result is in SI units.
///
/// # Errors
/// When the text has no number, no unit, or a unit that is unknown or of another kind.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// use dyadsim::units::{Kind, parse};
/// assert_eq!(parse("100 fF", Kind::Capacitance), Ok(100e-15));
/// assert!(parse("100 fF", Kind::Voltage).is_err());
/// ```
pub fn parse(text: &str, kind: Kind) -> Result<f64, UnitError> {
    let trimmed = text.trim();
    let split = number_length(trimmed);
    let (number, unit) = (&trimmed[..split], trimmed[split..].trim());
    let no_number = || UnitError::NoNumber { text: text.into(), kind };
    let plain: f64 = number.parse().map_err(|_| no_number())?;
    if unit.is_empty() {
        return Err(UnitError::NoUnit { text: text.into(), kind });
    }
    if CELSIUS.contains(&unit) {
        return match kind {
            Kind::Temperature => Ok(plain + ZERO_CELSIUS),
            _ => Err(UnitError::WrongKind { unit: unit.into(), found: Kind::Temperature, kind }),
        };
    }
    match unit_of(unit) {
        Some((found, power)) if found == kind => scaled(number, power).ok_or_else(no_number),
        Some((found, _)) => Err(UnitError::WrongKind { unit: unit.into(), found, kind }),
        None => Err(UnitError::UnknownUnit { unit: unit.into(), kind }),
    }
}

/// Writes a value with the prefix that leaves one to three digits before the point: `"100 fF"`.
///
/// `unit` is an SI unit. The text keeps every digit: [`parse`] gives the same bits back.
/// Beyond the prefixes atto and tera the number takes an exponent.
///
/// ```
/// # use dyadsim_core as dyadsim;
/// assert_eq!(dyadsim::units::engineering(2.5e3, "Ohm"), "2.5 kOhm");
/// ```
#[must_use]
pub fn engineering(value: f64, unit: &str) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value} {unit}");
    }
    let shortest = format!("{value:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let power = exponent.div_euclid(3) * 3;
    match PREFIXES.iter().find(|(_, p)| *p == power) {
        Some((prefix, _)) => format!("{} {prefix}{unit}", shifted(mantissa, exponent - power)),
        None => format!("{shortest} {unit}"),
    }
}

impl Kind {
    /// Name in a sentence: "capacitance".
    #[must_use]
    pub fn name(self) -> &'static str {
        KINDS[self as usize].1
    }

    /// "a capacitance", "an area".
    fn with_article(self) -> String {
        let article = if self.name().starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        format!("{article} {}", self.name())
    }

    /// SI unit: "F".
    #[must_use]
    pub fn unit(self) -> &'static str {
        KINDS[self as usize].2[0]
    }

    /// An example of a text: "100 fF".
    #[must_use]
    pub fn example(self) -> &'static str {
        KINDS[self as usize].3
    }
}

/// "; did you mean `fF`?".
fn meant(unit: &str, kind: Kind) -> String {
    suggest::suggest(unit, kind).map(|unit| format!("; did you mean {unit}?")).unwrap_or_default()
}

/// "a capacitance such as "100 fF"".
fn wanted(kind: Kind) -> String {
    format!("{} such as \"{}\"", kind.with_article(), kind.example())
}

/// Bytes of the number at the start of a text: sign, digits, point, digits, exponent.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let is = |at: usize, any: &[u8]| bytes.get(at).is_some_and(|b| any.contains(b));
    let mut end = digits(usize::from(is(0, b"+-")));
    if is(end, b".") {
        end = digits(end + 1);
    }
    if is(end, b"eE") {
        let sign = end + 1 + usize::from(is(end + 1, b"+-"));
        if digits(sign.min(bytes.len())) > sign {
            end = digits(sign);
        }
    }
    end
}

/// The kind and the power of ten of a unit with its prefix, which a square squares: `nV^2/Hz` is 1e-18.
fn unit_of(text: &str) -> Option<(Kind, i32)> {
    KINDS.iter().find_map(|(kind, _, units, _)| {
        let prefix = units.iter().find_map(|unit| text.strip_suffix(unit))?;
        let (_, power) = PREFIXES.iter().find(|(name, _)| *name == prefix)?;
        let degree = if matches!(kind, Kind::VoltagePsd | Kind::SquaredCurrent | Kind::Area) { 2 } else { 1 };
        Some((*kind, degree * *power))
    })
}

/// A decimal number times a power of ten, rounded once.
fn scaled(number: &str, power: i32) -> Option<f64> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent = exponent.parse::<i32>().ok()?.saturating_add(power);
    format!("{mantissa}e{exponent}").parse().ok()
}

/// Moves the point of a mantissa `d.ddd` by 0, 1 or 2 places to the right.
fn shifted(mantissa: &str, places: i32) -> String {
    let (head, tail) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let places = places.unsigned_abs() as usize;
    let padded = format!("{tail:0<places$}");
    let (left, right) = padded.split_at(places);
    let point = if right.is_empty() { "" } else { "." };
    format!("{head}{left}{point}{right}")
}

/// Accepts an integer, a float, or text with a unit of `kind`.
struct QuantityVisitor {
    kind: Kind,
}

impl Visitor<'_> for QuantityVisitor {
    type Value = f64;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Self { kind } = self;
        write!(
            out,
            "{}: a number in {} or text such as \"{}\"",
            kind.with_article(),
            kind.unit(),
            kind.example()
        )
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    #[expect(clippy::cast_precision_loss, reason = "a whole number in a file is a float written short")]
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "a whole number in a file is a float written short")]
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        parse(text, self.kind).map_err(|error| {
            let reason = match &error {
                UnitError::WrongKind { unit, found, .. } => {
                    format!(" (`{unit}` is a unit of {})", found.name())
                }
                UnitError::UnknownUnit { unit, kind } => {
                    format!(" (`{unit}` is no known unit{})", meant(unit, *kind))
                }
                UnitError::NoUnit { .. } => " (text needs its unit)".into(),
                UnitError::NoNumber { .. } => String::new(),
            };
            E::invalid_value(Unexpected::Str(text), &format!("{self}{reason}").as_str())
        })
    }
}

impl fmt::Display for QuantityVisitor {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        self.expecting(out)
    }
}

/// Makes the functions that serde's `deserialize_with` names, one per kind.
macro_rules! readers {
    ($($name:ident $kind:ident $unit:literal;)*) => {$(
        #[doc = concat!("Reads a ", stringify!($name), " (", $unit, "): a number, or text with its unit.")]
        ///
        /// # Errors
        /// The deserializer's, when the value is neither or its unit is of another kind.
        pub fn $name<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
            from.deserialize_any(QuantityVisitor { kind: Kind::$kind })
        }
    )*};
}

readers! {
    temperature Temperature "K";
    voltage Voltage "V";
    capacitance Capacitance "F";
    conductance Conductance "S";
    resistance Resistance "Ohm";
    current Current "A";
    time Time "s";
    frequency Frequency "Hz";
    voltage_psd VoltagePsd "V^2/Hz";
    squared_current SquaredCurrent "A^2";
    energy Energy "J";
    area Area "m^2";
    slew_rate SlewRate "V/s";
    charge Charge "C";
}

#[cfg(test)]
mod tests;
