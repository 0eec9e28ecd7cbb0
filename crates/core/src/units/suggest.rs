//! The unit that was probably meant by one that does not exist.

use super::{CELSIUS, KINDS, Kind, PREFIXES};

/// Names of units in words, without the plural's `s`.
const WORDS: [(&str, &str); 12] = [
    ("kelvin", "K"),
    ("celsius", "degC"),
    ("volt", "V"),
    ("farad", "F"),
    ("siemens", "S"),
    ("ohm", "Ohm"),
    ("ampere", "A"),
    ("amp", "A"),
    ("second", "s"),
    ("sec", "s"),
    ("hertz", "Hz"),
    ("joule", "J"),
];

/// Volt per so short a time, and the same with a prefix.
const RATES: [(&str, &str); 6] = [
    ("V/ms", "kV/s"),
    ("V/us", "MV/s"),
    ("V/µs", "MV/s"),
    ("V/μs", "MV/s"),
    ("V/ns", "GV/s"),
    ("V/ps", "TV/s"),
];

/// The unit of `kind` that is most like `unit`: the same by another name, the same but for case, or one or
/// two letters off.
pub(super) fn suggest(unit: &str, kind: Kind) -> Option<String> {
    let units = KINDS[kind as usize].2;
    if kind == Kind::SlewRate
        && let Some((_, right)) = RATES.iter().find(|(written, _)| *written == unit)
    {
        return Some(format!("`{right}`"));
    }
    let word = unit.to_lowercase();
    let singular = word.strip_suffix('s').unwrap_or(&word);
    let known = |name: &str| units.contains(&name) || (kind == Kind::Temperature && CELSIUS.contains(&name));
    if let Some((_, right)) =
        WORDS.iter().find(|(written, right)| [word.as_str(), singular].contains(written) && known(right))
    {
        return Some(format!("`{right}`"));
    }
    // Plain units first: of several that are as near, the first is offered.
    let plain = units.iter().map(|unit| (*unit).to_owned());
    let prefixed = PREFIXES.iter().filter(|(prefix, _)| !prefix.is_empty());
    let prefixed = prefixed.flat_map(|(prefix, _)| units.iter().map(move |unit| format!("{prefix}{unit}")));
    let celsius = CELSIUS.iter().filter(|_| kind == Kind::Temperature).map(|unit| (*unit).to_owned());
    let candidates: Vec<String> = plain.chain(celsius).chain(prefixed).collect();
    let same: Vec<String> = candidates
        .iter()
        .filter(|candidate| candidate.to_lowercase() == unit.to_lowercase())
        .map(|candidate| format!("`{candidate}`"))
        .collect();
    if !same.is_empty() {
        return Some(same.join(" or "));
    }
    let limit = if unit.chars().count() < 4 { 1 } else { 2 };
    candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(unit, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("`{candidate}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_that_was_meant_is_offered() {
        for (unit, kind, right) in [
            ("V/us", Kind::SlewRate, "`MV/s`"),
            ("V/ns", Kind::SlewRate, "`GV/s`"),
            ("volts", Kind::Voltage, "`V`"),
            ("mhz", Kind::Frequency, "`mHz` or `MHz`"),
            ("ff", Kind::Capacitance, "`fF`"),
            ("sec", Kind::Time, "`s`"),
            ("kOms", Kind::Resistance, "`kOhm`"),
            ("celsius", Kind::Temperature, "`degC`"),
            ("nSs", Kind::Conductance, "`nS`"),
        ] {
            assert_eq!(suggest(unit, kind).as_deref(), Some(right), "{unit}");
        }
        assert_eq!(suggest("parsec", Kind::Voltage), None);
    }
}
